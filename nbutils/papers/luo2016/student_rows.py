"""What the networks of Luo et al. 2016 learn, row by row of the paper's tables, at which rate, and for how long."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from nbutils.data.sources.embedded import SyntheticData
from nbutils.data.spec import DataSpec
from nbutils.training.components import Term
from nbutils.training.spec import Schedule, SelectionSpec

#: T1's learning rate: its best of 0.02 … 0.4 for held-out people of LFW (notebook 11).
T1_RATE = 0.05
#: Least epochs of a teacher where they have few images.
_LEAST_EPOCHS_OF_FEW = 20
#: Images in a student's batch. For held-out people of LFW, ten epochs in batches of 32 are better than sixteen in
#: batches of 128 for every objective, by 1 to 6 points of AUC, and shorter; a teacher is not the better for it.
_STUDENT_BATCHES = {"smoke": 32, "laptop": 32, "paper": 128}


@dataclass(frozen=True)
class Pace:
    """How a student learns one objective on one kind of faces.

    Attributes:
        rate: Learning rate.
        stretch: Epochs, as a multiple of those of a student of neurons.
    """

    rate: float
    stretch: float = 1.0


#: Of what is measured in the teacher's own unit.
_UNIT_PACE, _UNIT_PACE_OF_FEW = Pace(0.1), Pace(0.05)


@dataclass(frozen=True)
class StudentRow:
    """A row of a table: the one objective of its student.

    Notebook 11 tries each objective at the same rates, on held-out people. On LFW, names at 0.03 for ten and sixteen
    epochs give them an AUC of 83.3 and 81.5, at 0.1 for ten 76.6. On the few images of embedded people (a population
    that no notebook shows), names give 86.8 and 86.4 at 0.1 for sixteen and 24 epochs, 84.5 at 0.07 for 32, 85.0 at
    0.05 for 24; soft targets at t = 10 and logits 92.3 and 92.1 at 0.05, 89.6 and 89.8 at 0.1, and they diverge at 0.2.

    Attributes:
        objective: Name of the term, as histories and specs show it.
        term: The term.
        pace: Of photographs, and of all faces at `smoke` and `paper`.
        pace_of_few: Of the laptop preset's embedded people, with three images each.
        taught: Whether the term reads a teacher.
        selection: How the teacher's neurons are chosen; None: all of them.
    """

    objective: str
    term: Term
    pace: Pace = _UNIT_PACE
    pace_of_few: Pace = _UNIT_PACE_OF_FEW
    taught: bool = True
    selection: SelectionSpec | None = None

    def selected(
        self, share: float | None = None, probe: DataSpec | None = None, random: int | None = None
    ) -> StudentRow:
        """The same with a choice of the teacher's neurons.

        Args:
            share: Of the live ones; None: as the selection sees fit.
            probe: Other faces to choose on.
            random: Seed of a random choice in the place of Eq. 2.
        """
        return replace(self, selection=SelectionSpec(share=share, probe=probe, random=random))

    def pace_on(self, data: DataSpec, preset: str) -> Pace:
        """How it is learned on these faces."""
        return self.pace_of_few if _has_few_images(data, preset) else self.pace

    def schedule(self, data: DataSpec, preset: str, epochs: int) -> Schedule:
        """How its student is trained on these faces, where one of neurons is trained for so many epochs."""
        pace, size = self.pace_on(data, preset), _STUDENT_BATCHES[preset]
        return Schedule(epochs=round(pace.stretch * epochs), batch_size=size, learning_rate=pace.rate)


#: Names of the row of chosen neurons: by Eq. 2 as the paper prints it; by the paper's MNIST rule, without attributes.
SELECTION, DROPPED = "selection", "inhibitive dropped"

LABELS = StudentRow("label", Term(kind="LabelLoss"), Pace(0.03), Pace(0.1, 2.4), taught=False)
LOGITS = StudentRow("logits", Term(kind="LogitsLoss", options={"in_unit": True}))
NEURONS = StudentRow("neuron", Term(kind="NeuronLoss"))


def teacher_schedule(data: DataSpec, preset: str, epochs: int, rate: float = T1_RATE) -> Schedule:
    """How a teacher is trained on these faces: for so many epochs, in batches of 128.

    On the few images of the laptop preset's embedded people for twenty epochs at least, in batches half as large.

    Example:
        >>> from nbutils.papers import face_data
        >>> from nbutils.papers.luo2016 import teacher_schedule
        >>> teacher_schedule(face_data("synthetic"), "laptop", 16).epochs
        20
    """
    batch = 32 if preset == "smoke" else 128
    if _has_few_images(data, preset):
        epochs, batch = max(epochs, _LEAST_EPOCHS_OF_FEW), batch // 2
    return Schedule(epochs=epochs, batch_size=batch, learning_rate=rate)


def chosen_neurons_row(
    share: float, probe: DataSpec | None, *, has_attributes: bool, neurons: StudentRow = NEURONS
) -> dict[str, StudentRow]:
    """The row of the chosen neurons: by Eq. 2, or where no attributes are at hand, under the name of what is done.

    Args:
        share: Of the live neurons, for Eq. 2.
        probe: Other faces to choose on.
        has_attributes: Whether the training's own faces have attributes.
        neurons: The row of all of them.

    Example:
        >>> from nbutils.papers.luo2016 import T1_CHOSEN, chosen_neurons_row
        >>> list(chosen_neurons_row(T1_CHOSEN, None, has_attributes=False))
        ['inhibitive dropped']
    """
    if probe is None and not has_attributes:
        return {DROPPED: neurons.selected()}
    return {SELECTION: neurons.selected(share, probe)}


def chosen_row(rows: Iterable[str]) -> str:
    """The name of the row whose student regresses chosen neurons.

    Example:
        >>> from nbutils.papers.luo2016 import chosen_row
        >>> chosen_row(["T1", "neurons", "inhibitive dropped"])
        'inhibitive dropped'
    """
    return next(name for name in rows if name in (SELECTION, DROPPED))


def soft_targets(temperature: int) -> StudentRow:
    """The row "soft t=…": the teacher's predictions at one temperature; hot ones in the unit of its logits.

    Example:
        >>> from nbutils.papers.luo2016 import soft_targets
        >>> soft_targets(5).term.options
        {'temperature': 5.0, 'in_unit': True}
    """
    options: dict[str, Any] = {"temperature": float(temperature)}
    if temperature > 1:
        return StudentRow("softtarget", Term("SoftTargetLoss", options=options | {"in_unit": True}))
    return StudentRow("softtarget", Term("SoftTargetLoss", options=options), Pace(0.05))


def _has_few_images(data: DataSpec, preset: str) -> bool:
    """Whether these are the laptop preset's embedded faces, with three images of each person."""
    return preset == "laptop" and isinstance(data, SyntheticData)
