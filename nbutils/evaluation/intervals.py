"""Intervals that cover: of means and of verification, over people who share images and pairs, and over seeds.

A statistic is taken once a training (seed) and averaged. Two chances move the average. One is whom the test shows:
each image or pair has an *influence* on the statistic (an AUC's: DeLong et al. 1988), and influences are summed by
person, since images of one person are alike, and a pair belongs to both its people (the dyadic variance of Aronow,
Samii & Assenova 2015). The other is the training: the spread over seeds. Several readers of one set of X-ray images are
the same problem, and the variance here is the one known there (Obuchowski & Rockette 1995; Hillis 2007),

    variance of the average over S seeds = (variance between the seeds' values) / S + (mean covariance of two seeds),

where the covariance is that of their influences. What two seeds err in on the same pairs by chance is in the first term
alone. With one seed only the people's term is known: such an interval does not cover the chance of training.

References:
    Aronow, Samii & Assenova (2015). Cluster-robust variance estimation for dyadic data. Political Analysis 23.
    Cochran (1964). Approximate significance levels of the Behrens–Fisher test. Biometrics 20.
    DeLong, DeLong & Clarke-Pearson (1988). Comparing the areas under two or more correlated ROC curves. Biometrics 44.
    Hillis (2007). A comparison of denominator degrees of freedom for multiple observer ROC. Statistics in Medicine 26.
    Holm (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6.
    Obuchowski & Rockette (1995). Hypothesis testing of diagnostic accuracy for multiple readers. Comm. Statistics 24.
    Satterthwaite (1946). An approximate distribution of estimates of variance components. Biometrics Bulletin 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.sparse import csr_array
from scipy.special import expit, logit
from scipy.stats import rankdata, t

from nbutils.errors import ParameterError
from nbutils.evaluation.interval import Interval
from nbutils.evaluation.verification import VerificationResult

Array = npt.NDArray[np.float64]
Statistic = Literal["auc", "accuracy"]
#: One network's result, or one for each of its trainings.
Results: TypeAlias = VerificationResult | Sequence[VerificationResult]

#: Least p-value that is told apart from 0, and the exponent of `critical_value`.
_LEAST_P, _EXPONENT = 1e-12, 1.25


def verification_interval(
    results: Results, minus: Results | None = None, *, statistic: Statistic = "auc", level: float = 0.95
) -> Interval:
    """Interval of a network's AUC or fold accuracy, in [0, 1], or of the difference of two networks on the same pairs.

    The pairs' people are taken from the results; where these do not know them, pairs count as independent, and the
    interval says so. A fold accuracy's influences are those at given thresholds, which lie where accuracy does not
    change to first order; for the rest, its interval has F − 1 degrees of freedom, as LFW's standard error has.

    Args:
        results: The network's result, or one for each of its trainings with different seeds.
        minus: Those of the network whose value is subtracted, seed by seed; None: of none.
        statistic: "auc" or "accuracy".
        level: Coverage wanted, in (0, 1).

    Raises:
        ParameterError: An option out of its range, other numbers of seeds, or results on different pairs.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import evaluate_pairs, verification_interval
        >>> rng = np.random.default_rng(0)
        >>> same, folds = np.arange(100) % 2 == 0, np.arange(100) // 10
        >>> first, noise = rng.normal(size=(2, 100, 8))
        >>> second = np.where(same[:, None], first, 0)
        >>> clean = evaluate_pairs(first, second + noise, same, folds)
        >>> noisy = evaluate_pairs(first, second + 3 * noise, same, folds)
        >>> verification_interval(clean, minus=noisy).low > 0
        True
        >>> verification_interval([clean, noisy]).how  # as if they were two trainings of one network
        '95 % over 100 pairs as if independent (their people are not known) and 2 seeds'
    """
    own, other = _listed(results), None if minus is None else _listed(minus)
    if statistic not in ("auc", "accuracy"):
        raise ParameterError(f"statistic is {statistic!r}, expected 'auc' or 'accuracy'")
    if not own or (other is not None and len(other) != len(own)):
        raise ParameterError(f"{len(own)} results minus {len(other or ())}: expected one for each of the same seeds")
    for result in (*own[1:], *(other or ())):
        for name in ("same", "folds", "people"):
            if not np.array_equal(getattr(result, name), getattr(own[0], name)):
                raise ParameterError(f"the results differ in {name}, expected results on the same pairs")
    estimates, influence = _statistics(own, statistic)
    if other is not None:
        subtracted = _statistics(other, statistic)
        estimates, influence = estimates - subtracted[0], influence - subtracted[1]
    freedom = int(own[0].folds.max()) if statistic == "accuracy" else None
    return combined_interval(estimates, influence, own[0].people, "pairs", level, share=other is None, freedom=freedom)


def mean_interval(
    values: npt.ArrayLike,
    people: npt.NDArray[np.int64] | None = None,
    *,
    unit: str = "images",
    level: float = 0.95,
) -> Interval:
    """Interval of a mean over images and, where there are several, over trainings.

    Args:
        values: (N,) a value an image, or (S, N) for S trainings with different seeds. Of booleans it is the interval of
            a share, which stays within [0, 1].
        people: (N,) the person of each image; None: images are independent.
        unit: What the N are, for `Interval.how`.
        level: Coverage wanted, in (0, 1).

    Raises:
        ParameterError: There are fewer than two values, one is not finite, or the people are of another length.

    Example:
        >>> from nbutils.evaluation import mean_interval
        >>> interval = mean_interval([True] * 80 + [False] * 20)
        >>> interval.estimate, interval.low < 0.8 < interval.high
        (0.8, True)
    """
    given = np.atleast_2d(np.asarray(values))
    table = given.astype(np.float64)
    if table.ndim != 2 or table.shape[1] < 2 or not len(table) or not np.isfinite(table).all():
        raise ParameterError(f"values have shape {table.shape}: expected finite ones, (N,) or (S, N), N at least 2")
    if people is not None and len(people) != table.shape[1]:
        raise ParameterError(f"people has {len(people)} rows, expected one for each of {table.shape[1]} {unit}")
    estimates, count = table.mean(axis=1), table.shape[1]
    influence = (table - estimates[:, None]) / np.sqrt(count * (count - 1))
    return combined_interval(estimates, influence, people, unit, level, share=given.dtype == np.bool_)


def seed_interval(values: npt.ArrayLike, *, level: float = 0.95) -> Interval:
    """Student's interval over trainings alone, of what has no other chance in it; of one training there is none.

    Args:
        values: (S,) one value a seed.
        level: Coverage wanted, in (0, 1).

    Raises:
        ParameterError: There is no value, or one is not finite.

    Example:
        >>> from nbutils.evaluation import seed_interval
        >>> interval = seed_interval([1.0, 2.0, 3.0])
        >>> round(interval.low, 2), round(interval.high, 2)
        (-0.48, 4.48)
        >>> seed_interval([2.0]).how
        'no interval over seeds: there is one seed'
    """
    table = np.asarray(values, np.float64)
    if table.ndim != 1 or not table.size or not np.isfinite(table).all():
        raise ParameterError(f"values have shape {table.shape}: expected finite ones, one a seed")
    if len(table) == 1:
        _check_level(level)
        return Interval(float(table[0]), np.nan, np.nan, level, seeds=1)
    return combined_interval(table, np.zeros((len(table), 1)), None, "", level)


def critical_value(p: float, share: npt.ArrayLike, seeds: int, freedom: float) -> Array:
    """How many standard errors an interval reaches to either side at two-sided error `p`.

    The variance is a sum: of `seeds` values, with few degrees of freedom, and over people, with many. One number of
    degrees for the sum (Satterthwaite 1946) fails where they are very few: at two seeds such intervals of 95 % cover
    down to 87 %. Cochran (1964) weighs the two Student quantiles by their shares of the variance: 94 to 98 %.
    His shares to the power 1.25 keep within 93 and 97 %, whatever the true share and from two seeds on; where one part
    is nothing, the quantile is the other's, exactly.

    Args:
        p: Two-sided error, in (0, 1); 0.05 for an interval of 95 %.
        share: The seeds' share of the variance, in [0, 1].
        seeds: Number of seeds; with one, the share is 0.
        freedom: Degrees of freedom of the people's part.
    """
    weight = np.asarray(share, np.float64) ** _EXPONENT
    own = t.isf(p / 2, seeds - 1) if seeds > 1 else 0.0
    value: Array = weight * own + (1 - weight) * t.isf(p / 2, freedom)
    return value


def shared_covariance(influence: Array, people: npt.NDArray[np.int64] | None = None) -> Array:
    """Covariances of statistics over one sample whose units share people.

    With few people the sums are too small, since each holds a part of the mean that was taken off. Squares are made up
    for it by G / (G − 1) for images and matched pairs of G people, and by G (G − 1) / ((G − 2) (G − 3)) for mismatched
    ones: exact for all pairs of people whose effects add up. Where what remains is not positive, which sums over shared
    people need not be, units are taken as independent.

    Args:
        influence: (…, S, P) what each of P units adds to each of S statistics.
        people: (P,) the person of each image, or (P, 2) the two of each pair, equal in matched ones; None: unknown, so
            that units are taken as independent.

    Returns:
        (…, S, S): Σ over couples of units that share a person, of the product of their influences.
    """
    independent = influence @ np.swapaxes(influence, -1, -2)
    if people is None:
        return np.asarray(independent)
    names, place = np.unique(people.reshape(len(people), -1), return_inverse=True)
    place, count = np.sort(place.reshape(len(people), -1), axis=1), len(names)
    apart = place[:, 0] != place[:, -1]
    of_one, of_two = count / max(count - 1, 1), count * (count - 1) / (max(count - 2, 1) * max(count - 3, 1))
    influence = influence * np.sqrt(np.where(apart, of_two, of_one))
    sums = _summed(influence, place[:, 0], count) + _summed(influence[..., apart], place[apart, -1], count)
    covariance = sums @ np.swapaxes(sums, -1, -2)
    if apart.any():
        # Pairs of the same two people were counted with each of the two.
        dyads, dyad = np.unique(place[apart, 0] * count + place[apart, -1], return_inverse=True)
        twice = _summed(influence[..., apart], dyad, len(dyads))
        covariance = covariance - twice @ np.swapaxes(twice, -1, -2)
    found: Array = np.where(covariance.sum(axis=(-1, -2), keepdims=True) > 0, covariance, independent)
    return found


def error_and_share(estimates: Array, covariance: Array) -> tuple[Array, Array]:
    """Standard error of the mean over seeds, and the seeds' share of its square; see the module.

    Args:
        estimates: (…, S) of the seeds.
        covariance: (…, S, S) over the test's units.
    """
    seeds = estimates.shape[-1]
    own = np.trace(covariance, axis1=-2, axis2=-1)
    if seeds == 1:
        return np.sqrt(np.maximum(own, 0)), np.zeros(own.shape)
    common = np.maximum((covariance.sum(axis=(-1, -2)) - own) / (seeds * (seeds - 1)), 0)
    trained = estimates.var(axis=-1, ddof=1) / seeds
    total = trained + common
    return np.sqrt(total), np.divide(trained, total, out=np.zeros_like(total), where=total > 0)


def auc_influence(distances: Array, same: npt.NDArray[np.bool_]) -> tuple[Array, Array]:
    """AUC and what each pair adds to it (DeLong et al. 1988, from ranks).

    Args:
        distances: (…, P).
        same: (P,) whether a pair is matched.

    Returns:
        AUC, (…), and the influences, (…, P): each pair's share of pairs of the other kind on its right side, less
        the AUC, over √(n (n − 1)) of its kind, so that their squares sum to DeLong's variance.
    """
    matched, other = int(same.sum()), int((~same).sum())
    ranks = rankdata(distances, axis=-1)
    beyond = (ranks[..., same] - rankdata(distances[..., same], axis=-1)) / other
    below = (ranks[..., ~same] - rankdata(distances[..., ~same], axis=-1)) / matched
    auc = below.mean(axis=-1)
    influence = np.empty(distances.shape)
    influence[..., same] = (1 - beyond - auc[..., None]) / np.sqrt(max(matched * (matched - 1), 1))
    influence[..., ~same] = (below - auc[..., None]) / np.sqrt(max(other * (other - 1), 1))
    return auc, influence


def _listed(results: Results) -> list[VerificationResult]:
    return [results] if isinstance(results, VerificationResult) else list(results)


def _statistics(results: list[VerificationResult], statistic: Statistic) -> tuple[Array, Array]:
    """(S,) values of the results, and (S, P) the pairs' influences."""
    same = results[0].same
    if statistic == "auc":
        return auc_influence(np.stack([result.distances for result in results]), same)
    folds = results[0].folds
    weight = 1 / (np.bincount(folds)[folds] * (folds.max() + 1))
    right = np.stack([result.correct for result in results]).astype(np.float64)
    influence = np.empty_like(right)
    for kind in (same, ~same):
        count = int(kind.sum())
        influence[:, kind] = right[:, kind] - right[:, kind].mean(axis=1, keepdims=True)
        influence[:, kind] *= weight[kind] * np.sqrt(count / max(count - 1, 1))
    return np.array([result.accuracy for result in results]), influence


def combined_interval(
    estimates: Array,
    influence: Array,
    people: npt.NDArray[np.int64] | None,
    unit: str,
    level: float,
    *,
    share: bool = False,
    freedom: int | None = None,
) -> Interval:
    """Interval of the mean over seeds; that of a share is made for its logit, so that it stays within [0, 1].

    Args:
        estimates: (S,) of the seeds.
        influence: (S, P) of the units.
        people: Of the units, see `shared_covariance`; or None.
        unit: What they are called; empty where there are none.
        level: Coverage wanted.
        share: Whether the quantity is a share.
        freedom: Most degrees of freedom of the part over units; None: as many as the people, or units, less one.
    """
    _check_level(level)
    seeds, units = influence.shape
    error, trained = (float(value) for value in error_and_share(estimates, shared_covariance(influence, people)))
    estimate = float(estimates.mean())
    known = units if people is None else len(np.unique(people))
    freedom = max(known - 1, 1) if freedom is None else min(known - 1, freedom)
    bent = share and error > 0
    at = float(logit(estimate)) if bent else estimate
    spread = error / (estimate * (1 - estimate)) if bent else error

    def curve(reference: float) -> float:
        place = float(logit(min(max(reference, 0.0), 1.0))) if bent else reference
        if spread == 0:
            return float(np.isclose(place, at, rtol=1e-12, atol=1e-12))
        far = abs(place - at) / spread
        if far >= critical_value(_LEAST_P, trained, seeds, freedom):
            return _LEAST_P
        return float(brentq(lambda p: float(critical_value(p, trained, seeds, freedom)) - far, _LEAST_P, 1.0))

    reach = float(critical_value(1 - level, trained, seeds, freedom)) * spread
    low, high = (float(expit(end)) if bent else end for end in (at - reach, at + reach))
    whose = f"{units:,} {unit} clustered by their {known:,} people"
    if people is None:
        whose = f"{units:,} {unit}" + (" as if independent (their people are not known)" if unit == "pairs" else "")
    return Interval(estimate, low, high, level, whose if unit else "", seeds, curve)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ParameterError(f"level is {level}, expected a share in (0, 1)")


def _summed(influence: Array, group: npt.NDArray[np.intp], groups: int) -> Array:
    """(…, groups) sums of (…, P) by group."""
    units = len(group)
    member = csr_array((np.ones(units), group, np.arange(units + 1)), shape=(units, groups))
    rows = influence.shape[:-1]
    return np.asarray(influence.reshape(math.prod(rows), units) @ member).reshape(*rows, groups)
