"""Losses on hard labels: the 1-of-K baseline, and deep supervision."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nbutils.losses.signals import Signals


class LabelLoss(nn.Module):
    """Cross-entropy with the identity (the row "1-of-K" of Luo et al. 2016, Fig. 3)."""

    reads: ClassVar[tuple[str, ...]] = ("label",)

    def forward(self, signals: Signals) -> Tensor:
        """Returns the mean over the batch, in nats."""
        return F.cross_entropy(signals.output.float(), signals.require("label"))


class SupervisionLoss(nn.Module):
    """Sum of the cross-entropies of all deep-supervision heads (Luo et al. 2016, Table 1; Sun et al. 2015)."""

    reads: ClassVar[tuple[str, ...]] = ("label",)

    def forward(self, signals: Signals) -> Tensor:
        """Returns the sum over heads of the mean over the batch, in nats."""
        label = signals.require("label")
        losses = [F.cross_entropy(head.float(), label) for head in signals.supervision]
        return torch.stack(losses).sum() if losses else signals.output.new_zeros(())
