"""Figures of learning, key points and neighbours are read back."""

from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nbutils.data.faces import Faces
from nbutils.evaluation import errors_by_turn, nearest_others
from nbutils.viz import (
    PictureGrid,
    error_by_turn,
    explorer,
    neighbour_gallery,
    points_on_faces,
    training_curves,
)

RNG = np.random.default_rng(0)
HISTORY = pd.DataFrame({"step": [5, 10], "loss": [3.0, 2.0], "task": [2.0, 1.5], "soft": [1.0, 0.5], "seconds": [1, 1]})
FACE = np.array([[10, 10], [20, 10], [15, 15], [11, 20], [19, 20]], np.float32)
IMAGES = RNG.integers(0, 256, (12, 30, 30, 3), dtype=np.uint8)


def _xy(line: Line2D) -> np.ndarray:
    return np.asarray(line.get_xydata(), np.float64)


def test_curves_are_of_the_wanted_term() -> None:
    figure = training_curves({"a": {"x": HISTORY, "none": HISTORY.drop(columns="soft")}}, "soft")
    (line,) = figure.axes[0].lines
    np.testing.assert_array_equal(line.get_ydata(), [1.0, 0.5])


def test_a_network_has_one_colour_in_all_panels_and_one_entry_in_the_legend() -> None:
    panels = {"a": {"x": HISTORY, "y": HISTORY}, "b": {"y": HISTORY}, "c": {"x": HISTORY}}
    figure = training_curves(panels)
    assert [ax.get_title() for ax in figure.axes] == ["a", "b", "c"]
    first, second, third = ([line.get_color() for line in ax.lines] for ax in figure.axes)
    assert (second, third) == (first[1:], first[:1])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["x", "y"]


def test_a_panel_whose_networks_lack_the_term_is_empty() -> None:
    panels = {"a": {"x": HISTORY.drop(columns="soft")}, "b": {"x": HISTORY}}
    assert [len(ax.lines) for ax in training_curves(panels, "soft").axes] == [0, 1]


@pytest.mark.parametrize(("last", "scale"), [(1.5, "linear"), (0.15, "log")])
def test_only_a_loss_that_falls_by_a_decade_has_a_logarithmic_axis(last: float, scale: str) -> None:
    history = pd.DataFrame({"step": [5, 10], "task": [2.0, last]})
    assert training_curves({"a": {"x": history}}).axes[0].get_yscale() == scale


def test_key_points_are_drawn_where_they_are_with_the_faces_own_error() -> None:
    true = np.repeat(FACE[None], 12, axis=0)
    figure = points_on_faces(IMAGES, true, {"a": true, "b": true + np.array([3, 4], np.float32)}, [2, 7])
    assert [ax.get_title() for ax in figure.axes] == ["0.0 %", "0.0 %", "50.0 %", "50.0 %"]
    shown, found = figure.axes[3].lines
    np.testing.assert_allclose(_xy(shown), FACE.astype(np.float64))
    np.testing.assert_allclose(_xy(found), FACE + np.array([3, 4]))
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), IMAGES[7])


def test_errors_are_drawn_over_the_turn() -> None:
    true = np.repeat(FACE[None], 10, axis=0)
    true[:, 2, 0] += np.arange(10) - 5
    errors = errors_by_turn({"net": true + np.array([3, 4], np.float32)}, true)
    line = _xy(error_by_turn(errors).axes[0].lines[0])
    np.testing.assert_allclose(line, np.stack([errors.index, errors["net"]], axis=1))


def test_neighbours_are_the_nearest_others_framed_by_whether_they_match(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[Any, Any]] = []
    monkeypatch.setattr(PictureGrid, "show", lambda _, pictures, right: shown.append((pictures, right)))
    faces = Faces(IMAGES, np.arange(12) // 3, tuple("abcd"))
    features = RNG.normal(size=(12, 3)).astype(np.float32)
    neighbour_gallery(faces, {"net": features}, [4], count=5)
    nearest = nearest_others(features, 5)[4]
    (((face, *others),), ((unjudged, *right),)) = shown[0]
    np.testing.assert_array_equal([face, *others], IMAGES[[4, *nearest]])
    assert [unjudged, *right] == [None, *(other // 3 == 1 for other in nearest)]


def test_a_grid_has_each_picture_in_its_place_with_its_frame_and_mark() -> None:
    figure, ax = plt.subplots()
    grid = PictureGrid(ax, 2, 2, (10, 8))
    flat = [np.full((10, 8, 3), value, np.uint8) for value in (10, 20)]
    grid.show([[flat[0], flat[1]], [None, np.full((10, 10, 1), 30, np.uint8)]], [[True, False], [None, None]])
    drawn = np.asarray(ax.images[0].get_array())
    for (row, column), value, colour in (((0, 0), 10, "tab:green"), ((0, 1), 20, "tab:red")):
        cell = grid.cell(row, column)
        assert (cell[grid.height // 2, grid.width // 2] == value).all()
        np.testing.assert_array_equal(cell[0], np.tile(np.round(255 * np.array(to_rgb(colour))), (grid.width, 1)))
        left, top = grid.corner(row, column)
        np.testing.assert_array_equal(drawn[top : top + grid.height, left : left + grid.width, :3], cell)
    assert (grid.cell(1, 0) == 255).all()
    wide = grid.cell(1, 1)[..., 0]  # fitted in: as wide as its place, white above and below
    assert set(wide[grid.height // 2]) == {30}
    assert set(wide[0]) == set(wide[-1]) == {255}
    marks = [len(_xy(line)) for line in ax.lines]
    assert marks == [1, 1]
    plt.close(figure)


def test_an_explorer_draws_anew_when_a_control_moves() -> None:
    asked: list[int] = []

    def draw(at: int) -> Figure:
        asked.append(at)
        return training_curves({"a": {"x": HISTORY}})

    control = widgets.IntSlider(value=3, min=0, max=9)
    box = explorer(draw, at=control)
    assert box.picture.startswith(b"\x89PNG")
    control.value = 5
    assert asked == [3, 5]
