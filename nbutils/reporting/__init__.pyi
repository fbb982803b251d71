from .claims import Claim, ClaimVerdict, correct, judge
from .report import build_report
from .run import Run

__all__ = [
    "Claim",
    "ClaimVerdict",
    "Run",
    "build_report",
    "correct",
    "judge",
]
