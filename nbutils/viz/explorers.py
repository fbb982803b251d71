"""Controls above a picture that is drawn anew as they move."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets
from IPython.display import display
from matplotlib.figure import Figure


def explorer(draw: Callable[..., Figure], **controls: widgets.Widget) -> widgets.Widget:
    """A row of controls and the figure of their values.

    Args:
        draw: Takes each control's value under its name.
        controls: Widgets with a `value`.
    """
    picture = widgets.Output()

    def show(_: object = None) -> None:
        figure = draw(**{name: control.value for name, control in controls.items()})
        with picture:
            picture.clear_output(wait=True)
            display(figure)  # type: ignore[no-untyped-call]

    for control in controls.values():
        control.observe(show, names="value")
    show()
    return widgets.VBox([widgets.HBox(list(controls.values())), picture])
