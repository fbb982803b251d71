"""`check` and `hint`: is an answer right, and if not, what is wrong with it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from nbutils.exercises.base import Answer, Arguments, Exercise
from nbutils.exercises.calling import call_all, where_raised
from nbutils.exercises.catalogue import find_exercise
from nbutils.exercises.comparing import alike, as_array, simple_difference, unfit


@dataclass(frozen=True)
class Verdict:
    """What `check` found.

    Attributes:
        exercise: Its name.
        passed: Whether the answer is right in all cases.
        says: The verdict in a sentence.
        hint: Where to look; empty if the answer is right.
    """

    exercise: str
    passed: bool
    says: str
    hint: str = ""

    def __repr__(self) -> str:
        """The verdict as a notebook shows it."""
        return f"{'✓' if self.passed else '✗'} {self.exercise}: {self.says}"


def check(name: str, answer: object) -> Verdict:
    """Compares an answer with a second implementation on random cases.

    A wrong answer is told in a sentence what is wrong, not what is right. Whatever the answer does (raises, never ends,
    returns something else, changes its arguments) is a verdict, never an error.

    Args:
        name: Of the exercise.
        answer: A function of the exercise's arguments.

    Raises:
        ParameterError: There is no such exercise.

    Example:
        >>> import torch
        >>> from nbutils.exercises import check
        >>> def soft_target(logits, temperature):
        ...     return torch.softmax(logits, dim=1)
        >>> check("soft-target", soft_target)
        ✗ soft-target: The temperature is forgotten.
        >>> check("soft-target", lambda logits, temperature: torch.softmax(logits / temperature, dim=1))
        ✓ soft-target: right in all 21 cases.
    """
    exercise = find_exercise(name)
    if not callable(answer):
        return _wrong(exercise, "expected the function itself, without calling it: its name, no brackets.")
    cases = exercise.cases()
    outcomes = call_all(answer, cases, exercise.limit_s)
    if outcomes and outcomes[-1].error is not None:
        return _wrong(exercise, _raised(outcomes[-1].error, exercise, cases[len(outcomes) - 1]))
    if len(outcomes) < len(cases):
        return _wrong(exercise, f"It does not end: {exercise.limit_s:g} s were up in case {len(outcomes) + 1}.")
    changed = next((outcome.changed for outcome in outcomes if outcome.changed is not None), None)
    if changed is not None:
        return _wrong(exercise, f"It changes its argument `{exercise.parameters[changed]}`: work on a copy.")
    return _compared(exercise, cases, [outcome.value for outcome in outcomes])


def hint(name: str, answer: object = None) -> str:
    """Where to look: a hint at the mistake of an answer, or, without one, at how to begin.

    Args:
        name: Of the exercise.
        answer: The function as it stands.

    Raises:
        ParameterError: There is no such exercise.

    Example:
        >>> import torch
        >>> from nbutils.exercises import hint
        >>> hint("soft-target", lambda logits, temperature: torch.softmax(logits, dim=1))
        'At which place of softmax does t act? Try t = 100: all classes should become equally likely.'
    """
    exercise = find_exercise(name)
    if answer is None:
        return exercise.start
    verdict = check(name, answer)
    return "Nothing is wrong with this answer." if verdict.passed else verdict.hint


def trusted(name: str, answer: Answer) -> Answer:
    """The answer once it is right; until then the second implementation, so that a lesson can go on.

    Args:
        name: Of the exercise.
        answer: The function as it stands.

    Raises:
        ParameterError: There is no such exercise.

    Example:
        >>> import torch
        >>> from nbutils.exercises import trusted
        >>> softened = trusted("soft-target", lambda logits, temperature: logits)
        soft-target: the package's function is used until yours is right.
        >>> softened(torch.zeros(1, 2), 3.0)
        tensor([[0.5000, 0.5000]])
    """
    if check(name, answer).passed:
        print(f"{name}: your function is used.")
        return answer
    print(f"{name}: the package's function is used until yours is right.")
    return find_exercise(name).reference


def _compared(exercise: Exercise, cases: Sequence[Arguments], got: Sequence[object]) -> Verdict:
    expected = _values(exercise, exercise.reference)
    for wanted, own in zip(expected, got, strict=True):
        reason = unfit(wanted, own)
        if reason is not None:
            return _known(exercise, got) or _wrong(exercise, reason)
    right = [alike(wanted, own) for wanted, own in zip(expected, got, strict=True)]
    if all(right):
        return Verdict(exercise.name, passed=True, says=f"right in all {len(cases)} cases.")
    known = _known(exercise, got)
    if known is not None:
        return known
    first = right.index(False)
    for place, (wanted, own) in enumerate(zip(expected, got, strict=True)):
        if _is_undefined(own) and not _is_undefined(wanted):
            return _wrong(exercise, f"It returns NaN or infinity {_where(exercise, cases, place)}.")
    says = simple_difference(expected, got)
    if says is None:
        share = "in no case" if not any(right) else f"in {sum(right)} of {len(right)} cases only"
        says = f"Right {share}; wrong for instance {_where(exercise, cases, first)}."
    return _wrong(exercise, says)


def _known(exercise: Exercise, got: Sequence[object]) -> Verdict | None:
    """The mistake that the values are those of, if it is one that is known."""
    for mistake in exercise.mistakes:
        if all(alike(theirs, own) for theirs, own in zip(_values(exercise, mistake.answer), got, strict=True)):
            return _wrong(exercise, mistake.says, mistake.hint)
    return None


@cache
def _values(exercise: Exercise, function: Answer) -> list[object]:
    """What the reference, or a mistake's function, returns in each case."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return [function(*arguments) for arguments in exercise.cases()]


def _wrong(exercise: Exercise, says: str, hint: str = "") -> Verdict:
    return Verdict(exercise.name, passed=False, says=says, hint=hint or exercise.start)


def _raised(error: BaseException, exercise: Exercise, arguments: Arguments) -> str:
    line = where_raised(error)
    place = f" at `{line}`" if line else ""
    text = str(error).partition("\n")[0]
    return (
        f"It raises {type(error).__name__}{f': {text}' if text else ''}{place}, with {_described(exercise, arguments)}."
    )


def _where(exercise: Exercise, cases: Sequence[Arguments], place: int) -> str:
    return f"in case {place + 1}, with {_described(exercise, cases[place])}"


def _described(exercise: Exercise, arguments: Arguments) -> str:
    """The arguments of a case: numbers as they are, of arrays the shape."""
    return ", ".join(f"{name} {_short(value)}" for name, value in zip(exercise.parameters, arguments, strict=True))


def _short(value: object) -> str:
    array = as_array(value)
    if array is None:
        return repr(value)
    return f"= {array.item():.4g}" if array.ndim == 0 else f"of shape {array.shape}"


def _is_undefined(value: object) -> bool:
    array = as_array(value)
    return array is not None and array.dtype.kind == "f" and not bool(np.isfinite(array).all())
