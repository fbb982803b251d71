"""Figures of how networks learned: training losses against optimiser steps."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

#: Columns of a history that are no term of the objective.
_NO_TERMS = ("epoch", "step", "images", "learning_rate", "clipped", "loss", "seconds")


def loss_terms(history: pd.DataFrame) -> list[str]:
    """The columns of a history that are terms of the objective; see `nbutils.training.engine.fit`."""
    return [str(column) for column in history if column not in _NO_TERMS]


def training_curves(panels: Mapping[str, Mapping[str, pd.DataFrame]], term: str = "task") -> Figure:
    """One term of the loss against optimiser steps, for groups of networks.

    Args:
        panels: Title to the networks' histories by name; see `nbutils.training.engine.fit`.
        term: Column of the histories; a network without it is left out.

    Example:
        >>> import pandas as pd
        >>> from nbutils.viz import training_curves
        >>> history = pd.DataFrame({"step": [10, 20], "task": [4.0, 1.0]})
        >>> training_curves({"from scratch": {"student": history}}).axes[0].get_title()
        'from scratch'
    """
    columns = min(len(panels), 2)
    rows = math.ceil(len(panels) / columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(4.7 * columns, 3.2 * rows + 0.3), layout="constrained", squeeze=False
    )
    names = list(dict.fromkeys(name for histories in panels.values() for name in histories))
    colours = dict(zip(names, sns.color_palette(n_colors=len(names)), strict=True))
    lines: dict[str, Line2D] = {}
    for ax, (title, histories) in zip(axes.flat, panels.items(), strict=False):
        for name, history in histories.items():
            if term in history:
                (lines[name],) = ax.plot(history["step"], history[term], color=colours[name], marker=".", label=name)
        ax.set(title=title, xlabel="optimiser steps")
        ax.grid(alpha=0.3, which="both")
    for ax in axes.flat[len(panels) :]:
        ax.remove()
    # Below a decade, ticks at the powers of ten say nothing.
    if any(high > 10 * low > 0 for low, high in (ax.dataLim.intervaly for ax in figure.axes)):
        for ax in figure.axes:
            ax.set_yscale("log")
    for ax in axes[:, 0]:
        ax.set_ylabel(f"training loss ({term})")
    figure.legend(lines.values(), lines, loc="outside lower center", ncols=3, frameon=False)
    plt.close(figure)
    return figure


def verification_curves(curves: Mapping[str, pd.Series[float]]) -> Figure:
    """AUC on the verification pairs against training images seen, from before the first step on.

    Args:
        curves: Model name to its AUC by images; see `nbutils.evaluation.auc_by_images`.

    Example:
        >>> import pandas as pd
        >>> from nbutils.viz import verification_curves
        >>> verification_curves({"student": pd.Series([60.0, 90.0], index=[0, 10])}).axes[0].lines[0].get_ydata()
        array([60., 90.])
    """
    figure, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
    for colour, (name, curve) in zip(sns.color_palette(n_colors=len(curves)), curves.items(), strict=True):
        ax.plot(curve.index, curve, color=colour, marker=".", label=name)
    ax.set(xlabel="training images seen", ylabel="AUC in percent")
    ax.legend(frameon=False, fontsize=8)
    ax.grid(alpha=0.3)
    plt.close(figure)
    return figure


def convergence(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """Training loss against images seen, each as a share of its value after the first epoch.

    Args:
        histories: Model name to its history, with columns images and loss.

    Example:
        >>> import pandas as pd
        >>> from nbutils.viz import convergence
        >>> history = pd.DataFrame({"images": [100, 200], "loss": [4.0, 1.0]})
        >>> convergence({"student": history}).axes[0].lines[0].get_ydata()
        array([1.  , 0.25])
    """
    figure, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
    for colour, (name, history) in zip(sns.color_palette(n_colors=len(histories)), histories.items(), strict=True):
        ax.plot(history["images"], history["loss"] / history["loss"].iloc[0], color=colour, marker=".", label=name)
    ax.set(yscale="log", xlabel="training images seen", ylabel="loss ÷ loss after the first epoch")
    ax.legend(frameon=False, fontsize=8)
    ax.grid(alpha=0.3, which="both")
    plt.close(figure)
    return figure
