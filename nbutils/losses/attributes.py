"""Attributes as extra supervision."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from nbutils.losses.signals import Signals


class AttributeLoss(nn.Module):
    """Cross-entropy with the attributes of each face (the row "1-of-K" with attributes of Luo et al. 2016).

    The paper does not say how attributes enter. Here a linear layer on the top hidden layer predicts each of them.
    """

    reads: ClassVar[tuple[str, ...]] = ("attributes",)

    def forward(self, signals: Signals) -> Tensor:
        """Returns the mean over batch and attributes, in nats."""
        logits, wanted = signals.require("attribute_logits"), signals.require("attributes")
        return F.binary_cross_entropy_with_logits(logits.float(), wanted.float())
