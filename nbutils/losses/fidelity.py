"""How near a student comes to its teacher: fidelity, which accuracy does not tell (Stanton et al. 2021)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Fidelity:
    """Agreement of a student with what one term asks of it, over a set of images.

    Attributes:
        measure: "R²", or "KL" in nats.
        value: Of the measure.
        explained: Share of the teacher's variation over images that the student follows: 1 as the teacher does,
            0 as one constant answer would. R² itself; of a KL divergence, one minus its ratio to that of the
            teacher's mean prediction.
    """

    measure: str
    value: float
    explained: float


def r_squared(student: Tensor, teacher: Tensor) -> Fidelity:
    """R² of (N, M) regressed values over all images and neurons: 1 − Σ‖f − g‖² / Σ‖f − mean f‖².

    Example:
        >>> teacher = torch.tensor([[0.0], [2.0]])
        >>> r_squared(torch.tensor([[0.0], [1.0]]), teacher).value
        0.5
    """
    student, teacher = student.double(), teacher.double()
    total = (teacher - teacher.mean(dim=0)).square().sum()
    value = float(1 - (teacher - student).square().sum() / total) if total > 0 else math.nan
    return Fidelity("R²", value, value)


def prediction_divergence(student: Tensor, wanted: Tensor) -> Fidelity:
    """Mean KL(P_T ‖ P_S) in nats of predictions at t = 1, whatever the temperature they were learned at.

    Args:
        student: (N, C) logits.
        wanted: (N, C) logarithms of the teacher's predictions.

    Example:
        >>> logits = torch.tensor([[2.0, 0.0], [0.0, 2.0]])
        >>> round(prediction_divergence(logits + 1, logits.log_softmax(dim=1)).explained, 6)
        1.0
    """
    wanted = wanted.double()
    mean = torch.logsumexp(wanted, dim=0, keepdim=True) - math.log(len(wanted))
    own = F.log_softmax(student.double(), dim=1)
    value, constant = (
        float((wanted.exp() * (wanted - guess)).nan_to_num(0.0).sum(dim=1).mean()) for guess in (own, mean)
    )
    return Fidelity("KL", value, 1 - value / constant if constant > 0 else math.nan)
