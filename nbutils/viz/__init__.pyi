from .baseline_figures import (
    baseline_lines as baseline_lines,
)
from .baseline_figures import (
    stability_plots as stability_plots,
)
from .contact_sheets import contact_sheet as contact_sheet
from .explorers import (
    as_png as as_png,
)
from .explorers import (
    explorer as explorer,
)
from .landmark_figures import (
    error_by_turn as error_by_turn,
)
from .landmark_figures import (
    points_on_faces as points_on_faces,
)
from .landmark_figures import (
    pose_explorer as pose_explorer,
)
from .latency_figures import latency_bars as latency_bars
from .layer_figures import parameter_bars as parameter_bars
from .learning_curves import (
    convergence as convergence,
)
from .learning_curves import (
    training_curves as training_curves,
)
from .neighbour_figures import (
    neighbour_explorer as neighbour_explorer,
)
from .neighbour_figures import (
    neighbour_gallery as neighbour_gallery,
)
from .neuron_figures import (
    attribute_bars as attribute_bars,
)
from .neuron_figures import (
    group_heat_map as group_heat_map,
)
from .neuron_figures import (
    mean_faces as mean_faces,
)
from .neuron_figures import (
    neuron_bars as neuron_bars,
)
from .neuron_figures import (
    neuron_browser as neuron_browser,
)
from .pair_figures import (
    pair_explorer as pair_explorer,
)
from .pair_figures import (
    wrong_pair_faces as wrong_pair_faces,
)
from .score_figures import (
    beside_print as beside_print,
)
from .score_figures import (
    scores_beside_print as scores_beside_print,
)
from .selection_figures import (
    chosen_against_dropped as chosen_against_dropped,
)
from .selection_figures import (
    energy_trace as energy_trace,
)
from .selection_figures import (
    selection_explorer as selection_explorer,
)
from .selection_figures import (
    sweep_lines as sweep_lines,
)
from .soft_target_figures import (
    soft_target_bars as soft_target_bars,
)
from .soft_target_figures import (
    temperature_explorer as temperature_explorer,
)
from .verification_figures import (
    distance_histogram as distance_histogram,
)
from .verification_figures import (
    roc_curves as roc_curves,
)
from .verification_figures import (
    threshold_explorer as threshold_explorer,
)

__all__ = [
    "as_png",
    "attribute_bars",
    "baseline_lines",
    "beside_print",
    "chosen_against_dropped",
    "contact_sheet",
    "convergence",
    "distance_histogram",
    "energy_trace",
    "error_by_turn",
    "explorer",
    "group_heat_map",
    "latency_bars",
    "mean_faces",
    "neighbour_explorer",
    "neighbour_gallery",
    "neuron_bars",
    "neuron_browser",
    "pair_explorer",
    "parameter_bars",
    "points_on_faces",
    "pose_explorer",
    "roc_curves",
    "scores_beside_print",
    "selection_explorer",
    "soft_target_bars",
    "stability_plots",
    "sweep_lines",
    "temperature_explorer",
    "threshold_explorer",
    "training_curves",
    "wrong_pair_faces",
]
