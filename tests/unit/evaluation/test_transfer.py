"""Classification, alignment and retrieval, as Wang & Lan 2017 measure them."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from sklearn.neighbors import KNeighborsClassifier

from nbutils.data.faces import Faces
from nbutils.errors import ParameterError
from nbutils.evaluation import (
    errors_by_turn,
    found_by_one,
    head_turn,
    nearest_others,
    normalised_errors,
    normalised_mean_errors,
    predict_landmarks,
    recognised,
    retrieve,
)
from nbutils.evaluation import retrieval as module
from nbutils.models import FaceResNet, MobileIDStudent


def _collection(n: int = 150, d: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(100, 1, (n, d)).astype(np.float32), rng.integers(0, 9, n)


@pytest.mark.slow
@pytest.mark.parametrize(("images", "block"), [(150, 2048), (150, 150), (150, 7), (150, 1), (1100, 512), (1100, 256)])
def test_retrieval_equals_the_whole_distance_matrix_whatever_the_blocks(
    images: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    features, identity = _collection(images)
    distances = cdist(features.astype(np.float64), features.astype(np.float64))
    np.fill_diagonal(distances, np.inf)
    np.testing.assert_array_equal(nearest_others(features, 3), distances.argsort(axis=1)[:, :3])
    result = retrieve(features, identity)
    np.testing.assert_array_equal(result.correct, identity[distances.argmin(axis=1)] == identity)


def test_retrieval_equals_leave_one_out_by_scikit_learn() -> None:
    features, identity = _collection()
    hits = []
    for i in range(len(features)):
        rest = np.arange(len(features)) != i
        nearest = KNeighborsClassifier(1).fit(features[rest], identity[rest])
        hits.append(nearest.predict(features[[i]])[0] == identity[i])
    assert retrieve(features, identity).top1 == pytest.approx(np.mean(hits))


def test_an_image_is_not_its_own_neighbour_and_its_copy_is() -> None:
    features = np.repeat(np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32), 2, axis=0)
    np.testing.assert_array_equal(nearest_others(features, 1)[:, 0], [1, 0, 3, 2, 5, 4, 7, 6, 9, 8])
    np.testing.assert_array_equal(nearest_others(np.ones((4, 2), np.float32), 1)[:, 0], [1, 0, 0, 0])


def test_collections_without_a_neighbour_are_refused() -> None:
    features, identity = _collection()
    with pytest.raises(ParameterError, match="expected from 1 to 149"):
        nearest_others(features, 150)
    with pytest.raises(ParameterError, match="N ≥ 2"):
        retrieve(features[:1], identity[:1])
    features[3, 1] = np.nan
    with pytest.raises(ParameterError, match="not finite"):
        retrieve(features, identity)


def test_errors_are_in_inter_ocular_distances() -> None:
    true = np.array([[[10, 10], [20, 10], [15, 15], [12, 20], [18, 20]]], np.float32)
    np.testing.assert_allclose(normalised_errors(true + np.array([3, 4]), true), [0.5])
    moved = true.copy()
    moved[0, 2, 1] += 1
    np.testing.assert_allclose(normalised_mean_errors(2 * moved, 2 * true), [0.1 / 5])
    np.testing.assert_allclose(normalised_errors(2 * moved, 2 * true), [0.1 / 5**0.5])
    with pytest.raises(ParameterError, match="coincide"):
        normalised_errors(true, np.zeros_like(true))
    with pytest.raises(ParameterError, match="expected"):
        normalised_errors(true[:, :4], true[:, :4])


def test_key_points_come_in_pixels_of_the_stored_image() -> None:
    model = FaceResNet(3, divisor=8, depth=14, width=8, height=55, breadth=47)
    with torch.no_grad():
        model.points.weight.zero_()
        model.points.bias.zero_()
    images = np.zeros((3, 61, 53, 3), np.uint8)
    np.testing.assert_allclose(predict_landmarks(model, images), np.broadcast_to([26.0, 30.0], (3, 5, 2)))
    with pytest.raises(ParameterError, match="no head for key points"):
        predict_landmarks(MobileIDStudent(3, width=4), images)


def test_top_1_counts_the_largest_logit() -> None:
    model = MobileIDStudent(4, width=4)
    with torch.no_grad():
        model.output.weight.zero_()
        model.output.bias.copy_(torch.tensor([0.0, 1.0, 3.0, 2.0]))
    faces = Faces(np.zeros((4, 55, 47, 3), np.uint8), np.array([0, 2, 2, 3]), tuple("abcd"))
    np.testing.assert_array_equal(recognised(model, faces), [False, True, True, False])


FACE = np.array([[10, 10], [20, 10], [15, 15], [11, 20], [19, 20]], np.float32)


def test_a_turn_is_the_noses_offset_whatever_the_size_and_roll() -> None:
    turned = FACE.copy()
    turned[2, 0] += 2
    quarter = np.array([[0, 1], [-1, 0]], np.float32)
    both = np.stack([FACE, turned, 3 * turned + 7, turned @ quarter])
    np.testing.assert_allclose(head_turn(both), [0, 0.2, 0.2, 0.2], atol=1e-6)


def test_errors_are_averaged_over_faces_turned_alike() -> None:
    true = np.repeat(FACE[None], 10, axis=0)
    true[:, 2, 0] += np.arange(10) - 5
    off = true.copy()
    off[8:] += np.array([0, 5], np.float32)
    table = errors_by_turn({"net": off}, true)
    np.testing.assert_allclose(table["net"], [0, 0, 0, 0, 50], atol=1e-4)
    np.testing.assert_allclose(table.index, [-0.45, -0.25, -0.05, 0.15, 0.35], atol=1e-6)


def test_faces_turned_exactly_alike_are_one_group() -> None:
    true = np.repeat(FACE[None], 10, axis=0)
    assert errors_by_turn({"net": true}, true).shape == (1, 1)


def test_faces_that_one_network_finds_and_the_other_misses_come_first() -> None:
    identity = np.array([0, 0, 1, 1])
    finder = np.array([[0.0], [0.1], [5.0], [5.1]], np.float32)
    other = np.array([[0.0], [9.0], [0.1], [8.9]], np.float32)
    other_right = np.array([[0.0], [0.1], [0.05], [9.0]], np.float32)
    assert found_by_one(identity, finder, other).tolist() == [0, 1, 2, 3]
    assert found_by_one(identity, finder, other_right)[0] == 0
