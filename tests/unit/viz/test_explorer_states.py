"""What an explorer leaves for pages without a kernel is what it answers itself."""

import base64
import io
import itertools
import math
from typing import Any

import ipywidgets as widgets
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

from nbutils.viz import Explorer, Shown, explorer
from nbutils.viz.explorer_states import STATES, STATES_VARIABLE, evenly, steps_within


def _bars() -> Explorer:
    """Two bars: their heights follow a slider, the sum's sign a choice; nothing to see at 3."""
    figure, ax = plt.subplots(figsize=(2, 1))
    bars = ax.bar([0, 1], [0, 0])
    ax.set(ylim=(-9, 9))
    plt.close(figure)

    def draw(height: int, sign: str) -> Figure | Shown:
        for bar in bars:
            bar.set_height(height if sign == "up" else -height)
        return Shown(None, "nothing at 3") if height == 3 else figure

    return explorer(
        draw,
        lambda height, sign: f"draw({height}, {sign!r})",
        height=widgets.IntSlider(value=7, min=0, max=8, description="height"),
        sign=widgets.Dropdown(options=["up", "down"], description="sign"),
    )


def test_states_are_the_answers_at_their_steps() -> None:
    asked, left = _bars(), _bars()
    states = left.states(18)
    assert [control["steps"] for control in states["controls"]] == [list("012345678"), ["up", "down"]]
    assert states["at"] == [7, 0]
    assert len(states["states"]) == 18
    for height, sign in itertools.product(range(9), range(2)):
        asked.at = [height, sign]
        state = states["states"][f"{height},{sign}"]
        assert (state["says"], state["code"]) == (asked.says, asked.code)
        assert bool(state["picture"]) == bool(asked.picture) == (height != 3)
        if state["picture"]:
            drawn, kept = (
                np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), np.float64)
                for content in (asked.picture, base64.b64decode(states["pictures"][state["picture"]]))
            )
            assert drawn.shape == kept.shape == (*states["size"][::-1], 3)
            assert np.abs(drawn - kept).mean() < 4
    assert len(states["pictures"]) == 15  # up and down are alike at 0, and there is none at 3
    assert (left.at, left.picture) == (_bars().at, _bars().picture)  # it shows what it showed


def test_few_states_are_spread_and_hold_the_present_one() -> None:
    states = _bars().states(6)
    slider, choice = states["controls"]
    assert (len(slider["steps"]), slider["of"]) == (3, 9)
    assert slider["steps"][states["at"][0]] == "7"
    assert choice["steps"] == ["up", "down"]
    assert len(states["states"]) == 6


@given(
    st.lists(st.tuples(st.integers(1, 200), st.sampled_from(["slider", "choice", "tick"])), min_size=1, max_size=6),
    st.integers(1, 100),
)
def test_combinations_are_within_the_bound(controls: list[tuple[int, str]], most: int) -> None:
    sizes, kinds = [size for size, _ in controls], [kind for _, kind in controls]
    counts = steps_within(sizes, kinds, most)
    assert math.prod(counts) <= most
    for count, size, kind in zip(counts, sizes, kinds, strict=True):
        assert 1 <= count <= size
        assert kind == "slider" or count in (1, size)
    for i, (count, size, kind) in enumerate(zip(counts, sizes, kinds, strict=True)):
        if kind == "slider" and count < min(size, 24):  # one step more of any were too many
            assert math.prod(counts) // counts[i] * (count + 1) > most


@given(st.integers(1, 300), st.data())
def test_positions_are_spread_and_hold_the_present_one(size: int, data: st.DataObject) -> None:
    count, at = data.draw(st.integers(1, size)), data.draw(st.integers(0, size - 1))
    places = evenly(size, count, at)
    assert len(set(places)) == count
    assert at in places
    assert set(places) <= set(range(size))
    assert places == sorted(places)


def test_an_output_holds_states_only_where_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STATES_VARIABLE, raising=False)
    assert STATES not in _data(_bars())
    monkeypatch.setenv(STATES_VARIABLE, "4")
    data = _data(_bars())
    assert "application/vnd.jupyter.widget-view+json" in data
    assert len(data[STATES]["states"]) == 4


def _data(shown: Explorer) -> dict[str, Any]:
    found = shown._repr_mimebundle_()
    data: dict[str, Any] = found[0] if isinstance(found, tuple) else found
    return data


def test_the_browser_and_python_move_the_same_controls() -> None:
    shown = _bars()
    shown.at = [2, 1]
    assert [control.value for control in shown.inputs.values()] == [2, "down"]
    shown.inputs["height"].value = 5
    assert shown.at == [5, 1]
    assert shown.code == "draw(5, 'down')"


@pytest.mark.parametrize(
    ("control", "texts"),
    [
        (widgets.IntSlider(min=2, max=8, step=3), ["2", "5", "8"]),
        (widgets.FloatSlider(min=0, max=0.3, step=0.1), ["0.00", "0.10", "0.20", "0.30"]),
        (widgets.FloatLogSlider(min=-1, max=1, step=1), ["0.1", "1", "10"]),
        (widgets.Checkbox(), ["no", "yes"]),
        (widgets.ToggleButtons(options=[("one", 1), ("two", 2)]), ["one", "two"]),
    ],
)
def test_every_control_has_its_steps(control: widgets.Widget, texts: list[str]) -> None:
    shown = Explorer(lambda value: Shown(None, str(value)), None, {"value": control})
    assert shown.controls[0]["steps"] == texts
    said = []
    for at in range(len(texts)):
        shown.at = [at]
        said.append(shown.says)
    assert len(set(said)) == len(texts)
