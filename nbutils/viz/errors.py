"""Figures of classification errors: row by row beside the paper's, and against the temperature."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure


def error_bars(table: pd.DataFrame) -> Figure:
    """Our test error with its interval, and the paper's, row by row.

    Args:
        table: Columns error, low, high and "paper error", in percent.
    """
    figure, ax = plt.subplots(figsize=(7, 0.45 * len(table) + 1.4), layout="constrained")
    y = np.arange(len(table))
    around = np.stack([table["error"] - table["low"], table["high"] - table["error"]])
    ax.errorbar(table["error"], y, xerr=around, fmt="o", capsize=4, label="ours, 95 % interval over test images")
    ax.plot(table["paper error"], y, "D", color="tab:orange", fillstyle="none", label="paper, MNIST")
    for at, value in zip(y, table["error"], strict=True):
        ax.annotate(f"{value:.2f}", (value, at), xytext=(0, 6), textcoords="offset points", ha="center", fontsize=8)
    ax.set(yticks=y, yticklabels=list(table.index), xlabel="test error in percent", ylim=(len(table) - 0.4, -0.8))
    ax.set_xlim(left=0)
    ax.grid(axis="x", alpha=0.3)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    plt.close(figure)
    return figure


def error_against_temperature(table: pd.DataFrame, temperatures: dict[str, float], levels: tuple[str, ...]) -> Figure:
    """Test errors of soft targets against their temperature, the logits at its end; ours and the paper's.

    Args:
        table: As in `error_bars`.
        temperatures: Row name to t; infinity for logits.
        levels: Rows without a temperature, drawn as levels.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained", sharex=True)
    finite = [t for t in temperatures.values() if np.isfinite(t)]
    end = 2 * max(finite)
    at = [min(t, end) for t in temperatures.values()]
    for ax, column, title in zip(axes, ("error", "paper error"), ("ours", "paper, MNIST"), strict=True):
        values = table.loc[list(temperatures), column]
        ax.plot(at, values, "o-", color="tab:blue", label="soft targets, logits")
        if column == "error":
            rows = table.loc[list(temperatures)]
            ax.fill_between(at, rows["low"], rows["high"], alpha=0.15, color="tab:blue")
        for level, style in zip(levels, ("--", ":", "-."), strict=False):
            ax.axhline(table.loc[level, column], linestyle=style, color="black", linewidth=1, label=level)
        ax.set(xscale="log", xlabel="temperature t", ylabel="test error in percent", title=title)
        ax.set_xticks([*finite, end], [*(f"{t:g}" for t in finite), "∞"])
        ax.minorticks_off()
        ax.set_ylim(bottom=0)
        ax.grid(alpha=0.3)
    axes[1].legend(frameon=False, fontsize=8)
    plt.close(figure)
    return figure
