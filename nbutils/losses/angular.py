"""ShrinkTeaNet's angular distillation (Duong et al. 2019, arXiv:1905.10620): the direction of the features alone."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from nbutils.losses.base import Loss
from nbutils.losses.signals import Signals


class AngularLoss(Loss):
    """(1 − cos(M s, t))² for each image, s the student's features and t the teacher's neurons (Duong et al. 2019).

    The length of neither counts, only the direction. Where the widths differ, M is a linear map without bias, learned
    with the student and dropped afterwards; between equal widths it is the identity. The paper distils the directions
    of maps half way up too; this is the loss on the last features.

    Example:
        >>> import torch
        >>> student, teacher = torch.tensor([[3.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [2.0, 0.0]])
        >>> float(AngularLoss()(Signals.of(student={"features": student}, teacher={"neurons": teacher})))
        0.5
    """

    reads = ("student.features", "teacher.neurons")

    def __init__(self) -> None:
        super().__init__()
        self.map: nn.Module = nn.Identity()

    def prepare(self, signals: Signals) -> None:
        """Makes the map from the widths of a first batch."""
        own, wanted = signals.student.features.shape[1], signals.teacher.neurons.shape[1]
        self.map = nn.Identity() if own == wanted else nn.Linear(own, wanted, bias=False)

    def forward(self, signals: Signals) -> Tensor:
        """Returns the mean over the batch."""
        mapped: Tensor = self.map(signals.student.features.float())
        cosine = F.cosine_similarity(mapped, signals.teacher.neurons.float())
        return (1 - cosine).square().mean()
