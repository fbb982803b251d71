"""Eq. 1 of Luo et al. 2016: regress the teacher's neurons."""

from __future__ import annotations

from torch import Tensor

from nbutils.losses.base import Loss
from nbutils.losses.fidelity import Fidelity, r_squared
from nbutils.losses.signals import Signals


class NeuronLoss(Loss):
    """L(D) = 1/(2M) Σ_i ‖f_i − g(I_i; W)‖² over the M images of a batch (Luo et al. 2016, Eq. 1).

    f_i are the teacher's neurons, all or the selected ones, after ReLU; g is the student's output. In a training the
    neurons come divided by one number (`nbutils.training.target_units`), which is Eq. 1 up to a constant.

    Example:
        >>> import torch
        >>> from nbutils.losses import NeuronLoss, Signals
        >>> signals = Signals.of(student={"output": torch.zeros(1, 2)}, teacher={"neurons": torch.tensor([[3.0, 4.0]])})
        >>> float(NeuronLoss()(signals))  # half of 3² + 4²
        12.5
    """

    reads = ("student.output", "teacher.neurons")
    output_like = "teacher.neurons"

    def forward(self, signals: Signals) -> Tensor:
        """Returns the sum over neurons, averaged over the batch."""
        difference: Tensor = signals.teacher.neurons.float() - signals.student.output.float()
        return 0.5 * difference.square().sum(dim=1).mean()

    def fidelity(self, signals: Signals) -> Fidelity:
        """R² of the neurons."""
        return r_squared(signals.student.output, signals.teacher.neurons)
