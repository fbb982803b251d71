"""Results beside the papers' printed numbers: tables, figures, claims and the report that joins them."""

from nbutils.reporting.claims import Claim, ClaimVerdict, judge
from nbutils.reporting.printed import beside, claim, paper, printed
from nbutils.reporting.run import Run

__all__ = ["Claim", "ClaimVerdict", "Run", "beside", "claim", "judge", "paper", "printed"]
