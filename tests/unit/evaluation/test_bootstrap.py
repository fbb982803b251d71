import numpy as np
import pytest

from nbutils.errors import ParameterError
from nbutils.evaluation import VerificationResult, bootstrap, evaluate_pairs, paired_bootstrap
from nbutils.evaluation.resampling import Statistic

STATISTICS: tuple[Statistic, ...] = ("auc", "accuracy")


def model(seed: int, shift: float = 1.0, pairs: int = 200) -> VerificationResult:
    """Distances N(0, 1) for matched and N(shift, 1) for mismatched pairs, offset to be positive."""
    rng = np.random.default_rng(seed)
    same = np.arange(pairs) % 2 == 0
    distances = rng.normal(size=pairs) + shift * ~same + 10
    return evaluate_pairs(distances[:, None], np.zeros((pairs, 1)), same, np.arange(pairs) // (pairs // 10))


@pytest.mark.parametrize("statistic", STATISTICS)
def test_estimate_is_the_statistic_itself(statistic: Statistic) -> None:
    a, b = model(0, 1.5), model(1)
    of_a, of_b = (
        bootstrap(a, statistic=statistic, samples=200),
        bootstrap(b, statistic=statistic, samples=200),
    )
    assert of_a.estimate == pytest.approx(getattr(a, statistic), abs=1e-12)
    assert of_a.low < of_a.estimate < of_a.high
    difference = paired_bootstrap(a, b, statistic=statistic, samples=200)
    assert difference.estimate == pytest.approx(of_a.estimate - of_b.estimate, abs=1e-12)
    assert difference.low < difference.estimate < difference.high


@pytest.mark.parametrize("statistic", STATISTICS)
def test_identical_models_differ_by_exactly_nothing(statistic: Statistic) -> None:
    difference = paired_bootstrap(model(0), model(0), statistic=statistic, samples=100)
    assert (difference.estimate, difference.low, difference.high) == (0, 0, 0)


def test_auc_ignores_a_monotone_change_of_distances() -> None:
    a = model(0)
    squared = evaluate_pairs(a.distances[:, None] ** 2, np.zeros((len(a.same), 1)), a.same, a.folds)
    difference = paired_bootstrap(a, squared, samples=100)
    assert (difference.low, difference.high) == (0, 0)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_exchanging_the_models_mirrors_the_interval(statistic: Statistic) -> None:
    there = paired_bootstrap(model(0), model(1), statistic=statistic, samples=300)
    back = paired_bootstrap(model(1), model(0), statistic=statistic, samples=300)
    assert (back.estimate, back.low, back.high) == pytest.approx((-there.estimate, -there.high, -there.low))


def test_seed_decides() -> None:
    a = model(0)
    assert bootstrap(a, samples=100, seed=3) == bootstrap(a, samples=100, seed=3)
    assert bootstrap(a, samples=100, seed=3) != bootstrap(a, samples=100, seed=4)


def test_wider_at_a_higher_level() -> None:
    narrow, wide = (bootstrap(model(0), samples=500, level=level) for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high
    assert (narrow.level, wide.level) == (0.5, 0.99)


def test_perfect_model_has_no_spread() -> None:
    for statistic in STATISTICS:
        interval = bootstrap(model(0, shift=100), statistic=statistic, samples=100)
        assert (interval.low, interval.high) == (1, 1)


def test_matches_a_plain_bootstrap() -> None:
    """Quantiles of 1,000 plain resamples, scored one by one, agree within the noise of resampling."""
    a = model(0)
    rng = np.random.default_rng(1)
    kinds = [np.flatnonzero(a.same == kind) for kind in (True, False)]
    drawn = []
    for _ in range(1000):
        matched, mismatched = (a.distances[rng.choice(kind, len(kind))] for kind in kinds)
        drawn.append((matched[:, None] < mismatched).mean() + (matched[:, None] == mismatched).mean() / 2)
    spread = np.std(drawn)
    interval = bootstrap(a, samples=4000)
    low, high = np.quantile(drawn, [0.025, 0.975])
    # A 2.5 % quantile of 1,000 normal draws has a standard error of 0.085 deviations.
    assert abs(interval.low - low) < 0.4 * spread
    assert abs(interval.high - high) < 0.4 * spread


def test_covers_the_true_auc_about_as_often_as_it_says() -> None:
    """For N(0, 1) against N(1, 1) the AUC is Φ(1/√2) = 0.7602; 200 data sets at 80 %: 160 ± 4 · 5.7 hits."""
    truth = 0.7602499389065233
    intervals = [bootstrap(model(seed), samples=300, level=0.8) for seed in range(200)]
    hits = sum(interval.low <= truth <= interval.high for interval in intervals)
    assert 137 <= hits <= 183


def test_pairing_narrows_the_difference_of_similar_models() -> None:
    a = model(0)
    noise = np.random.default_rng(2).normal(scale=0.1, size=(len(a.same), 1))
    b = evaluate_pairs(a.distances[:, None] + noise, np.zeros((len(a.same), 1)), a.same, a.folds)
    paired, single = paired_bootstrap(a, b, samples=300), bootstrap(a, samples=300)
    assert paired.high - paired.low < 0.5 * (single.high - single.low)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"statistic": "f1"}, "statistic is 'f1'"),
        ({"samples": 0}, "samples is 0"),
        ({"level": 1.0}, "level is 1.0"),
        ({"level": 95}, "level is 95"),
    ],
)
def test_options_out_of_range(options: dict[str, object], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        bootstrap(model(0), **options)  # type: ignore[arg-type]


def test_results_on_other_pairs() -> None:
    a = model(0)
    features = a.distances[:, None]
    moved = evaluate_pairs(features, np.zeros_like(features), a.same, np.roll(a.folds, 1))
    with pytest.raises(ParameterError, match="result_b differs from result_a in folds"):
        paired_bootstrap(a, moved)
    with pytest.raises(ParameterError, match="result_b differs from result_a in same"):
        paired_bootstrap(a, model(0, pairs=100))
