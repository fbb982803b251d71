"""The losses of Wang & Lan 2017: Eqs. 2 and 5 to 9, and FitNets' hint."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_squared_error
from torch import Tensor, nn

from nbutils.errors import ParameterError
from nbutils.losses import (
    HiddenLoss,
    HintLoss,
    LabelLoss,
    LandmarkLoss,
    Loss,
    Objective,
    Signals,
    SoftTargetLoss,
    SupervisionLoss,
    TripletLoss,
)


def _signals(seed: int = 0, label: tuple[int, ...] = (0, 0, 1, 1, 2, 2), **student: object) -> Signals:
    g = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(len(label), *shape, generator=g, dtype=torch.float64)

    own = {"output": draw(3), "features": draw(4)}
    teacher = {"logits": draw(3), "features": draw(7)}
    own["points"], landmarks = draw(5, 2), draw(5, 2)
    own["middle"], teacher["middle"] = draw(2, 3, 3), draw(5, 3, 3)
    return Signals.of(own | student, teacher, {"identity": torch.tensor(label), "landmarks": landmarks})


@pytest.mark.parametrize("normalise", [True, False])
def test_the_triplet_hinge_equals_loops_over_all_triplets(normalise: bool) -> None:
    s = _signals(1)
    k = s.student.features.numpy()
    if normalise:
        k = k / np.linalg.norm(k, axis=1, keepdims=True)
    label = s.truth.identity.numpy()
    hinges = []
    for a in range(6):
        for p in range(6):
            for n in range(6):
                if a != p and label[a] == label[p] != label[n]:
                    hinge = ((k[a] - k[p]) ** 2).sum() - ((k[a] - k[n]) ** 2).sum() + 0.4
                    if hinge > 0:
                        hinges.append(hinge)
    assert 0 < len(hinges) < 24
    assert TripletLoss(normalise=normalise)(s).item() == pytest.approx(np.mean(hinges), rel=1e-5)


def test_triplets_beyond_the_margin_cost_nothing_and_a_batch_without_any_is_refused() -> None:
    features = torch.eye(4, dtype=torch.float64)[[0, 0, 1, 1, 2, 2]].requires_grad_()
    loss = TripletLoss()(_signals(features=features))
    loss.backward()
    assert loss.item() == 0
    for label in ((0, 1, 2, 3, 4, 5), (7, 7, 7, 7, 7, 7)):
        with pytest.raises(ParameterError, match="no triplet"):
            TripletLoss()(_signals(label=label))


def test_landmarks_equal_scikit_learn() -> None:
    s = _signals()
    own, true = s.student.points.flatten(1).numpy(), s.truth.landmarks.flatten(1).numpy()
    assert LandmarkLoss()(s).item() == pytest.approx(10 * mean_squared_error(true, own), rel=1e-5)


def test_the_hidden_layer_is_met_through_a_learned_map_where_the_widths_differ() -> None:
    s = _signals()
    loss = HiddenLoss()
    loss.prepare(s)
    assert isinstance(loss.map, nn.Linear)
    weight, bias = loss.map.weight.detach().double().numpy(), loss.map.bias.detach().double().numpy()
    expected = ((s.student.features.numpy() @ weight.T + bias - s.teacher.features.numpy()) ** 2).mean()
    assert loss(s).item() == pytest.approx(expected, rel=1e-5)
    equal = Signals.of({"features": s.student.features}, {"features": s.student.features.clone()})
    loss.prepare(equal)
    assert not list(loss.parameters())
    assert loss(equal).item() == 0
    with pytest.raises(ParameterError, match="the student gives"):
        loss(_signals())


def test_the_hint_is_regressed_position_by_position() -> None:
    s = _signals()
    loss = HintLoss()
    loss.prepare(s)
    assert isinstance(loss.regressor, nn.Conv2d)
    weight = loss.regressor.weight.detach().double().numpy()[:, :, 0, 0]
    bias = loss.regressor.bias
    assert bias is not None
    regressed = np.einsum("oc,bchw->bohw", weight, s.student.middle.numpy())
    regressed += bias.detach().double().numpy()[:, None, None]
    difference = regressed - s.teacher.middle.numpy()
    assert loss(s).item() == pytest.approx((difference**2).mean() / 2, rel=1e-5)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (HiddenLoss, "features"),
        (HintLoss, "middle"),
        (LandmarkLoss, "points"),
        (TripletLoss, "features"),
        (SupervisionLoss, "supervision"),
    ],
)
def test_gradients_equal_finite_differences(make: Callable[[], Loss], name: str) -> None:
    s, loss = _signals(1), make()
    loss.prepare(s)
    heads = name == "supervision"
    start: Tensor = s.student.output if heads else getattr(s.student, name)
    point = start.float().requires_grad_()  # the losses compute in float32

    def value(x: Tensor) -> Tensor:
        return torch.as_tensor(loss(_signals(1, (0, 0, 1, 1, 2, 2), **{name: (x, 2 * x) if heads else x})))

    (gradient,) = torch.autograd.grad(value(point), point)
    flat, step = point.detach().flatten(), 2e-3
    for i in range(len(flat)):
        ends = []
        for sign in (1, -1):
            moved = flat.clone()
            moved[i] += sign * step
            ends.append(value(moved.view_as(point)).item())
        assert gradient.flatten()[i].item() == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=2e-3)


def test_eq_5_is_task_plus_alpha_soft_plus_beta_hidden() -> None:
    s = _signals()
    soft = SoftTargetLoss(3.0, scale_by_squared_temperature=False)
    hidden = HiddenLoss()
    objective = Objective({"task": (1, LabelLoss()), "soft": (0.5, soft), "hidden": (2, hidden)})
    objective.prepare(s)
    total, terms = objective(s)
    expected = LabelLoss()(s) + 0.5 * soft(s) + 2 * hidden(s)
    torch.testing.assert_close(total, expected, check_dtype=False)
    assert set(terms) == {"task", "soft", "hidden"}
    assert len(list(objective.parameters())) == 2


def test_weights_temperature_and_margin_out_of_range_are_refused() -> None:
    with pytest.raises(ParameterError, match="weight of 'soft'"):
        Objective({"task": (1, LabelLoss()), "soft": (-1, SoftTargetLoss(3))})
    with pytest.raises(ParameterError, match="temperature must be above 0"):
        SoftTargetLoss(0)
    with pytest.raises(ParameterError, match="margin is 0"):
        TripletLoss(0)
