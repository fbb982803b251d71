from .claims import Claim, ClaimVerdict, judge
from .report import build_report
from .run import Run

__all__ = [
    "Claim",
    "ClaimVerdict",
    "Run",
    "build_report",
    "judge",
]
