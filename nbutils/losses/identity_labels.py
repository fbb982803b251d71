"""Losses on hard labels: the 1-of-K baseline, and deep supervision."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from nbutils.losses.base import Loss
from nbutils.losses.signals import Signals


class LabelLoss(Loss):
    """Cross-entropy with the identity (the row "1-of-K" of Luo et al. 2016, Fig. 3).

    Example:
        >>> import torch
        >>> from nbutils.losses import LabelLoss, Signals
        >>> signals = Signals.of(student={"output": torch.tensor([[9.0, 0.0]])}, truth={"identity": torch.tensor([0])})
        >>> round(float(LabelLoss()(signals)), 4)
        0.0001
    """

    reads = ("student.output", "truth.identity")
    output_like = "truth.identity"

    def forward(self, signals: Signals) -> Tensor:
        """Returns the mean over the batch, in nats."""
        return F.cross_entropy(signals.student.output.float(), signals.truth.identity)


class SupervisionLoss(Loss):
    """Sum of the cross-entropies of all deep-supervision heads (Luo et al. 2016, Table 1; Sun et al. 2015).

    Example:
        >>> import torch
        >>> from nbutils.losses import Signals, SupervisionLoss
        >>> heads = (torch.zeros(2, 4), torch.zeros(2, 4))
        >>> signals = Signals.of(student={"supervision": heads}, truth={"identity": torch.tensor([0, 3])})
        >>> round(float(SupervisionLoss()(signals)), 3)  # 2 log 4
        2.773
    """

    reads = ("student.supervision", "truth.identity")
    output_like = "truth.identity"

    def forward(self, signals: Signals) -> Tensor:
        """Returns the sum over heads of the mean over the batch, in nats."""
        heads, identity = signals.student.supervision, signals.truth.identity
        losses = [F.cross_entropy(head.float(), identity) for head in heads]
        return torch.stack(losses).sum()
