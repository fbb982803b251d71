"""Cells of tables: closed forms of their differences, and names told apart."""

import numpy as np
import pytest

from nbutils.errors import ParameterError
from nbutils.evaluation import (
    BootstrapInterval,
    by_influence,
    cell_difference,
    influences,
    magnitude,
    mean_interval,
    tabulate,
)

RNG = np.random.default_rng(0)
VALUES = {name: RNG.random((1, 300)) for name in ("teacher", "/2 Pretrain 0 0", "/2 Pretrain 0 1", "/2 Pretrain 1 0")}


def test_a_cell_is_the_mean_over_images_and_seeds_in_percent() -> None:
    both = np.stack([np.zeros(50), np.ones(50)])
    table = tabulate({"a": both, "b": np.full((1, 50), 0.25)}, "top-1")
    np.testing.assert_allclose(table.to_numpy(), [[50, 0, 100], [25, 25, 25]])


def test_a_difference_is_paired_and_averaged_over_its_pairs() -> None:
    noise = RNG.normal(0, 5, (1, 300))
    values = {"a": noise, "b": noise - 0.01, "c": noise + 0.05}
    found = cell_difference(values, ["a", "c"], ["b", "a"])
    assert (found.estimate, found.low, found.high) == pytest.approx((3.0, 3.0, 3.0))
    whole = cell_difference(VALUES, ["/2 Pretrain 0 1"], ["teacher"])
    alone = mean_interval(100 * (VALUES["/2 Pretrain 0 1"] - VALUES["teacher"]))
    assert whole == alone


def test_cells_that_are_missing_or_uneven_are_named() -> None:
    with pytest.raises(ParameterError, match="no cell 'student': expected one of teacher"):
        cell_difference(VALUES, ["student"], ["teacher"])
    with pytest.raises(ParameterError, match="1 cells are to be compared with 2"):
        cell_difference(VALUES, ["teacher"], ["teacher", "teacher"])


@pytest.mark.parametrize(
    ("interval", "expected"),
    [((2, 1, 3), (2, 1, 3)), ((-2, -3, -1), (2, 1, 3)), ((0.5, -1, 2), (0.5, 0, 2)), ((-0.5, -2, 1), (0.5, 0, 2))],
)
def test_the_magnitude_of_an_interval(
    interval: tuple[float, float, float], expected: tuple[float, float, float]
) -> None:
    found = magnitude(BootstrapInterval(*interval, 0.95))
    assert (found.estimate, found.low, found.high) == expected


@pytest.mark.parametrize(("higher", "so"), [(True, ["keep", "drop"]), (False, ["drop", "keep"])])
def test_a_target_that_harms_is_dropped(higher: bool, so: list[str]) -> None:
    start = RNG.random((1, 400))
    values = {"Distill 0 0": start, "Distill 1 0": start + 0.02, "Distill 0 1": start - 0.03}
    found = influences(values, higher_is_better=higher)
    assert found["so"].tolist() == so
    assert found["difference"].tolist() == pytest.approx([2.0, -3.0])
    values["Distill 1 0"] = start + RNG.normal(0, 1, start.shape)
    values["Distill 1 0"] -= (values["Distill 1 0"] - start).mean()
    assert influences(values, higher_is_better=higher)["so"][0] == "undecided"


def test_names_are_told_as_network_start_and_weights() -> None:
    table = by_influence(tabulate(VALUES, "top-1"))
    assert list(table.index) == [
        ("teacher", "–", "–", "–"),
        ("/2", "Pretrain", "0", "0"),
        ("/2", "Pretrain", "0", "1"),
        ("/2", "Pretrain", "1", "0"),
    ]
    alone = by_influence(tabulate({"Distill 1 0": VALUES["teacher"]}, "NRMSE"))
    assert list(alone.index) == [("", "Distill", "1", "0")]
