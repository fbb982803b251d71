"""Which settings of an explorer are answered beforehand, for pages that have no kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

#: The module that draws explorers, and its style sheet.
MODULE, STYLE = (Path(__file__).with_name(f"explorer.{kind}") for kind in ("js", "css"))
#: Type of the part of an output that holds an explorer's answers.
STATES = "application/vnd.nbutils.explorer+json"
#: Set by whoever executes a notebook for such pages: the most answers that an explorer leaves.
STATES_VARIABLE = "NBUTILS_EXPLORER_STATES"
#: Steps of a slider at most.
_STEPS = 24


def steps_within(sizes: Sequence[int], kinds: Sequence[str], most: int) -> list[int]:
    """How many steps of each control to have, so that all combinations are few: choices whole, sliders in part.

    A slider has 24 at most, and several have as many as each other.

    Args:
        sizes: Steps that the controls have.
        kinds: "slider", or anything else for a choice, which is had whole or, where that were too many, not at all.
        most: Combinations at most.

    Example:
        >>> from nbutils.viz.explorer_states import steps_within
        >>> steps_within([4, 100, 5], ["choice", "slider", "slider"], 64)
        [4, 4, 4]
    """
    counts = [1] * len(sizes)
    for i, (size, kind) in enumerate(zip(sizes, kinds, strict=True)):
        if kind != "slider" and math.prod(counts) * size <= most:
            counts[i] = size
    sliders = [i for i, kind in enumerate(kinds) if kind == "slider"]
    while True:
        growing = (
            [*counts[:i], counts[i] + 1, *counts[i + 1 :]]
            for i in sorted(sliders, key=lambda i: counts[i])
            if counts[i] < min(sizes[i], _STEPS)
        )
        longer = next((grown for grown in growing if math.prod(grown) <= most), None)
        if longer is None:
            return counts
        counts = longer


def evenly(size: int, count: int, at: int) -> list[int]:
    """`count` of `size` positions, evenly spaced but for the nearest to `at`, in whose place that one is.

    Example:
        >>> from nbutils.viz.explorer_states import evenly
        >>> evenly(101, 5, at=30)
        [0, 30, 50, 75, 100]
    """
    places = [round(i * (size - 1) / max(count - 1, 1)) for i in range(count)]
    nearest = min(range(count), key=lambda i: abs(places[i] - at))
    places[nearest] = at
    return sorted(places)
