from .base import (
    Precision as Precision,
)
from .base import (
    Trainings as Trainings,
)
from .base import (
    all_trainings as all_trainings,
)
from .base import (
    best_precision as best_precision,
)
from .base import (
    check_preset as check_preset,
)
from .base import (
    check_targets as check_targets,
)
from .base import (
    face_data as face_data,
)
from .printed_tables import (
    Paper as Paper,
)
from .printed_tables import (
    PrintedTable as PrintedTable,
)
from .printed_tables import (
    beside as beside,
)
from .printed_tables import (
    claim as claim,
)
from .printed_tables import (
    paper as paper,
)
from .printed_tables import (
    printed as printed,
)

__all__ = [
    "Paper",
    "Precision",
    "PrintedTable",
    "Trainings",
    "all_trainings",
    "beside",
    "best_precision",
    "check_preset",
    "check_targets",
    "claim",
    "face_data",
    "paper",
    "printed",
]
