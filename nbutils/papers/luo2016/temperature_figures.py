"""Errors and AUC against the temperature of the soft targets, the logits being their limit."""

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

    Example:
        >>> import numpy as np
        >>> import pandas as pd
        >>> from nbutils.papers.luo2016 import error_against_temperature
        >>> rows = {"soft t=2": 3.0, "logits": 2.5, "1-of-K": 4.0}
        >>> table = pd.DataFrame({"error": rows, "paper error": rows})
        >>> table = table.assign(low=table["error"] - 0.5, high=table["error"] + 0.5)
        >>> figure = error_against_temperature(table, {"soft t=2": 2.0, "logits": np.inf}, ("1-of-K",))
        >>> [axes.get_title() for axes in figure.axes]
        ['ours', 'paper, MNIST']
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


def temperature_line(table: pd.DataFrame) -> Figure:
    """AUC against the temperature of the soft targets, ours with its interval and the paper's; logits at infinity.

    Args:
        table: Rows "soft t=…" and "logits"; columns AUC, low, high and "paper AUC" in percent.

    Example:
        >>> import pandas as pd
        >>> from nbutils.papers.luo2016 import temperature_line
        >>> table = pd.DataFrame({"AUC": [94.0, 95.0], "paper AUC": [97.0, 97.5]}, index=["soft t=2", "logits"])
        >>> figure = temperature_line(table.assign(low=table["AUC"] - 1, high=table["AUC"] + 1))
        >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
        ['2', '∞ (logits)']
    """
    temperatures = {str(name): float(str(name).removeprefix("soft t=")) for name in table.index if "soft" in str(name)}
    rows = table.loc[[*sorted(temperatures, key=temperatures.__getitem__), "logits"]]
    labels = [f"{temperatures[str(name)]:g}" for name in rows.index[:-1]] + ["∞ (logits)"]
    x = np.arange(len(rows))
    figure, (ours, paper) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    errors = np.stack([rows["AUC"] - rows["low"], rows["high"] - rows["AUC"]])
    ours.errorbar(x, rows["AUC"], yerr=errors, fmt="o-", capsize=4)
    paper.plot(x, rows["paper AUC"], "D-", color="tab:orange", fillstyle="none")
    for ax, title in ((ours, "ours, 95 % interval"), (paper, "paper, on its data")):
        ax.set(title=title, xlabel="temperature t", ylabel="AUC in percent", xlim=(-0.4, len(rows) - 0.6))
        ax.set_xticks(x, labels)
        ax.grid(axis="y", alpha=0.3)
    plt.close(figure)
    return figure
