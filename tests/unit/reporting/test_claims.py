import math

import pytest

from nbutils.errors import ParameterError
from nbutils.reporting import Claim, judge
from nbutils.reporting.claims import Relation, Verdict


@pytest.mark.parametrize(
    ("low", "high", "relation", "verdict"),
    [
        (0.1, 0.5, "greater", "holds"),
        (-0.5, -0.1, "greater", "does not hold"),
        (-0.1, 0.5, "greater", "undecided"),
        (-0.5, -0.1, "less", "holds"),
        (0.1, 0.5, "less", "does not hold"),
        (-0.1, 0.5, "less", "undecided"),
        # An interval that touches the reference leaves "no difference" possible.
        (0.0, 0.5, "greater", "undecided"),
        (-0.5, 0.0, "greater", "undecided"),
        (0.0, 0.0, "less", "undecided"),
        (math.nan, 0.5, "greater", "undecided"),
        (0.1, math.nan, "greater", "undecided"),
        (0.1, math.inf, "greater", "holds"),
    ],
)
def test_verdict_by_the_interval(low: float, high: float, relation: Relation, verdict: Verdict) -> None:
    assert judge(low, high, relation=relation) == verdict


def test_verdict_against_a_reference() -> None:
    assert judge(4.0, 4.9, relation="greater", reference=5) == "does not hold"
    assert judge(5.1, 9.0, relation="greater", reference=5) == "holds"


def test_an_empty_interval_or_unknown_relation_is_refused() -> None:
    with pytest.raises(ParameterError, match="low <= high"):
        judge(1.0, 0.0, relation="greater")
    with pytest.raises(ParameterError, match="'above'"):
        judge(0.0, 1.0, relation="above")  # type: ignore[arg-type]


def test_a_judged_claim_carries_both_sides() -> None:
    claim = Claim(id="a", text="A.", source="Fig. 1", measure="m", relation="less", printed="1 against 2")

    verdict = claim.judged(-1.0, -2.0, -0.5, interval="95 %")

    assert (verdict.claim, verdict.paper, verdict.value, verdict.verdict) == (
        "a",
        "1 against 2",
        -1.0,
        "holds",
    )
