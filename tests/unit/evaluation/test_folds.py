import numpy as np
import numpy.typing as npt
import pytest

from nbutils.data.faces import Faces, Pairs
from nbutils.errors import ParameterError
from nbutils.evaluation import evaluate_folds, evaluate_pairs, people_in_several_folds
from nbutils.evaluation.folds import Features

IMAGES = np.arange(12, dtype=np.uint8).reshape(12, 1, 1, 1).repeat(3, axis=3)
FACES = Faces(IMAGES, np.arange(12), tuple(f"unnamed {number}" for number in range(12)))
RNG = np.random.default_rng(0)
#: Folds out of order, so that a result in the wrong row is noticed.
PAIRS = Pairs(
    RNG.integers(0, 12, 40), RNG.integers(0, 12, 40), np.arange(40) % 2 == 0, RNG.permutation(np.arange(40) % 3)
)


def _model(scale: float) -> Features:
    def features(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        value = images[:, 0, 0, :1].astype(np.float32)
        return np.concatenate([scale * value, scale * value**2], axis=1, dtype=np.float32)

    return features


def test_each_fold_has_the_distances_of_its_own_model() -> None:
    result = evaluate_folds([_model(1), _model(10), _model(100)], FACES, PAIRS)

    whole = _model(1)(IMAGES)
    plain = evaluate_pairs(whole[PAIRS.first], whole[PAIRS.second], PAIRS.same, PAIRS.fold)
    np.testing.assert_allclose(result.distances, plain.distances * 10.0**PAIRS.fold)
    np.testing.assert_array_equal(result.same, PAIRS.same)


def test_equal_models_are_one_model() -> None:
    result = evaluate_folds([_model(1)] * 3, FACES, PAIRS)

    whole = _model(1)(IMAGES)
    plain = evaluate_pairs(whole[PAIRS.first], whole[PAIRS.second], PAIRS.same, PAIRS.fold)
    assert result.auc == plain.auc
    np.testing.assert_array_equal(result.fold_accuracies, plain.fold_accuracies)


def test_a_model_is_asked_for_the_images_of_its_own_fold_only() -> None:
    for fold in range(3):
        rows = PAIRS.fold == fold
        wanted = set(PAIRS.first[rows]) | set(PAIRS.second[rows])

        def watching(images: npt.NDArray[np.uint8], wanted: set[int] = wanted) -> npt.NDArray[np.float32]:
            assert set(images[:, 0, 0, 0].tolist()) == wanted
            return _model(1)(images)

        evaluate_folds([watching if k == fold else _model(1) for k in range(3)], FACES, PAIRS)


def test_a_model_too_few_is_refused() -> None:
    with pytest.raises(ParameterError, match="2 models for 3 folds"):
        evaluate_folds([_model(1)] * 2, FACES, PAIRS)


def test_people_are_counted_in_every_fold_that_shows_them() -> None:
    rng = np.random.default_rng(1)
    identity = rng.integers(0, 30, 200)
    first, second, fold = rng.integers(0, 200, 60), rng.integers(0, 200, 60), rng.integers(0, 5, 60)
    pairs = Pairs(first, second, identity[first] == identity[second], fold)
    folds_of: dict[int, set[int]] = {}
    for a, b, f in zip(identity[first], identity[second], fold, strict=True):
        folds_of.setdefault(a, set()).add(f)
        folds_of.setdefault(b, set()).add(f)
    expected = (sum(len(folds) > 1 for folds in folds_of.values()), len(folds_of))
    assert people_in_several_folds(pairs, identity) == expected
    by_person = Pairs(first, first, np.ones(60, np.bool_), identity[first] % 5)  # as LFW's View 2: folds share nobody
    assert people_in_several_folds(by_person, identity)[0] == 0
