"""Bootstrap intervals over pairs, for one model and for the difference of two on the same pairs.

Pairs are drawn with replacement within matched and within mismatched pairs, since LFW's protocol fixes how
many there are of each; for fold accuracy within each fold too, as the protocol fixes the folds. Both models
of a difference see the same draws. Pairs are taken as independent: LFW's share some images and people, so
that intervals are slightly too narrow there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from nbutils.errors import ParameterError
from nbutils.evaluation.verification import VerificationResult, fold_accuracies, weighted_auc

Statistic = Literal["auc", "accuracy"]

#: Resamples handled at once: their weights stay within the processor's cache.
_CHUNK = 32


@dataclass(frozen=True)
class BootstrapInterval:
    """A statistic on the pairs as they are, with its percentile interval at `level`."""

    estimate: float
    low: float
    high: float
    level: float


def bootstrap(
    result: VerificationResult,
    *,
    statistic: Statistic = "auc",
    samples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> BootstrapInterval:
    """Percentile interval of one model's AUC or fold accuracy, both in [0, 1].

    Args:
        result: the model's result.
        statistic: "auc" or "accuracy".
        samples: number of resamples.
        seed: seed of the draws.
        level: coverage wanted, in (0, 1).

    Raises:
        ParameterError: an option out of its range.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import bootstrap, evaluate_pairs
        >>> rng = np.random.default_rng(0)
        >>> same = np.arange(100) % 2 == 0
        >>> first = rng.normal(size=(100, 8))
        >>> second = np.where(same[:, None], first, 0) + rng.normal(size=(100, 8))
        >>> interval = bootstrap(evaluate_pairs(first, second, same, np.arange(100) // 10), samples=200)
        >>> interval.low < interval.estimate < interval.high
        True
    """
    return _interval([result], statistic, samples, seed, level)


def paired_bootstrap(
    result_a: VerificationResult,
    result_b: VerificationResult,
    *,
    statistic: Statistic = "auc",
    samples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> BootstrapInterval:
    """Percentile interval of the difference a − b of two models' AUC or fold accuracy on the same pairs.

    Args:
        result_a: the first model's result.
        result_b: the second model's result, on the same pairs in the same order.
        statistic: "auc" or "accuracy".
        samples: number of resamples.
        seed: seed of the draws.
        level: coverage wanted, in (0, 1).

    Raises:
        ParameterError: an option out of its range, or results on different pairs.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import evaluate_pairs, paired_bootstrap
        >>> rng = np.random.default_rng(0)
        >>> same, folds = np.arange(100) % 2 == 0, np.arange(100) // 10
        >>> first, noise = rng.normal(size=(2, 100, 8))
        >>> second = np.where(same[:, None], first, 0)
        >>> clean = evaluate_pairs(first, second + noise, same, folds)
        >>> noisy = evaluate_pairs(first, second + 3 * noise, same, folds)
        >>> paired_bootstrap(clean, noisy, samples=200).low > 0  # better in nearly every resample
        True
    """
    for name in ("same", "folds"):
        if not np.array_equal(getattr(result_a, name), getattr(result_b, name)):
            raise ParameterError(f"result_b differs from result_a in {name}, expected results on the same pairs")
    return _interval([result_a, result_b], statistic, samples, seed, level)


def _interval(
    results: list[VerificationResult], statistic: Statistic, samples: int, seed: int, level: float
) -> BootstrapInterval:
    if statistic not in ("auc", "accuracy"):
        raise ParameterError(f"statistic is {statistic!r}, expected 'auc' or 'accuracy'")
    if samples < 1:
        raise ParameterError(f"samples is {samples}, expected at least 1")
    if not 0 < level < 1:
        raise ParameterError(f"level is {level}, expected a share in (0, 1)")
    same, folds = results[0].same, results[0].folds
    strata = same + 2 * folds if statistic == "accuracy" else same.astype(np.int64)
    members = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    rng = np.random.default_rng(seed)
    drawn = np.concatenate(
        [
            _values(results, statistic, _weights(members, len(same), min(_CHUNK, samples - start), rng))
            for start in range(0, samples, _CHUNK)
        ]
    )
    estimate = _values(results, statistic, np.ones((1, len(same))))[0]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return BootstrapInterval(float(estimate), float(low), float(high), level)


def _weights(
    members: list[npt.NDArray[np.intp]], pairs: int, samples: int, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """How often each pair is drawn in each resample, (samples, pairs)."""
    rows = np.arange(samples)[:, None] * pairs
    drawn = [stratum[rng.integers(len(stratum), size=(samples, len(stratum)))] + rows for stratum in members]
    counts = np.bincount(np.concatenate(drawn, axis=1).ravel(), minlength=samples * pairs)
    return counts.reshape(samples, pairs).astype(np.float64)


def _values(
    results: list[VerificationResult], statistic: Statistic, weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The statistic of one result, or the first's less the second's, under each weighting, (R,)."""
    values = []
    for result in results:
        if statistic == "auc":
            values.append(weighted_auc(result.distances, result.same, weights))
        else:
            accuracies = fold_accuracies(result.distances, result.same, result.folds, weights)
            values.append(accuracies.mean(axis=1))
    return values[0] - values[1] if len(values) == 2 else values[0]
