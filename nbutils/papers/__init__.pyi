from .base import (
    Precision,
    Trainings,
    all_trainings,
    best_precision,
    check_preset,
    check_targets,
    face_data,
    probe_data,
    seed_range,
)
from .judging import judge_claims
from .printed_tables import Paper, PrintedTable, beside, claim, paper, printed

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
    "judge_claims",
    "paper",
    "printed",
    "probe_data",
    "seed_range",
]
