"""What the students of Luo et al. 2016 learn, row by row of the paper's tables, and at which rate."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nbutils.training.components import Term
from nbutils.training.spec import SelectionSpec


@dataclass(frozen=True)
class StudentRow:
    """A row of a table: the one objective of its student.

    Attributes:
        objective: Name of the term, as histories and specs show it.
        term: The term.
        learning_rate: The losses differ in scale, so each has its own, chosen on held-out people of LFW's training
            list.
        taught: Whether the term reads a teacher.
        selection: How the teacher's neurons are chosen; None: all of them.
    """

    objective: str
    term: Term
    learning_rate: float
    taught: bool = True
    selection: SelectionSpec | None = None

    def selected(self, count: int | None = None) -> StudentRow:
        """The same with a choice of the teacher's neurons, `count` of them (None: as the selection sees fit)."""
        return replace(self, selection=SelectionSpec(count=count))


LABELS = StudentRow("label", Term(kind="LabelLoss"), 0.1, taught=False)
LOGITS = StudentRow("logits", Term(kind="LogitsLoss"), 0.1)
NEURONS = StudentRow("neuron", Term(kind="NeuronLoss"), 0.2)


def soft_targets(temperature: int) -> StudentRow:
    """The row "soft t=…": the teacher's predictions at one temperature.

    Example:
        >>> from nbutils.papers.luo2016 import soft_targets
        >>> soft_targets(5).term.options
        {'temperature': 5.0}
    """
    return StudentRow("softtarget", Term(kind="SoftTargetLoss", options={"temperature": float(temperature)}), 0.1)
