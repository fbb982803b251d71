from .influence_figures import (
    influence_bars as influence_bars,
)
from .influence_figures import (
    influence_explorer as influence_explorer,
)
from .influence_figures import (
    influence_view as influence_view,
)
from .transfer_cells import (
    DIVISORS as DIVISORS,
)
from .transfer_cells import (
    INFLUENCES as INFLUENCES,
)
from .transfer_cells import (
    START_NAMES as START_NAMES,
)
from .transfer_cells import (
    TEACHER as TEACHER,
)
from .transfer_cells import (
    Cell as Cell,
)
from .transfer_cells import (
    beside_cells as beside_cells,
)
from .transfer_cells import (
    by_fields as by_fields,
)
from .transfer_cells import (
    influences as influences,
)
from .transfer_networks import (
    Networks as Networks,
)
from .transfer_networks import (
    face_sets as face_sets,
)
from .transfer_networks import (
    general_objective as general_objective,
)
from .transfer_pipeline import transfer_pipeline_figure as transfer_pipeline_figure
from .wang2017_notebooks import (
    NOTEBOOKS as NOTEBOOKS,
)
from .wang2017_notebooks import (
    alignment_trainings as alignment_trainings,
)
from .wang2017_notebooks import (
    classification_trainings as classification_trainings,
)
from .wang2017_notebooks import (
    paper_size as paper_size,
)
from .wang2017_notebooks import (
    verification_trainings as verification_trainings,
)

__all__ = [
    "DIVISORS",
    "INFLUENCES",
    "NOTEBOOKS",
    "START_NAMES",
    "TEACHER",
    "Cell",
    "Networks",
    "alignment_trainings",
    "beside_cells",
    "by_fields",
    "classification_trainings",
    "face_sets",
    "general_objective",
    "influence_bars",
    "influence_explorer",
    "influence_view",
    "influences",
    "paper_size",
    "transfer_pipeline_figure",
    "verification_trainings",
]
