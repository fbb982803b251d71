from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.special import expit, log_softmax, softmax
from sklearn.metrics import log_loss
from torch import Tensor

from nbutils.errors import ParameterError
from nbutils.losses import (
    AttributeLoss,
    LabelLoss,
    LogitsLoss,
    NeuronLoss,
    Objective,
    Signals,
    SoftTargetLoss,
    SupervisionLoss,
)


def _signals(output: Tensor | None = None) -> Signals:
    g = torch.Generator().manual_seed(0)
    draw = torch.randn(4, 6, generator=g) if output is None else output
    return Signals(
        output=draw,
        features=torch.randn(4, 3, generator=g),
        supervision=(torch.randn(4, 6, generator=g), torch.randn(4, 6, generator=g)),
        label=torch.tensor([0, 5, 2, 2]),
        teacher_logits=3 * torch.randn(4, 6, generator=torch.Generator().manual_seed(1)),
        teacher_neurons=torch.randn(4, 6, generator=torch.Generator().manual_seed(2)).relu(),
    )


def test_labels_equal_scikit_learn() -> None:
    s = _signals()
    expected = log_loss(s.require("label"), softmax(s.output.numpy(), axis=1), labels=range(6))
    assert LabelLoss()(s).item() == pytest.approx(expected, rel=1e-5)
    heads = [log_loss(s.require("label"), softmax(h.numpy(), axis=1), labels=range(6)) for h in s.supervision]
    assert SupervisionLoss()(s).item() == pytest.approx(sum(heads), rel=1e-5)


@pytest.mark.parametrize("t", [1.0, 3.0, 10.0])
def test_soft_targets_equal_the_definition(t: float) -> None:
    s = _signals()
    teacher, student = s.require("teacher_logits").numpy().astype(float) / t, s.output.numpy().astype(float) / t
    kl = (softmax(teacher, axis=1) * (log_softmax(teacher, axis=1) - log_softmax(student, axis=1))).sum(axis=1).mean()
    assert SoftTargetLoss(t, scale_by_squared_temperature=False)(s).item() == pytest.approx(kl, rel=1e-4)
    assert SoftTargetLoss(t)(s).item() == pytest.approx(t**2 * kl, rel=1e-4)


@pytest.mark.parametrize("t", [1.0, 5.0])
def test_an_ensembles_soft_targets_are_averaged(t: float) -> None:
    s = _signals()
    each = 3 * torch.randn(6, 4, 6, generator=torch.Generator().manual_seed(3))
    s.ensemble_logits, s.teacher_logits = each, each.mean(dim=0)
    teacher = softmax(each.numpy().astype(float) / t, axis=2).mean(axis=0)
    student = log_softmax(s.output.numpy().astype(float) / t, axis=1)
    kl = (teacher * (np.log(teacher) - student)).sum(axis=1).mean()
    assert SoftTargetLoss(t)(s).item() == pytest.approx(t**2 * kl, rel=1e-4)
    s.ensemble_logits = s.teacher_logits[None]
    averaged = SoftTargetLoss(t)(s).item()
    s.ensemble_logits = None
    assert SoftTargetLoss(t)(s).item() == pytest.approx(averaged, rel=1e-5)


def test_attributes_equal_scikit_learn_one_by_one() -> None:
    s = _signals()
    s.attribute_logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(4))
    s.attributes = torch.tensor([[True, False, True], [False, False, True], [True, True, False], [True, False, False]])
    each = [log_loss(s.attributes[:, a], expit(s.attribute_logits[:, a].numpy().astype(float))) for a in range(3)]
    assert AttributeLoss()(s).item() == pytest.approx(np.mean(each), rel=1e-5)


def test_soft_targets_tend_to_the_logits_loss() -> None:
    s = _signals()
    assert SoftTargetLoss(300.0)(s).item() == pytest.approx(LogitsLoss()(s).item(), rel=2e-2)


def test_logits_ignore_a_constant_and_neurons_follow_eq_1() -> None:
    s = _signals()
    difference = s.output.numpy() - s.require("teacher_logits").numpy()
    centred = difference - difference.mean(axis=1, keepdims=True)
    assert LogitsLoss()(s).item() == pytest.approx((centred**2).mean() / 2, rel=1e-5)
    assert LogitsLoss()(_signals(s.output + 5)).item() == pytest.approx(LogitsLoss()(s).item(), rel=1e-4)
    residual = s.require("teacher_neurons").numpy() - s.output.numpy()
    assert NeuronLoss()(s).item() == pytest.approx((residual**2).sum() / (2 * 4), rel=1e-5)


@pytest.mark.parametrize("make", [LabelLoss, lambda: SoftTargetLoss(2.0), LogitsLoss, NeuronLoss])
def test_gradients_equal_finite_differences(make: Callable[[], torch.nn.Module]) -> None:
    loss = make()
    x = _signals().output.clone().requires_grad_()
    loss(_signals(x)).backward()
    step = 1e-2
    numeric = np.zeros((4, 6))
    for i, j in np.ndindex(4, 6):
        moved = [x.detach().clone() for _ in range(2)]
        moved[0][i, j] += step
        moved[1][i, j] -= step
        numeric[i, j] = (loss(_signals(moved[0])) - loss(_signals(moved[1]))).item() / (2 * step)
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), numeric, atol=2e-3)


def test_an_objective_is_the_weighted_sum_of_named_terms() -> None:
    s = _signals()
    total, terms = Objective({"labels": (0.5, LabelLoss()), "neurons": (2.0, NeuronLoss())})(s)
    assert total.item() == pytest.approx(0.5 * LabelLoss()(s).item() + 2 * NeuronLoss()(s).item())
    assert terms["neurons"].item() == pytest.approx(NeuronLoss()(s).item())


def test_bad_values_are_refused() -> None:
    with pytest.raises(ParameterError, match="temperature"):
        SoftTargetLoss(0.0)
    with pytest.raises(ParameterError, match="weight of 'a'"):
        Objective({"a": (-1.0, LabelLoss())})
    with pytest.raises(ParameterError, match="at least one term"):
        Objective({})
    with pytest.raises(ParameterError, match="'teacher_neurons'"):
        NeuronLoss()(Signals(torch.zeros(1, 2), torch.zeros(1, 2)))
