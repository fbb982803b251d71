"""RKD, DIST and angular distillation: loops over pairs and triplets, second implementations, invariances."""

from collections.abc import Callable
from itertools import permutations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.special import softmax
from scipy.stats import ortho_group, pearsonr
from sklearn.metrics.pairwise import cosine_similarity
from torch import Tensor, nn

from nbutils.errors import ParameterError
from nbutils.losses import AngularLoss, DISTLoss, Loss, RKDAngleLoss, RKDDistanceLoss, Signals
from nbutils.losses.dist import correlation_distance

RKD = pytest.mark.parametrize("make", [RKDDistanceLoss, RKDAngleLoss])
ALL = pytest.mark.parametrize("make", [RKDDistanceLoss, RKDAngleLoss, lambda: DISTLoss(2.0), AngularLoss])


def _drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _signals(own: Tensor, wanted: Tensor) -> Signals:
    """What student and teacher give, whichever of it a loss reads."""
    return Signals.of({"features": own, "output": own}, {"neurons": wanted, "logits": wanted})


def _huber(first: float, second: float) -> float:
    difference = abs(first - second)
    return 0.5 * difference**2 if difference <= 1 else difference - 0.5


def _relative_distances(rows: npt.NDArray[np.float64]) -> dict[tuple[int, int], float]:
    pairs = {(i, j): float(np.linalg.norm(rows[i] - rows[j])) for i, j in permutations(range(len(rows)), 2)}
    mean = sum(pairs.values()) / len(pairs)
    return {pair: distance / mean for pair, distance in pairs.items()}


def _cosine(rows: npt.NDArray[np.float64], i: int, j: int, k: int) -> float:
    to_i, to_k = rows[i] - rows[j], rows[k] - rows[j]
    return float(to_i @ to_k / np.linalg.norm(to_i) / np.linalg.norm(to_k))


def test_rkd_distances_equal_loops_over_pairs() -> None:
    own, wanted = 3 * _drawn(6, 4), _drawn(6, 9, seed=1)
    wanted[0] *= 12  # so that the Huber loss is in its linear part too
    first, second = _relative_distances(own.double().numpy()), _relative_distances(wanted.double().numpy())
    assert min(abs(first[p] - second[p]) for p in first) < 1 < max(abs(first[p] - second[p]) for p in first)
    expected = np.mean([_huber(first[pair], second[pair]) for pair in first])
    assert RKDDistanceLoss()(_signals(own, wanted)).item() == pytest.approx(expected, rel=1e-5)


def test_rkd_angles_equal_loops_over_triplets() -> None:
    own, wanted = _drawn(5, 2), _drawn(5, 7, seed=1)
    a, b = own.double().numpy(), wanted.double().numpy()
    each = [_huber(_cosine(a, *triplet), _cosine(b, *triplet)) for triplet in permutations(range(5), 3)]
    assert RKDAngleLoss()(_signals(own, wanted)).item() == pytest.approx(np.mean(each), rel=1e-5)


@RKD
def test_rkd_is_blind_to_rotation_scale_and_place(make: Callable[[], Loss]) -> None:
    own, wanted = _drawn(6, 4), _drawn(6, 9, seed=1)
    rotation = torch.from_numpy(ortho_group.rvs(4, random_state=0)).float()
    before = make()(_signals(own, wanted)).item()
    assert make()(_signals(7 * own @ rotation + 5, wanted)).item() == pytest.approx(before, rel=1e-4)
    assert make()(_signals(own, 0.1 * wanted - 3)).item() == pytest.approx(before, rel=1e-4)
    sheared = own * torch.tensor([1.0, 2.0, 3.0, 4.0])
    assert make()(_signals(sheared, wanted)).item() != pytest.approx(before, rel=1e-2)
    moved = wanted @ torch.from_numpy(ortho_group.rvs(9, random_state=1)).float() * 2
    assert make()(_signals(moved, wanted)).item() == pytest.approx(0, abs=1e-9)


@RKD
def test_rkd_of_few_or_equal_images_costs_nothing_or_is_finite(make: Callable[[], Loss]) -> None:
    for rows, count in ((torch.zeros(4, 3), 4), (torch.ones(1, 3), 1), (torch.ones(2, 3), 2)):
        own = rows.clone().requires_grad_()
        loss = make()(_signals(own, _drawn(count, 5)))
        loss.backward()
        assert loss.isfinite()
        assert own.grad is not None
        assert own.grad.isfinite().all()
        if count == 1:
            assert loss.item() == 0


def test_rkd_reads_the_layer_it_is_told_to() -> None:
    loss = RKDDistanceLoss("output")
    assert (loss.reads, loss.output_like) == (("student.output", "teacher.neurons"), "teacher.neurons")
    assert RKDDistanceLoss().output_like is None
    wanted = _drawn(5, 3)
    signals = Signals.of({"features": _drawn(5, 2, seed=1), "output": 2 * wanted}, {"neurons": wanted})
    assert loss(signals).item() == pytest.approx(0, abs=1e-9)
    assert RKDDistanceLoss()(signals).item() > 1e-3
    with pytest.raises(ParameterError, match="layer is 'middle': expected 'features' or 'output'"):
        RKDAngleLoss("middle")  # type: ignore[arg-type]


@pytest.mark.parametrize("t", [1.0, 4.0])
@pytest.mark.parametrize(("inter", "intra"), [(1.0, 1.0), (2.0, 0.0), (0.0, 3.0)])
def test_dist_equals_scipys_correlations(t: float, inter: float, intra: float) -> None:
    own, wanted = _drawn(5, 4), 2 * _drawn(5, 4, seed=1)
    a, b = (softmax(rows.double().numpy() / t, axis=1) for rows in (own, wanted))
    between_classes = np.mean([1 - pearsonr(a[i], b[i]).statistic for i in range(5)])
    between_images = np.mean([1 - pearsonr(a[:, j], b[:, j]).statistic for j in range(4)])
    found = DISTLoss(t, inter, intra)(_signals(own, wanted)).item()
    assert found == pytest.approx(t**2 * (inter * between_classes + intra * between_images), rel=1e-4)


def test_dist_averages_the_predictions_of_an_ensemble() -> None:
    each, own = _drawn(3, 5, 4, seed=1), _drawn(5, 4)
    mean = softmax(each.double().numpy(), axis=2).mean(axis=0)
    signals = Signals.of({"output": own}, {"logits": each.mean(dim=0), "each": each})
    alone = _signals(own, torch.from_numpy(np.log(mean)))
    assert DISTLoss()(signals).item() == pytest.approx(DISTLoss()(alone).item(), rel=1e-5)


def test_the_correlation_is_blind_to_an_affine_map_of_each_row() -> None:
    first, second = _drawn(4, 6), _drawn(4, 6, seed=1)
    slope, offset = _drawn(4, 1, seed=2).exp(), _drawn(4, 1, seed=3)
    before = correlation_distance(first, second)
    torch.testing.assert_close(correlation_distance(slope * first + offset, second), before)
    torch.testing.assert_close(correlation_distance(first, -slope * first + offset), torch.full((4,), 2.0))
    torch.testing.assert_close(correlation_distance(slope * first + offset, first), torch.zeros(4))
    assert DISTLoss()(_signals(first + offset, second)).item() == pytest.approx(
        DISTLoss()(_signals(first, second)).item(), rel=1e-4
    )


def test_what_does_not_vary_has_no_correlation_and_stays_finite() -> None:
    constant, varied = torch.ones(1, 5), _drawn(1, 5)
    assert correlation_distance(constant, 3 * constant).item() == 0
    assert correlation_distance(constant, varied).item() == pytest.approx(0.5)
    own = _drawn(1, 4).requires_grad_()
    loss = DISTLoss(inter=0.0)(_signals(own, _drawn(1, 4, seed=1)))
    loss.backward()
    assert loss.item() == 0
    assert own.grad is not None
    assert own.grad.isfinite().all()


def test_the_angle_equals_scikit_learns_cosine() -> None:
    own, wanted = _drawn(5, 4), _drawn(5, 4, seed=1)
    cosine = np.diag(cosine_similarity(own.double().numpy(), wanted.double().numpy()))
    expected = ((1 - cosine) ** 2).mean()
    assert AngularLoss()(_signals(own, wanted)).item() == pytest.approx(expected, rel=1e-5)
    lengths = _drawn(5, 1, seed=2).exp()
    assert AngularLoss()(_signals(lengths * own, wanted)).item() == pytest.approx(expected, rel=1e-5)
    assert AngularLoss()(_signals(-lengths * wanted, wanted)).item() == pytest.approx(4, rel=1e-5)


def test_the_angle_meets_other_widths_through_a_learned_map() -> None:
    equal, loss = AngularLoss(), AngularLoss()
    equal.prepare(_signals(_drawn(2, 4), _drawn(2, 4)))
    assert not list(equal.parameters())
    signals = _signals(_drawn(5, 3), _drawn(5, 6, seed=1))
    loss.prepare(signals)
    assert isinstance(loss.map, nn.Linear)
    assert [tuple(each.shape) for each in loss.parameters()] == [(6, 3)]
    mapped = (_drawn(5, 3) @ loss.map.weight.T).detach()
    assert loss(signals).item() == pytest.approx(AngularLoss()(_signals(mapped, _drawn(5, 6, seed=1))).item())
    loss(signals).backward()
    assert loss.map.weight.grad is not None
    assert loss.map.weight.grad.abs().sum() > 0


@ALL
def test_a_perfect_student_has_nothing_to_learn(make: Callable[[], Loss]) -> None:
    own = _drawn(6, 5).requires_grad_()
    loss = make()(_signals(own, own.detach().clone()))
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert own.grad is not None
    torch.testing.assert_close(own.grad, torch.zeros(6, 5), atol=1e-6, rtol=0)


@ALL
def test_gradients_equal_finite_differences(make: Callable[[], Loss]) -> None:
    loss, step = make(), 1e-2
    x, wanted = _drawn(5, 4).requires_grad_(), _drawn(5, 4, seed=1)
    loss(_signals(x, wanted)).backward()
    numeric = np.zeros((5, 4))
    for i, j in np.ndindex(5, 4):
        moved = [x.detach().clone() for _ in range(2)]
        moved[0][i, j] += step
        moved[1][i, j] -= step
        values = [loss(_signals(rows, wanted)).item() for rows in moved]
        numeric[i, j] = (values[0] - values[1]) / (2 * step)
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), numeric, atol=2e-3)


@ALL
def test_gradient_descent_leads_to_the_teachers_relations(make: Callable[[], Loss]) -> None:
    x, wanted, loss = _drawn(6, 4).requires_grad_(), _drawn(6, 4, seed=1), make()
    first = loss(_signals(x, wanted)).item()
    optimizer = torch.optim.Adam([x], lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        loss(_signals(x, wanted)).backward()
        optimizer.step()
    assert loss(_signals(x, wanted)).item() < 0.05 * first


def test_bad_values_are_refused() -> None:
    with pytest.raises(ParameterError, match="temperature must be above 0, got 0"):
        DISTLoss(0.0)
    for options in ({"inter": -1.0}, {"intra": float("inf")}):
        with pytest.raises(ParameterError, match=r"inter and intra are .*: expected finite weights of at least 0"):
            DISTLoss(**options)
