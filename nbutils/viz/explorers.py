"""Controls above a picture that follows them as they move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from html import escape
from typing import Any, NamedTuple

import cv2
import ipywidgets as widgets
import numpy as np
from IPython import get_ipython
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

_DPI = 100
#: `faces.test.images` is found, what lies deeper is not.
_DEPTH = 3
#: One click selects all of it.
_CODE_STYLE = "user-select: all; background: none; color: inherit; white-space: pre-wrap"


class Shown(NamedTuple):
    """What an explorer shows at a setting of its controls.

    Attributes:
        figure: The picture; None where there is nothing to see, which `says` then explains.
        says: A sentence above the picture.
    """

    figure: Figure | None
    says: str = ""


def explorer(
    draw: Callable[..., Figure | Shown], code: Callable[..., str] | None = None, /, **controls: widgets.Widget
) -> widgets.VBox:
    """A row of controls, a sentence, the figure of the controls' values, and the setting as code.

    A figure that `draw` returns again and again is drawn much faster than a new one each time: what does not change
    stays, and the layout is found once. The picture keeps its size, also where there is nothing to see.

    The picture is an image, not an Output widget: headless clients answer each output of the latter with a message of
    their own, which can race with the next cell and leave kernel and client waiting for each other.

    Args:
        draw: Takes each control's value under its name; returns the figure, or what is shown in its place.
        code: Takes the same values; returns an expression that draws the same without controls.
        controls: Widgets with a `value`.

    Example:
        >>> import ipywidgets as widgets
        >>> from matplotlib import pyplot as plt
        >>> from nbutils.viz import explorer
        >>> figure, axes = plt.subplots()
        >>> (line,) = axes.plot([0, 1], [0, 0])
        >>> def draw(slope):
        ...     line.set_ydata([0, slope])
        ...     return figure
        >>> widget = explorer(draw, slope=widgets.FloatSlider(value=2.0, description="slope"))
        >>> widget.children[0].children[0].value
        2.0
    """
    picture = widgets.Image(format="png", layout=widgets.Layout(align_self="flex-start", max_width="100%"))
    says, as_code = widgets.HTML(), widgets.HTML()

    def show(_: object = None) -> None:
        values = {name: control.value for name, control in controls.items()}
        found = draw(**values)
        figure, sentence = found if isinstance(found, Shown) else (found, "")
        says.value = escape(sentence)
        picture.layout.visibility = "visible" if figure else "hidden"
        if figure:
            picture.value = as_png(figure)
            figure.set_layout_engine("none")
        if code is not None:
            as_code.value = f'<code style="{_CODE_STYLE}">{escape(code(**values))}</code>'

    for control in controls.values():
        control.observe(show, names="value")
    show()
    row = widgets.HBox(list(controls.values()), layout=widgets.Layout(flex_flow="row wrap"))
    return widgets.VBox([row, says, picture, as_code])


def as_png(figure: Figure) -> bytes:
    """The figure as the bytes of an image of its own size, for `ipywidgets.Image`.

    It is opaque, so that it can be read on a dark page, and encoded by OpenCV, in half of Pillow's time.

    Example:
        >>> from matplotlib import pyplot as plt
        >>> from nbutils.viz import as_png
        >>> figure, axes = plt.subplots()
        >>> as_png(figure)[1:4]
        b'PNG'
    """
    if figure.dpi != _DPI:
        figure.set_dpi(_DPI)
    if to_rgba(figure.get_facecolor())[3] < 1:
        figure.set_facecolor("white")
    # With a canvas of its own for every drawing, all texts would be measured anew.
    canvas: Any = figure.canvas if isinstance(figure.canvas, FigureCanvasAgg) else FigureCanvasAgg(figure)
    canvas.draw()
    _, png = cv2.imencode(".png", cv2.cvtColor(np.asarray(canvas.buffer_rgba()), cv2.COLOR_RGBA2BGR))
    return png.tobytes()


def variable_name(value: object, otherwise: str) -> str:
    """What a notebook calls `value`, for code to copy: a variable, or a field of one, such as `faces.test.images`.

    Args:
        value: Anything.
        otherwise: Its name outside a notebook. In one that has no name for it, this stands in angle brackets, which
            is no code: another value may be called so.

    Example:
        >>> from nbutils.viz import variable_name
        >>> variable_name([1, 2], "pairs")
        'pairs'
    """
    shell = get_ipython()
    if shell is None:
        return otherwise
    level: dict[str, object] = {name: held for name, held in shell.user_ns.items() if not name.startswith("_")}
    for _ in range(_DEPTH):
        found = next((name for name, held in level.items() if held is value), None)
        if found is not None:
            return found
        level = {
            f"{name}.{field.name}": getattr(held, field.name)
            for name, held in level.items()
            if is_dataclass(held) and not isinstance(held, type)
            for field in fields(held)
        }
    return f"<{otherwise}>"
