"""Metrics along a swept parameter, with bands over seeds."""

from __future__ import annotations

import math

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
