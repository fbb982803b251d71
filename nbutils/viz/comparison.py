"""Figures of a choice of neurons against others, and of its stability."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from nbutils.selection.stability import Stability


def against_baselines(table: pd.DataFrame, all_neurons: float) -> Figure:
    """AUC against the number of kept neurons, one line a method, with intervals.

    Args:
        table: Columns method, count, AUC, low, high, in percent.
        all_neurons: AUC of all neurons, in percent.
    """
    figure, ax = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    methods = list(dict.fromkeys(table["method"]))
    for colour, method in zip(sns.color_palette(n_colors=len(methods)), methods, strict=True):
        own = table[table["method"] == method]
        ax.plot(own["count"], own["AUC"], "o-", color=colour, markersize=4, label=method)
        ax.fill_between(own["count"], own["low"], own["high"], color=colour, alpha=0.12)
    ax.axhline(all_neurons, color="black", linestyle="--", linewidth=1, label="all neurons")
    counts = sorted(table["count"].unique())
    ax.set(xscale="log", xlabel="neurons, or components, kept", ylabel="AUC in percent")
    ax.set_xticks(counts, [str(count) for count in counts])
    ax.minorticks_off()
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, fontsize=8)
    plt.close(figure)
    return figure


def stability(images: Stability, lams: pd.DataFrame) -> Figure:
    """How often neurons are chosen over resampled images, how alike the choices are, and how alike over λ.

    Args:
        images: From `nbutils.selection.stability_over_images`.
        lams: From `nbutils.selection.stability_over_lambda`.
    """
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    left.hist(images.frequency, bins=20, range=(0, 1))
    left.set(xlabel="share of resamples that choose it", ylabel="neurons")
    sns.stripplot(x=images.overlaps, ax=middle, alpha=0.7)
    middle.axvline(images.by_chance, color="black", linestyle="--", linewidth=1, label="two random choices")
    middle.set(xlim=(0, 1), xlabel="overlap with the choice on all images")
    middle.legend(frameon=False, fontsize=8)
    right.plot(lams["λ"], lams["overlap"], "o-", markersize=4)
    right.axhline(images.by_chance, color="black", linestyle="--", linewidth=1)
    right.set(ylim=(0, 1.02), xlabel="λ", ylabel="overlap with the default λ")
    right.set_xscale("symlog", linthresh=0.1)
    for ax in (left, right):
        ax.grid(alpha=0.3)
    plt.close(figure)
    return figure
