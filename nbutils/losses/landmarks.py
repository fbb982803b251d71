"""Regression of key points."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from nbutils.losses.signals import Signals


class LandmarkLoss(nn.Module):
    """‖R − y‖² over the ten coordinates of five key points (Wang & Lan 2017, Eqs. 6 and 7).

    Coordinates are in units of half the input from its centre, so that the whole image is −1 … 1.
    """

    reads: ClassVar[tuple[str, ...]] = ("landmarks",)

    def forward(self, signals: Signals) -> Tensor:
        """Returns the sum over coordinates, averaged over the batch."""
        difference = signals.require("points").float() - signals.require("landmarks").float()
        return difference.square().flatten(1).sum(dim=1).mean()
