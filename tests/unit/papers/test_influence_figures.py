"""Figures of what α and β change are read back."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from nbutils.evaluation import tabulate
from nbutils.papers import printed
from nbutils.papers.wang2017 import (
    INFLUENCES,
    START_NAMES,
    TEACHER,
    Cell,
    beside_cells,
    influence_bars,
    influence_explorer,
    influence_view,
    influences,
    transfer_pipeline_figure,
)
from nbutils.viz import scores_beside_print

RNG = np.random.default_rng(0)
CELLS = [Cell(8, start, *weights) for start in START_NAMES for weights in INFLUENCES]
DISTILLED = CELLS[3:]
ERRORS = {name: 0.03 + RNG.random((1, 200)) / 100 for name in (TEACHER, *CELLS)}
SCORES = beside_cells("table3", tabulate(ERRORS, "NRMSE"), column="NRMSE")
HISTORY = pd.DataFrame({"step": [5, 10], "loss": [3.0, 2.0], "task": [2.0, 1.5], "soft": [1.0, 0.5], "seconds": [1, 1]})


def _drawn(figure: Figure, axis: int, line: int) -> np.ndarray:
    return np.asarray(figure.axes[axis].lines[line].get_xdata(), np.float64)


def test_scores_stand_beside_the_print_in_the_tables_order_under_words() -> None:
    figure = scores_beside_print(SCORES, "NRMSE")
    np.testing.assert_allclose(_drawn(figure, 0, 0), SCORES["NRMSE"])
    np.testing.assert_allclose(_drawn(figure, 1, 0), printed("wang2017", "table3")["NRMSE"])
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[:2] == ["teacher", "an eighth as wide, from Pretrain, no targets"]


def test_influences_are_differences_ours_and_printed() -> None:
    found = influences(ERRORS, higher_is_better=False, table="table3", column="NRMSE")
    figure = influence_bars(found, "points")
    for axis, (target, theirs) in enumerate((("hidden (β = 1)", [-0.12, -0.08]), ("soft (α = 1)", [0.24, 0.25]))):
        assert figure.axes[axis].get_title() == f"{target} alone"
        np.testing.assert_allclose(_drawn(figure, axis, 0), found[found["target"] == target]["difference"])
        np.testing.assert_allclose(_drawn(figure, axis, -2), theirs)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["an eighth as wide, from Pretrain", "an eighth as wide, from Distill"]


def test_one_student_shows_every_term_of_its_loss() -> None:
    figure = influence_view(SCORES, dict.fromkeys(CELLS, HISTORY), "NRMSE", DISTILLED[2])
    left, right = figure.axes
    np.testing.assert_allclose(_drawn(figure, 0, 0), SCORES.loc[DISTILLED]["NRMSE"])
    assert [label.get_text() for label in left.get_yticklabels()] == [cell.weights for cell in DISTILLED]
    assert [line.get_label() for line in right.lines] == ["task", "soft"]
    assert [text.get_text() for text in left.texts] == ["paper 3.29", "paper 3.21", "paper 3.54"]
    missing = SCORES.assign(**{"paper NRMSE": np.nan})
    texts = influence_view(missing, dict.fromkeys(CELLS, HISTORY), "NRMSE", DISTILLED[2]).axes[0].texts
    assert {text.get_text() for text in texts} == {"not printed"}


def test_the_explorer_follows_the_start_and_the_weights() -> None:
    explorer = influence_explorer(SCORES, dict.fromkeys(CELLS, HISTORY), "NRMSE")
    for control, value in zip(explorer.inputs.values(), ("/8 Distill", "soft targets (α = 1)"), strict=True):
        before = explorer.picture
        control.value = value
        assert explorer.picture != before


def test_the_pipeline_has_a_teacher_and_a_student_for_each_task() -> None:
    texts = [text.get_text() for text in transfer_pipeline_figure("alignment").axes[0].texts]
    assert sum(text.startswith("teacher\n") for text in texts) == 3
    assert sum(text.startswith("student\n") for text in texts) == 3


@pytest.mark.parametrize("values", [[1.05, 0.2], [1.0, 0.1], [0.95, 0.5]])
def test_every_value_of_a_loss_lies_within_its_axis(values: list[float]) -> None:
    history = pd.DataFrame({"step": [5, 10], "task": values})
    low, high = influence_view(SCORES, dict.fromkeys(CELLS, history), "NRMSE", DISTILLED[2]).axes[1].get_ylim()
    assert low < min(values)
    assert max(values) < high
