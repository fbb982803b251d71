"""What an exercise is: a second implementation, random cases, and the mistakes that are usually made."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

#: What a student hands in: a function of the exercise's arguments.
Answer: TypeAlias = Callable[..., Any]
#: The arguments of one case.
Arguments: TypeAlias = tuple[Any, ...]

#: Random cases that every answer is tried on, besides those that an exercise names.
RANDOM_CASES = 20


@dataclass(frozen=True, eq=False)
class Mistake:
    """A mistake that is often made, as a function that makes it.

    An answer that agrees with `answer` in all cases has made it.

    Attributes:
        says: What is wrong, in a sentence.
        hint: Where to look, on demand; it does not say the answer.
        answer: The wrong function.
    """

    says: str
    hint: str
    answer: Answer


@dataclass(frozen=True, eq=False)
class Exercise:
    """A function to write.

    Attributes:
        name: As `check` takes it.
        reference: The function, by brute force or as the package computes it; its signature is the one asked for.
        draw: Makes the arguments of a random case.
        start: A hint for who does not know how to begin, or whose mistake is not known.
        mistakes: Those known; the first that an answer agrees with is named.
        also: Cases that random ones would seldom hold.
        limit_s: Seconds that an answer may take for all cases together.
    """

    name: str
    reference: Answer
    draw: Callable[[np.random.Generator], Arguments]
    start: str
    mistakes: tuple[Mistake, ...]
    also: tuple[Arguments, ...] = field(default=())
    limit_s: float = 20.0

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the arguments."""
        return tuple(inspect.signature(self.reference).parameters)

    def cases(self) -> list[Arguments]:
        """The arguments of all cases, the same each time."""
        return [*self.also, *(self.draw(np.random.default_rng(seed)) for seed in range(RANDOM_CASES))]
