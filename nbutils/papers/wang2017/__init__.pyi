from .influence_figures import influence_bars, influence_explorer, influence_view
from .parameter_search import parse_values, search_trials
from .table2_scores import SizeScores, named_people, size_scores
from .transfer_cells import (
    DIVISORS,
    INFLUENCES,
    START_NAMES,
    TEACHER,
    Cell,
    beside_cells,
    by_fields,
    in_words,
    influences,
    where_both_help,
)
from .transfer_networks import Networks, both_targets, face_sets, general_objective
from .transfer_pipeline import transfer_pipeline_figure
from .wang2017_notebooks import (
    NOTEBOOKS,
    alignment_trainings,
    gain_trainings,
    paper_size,
    search_trainings,
    size_trainings,
    start_trainings,
    transfer_lesson_trainings,
    verification_trainings,
)

__all__ = [
    "DIVISORS",
    "INFLUENCES",
    "NOTEBOOKS",
    "START_NAMES",
    "TEACHER",
    "Cell",
    "Networks",
    "SizeScores",
    "alignment_trainings",
    "beside_cells",
    "both_targets",
    "by_fields",
    "face_sets",
    "gain_trainings",
    "general_objective",
    "in_words",
    "influence_bars",
    "influence_explorer",
    "influence_view",
    "influences",
    "named_people",
    "paper_size",
    "parse_values",
    "search_trainings",
    "search_trials",
    "size_scores",
    "size_trainings",
    "start_trainings",
    "transfer_lesson_trainings",
    "transfer_pipeline_figure",
    "verification_trainings",
    "where_both_help",
]
