"""Metrics along a swept parameter with bands over seeds, and what more workers gain."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

#: Panels side by side.
_ACROSS = 3


def swept_curves(frame: pd.DataFrame, parameter: str) -> Figure:
    """One panel a metric: its mean along a parameter, and the band of its interval over seeds.

    Args:
        frame: Columns "metric", the parameter, "mean", "low", "high"; without an interval (one seed) there is no band.
        parameter: Its name.

    Example:
        >>> import pandas as pd
        >>> from nbutils.viz import swept_curves
        >>> frame = pd.DataFrame({"metric": "auc", "t": [1, 5], "mean": [60, 62], "low": [58, 61], "high": [62, 63]})
        >>> swept_curves(frame, "t").axes[0].get_xlabel()
        't'
    """
    metrics = list(dict.fromkeys(frame["metric"]))
    across = min(_ACROSS, max(1, len(metrics)))
    down = max(1, math.ceil(len(metrics) / across))
    figure, axes = plt.subplots(down, across, figsize=(3.7 * across, 2.9 * down), layout="constrained", squeeze=False)
    colour = sns.color_palette()[0]
    for ax, metric in zip(axes.flat, metrics, strict=False):
        own = frame[frame["metric"] == metric]
        ax.plot(own[parameter], own["mean"], color=colour, marker="o", markersize=4)
        ax.fill_between(own[parameter], own["low"], own["high"], color=colour, alpha=0.2, linewidth=0)
        ax.set_title(metric, fontsize=9)
        ax.set_xlabel(parameter)
        ax.grid(alpha=0.3)
    for ax in axes.flat[len(metrics) :]:
        ax.set_visible(False)
    plt.close(figure)
    return figure


def worker_curves(workers: Sequence[int], seconds: Sequence[float], idle: Sequence[float], longest: float) -> Figure:
    """Time and idle share of a graph of trainings against the number of workers.

    Args:
        workers: (W,) numbers of workers.
        seconds: (W,) that the whole graph takes.
        idle: (W,) shares of the workers' time.
        longest: Seconds of the critical path, below which no number of workers leads.

    Example:
        >>> from nbutils.viz import worker_curves
        >>> worker_curves([1, 2], [7200, 3600], [0.0, 0.0], 1800).axes[0].get_ylabel()
        'hours'
        >>> worker_curves([1, 2], [4e6, 2e6], [0.0, 0.0], 1e6).axes[0].get_ylabel()
        'days'
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.2), layout="constrained")
    unit, each = ("days", 86_400) if max(seconds) > 10 * 86_400 else ("hours", 3_600)
    times = np.asarray(seconds) / each
    left.loglog(workers, times, marker="o", label="the whole graph")
    left.loglog(
        workers, times[0] * workers[0] / np.asarray(workers), color="0.6", linestyle=":", label="without waiting"
    )
    left.axhline(longest / each, color="0.3", linestyle="--", linewidth=1, label="critical path")
    left.set(xlabel="workers", ylabel=unit)
    left.legend(frameon=False, fontsize=8)
    right.semilogx(workers, 100 * np.asarray(idle), marker="o")
    right.set(xlabel="workers", ylabel="idle, % of the workers' time", ylim=(0, 100))
    for ax in (left, right):
        ax.set_xticks(list(workers), [f"{count:,}" for count in workers], fontsize=8)
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    plt.close(figure)
    return figure
