"""The networks behind many cells of tables: each distinct one once, for one seed or several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbutils.errors import ParameterError
from nbutils.training.spec import TrainingSpec
from nbutils.training.store import Store
from nbutils.training.trainer import TrainingResult, train


def distinct_networks(specs: Iterable[TrainingSpec]) -> dict[str, TrainingSpec]:
    """All networks behind `specs` by their keys, each once, predecessors before those that need them.

    Example:
        >>> from nbutils.papers import face_data
        >>> from nbutils.papers.luo2016 import fig3
        >>> from nbutils.training import distinct_networks
        >>> rows = fig3(face_data("synthetic", preset="smoke"), "smoke")
        >>> [spec.name for spec in distinct_networks([rows["selection"]]).values()]  # its teacher comes first
        ['T1', 'selection']
    """
    found: dict[str, TrainingSpec] = {}

    def visit(spec: TrainingSpec) -> None:
        key = spec.key
        if key not in found:
            for predecessor in spec.predecessors:
                visit(predecessor)
            found[key] = spec

    for spec in specs:
        visit(spec)
    return found


@dataclass(frozen=True)
class TrainedCells:
    """Trained networks under the names of cells.

    Attributes:
        results: A cell's name, any value that can be a key, to one result a seed.
        networks: Every distinct network behind them, by its key.
    """

    results: dict[Any, tuple[TrainingResult, ...]]
    networks: dict[str, TrainingResult]

    @property
    def trained_now(self) -> int:
        """How many networks this call trained."""
        return sum(result.trained_now for result in self.networks.values())

    def table(self, title: str) -> dict[Any, tuple[TrainingResult, ...]]:
        """The cells of one table, where names are pairs of a table's title and a cell."""
        return {cell: found for (table, cell), found in self.results.items() if table == title}

    def __str__(self) -> str:
        """How many networks were trained, for a run to state."""
        found = len(self.networks) - self.trained_now
        return (
            f"Cells: {len(self.results)}; distinct networks behind them: {len(self.networks)} "
            f"({self.trained_now} trained now, {found} found in the store, none trained twice)."
        )


def train_cells(
    cells: Sequence[Mapping[Any, TrainingSpec]], *, store: Store | None = None, progress: bool = True
) -> TrainedCells:
    """Trains what the cells of tables need, every distinct network once.

    Args:
        cells: For each seed, the same names of cells and their specs.
        store: See `train`.
        progress: See `train`.

    Raises:
        ParameterError: If there is no seed, or the seeds differ in their cells.
        DataError: See `train`.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from nbutils.data import SyntheticData
        >>> from nbutils.training import ModelSpec, Schedule, Store, Term, TrainingSpec, train_cells
        >>> spec = TrainingSpec(
        ...     name="labels",
        ...     data=SyntheticData(identities=4, images_per_identity=4, validation_images=4, pairs=20),
        ...     model=ModelSpec("MobileIDStudent", options={"width": 4}),
        ...     objective={"labels": Term("LabelLoss")},
        ...     schedule=Schedule(epochs=1),
        ... )
        >>> seeds = [{"labels": spec.model_copy(update={"seed": seed})} for seed in (0, 1)]
        >>> with TemporaryDirectory() as folder:
        ...     found = train_cells(seeds, store=Store(folder), progress=False)
        ...     len(found.results["labels"]), found.trained_now
        (2, 2)
    """
    if not cells or any(set(other) != set(cells[0]) for other in cells):
        raise ParameterError("expected the same cells for every one of at least one seed")
    wanted = distinct_networks(spec for table in cells for spec in table.values())
    networks = dict(zip(wanted, train(wanted.values(), store=store, progress=progress), strict=True))
    results = {name: tuple(networks[table[name].key] for table in cells) for name in cells[0]}
    return TrainedCells(results, networks)
