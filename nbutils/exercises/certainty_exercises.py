"""Lesson 6, how sure are we: standard errors, intervals over seeds and people, verdicts, and many of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from nbutils.evaluation import holm, seed_interval
from nbutils.exercises.base import Arguments, Exercise, Mistake
from nbutils.reporting import judge

Array = npt.NDArray[Any]


def _few(rng: np.random.Generator) -> Arguments:
    return (rng.normal(90, 2, size=int(rng.integers(3, 8))),)


# --- standard-error


def _standard_error(values: Array) -> float:
    """Value by value."""
    mean = sum(values.tolist()) / len(values)
    variance = sum((value - mean) ** 2 for value in values.tolist()) / (len(values) - 1)
    return float((variance / len(values)) ** 0.5)


_ERROR = Exercise(
    "standard-error",
    _standard_error,
    _few,
    start="The standard deviation of the values, divided by something that grows with their number.",
    mistakes=(
        Mistake(
            "This is the standard deviation: how far values lie apart, not how far their mean may be off.",
            "With a hundred times as many values, should your number shrink?",
            lambda v: float(v.std(ddof=1)),
        ),
        Mistake(
            "The mean is estimated from the same values: divide the squares by n − 1.",
            "`std` has an argument `ddof`.",
            lambda v: float(v.std() / len(v) ** 0.5),
        ),
        Mistake(
            "The standard deviation is divided by n, expected by √n.",
            "Variances add up, standard deviations do not.",
            lambda v: float(v.std(ddof=1) / len(v)),
        ),
        Mistake(
            "This is the variance of the mean: a root is missing.",
            "In which unit are the values, and in which is your number?",
            lambda v: float(v.var(ddof=1) / len(v)),
        ),
        Mistake(
            "This is the standard deviation, and with n in the divisor.",
            "With a hundred times as many values, should your number shrink?",
            lambda v: float(v.std()),
        ),
    ),
)

# --- seed-interval


def _seed_interval(values: Array) -> Array:
    found = seed_interval(values)
    return np.array([found.low, found.high])


def _around(values: Array, reach: float) -> Array:
    return np.array([values.mean() - reach, values.mean() + reach])


def _student_t(values: Array, share: float = 0.975) -> float:
    return float(stats.t.ppf(share, len(values) - 1))


_SEEDS = Exercise(
    "seed-interval",
    _seed_interval,
    _few,
    start=(
        "Mean ± t · standard error, t from `scipy.stats.t.ppf` with n − 1 degrees of freedom. Return "
        "both ends as an array."
    ),
    mistakes=(
        Mistake(
            "The factor is the normal distribution's 1.96; with few values Student's t is larger.",
            "With three seeds, how well do you know the standard deviation itself?",
            lambda v: _around(v, float(stats.norm.ppf(0.975)) * _standard_error(v)),
        ),
        Mistake(
            "The factor is 2; with few values Student's t is larger.",
            "With three seeds, how well do you know the standard deviation itself?",
            lambda v: _around(v, 2 * _standard_error(v)),
        ),
        Mistake(
            "Five per cent lie beyond each end, expected 2.5.",
            "95 % in the middle leave how much on each side?",
            lambda v: _around(v, _student_t(v, 0.95) * _standard_error(v)),
        ),
        Mistake(
            "The standard deviation is used, expected the standard error of the mean.",
            "Is the interval for the next training, or for the mean of all?",
            lambda v: _around(v, _student_t(v) * float(v.std(ddof=1))),
        ),
        Mistake(
            "There are n degrees of freedom here, expected n − 1.",
            "One was used up by the mean.",
            lambda v: _around(v, float(stats.t.ppf(0.975, len(v))) * _standard_error(v)),
        ),
        Mistake(
            "The ends are exchanged.",
            "First the lower one.",
            lambda v: _seed_interval(v)[::-1],
        ),
        Mistake(
            "This is how far the interval reaches; its two ends are asked for.",
            "Mean minus, mean plus.",
            lambda v: _student_t(v) * _standard_error(v),
        ),
    ),
)

# --- paired-error


def _two_students(rng: np.random.Generator) -> Arguments:
    difficulty = rng.normal(size=int(rng.integers(10, 30)))
    first, second = (difficulty + 0.3 * rng.normal(size=len(difficulty)) for _ in range(2))
    return first + 0.1, second


_PAIRED = Exercise(
    "paired-error",
    lambda first, second: _standard_error(first - second),
    _two_students,
    start="Both students saw the same images. Subtract image by image first; then it is the exercise before.",
    mistakes=(
        Mistake(
            "The two are treated as if they had seen different images.",
            "A hard image is hard for both. In which order do you subtract and estimate?",
            lambda a, b: float(np.hypot(_standard_error(a), _standard_error(b))),
        ),
        Mistake(
            "The standard errors are added.",
            "Even of independent means, variances add up, not standard errors; and these are not independent.",
            lambda a, b: _standard_error(a) + _standard_error(b),
        ),
        Mistake(
            "The standard errors are subtracted.",
            "Uncertainty does not cancel like that: subtract the values, image by image.",
            lambda a, b: _standard_error(a) - _standard_error(b),
        ),
        Mistake(
            "This is the standard deviation of the differences, not the standard error of their mean.",
            "With a hundred times as many images, should your number shrink?",
            lambda a, b: float((a - b).std(ddof=1)),
        ),
        Mistake(
            "This is the difference itself; its standard error is asked for.",
            "By how much could the difference be off?",
            lambda a, b: float((a - b).mean()),
        ),
    ),
)

# --- people-error


def _images_of_people(rng: np.random.Generator) -> Arguments:
    people = np.sort(rng.integers(0, 6, size=int(rng.integers(18, 30))))
    return rng.normal(size=6)[people] + 0.5 * rng.normal(size=len(people)), people


def _people_error(values: Array, people: Array) -> float:
    """By all pairs of images of one person."""
    off = (values - values.mean()).tolist()
    total = 0.0
    for own, whose in zip(off, people.tolist(), strict=True):
        for other, who in zip(off, people.tolist(), strict=True):
            total += own * other if whose == who else 0.0
    return float(total**0.5 / len(values))


_PEOPLE = Exercise(
    "people-error",
    _people_error,
    _images_of_people,
    start=(
        "Deviations from the mean, summed for each person (`np.bincount` has weights); squared, summed, "
        "root, divided by n."
    ),
    mistakes=(
        Mistake(
            "The images are treated as independent.",
            "Ten images of one face are not ten people. Sum each person's deviations before you square.",
            lambda v, who: float(np.sqrt(np.square(v - v.mean()).sum()) / len(v)),
        ),
        Mistake(
            "The images are treated as independent.",
            "Ten images of one face are not ten people. Sum each person's deviations before you square.",
            lambda v, who: _standard_error(v),
        ),
        Mistake(
            "Each person counts once, however many images there are of them; each image should count once.",
            "The mean is over images. How much of it is one person's?",
            lambda v, who: _standard_error(np.array([v[who == each].mean() for each in np.unique(who)])),
        ),
        Mistake(
            "The root is missing: this is the variance.",
            "In which unit are the values, and in which is your number?",
            lambda v, who: _people_error(v, who) ** 2,
        ),
        Mistake(
            "The sum is not divided by the number of images.",
            "This is the standard error of the sum. Of the mean it is …?",
            lambda v, who: len(v) * _people_error(v, who),
        ),
    ),
)

# --- verdict


def _interval(rng: np.random.Generator) -> Arguments:
    middle, reach = rng.normal(), abs(rng.normal())
    return float(middle - reach), float(middle + reach)


def _by_midpoint(low: float, high: float) -> str:
    return "holds" if low + high > 0 else "does not hold"


_VERDICT = Exercise(
    "verdict",
    lambda low, high: judge(low, high, relation="greater"),
    _interval,
    start="Three cases: the whole interval above 0, the whole interval below 0, and 0 within it.",
    also=((0.2, 0.9), (-0.9, -0.2), (-0.1, 0.9), (-0.9, 0.1)),
    mistakes=(
        Mistake(
            "The estimate alone decides; the interval is there to say when nothing is decided.",
            "What do you say of [−0.1, 0.9]?",
            _by_midpoint,
        ),
        Mistake(
            "What is not shown to hold is not shown to fail either.",
            "What do you say of an interval that contains 0?",
            lambda low, high: "holds" if low > 0 else "does not hold",
        ),
        Mistake(
            "A claim whose whole interval lies below 0 does not hold; it is not undecided.",
            "What do you say of [−0.9, −0.2]?",
            lambda low, high: "holds" if low > 0 else "undecided",
        ),
        Mistake(
            "The upper end alone being above 0 decides nothing.",
            "Which end must be above 0 for the whole interval to be?",
            lambda low, high: "holds" if high > 0 else "does not hold",
        ),
    ),
)

# --- holm


def _p_values(rng: np.random.Generator) -> Arguments:
    return (np.round(rng.uniform(0, 0.5, size=int(rng.integers(4, 7))) ** 2, 4),)


def _steps(p: Array) -> Array:
    """Sorted p-values by the number of those not yet rejected, not yet made to rise."""
    found: Array = np.sort(p) * np.arange(len(p), 0, -1)
    return found


def _in_place(sorted_values: Array, p: Array) -> Array:
    found = np.empty(len(p))
    found[np.argsort(p, kind="stable")] = sorted_values
    return found


_HOLM = Exercise(
    "holm",
    lambda p_values: np.array(holm(p_values.tolist())),
    _p_values,
    start=(
        "Sort. The smallest is multiplied by m, the next by m − 1, … None may fall below the one before, none exceed 1."
    ),
    also=((np.array([0.01, 0.04, 0.03]),), (np.array([0.6, 0.5, 0.9]),)),
    mistakes=(
        Mistake(
            "All are multiplied by m: that is Bonferroni, which Holm improves on.",
            "Once the smallest is rejected, how many claims are left?",
            lambda p: np.minimum(p * len(p), 1),
        ),
        Mistake(
            "All are multiplied by m, and some exceed 1.",
            "A probability is at most 1; and once the smallest is rejected, how many claims are left?",
            lambda p: p * len(p),
        ),
        Mistake(
            "Some exceed 1.",
            "A p-value is a probability.",
            lambda p: _in_place(np.maximum.accumulate(_steps(p)), p),
        ),
        Mistake(
            "A corrected p-value may not fall below that of a smaller one.",
            "Go through them in order and keep the largest so far: `np.maximum.accumulate`.",
            lambda p: _in_place(np.minimum(_steps(p), 1), p),
        ),
        Mistake(
            "The values are right, but sorted: each belongs in the place of its claim.",
            "`argsort` tells where each came from.",
            lambda p: np.minimum(np.maximum.accumulate(_steps(p)), 1),
        ),
        Mistake(
            "The factors run the wrong way: the smallest p-value needs the largest.",
            "Which of them had the most chances to be small by luck?",
            lambda p: _in_place(np.minimum(np.maximum.accumulate(np.sort(p) * np.arange(1, len(p) + 1)), 1), p),
        ),
    ),
)

#: In the order of the lesson.
CERTAINTY = (_ERROR, _SEEDS, _PAIRED, _PEOPLE, _VERDICT, _HOLM)
