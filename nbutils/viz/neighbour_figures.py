"""Galleries of nearest neighbours: whom a network takes for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill

import ipywidgets as widgets
import numpy as np
import numpy.typing as npt
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from nbutils.data.faces import Faces
from nbutils.evaluation.retrieval import nearest_others
from nbutils.viz.explorer_widget import Explorer
from nbutils.viz.explorers import explorer, variable_name
from nbutils.viz.picture_grid import PictureGrid

Features = npt.NDArray[np.float32]


def neighbour_gallery(
    faces: Faces, features: Mapping[str, Features], chosen: Sequence[int] | npt.NDArray[np.int64], count: int = 7
) -> Figure:
    """Chosen faces and their nearest others.

    Others that show the same person have a green frame and a tick, those that do not a red one and a cross.

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
        >>> figure = neighbour_gallery(faces, features, [0, 2], count=2)  # two faces with two neighbours each
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['student', 'student']
    """
    count = min(count, len(faces) - 1)
    nearest = {name: nearest_others(values, count) for name, values in features.items()}
    view = _NeighbourView([name for _ in chosen for name in features], faces, count)
    return view.show([(at, nearest[name][at]) for at in chosen for name in features])


def neighbour_explorer(faces: Faces, features: Mapping[str, Features]) -> Explorer:
    """`neighbour_gallery` of one chosen face by all networks; arguments as there.

    Example:
        >>> import numpy as np
        >>> from nbutils.data import Faces
        >>> from nbutils.viz import neighbour_explorer
        >>> images = np.random.default_rng(0).integers(256, size=(4, 8, 8, 3), dtype=np.uint8)
        >>> faces = Faces(images, np.array([0, 0, 1, 1]), ("Ann", "Bob"))
        >>> widget = neighbour_explorer(faces, {"student": np.array([[0.0], [0.1], [5.0], [5.1]], np.float32)})
        >>> [control["label"] for control in widget.controls]
        ['face']
    """
    count = min(7, len(faces) - 1)
    nearest = {name: nearest_others(values, count) for name, values in features.items()}
    view = _NeighbourView(list(features), faces, count)
    given = f"{variable_name(faces, 'faces')}, {variable_name(features, 'features')}"
    return explorer(
        lambda face: view.show([(face, others[face]) for others in nearest.values()]),
        lambda face: f"viz.neighbour_gallery({given}, [{face}])",
        face=widgets.IntSlider(value=0, min=0, max=len(faces) - 1, description="face"),
    )


class _NeighbourView:
    """The figure of `neighbour_gallery`, to show one face after another."""

    def __init__(self, names: Sequence[str], faces: Faces, count: int) -> None:
        self.faces = faces
        height, width = faces.images.shape[1:3]
        size = (count + 2.2, len(names) * height / width * 1.02 + 0.4)
        self.figure, ax = plt.subplots(figsize=size, layout="constrained")
        self.grid = PictureGrid(ax, len(names), count + 1, (height, width))
        self.grid.label_rows([fill(name, 22) for name in names], fontsize=9)
        self.grid.label_columns(["face", "nearest"], fontsize=9)
        plt.close(self.figure)

    def show(self, rows: Sequence[tuple[int, npt.NDArray[np.int64]]]) -> Figure:
        """Draws a row for each face, with the positions of its neighbours."""
        images, identity = self.faces.images, self.faces.identity
        self.grid.show(
            [[images[at], *images[others]] for at, others in rows],
            [[None, *(bool(same) for same in identity[others] == identity[at])] for at, others in rows],
        )
        return self.figure
