"""Lesson 5, from names to key points and pairs: errors of key points, thresholds, triplets (Wang & Lan 2017)."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nbutils.evaluation import normalised_mean_errors
from nbutils.exercises.base import Arguments, Exercise, Mistake

Array = npt.NDArray[Any]

# --- point-error


def _points(rng: np.random.Generator) -> Arguments:
    true = np.array([[30, 40], [60, 41], [45, 55], [33, 70], [58, 71]]) + rng.normal(
        size=(int(rng.integers(3, 7)), 5, 2)
    )
    true *= rng.uniform(0.6, 1.4, size=(len(true), 1, 1))
    return true + 3 * rng.normal(size=true.shape), true


def _away(predicted: Array, true: Array) -> Array:
    found: Array = np.linalg.norm(predicted - true, axis=2)
    return found


def _eyes(true: Array) -> Array:
    found: Array = np.linalg.norm(true[:, 0] - true[:, 1], axis=1)
    return found


_POINTS = Exercise(
    "point-error",
    lambda predicted, true: normalised_mean_errors(predicted, true),
    _points,
    start="Five distances a face, their mean, and the distance of the first two true points, the eyes, to divide by.",
    mistakes=(
        Mistake(
            "The errors are in pixels; they are to be divided by the distance of the eyes.",
            "Should a face that is twice as near the camera have twice the error?",
            lambda p, true: _away(p, true).mean(axis=1),
        ),
        Mistake(
            "The squares have no root.",
            "A distance is a length, not an area.",
            lambda p, true: np.square(p - true).sum(axis=2).mean(axis=1) / _eyes(true),
        ),
        Mistake(
            "This is the root of the mean square; the mean of the distances is asked for.",
            "Which comes first, the root or the mean?",
            lambda p, true: np.sqrt(np.square(_away(p, true)).mean(axis=1)) / _eyes(true),
        ),
        Mistake(
            "The predicted eyes are in the divisor, expected the true ones.",
            "Could a network lower its error by predicting the eyes far apart?",
            lambda p, true: _away(p, true).mean(axis=1) / _eyes(p),
        ),
        Mistake(
            "Every face is divided by the mean distance of all eyes, expected by its own.",
            "Each face has its own size.",
            lambda p, true: _away(p, true).mean(axis=1) / _eyes(true).mean(),
        ),
        Mistake(
            "The deviations in x and y are averaged; the length of each deviation is asked for.",
            "Three pixels right and four down: how far is that?",
            lambda p, true: np.abs(p - true).mean(axis=(1, 2)) / _eyes(true),
        ),
        Mistake(
            "The errors of the points are added, expected their mean.",
            "With ten points instead of five, would your error double?",
            lambda p, true: _away(p, true).sum(axis=1) / _eyes(true),
        ),
    ),
)

# --- verification-accuracy


def _verification(rng: np.random.Generator) -> Arguments:
    same = rng.permutation(np.arange(int(rng.integers(15, 30))) % 3 == 0)
    return rng.uniform(0, 6, size=len(same)) + 2 * ~same, same, 4.0


def _verification_accuracy(distances: Array, same: Array, threshold: float) -> float:
    """Pair by pair."""
    right = 0
    for distance, truth in zip(distances.tolist(), same.tolist(), strict=True):
        right += (distance < threshold) == truth
    return right / len(same)


_ACCURACY = Exercise(
    "verification-accuracy",
    _verification_accuracy,
    _verification,
    start="A pair is called one person where its distance is below the threshold. How often is that the truth?",
    mistakes=(
        Mistake(
            "The answer is the wrong way round: a small distance means one person.",
            "What is the distance of a face from itself?",
            lambda d, same, at: 1 - _verification_accuracy(d, same, at),
        ),
        Mistake(
            "Only pairs of one person are looked at.",
            "A network that calls everyone the same would get 1.",
            lambda d, same, at: float((d[same] < at).mean()),
        ),
        Mistake(
            "This is the share of pairs that are called one person.",
            "Compare it with the truth.",
            lambda d, same, at: float((d < at).mean()),
        ),
        Mistake(
            "This counts the right pairs; their share is asked for.",
            "With twice as many pairs, would your number double?",
            lambda d, same, at: len(d) * _verification_accuracy(d, same, at),
        ),
    ),
)

# --- triplet-loss


def _triplets(rng: np.random.Generator) -> Arguments:
    anchor = rng.normal(size=(int(rng.integers(4, 8)), 5))
    near, far = anchor + rng.normal(size=anchor.shape), rng.normal(size=anchor.shape)
    return *(torch.from_numpy(rows) for rows in (anchor, near, far)), 0.4


def _triplet_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float) -> float:
    """Triplet by triplet."""
    total = 0.0
    for a, p, n in zip(
        *((rows / rows.norm(dim=1, keepdim=True)).tolist() for rows in (anchor, positive, negative)), strict=True
    ):
        near, far = (sum((u - v) ** 2 for u, v in zip(a, other, strict=True)) for other in (p, n))
        total += max(0.0, near - far + margin)
    return total / len(anchor)


def _gap(a: Tensor, p: Tensor, n: Tensor, *, power: int = 2, unit: bool = True) -> Tensor:
    """Distance to the positive less that to the negative."""
    if unit:
        a, p, n = (rows / rows.norm(dim=1, keepdim=True) for rows in (a, p, n))
    gap: Tensor = (a - p).norm(dim=1) ** power - (a - n).norm(dim=1) ** power
    return gap


_TRIPLET = Exercise(
    "triplet-loss",
    _triplet_loss,
    _triplets,
    start="Scale all rows to length 1. For each triplet: near² − far² + margin, but at least 0. Then the mean.",
    mistakes=(
        Mistake(
            "The hinge is missing: a triplet beyond the margin costs 0, it pays nothing back.",
            "[z]₊ is z where z is positive, and otherwise …?",
            lambda a, p, n, m: (_gap(a, p, n) + m).mean(),
        ),
        Mistake(
            "The rows are not scaled to length 1.",
            "Could a network lower this loss by making all features larger or smaller?",
            lambda a, p, n, m: (_gap(a, p, n, unit=False) + m).relu().mean(),
        ),
        Mistake(
            "The distances are not squared.",
            "Look at the exponents in Eq. 8.",
            lambda a, p, n, m: (_gap(a, p, n, power=1) + m).relu().mean(),
        ),
        Mistake(
            "Positive and negative are exchanged: this drives one person's faces apart.",
            "Which of the two distances should become small?",
            lambda a, p, n, m: (m - _gap(a, p, n)).relu().mean(),
        ),
        Mistake(
            "The margin has the wrong sign: the stranger may come nearer than the friend.",
            "The loss should be above 0 even if the stranger is just a little further away.",
            lambda a, p, n, m: (_gap(a, p, n) - m).relu().mean(),
        ),
        Mistake(
            "The margin is forgotten.",
            "When is the loss 0: as soon as the stranger is further away, or only by some distance?",
            lambda a, p, n, m: _gap(a, p, n).relu().mean(),
        ),
        Mistake(
            "The triplets are summed, expected their mean.",
            "Should the loss double when the batch does?",
            lambda a, p, n, m: (_gap(a, p, n) + m).relu().sum(),
        ),
    ),
)

# --- triplet-count


def _labels(rng: np.random.Generator) -> Arguments:
    return (rng.integers(0, 3, size=int(rng.integers(6, 12))),)


def _triplet_count(labels: Array) -> int:
    """All triples of places."""
    return sum(
        a != p and labels[a] == labels[p] and labels[a] != labels[n]
        for a, p, n in product(range(len(labels)), repeat=3)
    )


def _alike(labels: Array) -> Array:
    """(N,) images of the same person, itself among them."""
    found: Array = (labels[:, None] == labels).sum(axis=1)
    return found


_COUNT = Exercise(
    "triplet-count",
    _triplet_count,
    _labels,
    start="For one anchor: how many other images of the same person are there, how many of others? Multiply, and sum.",
    mistakes=(
        Mistake(
            "The anchor is taken for its own positive.",
            "A face is at distance 0 from itself: such a triplet teaches nothing.",
            lambda labels: int((_alike(labels) * (len(labels) - _alike(labels))).sum()),
        ),
        Mistake(
            "Anchor and positive are taken as one pair; either of the two may be the anchor.",
            "Is the distance from the anchor to the stranger the same when the two friends change places?",
            lambda labels: _triplet_count(labels) // 2,
        ),
        Mistake(
            "These are the pairs of one person; a stranger has to join each.",
            "A triplet has three images.",
            lambda labels: int((_alike(labels) - 1).sum()),
        ),
        Mistake(
            "These are all triples of different images, whoever they show.",
            "Who must be the same, who another?",
            lambda labels: len(labels) * (len(labels) - 1) * (len(labels) - 2),
        ),
    ),
)

# --- full-objective


def _terms(rng: np.random.Generator) -> Arguments:
    size = int(rng.integers(3, 6)), int(rng.integers(6, 9))
    student, teacher = rng.normal(size=(2, *size))
    labels = rng.integers(0, size[1], size=size[0])
    tensors = (torch.from_numpy(2 * student), torch.from_numpy(2 * teacher), torch.from_numpy(labels))
    return *tensors, float(rng.uniform(0.3, 2)), float(rng.uniform(2, 4))


def _full_objective(student: Tensor, teacher: Tensor, labels: Tensor, alpha: float, temperature: float) -> float:
    """Image by image, class by class."""
    own, hard = torch.log_softmax(student / temperature, dim=1).tolist(), torch.log_softmax(student, dim=1).tolist()
    wanted = torch.softmax(teacher / temperature, dim=1).tolist()
    total = 0.0
    for image, label in enumerate(labels.tolist()):
        soft = -sum(p * q for p, q in zip(wanted[image], own[image], strict=True))
        total += -hard[image][label] + alpha * soft
    return total / len(labels)


def _label_term(student: Tensor, labels: Tensor, t: float = 1.0) -> Tensor:
    return torch.nn.functional.cross_entropy(student / t, labels)


def _soft_term(student: Tensor, teacher: Tensor, t: float) -> Tensor:
    return -(torch.softmax(teacher / t, dim=1) * torch.log_softmax(student / t, dim=1)).sum(dim=1).mean()


_OBJECTIVE = Exercise(
    "full-objective",
    _full_objective,
    _terms,
    start=(
        "Two cross-entropies: of the student's prediction with the labels, and of both softened predictions, times α."
    ),
    mistakes=(
        Mistake(
            "The labels are compared with the softened prediction; they are compared with the plain one.",
            "In Eq. 2 only one of the two terms bears τ.",
            lambda s, z, y, a, t: _label_term(s, y, t) + a * _soft_term(s, z, t),
        ),
        Mistake(
            "The temperature is forgotten.",
            "Which predictions does the second term compare?",
            lambda s, z, y, a, t: _label_term(s, y) + a * _soft_term(s, z, 1.0),
        ),
        Mistake(
            "α is forgotten.",
            "How much does the teacher weigh against the labels?",
            lambda s, z, y, a, t: _label_term(s, y) + _soft_term(s, z, t),
        ),
        Mistake(
            "The two terms are mixed as α and 1 − α; Eq. 2 adds α times the second to the first.",
            "Many other papers mix. Read Eq. 2 again.",
            lambda s, z, y, a, t: (1 - a) * _label_term(s, y) + a * _soft_term(s, z, t),
        ),
        Mistake(
            "α weighs the labels, expected the teacher.",
            "At α = 0 the student learns from the labels alone.",
            lambda s, z, y, a, t: a * _label_term(s, y) + _soft_term(s, z, t),
        ),
        Mistake(
            "Here is a factor τ² that Eq. 2, as printed, does not have.",
            "It is a good idea, and this project trains with it; the exercise asks for the printed formula.",
            lambda s, z, y, a, t: _label_term(s, y) + a * t**2 * _soft_term(s, z, t),
        ),
        Mistake(
            "Student and teacher are exchanged in the soft term.",
            "Whose prediction stands inside the logarithm: that which learns, or that which teaches?",
            lambda s, z, y, a, t: _label_term(s, y) + a * _soft_term(z, s, t),
        ),
    ),
)

#: In the order of the lesson.
TRANSFER = (_ACCURACY, _POINTS, _OBJECTIVE, _COUNT, _TRIPLET)
