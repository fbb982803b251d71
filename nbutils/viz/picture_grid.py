"""Many pictures in one axes: drawn many times as fast as an axes for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.path import Path
from PIL import Image

Picture = npt.NDArray[np.uint8]

#: Pixels of a frame, and of the side of the square that a mark stands in.
_FRAME, _MARK = 4, 22
#: Narrower pictures are enlarged to at least so many pixels.
_WIDTH = 100
#: Between two pictures, in widths of one.
_GAP = 0.06
_RIGHT, _WRONG = "tab:green", "tab:red"
_TICK = Path([(-1.0, 0.1), (-0.3, -0.7), (1.0, 0.8)])


class PictureGrid:
    """Pictures in rows and columns of one axes, each perhaps framed and marked as right or wrong.

    Args:
        ax: Where; its ticks and spines go.
        rows: Number of rows.
        columns: Number of columns.
        shape: (height, width) of a picture; others are fitted in.
        enlarged: Whether narrow pictures are enlarged, as frames and marks need it; without, drawing is faster.

    Example:
        >>> import numpy as np
        >>> from matplotlib import pyplot as plt
        >>> from nbutils.viz.picture_grid import PictureGrid
        >>> figure, ax = plt.subplots()
        >>> grid = PictureGrid(ax, rows=1, columns=2, shape=(8, 8))
        >>> grid.show([[np.full((8, 8, 3), 7, np.uint8), None]])  # the second place stays empty
        >>> np.unique(grid.cell(0, 0)), np.unique(grid.cell(0, 1))
        (array([7], dtype=uint8), array([255], dtype=uint8))
    """

    def __init__(self, ax: Axes, rows: int, columns: int, shape: tuple[int, int], *, enlarged: bool = True) -> None:
        self.ax = ax
        scale = -(-_WIDTH // shape[1]) if enlarged else 1
        self.height, self.width = scale * shape[0], scale * shape[1]
        self.gap = round(_GAP * self.width)
        size = (
            rows * (self.height + self.gap) - self.gap,
            columns * (self.width + self.gap) - self.gap,
            4,
        )  # opaque RGBA, as it is drawn
        self.pixels = np.full(size, 255, np.uint8)
        self._image = ax.imshow(self.pixels, interpolation="bilinear")
        style: dict[str, Any] = {"linestyle": "none", "color": "white", "markersize": 6, "markeredgewidth": 1.6}
        self._marks = {
            True: ax.plot([], [], marker=_TICK, fillstyle="none", **style)[0],
            False: ax.plot([], [], marker="x", **style)[0],
        }
        ax.set(xticks=[], yticks=[])
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)

    def show(
        self, pictures: Sequence[Sequence[Picture | None]], right: Sequence[Sequence[bool | None]] | None = None
    ) -> None:
        """Draws other pictures.

        Args:
            pictures: (rows, columns) of (H, W, 3) or (H, W, 1) uint8, or None for an empty place.
            right: (rows, columns): True for a green frame with a tick, False for a red one with a cross, None for none.
        """
        self.pixels[:] = 255
        marked: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
        for row, line in enumerate(pictures):
            for column, picture in enumerate(line):
                if picture is None:
                    continue
                self.cell(row, column)[:] = self.fitted(picture)
                judged = right[row][column] if right is not None else None
                if judged is not None:
                    marked[judged].append(self._frame(row, column, _RIGHT if judged else _WRONG))
        self._image.set_data(self.pixels)
        for judged, places in marked.items():
            self._marks[judged].set_data([x for x, _ in places], [y for _, y in places])

    def cell(self, row: int, column: int) -> Picture:
        """The (height, width, 3) pixels of a place."""
        left, top = self.corner(row, column)
        return self.pixels[top : top + self.height, left : left + self.width, :3]

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """Left and upper end of a place, in pixels of the axes' data."""
        return column * (self.width + self.gap), row * (self.height + self.gap)

    def label_rows(self, names: Sequence[str], *, fontsize: int) -> None:
        """Names at the left of the rows."""
        self.ax.set_yticks(
            [self.corner(i, 0)[1] + self.height / 2 for i in range(len(names))], names, fontsize=fontsize
        )

    def label_columns(self, names: Sequence[str], *, fontsize: int) -> None:
        """Names above the columns."""
        self.ax.set_xticks([self.corner(0, i)[0] + self.width / 2 for i in range(len(names))], names, fontsize=fontsize)
        self.ax.tick_params(bottom=False, labelbottom=False, labeltop=True)

    def fitted(self, picture: Picture) -> Picture:
        """The (height, width, 3) pixels that a picture takes in its place; once fitted, it is shown faster."""
        if picture.shape == (self.height, self.width, 3):
            return picture
        plain = picture[..., 0] if picture.shape[-1] == 1 else picture
        scale = min(self.height / plain.shape[0], self.width / plain.shape[1])
        size = (max(1, round(scale * plain.shape[1])), max(1, round(scale * plain.shape[0])))
        resized = np.asarray(Image.fromarray(plain).convert("RGB").resize(size, Image.Resampling.BICUBIC))
        if resized.shape[:2] == (self.height, self.width):
            return resized
        whole = np.full((self.height, self.width, 3), 255, np.uint8)
        top, left = (self.height - size[1]) // 2, (self.width - size[0]) // 2
        whole[top : top + size[1], left : left + size[0]] = resized
        return whole

    def _frame(self, row: int, column: int, colour: str) -> tuple[float, float]:
        """Paints a frame with a square in its lower right corner; returns the middle of that square."""
        cell, value = self.cell(row, column), np.round(255 * np.array(to_rgb(colour))).astype(np.uint8)
        cell[:_FRAME] = cell[-_FRAME:] = value
        cell[:, :_FRAME] = cell[:, -_FRAME:] = value
        cell[-_MARK:, -_MARK:] = value
        left, top = self.corner(row, column)
        return left + self.width - _MARK / 2, top + self.height - _MARK / 2
