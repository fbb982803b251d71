"""Attributes as extra supervision."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from nbutils.losses.base import Loss
from nbutils.losses.signals import Signals


class AttributeLoss(Loss):
    """Cross-entropy with the attributes of each face (the row "1-of-K" with attributes of Luo et al. 2016).

    The paper does not say how attributes enter. Here a linear layer on the top hidden layer predicts each of them.

    Example:
        >>> import torch
        >>> from nbutils.losses import AttributeLoss, Signals
        >>> predicted, true = torch.zeros(2, 3), torch.ones(2, 3).bool()
        >>> signals = Signals.of(student={"attributes": predicted}, truth={"attributes": true})
        >>> round(float(AttributeLoss()(signals)), 3)  # log 2
        0.693
    """

    reads = ("student.attributes", "truth.attributes")

    def forward(self, signals: Signals) -> Tensor:
        """Returns the mean over batch and attributes, in nats."""
        logits, wanted = signals.student.attributes, signals.truth.attributes
        return F.binary_cross_entropy_with_logits(logits.float(), wanted.float())
