"""Classification errors against the temperature of the soft targets."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure


def error_against_temperature(table: pd.DataFrame, temperatures: dict[str, float], levels: tuple[str, ...]) -> Figure:
    """Test errors of soft targets against their temperature, the logits at its end; ours and the paper's.

    Args:
        table: Columns error, low, high and "paper error", in percent.
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
