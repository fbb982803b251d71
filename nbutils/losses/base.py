"""The contract of losses."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from nbutils.losses.fidelity import Fidelity
from nbutils.losses.signals import Signals


class Loss(nn.Module):
    """A term of an objective: an `nn.Module` that says what it reads.

    A subclass sets `reads` and computes a scalar from them. Its parameters are trained with the student and dropped
    afterwards; its buffers, such as a memory bank, live as long as the training and are part of its checkpoints.

    Attributes:
        reads: The signals that it reads: "student.features", "truth.identity", or what a module returns, by its
            dotted path, "teacher[layer3.0]". A loss whose constructor takes a path sets it on itself.
        output_like: The signal that the student's output has as many units as, such as "truth.identity"; None: any.
        needs_matches: Whether a batch must hold several images of an identity.
        temperature_read: The temperature at which alone it reads the teacher's logits; None: not so. Of such
            logits the largest few may be cached (`TrainingSpec.top_k`).

    Example:
        >>> import torch
        >>> class Decay(Loss):
        ...     reads = ("student.features",)
        ...     def forward(self, signals):
        ...         return signals.student.features.square().mean()
        >>> float(Decay()(Signals.of(student={"features": torch.full((2, 3), 2.0)})))
        4.0
    """

    reads: tuple[str, ...] = ()
    output_like: str | None = None
    needs_matches: ClassVar[bool] = False
    temperature_read: float | None = None

    def prepare(self, signals: Signals) -> None:
        """Makes what depends on the widths of the signals: a learned map, a memory bank.

        Called once, before the training, with the signals of a first few images; what it draws follows from the
        training's seed.
        """

    def fidelity(self, signals: Signals) -> Fidelity | None:
        """How near the student came to its teacher, over the signals of many images; None: nothing to compare."""
        return None

    def forward(self, signals: Signals) -> Tensor:
        """Returns a scalar, the mean over the batch."""
        raise NotImplementedError
