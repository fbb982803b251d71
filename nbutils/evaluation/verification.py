"""Face verification: how well the distance of two features separates pairs of one person from pairs of two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, Union

import numpy as np
import numpy.typing as npt

from nbutils.data.faces import Faces, Pairs
from nbutils.errors import ParameterError

if TYPE_CHECKING:
    from torch import Tensor

# torch and scikit-learn take seconds to import, and whoever judges claims reads intervals alone.

#: How `nbutils.data` names the people of pairs without names.
_UNNAMED = "unnamed "

Array: TypeAlias = Union[npt.NDArray[np.generic], "Tensor"]


@dataclass(frozen=True, eq=False)
class VerificationResult:
    """What one model's features say about P pairs.

    Attributes:
        distances: (P,) Euclidean distance of each pair.
        same: (P,) bool, whether a pair shows one person.
        folds: (P,) int64, 0 … F − 1.
        auc: area under the ROC curve, in [0, 1].
        false_positive_rate: the ROC curve's abscissa, from 0 to 1.
        true_positive_rate: its ordinate.
        thresholds: the distance up to which pairs are accepted at each point of the curve; −inf first.
        correct: (P,) bool, whether a pair is judged right at the threshold that the other folds choose.
        people: (P, 2) int64, who is on the two images of each pair, by numbers; None where that is not known.
    """

    distances: npt.NDArray[np.float64]
    same: npt.NDArray[np.bool_]
    folds: npt.NDArray[np.int64]
    auc: float
    false_positive_rate: npt.NDArray[np.float64]
    true_positive_rate: npt.NDArray[np.float64]
    thresholds: npt.NDArray[np.float64]
    correct: npt.NDArray[np.bool_]
    people: npt.NDArray[np.int64] | None = None

    @property
    def fold_accuracies(self) -> npt.NDArray[np.float64]:
        """(F,) accuracy on each fold, at the threshold that the other folds choose."""
        shares: npt.NDArray[np.float64] = np.bincount(self.folds, self.correct) / np.bincount(self.folds)
        return shares

    @property
    def accuracy(self) -> float:
        """Mean accuracy over the folds (LFW's μ̂)."""
        return float(self.fold_accuracies.mean())

    @property
    def accuracy_error(self) -> float:
        """Standard error of that mean over the folds (LFW's S_E)."""
        return float(self.fold_accuracies.std(ddof=1) / np.sqrt(len(self.fold_accuracies)))


def evaluate_pairs(
    features_a: Array, features_b: Array, same: Array, folds: Array, people: Array | None = None
) -> VerificationResult:
    """Verify P pairs by the Euclidean distance of their features (Luo et al. 2016, Experiments).

    Accuracy follows LFW's protocol (Huang et al. 2007): for each fold, the threshold is the one that is most
    accurate on all other folds. Where several are, it is the middle of the lowest such interval of distances.

    Args:
        features_a: (P, D) features of the pairs' first images, NumPy or torch.
        features_b: (P, D) features of their second images.
        same: (P,) bool, True where a pair shows one person.
        folds: (P,) integers, one value a fold, two folds or more.
        people: (P, 2) integers, who is on the two images of each pair; None: not known. Intervals need them: pairs
            that share a person are not independent.

    Raises:
        ParameterError: naming the argument whose shape, type or values do not fit.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import evaluate_pairs
        >>> distances, same = np.array([1, 2, 5, 4, 6, 7]), np.array([True, True, True, False, False, False])
        >>> result = evaluate_pairs(np.zeros((6, 1)), distances[:, None], same, np.array([0, 1, 0, 0, 1, 1]))
        >>> round(result.auc, 3), result.fold_accuracies
        (0.889, array([0.33333333, 1.        ]))
    """
    a, b = _features(features_a, "features_a"), _features(features_b, "features_b")
    if a.shape != b.shape:
        raise ParameterError(f"features_b has shape {b.shape}, expected that of features_a, {a.shape}")
    answers = _column(same, "same", len(a))
    if answers.dtype != np.bool_:
        raise ParameterError(f"same has type {answers.dtype}, expected bool")
    matched = answers.astype(np.bool_)
    labels = _column(folds, "folds", len(a))
    if not np.issubdtype(labels.dtype, np.integer):
        raise ParameterError(f"folds has type {labels.dtype}, expected integers")
    fold = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    _check_classes(matched, fold)

    with np.errstate(over="ignore"):
        distances = np.linalg.norm(a - b, axis=1)
    if not np.isfinite(distances).all():
        raise ParameterError("features_a − features_b overflows, expected finite distances")
    from sklearn.metrics import roc_auc_score, roc_curve

    false_positive, true_positive, scores = roc_curve(matched, -distances)
    return VerificationResult(
        distances=distances,
        same=matched,
        folds=fold,
        auc=float(roc_auc_score(matched, -distances)),
        false_positive_rate=false_positive,
        true_positive_rate=true_positive,
        thresholds=-scores,
        correct=judged_by_others(distances, matched, fold),
        people=None if people is None else _people(people, matched),
    )


def verify(features: Array, faces: Faces, pairs: Pairs) -> VerificationResult:
    """Verify the pairs of a data set by the features of its faces; see `evaluate_pairs`.

    Who is on the pairs is taken from the faces, unless these are of a list of pairs without names (`lfw.bin`).

    Args:
        features: (N, D) of all faces.
        faces: The N faces.
        pairs: Pairs of them.

    Raises:
        ParameterError: The features are not one row a face; and as `evaluate_pairs`.

    Example:
        >>> import numpy as np
        >>> from nbutils.data import Faces, draw_pairs
        >>> from nbutils.evaluation import verify
        >>> identity = np.repeat([0, 1, 2, 3], 3)
        >>> faces = Faces(np.zeros((12, 2, 2, 3), np.uint8), identity, ("Ann", "Bob", "Cleo", "Dan"))
        >>> pairs = draw_pairs(identity, 10, np.random.default_rng(0))
        >>> verify(identity[:, None] + 0.1 * np.random.default_rng(0).normal(size=(12, 1)), faces, pairs).auc
        1.0
    """
    if len(features) != len(faces):
        raise ParameterError(f"features have {len(features)} rows, expected one for each of {len(faces)} faces")
    first, second = features[pairs.first], features[pairs.second]
    return evaluate_pairs(first, second, pairs.same, pairs.fold, people_of_pairs(faces, pairs))


def people_of_pairs(faces: Faces, pairs: Pairs) -> npt.NDArray[np.int64] | None:
    """(P, 2) who is on the images of each pair, or None where the pairs came without names."""
    if all(name.startswith(_UNNAMED) for name in faces.identity_names):
        return None
    return np.stack([faces.identity[pairs.first], faces.identity[pairs.second]], axis=1)


@dataclass(frozen=True, eq=False)
class WrongPairs:
    """The pairs that a threshold gets wrong, the worst first.

    Attributes:
        threshold: the distance up to which pairs are accepted.
        rejected: positions of the matched pairs beyond it, the furthest first.
        accepted: positions of the mismatched pairs within it, the nearest first.
        rejected_share: share of all matched pairs that are rejected.
        accepted_share: share of all mismatched pairs that are accepted.
    """

    threshold: float
    rejected: npt.NDArray[np.intp]
    accepted: npt.NDArray[np.intp]
    rejected_share: float
    accepted_share: float


def wrong_pairs(result: VerificationResult, quantile: float) -> WrongPairs:
    """The pairs that a threshold gets wrong.

    Args:
        result: Distances of the pairs.
        quantile: The threshold, as a share of all pairs that lie below it, in [0, 1].

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import evaluate_pairs, wrong_pairs
        >>> distances, same = np.array([1.0, 5.0, 2.0, 4.0]), np.array([True, True, False, False])
        >>> result = evaluate_pairs(np.zeros((4, 1)), distances[:, None], same, np.array([0, 1, 0, 1]))
        >>> wrong = wrong_pairs(result, 0.5)
        >>> wrong.rejected, wrong.accepted
        (array([1]), array([2]))
    """
    threshold = float(np.quantile(result.distances, quantile))
    rejected = np.flatnonzero(result.same & (result.distances > threshold))
    accepted = np.flatnonzero(~result.same & (result.distances <= threshold))
    return WrongPairs(
        threshold,
        rejected[np.argsort(-result.distances[rejected], kind="stable")],
        accepted[np.argsort(result.distances[accepted], kind="stable")],
        len(rejected) / int(result.same.sum()),
        len(accepted) / int((~result.same).sum()),
    )


def equal_error_quantile(result: VerificationResult) -> float:
    """The share of pairs below the threshold at which as many matched pairs are rejected as mismatched accepted.

    Example:
        >>> import numpy as np
        >>> from nbutils.evaluation import equal_error_quantile, evaluate_pairs
        >>> distances, same = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, False, False])
        >>> result = evaluate_pairs(np.zeros((4, 1)), distances[:, None], same, np.array([0, 1, 0, 1]))
        >>> equal_error_quantile(result)
        0.5
    """
    gap = np.abs(1 - result.true_positive_rate - result.false_positive_rate)
    threshold = result.thresholds[int(gap.argmin())]
    return float((result.distances <= threshold).mean())


def judged_by_others(
    distances: npt.NDArray[np.float64], same: npt.NDArray[np.bool_], folds: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """(P,) whether each pair is judged right at the threshold that the other folds choose, see `evaluate_pairs`.

    Args:
        distances: (P,) distances.
        same: (P,) bool.
        folds: (P,) 0 … F − 1.
    """
    order = np.argsort(distances, kind="stable")
    near, sign, fold = distances[order], np.where(same[order], 1, -1), folds[order]
    starts = _tie_starts(near)
    # Candidate c accepts the c lowest groups of equal distances; c = 0 accepts nothing.
    values = np.concatenate([[-np.inf], near[starts], [np.inf]])
    total = np.concatenate([[0], np.cumsum(np.add.reduceat(sign, starts))])
    right = np.empty(len(distances), np.bool_)
    for held_out in range(int(folds.max()) + 1):
        mine = np.flatnonzero(fold == held_out)
        # The fold's own share of the running total, spread over the candidates, is taken away.
        own = np.concatenate([[0], np.cumsum(sign[mine])])
        others = total - own[np.searchsorted(near[mine], values[:-1], side="right")]
        best = int(others.argmax())
        worse = np.flatnonzero(others[best:] < others[best])
        end = best + int(worse[0]) if len(worse) else len(others)
        # Where accepting nothing is as good as anything, nothing is accepted.
        threshold = (values[best] + values[end if best else 0]) / 2
        right[order[mine]] = (near[mine] <= threshold) == (sign[mine] > 0)
    return right


def _tie_starts(ascending: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    return np.flatnonzero(np.r_[True, ascending[1:] != ascending[:-1]])


def _as_numpy(values: Array) -> npt.NDArray[np.generic]:
    if hasattr(values, "detach"):  # a tensor; NumPy knows no bfloat16
        values = values.detach().cpu()
        return (values.double() if values.is_floating_point() else values).numpy()
    return np.asarray(values)


def _features(features: Array, name: str) -> npt.NDArray[np.float64]:
    array = np.asarray(_as_numpy(features), np.float64)
    if array.ndim != 2 or not array.size:
        raise ParameterError(f"{name} has shape {array.shape}, expected (pairs, dimensions)")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise ParameterError(f"{name} is not finite in row {row}, expected numbers only")
    return array


def _column(values: Array, name: str, pairs: int) -> npt.NDArray[np.generic]:
    array = _as_numpy(values)
    if array.shape != (pairs,):
        raise ParameterError(f"{name} has shape {array.shape}, expected ({pairs},), one value a pair")
    return array


def _people(people: Array, same: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    array = _as_numpy(people)
    if array.shape != (len(same), 2) or not np.issubdtype(array.dtype, np.integer):
        raise ParameterError(f"people is {array.dtype} {array.shape}, expected integers, ({len(same)}, 2)")
    wrong = np.flatnonzero((array[:, 0] == array[:, 1]) != same)
    if len(wrong):
        raise ParameterError(f"people and same disagree on pair {wrong[0]}, expected one person on matched pairs alone")
    return array.astype(np.int64)


def _check_classes(same: npt.NDArray[np.bool_], folds: npt.NDArray[np.int64]) -> None:
    if same.all() or not same.any():
        raise ParameterError(f"same is {bool(same[0])} for every pair, expected matched and mismatched pairs")
    matched = np.bincount(folds, weights=same)
    mismatched = np.bincount(folds) - matched
    if len(matched) < 2:
        raise ParameterError("folds has one value only, expected two folds or more")
    for kind, counts in (("matched", matched), ("mismatched", mismatched)):
        alone = np.flatnonzero(counts == counts.sum())
        if len(alone):
            raise ParameterError(
                f"folds puts all {kind} pairs into one fold, so that the others cannot choose its threshold; "
                "expected them in two folds or more"
            )
