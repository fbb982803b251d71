"""Measured values with their intervals beside the paper's, row by row."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure


def beside_print(table: pd.DataFrame, measure: str, over: str) -> Figure:
    """Our value with its interval, and the paper's, a row a method.

    Args:
        table: Columns `measure`, low, high and "paper `measure`", in percent; see `nbutils.reporting.beside`.
        measure: Name of the measure, such as "AUC".
        over: What the intervals are over, such as "pairs".
    """
    figure, ax = plt.subplots(figsize=(7, 0.5 * len(table) + 1.4), layout="constrained")
    y, ours = np.arange(len(table)), table[measure]
    around = np.stack([ours - table["low"], table["high"] - ours])
    ax.errorbar(ours, y, xerr=around, fmt="o", capsize=4, label=f"ours, 95 % interval over {over}")
    paper = table[f"paper {measure}"]
    ax.plot(paper, y, "D", color="tab:orange", fillstyle="none", label="paper, on its data")
    for at, value in zip(y, ours, strict=True):
        ax.annotate(f"{value:.2f}", (value, at), xytext=(0, 7), textcoords="offset points", ha="center", fontsize=8)
    ax.set(yticks=y, yticklabels=list(table.index), xlabel=f"{measure} in percent", ylim=(len(table) - 0.4, -0.8))
    ax.grid(axis="x", alpha=0.3)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    plt.close(figure)
    return figure
