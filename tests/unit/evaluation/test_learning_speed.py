"""Steps to another network's AUC."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from nbutils.errors import ParameterError
from nbutils.evaluation import auc_by_step, times_as_fast
from nbutils.training import Watched

RNG = np.random.default_rng(0)
SAME = np.arange(400) % 2 == 0


def _watched(steps: list[int], gains: list[float]) -> Watched:
    distances = RNG.normal(size=(len(gains), 400)) - np.array(gains)[:, None] * SAME
    return Watched(np.array(steps), distances.astype(np.float32))


def test_the_curve_is_scikit_learns_auc() -> None:
    watched = _watched([0, 5, 20], [0.1, 0.5, 2.0])
    expected = [100 * roc_auc_score(SAME, -row) for row in watched.distances]
    np.testing.assert_allclose(auc_by_step(watched, SAME), expected)


def test_the_ratio_follows_from_where_the_curves_cross_the_common_level() -> None:
    fast, slow = _watched([0, 5, 20], [0.0, 1.5, 2.0]), _watched([0, 40, 100], [0.3, 0.6, 1.5])
    first, second = auc_by_step(fast, SAME), auc_by_step(slow, SAME)
    begin, end = max(first[0], second[0]), min(first[20], second[100])
    level = begin + 0.8 * (end - begin)
    expected = np.interp(level, second, second.index) / np.interp(level, first, first.index)
    found = times_as_fast(fast, slow, SAME, share=0.8)
    assert found.estimate == pytest.approx(expected)
    assert found.low < found.estimate < found.high
    assert times_as_fast(slow, fast, SAME, share=0.8).estimate == pytest.approx(1 / expected)


def test_the_interval_holds_what_other_pairs_say() -> None:
    estimates, held = [], 0
    for _ in range(40):
        fast, slow = _watched([0, 10, 30], [0.0, 1.0, 1.5]), _watched([0, 20, 60], [0.0, 1.0, 1.5])
        found = times_as_fast(fast, slow, SAME, samples=100)
        held += found.low <= 2 <= found.high
        estimates.append(found.estimate)
    assert np.median(estimates) == pytest.approx(2, rel=0.1)
    assert held >= 32


def test_a_network_that_learns_nothing_decides_nothing() -> None:
    still = _watched([0, 10], [1.0, 0.0])
    found = times_as_fast(_watched([0, 10], [0.0, 2.0]), still, SAME)
    assert np.isnan([found.estimate, found.low, found.high]).all()


def test_other_pairs_and_other_shares_are_refused() -> None:
    watched = _watched([0, 10], [0.0, 2.0])
    with pytest.raises(ParameterError, match="slow has 399 pairs and same 400"):
        times_as_fast(watched, Watched(watched.steps, watched.distances[:, 1:]), SAME)
    with pytest.raises(ParameterError, match="share is 0"):
        times_as_fast(watched, watched, SAME, share=0)
