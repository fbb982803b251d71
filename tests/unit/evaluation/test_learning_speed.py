"""Images until another network's AUC."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from nbutils.errors import ParameterError
from nbutils.evaluation import auc_by_images, times_as_fast
from nbutils.training import Watched

RNG = np.random.default_rng(0)
SAME = np.arange(400) % 2 == 0


def _watched(images: list[int], gains: list[float]) -> Watched:
    distances = RNG.normal(size=(len(gains), 400)) - np.array(gains)[:, None] * SAME
    return Watched(np.array(images), distances.astype(np.float32))


def test_the_curve_is_scikit_learns_auc() -> None:
    watched = _watched([0, 5, 20], [0.1, 0.5, 2.0])
    expected = [100 * roc_auc_score(SAME, -row) for row in watched.distances]
    np.testing.assert_allclose(auc_by_images(watched, SAME), expected)


def test_the_ratio_follows_from_where_the_curves_cross_the_common_level() -> None:
    fast, slow = _watched([0, 5, 20], [0.0, 1.5, 2.0]), _watched([0, 40, 100], [0.3, 0.6, 1.5])
    first, second = auc_by_images(fast, SAME), auc_by_images(slow, SAME)
    begin, end = max(first[0], second[0]), min(first[20], second[100])
    level = begin + 0.8 * (end - begin)
    expected = np.interp(level, second, second.index) / np.interp(level, first, first.index)
    found = times_as_fast([fast], [slow], SAME, share=0.8)
    assert found.estimate == pytest.approx(expected)
    assert found.low < found.estimate < found.high
    assert (found.p_value(found.low), found.p_value(found.high)) == pytest.approx((0.05, 0.05))
    assert found.p_value(0) == 0
    assert times_as_fast([slow], [fast], SAME, share=0.8).estimate == pytest.approx(1 / expected)


def _twins() -> tuple[Watched, Watched]:
    """A network and one that needs twice its images."""
    return _watched([0, 10, 30], [0.0, 1.0, 1.5]), _watched([0, 20, 60], [0.0, 1.0, 1.5])


def test_the_interval_holds_what_other_pairs_say() -> None:
    found = [times_as_fast([fast], [slow], SAME) for fast, slow in (_twins() for _ in range(200))]
    assert np.median([each.estimate for each in found]) == pytest.approx(2, rel=0.1)
    assert 0.9 <= np.mean([each.low <= 2 <= each.high for each in found]) <= 0.99


def test_pairs_shown_twice_say_no_more_than_once() -> None:
    """Every pair is there twice, of the same two people: the interval by people is that of the pairs once."""
    fast, slow = _twins()
    people = np.stack([np.arange(400), np.where(SAME, np.arange(400), 400 + np.arange(400))], axis=1)
    twice = [Watched(each.images, np.tile(each.distances, 2)) for each in (fast, slow)]
    once = times_as_fast([fast], [slow], SAME, people)
    found = times_as_fast([twice[0]], [twice[1]], np.tile(SAME, 2), np.tile(people, (2, 1)))
    assert found.estimate == pytest.approx(once.estimate)
    assert found.low == pytest.approx(once.low, rel=0.01)
    apart = times_as_fast([twice[0]], [twice[1]], np.tile(SAME, 2))
    assert apart.low > found.low


def test_seeds_are_averaged_and_widen_the_interval() -> None:
    (fast, slow), (other, slower) = _twins(), _twins()
    slower = Watched(slower.images * 3, slower.distances)
    each = [times_as_fast([a], [b], SAME) for a, b in ((fast, slow), (other, slower))]
    both = times_as_fast([fast, other], [slow, slower], SAME)
    assert both.estimate == pytest.approx(np.sqrt(each[0].estimate * each[1].estimate))
    assert both.low < min(one.low for one in each)
    assert both.how == "95 % over 400 pairs as if independent (their people are not known) and 2 seeds"


def test_a_network_that_learns_nothing_decides_nothing() -> None:
    still = _watched([0, 10], [1.0, 0.0])
    found = times_as_fast([_watched([0, 10], [0.0, 2.0])] * 2, [_watched([0, 10], [0.0, 2.0]), still], SAME)
    assert np.isnan([found.estimate, found.low, found.high]).all()
    assert found.how == "no interval: not defined"


def test_other_pairs_other_seeds_and_other_shares_are_refused() -> None:
    watched = _watched([0, 10], [0.0, 2.0])
    with pytest.raises(ParameterError, match="slow has 399 pairs and same 400"):
        times_as_fast([watched], [Watched(watched.images, watched.distances[:, 1:])], SAME)
    with pytest.raises(ParameterError, match="1 fast and 2 slow trainings"):
        times_as_fast([watched], [watched, watched], SAME)
    with pytest.raises(ParameterError, match="share is 0"):
        times_as_fast([watched], [watched], SAME, share=0)
