"""How long a graph of trainings takes on so many workers, from the seconds of each."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Simulated:
    """A graph on some workers.

    Attributes:
        workers: How many.
        seconds: From the first start to the last end.
        idle: Share of the workers' time in which they have nothing to do.
    """

    workers: int
    seconds: float
    idle: float


def critical_path(seconds: Mapping[str, float], after: Mapping[str, Sequence[str]]) -> float:
    """Seconds of the longest chain of trainings: no number of workers is faster.

    Args:
        seconds: Of each training, predecessors before those that need them.
        after: Training to those that must come before it.

    Example:
        >>> critical_path({"T": 5, "a": 2, "b": 3}, {"T": (), "a": ("T",), "b": ("T",)})
        8.0
    """
    end: dict[str, float] = {}
    for key, own in seconds.items():
        end[key] = own + max((end[before] for before in after[key]), default=0.0)
    return float(max(end.values(), default=0.0))


def longest_rest(seconds: Mapping[str, float], after: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """For each training, the seconds of the longest chain that begins with it."""
    rest = dict(seconds)
    for key in reversed(list(seconds)):
        for before in after[key]:
            rest[before] = max(rest[before], seconds[before] + rest[key])
    return rest


def simulate(seconds: Mapping[str, float], after: Mapping[str, Sequence[str]], workers: int) -> Simulated:
    """List scheduling: a free worker takes, of all trainings that can start, one with the longest chain behind it.

    Args:
        seconds: See `critical_path`.
        after: See `critical_path`.
        workers: Trainings at once.

    Example:
        >>> simulate({"T": 5, "a": 2, "b": 3}, {"T": (), "a": ("T",), "b": ("T",)}, workers=2)
        Simulated(workers=2, seconds=8.0, idle=0.375)
    """
    rest = longest_rest(seconds, after)
    waiting = {key: len(set(after[key])) for key in seconds}
    then: dict[str, list[str]] = {key: [] for key in seconds}
    for key in seconds:
        for before in set(after[key]):
            then[before].append(key)
    place = {key: number for number, key in enumerate(seconds)}
    ready = [(-rest[key], place[key], key) for key, count in waiting.items() if not count]
    heapq.heapify(ready)
    running: list[tuple[float, int, str]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < workers:
            _, number, key = heapq.heappop(ready)
            heapq.heappush(running, (now + seconds[key], number, key))
        now, _, ended = heapq.heappop(running)
        for key in then[ended]:
            waiting[key] -= 1
            if not waiting[key]:
                heapq.heappush(ready, (-rest[key], place[key], key))
    offered = now * workers
    idle = 1 - sum(seconds.values()) / offered if offered else 0.0
    return Simulated(workers, now, max(idle, 0.0))  # two sums of the same seconds differ in their last bit
