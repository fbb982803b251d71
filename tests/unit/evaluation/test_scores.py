"""Scores of networks on the same images: closed forms of their means and differences."""

import numpy as np
import pytest
from scipy.stats import t

from nbutils.errors import ParameterError
from nbutils.evaluation import (
    Interval,
    compare_scores,
    magnitude,
    mean_interval,
    score_difference,
    tabulate,
)

RNG = np.random.default_rng(0)
VALUES = {name: RNG.random((1, 300)) for name in ("teacher", "student of two")}


def test_a_score_is_the_mean_over_images_and_seeds_in_percent() -> None:
    both = np.stack([np.zeros(50), np.ones(50)])
    table = tabulate({"a": both, "b": np.full((1, 50), 0.25)}, "top-1")
    reach = 50 * t.ppf(0.975, 1)
    np.testing.assert_allclose(table.loc["a"].to_numpy(), [50, 50 - reach, 50 + reach, 100 / np.sqrt(2)])
    np.testing.assert_allclose(table.loc["b"].dropna().to_numpy(), [25, 25, 25])
    assert "SD over seeds" not in tabulate({"b": np.full((1, 50), 0.25)}, "top-1")


def test_a_difference_is_paired_and_averaged_over_its_pairs() -> None:
    noise = RNG.normal(0, 5, (1, 300))
    values = {"a": noise, "b": noise - 0.01, "c": noise + 0.05}
    found = score_difference(values, ["a", "c"], ["b", "a"])
    assert (found.estimate, found.low, found.high) == pytest.approx((3.0, 3.0, 3.0))
    whole = score_difference(VALUES, ["student of two"], ["teacher"])
    alone = mean_interval(100 * (VALUES["student of two"] - VALUES["teacher"]))
    assert whole == alone


def test_scores_are_compared_with_a_reference_image_by_image() -> None:
    table = compare_scores(VALUES, "score", "teacher")
    alone = score_difference(VALUES, ["student of two"], ["teacher"])
    found = table.loc["student of two", ["difference", "difference low", "difference high"]]
    assert tuple(found) == pytest.approx((alone.estimate, alone.low, alone.high))
    assert table.loc["teacher", "difference":].isna().all()
    assert table["score"].tolist() == tabulate(VALUES, "score")["score"].tolist()
    with pytest.raises(ParameterError, match="no network 'student'"):
        compare_scores(VALUES, "score", "student")


def test_networks_that_are_missing_or_uneven_are_named() -> None:
    with pytest.raises(ParameterError, match="no network 'student': expected one of teacher"):
        score_difference(VALUES, ["student"], ["teacher"])
    with pytest.raises(ParameterError, match="1 networks are to be compared with 2"):
        score_difference(VALUES, ["teacher"], ["teacher", "teacher"])


@pytest.mark.parametrize(
    ("interval", "expected"),
    [((2, 1, 3), (2, 1, 3)), ((-2, -3, -1), (2, 1, 3)), ((0.5, -1, 2), (0.5, 0, 2)), ((-0.5, -2, 1), (0.5, 0, 2))],
)
def test_the_magnitude_of_an_interval(
    interval: tuple[float, float, float], expected: tuple[float, float, float]
) -> None:
    found = magnitude(Interval(*interval))
    assert (found.estimate, found.low, found.high) == expected


@pytest.mark.parametrize("shift", [-0.2, 0.1, 0.6])
def test_a_magnitude_excludes_what_its_p_value_does(shift: float) -> None:
    found = magnitude(mean_interval(RNG.normal(shift, 1, 60)))
    for reference in np.linspace(0.01, 1.2, 40):
        p = found.p_value(reference)
        assert p is not None
        assert (p < 0.05) == (not found.low <= reference <= found.high)
