"""All exercises by name, lesson by lesson."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache

from nbutils.errors import ParameterError
from nbutils.exercises.base import Exercise


@cache
def exercises() -> dict[str, Exercise]:
    """All exercises by name, in the order of the lessons.

    Example:
        >>> from nbutils.exercises import exercises
        >>> "soft-target" in exercises()
        True
    """
    from nbutils.exercises.certainty_exercises import CERTAINTY
    from nbutils.exercises.choice_exercises import CHOICE
    from nbutils.exercises.distillation_exercises import DISTILLATION
    from nbutils.exercises.neuron_exercises import NEURONS
    from nbutils.exercises.teacher_exercises import TEACHERS
    from nbutils.exercises.transfer_exercises import TRANSFER

    every = (*DISTILLATION, *NEURONS, *CHOICE, *TEACHERS, *TRANSFER, *CERTAINTY)
    return {exercise.name: exercise for exercise in every}


def find_exercise(name: str) -> Exercise:
    """The exercise of a name.

    Raises:
        ParameterError: There is none; the nearest is named.

    Example:
        >>> from nbutils.exercises import find_exercise
        >>> find_exercise("soft-target").parameters
        ('logits', 'temperature')
    """
    known = exercises()
    if name not in known:
        near = get_close_matches(str(name), known, n=1)
        instead = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
        raise ParameterError(f"no exercise {name!r}: {instead}")
    return known[name]
