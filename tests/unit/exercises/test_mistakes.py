"""Every known mistake is named and hinted at, and what students write is told apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from nbutils.exercises import Exercise, Mistake, check, exercises, hint

MISTAKES = [
    pytest.param(exercise, mistake, id=f"{exercise.name}: {mistake.says}")
    for exercise in exercises().values()
    for mistake in exercise.mistakes
]


@pytest.mark.parametrize("exercise", exercises().values(), ids=lambda exercise: exercise.name)
def test_an_exercise_has_a_right_answer_that_its_cases_tell_from_all_mistakes(exercise: Exercise) -> None:
    assert check(exercise.name, exercise.reference).passed
    assert exercise.start
    assert len({mistake.hint for mistake in exercise.mistakes} - {exercise.start}) >= 3 or exercise.name == "error-rate"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("exercise", "mistake"), MISTAKES)
def test_a_known_mistake_gets_its_own_sentence_and_hint(exercise: Exercise, mistake: Mistake) -> None:
    verdict = check(exercise.name, mistake.answer)

    assert not verdict.passed
    assert (verdict.says, verdict.hint) == (mistake.says, mistake.hint)


def _kl_div_with_mean(s: torch.Tensor, z: torch.Tensor, t: float) -> torch.Tensor:
    return t * t * F.kl_div(F.log_softmax(s / t, 1), F.softmax(z / t, 1))


def _kl_div_of_probabilities(s: torch.Tensor, z: torch.Tensor, t: float) -> torch.Tensor:
    return t * t * F.kl_div(F.log_softmax(z / t, 1), F.softmax(s / t, 1), reduction="batchmean")


def _naive_softmax(a: torch.Tensor, t: float) -> torch.Tensor:
    raised = torch.exp(a / t)
    return raised / raised.sum(1)[:, None]


def _first_axis(a: torch.Tensor, t: float) -> torch.Tensor:
    return F.softmax(a / t, dim=0)


def _greedy(f: Any, psi: Any, lam: float, c: float) -> Any:  # noqa: ANN401
    y = np.zeros(len(f), bool)
    improved = True
    while improved:
        improved = False
        gains = [(f[i] - c + 2 * lam / (len(f) - 1) * psi[i][y].sum() if not y[i] else np.inf) for i in range(len(f))]
        if min(gains) < 0:
            y[int(np.argmin(gains))] = improved = True
    return y


def _single_direction(r: Any, a: Any) -> float:  # noqa: ANN401
    best = 0.5
    for cut in np.unique(r):
        says = r >= cut
        best = max(best, (says[a].mean() + (~says[~a]).mean()) / 2)
    return float(best)


#: As students write them: exercise, answer, and what the verdict must say.
WRITTEN: list[tuple[str, Callable[..., Any], str]] = [
    ("soft-target", lambda a, t: F.softmax(a, dim=-1), "temperature is forgotten"),
    ("soft-target", _first_axis, "wrong axis"),
    ("soft-target", _naive_softmax, "Large logits give NaN"),
    ("soft-target", lambda a, t: F.softmax(a * t, 1), "sharpens"),
    ("soft-target", lambda a, t: F.softmax(a / t, 1).T, "axes are exchanged"),
    ("soft-target-loss", _kl_div_with_mean, "over the classes too"),
    ("soft-target-loss", _kl_div_of_probabilities, "other way"),
    (
        "soft-target-loss",
        lambda s, z, t: F.kl_div(F.log_softmax(s / t, 1), F.softmax(z / t, 1), reduction="batchmean"),
        "t² is forgotten",
    ),
    ("soft-target-loss", lambda s, z, t: t * t * F.cross_entropy(s / t, F.softmax(z / t, 1)), "cross-entropy"),
    ("logits-loss", lambda s, z: F.mse_loss(s, z) / 2, "not centred"),
    ("logits-loss", lambda s, z: F.mse_loss(s - s.mean(1)[:, None], z - z.mean(1)[:, None]), "half is forgotten"),
    ("error-rate", lambda a, y: (a.argmax(1) == y).double().mean(), "share of right answers"),
    ("dead-neurons", lambda r: r.sum(0) == 0, "same number"),
    ("balanced-accuracy", lambda p, y: np.mean(p == y), "plain accuracy"),
    ("discriminativeness", _single_direction, "one direction"),
    (
        "unary-cost",
        lambda x, ia: (x[:, ~ia].max(1) - x[:, ~ia].mean(1)) / (x[:, ia].max(1) - x[:, ia].mean(1)),
        "0 / 0",
    ),
    ("pairwise-similarity", lambda x: np.exp(-0.5 * ((x[:, None] - x) ** 2).sum(-1)), "diagonal is 1"),
    ("pairwise-similarity", lambda x: np.exp(-0.5 * ((x[:, None] - x) ** 2)), "mean is missing|sum is missing|axis"),
    ("choice-energy", lambda y, f, p, lam, c: (f * y).sum() + lam * y @ p @ y / (len(y) - 1), "left out is forgotten"),
    ("best-choice", _greedy, "one by one"),
    ("best-choice", lambda f, p, lam, c: np.flatnonzero(f < c), "expected"),
    ("neuron-loss", F.mse_loss, "averaged, expected their sum; and the half"),
    ("committee-target", lambda each, t: F.softmax(each.mean(0) / t, 1), "averaged before the softmax"),
    ("cosine-distance", lambda a, b: F.cosine_similarity(torch.tensor(a), torch.tensor(b)), "This is the similarity"),
    (
        "auc",
        lambda d, same: np.mean(d[same][:, None] > d[~same]) + 0.5 * np.mean(d[same][:, None] == d[~same]),
        "apart",
    ),
    ("point-error", lambda p, q: np.linalg.norm(p - q, axis=-1).mean(-1), "in pixels"),
    ("point-error", lambda p, q: np.linalg.norm(p - q, axis=-1), "mean is missing|axis"),
    (
        "triplet-loss",
        lambda a, p, n, m: F.triplet_margin_loss(a, p, n, margin=m),
        "Right in no case|not squared|scaled",
    ),
    ("triplet-count", lambda y: sum((y == k).sum() ** 2 * (y != k).sum() for k in set(y.tolist())), "own positive"),
    ("standard-error", lambda v: np.std(v) / np.sqrt(len(v)), "n − 1"),
    ("standard-error", lambda v: np.std(v, ddof=1), "standard deviation"),
    ("paired-error", lambda a, b: np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)), "different images"),
    ("people-error", lambda v, who: np.std(v, ddof=1) / np.sqrt(len(v)), "independent"),
    ("verdict", lambda low, high: "holds" if (low + high) / 2 > 0 else "does not hold", "estimate alone"),
    ("holm", lambda p: np.minimum(1, len(p) * p), "Bonferroni"),
]


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize(("name", "answer", "says"), WRITTEN)
def test_what_students_write_is_told_what_is_wrong(name: str, answer: Callable[..., Any], says: str) -> None:
    verdict = check(name, answer)

    assert not verdict.passed
    assert any(each in verdict.says for each in says.split("|")), verdict
    assert hint(name, answer) == verdict.hint != ""


def test_the_answer_is_never_said() -> None:
    """No verdict shows a value that the reference returns."""
    exercise = exercises()["standard-error"]
    expected = [f"{exercise.reference(*arguments):.4g}" for arguments in exercise.cases()]
    said = [check(exercise.name, answer).says for answer in (lambda v: 0.123, lambda v: v.mean(), lambda v: -v.max())]
    assert not [value for value in expected for sentence in said if value in sentence]
