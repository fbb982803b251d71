"""DIST, distillation from a stronger teacher (Huang et al. 2022, NeurIPS): correlation in place of equality."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from nbutils.errors import ParameterError
from nbutils.losses.base import Loss
from nbutils.losses.fidelity import Fidelity
from nbutils.losses.signals import Signals
from nbutils.losses.soft_targets import divergence_from_teacher, soft_targets_of


class DISTLoss(Loss):
    """β · mean_i d(Y_S[i, :], Y_T[i, :]) + γ · mean_j d(Y_S[:, j], Y_T[:, j]), d = 1 − Pearson's ρ (Huang et al. 2022).

    Y = softmax(logits / τ), (B, N). The first term compares the classes within an image (inter-class), the second the
    images within a class (intra-class). The sum is multiplied by τ², as in the authors' code, since the gradient of
    softened predictions shrinks with τ. Of an ensemble, the softened predictions are averaged, as in `SoftTargetLoss`.

    ρ is undefined for values that do not vary, such as those of a class in a batch of one image: such values correlate
    fully with others that do not vary, and half with others that do.

    Args:
        temperature: τ > 0.
        inter: β, at least 0.
        intra: γ, at least 0.

    Raises:
        ParameterError: If the temperature or a weight is out of its range.

    Example:
        >>> import torch
        >>> teacher = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
        >>> signals = Signals.of(student={"output": teacher + 3}, teacher={"logits": teacher})
        >>> round(float(DISTLoss()(signals)), 6)
        0.0
    """

    reads = ("student.output", "teacher.logits")
    output_like = "teacher.logits"

    def __init__(self, temperature: float = 1.0, inter: float = 1.0, intra: float = 1.0) -> None:
        super().__init__()
        if not temperature > 0:
            raise ParameterError(f"temperature must be above 0, got {temperature}")
        if not (0 <= inter < float("inf") and 0 <= intra < float("inf")):
            raise ParameterError(f"inter and intra are {inter} and {intra}: expected finite weights of at least 0")
        self.temperature, self.inter, self.intra = temperature, inter, intra

    def forward(self, signals: Signals) -> Tensor:
        """Returns the weighted sum of the means over images and over classes."""
        teacher = soft_targets_of(signals, self.temperature).exp()
        student = F.softmax(signals.student.output.float() / self.temperature, dim=1)
        inter = correlation_distance(student, teacher).mean()
        intra = correlation_distance(student.T, teacher.T).mean()
        return self.temperature**2 * (self.inter * inter + self.intra * intra)

    def fidelity(self, signals: Signals) -> Fidelity:
        """KL divergence of the predictions."""
        return divergence_from_teacher(signals)


def correlation_distance(first: Tensor, second: Tensor) -> Tensor:
    """1 − Pearson's correlation of each row of two (R, C) tensors.

    Returns:
        (R,) in [0, 2]; as half the squared distance of the standardised rows, which is the same and has no rounding
        error between equal rows.
    """
    standardised = [F.normalize(rows - rows.mean(dim=1, keepdim=True), dim=1) for rows in (first, second)]
    return 0.5 * (standardised[0] - standardised[1]).square().sum(dim=1)
