"""Controls above a picture that follows them as they move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass

import ipywidgets as widgets
from IPython import get_ipython
from matplotlib.figure import Figure

from nbutils.viz.explorer_widget import Explorer, Shown

#: `faces.test.images` is found, what lies deeper is not.
_DEPTH = 3


def explorer(
    draw: Callable[..., Figure | Shown], code: Callable[..., str] | None = None, /, **controls: widgets.Widget
) -> Explorer:
    """A row of controls, a sentence, the figure of the controls' values, and the setting as code.

    A figure that `draw` returns again and again is drawn much faster than a new one each time: what does not change
    stays, and the layout is found once. The picture keeps its size, also where there is nothing to see.

    The picture is an image, not an Output widget: headless clients answer each output of the latter with a message of
    their own, which can race with the next cell and leave kernel and client waiting for each other.

    Args:
        draw: Takes each control's value under its name; returns the figure, or what is shown in its place.
        code: Takes the same values; returns an expression that draws the same without controls.
        controls: Sliders, a Dropdown, ToggleButtons or a Checkbox of ipywidgets, which say what can be chosen.

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
        >>> widget.controls[0]["label"], widget.inputs["slope"].value
        ('slope', 2.0)
    """
    return Explorer(draw, code, controls)


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
