import numpy as np
import pytest
import torch
from torch import nn

from nbutils.errors import ParameterError
from nbutils.evaluation import regressed_logits


def test_they_are_the_teachers_where_nothing_is_dropped_and_the_student_is_perfect() -> None:
    rng = np.random.default_rng(0)
    classifier, features = nn.Linear(6, 3), rng.normal(size=(4, 6)).astype(np.float32)
    order = rng.permutation(6)
    logits = regressed_logits(features[:, order] / np.float32(4), order, 4.0, np.zeros(6, np.float32), classifier)
    np.testing.assert_allclose(logits, classifier(torch.from_numpy(features)).detach(), atol=1e-6)


def test_dropped_neurons_stand_at_their_mean() -> None:
    classifier = nn.Linear(3, 2)
    mean = np.array([5, 7, 9], np.float32)
    logits = regressed_logits(np.array([[1, 2]], np.float32), np.array([2, 0]), 1.0, mean, classifier)
    np.testing.assert_allclose(logits, classifier(torch.tensor([[2.0, 7.0, 1.0]])).detach(), atol=1e-6)


def test_widths_that_do_not_fit() -> None:
    with pytest.raises(ParameterError, match=r"expected \(N, M\), \(M,\) and \(3,\)"):
        regressed_logits(np.zeros((2, 2), np.float32), np.arange(3), 1.0, np.zeros(3, np.float32), nn.Linear(3, 2))
