"""Intervals: closed forms, second ways to the same variance, and how often intervals of 95 % cover the truth."""

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import norm, ttest_1samp

from nbutils.errors import ParameterError
from nbutils.evaluation import (
    Interval,
    VerificationResult,
    evaluate_pairs,
    holm,
    mean_interval,
    seed_interval,
    verification_interval,
)
from nbutils.evaluation.intervals import (
    Statistic,
    _statistics,
    auc_influence,
    critical_value,
    error_and_share,
    shared_covariance,
)
from nbutils.evaluation.verification import judged_by_others

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
STATISTICS: tuple[Statistic, ...] = ("auc", "accuracy")
PEOPLE = 40


def design(pairs: int, people: int = PEOPLE, seed: int = 0) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """(pairs, 2) who is on each pair, half of them matched; every person is on many."""
    rng = np.random.default_rng(seed)
    same = np.arange(pairs) % 2 == 0
    first = rng.integers(people, size=pairs)
    other = (first + rng.integers(1, people, size=pairs)) % people
    return np.stack([first, np.where(same, first, other)], axis=1), same


def model(seed: int, shift: float = 1.0, pairs: int = 200, *, known: bool = True) -> VerificationResult:
    """Distances N(0, 1) for matched and N(shift, 1) for mismatched pairs, offset to be positive."""
    people, same = design(pairs)
    distances = np.random.default_rng(seed).normal(size=pairs) + shift * ~same + 10
    folds = np.arange(pairs) // (pairs // 10)
    return evaluate_pairs(distances[:, None], np.zeros((pairs, 1)), same, folds, people if known else None)


def error(interval: Interval) -> float:
    """Standard error of an interval from one training of a difference, by its normal-like ends."""
    return (interval.high - interval.low) / 2


@pytest.mark.parametrize("statistic", STATISTICS)
def test_estimate_is_the_statistic_itself(statistic: Statistic) -> None:
    a, b = model(0, 1.5), model(1)
    of_a, of_b = (verification_interval(each, statistic=statistic) for each in (a, b))
    assert of_a.estimate == pytest.approx(getattr(a, statistic), abs=1e-12)
    assert of_a.low < of_a.estimate < of_a.high
    difference = verification_interval(a, minus=b, statistic=statistic)
    assert difference.estimate == pytest.approx(of_a.estimate - of_b.estimate, abs=1e-12)
    both = verification_interval([a, b], statistic=statistic)
    assert both.estimate == pytest.approx((of_a.estimate + of_b.estimate) / 2)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_identical_models_differ_by_exactly_nothing(statistic: Statistic) -> None:
    difference = verification_interval(model(0), minus=model(0), statistic=statistic)
    assert (difference.estimate, difference.low, difference.high) == (0, 0, 0)
    assert (difference.p_value(), difference.p_value(0.1)) == (1, 0)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_exchanging_the_models_mirrors_the_interval(statistic: Statistic) -> None:
    there = verification_interval(model(0), minus=model(1), statistic=statistic)
    back = verification_interval(model(1), minus=model(0), statistic=statistic)
    assert (back.estimate, back.low, back.high) == pytest.approx((-there.estimate, -there.high, -there.low))
    assert back.p_value() == pytest.approx(there.p_value())


def test_perfect_model_has_no_spread() -> None:
    for statistic in STATISTICS:
        interval = verification_interval(model(0, shift=100), statistic=statistic)
        assert (interval.low, interval.high) == (1, 1)


def test_a_share_stays_within_its_bounds() -> None:
    nearly = verification_interval([model(0, 3.5), model(1, 4.5)])
    assert 0 < nearly.low < nearly.estimate < nearly.high < 1
    assert mean_interval(np.arange(100) > 0).high < 1


def test_independent_pairs_have_delongs_variance() -> None:
    """DeLong et al. 1988, eq. 3 to 5, by the definition: placements of each pair among those of the other kind."""
    a, b = model(0, known=False), model(1, known=False)
    same = a.same
    placed = []
    for result in (a, b):
        matched, other = result.distances[same], result.distances[~same]
        nearer = (matched[:, None] < other) + (matched[:, None] == other) / 2
        placed.append((nearer.mean(axis=1), nearer.mean(axis=0)))
    expected = sum(np.cov(kind) / len(kind[0]) for kind in zip(*placed, strict=True))
    auc, influence = auc_influence(np.stack([a.distances, b.distances]), same)
    assert auc == pytest.approx([a.auc, b.auc], abs=1e-12)
    np.testing.assert_allclose(shared_covariance(influence), expected, rtol=1e-10)


def test_pairs_that_share_a_person_are_counted_together_once() -> None:
    people, _ = design(120, people=12)
    influence = np.random.default_rng(0).normal(size=(3, 120)) + 1
    larger = influence * np.sqrt(np.where(people[:, 0] == people[:, 1], 12 / 11, 12 * 11 / (10 * 9)))
    expected = np.zeros((3, 3))
    for i, j in itertools.product(range(120), repeat=2):
        if set(people[i]) & set(people[j]):
            expected += np.outer(larger[:, i], larger[:, j])
    np.testing.assert_allclose(shared_covariance(influence, people), expected, rtol=1e-10)
    by_person = np.zeros((3, 12))
    np.add.at(by_person.T, people[:, 0], influence.T)
    np.testing.assert_allclose(shared_covariance(influence, people[:, 0]), by_person @ by_person.T * 12 / 11)


def test_effects_of_people_that_add_up_are_estimated_without_bias() -> None:
    """All pairs of G people, x_ab = u_a + u_b with Var u = 1: the mean has variance 4 / G."""
    people = np.array(list(itertools.combinations(range(8), 2)))
    effects = np.random.default_rng(0).normal(size=(20_000, 8))
    x = effects[:, people[:, 0]] + effects[:, people[:, 1]]
    influence = (x - x.mean(axis=1, keepdims=True)) / len(people)
    assert shared_covariance(influence[:, None], people).mean() == pytest.approx(4 / 8, rel=0.03)


def test_images_of_one_person_count_less_where_they_are_alike() -> None:
    whose = np.repeat(np.arange(10), 2)
    alike = np.repeat([1.0, -1.0] * 5, 2)
    assert error(mean_interval(alike, whose)) > 1.3 * error(mean_interval(alike))
    apart = mean_interval(np.array([1.0, -1.0] * 10), whose)  # their sum by person is nothing: as if independent
    assert error(apart) == pytest.approx(error(mean_interval([1.0, -1.0] * 10)), rel=0.1)


def test_one_mean_and_seeds_alone_have_students_interval() -> None:
    values = np.random.default_rng(0).normal(1, 2, 12)
    test = ttest_1samp(values, 0.5)
    for found in (mean_interval(values), seed_interval(values)):
        assert (found.low, found.high) == pytest.approx(test.confidence_interval())
        assert found.p_value(0.5) == pytest.approx(test.pvalue)
    table = values[:, None] + np.zeros(5)  # images that are all alike
    assert mean_interval(table).low == pytest.approx(test.confidence_interval().low)


def test_one_seed_has_no_interval_over_seeds() -> None:
    found = seed_interval([3.0])
    assert np.isnan([found.low, found.high]).all()
    assert (found.estimate, found.p_value()) == (3.0, None)
    assert found.how == "no interval over seeds: there is one seed"
    with pytest.raises(ParameterError, match=r"values have shape \(0,\)"):
        seed_interval([])


def test_an_interval_tells_what_it_is_over() -> None:
    assert verification_interval(model(0)).how == "95 % over 200 pairs clustered by their 40 people, one seed"
    unknown = verification_interval([model(0, known=False), model(1, known=False)])
    assert unknown.how == "95 % over 200 pairs as if independent (their people are not known) and 2 seeds"
    assert (
        mean_interval(np.eye(3), np.array([0, 1, 1])).how
        == "95 % over 3 images clustered by their 2 people and 3 seeds"
    )
    assert seed_interval([1, 2]).how == "95 % over 2 seeds"
    assert (seed_interval([1, 2]).chances, verification_interval(model(0)).chances) == (
        "2 seeds",
        "200 pairs clustered by their 40 people",
    )
    assert Interval(1, 1, 1).how == "no chance in it"


def test_the_variance_between_seeds_counts_once() -> None:
    """Obuchowski & Rockette: MS / S + mean covariance; of seeds that err alike, pairs' variance alone."""
    estimates, covariance = np.array([0.1, 0.5, 0.6]), np.array([[4.0, 1, 2], [1, 5, 3], [2, 3, 6]])
    found, share = error_and_share(estimates, covariance)
    assert found**2 == pytest.approx(estimates.var(ddof=1) / 3 + 2)
    assert share == pytest.approx(estimates.var(ddof=1) / 3 / found**2)
    alike, none = error_and_share(np.ones(3), np.full((3, 3), 4.0))
    assert (float(alike), float(none)) == (2, 0)
    alone, _ = error_and_share(np.ones(1), np.full((1, 1), 4.0))
    assert alone == 2


@pytest.mark.parametrize("values", [[0.3, -0.1, 0.8, 0.4], [5.0, 5.5, 4.2, 5.1]])
def test_a_p_value_falls_below_its_level_where_the_interval_ends(values: list[float]) -> None:
    table = np.array(values)[:, None] + np.random.default_rng(0).normal(size=(4, 30))
    found = mean_interval(table, np.arange(30) // 3)
    for end in (found.low, found.high):
        assert found.p_value(end) == pytest.approx(0.05, rel=1e-6)
    assert found.scaled(100).p_value(100 * found.low) == pytest.approx(0.05, rel=1e-6)
    assert found.p_value(found.estimate) == pytest.approx(1)
    assert found.p_value(1e9) == pytest.approx(1e-12)


def test_wider_at_a_higher_level() -> None:
    narrow, wide = (verification_interval(model(0), level=level) for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high
    assert (narrow.level, wide.level) == (0.5, 0.99)


def test_holm_by_its_steps() -> None:
    """Holm's rule: p-values in order are compared with α / m, α / (m − 1) … until the first is not below."""
    p_values = [0.012, 0.6, 0.004, 0.03, 0.011]
    for alpha in (0.01, 0.04, 0.05, 0.1):
        rejected = set()
        for rank, place in enumerate(np.argsort(p_values)):
            if p_values[place] >= alpha / (5 - rank):
                break
            rejected.add(place)
        assert rejected == {place for place, p in enumerate(holm(p_values)) if p < alpha}
    assert holm([]) == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"statistic": "f1"}, "statistic is 'f1'"),
        ({"level": 1.0}, "level is 1.0"),
        ({"level": 95}, "level is 95"),
        ({"minus": [model(0), model(1)]}, "1 results minus 2"),
        ({"minus": model(0, pairs=100)}, "the results differ in same"),
        ({"minus": model(0, known=False)}, "the results differ in people"),
    ],
)
def test_options_out_of_range(options: dict[str, object], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        verification_interval(model(0), **options)  # type: ignore[arg-type]


def test_means_of_nothing_and_of_too_few_people_are_refused() -> None:
    for values in ([], [1.0], [[1.0, np.nan]]):
        with pytest.raises(ParameterError, match="expected finite ones"):
            mean_interval(values)
    with pytest.raises(ParameterError, match="people has 3 rows, expected one for each of 4 images"):
        mean_interval(np.zeros(4), np.arange(3))


# Coverage: the share of 4,000 simulated tests whose interval of 95 % holds the truth. It is to lie between 93 and 97 %;
# its own standard error, here 0.35 points, is granted on top.
REPETITIONS = 4000
LEAST, MOST = 0.93 - 0.0035, 0.97 + 0.0035


def covered(estimates: Floats, covariance: Floats, truth: float | Floats, people: int, *, share: bool = False) -> float:
    """Share of (R, S) estimates whose interval holds the truth, one or (R,); of a share it is made for the logit."""
    found, trained = error_and_share(estimates, covariance)
    reach = critical_value(0.05, trained, estimates.shape[1], people - 1) * found
    mean = estimates.mean(axis=1)
    if share:
        return float((abs(np.log(mean / (1 - mean) * (1 - truth) / truth)) < reach / (mean * (1 - mean))).mean())
    return float((abs(mean - truth) < reach).mean())


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("part", [0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0])
def test_seeds_and_people_cover_whatever_the_share_of_each(seeds: int, part: float) -> None:
    """Normal seeds with a part of the variance of the mean, and people with the rest, which is known."""
    rng = np.random.default_rng(seeds)
    people = rng.normal(0, np.sqrt(1 - part), (10 * REPETITIONS, 1))
    estimates = people + rng.normal(0, np.sqrt(seeds * part), (10 * REPETITIONS, seeds))
    covariance = np.full((len(estimates), seeds, seeds), 1 - part)
    assert LEAST < covered(estimates, covariance, 0.0, 10_000) < MOST


@dataclass
class Simulated:
    """Two networks of five seeds on the same pairs: AUC (R, 5), influences (R, 5, P), and the truth of each."""

    people: Ints
    auc: list[Floats]
    influence: list[Floats]
    truth: list[float]
    truth_of_a_seed: list[Floats]


@pytest.fixture(scope="module")
def simulated() -> Simulated:
    """Distances with normal effects, so that AUC is Φ(2 / √variance).

    A person's matched pairs are all a little too far, and the mismatched ones too near; so is a pair, to both networks;
    and to a seed, all mismatched pairs are somewhat nearer or further.
    """
    people, same = design(120)
    rng, found = np.random.default_rng(0), Simulated(people, [], [], [], [])
    base: Floats = np.zeros((REPETITIONS, 1, 120))
    variance, noise, by_seed = 0.0, 0.4, 0.2
    for person, pair in ((0.6, 0.7), (0.3, 0.3)):
        matched, other = rng.normal(0, person, (2, REPETITIONS, 1, PEOPLE))
        apart = (other[..., people[:, 0]] + other[..., people[:, 1]]) / np.sqrt(2)
        base = base + np.where(same, matched[..., people[:, 0]], -apart) + rng.normal(0, pair, base.shape)
        variance += 2 * (person**2 + pair**2)
        level = rng.normal(2, by_seed, (REPETITIONS, 5, 1))
        distances = base + rng.normal(0, noise, (REPETITIONS, 5, 120)) + np.where(same, 0, level)
        auc, influence = auc_influence(distances, same)
        found.auc.append(auc)
        found.influence.append(influence)
        found.truth.append(float(norm.cdf(2 / np.sqrt(variance + 2 * noise**2 + by_seed**2))))
        found.truth_of_a_seed.append(norm.cdf(level[:, 0, 0] / np.sqrt(variance + 2 * noise**2)))
    return found


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_aucs_over_seeds_and_pairs_that_share_people_cover(seeds: int, simulated: Simulated) -> None:
    auc, influence = ([each[:, :seeds] for each in of_both] for of_both in (simulated.auc, simulated.influence))
    people, truth = simulated.people, simulated.truth
    alone = covered(auc[0], shared_covariance(influence[0], people), truth[0], PEOPLE, share=True)
    assert LEAST < alone < MOST
    covariance = shared_covariance(influence[0] - influence[1], people)
    assert LEAST < covered(auc[0] - auc[1], covariance, truth[0] - truth[1], PEOPLE) < MOST


def test_the_auc_of_one_training_is_covered_and_would_not_be_by_pairs_as_if_independent(simulated: Simulated) -> None:
    auc, influence = simulated.auc[0][:, :1], simulated.influence[0][:, :1]
    people, truth = simulated.people, simulated.truth_of_a_seed[0]
    assert LEAST < covered(auc, shared_covariance(influence, people), truth, PEOPLE, share=True) < MOST
    assert covered(auc, shared_covariance(influence), truth, PEOPLE, share=True) < 0.91
    difference, both = auc - simulated.auc[1][:, :1], influence - simulated.influence[1][:, :1]
    truth = truth - simulated.truth_of_a_seed[1]
    assert LEAST < covered(difference, shared_covariance(both, people), truth, PEOPLE) < MOST


@pytest.mark.parametrize("seeds", [1, 3])
def test_shares_of_images_that_share_people_cover(seeds: int) -> None:
    """Forty people, some easier than others, with five images each; the true share is 1/2 by symmetry."""
    rng = np.random.default_rng(seeds)
    ease = rng.normal(size=(REPETITIONS, 1, PEOPLE)) + rng.normal(0, 0.3 * (seeds > 1), (REPETITIONS, seeds, 1))
    right = (ease[..., None] + rng.normal(size=(REPETITIONS, seeds, PEOPLE, 5)) > 0).reshape(REPETITIONS, seeds, -1)
    estimates = right.mean(axis=2)
    influence = (right - estimates[..., None]) / right.shape[2]
    covariance = shared_covariance(influence, np.repeat(np.arange(PEOPLE), 5))
    assert LEAST < covered(estimates, covariance, 0.5, PEOPLE, share=True) < MOST


def test_fold_accuracies_of_pairs_that_share_people_cover() -> None:
    """The accuracy to cover is the protocol's own, thresholds chosen from other folds: its mean over repetitions."""
    people, same = design(240)
    rng, folds, none = np.random.default_rng(0), np.arange(240) // 24, np.empty(0)
    results = []
    for _ in range(REPETITIONS // 4):
        matched, other = rng.normal(0, 0.6, (2, PEOPLE))
        apart = (other[people[:, 0]] + other[people[:, 1]]) / np.sqrt(2)
        distances = np.where(same, matched[people[:, 0]], 2 - apart) + rng.normal(0, 0.7, 240)
        right = judged_by_others(distances, same, folds)
        results.append(VerificationResult(distances, same, folds, 0.0, none, none, none, right, people))
    accuracy, influence = _statistics(results, "accuracy")
    covariance = shared_covariance(influence[:, None], people)
    # The folds' degrees of freedom are those of ten people.
    assert LEAST < covered(accuracy[:, None], covariance, accuracy.mean(), 10, share=True) < MOST
