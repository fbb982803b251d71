"""Figures of what α and β change: ours beside the paper's, and one student at a time."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets as widgets
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from nbutils.papers.wang2017.transfer_cells import Cell, Name
from nbutils.viz.explorer_widget import Explorer
from nbutils.viz.explorers import explorer, variable_name
from nbutils.viz.learning_curves import loss_terms
from nbutils.viz.score_figures import PAPER_COLOUR, values_with_intervals


def influence_bars(found: pd.DataFrame, unit: str) -> Figure:
    """What each target alone changes, start by start, ours with its interval and the paper's.

    Args:
        found: From `influences`.
        unit: Of the differences.

    Example:
        >>> import numpy as np
        >>> from nbutils.papers.wang2017 import Cell, influence_bars, influences
        >>> right = np.arange(100)[None] < 80
        >>> alone, soft = Cell(8, "Distill", 0.0, 0.0), Cell(8, "Distill", 1.0, 0.0)
        >>> found = influences({alone: right, soft: np.arange(100)[None] < 90}, higher_is_better=True)
        >>> influence_bars(found, "points").axes[0].get_title()
        'soft (α = 1) alone'
    """
    targets = list(dict.fromkeys(found["target"]))
    cells = (Cell(int(n[1:]), s, 0.0, 0.0) for n, s in zip(found["network"], found["start"], strict=True))
    rows = pd.Series([cell.student for cell in cells], found.index)
    starts = list(dict.fromkeys(rows))
    figure, axes = plt.subplots(
        1, len(targets), figsize=(9.5, 0.42 * len(starts) + 1.5), sharey=True, sharex=True, layout="constrained"
    )
    for ax, target in zip(np.atleast_1d(axes), targets, strict=True):
        own = found[found["target"] == target]
        y = [starts.index(row) for row in rows[own.index]]
        values_with_intervals(ax, y, own, "difference")
        ax.plot(own["paper difference"], y, "D", color=PAPER_COLOUR, fillstyle="none", label="paper, on its data")
        ax.axvline(0, color="black", linewidth=0.8)
        ax.set(title=f"{target} alone", xlabel=f"difference to no target, {unit}", ylim=(len(starts) - 0.4, -0.6))
        ax.set_yticks(range(len(starts)), starts)
        ax.grid(alpha=0.3)
    handles = np.atleast_1d(axes)[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=2, frameon=False)
    plt.close(figure)
    return figure


def influence_view(table: pd.DataFrame, histories: Mapping[Name, pd.DataFrame], measure: str, cell: Cell) -> Figure:
    """One student: its score among those of its size and start, and how each term of its loss fell.

    Args:
        table: Indexed by cell: `measure`, low, high, and "paper <measure>".
        histories: Cell to history.
        measure: Column of the scores.
        cell: The student.

    Example:
        >>> import pandas as pd
        >>> from nbutils.papers.wang2017 import Cell, influence_view
        >>> cell = Cell(8, "Distill", 1.0, 0.0)
        >>> scores = {"accuracy": [90.0], "low": [88.0], "high": [92.0], "paper accuracy": [95.0]}
        >>> histories = {cell: pd.DataFrame({"epoch": [0, 1], "step": [10, 20], "task": [4.0, 1.0]})}
        >>> figure = influence_view(pd.DataFrame(scores, index=[cell]), histories, "accuracy", cell)
        >>> figure.axes[0].get_title()
        'an eighth as wide, from Distill'
    """
    return _InfluenceView().show(table, histories, measure, cell)


def influence_explorer(table: pd.DataFrame, histories: Mapping[Name, pd.DataFrame], measure: str) -> Explorer:
    """`influence_view` under a choice of the start and of α and β; arguments as there.

    Example:
        >>> import pandas as pd
        >>> from nbutils.papers.wang2017 import Cell, influence_explorer
        >>> cell = Cell(8, "Distill", 1.0, 0.0)
        >>> scores = {"accuracy": [90.0], "low": [88.0], "high": [92.0], "paper accuracy": [95.0]}
        >>> histories = {cell: pd.DataFrame({"epoch": [0, 1], "step": [10, 20], "task": [4.0, 1.0]})}
        >>> widget = influence_explorer(pd.DataFrame(scores, index=[cell]), histories, "accuracy")
        >>> [control["steps"] for control in widget.controls]
        [['/8 Distill'], ['soft targets (α = 1)']]
    """
    cells = _cells(table)
    starts = {f"{cell.network} {cell.start}": cell.alone for cell in cells}
    weights = list(dict.fromkeys(cell.weights for cell in cells))
    view = _InfluenceView()
    given = f"{variable_name(table, 'table')}, {variable_name(histories, 'histories')}, {measure!r}"

    def chosen(start: str, weights: str) -> Cell:
        return next(cell for cell in cells if (cell.alone, cell.weights) == (starts[start], weights))

    return explorer(
        lambda start, weights: view.show(table, histories, measure, chosen(start, weights)),
        lambda start, weights: f"wang2017.influence_view({given}, wang2017.{chosen(start, weights)!r})",
        start=widgets.Dropdown(options=list(starts), description="start"),
        weights=widgets.ToggleButtons(options=weights, description="targets"),
    )


class _InfluenceView:
    """The figure of `influence_view`, to show one student after another."""

    def __init__(self) -> None:
        self.figure, (self.left, self.right) = plt.subplots(1, 2, figsize=(9.5, 3.2), layout="constrained")
        self.right.set(title="terms of its loss, unweighted", xlabel="optimiser steps", ylabel="loss", yscale="log")
        self.right.minorticks_off()
        for ax in (self.left, self.right):
            ax.grid(alpha=0.3)
            ax.locator_params(axis="x", nbins=4)  # a tick and its label take as long as a curve
        plt.close(self.figure)

    def show(self, table: pd.DataFrame, histories: Mapping[Name, pd.DataFrame], measure: str, cell: Cell) -> Figure:
        left, right = self.left, self.right
        for ax in (left, right):  # the axes themselves stay: new ticks are what takes most time
            for kind in ("containers", "lines", "patches", "texts"):
                for drawn in list(getattr(ax, kind)):
                    drawn.remove()
            ax.set_prop_cycle(None)
        cells = [other for other in _cells(table) if other.alone == cell.alone]
        own = table.loc[cells]
        y = np.arange(len(cells))
        values_with_intervals(left, y, own, measure)
        left.axhspan(cells.index(cell) - 0.4, cells.index(cell) + 0.4, color="tab:blue", alpha=0.12)
        left.set_yticks(y, [other.weights for other in cells])
        left.set(title=cell.student, xlabel=f"{measure}, %", ylim=(len(cells) - 0.4, -0.6))
        for at, value in zip(y, own[f"paper {measure}"], strict=True):
            text = "not printed" if np.isnan(value) else f"paper {value:g}"
            left.annotate(text, (1.02, at), xycoords=("axes fraction", "data"), va="center", fontsize=8)
        history = histories[cell]
        for name in loss_terms(history):
            right.plot(history["step"], history[name], marker=".", label=name)
        right.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
        for ax in (left, right):
            ax.relim()
            ax.autoscale(axis="x")
        values = history[loss_terms(history)].to_numpy(float)
        powers = np.log10(values[values > 0])
        if powers.size:  # whole decades, so that there are ticks, with room at both ends
            right.set_ylim(10 ** np.floor(powers.min() - 0.05), 10 ** np.ceil(powers.max() + 0.05))
        return self.figure


def _cells(table: pd.DataFrame) -> list[Cell]:
    return [name for name in table.index if isinstance(name, Cell)]
