"""Measured values with their intervals beside the paper's, row by row: on one axis, or each on its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PAPER_COLOUR = "tab:orange"
_OUR_COLOUR = "tab:blue"
_PRINTED = "paper, on its data"


def beside_print(table: pd.DataFrame, measure: str, over: str) -> Figure:
    """Our value with its interval, and the paper's, a row a method.

    Args:
        table: Columns `measure`, low, high and "paper `measure`", in percent; see `nbutils.papers.beside`.
        measure: Name of the measure, such as "AUC".
        over: What the intervals are over, such as "pairs".

    Example:
        >>> import pandas as pd
        >>> from nbutils.viz import beside_print
        >>> scores = {"paper AUC": [98.4], "AUC": [95.0], "low": [94.0], "high": [96.0]}
        >>> beside_print(pd.DataFrame(scores, index=["selection"]), "AUC", "pairs").axes[0].get_xlabel()
        'AUC in percent'
    """
    figure, ax = _rows_with_intervals(table, measure, over)
    ax.plot(table[f"paper {measure}"], np.arange(len(table)), "D", color=PAPER_COLOUR, fillstyle="none", label=_PRINTED)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", frameon=False)
    plt.close(figure)
    return figure


def scores_with_intervals(table: pd.DataFrame, measure: str, over: str) -> Figure:
    """As `beside_print`, of methods that no paper has printed.

    Args:
        table: Columns `measure`, low and high, in percent.
        measure: Name of the measure, such as "AUC".
        over: What the intervals are over, such as "pairs".

    Example:
        >>> import pandas as pd
        >>> from nbutils.viz import scores_with_intervals
        >>> scores = pd.DataFrame({"AUC": [95.0], "low": [94.0], "high": [96.0]}, index=["my student"])
        >>> [label.get_text() for label in scores_with_intervals(scores, "AUC", "pairs").axes[0].get_yticklabels()]
        ['my student']
    """
    figure, ax = _rows_with_intervals(table, measure, over)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", frameon=False)
    plt.close(figure)
    return figure


def scores_beside_print(table: pd.DataFrame, measure: str, unit: str = "%") -> Figure:
    """Our scores with their intervals, and the paper's own, each on its own axis: the order is what compares.

    Args:
        table: Indexed by network: `measure`, low, high, and "paper <measure>".
        measure: Column of the scores.
        unit: Of the scores.

    Example:
        >>> import pandas as pd
        >>> from nbutils.viz import scores_beside_print
        >>> scores = {"paper AUC": [98.4], "AUC": [95.0], "low": [94.0], "high": [96.0]}
        >>> figure = scores_beside_print(pd.DataFrame(scores, index=["selection"]), "AUC")
        >>> [axes.get_title() for axes in figure.axes]
        ['ours, 95 % interval', 'the paper, on its data']
    """
    figure, (ours, paper) = plt.subplots(1, 2, figsize=(9.5, 0.3 * len(table) + 1.2), sharey=True, layout="constrained")
    y = np.arange(len(table))
    values_with_intervals(ours, y, table, measure)
    paper.plot(table[f"paper {measure}"], y, "D", color=PAPER_COLOUR, fillstyle="none")
    for ax, title in ((ours, "ours, 95 % interval"), (paper, "the paper, on its data")):
        ax.set(title=title, xlabel=f"{measure}, {unit}", ylim=(len(table) - 0.4, -0.6))
        ax.grid(alpha=0.3)
    ours.set_yticks(y, [str(name) for name in table.index], fontsize=9)
    plt.close(figure)
    return figure


def values_with_intervals(
    ax: Axes,
    y: npt.NDArray[np.int64] | Sequence[int],
    table: pd.DataFrame,
    measure: str,
    *,
    label: str = "ours, 95 % interval",
) -> None:
    """Dots at the values of column `measure`, with bars from "low" to "high", at the heights `y`."""
    errors = np.stack([table[measure] - table["low"], table["high"] - table[measure]])
    ax.errorbar(table[measure], y, xerr=errors, fmt="o", capsize=3, color=_OUR_COLOUR, label=label)


def _rows_with_intervals(table: pd.DataFrame, measure: str, over: str) -> tuple[Figure, Axes]:
    figure, ax = plt.subplots(figsize=(7, 0.5 * len(table) + 1.6), layout="constrained")
    y = np.arange(len(table))
    values_with_intervals(ax, y, table, measure, label=f"ours, 95 % interval over {over}")
    for at, value in zip(y, table[measure], strict=True):
        ax.annotate(f"{value:.2f}", (value, at), xytext=(0, 7), textcoords="offset points", ha="center", fontsize=8)
    ax.set(
        yticks=y,
        yticklabels=[str(name) for name in table.index],
        xlabel=f"{measure} in percent",
        ylim=(len(table) - 0.4, -0.8),
    )
    ax.grid(axis="x", alpha=0.3)
    return figure, ax
