"""What a loss may read in one training step, grouped by whom it comes from: student, teacher, truth."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbutils.errors import ParameterError

_NAMED, _MODULE = re.compile(r"(student|teacher|truth)\.(\w+)"), re.compile(r"(student|teacher)(\[[^\[\]]+\])")


class Given:
    """What one of student, teacher and truth gives for a batch of B images.

    A named signal is an attribute (`given.features`); what a module returned is an item, by the module's dotted path
    (`given["layer3.0"]`).

    Args:
        who: "student", "teacher" or "truth", for errors.
        named: Signals by name; a module's under its path in brackets, "[layer3.0]". What is None is not given.
    """

    def __init__(self, who: str, named: Mapping[str, Any] | None = None) -> None:
        self._who = who
        self._named = {name: value for name, value in (named or {}).items() if value is not None}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (tensors, tuples of them, numbers)
        """The signal `name`; raises `ParameterError` where it is not given."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self._value(name)

    def __getitem__(self, path: str) -> Any:  # noqa: ANN401 (what the module returned)
        """What the module at `path` returned; raises `ParameterError` where no loss reads it."""
        return self._value(f"[{path}]")

    def __contains__(self, name: str) -> bool:
        """Whether the signal `name` is given."""
        return name in self._named

    def _value(self, name: str) -> Any:  # noqa: ANN401
        if name not in self._named:
            raise ParameterError(
                f"the objective reads {as_read(self._who, name)}, which is not given: the {self._who} gives "
                f"{', '.join(as_read(self._who, known) for known in self._named) or 'nothing'}"
            )
        return self._named[name]


@dataclass(frozen=True)
class Signals:
    """Everything known about a batch of B images once the student, and the teacher if any, have seen it.

    Attributes:
        student: The fields of its `Outputs`: `output` (B, N), `features` (B, F), and what else the network returns.
        teacher: `neurons` (B, M), the chosen ones, in a training divided by one number
            (`nbutils.training.target_units`); `features` (B, F_T), all of them; `logits` (B, N) where it has them, of
            an ensemble their mean; `logit_unit` (B, 1), the one number by which losses may divide them; `each`
            (K, B, N), the logits of each network of an ensemble; of a single network also what else it returns, by
            name.
        truth: `identity` (B,) int64; `index` (B,) int64, positions in the training set; `images` and `identities`,
            their numbers in the training set; `attributes` (B, A) bool and `landmarks` (B, 5, 2), in units of half
            the input from its centre, where the data have them.
    """

    student: Given
    teacher: Given
    truth: Given

    @classmethod
    def of(
        cls,
        student: Mapping[str, Any] | None = None,
        teacher: Mapping[str, Any] | None = None,
        truth: Mapping[str, Any] | None = None,
    ) -> Signals:
        """Signals made by hand, to compute a loss on.

        Args:
            student: By name; a module's output under its path in brackets, "[layer3.0]".
            teacher: Likewise.
            truth: By name.

        Example:
            >>> import torch
            >>> from nbutils.losses import LabelLoss
            >>> signals = Signals.of(student={"output": torch.zeros(2, 4)}, truth={"identity": torch.tensor([0, 3])})
            >>> round(float(LabelLoss()(signals)), 3)  # log 4
            1.386
        """
        return cls(Given("student", student), Given("teacher", teacher), Given("truth", truth))


def parse_read(read: str) -> tuple[str, str]:
    """Whom a signal comes from, and its name there.

    Args:
        read: "student.features", "truth.identity", or of a module "teacher[layer3.0]".

    Returns:
        For instance ("student", "features") or ("teacher", "[layer3.0]").

    Raises:
        ParameterError: It is neither.
    """
    found = _NAMED.fullmatch(read) or _MODULE.fullmatch(read)
    if found is None:
        raise ParameterError(
            f"reads names {read!r}: expected 'student.…', 'teacher.…' or 'truth.…' with the signal's name, "
            "or 'student[…]' or 'teacher[…]' with a module's path"
        )
    return found[1], found[2]


def as_read(who: str, name: str) -> str:
    """The inverse of `parse_read`."""
    return f"{who}{name}" if name.startswith("[") else f"{who}.{name}"
