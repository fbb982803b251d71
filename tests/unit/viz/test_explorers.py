"""Every explorer: it follows its controls with the figure it has, keeps its size, and its setting is code."""

import io
from collections.abc import Iterator
from types import SimpleNamespace

import ipywidgets as widgets
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from nbutils import viz
from nbutils.data import FaceData, Faces
from tests.support.explorers import EXPLORERS, GIVEN, IMAGES, PAIRS, G


def _picture(box: viz.Explorer) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(box.picture)))


def _moves(control: widgets.Widget) -> Iterator[object]:
    """Other values of a control, none twice in a row."""
    if isinstance(control, widgets.Checkbox):
        yield from (False, True)
    elif isinstance(control, widgets.FloatLogSlider):
        yield from (control.base**control.max, control.base**control.min)
    elif isinstance(control, widgets.Dropdown | widgets.ToggleButtons):
        yield from [option for option in control.options if option != control.value]
    else:
        yield from (control.max, control.min)


@pytest.mark.slow
@pytest.mark.parametrize("kind", EXPLORERS)
def test_the_setting_is_code_that_draws_the_same(kind: str) -> None:
    box = EXPLORERS[kind]()
    scope = GIVEN | {"images": IMAGES[:3]} if kind == "regions" else GIVEN
    figure = eval(box.code, scope)
    drawn = np.asarray(Image.open(io.BytesIO(viz.as_png(figure))))
    np.testing.assert_array_equal(drawn, _picture(box))


@pytest.mark.slow
@pytest.mark.parametrize("kind", EXPLORERS)
def test_it_follows_every_control_with_the_figure_it_has(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    box = EXPLORERS[kind]()
    size, code = _picture(box).shape, box.code
    monkeypatch.setattr(Figure, "__init__", lambda *_, **__: pytest.fail("a new figure was made"))
    for control in box.inputs.values():
        for value in _moves(control):
            before = _picture(box)
            control.value = value
            assert _picture(box).shape == size
            assert not np.array_equal(_picture(box), before), control.description
            assert box.code != code
            code = box.code
        assert getattr(control, "continuous_update", True)


def test_a_dead_neuron_is_said_to_be_dead_and_leaves_the_picture_its_place() -> None:
    box = EXPLORERS["neurons"]()
    slider, size = box.inputs["neuron"], box.size
    assert (box.says, bool(box.picture)) == ("", True)
    slider.value = 3
    assert box.says == "Neuron 3 is dead: it responds to every face alike, as 1 of 30 are."
    assert (box.picture, box.size) == (b"", size)
    slider.value = 4
    assert (box.says, bool(box.picture)) == ("", True)


def test_a_picture_is_opaque_whatever_the_style() -> None:
    figure = Figure(figsize=(2, 1), facecolor="none")
    drawn = Image.open(io.BytesIO(viz.as_png(figure)))
    assert (drawn.mode, drawn.size) == ("RGB", (200, 100))
    assert np.asarray(drawn).min() == 255


def test_names_are_those_of_the_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    mine: list[int] = []
    data = FaceData("a", "b", train=G.faces, test=G.faces, pairs=PAIRS)
    names = {"_": mine, "Faces": Faces, "casia": data, "portraits": mine}
    monkeypatch.setattr("nbutils.viz.explorers.get_ipython", lambda: SimpleNamespace(user_ns=names))
    assert viz.variable_name(mine, "images") == "portraits"
    assert viz.variable_name(PAIRS, "pairs") == "casia.pairs"
    assert viz.variable_name(IMAGES, "images") == "casia.train.images"
    assert viz.variable_name([], "images") == "<images>"  # not the code of another value of that name
