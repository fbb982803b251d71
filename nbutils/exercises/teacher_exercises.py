"""Lesson 4, a teacher, a committee, a real recogniser: Eq. 1, averaged opinions, distances and the AUC."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nbutils.exercises.base import Arguments, Exercise, Mistake
from nbutils.losses import NeuronLoss, Signals

Array = npt.NDArray[Any]


def _neurons(rng: np.random.Generator) -> Arguments:
    size = int(rng.integers(3, 6)), int(rng.integers(6, 10))
    student, teacher = rng.normal(size=(2, *size))
    return torch.from_numpy(student), torch.from_numpy(np.maximum(teacher, 0))


# --- neuron-loss


def _neuron_loss(student: Tensor, teacher: Tensor) -> Tensor:
    loss: Tensor = NeuronLoss()(Signals.of(student={"output": student}, teacher={"neurons": teacher}))
    return loss.double()


def _squares(student: Tensor, teacher: Tensor) -> Tensor:
    return (student - teacher).square()


_LOSS = Exercise(
    "neuron-loss",
    _neuron_loss,
    _neurons,
    start="A squared norm, a mean and a half: over which axis is each? Try one image with two neurons on paper.",
    mistakes=(
        Mistake(
            "The half is forgotten.",
            "Look at the factor before the sum in Eq. 1: M is the number of images.",
            lambda s, f: _squares(s, f).sum(dim=1).mean(),
        ),
        Mistake(
            "The neurons are averaged, expected their sum.",
            "A squared norm is a sum of squares.",
            lambda s, f: 0.5 * _squares(s, f).mean(),
        ),
        Mistake(
            "The neurons are averaged, expected their sum; and the half is forgotten.",
            "`mse_loss` averages over neurons too. Eq. 1 sums over them.",
            lambda s, f: _squares(s, f).mean(),
        ),
        Mistake(
            "The images are summed, expected their mean.",
            "Should the loss double when the batch does?",
            lambda s, f: 0.5 * _squares(s, f).sum(),
        ),
        Mistake(
            "The norm is not squared.",
            "Is there a root in your norm? The formula has none.",
            lambda s, f: 0.5 * _squares(s, f).sum(dim=1).sqrt().mean(),
        ),
    ),
)

# --- explained-share


def _explained_share(student: Tensor, teacher: Tensor) -> float:
    """Neuron by neuron, image by image."""
    own, wanted = student.tolist(), teacher.tolist()
    missed = total = 0.0
    for neuron in range(len(wanted[0])):
        mean = sum(row[neuron] for row in wanted) / len(wanted)
        for image in range(len(wanted)):
            missed += (wanted[image][neuron] - own[image][neuron]) ** 2
            total += (wanted[image][neuron] - mean) ** 2
    return 1 - missed / total


_SHARE = Exercise(
    "explained-share",
    _explained_share,
    _neurons,
    start="Two sums of squares: of what the student misses, and of the teacher's deviations from each neuron's mean.",
    mistakes=(
        Mistake(
            "The mean is over all neurons together; each neuron has its own.",
            "A student that gives each neuron's mean, whatever the image, should get 0.",
            lambda s, f: float(1 - _squares(s, f).sum() / (f - f.mean()).square().sum()),
        ),
        Mistake(
            "This is the share that is missed.",
            "A perfect student should get 1.",
            lambda s, f: 1 - _explained_share(s, f),
        ),
        Mistake(
            "The teacher's variation is taken about 0, expected about the mean.",
            "A student that gives each neuron's mean, whatever the image, should get 0.",
            lambda s, f: float(1 - _squares(s, f).sum() / f.square().sum()),
        ),
        Mistake(
            "The student's variation stands in the divisor, expected the teacher's.",
            "Of whose variation is the share asked for?",
            lambda s, f: float(1 - _squares(s, f).sum() / (s - s.mean(dim=0)).square().sum()),
        ),
        Mistake(
            "This is the mean of the neurons' own shares; the sums over all neurons are asked for.",
            "A neuron that hardly moves would weigh as much as one that says a lot. First sum, then divide.",
            lambda s, f: float((1 - _squares(s, f).sum(dim=0) / (f - f.mean(dim=0)).square().sum(dim=0)).mean()),
        ),
    ),
)

# --- committee-target


def _committee(rng: np.random.Generator) -> Arguments:
    each = 3 * rng.normal(size=(int(rng.integers(2, 4)), int(rng.integers(4, 6)), int(rng.integers(6, 9))))
    return torch.from_numpy(each), float(rng.uniform(1.5, 5))


def _committee_target(each: Tensor, temperature: float) -> Tensor:
    """Network by network."""
    total = torch.zeros_like(each[0])
    for logits in each:
        raised = torch.exp(logits / temperature)
        total = total + raised / raised.sum(dim=1, keepdim=True)
    return total / len(each)


_COMMITTEE = Exercise(
    "committee-target",
    _committee_target,
    _committee,
    start="Soften the opinion of each network as in lesson 1, along the last axis; then average over the networks.",
    mistakes=(
        Mistake(
            "The logits are averaged before the softmax; the opinions are to be averaged after it.",
            "One network is sure of A, another sure of B. Which average keeps both?",
            lambda each, t: torch.softmax(each.mean(dim=0) / t, dim=1),
        ),
        Mistake(
            "The temperature is forgotten.",
            "Soften each opinion before you average.",
            lambda each, t: torch.softmax(each, dim=2).mean(dim=0),
        ),
        Mistake(
            "The opinions are added, expected their mean.",
            "What must the probabilities of one image add up to?",
            lambda each, t: torch.softmax(each / t, dim=2).sum(dim=0),
        ),
        Mistake(
            "The softmax runs over the images.",
            "The shape is (networks, images, classes): which axis are the classes?",
            lambda each, t: torch.softmax(each / t, dim=1).mean(dim=0),
        ),
        Mistake(
            "The softmax runs over the networks.",
            "The shape is (networks, images, classes): which axis are the classes?",
            lambda each, t: torch.softmax(each / t, dim=0).mean(dim=0),
        ),
        Mistake(
            "The opinions are multiplied, expected their mean.",
            "A geometric mean vanishes where one network sees nothing. The paper averages.",
            lambda each, t: torch.softmax(torch.log_softmax(each / t, dim=2).sum(dim=0), dim=1),
        ),
    ),
)

# --- cosine-distance


def _pairs(rng: np.random.Generator) -> Arguments:
    first, second = rng.normal(size=(2, int(rng.integers(3, 7)), 8)) + 0.3
    return first, second


def _cosine_distance(first: Array, second: Array) -> Array:
    """Pair by pair."""
    found = []
    for a, b in zip(first.tolist(), second.tolist(), strict=True):
        product = sum(u * v for u, v in zip(a, b, strict=True))
        found.append(1 - product / (sum(u * u for u in a) * sum(v * v for v in b)) ** 0.5)
    return np.array(found)


def _unit(rows: Array, axis: int = 1) -> Array:
    found: Array = rows / np.linalg.norm(rows, axis=axis, keepdims=True)
    return found


_COSINE = Exercise(
    "cosine-distance",
    _cosine_distance,
    _pairs,
    start="Scale each row to length 1, multiply the two rows of a pair and sum; then one minus that.",
    mistakes=(
        Mistake(
            "This is the similarity; a distance is small for faces that are alike.",
            "What is your number for twice the same face?",
            lambda a, b: (_unit(a) * _unit(b)).sum(axis=1),
        ),
        Mistake(
            "The rows are not scaled to length 1.",
            "Does your number change if one face's neurons all respond twice as strongly?",
            lambda a, b: 1 - (a * b).sum(axis=1),
        ),
        Mistake(
            "The columns are scaled to length 1, expected the rows.",
            "The shape is (pairs, neurons): over which axis is the length of a face?",
            lambda a, b: 1 - (_unit(a, 0) * _unit(b, 0)).sum(axis=1),
        ),
        Mistake(
            "This is the Euclidean distance of the scaled rows.",
            "It orders pairs in the same way, but is another number: look at its square.",
            lambda a, b: np.linalg.norm(_unit(a) - _unit(b), axis=1),
        ),
        Mistake(
            "All pairs of rows are compared; only row i with row i is asked for.",
            "A matrix product compares everyone with everyone.",
            lambda a, b: 1 - _unit(a) @ _unit(b).T,
        ),
    ),
)

# --- auc


def _distances(rng: np.random.Generator) -> Arguments:
    same = rng.permutation(np.arange(int(rng.integers(12, 24))) % 3 == 0)
    return np.round(rng.uniform(0, 6, size=len(same)) + 1.5 * ~same), same


def _auc(distances: Array, same: Array) -> float:
    """Every pair of one person against every pair of two; a tie counts half."""
    won = 0.0
    for own in distances[same]:
        for other in distances[~same]:
            won += 1.0 if own < other else 0.5 if own == other else 0.0
    return won / (int(same.sum()) * int((~same).sum()))


_AUC = Exercise(
    "auc",
    _auc,
    _distances,
    start="Take one pair of one person and one pair of two people. How often is the first distance the smaller one?",
    mistakes=(
        Mistake(
            "This counts how often the pair of one person is further apart.",
            "A perfect recogniser should get 1. Distances are small where faces are alike.",
            lambda d, same: 1 - _auc(d, same),
        ),
        Mistake(
            "Ties count as won; they count half.",
            "What should a network get that gives every pair the same distance?",
            lambda d, same: float((d[same][:, None] <= d[~same]).mean()),
        ),
        Mistake(
            "Ties count as lost; they count half.",
            "What should a network get that gives every pair the same distance?",
            lambda d, same: float((d[same][:, None] < d[~same]).mean()),
        ),
        Mistake(
            "This is the accuracy at one threshold.",
            "The AUC needs no threshold: it compares pairs with pairs.",
            lambda d, same: float(((d < np.median(d)) == same).mean()),
        ),
    ),
)

#: In the order of the lesson.
TEACHERS = (_LOSS, _SHARE, _COMMITTEE, _COSINE, _AUC)
