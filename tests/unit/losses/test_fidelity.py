"""Fidelity against scikit-learn and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from scipy.stats import entropy
from sklearn.metrics import r2_score

from nbutils.losses import LabelLoss, Objective, Signals, SoftTargetLoss
from nbutils.losses.fidelity import prediction_divergence, r_squared


def test_r_squared_is_that_of_scikit_learn_weighted_by_variance() -> None:
    rng = np.random.default_rng(0)
    teacher = rng.normal(size=(30, 4)) * [1, 2, 3, 4]
    student = teacher + rng.normal(size=(30, 4))
    told = r_squared(torch.from_numpy(student), torch.from_numpy(teacher))
    assert told.value == told.explained == pytest.approx(r2_score(teacher, student, multioutput="variance_weighted"))


def test_the_divergence_is_that_of_scipy_and_a_constant_guess_explains_nothing() -> None:
    rng = np.random.default_rng(0)
    teacher, student = rng.normal(size=(2, 20, 5)) * 3
    wanted = torch.from_numpy(log_softmax(teacher, axis=1))
    told = prediction_divergence(torch.from_numpy(student), wanted)
    exact = entropy(softmax(teacher, axis=1), softmax(student, axis=1), axis=1).mean()
    assert told.value == pytest.approx(exact)
    mean = np.log(softmax(teacher, axis=1).mean(axis=0))
    guess = prediction_divergence(torch.from_numpy(np.tile(mean, (20, 1))), wanted)
    assert guess.explained == pytest.approx(0, abs=1e-9)


def test_of_an_ensemble_the_averaged_prediction_counts() -> None:
    each = torch.randn(3, 6, 4, generator=torch.Generator().manual_seed(0)) * 4
    average = each.softmax(dim=2).mean(dim=0)
    signals = Signals.of(student={"output": average.log()}, teacher={"logits": each.mean(dim=0), "each": each})
    assert SoftTargetLoss(temperature=10).fidelity(signals).value == pytest.approx(0, abs=1e-6)


def test_a_term_without_a_teacher_compares_nothing() -> None:
    objective = Objective({"labels": (1.0, LabelLoss()), "soft": (1.0, SoftTargetLoss())})
    assert list(objective.comparing) == ["soft"]
