"""Which trainings go together: those that see the same batches and learn from the same teacher."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import psutil
import torch

from nbutils.gpu import best_device
from nbutils.training.base import digest
from nbutils.training.devices import processes
from nbutils.training.spec import TrainingSpec

if TYPE_CHECKING:
    from nbutils.training.preparation import Prepared

#: Of a schedule, what decides which images a batch holds, and how they are cut.
_OF_BATCHES = {"epochs", "batch_size", "images_per_identity", "mirror"}
#: Copies of a network's parameters while it is trained: weights, gradients, momentum, and the state that is written.
_COPIES = 4
#: Share of the free memory that the networks of a group may take.
_SHARE = 0.25


def group_key(spec: TrainingSpec) -> str:
    """Equal for trainings whose batches and teachers are the same.

    Example:
        >>> from nbutils.papers import face_data
        >>> from nbutils.papers.luo2016 import fig3
        >>> from nbutils.training.groups import group_key
        >>> rows = fig3(face_data("synthetic", preset="smoke"), "smoke")
        >>> [group_key(rows[name]) == group_key(rows["neurons"]) for name in ("logits", "1-of-K")]
        [True, False]
    """
    return digest(
        {
            "data": spec.data.model_dump(mode="json"),
            "batches": spec.schedule.model_dump(mode="json", include=_OF_BATCHES),
            "input": spec.model.input_size,
            "teachers": [teacher.key for teacher in spec.teacher],
            "initialise from": spec.initialise_from.key if spec.initialise_from else None,
            "precision": spec.precision,
            "seed": spec.seed,
        }
    )


def grouped(specs: Sequence[TrainingSpec]) -> list[dict[str, TrainingSpec]]:
    """Distinct trainings by their keys, those together that can be; of several processes, each alone.

    Example:
        >>> from nbutils.papers import face_data
        >>> from nbutils.papers.luo2016 import fig3
        >>> from nbutils.training.groups import grouped
        >>> rows = fig3(face_data("synthetic", preset="smoke"), "smoke")
        >>> [[spec.name for spec in group.values()] for group in grouped(list(rows.values()))]
        [['T1', '1-of-K'], ['soft t=1', 'soft t=10', 'logits', 'neurons', 'selection']]
    """
    groups: dict[str, dict[str, TrainingSpec]] = {}
    for spec in specs:
        name = group_key(spec) if processes() == 1 else spec.key
        groups.setdefault(name, {}).setdefault(spec.key, spec)
    return list(groups.values())


def fitting(prepared: Sequence[Prepared]) -> Iterator[list[Prepared]]:
    """Splits a group into parts whose networks fit into memory together."""
    device = best_device()
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    part: list[Prepared] = []
    taken = 0
    for each in prepared:
        needed = _COPIES * sum(parameter.nbytes for parameter in each.task.model.parameters())
        if part and taken + needed > _SHARE * free:
            yield part
            part, taken = [], 0
        part.append(each)
        taken += needed
    yield part
