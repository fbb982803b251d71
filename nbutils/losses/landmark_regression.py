"""Regression of key points."""

from __future__ import annotations

from torch import Tensor

from nbutils.losses.base import Loss
from nbutils.losses.signals import Signals


class LandmarkLoss(Loss):
    """‖R − y‖² over the ten coordinates of five key points (Wang & Lan 2017, Eqs. 6 and 7).

    Coordinates are in units of half the input from its centre, so that the whole image is −1 … 1.

    Example:
        >>> import torch
        >>> from nbutils.losses import LandmarkLoss, Signals
        >>> predicted, true = torch.zeros(1, 5, 2), torch.full((1, 5, 2), 0.1)
        >>> signals = Signals.of(student={"points": predicted}, truth={"landmarks": true})
        >>> round(float(LandmarkLoss()(signals)), 3)  # ten coordinates, each 0.1 off
        0.1
    """

    reads = ("student.points", "truth.landmarks")

    def forward(self, signals: Signals) -> Tensor:
        """Returns the sum over coordinates, averaged over the batch."""
        difference = signals.student.points.float() - signals.truth.landmarks.float()
        each: Tensor = difference.square().flatten(1).sum(dim=1)
        return each.mean()
