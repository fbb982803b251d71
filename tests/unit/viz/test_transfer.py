"""Figures of cells, key points and neighbours are read back."""

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nbutils.data.faces import Faces
from nbutils.evaluation import influences, nearest_others, tabulate
from nbutils.papers.wang2017.transfer_pipeline import pipeline
from nbutils.reporting import beside, printed
from nbutils.viz import cells, landmarks, neighbours
from nbutils.viz.explorers import explorer

RNG = np.random.default_rng(0)
CELLS = [f"{start} {cell}" for start in ("Pretrain", "Distill") for cell in ("0 0", "0 1", "1 0")]
ERRORS = {name: 0.03 + RNG.random((1, 200)) / 100 for name in ("teacher", *CELLS)}
SCORES = beside("wang2017", "table3", tabulate(ERRORS, "NRMSE"), column="NRMSE")
HISTORY = pd.DataFrame({"step": [5, 10], "loss": [3.0, 2.0], "task": [2.0, 1.5], "soft": [1.0, 0.5], "seconds": [1, 1]})
FACE = np.array([[10, 10], [20, 10], [15, 15], [11, 20], [19, 20]], np.float32)
IMAGES = RNG.integers(0, 256, (12, 30, 30, 3), dtype=np.uint8)


def _drawn(figure: Figure, axis: int, line: int) -> np.ndarray:
    return np.asarray(figure.axes[axis].lines[line].get_xdata(), np.float64)


def _xy(line: Line2D) -> np.ndarray:
    return np.asarray(line.get_xydata(), np.float64)


def test_scores_stand_beside_the_print_in_the_tables_order() -> None:
    figure = cells.cell_scores(SCORES, "NRMSE")
    np.testing.assert_allclose(_drawn(figure, 0, 0), SCORES["NRMSE"])
    np.testing.assert_allclose(_drawn(figure, 1, 0), printed("wang2017", "table3")["NRMSE"].reindex(SCORES.index))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["teacher", *CELLS]


def test_influences_are_differences_ours_and_printed() -> None:
    found = influences(ERRORS, higher_is_better=False)
    figure = cells.influence_bars(found, printed("wang2017", "table3")["NRMSE"], "points")
    for axis, target in enumerate(("soft (α = 1)", "hidden (β = 1)")):
        assert figure.axes[axis].get_title() == f"{target} alone"
        np.testing.assert_allclose(_drawn(figure, axis, 0), found[found["target"] == target]["difference"])
    theirs = [_drawn(figure, axis, -2) for axis in (0, 1)]
    np.testing.assert_allclose(theirs, [[0.24, 0.25], [-0.12, -0.08]])


def test_one_student_shows_every_term_of_its_loss() -> None:
    figure = cells.influence_view(SCORES, dict.fromkeys(CELLS, HISTORY), "NRMSE", "Distill", "1 0")
    left, right = figure.axes
    np.testing.assert_allclose(_drawn(figure, 0, 0), SCORES.loc[["Distill 0 0", "Distill 1 0", "Distill 0 1"], "NRMSE"])
    assert [line.get_label() for line in right.lines] == ["task", "soft"]
    assert [text.get_text() for text in left.texts] == ["paper 3.29", "paper 3.54", "paper 3.21"]
    missing = SCORES.assign(**{"paper NRMSE": np.nan})
    texts = cells.influence_view(missing, dict.fromkeys(CELLS, HISTORY), "NRMSE", "Distill", "1 0").axes[0].texts
    assert {text.get_text() for text in texts} == {"not printed"}


def test_curves_are_of_the_wanted_term() -> None:
    figure = cells.training_curves({"a": {"x": HISTORY, "none": HISTORY.drop(columns="soft")}}, "soft")
    (line,) = figure.axes[0].lines
    np.testing.assert_array_equal(line.get_ydata(), [1.0, 0.5])


def test_a_turn_is_the_noses_offset_whatever_the_size_and_roll() -> None:
    turned = FACE.copy()
    turned[2, 0] += 2
    quarter = np.array([[0, 1], [-1, 0]], np.float32)
    both = np.stack([FACE, turned, 3 * turned + 7, turned @ quarter])
    np.testing.assert_allclose(landmarks.turn(both), [0, 0.2, 0.2, 0.2], atol=1e-6)


def test_key_points_are_drawn_where_they_are_with_the_faces_own_error() -> None:
    true = np.repeat(FACE[None], 12, axis=0)
    figure = landmarks.points_on_faces(IMAGES, true, {"a": true, "b": true + np.array([3, 4], np.float32)}, [2, 7])
    assert [ax.get_title() for ax in figure.axes] == ["0.0 %", "0.0 %", "50.0 %", "50.0 %"]
    shown, found = figure.axes[3].lines
    np.testing.assert_allclose(_xy(shown), FACE.astype(np.float64))
    np.testing.assert_allclose(_xy(found), FACE + np.array([3, 4]))
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), IMAGES[7])


def test_errors_are_averaged_over_faces_turned_alike() -> None:
    true = np.repeat(FACE[None], 10, axis=0)
    true[:, 2, 0] += np.arange(10) - 5
    off = true.copy()
    off[8:] += np.array([0, 5], np.float32)
    figure = landmarks.errors_under_turn(true, {"net": off})
    np.testing.assert_allclose(_xy(figure.axes[0].lines[0])[:, 1], [0, 0, 0, 0, 50], atol=1e-4)


def test_neighbours_are_the_nearest_others_framed_by_whether_they_match() -> None:
    faces = Faces(IMAGES, np.arange(12) // 3, tuple("abcd"))
    features = RNG.normal(size=(12, 3)).astype(np.float32)
    figure = neighbours.neighbour_gallery(faces, {"net": features}, [4], count=5)
    expected = nearest_others(features, 5)[4]
    for ax, other in zip(figure.axes[1:], expected, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), IMAGES[other])
        green = to_rgb(ax.spines["left"].get_edgecolor()) == to_rgb("tab:green")
        assert green == (other // 3 == 1)


def test_faces_that_one_network_finds_and_the_other_misses_come_first() -> None:
    faces = Faces(IMAGES[:4], np.array([0, 0, 1, 1]), ("a", "b"))
    finder = np.array([[0.0], [0.1], [5.0], [5.1]], np.float32)
    other = np.array([[0.0], [9.0], [0.1], [8.9]], np.float32)
    other_right = np.array([[0.0], [0.1], [0.05], [9.0]], np.float32)
    assert neighbours.found_by_one(faces, finder, other).tolist() == [0, 1, 2, 3]
    assert neighbours.found_by_one(faces, finder, other_right)[0] == 0


def test_an_explorer_draws_anew_when_a_control_moves() -> None:
    asked: list[int] = []

    def draw(at: int) -> Figure:
        asked.append(at)
        return pipeline("alignment")

    control = widgets.IntSlider(value=3, min=0, max=9)
    box = explorer(draw, at=control)
    picture = box.children[1]
    assert bytes(picture.value).startswith(b"\x89PNG")
    control.value = 5
    assert asked == [3, 5]


@pytest.mark.parametrize("kind", ["influence", "pose", "neighbours"])
def test_every_explorer_opens(kind: str) -> None:
    faces = Faces(IMAGES, np.arange(12) // 3, tuple("abcd"))
    true = np.repeat(FACE[None], 12, axis=0)
    true[:, 2, 0] += np.arange(12) + 20  # all turned to one side
    box = {
        "influence": lambda: cells.influence_explorer(SCORES, dict.fromkeys(CELLS, HISTORY), "NRMSE"),
        "pose": lambda: landmarks.pose_explorer(IMAGES, true, {"a": true, "b": true + 1}),
        "neighbours": lambda: neighbours.neighbour_explorer(faces, {"net": RNG.random((12, 3)).astype(np.float32)}),
    }[kind]()
    controls, picture = box.children
    before = bytes(picture.value)
    for control in controls.children:
        control.value = {"start": "Distill", "network": "a"}.get(control.description, control.value)
        if isinstance(control, widgets.IntSlider | widgets.FloatSlider):
            control.value = control.max
    assert bytes(picture.value) != before
