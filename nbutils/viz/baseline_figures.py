"""Figures of a choice of neurons against others, and of its stability."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from nbutils.selection.stability import Stability


def baseline_lines(table: pd.DataFrame, all_neurons: float) -> Figure:
    """AUC against the number of kept neurons, one line a method, and what selection has before each of them.

    Args:
        table: Columns method, count, AUC, low, high; "selection −", "− low", "− high", paired; all in percent.
        all_neurons: AUC of all neurons, in percent.

    Example:
        >>> import pandas as pd
        >>> from nbutils.viz import baseline_lines
        >>> table = pd.DataFrame({"method": ["selection", "random"], "count": [64, 64], "AUC": [95.0, 93.0]})
        >>> table = table.assign(**{"low": table["AUC"] - 1, "high": table["AUC"] + 1, "selection −": [0.0, 2.0]})
        >>> table = table.assign(**{"− low": table["selection −"] - 1, "− high": table["selection −"] + 1})
        >>> len(baseline_lines(table, all_neurons=96.0).axes)
        2
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4), layout="constrained", sharex=True)
    methods = list(dict.fromkeys(table["method"]))
    for number, (colour, method) in enumerate(zip(sns.color_palette(n_colors=len(methods)), methods, strict=True)):
        own = table[table["method"] == method]
        # beside each other, so that the bars can be told apart
        at = own["count"] * 1.05 ** (number - (len(methods) - 1) / 2)
        for ax, (value, low, high) in ((left, ("AUC", "low", "high")), (right, ("selection −", "− low", "− high"))):
            if ax is left or method != "selection":
                around = [own[value] - own[low], own[high] - own[value]]
                ax.errorbar(at, own[value], yerr=around, color=colour, marker="o", markersize=4, lw=1, label=method)
    left.axhline(all_neurons, color="black", linestyle="--", linewidth=1, label="all neurons")
    right.axhline(0, color="black", linewidth=1)
    counts = sorted(table["count"].unique())
    left.set(xscale="log", xlabel="neurons, or components, kept", ylabel="AUC in percent")
    right.set(xlabel="neurons, or components, kept", ylabel="AUC of selection − AUC of the other, in points")
    left.set_xticks(counts, [str(count) for count in counts])
    for ax in (left, right):
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    left.legend(frameon=False, fontsize=8)
    plt.close(figure)
    return figure


def stability_plots(images: Stability, lams: pd.DataFrame) -> Figure:
    """How often neurons are chosen over resampled images, how alike the choices are, and how alike over λ.

    Args:
        images: From `nbutils.selection.stability_over_images`.
        lams: From `nbutils.selection.stability_over_lambda`.

    Example:
        >>> import numpy as np
        >>> import pandas as pd
        >>> from nbutils.selection import Stability
        >>> from nbutils.viz import stability_plots
        >>> images = Stability(np.array([1.0, 0.8, 0.2]), np.array([0.9, 0.7]), by_chance=0.3)
        >>> len(stability_plots(images, pd.DataFrame({"λ": [0.0, 0.1], "overlap": [0.9, 1.0]})).axes)
        3
    """
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    left.hist(images.frequency, bins=20, range=(0, 1))
    left.set(xlabel="share of resamples that choose it", ylabel="neurons")
    sns.stripplot(x=images.overlaps, ax=middle, alpha=0.7)
    middle.axvline(images.by_chance, color="black", linestyle="--", linewidth=1, label="two random choices")
    middle.set(xlim=(0, 1), yticks=[], xlabel="overlap with the choice on all images")
    middle.legend(frameon=False, fontsize=8)
    right.plot(lams["λ"], lams["overlap"], "o-", markersize=4)
    right.axhline(images.by_chance, color="black", linestyle="--", linewidth=1)
    right.set(ylim=(0, 1.02), xlabel="λ", ylabel="overlap with the default λ")
    right.set_xscale("symlog", linthresh=0.1)
    right.set_xlim(left=-0.01)
    for ax in (left, right):
        ax.grid(alpha=0.3)
    plt.close(figure)
    return figure
