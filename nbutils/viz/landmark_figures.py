"""Key points on faces: true, predicted, and by how far a face is turned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill

import ipywidgets as widgets
import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nbutils.evaluation.alignment import head_turn, normalised_errors
from nbutils.viz.explorer_widget import Explorer
from nbutils.viz.explorers import explorer, variable_name

Images = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float32]

#: Letters of a line beside a row of faces.
_LABEL = 20


def points_on_faces(
    images: Images, true: Points, predicted: Mapping[str, Points], chosen: Sequence[int] | npt.NDArray[np.int64]
) -> Figure:
    """True (green circles) and predicted (red crosses) key points, a row a network and a column a face.

    Args:
        images: (N, H, W, 3) uint8.
        true: (N, 5, 2) x, y in pixels.
        predicted: Network to (N, 5, 2).
        chosen: Positions of the faces to show.

    Example:
        >>> from nbutils.data import SyntheticFaces
        >>> from nbutils.viz import points_on_faces
        >>> faces = SyntheticFaces().render(range(3), height=32, width=32)
        >>> figure = points_on_faces(faces.images, faces.landmarks, {"student": faces.landmarks + 1}, [0, 2])
        >>> len(figure.axes)
        2
    """
    return _PointsView(list(predicted), len(chosen), images.shape[1:3]).show(images, true, predicted, chosen)


def error_by_turn(errors: pd.DataFrame) -> Figure:
    """Mean error of faces turned alike, a line a network.

    Args:
        errors: From `nbutils.evaluation.errors_by_turn`.

    Example:
        >>> import pandas as pd
        >>> from nbutils.viz import error_by_turn
        >>> errors = pd.DataFrame({"teacher": [5.0, 4.0, 6.0], "student": [7.0, 5.0, 9.0]}, index=[-0.2, 0.0, 0.2])
        >>> [line.get_label() for line in error_by_turn(errors).axes[0].lines]
        ['teacher', 'student']
    """
    figure, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for colour, (name, means) in zip(sns.color_palette(n_colors=errors.shape[1]), errors.items(), strict=True):
        ax.plot(errors.index, means, marker="o", color=colour, label=str(name))
    ax.set(
        xlabel="turn: nose's offset from the middle of the eyes, in inter-ocular distances",
        ylabel="error, % of the\ninter-ocular distance",
    )
    ax.legend(frameon=False, fontsize=8)
    ax.grid(alpha=0.3)
    plt.close(figure)
    return figure


def pose_explorer(images: Images, true: Points, predicted: Mapping[str, Points], faces: int = 6) -> Explorer:
    """A slider over the turn: the faces turned so, with `points_on_faces` of a chosen network.

    Args:
        images: (N, H, W, 3) uint8.
        true: (N, 5, 2).
        predicted: Network to (N, 5, 2).
        faces: So many at once.

    Example:
        >>> from nbutils.data import SyntheticFaces
        >>> from nbutils.viz import pose_explorer
        >>> faces = SyntheticFaces().render(range(10), height=32, width=32)
        >>> widget = pose_explorer(faces.images, faces.landmarks, {"student": faces.landmarks + 1}, faces=2)
        >>> [control["label"] for control in widget.controls]
        ['network', 'turn (eye distances)']
    """
    turned = head_turn(true)
    low, high = np.quantile(turned, [0.01, 0.99])

    shown = min(faces, len(true))
    views = {network: _PointsView([network], shown, images.shape[1:3]) for network in predicted}
    given, of_true, of_predicted = (
        variable_name(value, name) for value, name in ((images, "images"), (true, "true"), (predicted, "predicted"))
    )

    def nearest(at: float) -> npt.NDArray[np.int64]:
        return np.argsort(np.abs(turned - at), kind="stable")[:shown]

    return explorer(
        lambda network, at: views[network].show(images, true, {network: predicted[network]}, nearest(at)),
        lambda network, at: (
            f"viz.points_on_faces({given}, {of_true}, {{{network!r}: {of_predicted}[{network!r}]}}, "
            f"{nearest(at).tolist()})"
        ),
        network=widgets.Dropdown(options=list(predicted), value=list(predicted)[-1], description="network"),
        at=widgets.FloatSlider(
            value=float(np.median(turned)),
            min=low,
            max=high,
            step=(high - low) / 40,
            readout_format=".2f",
            description="turn (eye distances)",
        ),
    )


class _PointsView:
    """The figure of `points_on_faces`, to show one choice of faces after another."""

    def __init__(self, networks: Sequence[str], faces: int, shape: tuple[int, ...]) -> None:
        height, width = shape
        size = (1.45 * faces, (1.45 * height / width + 0.28) * len(networks) + 0.35)
        self.figure, axes = plt.subplots(len(networks), faces, figsize=size, squeeze=False, layout="constrained")
        self.cells = {
            network: [_FaceWithPoints(ax, (height, width)) for ax in line]
            for network, line in zip(networks, axes, strict=True)
        }
        for network, line in zip(networks, axes, strict=True):
            line[0].set_ylabel(fill(network, _LABEL), fontsize=11 if len(network) <= _LABEL else 8)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        self.figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=11)
        plt.close(self.figure)

    def show(
        self,
        images: Images,
        true: Points,
        predicted: Mapping[str, Points],
        chosen: Sequence[int] | npt.NDArray[np.int64],
    ) -> Figure:
        for network, points in predicted.items():
            errors = 100 * normalised_errors(points[chosen], true[chosen])
            for cell, at, error in zip(self.cells[network], chosen, errors, strict=True):
                cell.show(images[at], true[at], points[at], f"{error:.1f} %")
        return self.figure


class _FaceWithPoints:
    def __init__(self, ax: Axes, shape: tuple[int, int]) -> None:
        self.ax = ax
        self.image = ax.imshow(np.zeros((*shape, 3), np.uint8), interpolation="bicubic")
        (self.true,) = ax.plot([], [], "o", color="lime", fillstyle="none", markersize=6, label="true")
        (self.predicted,) = ax.plot([], [], "x", color="red", markersize=5, label="predicted")
        ax.set(xticks=[], yticks=[], xlim=(-0.5, shape[1] - 0.5), ylim=(shape[0] - 0.5, -0.5))

    def show(self, image: Images, true: Points, predicted: Points, title: str) -> None:
        self.image.set_data(image)
        self.true.set_data(*true.T)
        self.predicted.set_data(*predicted.T)
        self.ax.set_title(title, fontsize=11, pad=3)
