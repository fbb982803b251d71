"""The widget of an explorer, which is drawn by one module of JavaScript in a notebook and in a page."""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import anywidget
import cv2
import ipywidgets as widgets
import numpy as np
import numpy.typing as npt
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from PIL import Image

from nbutils.viz.explorer_states import MODULE, STATES, STATES_VARIABLE, STYLE, evenly, steps_within

_DPI = 100
_QUALITY = 80


class Shown(NamedTuple):
    """What an explorer shows at a setting of its controls.

    Attributes:
        figure: The picture; None where there is nothing to see, which `says` then explains.
        says: A sentence above the picture.
    """

    figure: Figure | None
    says: str = ""


class Explorer(anywidget.AnyWidget):
    """Controls, a sentence, a picture that follows them, and the setting as code; see `explorer`.

    The controls of ipywidgets say what can be chosen, and may be moved from Python; what a person moves are the
    browser's own. In a notebook that is executed for a page, the output holds answers for it, too.

    Attributes:
        inputs: The controls by their names.
        controls: The same for the browser: label, kind and steps.
        at: The step at which each control stands.
        size: (width, height) of the picture, in pixels.
        picture: PNG; empty where there is nothing to see.
        says: The sentence.
        code: An expression that draws the same; may be empty.

    Example:
        >>> import ipywidgets as widgets
        >>> from nbutils.viz import Explorer, Shown
        >>> moved = Explorer(lambda n: Shown(None, f"{n} squared is {n * n}"), None, {"n": widgets.IntSlider(max=9)})
        >>> moved.at = [7]
        >>> moved.says
        '7 squared is 49'
    """

    _esm = MODULE
    _css = STYLE
    controls: Any = traitlets.List().tag(sync=True)
    at = traitlets.List(traitlets.Int()).tag(sync=True)
    size = traitlets.List(traitlets.Int(), default_value=[0, 0]).tag(sync=True)
    picture = traitlets.Bytes().tag(sync=True)
    says = traitlets.Unicode().tag(sync=True)
    code = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        draw: Callable[..., Figure | Shown],
        code: Callable[..., str] | None,
        controls: Mapping[str, widgets.Widget],
    ) -> None:
        self.inputs = dict(controls)
        self._draw, self._code = draw, code
        self._steps = [_steps(control) for control in self.inputs.values()]
        self._moving = False
        described = [
            {"label": control.description, "kind": _kind(control), "steps": [text for text, _ in steps]}
            for control, steps in zip(self.inputs.values(), self._steps, strict=True)
        ]
        super().__init__(controls=described, at=self._places())
        for control in self.inputs.values():
            control.observe(self._follow_input, names="value")
        self.observe(self._follow_browser, names="at")
        self._follow_browser()

    def states(self, most: int) -> dict[str, Any]:
        """Answers to have beforehand: at all steps of the controls, or at some that are evenly spaced.

        Args:
            most: So many answers at most.

        Returns:
            For JSON: controls with these steps, and the number `of` all; `at`; `size`; `states` from "i,j,…" to
            picture, says and code; `pictures` from a key to WebP in base64.
        """
        sizes = [len(steps) for steps in self._steps]
        counts = steps_within(sizes, [control["kind"] for control in self.controls], most)
        kept = [evenly(size, count, at) for size, count, at in zip(sizes, counts, self.at, strict=True)]
        states, pictures = {}, {}
        for places in itertools.product(*(range(len(steps)) for steps in kept)):
            values = [self._steps[i][kept[i][place]][1] for i, place in enumerate(places)]
            figure, says, code = self._answer(dict(zip(self.inputs, values, strict=True)))
            key = ""
            if figure is not None:
                picture = io.BytesIO()
                Image.fromarray(pixels(figure)).save(picture, "webp", quality=_QUALITY, method=3)
                key = hashlib.sha256(picture.getvalue()).hexdigest()[:16]
                pictures[key] = base64.b64encode(picture.getvalue()).decode("ascii")
            states[",".join(map(str, places))] = {"picture": key, "says": says, "code": code}
        self._show()  # the figure is the one that is shown
        return {
            "controls": [
                control | {"steps": [control["steps"][i] for i in steps], "of": len(control["steps"])}
                for control, steps in zip(self.controls, kept, strict=True)
            ],
            "at": [steps.index(at) for steps, at in zip(kept, self.at, strict=True)],
            "size": list(self.size),
            "states": states,
            "pictures": pictures,
        }

    def _repr_mimebundle_(self, **options: Any) -> Any:  # noqa: ANN401
        found = super()._repr_mimebundle_(**options)
        most = int(os.environ.get(STATES_VARIABLE, 0))
        if not most or found is None:
            return found
        data, *metadata = found if isinstance(found, tuple) else (found,)
        data = data | {STATES: self.states(most)}
        return (data, *metadata) if metadata else data

    def _places(self) -> list[int]:
        return [
            _nearest([value for _, value in steps], control.value)
            for control, steps in zip(self.inputs.values(), self._steps, strict=True)
        ]

    def _follow_browser(self, _: object = None) -> None:
        if not self._moving:
            with self._moved():
                for control, steps, at in zip(self.inputs.values(), self._steps, self.at, strict=True):
                    control.value = steps[at][1]
            self._show()

    def _follow_input(self, _: object) -> None:
        if not self._moving:
            with self._moved():
                self.at = self._places()
            self._show()

    @contextmanager
    def _moved(self) -> Iterator[None]:
        self._moving = True
        try:
            yield
        finally:
            self._moving = False

    def _show(self) -> None:
        figure, says, code = self._answer({name: control.value for name, control in self.inputs.items()})
        picture = b"" if figure is None else as_png(figure)
        with self.hold_sync():
            if figure is not None:
                self.size = [round(_DPI * inches) for inches in figure.get_size_inches()]
            self.picture, self.says, self.code = picture, says, code

    def _answer(self, values: Mapping[str, object]) -> tuple[Figure | None, str, str]:
        found = self._draw(**values)
        figure, says = found if isinstance(found, Shown) else (found, "")
        return figure, says, "" if self._code is None else self._code(**values)


def pixels(figure: Figure) -> npt.NDArray[np.uint8]:
    """(height, width, 3) of the figure, opaque, so that it can be read on a dark page."""
    if figure.dpi != _DPI:
        figure.set_dpi(_DPI)
    if to_rgba(figure.get_facecolor())[3] < 1:
        figure.set_facecolor("white")
    # With a canvas of its own for every drawing, all texts would be measured anew.
    canvas: Any = figure.canvas if isinstance(figure.canvas, FigureCanvasAgg) else FigureCanvasAgg(figure)
    canvas.draw()
    figure.set_layout_engine("none")
    return np.asarray(cv2.cvtColor(np.asarray(canvas.buffer_rgba()), cv2.COLOR_RGBA2RGB), np.uint8)


def as_png(figure: Figure) -> bytes:
    """The figure as the bytes of an image of its own size, encoded by OpenCV, in half of Pillow's time.

    Example:
        >>> from matplotlib import pyplot as plt
        >>> from nbutils.viz import as_png
        >>> figure, axes = plt.subplots()
        >>> as_png(figure)[1:4]
        b'PNG'
    """
    _, png = cv2.imencode(".png", cv2.cvtColor(pixels(figure), cv2.COLOR_RGB2BGR))
    return png.tobytes()


def _kind(control: widgets.Widget) -> str:
    if isinstance(control, widgets.Checkbox):
        return "tick"
    return "choice" if hasattr(control, "options") else "slider"


def _steps(control: widgets.Widget) -> list[tuple[str, Any]]:
    """All that a control can be set to, each with its text."""
    if isinstance(control, widgets.Checkbox):
        return [("no", False), ("yes", True)]
    if hasattr(control, "options"):
        return [option if isinstance(option, tuple) else (str(option), option) for option in control.options]
    if isinstance(control, widgets.IntSlider):
        return [(str(value), value) for value in range(control.min, control.max + 1, control.step)]
    places = control.min + control.step * np.arange(round((control.max - control.min) / control.step) + 1)
    values = places.clip(control.min, control.max).round(12).tolist()
    if isinstance(control, widgets.FloatLogSlider):
        return [(f"{control.base**place:.3g}", control.base**place) for place in values]
    return [(format(value, control.readout_format), value) for value in values]


def _nearest(values: Sequence[Any], value: Any) -> int:  # noqa: ANN401
    if value in values:
        return values.index(value)
    return int(np.abs(np.asarray(values) - value).argmin())
