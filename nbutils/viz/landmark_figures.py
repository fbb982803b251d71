"""Key points on faces: true, predicted, and by how far a face is turned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ipywidgets as widgets
import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nbutils.evaluation.alignment import head_turn, normalised_errors
from nbutils.viz.explorers import explorer

Images = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float32]


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
    height, width = images.shape[1:3]
    size = (1.45 * len(chosen), (1.45 * height / width + 0.22) * len(predicted) + 0.35)
    figure, axes = plt.subplots(len(predicted), len(chosen), figsize=size, squeeze=False, layout="constrained")
    for line, (name, points) in zip(axes, predicted.items(), strict=True):
        errors = 100 * normalised_errors(points[chosen], true[chosen])
        for ax, at, error in zip(line, chosen, errors, strict=True):
            _face(ax, images[at], true[at], points[at])
            ax.set_title(f"{error:.1f} %", fontsize=8, pad=2)
        line[0].set_ylabel(name, fontsize=9)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    plt.close(figure)
    return figure


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


def pose_explorer(images: Images, true: Points, predicted: Mapping[str, Points], faces: int = 6) -> widgets.Widget:
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
        >>> [control.description for control in widget.children[0].children]
        ['network', 'turn']
    """
    turned = head_turn(true)
    low, high = np.quantile(turned, [0.01, 0.99])

    def draw(network: str, at: float) -> Figure:
        nearest = np.argsort(np.abs(turned - at), kind="stable")[:faces]
        return points_on_faces(images, true, {network: predicted[network]}, nearest)

    return explorer(
        draw,
        network=widgets.Dropdown(options=list(predicted), value=list(predicted)[-1], description="network"),
        at=widgets.FloatSlider(
            value=float(np.median(turned)),
            min=low,
            max=high,
            step=(high - low) / 40,
            readout_format=".2f",
            description="turn",
            continuous_update=False,
        ),
    )


def _face(ax: Axes, image: Images, true: Points, predicted: Points) -> None:
    ax.imshow(image, interpolation="bicubic")
    ax.plot(*true.T, "o", color="lime", fillstyle="none", markersize=6, label="true")
    ax.plot(*predicted.T, "x", color="red", markersize=5, label="predicted")
    ax.set(xticks=[], yticks=[])
