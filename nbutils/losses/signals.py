"""What a loss may read in one training step."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from nbutils.errors import ParameterError


@dataclass
class Signals:
    """Everything known about a batch of B images once the student, and the teacher if any, have seen it.

    Attributes:
        output: (B, N) the student's last layer.
        features: (B, F) the student's top hidden layer.
        supervision: Logits (B, N) of each deep-supervision head.
        label: (B,) int64 identities.
        teacher_logits: (B, N) the teacher's logits; of an ensemble, their mean.
        ensemble_logits: (K, B, N) the logits of each network of an ensemble; None of a single teacher.
        teacher_neurons: (B, M) the teacher's chosen neurons, after ReLU.
        teacher_features: (B, F_T) the teacher's whole top hidden layer.
        points: (B, 5, 2) the student's key points, in units of half the input from its centre.
        landmarks: (B, 5, 2) the true ones, likewise.
        middle: (B, C, h, w) the student's map half way up.
        teacher_middle: (B, C_T, h, w) the teacher's.
        attribute_logits: (B, A) the student's, of its attribute head.
        attributes: (B, A) bool, the true ones.
    """

    output: Tensor
    features: Tensor
    supervision: tuple[Tensor, ...] = ()
    label: Tensor | None = None
    teacher_logits: Tensor | None = None
    teacher_neurons: Tensor | None = None
    teacher_features: Tensor | None = None
    points: Tensor | None = None
    landmarks: Tensor | None = None
    middle: Tensor | None = None
    teacher_middle: Tensor | None = None
    ensemble_logits: Tensor | None = None
    attribute_logits: Tensor | None = None
    attributes: Tensor | None = None

    def require(self, name: str) -> Tensor:
        """Returns the tensor `name`, or raises `ParameterError` where this batch lacks it."""
        value: Tensor | None = getattr(self, name)
        if value is None:
            raise ParameterError(f"the objective reads '{name}', which this training does not provide")
        return value
