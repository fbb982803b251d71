"""The soft target of one image as the temperature moves: from the plain posterior to the logits."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as widgets
import numpy as np
import numpy.typing as npt
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.special import softmax

from nbutils.errors import ParameterError
from nbutils.evaluation.classification import effective_classes
from nbutils.viz.explorer_widget import Explorer
from nbutils.viz.explorers import explorer, variable_name
from nbutils.viz.picture_grid import PictureGrid

FloatArray = npt.NDArray[np.floating]

_COLOUR, _TRUE = "tab:blue", "tab:orange"


def soft_target_bars(
    image: npt.NDArray[np.uint8],
    logits: FloatArray,
    names: Sequence[str],
    label: int | None = None,
    *,
    examples: npt.NDArray[np.uint8] | None = None,
    temperatures: Sequence[float] = (1, 2, 5, 10, 20),
    shown: int = 10,
) -> Figure:
    """One image and its soft targets at several temperatures, and in their limit, the logits themselves.

    For large t, softmax(z/t) ≈ 1/N + (z − mean z)/(N t): all that is left to learn are the centred logits. Each panel
    reaches to its own largest probability, which falls as t grows.

    Args:
        image: (H, W, 3) or (H, W, 1) uint8.
        logits: (N,) the teacher's of it.
        names: (N,) of the classes.
        label: The true class, drawn in another colour, and last where it is not among the likeliest; None: it is no
            class.
        examples: (N, H, W, C) uint8, an image of each class to draw in the place of its name.
        temperatures: One panel each.
        shown: Classes, the likeliest ones.

    Example:
        >>> import numpy as np
        >>> from nbutils.viz import soft_target_bars
        >>> image = np.zeros((8, 8, 1), np.uint8)
        >>> figure = soft_target_bars(image, np.array([4.0, 1.0, 0.0]), ["3", "8", "1"], label=0, temperatures=(1, 5))
        >>> [axes.get_title() for axes in figure.axes]
        ['', 't = 1', 't = 5', 't → ∞']
    """
    view = _SoftTargetView(image.shape, names, examples, len(temperatures), shown)
    return view.show(image, logits, label, temperatures)


def temperature_explorer(
    images: npt.NDArray[np.uint8],
    logits: FloatArray,
    names: Sequence[str],
    labels: npt.NDArray[np.int64] | None = None,
    *,
    examples: npt.NDArray[np.uint8] | None = None,
) -> Explorer:
    """Sliders for the image and for log t, from 1 until nothing but the logits is left.

    Args:
        images: (B, H, W, C) uint8 to choose from.
        logits: (B, N).
        names: (N,) of the classes.
        labels: (B,) true classes, or None.
        examples: As in `soft_target_bars`.

    Raises:
        ParameterError: Numbers of images and logits differ.

    Example:
        >>> import numpy as np
        >>> from nbutils.viz import temperature_explorer
        >>> images, logits = np.zeros((2, 8, 8, 1), np.uint8), np.array([[4.0, 1.0, 0.0], [0.0, 1.0, 4.0]])
        >>> widget = temperature_explorer(images, logits, ["3", "8", "1"])
        >>> [control["label"] for control in widget.controls]
        ['image', 'log₁₀ t']
    """
    if len(images) != len(logits):
        raise ParameterError(f"{len(images)} images and {len(logits)} rows of logits: expected one row an image")
    view = _SoftTargetView(images.shape[1:], names, examples, temperatures=1, shown=15)
    of_images, of_logits, of_names, of_labels, of_examples = (
        variable_name(value, name)
        for value, name in (
            (images, "images"),
            (logits, "logits"),
            (names, "names"),
            (labels, "labels"),
            (examples, "examples"),
        )
    )

    def code(which: int, log_t: float) -> str:
        label = "" if labels is None else f", int({of_labels}[{which}])"
        pictures = "" if examples is None else f", examples={of_examples}"
        given = f"{of_images}[{which}], {of_logits}[{which}], {of_names}{label}{pictures}"
        return f"viz.soft_target_bars({given}, temperatures=[{10**log_t:.4g}], shown=15)"

    return explorer(
        lambda which, log_t: view.show(
            images[which], logits[which], None if labels is None else int(labels[which]), [10**log_t]
        ),
        code,
        which=widgets.IntSlider(value=0, min=0, max=len(images) - 1, description="image"),
        log_t=widgets.FloatSlider(value=0, min=0, max=3, step=0.05, description="log₁₀ t"),
    )


class _SoftTargetView:
    """The figure of `soft_target_bars`, to show one image or temperature after another."""

    def __init__(
        self,
        shape: tuple[int, ...],
        names: Sequence[str],
        examples: npt.NDArray[np.uint8] | None,
        temperatures: int,
        shown: int,
    ) -> None:
        self.names, self.examples = names, examples
        rows = min(shown, len(names))
        panels = temperatures + 1
        pictures = [] if examples is None else [0.35]
        self.figure, axes = plt.subplots(
            1,
            1 + len(pictures) + panels,
            figsize=(1.7 + 1.8 * panels + sum(pictures), 0.32 * rows + 1.4),
            layout="constrained",
            width_ratios=[1, *pictures, *[1] * panels],
        )
        self.image = axes[0].imshow(np.zeros(shape, np.uint8), cmap="gray", vmin=0, vmax=255, interpolation="bicubic")
        axes[0].axis("off")
        self.grid = None
        if examples is not None:
            self.grid = PictureGrid(axes[1], rows, 1, (examples.shape[1], examples.shape[2]))
        self.panels = [_SoftTarget(ax, rows) for ax in axes[-panels:]]
        if examples is None:  # whatever names follow have room beside the longest
            self.panels[0].name_rows(sorted(names, key=len)[-rows:])
        self.figure.draw_without_rendering()
        self.figure.set_layout_engine("none")
        plt.close(self.figure)

    def show(
        self,
        image: npt.NDArray[np.uint8],
        logits: FloatArray,
        label: int | None,
        temperatures: Sequence[float],
    ) -> Figure:
        self.image.set_data(image)
        order = np.argsort(-logits, kind="stable")[: len(self.panels[0].bars)]
        if label is not None and label not in order:
            order[-1] = label
        for panel, temperature in zip(self.panels, [*temperatures, np.inf], strict=True):
            panel.show(logits, order, label, temperature)
        if self.grid is not None and self.examples is not None:
            self.grid.show([[self.examples[i]] for i in order])
        else:
            self.panels[0].name_rows([self.names[i] for i in order])
        return self.figure


class _SoftTarget:
    """The bars of one temperature; in the limit, of the centred logits."""

    def __init__(self, ax: Axes, rows: int) -> None:
        self.ax = ax
        self.bars = ax.barh(range(rows), np.zeros(rows))
        ax.set(ylim=(rows - 0.5, -0.5), yticks=[])
        ax.set_title("t → ∞", fontsize=12)
        ax.set_xlabel("probability, %\n", fontsize=11)  # two lines, as below
        ax.tick_params(labelsize=11)
        ax.xaxis.set_major_locator(MaxNLocator(2))
        ax.spines[["top", "right"]].set_visible(False)

    def name_rows(self, names: Sequence[str]) -> None:
        self.ax.set_yticks(range(len(names)), names)

    def show(self, logits: FloatArray, order: npt.NDArray[np.intp], label: int | None, temperature: float) -> None:
        limit = np.isinf(temperature)
        values = logits - logits.mean() if limit else 100 * softmax(np.asarray(logits, np.float64) / temperature)
        for bar, i in zip(self.bars, order, strict=True):
            bar.set(width=values[i], color=_TRUE if i == label else _COLOUR)
        if limit:
            low, high = min(0.0, values[order].min()), max(0.0, values[order].max())
            room = 0.05 * (high - low) or 1.0
            self.ax.set(xlim=(low - room * (low < 0), high + room), xlabel="centred logit")
            return
        self.ax.set_xlim(0, 1.05 * values.max())
        self.ax.set_title(f"t = {temperature:.4g}", fontsize=12)
        self.ax.set_xlabel(f"probability, %\n({effective_classes(logits, temperature):.3g} classes)")
