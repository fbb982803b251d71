"""Galleries of nearest neighbours: whom a network takes for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ipywidgets as widgets
import numpy as np
import numpy.typing as npt
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nbutils.data.faces import Faces
from nbutils.evaluation.retrieval import nearest_others
from nbutils.viz.explorers import explorer

Features = npt.NDArray[np.float32]
_RIGHT, _WRONG = "tab:green", "tab:red"


def neighbour_gallery(
    faces: Faces, features: Mapping[str, Features], chosen: Sequence[int] | npt.NDArray[np.int64], count: int = 7
) -> Figure:
    """Chosen faces and their nearest others, framed green where they show the same person and red where not.

    Args:
        faces: N faces.
        features: Network to (N, D) features; a row for each network and chosen face.
        chosen: Positions of the faces to look up.
        count: Neighbours of each, fewer where there are fewer others.

    Example:
        >>> import numpy as np
        >>> from nbutils.data import Faces
        >>> from nbutils.viz import neighbour_gallery
        >>> images = np.random.default_rng(0).integers(256, size=(4, 8, 8, 3), dtype=np.uint8)
        >>> faces = Faces(images, np.array([0, 0, 1, 1]), ("Ann", "Bob"))
        >>> features = {"student": np.array([[0.0], [0.1], [5.0], [5.1]], np.float32)}
        >>> len(neighbour_gallery(faces, features, [0, 2], count=2).axes)  # two faces with two neighbours each
        6
    """
    count = min(count, len(faces) - 1)
    rows = [(name, at) for at in chosen for name in features]
    neighbours = {name: nearest_others(values, count) for name, values in features.items()}
    height, width = faces.images.shape[1:3]
    size = (count + 2.2, len(rows) * height / width * 1.02 + 0.3)
    figure, axes = plt.subplots(len(rows), count + 1, figsize=size, squeeze=False, layout="constrained")
    for line, (name, at) in zip(axes, rows, strict=True):
        _show(line[0], faces.images[at], "black")
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
        for ax, other in zip(line[1:], neighbours[name][at], strict=True):
            same = faces.identity[other] == faces.identity[at]
            _show(ax, faces.images[other], _RIGHT if same else _WRONG)
    axes[0, 0].set_title("face", fontsize=9)
    axes[0, 1].set_title("nearest", fontsize=9)
    plt.close(figure)
    return figure


def neighbour_explorer(faces: Faces, features: Mapping[str, Features]) -> widgets.Widget:
    """`neighbour_gallery` of one chosen face by all networks; arguments as there.

    Example:
        >>> import numpy as np
        >>> from nbutils.data import Faces
        >>> from nbutils.viz import neighbour_explorer
        >>> images = np.random.default_rng(0).integers(256, size=(4, 8, 8, 3), dtype=np.uint8)
        >>> faces = Faces(images, np.array([0, 0, 1, 1]), ("Ann", "Bob"))
        >>> widget = neighbour_explorer(faces, {"student": np.array([[0.0], [0.1], [5.0], [5.1]], np.float32)})
        >>> [control.description for control in widget.children[0].children]
        ['face']
    """
    return explorer(
        lambda face: neighbour_gallery(faces, features, [face]),
        face=widgets.IntSlider(value=0, min=0, max=len(faces) - 1, description="face", continuous_update=False),
    )


def _show(ax: Axes, image: npt.NDArray[np.uint8], colour: str) -> None:
    ax.imshow(image, interpolation="bicubic")
    ax.set(xticks=[], yticks=[])
    for side in ax.spines.values():
        side.set(color=colour, linewidth=3)
