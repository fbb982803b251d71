"""Figures of the networks' structure: where their parameters are, and what each network sees."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nbutils.data.geometry.face_regions import REGIONS, cut_region
from nbutils.data.geometry.template import LARGE_INPUT, SMALL_INPUT


def parameter_bars(layers: Mapping[str, pd.DataFrame]) -> Figure:
    """Parameters of each layer, one panel a network, in one scale.

    Args:
        layers: Network to its table from `nbutils.evaluation.layer_table`.
    """
    tables = {name: table[table["parameters"] > 0] for name, table in layers.items()}
    rows = max(len(table) for table in tables.values())
    figure, axes = plt.subplots(
        1, len(tables), figsize=(4.6 * len(tables), 0.26 * rows + 1.4), layout="constrained", sharex=True, squeeze=False
    )
    for ax, (name, table) in zip(axes[0], tables.items(), strict=True):
        colours = np.where(table["training_only"], "lightgrey", "tab:blue")
        bars = ax.barh(np.arange(len(table)), table["parameters"], color=colours)
        ax.bar_label(bars, [_short(value) for value in table["parameters"]], padding=2, fontsize=7)
        ax.set(xscale="log", title=name, xlabel="parameters", xlim=(1e3, 3e8), ylim=(rows - 0.4, -0.6))
        ax.set_yticks(np.arange(len(table)), _names(table), fontsize=8)
        ax.grid(axis="x", alpha=0.3)
    handles = [Rectangle((0, 0), 1, 1, color=colour) for colour in ("tab:blue", "lightgrey")]
    figure.legend(
        handles, ["also at test time", "in training only"], loc="outside lower center", ncols=2, frameon=False
    )
    plt.close(figure)
    return figure


def inputs(images: npt.NDArray[np.uint8]) -> Figure:
    """What T2, T1 and the six T1 of the ensemble see of some faces, one face a row.

    Args:
        images: (N, H, W, 3) uint8 whole faces.
    """
    columns: list[tuple[str, npt.NDArray[np.uint8]]] = [
        ("T2\nwhole face", cut_region(images, "whole_face", LARGE_INPUT)),
        *((f"T1\n{name.replace('_', ' ')}", cut_region(images, name, SMALL_INPUT)) for name in reversed(REGIONS)),
    ]
    return _grid([title for title, _ in columns], [shown for _, shown in columns])


def _grid(titles: Sequence[str], columns: Sequence[npt.NDArray[np.uint8]]) -> Figure:
    rows = len(columns[0])
    figure, axes = plt.subplots(rows, len(titles), figsize=(1.2 * len(titles), 1.4 * rows + 0.4), squeeze=False)
    for column, (title, shown) in enumerate(zip(titles, columns, strict=True)):
        axes[0, column].set_title(f"{title}\n{shown.shape[1]} × {shown.shape[2]}", fontsize=7)
        for row in range(rows):
            _show(axes[row, column], shown[row])
    figure.subplots_adjust(
        left=0.01, right=0.99, bottom=0.01, top=1 - 0.55 / (1.4 * rows + 0.4), wspace=0.06, hspace=0.06
    )
    plt.close(figure)
    return figure


def _show(ax: Axes, image: npt.NDArray[np.uint8]) -> None:
    ax.imshow(image, interpolation="nearest", aspect="equal")
    ax.set(xticks=[], yticks=[])


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
