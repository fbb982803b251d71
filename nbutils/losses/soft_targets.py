"""Losses on the teacher's class scores: soft targets and their limit, the logits."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from nbutils.errors import ParameterError
from nbutils.losses.base import Loss
from nbutils.losses.fidelity import Fidelity, prediction_divergence
from nbutils.losses.signals import Signals

_IN_UNIT = ("student.output", "teacher.logits", "teacher.logit_unit")


class SoftTargetLoss(Loss):
    """Cross-entropy with the teacher's softened prediction (Hinton et al. 2015; rows "soft t" of Fig. 3).

    H(softmax(teacher / t), softmax(student / t)), less the teacher's entropy, so that a perfect student has 0. Of an
    ensemble, the softened predictions of its networks are averaged (Luo et al. 2016, Fig. 5).

    Args:
        temperature: t > 0; 1 keeps the teacher's own distribution, larger flattens it.
        scale_by_squared_temperature: Multiply by t². The gradient of the plain loss shrinks as 1/t²; scaling
            keeps one learning rate right for every t (Hinton et al. 2015, section 2). The papers do not say
            whether they did.
        in_unit: Whether the student's output is its logits divided by the teacher's `logit_unit` u
            (`nbutils.training.target_units`), and the loss multiplied by N / u². Then it starts near ½ whatever the
            teacher, and its limit for t → ∞ is `NeuronLoss` of the divided logits.

    Raises:
        ParameterError: If the temperature is not positive.

    Example:
        >>> import torch
        >>> from nbutils.losses import Signals, SoftTargetLoss
        >>> logits = torch.tensor([[2.0, 0.0, -1.0]])
        >>> signals = Signals.of(student={"output": logits + 5}, teacher={"logits": logits, "each": logits[None]})
        >>> abs(float(SoftTargetLoss(temperature=3)(signals))) < 1e-6  # a shift of all logits predicts the same
        True
    """

    reads: tuple[str, ...] = ("student.output", "teacher.logits")
    output_like = "teacher.logits"

    def __init__(
        self, temperature: float = 1.0, *, scale_by_squared_temperature: bool = True, in_unit: bool = False
    ) -> None:
        super().__init__()
        if not temperature > 0:
            raise ParameterError(f"temperature must be above 0, got {temperature}")
        self.temperature = self.temperature_read = temperature
        self.scale = temperature**2 if scale_by_squared_temperature else 1.0
        self.in_unit = in_unit
        if in_unit:
            self.reads = _IN_UNIT

    def forward(self, signals: Signals) -> Tensor:
        """Returns the mean over the batch, in nats (times t² where scaled, and times N / u² in the unit u)."""
        logits, weight = _student_logits(signals, in_unit=self.in_unit)
        student = F.log_softmax(logits / self.temperature, dim=1)
        teacher = soft_targets_of(signals, self.temperature)
        divergence = F.kl_div(student, teacher, reduction="none", log_target=True).sum(dim=1, keepdim=True)
        loss: Tensor = self.scale * (weight * divergence).mean()
        return loss

    def fidelity(self, signals: Signals) -> Fidelity:
        """KL divergence of the predictions."""
        return divergence_from_teacher(signals, in_unit=self.in_unit)


def softened(logits: Tensor, each: Tensor | None, temperature: float) -> Tensor:
    """Logarithms of the soft targets.

    Args:
        logits: (B, N) of a single teacher.
        each: (K, B, N) of the networks of an ensemble, whose predictions are averaged; None for a single teacher.
        temperature: t > 0.

    Returns:
        (B, N) log softmax(logits / t), or the logarithm of its mean over networks.
    """
    if each is None:
        return F.log_softmax(logits.float() / temperature, dim=1)
    return torch.logsumexp(F.log_softmax(each.float() / temperature, dim=2), dim=0) - math.log(len(each))


class LogitsLoss(Loss):
    """Regression of the teacher's zero-mean logits (Ba & Caruana 2014; the row "logits" of Fig. 3).

    1/(2N) Σ (a_T − mean a_T − a_S + mean a_S)² for each image: what t² times the soft-target loss tends to as
    t → ∞ (Hinton et al. 2015, section 2.1). Of an ensemble, it reads the mean logits: the same limit.

    Args:
        in_unit: See `SoftTargetLoss`.

    Example:
        >>> import torch
        >>> from nbutils.losses import LogitsLoss, Signals
        >>> student, teacher = torch.tensor([[5.0, 5.0]]), torch.tensor([[1.0, -1.0]])
        >>> float(LogitsLoss()(Signals.of(student={"output": student}, teacher={"logits": teacher})))
        0.5
    """

    reads: tuple[str, ...] = ("student.output", "teacher.logits")
    output_like = "teacher.logits"

    def __init__(self, *, in_unit: bool = False) -> None:
        super().__init__()
        self.in_unit = in_unit
        if in_unit:
            self.reads = _IN_UNIT

    def forward(self, signals: Signals) -> Tensor:
        """Returns the mean over the batch (times N / u² in the unit u)."""
        logits, weight = _student_logits(signals, in_unit=self.in_unit)
        difference = logits - signals.teacher.logits.float()
        centred: Tensor = difference - difference.mean(dim=1, keepdim=True)
        return 0.5 * (weight * centred.square()).mean()

    def fidelity(self, signals: Signals) -> Fidelity:
        """KL divergence of the predictions."""
        return divergence_from_teacher(signals, in_unit=self.in_unit)


def divergence_from_teacher(signals: Signals, *, in_unit: bool = False) -> Fidelity:
    """KL divergence of the student's predictions from the teacher's, of an ensemble from their average."""
    return prediction_divergence(_student_logits(signals, in_unit=in_unit)[0], soft_targets_of(signals, 1.0))


def _student_logits(signals: Signals, *, in_unit: bool) -> tuple[Tensor, Tensor | float]:
    """(B, N) logits of the student, and the weight of each image's loss: (B, 1), or 1."""
    output: Tensor = signals.student.output.float()
    if not in_unit:
        return output, 1.0
    unit: Tensor = signals.teacher.logit_unit
    return unit * output, output.shape[1] / unit**2


def soft_targets_of(signals: Signals, temperature: float) -> Tensor:
    """`softened` predictions of the signals' teacher, of an ensemble averaged: (B, N) logarithms."""
    each = signals.teacher.each if "each" in signals.teacher else None
    return softened(signals.teacher.logits, each, temperature)
