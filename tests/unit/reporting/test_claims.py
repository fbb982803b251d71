import math

import pytest

from nbutils.errors import ParameterError
from nbutils.evaluation import Interval
from nbutils.reporting import Claim, ClaimVerdict, correct, judge
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

    verdict = claim.judged(Interval(-1.0, -2.0, -0.5, over="pairs", seeds=1, curve=lambda reference: 0.01 + reference))

    assert (verdict.claim, verdict.paper, verdict.value, verdict.verdict) == ("a", "1 against 2", -1.0, "holds")
    assert (verdict.interval, verdict.seeds, verdict.p_value) == ("95 % over pairs, one seed", 1, 0.01)


def test_many_verdicts_are_corrected_for_their_number() -> None:
    """Holm: 0.02 of three is 0.06 when 0.01 comes before it; what has no chance in it is not counted."""

    def judged(name: str, p: float | None, low: float) -> ClaimVerdict:
        claim = Claim(id=name, text="A.", source="Fig. 1", measure="m", relation="greater", printed="1 against 2")
        return claim.judged(Interval(1.0, low, 3.0, curve=None if p is None else lambda _: p))

    found = correct([judged("a", 0.03, 0.1), judged("b", 0.01, 0.2), judged("c", None, 1.0), judged("d", 0.2, -1.0)])

    assert [verdict.corrected_p_value for verdict in found] == pytest.approx([0.06, 0.03, None, 0.2])
    assert [verdict.verdict for verdict in found] == ["holds", "holds", "holds", "undecided"]
    assert [verdict.corrected for verdict in found] == ["undecided", "holds", "holds", "undecided"]
