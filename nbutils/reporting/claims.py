"""A paper's claims and their verdicts, each from an interval and from nothing else, then corrected for their number."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from nbutils.errors import ParameterError
from nbutils.evaluation.interval import Interval, holm

Relation = Literal["greater", "less"]
Verdict = Literal["holds", "does not hold", "undecided"]

#: What stands beside each verdict of a run at preset "smoke".
WITHOUT_MEANING = "smoke run: without meaning"


def is_without_meaning(preset: object) -> bool:
    """Whether a run at `preset` only shows that everything works: its numbers and verdicts say nothing."""
    return preset == "smoke"


def caveats(seeds: int | None, preset: object) -> list[str]:
    """What stands beside a verdict.

    Args:
        seeds: number of trainings behind it; None where training plays no part.
        preset: of its run.
    """
    found = {"one seed": seeds == 1, WITHOUT_MEANING: is_without_meaning(preset)}
    return [text for text, applies in found.items() if applies]


def judge(low: float, high: float, *, relation: Relation, reference: float = 0.0) -> Verdict:
    """Verdict on "the quantity is `relation` than `reference`" from the quantity's interval [low, high].

    Args:
        low: lower end of the interval, for instance of a difference of two AUCs.
        high: upper end.
        relation: the side of `reference` that the claim names.
        reference: 0 for a difference.

    Returns:
        "holds" if the whole interval lies on the claimed side, "does not hold" if it lies wholly on the
        other, else "undecided"; an interval with an undefined end decides nothing.

    Raises:
        ParameterError: `low` is above `high`, or the relation is neither "greater" nor "less".

    Example:
        >>> from nbutils.reporting import judge
        >>> judge(0.1, 0.7, relation="greater"), judge(-0.2, 0.7, relation="greater")
        ('holds', 'undecided')
    """
    if relation not in ("greater", "less"):
        raise ParameterError(f"relation is {relation!r}, expected 'greater' or 'less'")
    if math.isnan(low) or math.isnan(high):
        return "undecided"
    if low > high:
        raise ParameterError(f"the interval [{low}, {high}] is empty: expected low <= high")
    above, below = low > reference, high < reference
    if not above and not below:
        return "undecided"
    return "holds" if above == (relation == "greater") else "does not hold"


class ClaimVerdict(BaseModel):
    """A claim beside what a run found.

    Attributes:
        claim: the claim's name in the paper's data.
        text: the claim in a sentence.
        source: where the paper makes it.
        paper: the paper's own numbers, as text.
        measure: the quantity that is judged.
        value: our estimate of it.
        low: lower end of its interval.
        high: upper end of its interval.
        interval: how the interval was made: "95 % over 6,000 pairs clustered by their 300 people, one seed".
        seeds: number of trainings behind it; None where training plays no part.
        p_value: two-sided p-value of the quantity being `reference`; None where there is none.
        relation: the claimed side of `reference`.
        reference: what the quantity is compared with.
        verdict: what the interval says.
        level: coverage of the interval.
        corrected_p_value: the p-value corrected for the number of the run's claims; None before `correct`.
        corrected: the verdict that remains then.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")

    claim: str
    text: str
    source: str
    paper: str
    measure: str
    value: float
    low: float
    high: float
    interval: str
    relation: Relation
    reference: float
    verdict: Verdict
    level: float = 0.95
    seeds: int | None = None
    p_value: float | None = None
    corrected_p_value: float | None = None
    corrected: Verdict | None = None


def correct(verdicts: Iterable[ClaimVerdict]) -> list[ClaimVerdict]:
    """The verdicts of a run with what remains of each once all p-values are corrected for their number (Holm 1979).

    A verdict without a p-value has no chance in it, or no interval, and remains what it is.

    Example:
        >>> from nbutils.evaluation import mean_interval
        >>> from nbutils.papers import claim
        >>> from nbutils.reporting import correct
        >>> gains = mean_interval([0.1, 0.9] * 20), mean_interval([-0.7, 0.9] * 20)
        >>> names = "fig3-selection-over-labels", "fig3-selection-over-neurons"
        >>> found = [claim("luo2016", name).judged(gain) for name, gain in zip(names, gains)]
        >>> [(verdict.verdict, verdict.corrected) for verdict in correct(found)]
        [('holds', 'holds'), ('undecided', 'undecided')]
    """
    verdicts = list(verdicts)
    p_values = [verdict.p_value for verdict in verdicts if verdict.p_value is not None]
    corrected = iter(holm(p_values))
    found = []
    for verdict in verdicts:
        p = None if verdict.p_value is None else next(corrected)
        remains = verdict.verdict if p is None or p < 1 - verdict.level else "undecided"
        found.append(verdict.model_copy(update={"corrected_p_value": p, "corrected": remains}))
    return found


class Claim(BaseModel):
    """A claim of a paper: "`measure` is `relation` than `reference`".

    Attributes:
        id: name, unique in the paper.
        text: the claim in a sentence.
        source: section, figure or table that makes it.
        measure: the quantity that decides it, for instance "AUC of selection − AUC of neurons, in points".
        relation: side of `reference` on which the quantity is claimed to lie.
        reference: 0 for a difference.
        printed: the paper's own numbers for it, as text; taken from `rows` where these are given.
        table: name of the printed table that supports it, or None.
        rows: the two rows of `table` whose difference (first − second) is the quantity, or None.
        called: what these rows are called, where their names are no words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    text: str
    source: str
    measure: str
    relation: Relation
    reference: float = 0.0
    printed: str = ""
    table: str | None = None
    rows: tuple[str, str] | None = None
    called: tuple[str, str] | None = None

    def judged(self, ours: Interval) -> ClaimVerdict:
        """The verdict on this claim from the interval of our value of its `measure`, in the measure's unit."""
        return ClaimVerdict(
            claim=self.id,
            text=self.text,
            source=self.source,
            paper=self.printed,
            measure=self.measure,
            value=ours.estimate,
            low=ours.low,
            high=ours.high,
            interval=ours.how,
            relation=self.relation,
            reference=self.reference,
            verdict=judge(ours.low, ours.high, relation=self.relation, reference=self.reference),
            level=ours.level,
            seeds=ours.seeds,
            p_value=ours.p_value(self.reference),
        )
