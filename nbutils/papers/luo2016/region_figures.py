"""What the networks see (Luo et al. 2016, Table 1 and Fig. 5): the regions of the ensemble and their worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ipywidgets as widgets
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from nbutils.data.geometry.face_regions import REGIONS, cut_region
from nbutils.data.geometry.template import LARGE_INPUT, SMALL_INPUT
from nbutils.evaluation.verification import VerificationResult
from nbutils.papers.luo2016.region_values import joined_auc
from nbutils.viz.explorer_widget import Explorer, Shown
from nbutils.viz.explorers import explorer, variable_name
from nbutils.viz.picture_grid import PictureGrid

_COLOURS = dict(
    zip(REGIONS, ("tab:red", "tab:orange", "tab:green", "tab:blue", "tab:purple", "tab:brown"), strict=True)
)


def region_bars(table: pd.DataFrame, whole: float) -> Figure:
    """AUC of each region alone, and of the ensemble without it.

    Args:
        table: From `region_table`.
        whole: AUC of all regions together, in percent.

    Example:
        >>> import pandas as pd
        >>> from nbutils.papers.luo2016 import region_bars
        >>> scores = {"AUC alone": [90.0, 85.0], "AUC without it": [94.0, 95.0]}
        >>> region_bars(pd.DataFrame(scores, index=["nose", "left eye"]), whole=96.0).axes[0].get_xlabel()
        'AUC in percent'
    """
    figure, ax = plt.subplots(figsize=(7, 0.42 * len(table) + 1.5), layout="constrained")
    y = np.arange(len(table))
    colours = [_COLOURS[name.replace(" ", "_")] for name in table.index]
    ax.barh(y, table["AUC alone"], height=0.55, color=colours, alpha=0.75, label="alone")
    ax.plot(table["AUC without it"], y, "D", color="black", fillstyle="none", label="the other five together")
    ax.axvline(whole, color="grey", linewidth=1, label="all six together")
    ax.set(xlabel="AUC in percent", ylim=(len(table) - 0.5, -0.5))
    ax.set_yticks(y, table.index)
    ax.set_xlim(min(50, table.to_numpy().min()), 100)
    ax.grid(axis="x", alpha=0.3)
    handles, labels = ax.get_legend_handles_labels()
    handles = [
        Patch(color="0.6") if label == "alone" else handle for handle, label in zip(handles, labels, strict=True)
    ]
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    plt.close(figure)
    return figure


def region_boxes(images: npt.NDArray[np.uint8], chosen: Sequence[str] = tuple(REGIONS)) -> Figure:
    """Some faces with regions drawn into them, and below, what the T1 of each region sees.

    Args:
        images: (N, H, W, 3) uint8 whole faces.
        chosen: Names of `nbutils.data.geometry.face_regions.REGIONS`.

    Example:
        >>> from nbutils.data import SyntheticFaces
        >>> from nbutils.papers.luo2016 import region_boxes
        >>> faces = SyntheticFaces().render(range(2), height=130, width=114)
        >>> figure = region_boxes(faces.images, ["nose", "left_eye"])
        >>> [label.get_text().split() for label in figure.axes[0].get_yticklabels()]
        [[], ['nose'], ['left', 'eye']]
    """
    return _RegionView(images, chosen).show(chosen)


def region_explorer(images: npt.NDArray[np.uint8], results: Mapping[str, VerificationResult]) -> Explorer:
    """Choose the regions of an ensemble: what its networks see, and how well it verifies.

    Args:
        images: (N, H, W, 3) uint8 whole faces to draw into.
        results: Region to the result of its T1; all on the same pairs.

    Example:
        >>> import numpy as np
        >>> from nbutils.data import SyntheticFaces
        >>> from nbutils.evaluation import evaluate_pairs
        >>> from nbutils.papers.luo2016 import region_explorer
        >>> faces = SyntheticFaces().render(range(2), height=130, width=114)
        >>> same, folds = np.array([True, True, False, False]), np.array([0, 1, 0, 1])
        >>> nose = evaluate_pairs(np.zeros((4, 1)), np.array([[1], [4], [3], [2]]), same, folds)
        >>> region_explorer(faces.images, {"nose": nose}).says
        'AUC 50.00 %, 1 of 1 region'
    """
    names = list(results)
    view = _RegionView(images, names)
    given = variable_name(images, "images")

    def ticked(ticks: Mapping[str, bool]) -> list[str]:
        return [name for name in names if ticks[name]]

    def draw(**ticks: bool) -> Shown:
        chosen = ticked(ticks)
        if not chosen:
            return Shown(None, "No region is ticked: an ensemble of no networks sees nothing. Tick one or more.")
        of = f"{len(chosen)} of {len(names)} region{'s' if len(names) > 1 else ''}"
        return Shown(view.show(chosen), f"AUC {100 * joined_auc(results, chosen):.2f} %, {of}")

    return explorer(
        draw,
        lambda **ticks: f"luo2016.region_boxes({given}, {ticked(ticks)})",
        **{name: widgets.Checkbox(value=True, description=name.replace("_", " "), indent=False) for name in names},
    )


class _RegionView:
    """The figure of `region_boxes`, to show one choice of some regions after another; the others' places are empty."""

    def __init__(self, images: npt.NDArray[np.uint8], names: Sequence[str]) -> None:
        size = (len(images) + 1.2, 1.18 * (1 + len(names)))
        self.figure, ax = plt.subplots(figsize=size, layout="constrained")
        self.grid = PictureGrid(ax, 1 + len(names), len(images), SMALL_INPUT)
        self.faces = [self.grid.fitted(image) for image in images]
        self.seen = {
            name: [self.grid.fitted(image) for image in cut_region(images, name, SMALL_INPUT)] for name in names
        }
        scale = min(self.grid.height / images.shape[1], self.grid.width / images.shape[2])
        self.boxes: dict[str, list[Rectangle]] = {}
        for name in names:
            box = REGIONS[name].scaled(*images.shape[1:3])
            self.boxes[name] = []
            for column in range(len(images)):
                left, top = self.grid.corner(0, column)
                left += (self.grid.width - scale * images.shape[2]) / 2
                top += (self.grid.height - scale * images.shape[1]) / 2
                corner = (left + scale * box.left - 0.5, top + scale * box.top - 0.5)
                size = (scale * (box.right - box.left), scale * (box.bottom - box.top))
                patch = Rectangle(corner, *size, fill=False, color=_COLOURS[name], linewidth=1.5, clip_on=False)
                ax.add_patch(patch)
                self.boxes[name].append(patch)
        self.grid.label_rows(["", *(name.replace("_", "\n", 1).replace("_", " ") for name in names)], fontsize=8)
        for label, name in zip(ax.get_yticklabels()[1:], names, strict=True):
            label.set_color(_COLOURS[name])
        plt.close(self.figure)

    def show(self, chosen: Sequence[str]) -> Figure:
        for name, patches in self.boxes.items():
            for patch in patches:
                patch.set_visible(name in chosen)
        empty = [None] * len(self.faces)
        self.grid.show([self.faces, *(seen if name in chosen else empty for name, seen in self.seen.items())])
        return self.figure


def network_inputs(images: npt.NDArray[np.uint8]) -> Figure:
    """What T2, T1 and the six T1 of the ensemble see of some faces, one face a row.

    Args:
        images: (N, H, W, 3) uint8 whole faces.

    Example:
        >>> from nbutils.data import SyntheticFaces
        >>> from nbutils.papers.luo2016 import network_inputs
        >>> faces = SyntheticFaces().render(range(2), height=130, width=114)
        >>> len(network_inputs(faces.images).axes)
        14
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
    ax.imshow(image, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
