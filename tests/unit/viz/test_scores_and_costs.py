"""Figures of scores, costs and baselines are read back."""

import numpy as np
import pandas as pd
import pytest

from nbutils.selection import Stability
from nbutils.viz import baseline_lines, beside_print, latency_bars, scores_with_intervals, stability_plots

ERRORS = pd.DataFrame(
    {"error": [1.0, 3.0, 2.0], "low": [0.5, 2.0, 1.5], "high": [2.0, 4.0, 2.5], "paper error": [0.63, 1.24, 0.92]},
    index=["T", "soft t=1", "logits"],
)


def test_values_stand_beside_the_papers() -> None:
    ax = beside_print(ERRORS, "error", "digits").axes[0]
    assert list(ax.lines[0].get_xdata()) == [1, 3, 2]  # type: ignore[arg-type]
    assert list(ax.lines[-1].get_xdata()) == [0.63, 1.24, 0.92]  # type: ignore[arg-type]
    assert ax.get_xlabel() == "error in percent"


def test_values_without_a_paper_stand_alone() -> None:
    figure = scores_with_intervals(ERRORS.drop(columns="paper error"), "error", "digits")
    ax = figure.axes[0]
    assert list(ax.lines[0].get_xdata()) == [1, 3, 2]  # type: ignore[arg-type]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ours, 95 % interval over digits"]


def test_latencies_are_drawn_with_the_papers_at_each_networks_first_bar() -> None:
    table = pd.DataFrame({"network": ["T1", "T1", "S"], "mode": ["eager", "fast", "eager"], "ms": [50.0, 40.0, 9.0]})
    table["ms, 25 %"], table["ms, 75 %"] = table["ms"] - 1, table["ms"] + 2
    ax = latency_bars(table, {"T1": 60, "S": 4}).axes[0]
    assert [text.get_text() for text in ax.texts] == ["50", "40", "9"]
    points = [line for line in ax.lines if line.get_marker() == "D"]
    drawn = [tuple(float(np.squeeze(v)) for v in (line.get_xdata(), line.get_ydata())) for line in points]
    assert drawn == [(60, 0), (4, 2)]


def test_every_method_has_its_line_and_selection_no_difference_to_itself() -> None:
    rows = [(m, c, 90.0 + c, 89.0 + c, 92.0 + c, 1.0, 0.5, 2.0) for m in ("selection", "PCA") for c in (8, 16)]
    columns = ["method", "count", "AUC", "low", "high", "selection −", "− low", "− high"]
    left, right = baseline_lines(pd.DataFrame(rows, columns=columns), 99.0).axes
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["all neurons", "selection", "PCA"]  # type: ignore[union-attr]
    assert len(right.containers) == 1
    np.testing.assert_array_equal(left.containers[0].get_children()[0].get_ydata(), [98, 106])  # type: ignore[attr-defined]


def test_stability_shows_each_resample_and_chance() -> None:
    images = Stability(np.array([0.0, 1.0, 1.0]), np.array([0.4, 0.6]), 0.25)
    lams = pd.DataFrame({"λ": [0.0, 0.1], "overlap": [0.9, 1.0], "mean cost Φ": [1.0, 2.0]})
    left, middle, right = stability_plots(images, lams).axes
    assert sum(bar.get_height() for bar in left.patches) == pytest.approx(3)  # type: ignore[attr-defined]
    assert sorted(np.concatenate([np.asarray(c.get_offsets())[:, 0] for c in middle.collections])) == [0.4, 0.6]
    assert middle.lines[0].get_xdata() == pytest.approx([0.25, 0.25])
    assert list(right.lines[0].get_ydata()) == [0.9, 1]  # type: ignore[arg-type]
