"""DeepID2+'s verification signal on every supervised layer."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from nbutils.errors import ParameterError
from nbutils.losses.base import Loss
from nbutils.losses.signals import Signals


class ContrastiveLoss(Loss):
    """½‖f_i − f_j‖² of two images of one person, ½ [m − ‖f_i − f_j‖]₊² of two people's (Sun et al. 2014, Eq. 2).

    DeepID2+ has it beside the labels on each of its supervised layers (Sun et al. 2015), which Luo et al. 2016 give as
    a reason for choosing it as a teacher. All pairs of a batch count: the mean over those of one person and the mean
    over the others have equal weight. Features are scaled to length 1, which gives the margin a meaning; the papers
    adapt it as they train.

    Args:
        margin: m, of distances in [0, 2].

    Raises:
        ParameterError: If the margin is not in (0, 2].

    Example:
        >>> import torch
        >>> from nbutils.losses import ContrastiveLoss, Signals
        >>> layer = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
        >>> signals = Signals.of(student={"supervised": (layer,)}, truth={"identity": torch.tensor([0, 0, 1])})
        >>> round(float(ContrastiveLoss(margin=1.0)(signals)), 3)  # half of √2², and strangers beyond the margin
        1.0
    """

    reads = ("student.supervised", "truth.identity")

    def __init__(self, margin: float = 1.0) -> None:
        super().__init__()
        if not 0 < margin <= 2:
            raise ParameterError(f"margin is {margin}: expected a value in (0, 2]")
        self.margin = margin

    def forward(self, signals: Signals) -> Tensor:
        """Returns the sum over supervised layers; a kind of pair that the batch lacks counts nothing."""
        identity = signals.truth.identity
        same = identity[:, None] == identity
        of_one, of_two = same.triu(1), (~same).triu(1)
        losses = []
        for layer in signals.student.supervised:
            features = F.normalize(layer.float())
            squares = (2 - 2 * features @ features.T).clamp(min=1e-12)
            far = F.relu(self.margin - squares.sqrt()).square()
            losses += [0.5 * _mean_over(squares, of_one), 0.5 * _mean_over(far, of_two)]
        return torch.stack(losses).sum()


def _mean_over(values: Tensor, chosen: Tensor) -> Tensor:
    """The mean of the chosen values, 0 where there is none."""
    return (values * chosen).sum() / chosen.sum().clamp(min=1)
