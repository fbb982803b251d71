"""The distinct trainings behind all runs of a sweep, and which must come before which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from nbutils.batch.planned_trainings import notebook_trainings
from nbutils.batch.sweeps.grid import SweepRun
from nbutils.data.spec import DataSize, DataSpec
from nbutils.training.plan import content_of
from nbutils.training.spec import TrainingSpec


@dataclass(frozen=True)
class SweepGraph:
    """Trainings, each once, and the runs that read them.

    Attributes:
        specs: Every distinct training by its key, predecessors before those that need them.
        after: Key to the keys of the trainings that must come before it.
        wanted: For each run, the keys of all trainings behind it.
        sizes: Sizes of data that are not to be loaded; see `nbutils.training.plan.plan`.
    """

    specs: Mapping[str, TrainingSpec]
    after: Mapping[str, tuple[str, ...]]
    wanted: Sequence[tuple[str, ...]]
    sizes: Mapping[DataSpec, DataSize]

    @property
    def asked(self) -> int:
        """Trainings as the runs would do them, each for itself."""
        return sum(len(keys) for keys in self.wanted)

    @property
    def widths(self) -> list[int]:
        """How many trainings have no predecessor, how many have those alone, and so on."""
        depth: dict[str, int] = {}
        for key in self.specs:  # in an order in which they can run
            depth[key] = 1 + max((depth[before] for before in self.after[key]), default=-1)
        counts = Counter(depth.values())
        return [counts[level] for level in range(len(counts))]


def sweep_graph(runs: Iterable[SweepRun], *, key: Callable[[TrainingSpec], str] | None = None) -> SweepGraph:
    """Collects the trainings behind runs.

    Args:
        runs: See `sweep_runs`.
        key: What tells trainings apart; None: the key under which the store holds them, for which their data must be
            there. `nbutils.training.plan.content_of` needs no data.

    Raises:
        ParameterError: A parameter is out of its range.
        DataError: The data of a training cannot be read.

    Example:
        >>> from pathlib import Path
        >>> from nbutils.batch import Sweep, sweep_graph, sweep_runs
        >>> from nbutils.paths import notebooks_dir
        >>> sweep = Sweep(notebooks=("luo2016/02", "luo2016/05"), parameters={"preset": "smoke"})
        >>> graph = sweep_graph(sweep_runs(sweep, notebooks_dir(), Path.cwd()))
        >>> graph.asked - len(graph.specs)  # both notebooks read T1
        1
    """
    name_of = key or (lambda spec: spec.key)
    known: dict[str, str] = {}
    specs: dict[str, TrainingSpec] = {}
    after: dict[str, tuple[str, ...]] = {}
    sizes: dict[DataSpec, DataSize] = {}

    def add(spec: TrainingSpec) -> str:
        content = content_of(spec)
        if content not in known:
            before = tuple(dict.fromkeys(add(predecessor) for predecessor in spec.predecessors))
            known[content] = name_of(spec)
            specs.setdefault(known[content], spec)
            after.setdefault(known[content], before)
        return known[content]

    wanted: list[tuple[str, ...]] = []
    for run in runs:
        trainings, of_paper = notebook_trainings(run.name, run.parameters)
        sizes |= of_paper
        behind: dict[str, None] = {}
        for found in map(add, trainings):
            _collect(found, after, behind)
        wanted.append(tuple(behind))
    return SweepGraph(specs, after, wanted, sizes)


def _collect(key: str, after: Mapping[str, tuple[str, ...]], found: dict[str, None]) -> None:
    """Adds a training after all that come before it."""
    if key not in found:
        for before in after[key]:
            _collect(before, after, found)
        found[key] = None
