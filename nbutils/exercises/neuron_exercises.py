"""Lesson 2, what neurons know: one neuron as a classifier, and the face that it likes best."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nbutils.exercises.base import Arguments, Exercise, Mistake
from nbutils.selection import neuron_groups

Array = npt.NDArray[Any]


def _both_values(rng: np.random.Generator, count: int, share: float) -> Array:
    """Booleans with both values among them."""
    drawn = rng.random(count) < share
    drawn[:2] = True, False
    return rng.permutation(drawn)


# --- dead-neurons


def _responses(rng: np.random.Generator) -> Arguments:
    responses = np.maximum(rng.normal(size=(int(rng.integers(4, 9)), int(rng.integers(9, 14)))), 0)
    responses[:, rng.integers(0, 4)] = 0
    responses[:, 4 + rng.integers(0, 4)] = 0.7
    return (responses,)


def _dead_neurons(responses: Array) -> Array:
    """Neuron by neuron."""
    return np.array([len(set(column.tolist())) == 1 for column in responses.T])


_DEAD = Exercise(
    "dead-neurons",
    _dead_neurons,
    _responses,
    start="Which axis holds the images? What do you know of a column of numbers that are all alike?",
    mistakes=(
        Mistake(
            "A neuron that always says the same number tells nothing either, even if it is not 0.",
            "Look for neurons without any variation, not for zeros.",
            lambda responses: (responses == 0).all(axis=0),
        ),
        Mistake(
            "These are the neurons that are 0 for some image; after a ReLU almost all are.",
            "For how many images must a dead neuron say the same?",
            lambda responses: (responses == 0).any(axis=0),
        ),
        Mistake(
            "True and False are exchanged: these are the neurons that live.",
            "The question is which neurons are dead.",
            lambda responses: ~_dead_neurons(responses),
        ),
        Mistake(
            "The axes are exchanged: this looks at images.",
            "The shape is (images, neurons). Over which of the two do you take the largest?",
            lambda responses: _dead_neurons(responses.T),
        ),
    ),
)

# --- balanced-accuracy


def _guesses(rng: np.random.Generator) -> Arguments:
    count = int(rng.integers(20, 60))
    truth = _both_values(rng, count, 0.2)
    return np.where(rng.random(count) < 0.3, ~truth, truth), truth


def _balanced_accuracy(predicted: Array, truth: Array) -> float:
    """Image by image."""
    hits = {True: 0, False: 0}
    for guess, value in zip(predicted.tolist(), truth.tolist(), strict=True):
        hits[value] += guess == value
    return (hits[True] / int(truth.sum()) + hits[False] / int((~truth).sum())) / 2


_BALANCED = Exercise(
    "balanced-accuracy",
    _balanced_accuracy,
    _guesses,
    start=(
        "Take the images with the attribute: which share is recognised? Then those without. Then the mean of the two."
    ),
    mistakes=(
        Mistake(
            "This is the plain accuracy.",
            "Four per cent of all people wear a moustache. How good is a classifier that always says no?",
            lambda predicted, truth: float((predicted == truth).mean()),
        ),
        Mistake(
            "This looks at the images with the attribute alone.",
            "A classifier that always says yes gets 1 from you.",
            lambda predicted, truth: float(predicted[truth].mean()),
        ),
        Mistake(
            "This looks at the images without the attribute alone.",
            "A classifier that always says no gets 1 from you.",
            lambda predicted, truth: float((~predicted[~truth]).mean()),
        ),
        Mistake(
            "The shares are of what was guessed, expected of what is true.",
            "Of the images that have the attribute, how many were found: divide by their number.",
            lambda predicted, truth: float((truth[predicted].mean() + (~truth[~predicted]).mean()) / 2),
        ),
        Mistake(
            "The two rates are added, expected their mean.",
            "A perfect classifier has 1.",
            lambda predicted, truth: 2 * _balanced_accuracy(predicted, truth),
        ),
    ),
)

# --- discriminativeness


def _one_neuron(rng: np.random.Generator) -> Arguments:
    attribute = _both_values(rng, int(rng.integers(20, 40)), 0.3)
    direction = rng.choice([-1.5, 1.5])
    responses = rng.normal(size=len(attribute)) + direction * attribute + 0.5
    return np.maximum(responses, 0), attribute


def _discriminativeness(responses: Array, attribute: Array) -> float:
    """All cuts, both directions, one after another."""
    found = 0.5
    for cut in responses:
        for predicted in (responses >= cut, responses < cut):
            found = max(found, _balanced_accuracy(predicted, attribute))
    return found


def _best_cut(responses: Array, attribute: Array) -> float:
    return max(0.5, *(_balanced_accuracy(responses >= cut, attribute) for cut in responses))


def _at(cut: float, responses: Array, attribute: Array) -> float:
    found = _balanced_accuracy(responses > cut, attribute)
    return max(found, 1 - found)


_DISCRIMINATIVENESS = Exercise(
    "discriminativeness",
    _discriminativeness,
    _one_neuron,
    start="Try each response as a cut, in both directions, and keep the best balanced accuracy.",
    mistakes=(
        Mistake(
            "Only one direction is tried: a neuron may also say no by responding strongly.",
            "What does a neuron know that is silent for every face with a beard, and loud for all others?",
            _best_cut,
        ),
        Mistake(
            "The cut is the mean response; the best one is asked for.",
            "How many different cuts are there? Try them all.",
            lambda responses, attribute: _at(float(responses.mean()), responses, attribute),
        ),
        Mistake(
            "The cut is 0; the best one is asked for.",
            "How many different cuts are there? Try them all.",
            lambda responses, attribute: _at(0.0, responses, attribute),
        ),
        Mistake(
            "The cut is the median response; the best one is asked for.",
            "How many different cuts are there? Try them all.",
            lambda responses, attribute: _at(float(np.median(responses)), responses, attribute),
        ),
        Mistake(
            "The best cut is sought by plain accuracy, expected by balanced accuracy.",
            "Use your function of the exercise before.",
            lambda responses, attribute: max(
                max(float(((responses >= cut) == attribute).mean()), float(((responses < cut) == attribute).mean()))
                for cut in responses
            ),
        ),
    ),
)

# --- neuron-group


def _one_row(rng: np.random.Generator) -> Arguments:
    related = np.arange(8) < 5
    x = rng.uniform(0.5, 0.66, size=8)
    if rng.random() < 0.3:
        x = np.minimum(x, 0.58)
    return x, related, 0.6


def _neuron_group(x: Array, identity_related: Array, level: float) -> str:
    return str(neuron_groups(x[None], identity_related, selective_at=level)[0])


def _group(to_ia: bool, to_na: bool) -> str:
    return {(True, True): "IA+NA", (True, False): "IA", (False, True): "NA"}.get((to_ia, to_na), "inhibitive")


_GROUP = Exercise(
    "neuron-group",
    _neuron_group,
    _one_row,
    start="Is any x of an IA attribute at the level or above? Any of an NA attribute? Two questions, four groups.",
    also=((np.array([0.6, 0.5, 0.5, 0.5]), np.array([True, True, False, False]), 0.6),),
    mistakes=(
        Mistake(
            "A neuron need not know all attributes of a kind: one is enough.",
            "`all` or `any`?",
            lambda x, related, level: _group(bool((x[related] >= level).all()), bool((x[~related] >= level).all())),
        ),
        Mistake(
            "The mean is compared with the level, expected the best attribute.",
            "A neuron that knows one attribute perfectly and nothing else: in which group do you put it?",
            lambda x, related, level: _group(bool(x[related].mean() >= level), bool(x[~related].mean() >= level)),
        ),
        Mistake(
            "IA and NA are exchanged.",
            "`identity_related` is True for IA.",
            lambda x, related, level: _group(bool((x[~related] >= level).any()), bool((x[related] >= level).any())),
        ),
        Mistake(
            "A value that lies exactly at the level counts.",
            "`>` or `>=`?",
            lambda x, related, level: _group(bool((x[related] > level).any()), bool((x[~related] > level).any())),
        ),
    ),
)

# --- mean-face


def _some_faces(rng: np.random.Generator) -> Arguments:
    count = int(rng.integers(8, 14))
    images = rng.integers(0, 256, size=(count, 5, 4, 3)).astype(np.uint8)
    return images, rng.permutation(count).astype(float), int(rng.integers(2, 5))


def _mean_face(images: Array, responses: Array, count: int) -> Array:
    """Face by face, the strongest first."""
    total = np.zeros(images.shape[1:])
    for _, place in sorted(((response, at) for at, response in enumerate(responses)), reverse=True)[:count]:
        total = total + images[place]
    return total / count


_MEAN_FACE = Exercise(
    "mean-face",
    _mean_face,
    _some_faces,
    start="`argsort` gives the order of the responses. Which end has the strongest? Then the mean over which axis?",
    mistakes=(
        Mistake(
            "These are the faces of the weakest responses.",
            "`argsort` starts with the smallest.",
            lambda images, responses, count: images[np.argsort(responses)[:count]].mean(axis=0),
        ),
        Mistake(
            "The mean is over all faces.",
            "Of which faces is the mean asked for?",
            lambda images, responses, count: images.mean(axis=0),
        ),
        Mistake(
            "The faces are added, expected their mean.",
            "Can a pixel of your face be brighter than 255?",
            lambda images, responses, count: count * _mean_face(images, responses, count),
        ),
        Mistake(
            "The sum overflows: the pixels are of type uint8, which ends at 255.",
            "What is 200 + 100 in uint8? Make the images float before you add them.",
            lambda images, responses, count: images[np.argsort(responses)[-count:]].sum(axis=0, dtype=np.uint8) / count,
        ),
        Mistake(
            "The mean is weighted by the responses; all chosen faces count alike.",
            "Which faces are chosen depends on the responses, their weight does not.",
            lambda images, responses, count: np.average(
                images[np.argsort(responses)[-count:]], axis=0, weights=np.sort(responses)[-count:]
            ),
        ),
    ),
)

#: In the order of the lesson.
NEURONS = (_DEAD, _BALANCED, _DISCRIMINATIVENESS, _GROUP, _MEAN_FACE)
