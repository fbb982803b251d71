"""Lesson 1, distillation by hand: what a teacher's logits say, and the losses that learn it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nbutils.exercises.base import Arguments, Exercise, Mistake
from nbutils.losses import LogitsLoss, Signals, SoftTargetLoss


def _logits(rng: np.random.Generator, rows: int, classes: int) -> Tensor:
    return torch.from_numpy(3 * rng.normal(size=(rows, classes)))


def _size(rng: np.random.Generator) -> tuple[int, int]:
    """(B, K), B unlike K."""
    rows = int(rng.integers(2, 7))
    return rows, rows + int(rng.integers(1, 5))


def _one_teacher(rng: np.random.Generator) -> Arguments:
    return _logits(rng, *_size(rng)), float(rng.uniform(1.5, 6))


def _student_and_teacher(rng: np.random.Generator) -> Arguments:
    size = _size(rng)
    return _logits(rng, *size), _logits(rng, *size)


def _both_and_temperature(rng: np.random.Generator) -> Arguments:
    return *_student_and_teacher(rng), float(rng.uniform(1.5, 6))


def _logits_and_labels(rng: np.random.Generator) -> Arguments:
    rows, classes = 10 * _size(rng)[0], 4
    return _logits(rng, rows, classes), torch.from_numpy(rng.integers(0, classes, rows))


# --- error-rate


def _error_rate(logits: Tensor, labels: Tensor) -> float:
    """Image by image."""
    wrong = 0
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        wrong += row.index(max(row)) != label
    return wrong / len(labels)


_RATE = Exercise(
    "error-rate",
    _error_rate,
    _logits_and_labels,
    start="Which class does each row of the logits prefer? `argmax` has an argument that says along which axis.",
    mistakes=(
        Mistake(
            "This is the share of right answers; the share of wrong ones is asked for.",
            "What should a perfect network get: 0 or 1?",
            lambda logits, labels: 1 - _error_rate(logits, labels),
        ),
        Mistake(
            "This counts the errors; their share is asked for.",
            "With twice as many images, would your number double?",
            lambda logits, labels: len(labels) * _error_rate(logits, labels),
        ),
    ),
)

# --- soft-target


def _soft_target(logits: Tensor, temperature: float) -> Tensor:
    return torch.softmax(logits / temperature, dim=1)


_TARGET = Exercise(
    "soft-target",
    _soft_target,
    _one_teacher,
    start="Divide first, then exponentiate, then make each row sum to 1.",
    also=((torch.tensor([[2000.0, 0.0, -2000.0], [900.0, 901.0, 0.0]], dtype=torch.float64), 1.0),),
    mistakes=(
        Mistake(
            "The temperature is forgotten.",
            "At which place of softmax does t act? Try t = 100: all classes should become equally likely.",
            lambda logits, temperature: torch.softmax(logits, dim=1),
        ),
        Mistake(
            "The temperature sharpens instead of softening.",
            "Does a large t make the logits' differences larger or smaller?",
            lambda logits, temperature: torch.softmax(logits * temperature, dim=1),
        ),
        Mistake(
            "The softmax runs over the wrong axis.",
            "Sum over the columns of one row: is it 1? What do rows and columns stand for?",
            lambda logits, temperature: torch.softmax(logits / temperature, dim=0),
        ),
        Mistake(
            "The temperature comes too late, after the softmax.",
            "Do your rows still sum to 1?",
            lambda logits, temperature: torch.softmax(logits, dim=1) / temperature,
        ),
        Mistake(
            "These are the logarithms of the soft targets.",
            "There is `softmax` and there is `log_softmax`.",
            lambda logits, temperature: torch.log_softmax(logits / temperature, dim=1),
        ),
        Mistake(
            "Large logits give NaN: their exponential is infinite.",
            "softmax does not change if one number is taken from all logits of a row. Which number makes exp safe?",
            lambda logits, temperature: (
                torch.exp(logits / temperature) / torch.exp(logits / temperature).sum(dim=1, keepdim=True)
            ),
        ),
        Mistake(
            "The exponentials are not divided by their sum.",
            "What must the probabilities of one image add up to?",
            lambda logits, temperature: torch.exp(logits / temperature),
        ),
    ),
)

# --- soft-target-loss


def _divergences(student: Tensor, teacher: Tensor, t_student: float, t_teacher: float) -> Tensor:
    """(B,) KL of the student's softened prediction from the teacher's."""
    wanted = torch.log_softmax(teacher / t_teacher, dim=1)
    return (wanted.exp() * (wanted - torch.log_softmax(student / t_student, dim=1))).sum(dim=1)


def _cross_entropy(student: Tensor, teacher: Tensor, t: float) -> Tensor:
    """(B,) of the softened predictions."""
    return -(torch.softmax(teacher / t, dim=1) * torch.log_softmax(student / t, dim=1)).sum(dim=1)


def _soft_target_loss(student_logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """The package's loss, in float64 as far as its own code allows."""
    signals = Signals.of(student={"output": student_logits}, teacher={"logits": teacher_logits})
    loss: Tensor = SoftTargetLoss(temperature)(signals)
    return loss.double()


_SOFT_LOSS = Exercise(
    "soft-target-loss",
    _soft_target_loss,
    _both_and_temperature,
    start="For each image: sum over the classes of P_T (log P_T − log P_S), both softened. Then the mean, then t².",
    mistakes=(
        Mistake(
            "The factor t² is forgotten.",
            "By how much does the gradient shrink when all logits are divided by t, in both networks?",
            lambda s, z, t: _divergences(s, z, t, t).mean(),
        ),
        Mistake(
            "The factor is t, expected t².",
            "One t comes from the derivative of a / t. Where does the second come from?",
            lambda s, z, t: t * _divergences(s, z, t, t).mean(),
        ),
        Mistake(
            "The images are summed, expected their mean.",
            "Should the loss double when the batch does?",
            lambda s, z, t: t**2 * _divergences(s, z, t, t).sum(),
        ),
        Mistake(
            "The mean is over the classes too; over them it is a sum.",
            "A divergence sums over classes. `F.kl_div` has a `reduction` for exactly this: read what its 'mean' does.",
            lambda s, z, t: t**2 * _divergences(s, z, t, t).mean() / s.shape[1],
        ),
        Mistake(
            "The divergence runs the other way: the student's prediction is taken for the truth.",
            "Which of the two distributions should weigh the logarithms?",
            lambda s, z, t: t**2 * _divergences(z, s, t, t).mean(),
        ),
        Mistake(
            "Only the teacher is softened.",
            "A student that copies the teacher's logits exactly should have loss 0. Has it?",
            lambda s, z, t: t**2 * _divergences(s, z, 1.0, t).mean(),
        ),
        Mistake(
            "The temperature is only in the factor.",
            "Where else does t belong?",
            lambda s, z, t: t**2 * _divergences(s, z, 1.0, 1.0).mean(),
        ),
        Mistake(
            "This is the cross-entropy: the teacher's own entropy is not taken off.",
            "What is your loss for a student whose logits are the teacher's? It should be 0.",
            lambda s, z, t: t**2 * _cross_entropy(s, z, t).mean(),
        ),
        Mistake(
            "This is the cross-entropy, without t²: the teacher's own entropy is not taken off either.",
            "What is your loss for a student whose logits are the teacher's? It should be 0.",
            lambda s, z, t: _cross_entropy(s, z, t).mean(),
        ),
    ),
)

# --- soft-target-gradient


def _soft_target_gradient(student_logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """By autograd."""
    student = student_logits.clone().requires_grad_()
    loss = temperature**2 * _divergences(student, teacher_logits, temperature, temperature).mean()
    (gradient,) = torch.autograd.grad(loss, student)
    return gradient


def _gap(s: Tensor, z: Tensor, t: float) -> Tensor:
    """P_S − P_T."""
    return _soft_target(s, t) - _soft_target(z, t)


_GRADIENT = Exercise(
    "soft-target-gradient",
    _soft_target_gradient,
    _both_and_temperature,
    start=(
        "The derivative of −Σ P_T log softmax(a) by a is softmax(a) − P_T. Then the chain rule for a / "
        "t, t² and the mean."
    ),
    mistakes=(
        Mistake(
            "The mean over the batch is forgotten.",
            "The loss is a mean over B images: how much of it is one image's?",
            lambda s, z, t: t * _gap(s, z, t),
        ),
        Mistake(
            "The powers of t are wrong: all of t² is left.",
            "The logits enter as a / t. What does the chain rule add?",
            lambda s, z, t: t**2 * _gap(s, z, t) / len(s),
        ),
        Mistake(
            "The powers of t are wrong: none is left.",
            "t² stands before the loss, and the chain rule brings 1 / t. What remains?",
            lambda s, z, t: _gap(s, z, t) / len(s),
        ),
        Mistake(
            "The powers of t are wrong: t² before the loss is forgotten.",
            "1 / t is the chain rule's. Which factor does the loss itself have?",
            lambda s, z, t: _gap(s, z, t) / t / len(s),
        ),
        Mistake(
            "The sign is wrong: student and teacher are exchanged.",
            "Where the student gives a class too much, the gradient must be positive, so that descent lowers it.",
            lambda s, z, t: -t * _gap(s, z, t) / len(s),
        ),
        Mistake(
            "The temperature is missing in the predictions.",
            "Which predictions does the loss compare: those at 1, or those at t?",
            lambda s, z, t: t * _gap(s, z, 1.0) / len(s),
        ),
    ),
)

# --- logits-loss


def _logits_loss(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    loss: Tensor = LogitsLoss()(Signals.of(student={"output": student_logits}, teacher={"logits": teacher_logits}))
    return loss.double()


def _centred(logits: Tensor, dim: int = 1) -> Tensor:
    return logits - logits.mean(dim=dim, keepdim=True)


_LOGITS = Exercise(
    "logits-loss",
    _logits_loss,
    _student_and_teacher,
    start="Take from each row its mean, in both networks; then half the mean square of the difference.",
    mistakes=(
        Mistake(
            "The logits are not centred.",
            "Add 5 to all logits of the student: its predictions do not change. Does your loss?",
            lambda s, z: 0.5 * (s - z).square().mean(),
        ),
        Mistake(
            "The mean is taken over the batch, expected over the classes of each image.",
            "To what is softmax blind: a shift of one image's logits, or of one class's?",
            lambda s, z: 0.5 * _centred(s - z, 0).square().mean(),
        ),
        Mistake(
            "The half is forgotten.",
            "Look at the factor before the sum.",
            lambda s, z: _centred(s - z).square().mean(),
        ),
        Mistake(
            "The classes are summed, expected their mean.",
            "The formula divides by N, the number of classes.",
            lambda s, z: 0.5 * _centred(s - z).square().sum(dim=1).mean(),
        ),
        Mistake(
            "Only one of the two networks is centred.",
            "Is your loss 0 for a student whose logits are the teacher's?",
            lambda s, z: 0.5 * (s - _centred(z)).square().mean(),
        ),
    ),
)

#: In the order of the lesson.
DISTILLATION = (_RATE, _TARGET, _SOFT_LOSS, _GRADIENT, _LOGITS)
