"""Relational knowledge distillation (Park et al. 2019, CVPR): distances and angles between images, not the images."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from nbutils.errors import ParameterError
from nbutils.losses.base import Loss
from nbutils.losses.signals import Signals

Layer = Literal["features", "output"]


class _RelationalLoss(Loss):
    """What both read: the student's representation and the teacher's neurons, of any two widths."""

    def __init__(self, layer: Layer = "features") -> None:
        super().__init__()
        if layer not in ("features", "output"):
            raise ParameterError(f"layer is {layer!r}: expected 'features' or 'output'")
        self.layer = layer
        self.reads = (f"student.{layer}", "teacher.neurons")
        self.output_like = "teacher.neurons" if layer == "output" else None

    def _both(self, signals: Signals) -> tuple[Tensor, Tensor]:
        """(B, F) of the student and (B, M) of the teacher, float32."""
        return getattr(signals.student, self.layer).float(), signals.teacher.neurons.float()


class RKDDistanceLoss(_RelationalLoss):
    """RKD-D: l_δ(ψ(t_i, t_j), ψ(s_i, s_j)) over the pairs of a batch, ψ(a, b) = ‖a − b‖ / μ (Park et al. 2019).

    μ is the mean distance of the batch's pairs, the student's own and the teacher's own, so that the scale of neither
    counts. l_δ is the Huber loss with δ = 1. The paper writes a sum over pairs; the mean keeps a weight right for
    every size of batch. A batch of one image has no pair, and costs nothing.

    Args:
        layer: The student's representation: its "features", or its "output" where this regresses the teacher's
            neurons.

    Raises:
        ParameterError: If the layer is neither.

    Example:
        >>> import torch
        >>> faces = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> signals = Signals.of(student={"features": 5 * faces}, teacher={"neurons": faces})
        >>> round(float(RKDDistanceLoss()(signals)), 6)
        0.0
    """

    def forward(self, signals: Signals) -> Tensor:
        """Returns the mean over pairs."""
        student, teacher = self._both(signals)
        if len(student) < 2:
            return student.sum() * 0.0
        return F.huber_loss(_relative_distances(student), _relative_distances(teacher))


class RKDAngleLoss(_RelationalLoss):
    """RKD-A: l_δ(ψ(t_i, t_j, t_k), ψ(s_i, s_j, s_k)) over triplets, ψ(a, b, c) = cos ∠abc (Park et al. 2019).

    The angle is that at b, between the directions to a and c; l_δ is the Huber loss with δ = 1. The paper writes a sum
    over triplets; here it is the mean over those of three different images. They are B³ numbers: 8 MB for a batch of
    128. A batch of fewer than three images costs nothing.

    Args:
        layer: See `RKDDistanceLoss`.

    Raises:
        ParameterError: If the layer is neither.

    Example:
        >>> import torch
        >>> faces = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> turned = faces @ torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
        >>> signals = Signals.of(student={"features": turned}, teacher={"neurons": faces})
        >>> round(float(RKDAngleLoss()(signals)), 6)
        0.0
    """

    def forward(self, signals: Signals) -> Tensor:
        """Returns the mean over triplets."""
        student, teacher = self._both(signals)
        if len(student) < 3:
            return student.sum() * 0.0
        return F.huber_loss(_cosines(student), _cosines(teacher))


def _relative_distances(rows: Tensor) -> Tensor:
    """(B (B − 1) / 2) distances of the pairs of (B, F) rows, divided by their mean; all 0 where the rows are equal."""
    distances = F.pdist(rows)
    return distances / distances.mean().clamp(min=1e-12)


def _cosines(rows: Tensor) -> Tensor:
    """(B (B − 1) (B − 2)) cosines of the angles of all triplets of different rows of (B, F)."""
    apart = ~torch.eye(len(rows), dtype=torch.bool, device=rows.device)
    towards = F.normalize(rows[None] - rows[:, None], dim=2)  # [j, i]: from row j to row i
    cosines = towards @ towards.transpose(1, 2)  # [j, i, k]
    return cosines[apart[:, :, None] & apart[:, None, :] & apart[None]]
