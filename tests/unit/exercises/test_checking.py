"""Whatever an answer does, `check` says what is wrong in a sentence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from nbutils.errors import ParameterError
from nbutils.exercises import check, checking, exercises, find_exercise, hint, trusted
from nbutils.exercises.comparing import alike, simple_difference


def _raises(logits: torch.Tensor, temperature: float) -> torch.Tensor:
    known: dict[float, float] = {}
    return logits / known[temperature]


def _leaves(logits: torch.Tensor, temperature: float) -> None:
    raise SystemExit(3)


def _changes(logits: torch.Tensor, temperature: float) -> torch.Tensor:
    logits -= logits.max(dim=1, keepdim=True).values
    return torch.softmax(logits / temperature, dim=1)


def _right(logits: torch.Tensor, temperature: float) -> torch.Tensor:
    return torch.softmax(logits / temperature, dim=1)


def _loop(logits: torch.Tensor, temperature: float) -> None:
    while True:
        with suppress(Exception):
            time.sleep(0)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (torch.zeros(3), "expected the function itself"),
        (None, "expected the function itself"),
        (lambda logits, temperature: None, "It returns nothing: end it with `return …`."),
        (lambda logits, temperature: ..., "It returns nothing"),
        (lambda logits: logits, "It raises TypeError"),
        (_raises, "at `return logits / known[temperature]"),
        (_leaves, "It raises SystemExit: 3"),
        (_changes, "It changes its argument `logits`: work on a copy."),
        (lambda logits, temperature: logits.tolist(), "It returns a list, expected a tensor of float64 of shape"),
        (lambda logits, temperature: "0.5", "It returns a str"),
        (lambda logits, temperature: np.array(["a"]), "It returns an array of <U1"),
        (lambda logits, temperature: _right, "It returns a function"),
        (lambda logits, temperature: _right(logits, temperature).to("meta"), "on the device 'meta', expected one on"),
        (lambda logits, temperature: _right(logits, temperature).to_sparse(), "It returns a tensor"),
        (lambda logits, temperature: _right(logits, temperature) > 0.5, "values of type bool, expected float64"),
        (lambda logits, temperature: _right(logits, temperature)[0], "It returns the shape"),
        (lambda logits, temperature: _right(logits, temperature).flatten(), "arrangement is not"),
        (lambda logits, temperature: _right(logits, temperature) + torch.nan, "NaN or infinity in case 1"),
        (lambda logits, temperature: 3 * _right(logits, temperature), "all values are 3 times"),
        (lambda logits, temperature: -_right(logits, temperature), "The sign is wrong"),
        (lambda logits, temperature: _right(logits, temperature) + 0.25, "by the same amount, +0.25"),
        (lambda logits, temperature: _right(logits, temperature).flip(1), "in another order"),
        (lambda logits, temperature: _right(logits, min(temperature, 3.0)), "cases only; wrong for instance in case"),
    ],
)
def test_a_bad_answer_is_a_verdict(answer: object, says: str) -> None:
    verdict = check("soft-target", answer)

    assert not verdict.passed
    assert says in repr(verdict)
    assert repr(verdict).startswith("✗ soft-target: ")
    assert verdict.hint == find_exercise("soft-target").start


@pytest.mark.parametrize("kind", [lambda found: found, lambda found: found.numpy(), lambda found: found.float()])
def test_a_right_answer_may_be_of_any_kind_of_array(kind: Callable[[Any], Any]) -> None:
    assert check("soft-target", lambda logits, temperature: kind(_right(logits, temperature))).passed


def test_an_answer_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    impatient = replace(find_exercise("soft-target"), limit_s=0.3)
    monkeypatch.setattr(checking, "find_exercise", lambda name: impatient)
    before = threading.active_count()

    verdict = check("soft-target", _loop)

    assert verdict.says == "It does not end: 0.3 s were up in case 1."
    while threading.active_count() > before:  # it does not go on in the background
        time.sleep(0.01)


def test_a_hint_is_given_on_demand_alone() -> None:
    assert hint("soft-target") == find_exercise("soft-target").start
    assert hint("soft-target", _right) == "Nothing is wrong with this answer."
    assert hint("soft-target", lambda logits, temperature: torch.softmax(logits, 1)).startswith("At which place")


def test_an_unknown_exercise_is_named_with_the_nearest() -> None:
    for ask in (check, hint, trusted):
        with pytest.raises(ParameterError, match="no exercise 'soft-targt': did you mean 'soft-target'"):
            ask("soft-targt", _right)
    with pytest.raises(ParameterError, match="there are error-rate, "):
        check("?", _right)


def test_a_right_answer_is_used_from_then_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert trusted("soft-target", _right) is _right
    assert trusted("soft-target", _raises) is find_exercise("soft-target").reference
    assert "until yours is right" in capsys.readouterr().out


def test_names_are_unique_and_cases_the_same_each_time() -> None:
    for exercise in exercises().values():
        once, again = exercise.cases(), exercise.cases()
        assert len(once) == len(again) >= 20
        for first, second in zip(once, again, strict=True):
            assert all(alike(own, other) for own, other in zip(first, second, strict=True))


@pytest.mark.parametrize(
    ("got", "says"),
    [
        ([-1.0, -4.0], "sign"),
        ([2.0, 8.0], "scale is wrong: all values are 2 times"),
        ([1.5, 4.5], "same amount, +0.5"),
        ([1.0, 16.0], "a root is missing"),
        ([1.0, 2.0], "a square is missing"),
        ([0.0, -3.0], "one minus"),
        ([np.log(1.0), np.log(4.0)], "logarithms"),
        ([7.0, 1.0], None),
        ([np.nan, 4.0], None),
    ],
)
def test_simple_differences(got: list[float], says: str | None) -> None:
    found = simple_difference([1.0, 4.0], got)

    assert (found is None) == (says is None)
    assert says is None or says in str(found)
