"""Cells of Tables 3 to 5: their labels, their place in the print, and what α and β alone change."""

import math

import numpy as np
import pandas as pd
import pytest

from nbutils.evaluation import tabulate
from nbutils.papers import printed
from nbutils.papers.wang2017 import (
    DIVISORS,
    INFLUENCES,
    START_NAMES,
    TEACHER,
    Cell,
    beside_cells,
    by_fields,
    influences,
)

RNG = np.random.default_rng(0)
NONE, SOFT, HIDDEN = (Cell(8, "Distill", alpha, beta) for alpha, beta in ((0, 0), (1, 0), (0, 1)))


def test_a_label_shows_weights_that_are_no_whole_numbers() -> None:
    assert str(Cell(2, "Pretrain", 0.5, 0)) == "half as wide, from Pretrain, soft targets (α = 0.5)"
    assert Cell(4, "Distill", 0.5, 2).weights == "soft targets (α = 0.5) and hidden layer (β = 2)"


@pytest.mark.parametrize(("table", "divisors"), [("table3", (8,)), ("table4", DIVISORS), ("table5", DIVISORS)])
def test_every_printed_row_belongs_to_one_cell(table: str, divisors: tuple[int, ...]) -> None:
    cells = [Cell(d, start, *weights) for d in divisors for start in START_NAMES for weights in INFLUENCES]
    rows = printed("wang2017", table)
    column = str(rows.columns[0])
    ours = pd.DataFrame({"ours": 0.0}, index=pd.Index([TEACHER, *cells], dtype=object))
    joined = beside_cells(table, ours, column=column)
    assert list(joined.index) == [TEACHER, *cells]
    np.testing.assert_array_equal(joined[f"paper {column}"], rows[column])


def test_a_cell_that_is_not_printed_has_no_number() -> None:
    joined = beside_cells("table4", pd.DataFrame({"ours": [1.0]}, index=[Cell(2, "Distill", 0.5, 0)]), column="top-1")
    assert math.isnan(joined["paper top-1"].iloc[0])


@pytest.mark.parametrize(("higher", "so"), [(True, ["keep", "drop"]), (False, ["drop", "keep"])])
def test_a_target_that_harms_is_dropped(higher: bool, so: list[str]) -> None:
    start = RNG.random((1, 400))
    values = {TEACHER: start, NONE: start, SOFT: start + 0.02, HIDDEN: start - 0.03}
    found = influences(values, higher_is_better=higher, table="table3", column="NRMSE")
    assert found["decision"].tolist() == so
    assert found["target"].tolist() == ["soft (α = 1)", "hidden (β = 1)"]
    assert found["difference"].tolist() == pytest.approx([2.0, -3.0])
    assert found["paper difference"].tolist() == pytest.approx([3.54 - 3.29, 3.21 - 3.29])
    values[SOFT] = start + RNG.normal(0, 1, start.shape)
    values[SOFT] -= (values[SOFT] - start).mean()
    again = influences(values, higher_is_better=higher)
    assert again["decision"][0] == "undecided"
    assert again["paper difference"].isna().all()


def test_both_targets_at_once_are_no_influence_of_one() -> None:
    both = Cell(8, "Distill", 1, 1)
    values = {cell: RNG.random((1, 50)) for cell in (NONE, SOFT, both)}
    assert len(influences(values, higher_is_better=True)) == 1


def test_an_index_of_cells_becomes_their_fields() -> None:
    values = {name: RNG.random((1, 50)) for name in (TEACHER, NONE, Cell(2, "Pretrain", 0.5, 0))}
    assert list(by_fields(tabulate(values, "top-1")).index) == [
        ("teacher", "–", "–", "–"),
        ("/8", "Distill", "0", "0"),
        ("/2", "Pretrain", "0.5", "0"),
    ]
