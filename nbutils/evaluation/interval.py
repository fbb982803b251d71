"""An estimate with its interval, and the correction of many p-values. `intervals` makes intervals, with SciPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval.

    Attributes:
        estimate: The value itself.
        low: Lower end; NaN where there is no interval.
        high: Upper end.
        level: Coverage wanted.
        over: What the interval is over besides seeds, "6,000 pairs clustered by their 300 people"; empty: nothing.
        seeds: Number of trainings; None where training plays no part.
        curve: The two-sided p-value of each value that the quantity might have; None where there is none.
    """

    estimate: float
    low: float
    high: float
    level: float = 0.95
    over: str = ""
    seeds: int | None = None
    curve: Callable[[float], float] | None = field(default=None, compare=False, repr=False)

    @property
    def how(self) -> str:
        """How the interval was made, as a reader needs it."""
        if np.isnan(self.low):
            return f"no interval{': not defined' if np.isnan(self.estimate) else ' over seeds: there is one seed'}"
        if not self.over and self.seeds is None:
            return "no chance in it"
        return f"{100 * self.level:g} % over {self.chances}{', one seed' if self.seeds == 1 else ''}"

    @property
    def chances(self) -> str:
        """What it covers, such as "pairs and 3 seeds"."""
        trained = [] if self.seeds in (None, 1) else [f"{self.seeds} seeds"]
        return " and ".join([self.over] * bool(self.over) + trained)

    def p_value(self, reference: float = 0.0) -> float | None:
        """Two-sided p-value of the quantity being `reference`: below 1 − level just where the interval excludes it."""
        return None if self.curve is None else self.curve(reference)

    def scaled(self, factor: float) -> Interval:
        """The interval in another unit, such as points for 100; the factor is positive."""
        curve = self.curve
        return replace(
            self,
            estimate=factor * self.estimate,
            low=factor * self.low,
            high=factor * self.high,
            curve=None if curve is None else lambda reference: curve(reference / factor),
        )


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number (Holm 1979): with probability 1 − α, none that stays below α is so by chance.

    Example:
        >>> from nbutils.evaluation import holm
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    corrected, least = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        least = max(least, min(1.0, (len(p_values) - rank) * float(p_values[place])))
        corrected[place] = least
    return corrected
