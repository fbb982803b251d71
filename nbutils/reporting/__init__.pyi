from .claims import (
    Claim as Claim,
)
from .claims import (
    ClaimVerdict as ClaimVerdict,
)
from .claims import (
    judge as judge,
)
from .report import build_report as build_report
from .run import Run as Run

__all__ = [
    "Claim",
    "ClaimVerdict",
    "Run",
    "build_report",
    "judge",
]
