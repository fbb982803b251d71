from .baseline_figures import baseline_lines, stability_plots
from .choice_figures import energies_of_choices
from .contact_sheets import contact_sheet
from .explorer_widget import Explorer, Shown, as_png
from .explorers import explorer, variable_name
from .landmark_figures import error_by_turn, points_on_faces, pose_explorer
from .latency_figures import latency_bars
from .layer_figures import parameter_bars
from .learning_curves import convergence, training_curves, verification_curves
from .neighbour_figures import neighbour_explorer, neighbour_gallery
from .neuron_figures import attribute_dots, group_heat_map, mean_faces, neuron_bars, neuron_browser, neuron_view
from .pair_figures import pair_explorer, wrong_pair_faces
from .picture_grid import PictureGrid
from .rate_figures import rate_lines
from .score_figures import beside_print, scores_beside_print, scores_with_intervals
from .selection_figures import chosen_against_dropped, energy_trace, selection_explorer, sweep_lines
from .soft_target_figures import soft_target_bars, temperature_explorer
from .sweep_curves import swept_curves, worker_curves
from .verification_figures import distance_histogram, roc_curves, threshold_explorer

__all__ = [
    "Explorer",
    "PictureGrid",
    "Shown",
    "as_png",
    "attribute_dots",
    "baseline_lines",
    "beside_print",
    "chosen_against_dropped",
    "contact_sheet",
    "convergence",
    "distance_histogram",
    "energies_of_choices",
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
    "neuron_view",
    "pair_explorer",
    "parameter_bars",
    "points_on_faces",
    "pose_explorer",
    "rate_lines",
    "roc_curves",
    "scores_beside_print",
    "scores_with_intervals",
    "selection_explorer",
    "soft_target_bars",
    "stability_plots",
    "sweep_lines",
    "swept_curves",
    "temperature_explorer",
    "threshold_explorer",
    "training_curves",
    "variable_name",
    "verification_curves",
    "worker_curves",
    "wrong_pair_faces",
]
