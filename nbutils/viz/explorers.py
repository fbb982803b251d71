"""Controls above a picture that is redrawn as they move."""

from __future__ import annotations

import io
from collections.abc import Callable

import ipywidgets as widgets
from matplotlib.figure import Figure


def explorer(draw: Callable[..., Figure], **controls: widgets.Widget) -> widgets.Widget:
    """A row of controls and the figure of their values.

    The picture is an image, not an Output widget: headless clients answer each output of the latter with a message of
    their own, which can race with the next cell and leave kernel and client waiting for each other.

    Args:
        draw: Takes each control's value under its name.
        controls: Widgets with a `value`.

    Example:
        >>> import ipywidgets as widgets
        >>> from matplotlib import pyplot as plt
        >>> from nbutils.viz import explorer
        >>> def line(slope):
        ...     figure, axes = plt.subplots()
        ...     axes.plot([0, 1], [0, slope])
        ...     return figure
        >>> widget = explorer(line, slope=widgets.FloatSlider(value=2.0, description="slope"))
        >>> widget.children[0].children[0].value
        2.0
    """
    picture = widgets.Image(format="png")

    def show(_: object = None) -> None:
        picture.value = as_png(draw(**{name: control.value for name, control in controls.items()}))

    for control in controls.values():
        control.observe(show, names="value")
    show()
    picture.layout.align_self = "flex-start"
    return widgets.VBox([widgets.HBox(list(controls.values())), picture])


def as_png(figure: Figure) -> bytes:
    """The figure as the bytes of an image, for `ipywidgets.Image`.

    Example:
        >>> from matplotlib import pyplot as plt
        >>> from nbutils.viz import as_png
        >>> figure, axes = plt.subplots()
        >>> as_png(figure)[1:4]
        b'PNG'
    """
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=100, bbox_inches="tight")
    return png.getvalue()
