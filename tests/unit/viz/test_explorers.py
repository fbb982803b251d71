"""Every explorer: it follows its controls with the figure it has, keeps its size, and its setting is code."""

import io
from collections.abc import Callable, Iterator
from html import unescape
from types import SimpleNamespace
from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from nbutils import viz
from nbutils.data import FaceData, Faces, Pairs
from nbutils.data.geometry.face_regions import REGIONS
from nbutils.evaluation import VerificationResult, evaluate_pairs
from nbutils.papers import luo2016, wang2017
from nbutils.selection import select_neurons

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (40, 61, 53, 3), dtype=np.uint8)
POINTS = np.array([[10, 10], [20, 10], [15, 15], [11, 20], [19, 20]], np.float32) + RNG.random((40, 5, 2), np.float32)
PAIRS = Pairs(np.arange(40), np.arange(40)[::-1].copy(), np.arange(40) % 2 == 0, np.arange(40) // 4)
RESPONSES = RNG.random((40, 30), dtype=np.float32)
RESPONSES[:, 3] = 0
X = 0.5 + 0.5 * RNG.random((30, 4))
CELLS = [wang2017.Cell(8, start, a, 0.0) for start in ("Distill", "Pretrain") for a in (0.0, 1.0)]
SCORES = pd.DataFrame(
    {"top-1": [1.0, 2.0, 3.0, 4.0], "low": 0.5, "high": 5.0, "paper top-1": 2.0},
    index=pd.Index(CELLS, tupleize_cols=False),
)
HISTORY = pd.DataFrame({"epoch": [0, 1], "step": [5, 10], "loss": [3.0, 2.0], "task": [2.0, 1.5]})


def _verified(seed: int) -> VerificationResult:
    distances = np.random.default_rng(seed).normal(np.where(PAIRS.same, 2, 3), 1).clip(0)
    return evaluate_pairs(distances[:, None], np.zeros((40, 1)), PAIRS.same, PAIRS.fold)


#: What a notebook's cells would have in scope, under the names that the code of an explorer uses outside of one.
GIVEN: dict[str, Any] = {
    "images": IMAGES,
    "true": POINTS,
    "predicted": {"a": POINTS, "b": POINTS + 2},
    "faces": Faces(IMAGES, np.arange(40) // 4, tuple("abcdefghij")),
    "features": {"net": RESPONSES, "other": RESPONSES[:, :9]},
    "responses": RESPONSES,
    "x": X,
    "names": ("Male", "Bald", "Smiling", "Wearing_Necktie"),
    "identity_related": np.array([True, True, False, False]),
    "results": {"T1": _verified(0), "S": _verified(1)},
    "pairs": PAIRS,
    "logits": RNG.normal(0, 4, (40, 4)),
    "labels": np.arange(40) % 4,
    "examples": IMAGES[:4],
    "table": SCORES,
    "histories": dict.fromkeys(CELLS, HISTORY),
    "viz": viz,
    "luo2016": luo2016,
    "wang2017": wang2017,
    "select_neurons": select_neurons,
}
G = SimpleNamespace(**GIVEN)

EXPLORERS: dict[str, Callable[[], widgets.VBox]] = {
    "pose": lambda: viz.pose_explorer(G.images, G.true, G.predicted),
    "neighbours": lambda: viz.neighbour_explorer(G.faces, G.features),
    "neurons": lambda: viz.neuron_browser(G.images, G.responses, G.x, G.names),
    "selection": lambda: viz.selection_explorer(G.x, G.identity_related, 12),
    "pairs": lambda: viz.pair_explorer(G.results, G.images, G.pairs),
    "threshold": lambda: viz.threshold_explorer(G.results),
    "temperature": lambda: viz.temperature_explorer(G.images, G.logits, G.names, G.labels),
    "temperature, with examples": lambda: viz.temperature_explorer(
        G.images, G.logits, G.names, G.labels, examples=G.examples
    ),
    "regions": lambda: luo2016.region_explorer(IMAGES[:3], {name: _verified(i) for i, name in enumerate(REGIONS)}),
    "influence": lambda: wang2017.influence_explorer(G.table, G.histories, "top-1"),
}


def _picture(box: widgets.VBox) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(bytes(box.children[2].value))))


def _code(box: widgets.VBox) -> str:
    return unescape(box.children[3].value.split(">", 1)[1].removesuffix("</code>"))


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


@pytest.mark.parametrize("kind", EXPLORERS)
def test_the_setting_is_code_that_draws_the_same(kind: str) -> None:
    box = EXPLORERS[kind]()
    scope = GIVEN | {"images": IMAGES[:3]} if kind == "regions" else GIVEN
    figure = eval(_code(box), scope)
    drawn = np.asarray(Image.open(io.BytesIO(viz.as_png(figure))))
    np.testing.assert_array_equal(drawn, _picture(box))


@pytest.mark.parametrize("kind", EXPLORERS)
def test_it_follows_every_control_with_the_figure_it_has(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    box = EXPLORERS[kind]()
    size, code = _picture(box).shape, _code(box)
    monkeypatch.setattr(Figure, "__init__", lambda *_, **__: pytest.fail("a new figure was made"))
    for control in box.children[0].children:
        for value in _moves(control):
            before = _picture(box)
            control.value = value
            assert _picture(box).shape == size
            assert not np.array_equal(_picture(box), before), control.description
            assert _code(box) != code
            code = _code(box)
        assert getattr(control, "continuous_update", True)


def test_a_dead_neuron_is_said_to_be_dead_and_leaves_the_picture_its_place() -> None:
    box = EXPLORERS["neurons"]()
    controls, says, picture, _ = box.children
    (slider,) = controls.children
    assert (says.value, picture.layout.visibility) == ("", "visible")
    slider.value = 3
    assert says.value == "Neuron 3 is dead: it responds to every face alike, as 1 of 30 are."
    assert picture.layout.visibility == "hidden"
    slider.value = 4
    assert (says.value, picture.layout.visibility) == ("", "visible")


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
