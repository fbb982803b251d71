"""Figures of what networks cost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure


def latency_bars(table: pd.DataFrame, paper: Mapping[str, float]) -> Figure:
    """Milliseconds for one image by network and execution mode, on a logarithmic axis.

    Args:
        table: Columns network, mode, ms, "ms, 25 %", "ms, 75 %", in the order to draw.
        paper: Milliseconds that the paper prints, by network.

    Example:
        >>> import pandas as pd
        >>> from nbutils.viz import latency_bars
        >>> table = pd.DataFrame({"network": ["T1", "S"], "mode": ["eager", "eager"], "ms": [9.0, 2.0]})
        >>> table = table.assign(**{"ms, 25 %": table["ms"] - 0.5, "ms, 75 %": table["ms"] + 0.5})
        >>> latency_bars(table, {"T1": 140.0, "S": 18.0}).axes[0].get_xscale()
        'log'
    """
    figure, ax = plt.subplots(figsize=(8, 0.3 * len(table) + 1.5), layout="constrained")
    modes = list(dict.fromkeys(table["mode"]))
    colour = dict(zip(modes, sns.color_palette(n_colors=len(modes)), strict=True))
    y = np.arange(len(table))
    around = np.stack([table["ms"] - table["ms, 25 %"], table["ms, 75 %"] - table["ms"]])
    ax.barh(y, table["ms"], color=[colour[mode] for mode in table["mode"]], height=0.75)
    ax.errorbar(table["ms"], y, xerr=around, fmt="none", color="black", linewidth=0.8)
    first = table.reset_index(drop=True).groupby("network", sort=False).head(1).index
    for number, (at, network) in enumerate(zip(first, table["network"].iloc[first], strict=True)):
        if network in paper:
            label = "paper, CPU of 2.0 GHz" if number == 0 else None
            ax.plot(paper[network], at, "D", color="black", fillstyle="none", label=label)
    for at, value, end in zip(y, table["ms"], table["ms, 75 %"], strict=True):
        ax.annotate(
            f"{value:.3g}", (max(value, end), at), xytext=(6, 0), textcoords="offset points", va="center", fontsize=7
        )
    ax.set(xscale="log", xlabel="milliseconds for one image on one thread", ylim=(len(table) - 0.4, -0.6))
    ax.set_yticks(y, [f"{n}, {w}" for n, w in zip(table["network"], table["mode"], strict=True)], fontsize=8)
    ax.set_xlim(right=2 * max(table["ms"].max(), *paper.values()))
    ax.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    plt.close(figure)
    return figure
