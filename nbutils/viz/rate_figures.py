"""Figures of a search for learning rates."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure


def rate_lines(scores: pd.DataFrame, recipe: Mapping[str, float]) -> Figure:
    """AUC against the learning rate, a line an objective; a ring marks the recipe's rate.

    Args:
        scores: Columns objective, rate, AUC in percent.
        recipe: Rate by objective.

    Example:
        >>> import pandas as pd
        >>> from nbutils.viz import rate_lines
        >>> scores = pd.DataFrame({"objective": "neurons", "rate": [0.1, 0.2], "AUC": [80.0, 82.0]})
        >>> len(rate_lines(scores, {"neurons": 0.1}).axes)
        1
    """
    figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    means = scores.groupby(["objective", "rate"], sort=False)["AUC"].mean()
    names = list(dict.fromkeys(scores["objective"]))
    for colour, name in zip(sns.color_palette(n_colors=len(names)), names, strict=True):
        own = means[name].sort_index()
        ax.plot(own.index, own, "o-", color=colour, markersize=4, label=name)
        if recipe[name] in own.index:
            ax.plot(recipe[name], own[recipe[name]], "o", color=colour, markersize=11, fillstyle="none")
    rates = sorted(scores["rate"].unique())
    ax.set(xscale="log", xlabel="learning rate (ring: the recipe's)", ylabel="AUC of held-out people, in percent")
    ax.set_xticks(rates, [f"{rate:g}" for rate in rates])
    ax.minorticks_off()
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    plt.close(figure)
    return figure
