"""The verification signal against a plain double loop, and its gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nbutils.errors import ParameterError
from nbutils.losses import ContrastiveLoss, Signals


def _signals(layers: tuple[torch.Tensor, ...], identity: list[int]) -> Signals:
    return Signals.of(student={"supervised": layers}, truth={"identity": torch.tensor(identity)})


def test_it_equals_a_double_loop_over_pairs() -> None:
    rng = np.random.default_rng(0)
    identity = [0, 1, 0, 2, 1, 2, 2]
    layers = [rng.normal(size=(7, 5)), rng.normal(size=(7, 3))]
    expected = 0.0
    for layer in layers:
        unit = layer / np.linalg.norm(layer, axis=1, keepdims=True)
        near, far = [], []
        for i in range(7):
            for j in range(i + 1, 7):
                distance = np.linalg.norm(unit[i] - unit[j])
                if identity[i] == identity[j]:
                    near.append(0.5 * distance**2)
                else:
                    far.append(0.5 * max(0.0, 1.2 - float(distance)) ** 2)
        expected += np.mean(near) + np.mean(far)
    loss = ContrastiveLoss(margin=1.2)(_signals(tuple(map(torch.from_numpy, layers)), identity))
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_equal_strangers_and_lone_images_have_a_finite_gradient() -> None:
    for identity in ([0, 1], [0, 0], [0]):
        layer = torch.ones(len(identity), 4, requires_grad=True)
        ContrastiveLoss()(_signals((layer,), identity)).backward()
        assert layer.grad is not None
        assert torch.isfinite(layer.grad).all()


def test_a_margin_beyond_all_distances_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"margin is 2.5: expected a value in \(0, 2\]"):
        ContrastiveLoss(margin=2.5)
