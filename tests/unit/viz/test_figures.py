"""Figures are read back: what is drawn is what was given."""

import numpy as np
import pandas as pd
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.container import BarContainer
from matplotlib.patches import Rectangle

from nbutils import viz
from nbutils.data.faces import Faces
from nbutils.evaluation import VerificationResult, evaluate_pairs
from nbutils.selection import select_neurons

RNG = np.random.default_rng(0)
NAMES = ("Male", "Bald", "Smiling", "Blurry")
RELATED = np.array([True, True, False, False])
X = 0.5 + 0.5 * RNG.random((30, 4))
IMAGES = RNG.integers(0, 256, (40, 6, 5, 3), dtype=np.uint8)


def _verified(seed: int) -> VerificationResult:
    draw = np.random.default_rng(seed)
    first, second = draw.normal(size=(2, 80, 4))
    return evaluate_pairs(first, second, np.arange(80) % 2 == 0, np.arange(80) // 8)


def test_a_contact_sheet_has_one_person_a_row_and_ends_where_images_end() -> None:
    faces = Faces(images=IMAGES, identity=np.repeat([0, 1, 2], [20, 18, 2]), identity_names=("a", "b", "c"))

    axes = np.array(viz.contact_sheet(faces, people=3, images=4).axes).reshape(3, 4)

    assert [[len(ax.images) for ax in row] for row in axes] == [[1] * 4, [1] * 4, [1, 1, 0, 0]]
    np.testing.assert_array_equal(axes[1, 2].images[0].get_array(), IMAGES[22])


def test_people_of_few_images_stand_side_by_side_on_a_contact_sheet() -> None:
    faces = Faces(images=IMAGES[:9], identity=np.repeat([0, 1, 2], 3), identity_names=("a", "b", "c"))

    axes = np.array(viz.contact_sheet(faces, images=8).axes).reshape(2, 7)

    assert [[len(ax.images) for ax in row] for row in axes] == [[1, 1, 1, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0, 0]]
    np.testing.assert_array_equal(axes[0, 4].images[0].get_array(), IMAGES[3])


def test_attribute_dots_are_the_accuracies_in_falling_order() -> None:
    best = pd.DataFrame({"T1": [0.6, 0.9], "LBP": [0.55, 0.7]}, index=["Bald", "Male"])

    ax = viz.attribute_dots(best).axes[0]

    assert [label.get_text() for label in ax.get_yticklabels()] == ["Male", "Bald"]
    np.testing.assert_allclose([np.asarray(line.get_xdata(), float) for line in ax.lines], [[90, 60], [70, 55]])
    np.testing.assert_allclose(np.asarray(ax.lines[0].get_ydata(), float), [0, 1])


def test_mean_faces_are_means_over_tenths_of_the_responses() -> None:
    responses = np.stack([np.arange(40), -np.arange(40)], axis=1).astype(np.float32)

    axes = np.array(viz.mean_faces(IMAGES, responses, [0, 1], ["up", "down"]).axes).reshape(3, 2)

    np.testing.assert_allclose(axes[0, 0].images[0].get_array(), IMAGES[:4].mean(axis=0) / 255)
    np.testing.assert_allclose(axes[2, 0].images[0].get_array(), IMAGES[36:].mean(axis=0) / 255)
    np.testing.assert_allclose(axes[0, 1].images[0].get_array(), axes[2, 0].images[0].get_array())


def test_the_heat_map_sorts_neurons_into_groups_and_attributes_into_ia_and_na() -> None:
    groups = np.array(["inhibitive", "IA", "NA"] * 10)

    ax = viz.group_heat_map(X, groups, RELATED, NAMES, count=30).axes[0]

    mesh = next(item for item in ax.collections if isinstance(item, QuadMesh))
    order = np.concatenate([np.flatnonzero(groups == group) for group in ("IA", "NA", "inhibitive")])
    np.testing.assert_allclose(np.asarray(mesh.get_array()).reshape(4, 30), 100 * X[order].T)
    assert {text.get_text() for text in ax.texts} == {"IA\n10", "NA\n10", "inhibitive\n10"}


def test_without_non_related_attributes_no_group_is_called_ia() -> None:
    groups = np.array(["IA", "inhibitive"] * 15)

    ax = viz.group_heat_map(X, groups, np.ones(4, bool), NAMES, count=30).axes[0]

    assert {text.get_text() for text in ax.texts} == {"selective\n15", "inhibitive\n15"}
    assert "IA" not in ax.get_xlabel()


def test_chosen_and_dropped_neurons_lie_at_their_best_attributes() -> None:
    chosen = select_neurons(X, RELATED, count=12)

    left, right = viz.chosen_against_dropped(chosen, X, RELATED).axes

    points = next(item for item in left.collections if isinstance(item, PathCollection)).get_offsets()
    np.testing.assert_allclose(np.asarray(points), 100 * np.stack([X[:, :2].max(axis=1), X[:, 2:].max(axis=1)], axis=1))
    chosen_bars, dropped_bars = (item for item in right.containers if isinstance(item, BarContainer))
    assert sum(bar.get_width() for bar in chosen_bars) == 12
    assert sum(bar.get_width() for bar in dropped_bars) == 18


def test_a_sweep_draws_every_column_against_its_parameter() -> None:
    sweep = pd.DataFrame({"λ": [0.0, 1.0], "chosen": [3, 5], "energy": [-1.0, -2.0]})

    axes = viz.sweep_lines(sweep, "λ").axes

    assert [ax.get_ylabel() for ax in axes] == ["chosen", "energy"]
    np.testing.assert_array_equal(axes[1].lines[0].get_xydata(), [[0, -1], [1, -2]])


def test_a_neurons_bars_are_its_best_attributes() -> None:
    ax = viz.neuron_bars(np.array([0.6, 0.9, 0.7, 0.5]), NAMES, most=2).axes[0]

    assert [label.get_text() for label in ax.get_yticklabels()] == ["Bald", "Smiling"]


def test_lambda_exchanges_neurons_and_the_explorer_counts_them() -> None:
    box = viz.selection_explorer(X, RELATED, 12)
    lam, count = box.inputs.values()
    for power, wanted in ((-1, 12), (1, 20), (2, 5)):
        lam.value, count.value = 10.0**power, wanted
        solved = [set(select_neurons(X, RELATED, lam=each, count=wanted).indices) for each in (0.0, 10.0**power)]
        exchanged = len(solved[1] - solved[0])
        assert f"exchanges {exchanged} of the {wanted} neurons" in box.says
    assert exchanged > 0  # something happens in the slider's range


def test_a_neurons_view_has_its_mean_faces_and_its_best_attributes() -> None:
    responses = RNG.random((40, 30), dtype=np.float32)
    *faces, bars = viz.neuron_view(IMAGES, responses, X, NAMES, 7).axes
    order = np.argsort(responses[:, 7])
    for ax, part in zip(faces, (order[:4], order[18:22], order[36:]), strict=True):
        np.testing.assert_allclose(np.asarray(ax.images[0].get_array()), IMAGES[part].mean(axis=0) / 255)
    widths = [bar.get_width() for bar in bars.patches if isinstance(bar, Rectangle)]
    np.testing.assert_allclose(widths, np.sort(100 * X[7])[::-1])
    best = np.argsort(-X[7])
    assert [label.get_text() for label in bars.get_yticklabels()] == [NAMES[i] for i in best]


def test_roc_shows_the_measured_values() -> None:
    results = {"T1": _verified(0), "S": _verified(1)}

    lines = viz.roc_curves(results).axes[0].lines

    np.testing.assert_array_equal(lines[1].get_ydata(), results["S"].true_positive_rate)
    assert lines[0].get_label() == f"T1 (AUC {100 * results['T1'].auc:.2f} %)"


def test_convergence_starts_at_one() -> None:
    history = pd.DataFrame({"images": [10, 20], "loss": [4.0, 1.0]})

    line = viz.convergence({"T1": history}).axes[0].lines[0]

    np.testing.assert_array_equal(line.get_xydata(), [[10, 1], [20, 0.25]])


def test_the_histograms_title_counts_the_errors_at_its_threshold() -> None:
    result = _verified(0)
    accepted = result.distances <= np.quantile(result.distances, 0.3)

    title = viz.distance_histogram("S", result, 0.3).axes[0].get_title()

    missed, wrong = (~accepted[result.same]).mean(), accepted[~result.same].mean()
    assert title == f"S: {missed:.1%} of matched pairs rejected, {wrong:.1%} of mismatched accepted"
