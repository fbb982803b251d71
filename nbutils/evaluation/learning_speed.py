"""How fast networks learn to verify: AUC against images seen, and how many images one needs for another's.

Training losses of different objectives have no common unit, and a loss measured by its own fall reaches any share of it
whenever its schedule ends. So Fig. 6 of Luo et al. 2016 is judged here by what all its networks are for. It counts
images where the paper counts iterations, since teacher and students have batches of different sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from nbutils.errors import ParameterError
from nbutils.evaluation.interval import Interval
from nbutils.evaluation.intervals import Array, auc_influence, combined_interval
from nbutils.training.pair_watch import Watched


def auc_by_images(watched: Watched, same: npt.NDArray[np.bool_]) -> pd.Series[float]:
    """The AUC of a network along its training.

    Args:
        watched: From `nbutils.training.TrainingResult.watched`.
        same: (P,) whether each pair shows one person.

    Returns:
        AUC in percent, indexed by images seen, 0 first.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import auc_by_images
        >>> from nbutils.training import Watched
        >>> same = np.array([True, True, False, False])
        >>> distances = np.array([[1, 3, 2, 4], [1, 2, 3, 4]], np.float32)
        >>> auc_by_images(Watched(np.array([0, 10]), distances), same).tolist()
        [75.0, 100.0]
    """
    curve, _ = auc_influence(watched.distances.astype(np.float64), same)
    return pd.Series(100 * curve, index=pd.Index(watched.images, name="images"), name="AUC")


def times_as_fast(
    fast: Sequence[Watched],
    slow: Sequence[Watched],
    same: npt.NDArray[np.bool_],
    people: npt.NDArray[np.int64] | None = None,
    *,
    share: float = 0.9,
    level: float = 0.95,
) -> Interval:
    """Training images of one network ÷ those of another to the same AUC, counted from the first step on.

    The AUC that both must reach lies a share of the way from the better of their two beginnings to the worse of their
    two ends: both reach it, and neither has it for nothing. Linear between looks. Over seeds, the geometric mean of the
    ratios. The interval is made for the ratio's logarithm, whose influences follow from those of the AUCs (delta
    method): over pairs by their people, and over seeds where there are several.

    Args:
        fast: The network whose images divide, one for each seed.
        slow: The network whose images are divided, for the same seeds, on the same pairs.
        same: (P,) whether each pair shows one person.
        people: (P, 2) who is on the pairs (`VerificationResult.people`); None: not known, pairs count as independent.
        share: Of the way, in (0, 1].
        level: Coverage wanted, in (0, 1).

    Returns:
        The ratio with its interval. All NaN if for one seed, one network ends no better than the other begins.

    Raises:
        ParameterError: If the seeds or pairs differ in number, or the share is out of range.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import times_as_fast
        >>> from nbutils.training import Watched
        >>> rng, same = np.random.default_rng(0), np.arange(2000) % 2 == 0
        >>> gain = np.array([0.0, 1.0, 2.0])[:, None]  # how far apart the two kinds of pairs are, look by look
        >>> distances = (rng.normal(size=2000) - gain * same).astype(np.float32)
        >>> fast, slow = ([Watched(images * np.arange(3), distances)] for images in (10, 40))
        >>> round(times_as_fast(fast, slow, same).estimate, 6)
        4.0
    """
    if not 0 < share <= 1:
        raise ParameterError(f"share is {share}, expected a value in (0, 1]")
    if not fast or len(fast) != len(slow):
        raise ParameterError(f"{len(fast)} fast and {len(slow)} slow trainings: expected one each for the same seeds")
    for name, each in (("fast", fast), ("slow", slow)):
        for watched in each:
            if watched.distances.shape[1:] != same.shape:
                pairs = watched.distances.shape[1]
                raise ParameterError(f"{name} has {pairs} pairs and same {len(same)}: expected the same pairs")
    found = [_log_ratio(a, b, same, share) for a, b in zip(fast, slow, strict=True)]
    if any(each is None for each in found):
        return Interval(np.nan, np.nan, np.nan, level, seeds=len(fast))
    estimates, influences = zip(*(each for each in found if each is not None), strict=True)
    log = combined_interval(np.array(estimates), np.stack(influences), people, "pairs", level)

    def curve(reference: float) -> float:
        return 0.0 if log.curve is None or reference <= 0 else log.curve(float(np.log(reference)))

    low, ratio, high = (float(np.exp(value)) for value in (log.low, log.estimate, log.high))
    return replace(log, estimate=ratio, low=low, high=high, curve=curve)


def _log_ratio(fast: Watched, slow: Watched, same: npt.NDArray[np.bool_], share: float) -> tuple[float, Array] | None:
    """Logarithm of the ratio, and its (P,) influences of the pairs; None where it is not defined."""
    curves = [auc_influence(watched.distances.astype(np.float64), same) for watched in (fast, slow)]
    start, start_influence = max(((auc[0], influence[0]) for auc, influence in curves), key=lambda found: found[0])
    end, end_influence = min(((auc[-1], influence[-1]) for auc, influence in curves), key=lambda found: found[0])
    if end <= start:
        return None
    target = start + share * (end - start), start_influence + share * (end_influence - start_influence)
    (seen_fast, of_fast), (seen_slow, of_slow) = (
        _reached(watched.images, *curve, *target) for watched, curve in zip((fast, slow), curves, strict=True)
    )
    return float(np.log(seen_slow / seen_fast)), of_slow / seen_slow - of_fast / seen_fast


def _reached(
    images: npt.NDArray[np.int64], auc: Array, influence: Array, target: float, target_influence: Array
) -> tuple[float, Array]:
    """Images after which a curve first reaches its target, above its beginning, and their (P,) influences."""
    after = int((auc >= target).argmax())
    before = after - 1
    gain, taken = auc[after] - auc[before], images[after] - images[before]
    part = (target - auc[before]) / gain
    moved = target_influence - (1 - part) * influence[before] - part * influence[after]
    return float(images[before] + part * taken), taken * moved / gain
