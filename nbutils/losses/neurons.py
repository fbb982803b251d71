"""Eq. 1 of Luo et al. 2016: regress the teacher's neurons."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from nbutils.losses.signals import Signals


class NeuronLoss(nn.Module):
    """L(D) = 1/(2M) Σ_i ‖f_i − g(I_i; W)‖² over the M images of a batch (Luo et al. 2016, Eq. 1).

    f_i are the teacher's neurons, all or the selected ones, after ReLU; g is the student's output.
    """

    reads: ClassVar[tuple[str, ...]] = ("teacher_neurons",)

    def forward(self, signals: Signals) -> Tensor:
        """Returns the sum over neurons, averaged over the batch."""
        difference = signals.require("teacher_neurons").float() - signals.output.float()
        return 0.5 * difference.square().sum(dim=1).mean()
