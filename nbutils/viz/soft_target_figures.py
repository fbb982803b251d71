"""The soft target of one image as the temperature moves: from the plain posterior to the logits."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as widgets
import numpy as np
import numpy.typing as npt
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import softmax

from nbutils.errors import ParameterError
from nbutils.evaluation.classification import effective_classes
from nbutils.viz.explorers import explorer

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

    For large t, softmax(z/t) ≈ 1/N + (z − mean z)/(N t): all that is left to learn are the centred logits.

    Args:
        image: (H, W, 3) or (H, W, 1) uint8.
        logits: (N,) the teacher's of it.
        names: (N,) of the classes.
        label: The true class, drawn in another colour; None: it is not among them.
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
    order = np.argsort(-logits, kind="stable")[:shown]
    panels = [*temperatures, np.inf]
    figure, axes = plt.subplots(
        1, len(panels) + 1, figsize=(1.6 + 1.9 * len(panels), 0.3 * len(order) + 1.2), layout="constrained"
    )
    _draw_image(axes[0], image)
    for number, (ax, temperature) in enumerate(zip(axes[1:], panels, strict=True)):
        _draw_target(ax, logits, order, label, temperature)
        if number > 0:
            ax.set_yticks([])
        elif examples is None:
            ax.set_yticks(range(len(order)), [names[i] for i in order])
        else:
            ax.set_yticks([])
            _draw_examples(ax, examples[order])
    plt.close(figure)
    return figure


def temperature_explorer(
    images: npt.NDArray[np.uint8],
    logits: FloatArray,
    names: Sequence[str],
    labels: npt.NDArray[np.int64] | None = None,
    *,
    examples: npt.NDArray[np.uint8] | None = None,
) -> widgets.Widget:
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
        >>> [control.description for control in widget.children[0].children]
        ['image', 'log₁₀ t']
    """
    if len(images) != len(logits):
        raise ParameterError(f"{len(images)} images and {len(logits)} rows of logits: expected one row an image")
    which = widgets.IntSlider(value=0, min=0, max=len(images) - 1, description="image")
    log_t = widgets.FloatSlider(value=0, min=0, max=3, step=0.05, description="log₁₀ t")

    def draw(which: int, log_t: float) -> Figure:
        label = None if labels is None else int(labels[which])
        return soft_target_bars(
            images[which], logits[which], names, label, examples=examples, temperatures=(10**log_t,), shown=15
        )

    return explorer(draw, which=which, log_t=log_t)


def _draw_image(ax: Axes, image: npt.NDArray[np.uint8]) -> None:
    ax.imshow(image, cmap="gray", interpolation="bicubic")
    ax.axis("off")


def _draw_target(
    ax: Axes, logits: FloatArray, order: npt.NDArray[np.intp], label: int | None, temperature: float
) -> None:
    limit = np.isinf(temperature)
    values = logits - logits.mean() if limit else softmax(np.asarray(logits, np.float64) / temperature)
    ax.barh(range(len(order)), values[order], color=[_TRUE if i == label else _COLOUR for i in order])
    ax.set_ylim(len(order) - 0.5, -0.5)
    if limit:
        ax.set(title="t → ∞", xlabel="centred logit")
    else:
        ax.set(xlim=(0, 1), title=f"t = {temperature:.3g}", xlabel="probability")
        among = f"{effective_classes(logits, temperature):.3g} classes"
        ax.text(0.97, 0.03, among, transform=ax.transAxes, ha="right", va="bottom", fontsize=8)
    ax.title.set_fontsize(9)
    ax.tick_params(labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)


def _draw_examples(ax: Axes, examples: npt.NDArray[np.uint8]) -> None:
    """Pictures in the place of the labels of the ordinate."""
    for row, example in enumerate(examples):
        inset = ax.inset_axes((-0.32, 1 - (row + 1) / len(examples), 0.28, 1 / len(examples)))
        _draw_image(inset, example)
