from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from nbutils.data.collection import Collection
from nbutils.data.faces import Faces
from nbutils.data.pairs import draw_pairs
from nbutils.data.sources.on_disk import _people_of_pairs
from nbutils.errors import ParameterError
from nbutils.evaluation import VerificationResult, evaluate_pairs, verify
from nbutils.evaluation.intervals import auc_influence

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


def from_distances(distances: list[float], same: list[bool], folds: list[int]) -> VerificationResult:
    """A result whose distances are known: one-dimensional features, the second all zero."""
    features = np.array(distances)[:, None]
    return evaluate_pairs(features, np.zeros_like(features), np.array(same), np.array(folds))


def random_case(seed: int, pairs: int = 120, folds: int = 6) -> tuple[Floats, Bools, Ints]:
    """Distances on a coarse grid, so that many are equal, within and across the two kinds of pairs."""
    rng = np.random.default_rng(seed)
    same = rng.permutation(np.arange(pairs) % 2 == 0)
    distances = np.round(rng.gamma(4, 1, pairs) + 1.5 * ~same, 1)
    return distances, same, rng.permutation(np.arange(pairs) % folds)


def mann_whitney(distances: Floats, same: Bools) -> float:
    """Share of (matched, mismatched) couples in which the matched pair is nearer; a tie is half a couple."""
    won = 0.0
    for i in np.flatnonzero(same):
        for j in np.flatnonzero(~same):
            won += 1.0 if distances[i] < distances[j] else 0.5 if distances[i] == distances[j] else 0.0
    return won / (int(same.sum()) * int((~same).sum()))


def looped_accuracies(distances: Floats, same: Bools, folds: Ints) -> list[float]:
    """LFW's protocol step by step: try a threshold in every gap, keep the lowest best one, apply it."""
    accuracies = []
    for held_out in range(folds.max() + 1):
        known = sorted({float(d) for d, f in zip(distances, folds, strict=True) if f != held_out})
        gaps = [-np.inf, *known, np.inf]
        scores = []
        for threshold in gaps[:-1]:
            rows = [(d <= threshold) == s for d, s, f in zip(distances, same, folds, strict=True) if f != held_out]
            scores.append(sum(rows))
        first = last = scores.index(max(scores))
        while last + 1 < len(scores) and scores[last + 1] == scores[first]:
            last += 1
        threshold = (gaps[first] + gaps[last + 1]) / 2 if first else -np.inf
        right = [(d <= threshold) == s for d, s, f in zip(distances, same, folds, strict=True) if f == held_out]
        accuracies.append(sum(right) / len(right))
    return accuracies


def test_distances_are_euclidean() -> None:
    result = evaluate_pairs(
        np.array([[0.0, 0.0], [1, 1], [0, 0], [1, 1]]),
        np.array([[3.0, 4.0], [1, 1], [5, 12], [2, 1]]),
        np.array([True, True, False, False]),
        np.array([0, 1, 0, 1]),
    )
    assert result.distances.tolist() == [5, 0, 13, 1]
    assert result.auc == 0.75


@pytest.mark.parametrize("seed", range(5))
def test_auc_is_mann_whitneys(seed: int) -> None:
    distances, same, folds = random_case(seed)
    result = from_distances(distances.tolist(), same.tolist(), folds.tolist())
    assert result.auc == pytest.approx(mann_whitney(distances, same), abs=1e-12)
    assert result.auc == pytest.approx(auc_influence(distances, same)[0], abs=1e-12)


def test_auc_at_its_ends() -> None:
    same, folds = [True, True, False, False], [0, 1, 0, 1]
    assert from_distances([1, 2, 3, 4], same, folds).auc == 1
    assert from_distances([3, 4, 1, 2], same, folds).auc == 0
    assert from_distances([1, 1, 1, 1], same, folds).auc == 0.5


def test_roc_curve_counts_accepted_pairs() -> None:
    distances, same, folds = random_case(3)
    result = from_distances(distances.tolist(), same.tolist(), folds.tolist())
    for threshold, false_positive, true_positive in zip(
        result.thresholds, result.false_positive_rate, result.true_positive_rate, strict=True
    ):
        accepted = distances <= threshold
        assert false_positive == pytest.approx(accepted[~same].mean())
        assert true_positive == pytest.approx(accepted[same].mean())
    assert result.thresholds[0] == -np.inf
    assert (result.false_positive_rate[-1], result.true_positive_rate[-1]) == (1, 1)
    area = np.trapezoid(result.true_positive_rate, result.false_positive_rate)
    assert area == pytest.approx(result.auc, abs=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_fold_accuracies_match_a_plain_loop(seed: int) -> None:
    distances, same, folds = random_case(seed, pairs=60, folds=2 + seed % 5)
    result = from_distances(distances.tolist(), same.tolist(), folds.tolist())
    assert result.fold_accuracies.tolist() == pytest.approx(looped_accuracies(distances, same, folds), abs=1e-12)


def test_held_out_fold_does_not_choose_its_threshold() -> None:
    """Two folds whose own best thresholds misjudge half of the other's pairs: accuracy 1/2, not 1."""
    result = from_distances([1, 2, 11, 12], [True, False, True, False], [0, 0, 1, 1])
    assert result.fold_accuracies.tolist() == [0.5, 0.5]
    assert result.auc == 0.75


def test_distances_that_say_nothing_accept_nothing() -> None:
    result = from_distances([1, 1, 1, 1, 1, 1], [True, True, False, False, True, False], [0, 1, 0, 1, 1, 1])
    assert result.fold_accuracies.tolist() == [0.5, 0.5]
    result = from_distances([1, 1, 1, 1, 1], [True, True, False, False, True], [0, 1, 0, 1, 0])
    assert result.fold_accuracies.tolist() == pytest.approx([1 / 3, 0.5])


def test_separable_pairs_are_all_right() -> None:
    """The threshold lies in the middle of the gap, so that the outermost pair held out is right too."""
    same = [True] * 10 + [False] * 10
    distances = [1 + 0.1 * i for i in range(10)] + [4 + 0.1 * i for i in range(10)]
    result = from_distances(distances, same, list(range(10)) * 2)
    assert result.fold_accuracies.tolist() == [1] * 10
    assert (result.accuracy, result.accuracy_error) == (1, 0)


def test_mean_and_standard_error() -> None:
    """Folds of accuracy 1/2, 1 and 1: mean 5/6, sample deviation 1/sqrt(12), over sqrt(3)."""
    result = from_distances([9, 5, 1, 6, 2, 7], [True, False] * 3, [0, 0, 1, 1, 2, 2])
    assert result.fold_accuracies.tolist() == [0.5, 1, 1]
    assert result.accuracy == pytest.approx(5 / 6)
    assert result.accuracy_error == pytest.approx(1 / 6)


def test_torch_and_numpy_agree_and_fold_labels_are_free() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 40, 5)).astype(np.float32)
    same, folds = np.arange(40) % 2 == 0, np.arange(40) // 10
    plain = evaluate_pairs(a, b, same, folds)
    other = evaluate_pairs(
        torch.from_numpy(a).requires_grad_(),
        torch.from_numpy(b),
        torch.from_numpy(same),
        torch.from_numpy(folds * 7 - 3),
    )
    np.testing.assert_array_equal(plain.distances, other.distances)
    np.testing.assert_array_equal(plain.folds, other.folds)
    assert plain.accuracy == other.accuracy
    half = evaluate_pairs(torch.from_numpy(a).bfloat16(), torch.from_numpy(b).bfloat16(), same, folds)
    np.testing.assert_allclose(half.distances, plain.distances, rtol=0.02)


def test_the_people_of_pairs_are_known_unless_the_pairs_came_without_names() -> None:
    identity, images = np.repeat(np.arange(6), 3), np.zeros((18, 2, 2, 3), np.uint8)
    pairs = draw_pairs(identity, 10, np.random.default_rng(0))
    known = Faces(images, identity, tuple("ABCDEF"))
    features = np.random.default_rng(0).normal(size=(18, 2))
    result = verify(features, known, pairs)
    np.testing.assert_array_equal(result.people, np.stack([identity[pairs.first], identity[pairs.second]], axis=1))
    plain = evaluate_pairs(features[pairs.first], features[pairs.second], pairs.same, pairs.fold)
    np.testing.assert_array_equal(result.distances, plain.distances)
    with pytest.raises(ParameterError, match="features have 3 rows, expected one for each of 18 faces"):
        verify(features[:3], known, pairs)
    listed = Collection("pair_bin", Path("lfw.bin"), [str(at) for at in range(18)], lambda _: b"", pairs=pairs)
    unnamed = Faces(images, *_people_of_pairs(listed, np.arange(18)))
    assert verify(features, unnamed, pairs).people is None


GOOD = {
    "features_a": np.zeros((4, 2)),
    "features_b": np.ones((4, 2)),
    "same": np.array([True, True, False, False]),
    "folds": np.array([0, 1, 0, 1]),
}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("features_a", np.zeros(4), r"features_a has shape \(4,\)"),
        ("features_a", np.zeros((0, 2)), r"features_a has shape \(0, 2\)"),
        (
            "features_b",
            np.zeros((4, 3)),
            r"features_b has shape \(4, 3\), expected that of features_a, \(4, 2\)",
        ),
        ("features_b", np.array([[0, 0], [0, 0], [0, np.nan], [0, 0]]), "features_b is not finite in row 2"),
        ("features_a", np.full((4, 2), np.inf), "features_a is not finite in row 0"),
        ("features_a", np.full((4, 2), 1e308), "overflows"),
        ("same", np.array([True, False]), r"same has shape \(2,\), expected \(4,\)"),
        ("same", np.array([1, 1, 0, 0]), "same has type int64, expected bool"),
        ("same", np.ones(4, bool), "same is True for every pair"),
        ("same", np.zeros(4, bool), "same is False for every pair"),
        ("folds", np.array([0, 1, 0]), r"folds has shape \(3,\)"),
        ("folds", np.array([0.0, 1, 0, 1]), "folds has type float64"),
        ("folds", np.zeros(4, int), "folds has one value only"),
        ("folds", np.array([0, 0, 0, 1]), "folds puts all matched pairs into one fold"),
        ("folds", np.array([0, 1, 1, 1]), "folds puts all mismatched pairs into one fold"),
        ("people", np.zeros(4, int), r"people is int64 \(4,\), expected integers, \(4, 2\)"),
        ("people", np.zeros((4, 2)), r"people is float64 \(4, 2\), expected integers"),
        ("people", np.zeros((4, 2), int), "people and same disagree on pair 2"),
    ],
)
def test_bad_arguments_are_named(name: str, value: npt.NDArray[np.generic], says: str) -> None:
    evaluate_pairs(**GOOD)
    with pytest.raises(ParameterError, match=says):
        evaluate_pairs(**{**GOOD, name: value})
