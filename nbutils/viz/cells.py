"""Figures of tables' cells: scores beside the printed ones, what each target changes, how the networks learned."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets as widgets
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nbutils.evaluation.cells import ALONE, TARGETS
from nbutils.viz.explorers import explorer

#: Columns of a history that are no term of the objective.
_OTHER = ("epoch", "step", "learning_rate", "loss", "seconds")
_OURS, _PAPER = "tab:blue", "tab:orange"


def cell_scores(table: pd.DataFrame, measure: str, unit: str = "%") -> Figure:
    """Our cells with their intervals, and the paper's own, each on its own axis: the order is what compares.

    Args:
        table: Indexed by cell: `measure`, low, high, and "paper <measure>".
        measure: Column of the scores.
        unit: Of the scores.
    """
    figure, (ours, paper) = plt.subplots(1, 2, figsize=(9.5, 0.3 * len(table) + 1.2), sharey=True, layout="constrained")
    y = np.arange(len(table))
    _dots(ours, y, table, measure)
    paper.plot(table[f"paper {measure}"], y, "D", color=_PAPER, fillstyle="none")
    for ax, title in ((ours, "ours, 95 % interval"), (paper, "the paper, on its data")):
        ax.set(title=title, xlabel=f"{measure}, {unit}", ylim=(len(table) - 0.4, -0.6))
        ax.grid(alpha=0.3)
    ours.set_yticks(y, [str(name) for name in table.index], fontsize=9)
    plt.close(figure)
    return figure


def influence_bars(found: pd.DataFrame, printed: pd.Series, unit: str) -> Figure:
    """What each target alone changes, start by start, ours with its interval and the paper's.

    Args:
        found: From `nbutils.evaluation.influences`.
        printed: The paper's scores by the cell's name, such as "/2 Distill 1 0".
        unit: Of the differences.
    """
    targets = list(TARGETS.items())
    starts = list(dict.fromkeys(found["start"]))
    figure, axes = plt.subplots(
        1, len(targets), figsize=(9.5, 0.42 * len(starts) + 1.5), sharey=True, sharex=True, layout="constrained"
    )
    y = np.arange(len(starts))
    for ax, (target, influence) in zip(axes, targets, strict=True):
        own = found[found["target"] == target]
        _dots(ax, y, own, "difference")
        theirs = [printed[f"{start} {influence}"] - printed[f"{start} {ALONE}"] for start in starts]
        ax.plot(theirs, y, "D", color=_PAPER, fillstyle="none", label="paper, on its data")
        ax.axvline(0, color="black", linewidth=0.8)
        ax.set(title=f"{target} alone", xlabel=f"difference to no target, {unit}", ylim=(len(starts) - 0.4, -0.6))
        ax.set_yticks(y, starts)
        ax.grid(alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    plt.close(figure)
    return figure


def training_curves(panels: Mapping[str, Mapping[str, pd.DataFrame]], term: str = "task") -> Figure:
    """One term of the loss against optimiser steps, for groups of networks.

    Args:
        panels: Title to the networks' histories by name; see `nbutils.training.engine.fit`.
        term: Column of the histories; a network without it is left out.
    """
    figure, axes = plt.subplots(
        1, len(panels), figsize=(4.2 * len(panels) + 0.6, 3.6), layout="constrained", squeeze=False
    )
    for ax, (title, histories) in zip(axes[0], panels.items(), strict=True):
        for colour, (name, history) in zip(sns.color_palette(n_colors=len(histories)), histories.items(), strict=True):
            if term in history:
                ax.plot(history["step"], history[term], color=colour, marker=".", label=name)
        ax.set(title=title, xlabel="optimiser steps", yscale="log")
        ax.legend(frameon=False, fontsize=8)
        ax.grid(alpha=0.3, which="both")
    axes[0, 0].set_ylabel(f"training loss, term '{term}'")
    plt.close(figure)
    return figure


def influence_view(
    table: pd.DataFrame, histories: Mapping[str, pd.DataFrame], measure: str, start: str, influence: str
) -> Figure:
    """One student: its score among the three influences of its start, and how each term of its loss fell.

    Args:
        table: Indexed by cell: `measure`, low, high, and "paper <measure>".
        histories: Cell to history.
        measure: Column of the scores.
        start: Such as "/2 Distill".
        influence: α and β, such as "1 0".
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.2), layout="constrained")
    cells = [ALONE, *TARGETS.values()]
    own = table.loc[[f"{start} {cell}" for cell in cells]]
    y = np.arange(len(cells))
    _dots(left, y, own, measure)
    left.axhspan(cells.index(influence) - 0.4, cells.index(influence) + 0.4, color="tab:blue", alpha=0.12)
    left.set_yticks(y, [f"α = {cell[0]}, β = {cell[-1]}" for cell in cells])
    printed = own[f"paper {measure}"]
    left.set(title=f"{start}: {measure}", xlabel="%", ylim=(len(cells) - 0.4, -0.6))
    for at, value in zip(y, printed, strict=True):
        told = "not printed" if np.isnan(value) else f"paper {value:g}"
        left.annotate(told, (1.02, at), xycoords=("axes fraction", "data"), va="center", fontsize=8)
    history = histories[f"{start} {influence}"]
    for name in (column for column in history if column not in _OTHER):
        right.plot(history["step"], history[name], marker=".", label=str(name))
    right.set(title="terms of its loss, unweighted", xlabel="optimiser steps", yscale="log")
    right.legend(frameon=False, fontsize=8)
    for ax in (left, right):
        ax.grid(alpha=0.3)
    plt.close(figure)
    return figure


def influence_explorer(table: pd.DataFrame, histories: Mapping[str, pd.DataFrame], measure: str) -> widgets.Widget:
    """`influence_view` under a choice of the start and of α and β; arguments as there."""
    starts = [str(name).removesuffix(f" {ALONE}") for name in table.index if str(name).endswith(f" {ALONE}")]
    choices = [(f"α = {cell[0]}, β = {cell[-1]}", cell) for cell in (ALONE, *TARGETS.values())]
    return explorer(
        lambda start, influence: influence_view(table, histories, measure, start, influence),
        start=widgets.Dropdown(options=starts, description="start"),
        influence=widgets.ToggleButtons(options=choices),
    )


def _dots(ax: Axes, y: np.ndarray, table: pd.DataFrame, measure: str) -> None:
    errors = np.stack([table[measure] - table["low"], table["high"] - table[measure]])
    ax.errorbar(table[measure], y, xerr=errors, fmt="o", capsize=3, color=_OURS, label="ours, 95 % interval")
