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
    Loss,
    NeuronLoss,
    Objective,
    Signals,
    SoftTargetLoss,
    SupervisionLoss,
)
from nbutils.losses.signals import parse_read


def _signals(output: Tensor | None = None, **teacher: Tensor) -> Signals:
    g = torch.Generator().manual_seed(0)
    drawn = torch.randn(4, 6, generator=g)
    student = {
        "output": drawn if output is None else output,
        "features": torch.randn(4, 3, generator=g),
        "supervision": (torch.randn(4, 6, generator=g), torch.randn(4, 6, generator=g)),
    }
    logits = 3 * torch.randn(4, 6, generator=torch.Generator().manual_seed(1))
    neurons = torch.randn(4, 6, generator=torch.Generator().manual_seed(2)).relu()
    return Signals.of(
        student, {"logits": logits, "neurons": neurons, **teacher}, {"identity": torch.tensor([0, 5, 2, 2])}
    )


def test_labels_equal_scikit_learn() -> None:
    s = _signals()
    expected = log_loss(s.truth.identity, softmax(s.student.output.numpy(), axis=1), labels=range(6))
    assert LabelLoss()(s).item() == pytest.approx(expected, rel=1e-5)
    heads = [log_loss(s.truth.identity, softmax(h.numpy(), axis=1), labels=range(6)) for h in s.student.supervision]
    assert SupervisionLoss()(s).item() == pytest.approx(sum(heads), rel=1e-5)


@pytest.mark.parametrize("t", [1.0, 3.0, 10.0])
def test_soft_targets_equal_the_definition(t: float) -> None:
    s = _signals()
    teacher, student = s.teacher.logits.numpy().astype(float) / t, s.student.output.numpy().astype(float) / t
    kl = (softmax(teacher, axis=1) * (log_softmax(teacher, axis=1) - log_softmax(student, axis=1))).sum(axis=1).mean()
    assert SoftTargetLoss(t, scale_by_squared_temperature=False)(s).item() == pytest.approx(kl, rel=1e-4)
    assert SoftTargetLoss(t)(s).item() == pytest.approx(t**2 * kl, rel=1e-4)


@pytest.mark.parametrize("t", [1.0, 5.0])
def test_an_ensembles_soft_targets_are_averaged(t: float) -> None:
    each = 3 * torch.randn(6, 4, 6, generator=torch.Generator().manual_seed(3))
    s = _signals(each=each, logits=each.mean(dim=0))
    teacher = softmax(each.numpy().astype(float) / t, axis=2).mean(axis=0)
    student = log_softmax(s.student.output.numpy().astype(float) / t, axis=1)
    kl = (teacher * (np.log(teacher) - student)).sum(axis=1).mean()
    assert SoftTargetLoss(t)(s).item() == pytest.approx(t**2 * kl, rel=1e-4)
    alone = _signals(logits=each[0])
    of_one = _signals(logits=each[0], each=each[:1])
    assert SoftTargetLoss(t)(alone).item() == pytest.approx(SoftTargetLoss(t)(of_one).item(), rel=1e-5)


def test_attributes_equal_scikit_learn_one_by_one() -> None:
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(4))
    wanted = torch.tensor([[True, False, True], [False, False, True], [True, True, False], [True, False, False]])
    s = Signals.of(student={"attributes": logits}, truth={"attributes": wanted})
    each = [log_loss(wanted[:, a], expit(logits[:, a].numpy().astype(float))) for a in range(3)]
    assert AttributeLoss()(s).item() == pytest.approx(np.mean(each), rel=1e-5)


def test_soft_targets_tend_to_the_logits_loss() -> None:
    s = _signals()
    assert SoftTargetLoss(300.0)(s).item() == pytest.approx(LogitsLoss()(s).item(), rel=2e-2)


@pytest.mark.parametrize("t", [1.0, 5.0])
def test_soft_targets_in_a_unit_are_those_of_divided_logits(t: float) -> None:
    s, unit = _signals(), 2.5
    output = s.student.output
    in_unit = _signals(output / unit, logits=s.teacher.logits, logit_unit=torch.full((4, 1), unit))
    divided = _signals(output / unit, logits=s.teacher.logits / unit)
    loss = SoftTargetLoss(t, in_unit=True)
    assert loss(in_unit).item() == pytest.approx(6 * SoftTargetLoss(t)(s).item() / unit**2, rel=1e-4)
    assert loss(in_unit).item() == pytest.approx(6 * SoftTargetLoss(t / unit)(divided).item(), rel=1e-4)
    assert loss.fidelity(in_unit).value == pytest.approx(SoftTargetLoss(t).fidelity(s).value, rel=1e-4)
    logits = LogitsLoss(in_unit=True)
    assert logits(in_unit).item() == pytest.approx(6 * LogitsLoss()(s).item() / unit**2, rel=1e-4)
    centred = [each - each.mean(dim=1, keepdim=True) for each in (divided.student.output, divided.teacher.logits)]
    as_neurons = Signals.of(student={"output": centred[0]}, teacher={"neurons": centred[1]})
    assert logits(in_unit).item() == pytest.approx(NeuronLoss()(as_neurons).item(), rel=1e-4)
    assert logits.fidelity(in_unit).value == pytest.approx(LogitsLoss().fidelity(s).value, rel=1e-4)
    assert "teacher.logit_unit" in logits.reads
    assert "teacher.logit_unit" not in LogitsLoss().reads


def test_logits_ignore_a_constant_and_neurons_follow_eq_1() -> None:
    s = _signals()
    difference = s.student.output.numpy() - s.teacher.logits.numpy()
    centred = difference - difference.mean(axis=1, keepdims=True)
    assert LogitsLoss()(s).item() == pytest.approx((centred**2).mean() / 2, rel=1e-5)
    assert LogitsLoss()(_signals(s.student.output + 5)).item() == pytest.approx(LogitsLoss()(s).item(), rel=1e-4)
    residual = s.teacher.neurons.numpy() - s.student.output.numpy()
    assert NeuronLoss()(s).item() == pytest.approx((residual**2).sum() / (2 * 4), rel=1e-5)


@pytest.mark.parametrize("make", [LabelLoss, lambda: SoftTargetLoss(2.0), LogitsLoss, NeuronLoss])
def test_gradients_equal_finite_differences(make: Callable[[], torch.nn.Module]) -> None:
    loss = make()
    x = _signals().student.output.clone().requires_grad_()
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
    missing = r"reads teacher\.neurons, which is not given: the teacher gives teacher\.logits, teacher\.\[fc\]"
    with pytest.raises(ParameterError, match=missing.replace(r"\.\[", r"\[")):
        NeuronLoss()(Signals.of({"output": torch.zeros(1, 2)}, {"logits": torch.zeros(1, 2), "[fc]": torch.zeros(1)}))


class _Imitation(Loss):
    """Reads any layer of both networks."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.reads = (f"student[{path}]", f"teacher[{path}]")

    def forward(self, signals: Signals) -> Tensor:
        difference: Tensor = signals.student[self.path] - signals.teacher[self.path]
        return difference.square().mean()


def test_a_modules_output_is_read_by_its_path() -> None:
    loss = _Imitation("layer3.0")
    assert [parse_read(read) for read in loss.reads] == [("student", "[layer3.0]"), ("teacher", "[layer3.0]")]
    signals = Signals.of({"[layer3.0]": torch.zeros(2, 3)}, {"[layer3.0]": torch.full((2, 3), 2.0)})
    assert loss(signals).item() == 4


@pytest.mark.parametrize("read", ["output", "pupil.output", "truth[layer]", "student.", "student[a", "teacher.a.b"])
def test_what_names_no_signal_is_refused(read: str) -> None:
    with pytest.raises(ParameterError, match="expected 'student"):
        parse_read(read)


def test_a_term_that_is_no_scalar_is_named() -> None:
    class Rows(Loss):
        reads = ("student.output",)

        def forward(self, signals: Signals) -> Tensor:
            output: Tensor = signals.student.output
            return output.sum(dim=1)

    with pytest.raises(ParameterError, match=r"term 'rows' returned a tensor of shape \(4,\)"):
        Objective({"rows": (1.0, Rows())})(_signals())
