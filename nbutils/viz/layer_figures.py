"""Figures of the networks' layers: where their parameters are."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle


def parameter_bars(layers: Mapping[str, pd.DataFrame]) -> Figure:
    """Parameters of each layer, one panel a network, in one scale.

    Args:
        layers: Network to its table from `nbutils.evaluation.layer_table`.

    Example:
        >>> from nbutils.evaluation import layer_table
        >>> from nbutils.models import MobileIDStudent
        >>> from nbutils.viz import parameter_bars
        >>> figure = parameter_bars({"S": layer_table(MobileIDStudent(422, width=4))})
        >>> figure.axes[0].get_title()
        'S'
    """
    tables = {name: table[table["parameters"] > 0] for name, table in layers.items()}
    rows = [len(table) for table in tables.values()]
    figure, axes = plt.subplots(
        len(tables),
        1,
        figsize=(7, 0.28 * sum(rows) + 0.6 * len(rows) + 1),
        layout="constrained",
        sharex=True,
        squeeze=False,
        height_ratios=rows,
    )
    for ax, (name, table) in zip(axes[:, 0], tables.items(), strict=True):
        colours = np.where(table["training_only"], "lightgrey", "tab:blue")
        bars = ax.barh(np.arange(len(table)), table["parameters"], color=colours)
        ax.bar_label(bars, [_short(value) for value in table["parameters"]], padding=2, fontsize=9)
        ax.set(xscale="log", title=name, xlim=(1e3, 3e8), ylim=(len(table) - 0.4, -0.6))
        ax.set_yticks(np.arange(len(table)), _names(table))
        ax.grid(axis="x", alpha=0.3)
    axes[-1, 0].set_xlabel("parameters")
    handles = [Rectangle((0, 0), 1, 1, color=colour) for colour in ("tab:blue", "lightgrey")]
    figure.legend(
        handles, ["also at test time", "in training only"], loc="outside lower center", ncols=2, frameon=False
    )
    plt.close(figure)
    return figure


def _names(layers: pd.DataFrame) -> list[str]:
    """Such as "group 5, lconv 3×3, 128"."""
    names = []
    for module, kind, kernel, channels in zip(
        layers.index, layers["kind"], layers["kernel"], layers["channels"], strict=True
    ):
        group = re.sub(r"^([a-z]+)\.?(\d*).*", r"\1 \2", str(module)).strip()
        names.append(f"{group}, {kind} {f'{kernel}×{kernel}, ' if kernel else ''}{channels:,}")
    return names


def _short(value: float) -> str:
    for unit, size in (("M", 1e6), ("K", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:g}"
