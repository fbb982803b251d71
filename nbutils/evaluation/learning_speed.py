"""How fast networks learn to verify: AUC against optimiser steps, and how many steps one takes for another's.

Training losses of different objectives have no common unit, and a loss measured by its own fall reaches any share of it
whenever its schedule ends. So Fig. 6 of Luo et al. 2016 is judged here by what all its networks are for.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbutils.errors import ParameterError
from nbutils.evaluation.resampling import BootstrapInterval
from nbutils.evaluation.verification import weighted_auc
from nbutils.training.pair_watch import Watched


def auc_by_step(watched: Watched, same: npt.NDArray[np.bool_]) -> pd.Series[float]:
    """The AUC of a network along its training.

    Args:
        watched: From `nbutils.training.TrainingResult.watched`.
        same: (P,) whether each pair shows one person.

    Returns:
        AUC in percent, indexed by step, 0 first.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import auc_by_step
        >>> from nbutils.training import Watched
        >>> same = np.array([True, True, False, False])
        >>> distances = np.array([[1, 3, 2, 4], [1, 2, 3, 4]], np.float32)
        >>> auc_by_step(Watched(np.array([0, 10]), distances), same).tolist()
        [75.0, 100.0]
    """
    curve = _curves(watched, same, np.ones((1, len(same))))[:, 0]
    return pd.Series(100 * curve, index=pd.Index(watched.steps, name="step"), name="AUC")


def times_as_fast(
    fast: Watched,
    slow: Watched,
    same: npt.NDArray[np.bool_],
    *,
    share: float = 0.9,
    samples: int = 500,
    seed: int = 0,
    level: float = 0.95,
) -> BootstrapInterval:
    """Steps of one network ÷ steps of another to the same AUC, counted from step 0, with a bootstrap over pairs.

    The AUC that both must reach lies a share of the way from the better of their two beginnings to the worse of their
    two ends: both reach it, and neither has it for nothing. Linear between looks.

    Args:
        fast: The network whose steps divide.
        slow: The network whose steps are divided, on the same pairs.
        same: (P,) whether each pair shows one person.
        share: Of the way, in (0, 1].
        samples: Number of resamples; pairs are drawn within matched and within mismatched ones.
        seed: Of the draws.
        level: Coverage wanted, in (0, 1).

    Returns:
        The ratio with its interval. All NaN if one ends no better than the other begins; NaN ends where that happens
        in a resample.

    Raises:
        ParameterError: If the pairs differ in number, or the share is out of range.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import times_as_fast
        >>> from nbutils.training import Watched
        >>> rng, same = np.random.default_rng(0), np.arange(2000) % 2 == 0
        >>> gain = np.array([0.0, 1.0, 2.0])[:, None]  # how far apart the two kinds of pairs are, look by look
        >>> distances = (rng.normal(size=2000) - gain * same).astype(np.float32)
        >>> fast, slow = (Watched(steps * np.arange(3), distances) for steps in (10, 40))
        >>> round(times_as_fast(fast, slow, same).estimate, 6)
        4.0
    """
    if not 0 < share <= 1:
        raise ParameterError(f"share is {share}, expected a value in (0, 1]")
    for name, watched in (("fast", fast), ("slow", slow)):
        if watched.distances.shape[1:] != same.shape:
            pairs = watched.distances.shape[1]
            raise ParameterError(f"{name} has {pairs} pairs and same {len(same)}: expected the same pairs")
    rng = np.random.default_rng(seed)
    weights = np.ones((samples + 1, len(same)))  # the first: the pairs as they are
    for kind in (same, ~same):
        weights[1:, kind] = rng.multinomial(kind.sum(), np.full(kind.sum(), 1 / kind.sum()), size=samples)
    curves = _curves(fast, same, weights), _curves(slow, same, weights)
    start, end = np.maximum(*(curve[0] for curve in curves)), np.minimum(*(curve[-1] for curve in curves))
    target = np.where(end > start, start + share * (end - start), np.nan)
    steps = [_reached(watched.steps, curve, target) for watched, curve in zip((fast, slow), curves, strict=True)]
    ratio = steps[1] / steps[0]
    low, high = np.quantile(ratio[1:], [(1 - level) / 2, (1 + level) / 2])
    return BootstrapInterval(float(ratio[0]), float(low), float(high), level)


def _curves(watched: Watched, same: npt.NDArray[np.bool_], weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(T, R) AUC of each look under each weighting."""
    return np.stack([weighted_auc(row.astype(np.float64), same, weights) for row in watched.distances])


def _reached(
    steps: npt.NDArray[np.int64], curve: npt.NDArray[np.float64], target: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """(R,) steps at which each column of the curve first reaches its target, above its beginning; NaN where none is."""
    after = (curve >= target).argmax(axis=0)
    column = np.arange(len(target))
    before, below, above = after - 1, curve[after - 1, column], curve[after, column]
    with np.errstate(invalid="ignore"):
        found: npt.NDArray[np.float64] = steps[before] + (target - below) / (above - below) * (
            steps[after] - steps[before]
        )
    return np.where(np.isnan(target), np.nan, found)
