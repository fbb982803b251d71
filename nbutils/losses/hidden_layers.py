"""Imitation of hidden layers: the teacher's last one (Wang & Lan 2017), or one half way up (FitNets)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from nbutils.errors import ParameterError
from nbutils.losses.base import Loss
from nbutils.losses.fidelity import Fidelity, r_squared
from nbutils.losses.signals import Signals


class HiddenLoss(Loss):
    """Ψ(K_S, K_T) = ‖M K_S − K_T‖² for each neuron of the teacher's last hidden layer (Wang & Lan 2017, Eqs. 5, 7, 9).

    The widths differ (2048/k against 2048), and the paper does not say how they meet: M is a linear map, learned
    with the student and dropped afterwards; between equal widths it is the identity. The mean over neurons, rather
    than their sum, keeps β = 1 on the scale of the other terms whatever the width: of 2,048 neurons it is a 1/2048 of
    the printed sum.

    Example:
        >>> import torch
        >>> from nbutils.losses import HiddenLoss, Signals
        >>> loss = HiddenLoss()
        >>> signals = Signals.of(student={"features": torch.ones(2, 4)}, teacher={"features": torch.ones(2, 6)})
        >>> loss.prepare(signals)  # makes M, from 4 neurons to 6
        >>> loss.map, loss(signals).shape
        (Linear(in_features=4, out_features=6, bias=True), torch.Size([]))
    """

    reads = ("student.features", "teacher.features")

    def __init__(self) -> None:
        super().__init__()
        self.map: nn.Module = nn.Identity()

    def prepare(self, signals: Signals) -> None:
        """Makes the map from the widths of a first batch."""
        own, wanted = signals.student.features.shape[1], signals.teacher.features.shape[1]
        self.map = nn.Identity() if own == wanted else nn.Linear(own, wanted)

    def forward(self, signals: Signals) -> Tensor:
        """Returns the mean over batch and neurons."""
        mapped, target = self.map(signals.student.features.float()), signals.teacher.features.float()
        _check_shapes(mapped, target)
        return F.mse_loss(mapped, target)

    def fidelity(self, signals: Signals) -> Fidelity:
        """R² of the teacher's hidden layer, through the learned map."""
        return r_squared(self.map(signals.student.features.float()), signals.teacher.features)


class HintLoss(Loss):
    """½ ‖r(v) − u‖² for each unit of a middle layer: stage one of FitNets (Romero et al. 2015, Eq. 3).

    u is the teacher's map half way up, v the student's, r a learned 1 × 1 convolution between their channels.

    Example:
        >>> import torch
        >>> from nbutils.losses import HintLoss, Signals
        >>> loss = HintLoss()
        >>> signals = Signals.of(student={"middle": torch.ones(2, 4, 5, 5)}, teacher={"middle": torch.ones(2, 8, 5, 5)})
        >>> loss.prepare(signals)
        >>> loss.regressor
        Conv2d(4, 8, kernel_size=(1, 1), stride=(1, 1))
    """

    reads = ("student.middle", "teacher.middle")

    def __init__(self) -> None:
        super().__init__()
        self.regressor: nn.Module = nn.Identity()

    def prepare(self, signals: Signals) -> None:
        """Makes the regressor from the channels of a first batch."""
        own, wanted = signals.student.middle.shape[1], signals.teacher.middle.shape[1]
        self.regressor = nn.Conv2d(own, wanted, 1)

    def forward(self, signals: Signals) -> Tensor:
        """Returns the mean over batch, channels and positions."""
        regressed, target = self.regressor(signals.student.middle.float()), signals.teacher.middle.float()
        _check_shapes(regressed, target)
        return 0.5 * F.mse_loss(regressed, target)


def _check_shapes(own: Tensor, target: Tensor) -> None:
    if own.shape != target.shape:
        raise ParameterError(f"the student gives {tuple(own.shape)} for the teacher's {tuple(target.shape)}")
