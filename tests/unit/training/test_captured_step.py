"""A step: how it is clipped; and where it cannot be captured, the reason is told, and it is taken all the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from nbutils.losses import LabelLoss, Objective
from nbutils.training.signal_source import Batch
from nbutils.training.step import Step


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> Step:
    """A step on the processor, where the end of a failed capture raises as CUDA's does."""

    @contextmanager
    def graph(_: object) -> Iterator[None]:
        try:
            yield
        finally:
            raise RuntimeError("operation failed due to a previous error during capture")

    monkeypatch.setattr(torch.cuda, "graph", graph)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", object)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    fabric: Any = SimpleNamespace(device=torch.device("cpu"))
    source: Any = None
    network, objective = nn.Linear(2, 2), Objective({"labels": (1.0, LabelLoss())})
    return Step(fabric, network, objective, source, torch.optim.SGD(network.parameters()), clip_norm=1.0)


@pytest.mark.parametrize(
    ("first", "told"),
    [
        (RuntimeError("operation not permitted when stream is capturing\nCUDA kernel errors …"), "not permitted when"),
        (ValueError("labels on the host"), "labels on the host"),
        (None, "previous error"),
    ],
    ids=["CUDA's", "another's", "none but the end's"],
)
def test_the_first_error_is_told(
    step: Step,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    first: Exception | None,
    told: str,
) -> None:
    taken: list[int] = []

    def take(batch: Batch) -> None:
        taken.append(batch.size)
        if first is not None and len(taken) == 1:
            raise first

    monkeypatch.setattr(step, "_take", take)
    batch: Any = SimpleNamespace(tensors={}, size=7, with_tensors=lambda _: SimpleNamespace(size=0))
    step._capture(batch)

    (line,) = (record.getMessage() for record in caplog.records)
    assert told in line
    assert "\n" not in line
    assert taken == [0, 7]  # captured in vain, then as it is


@pytest.mark.parametrize("length", [0.5, 3.0])
def test_a_gradient_is_clipped_as_by_torch(step: Step, length: float) -> None:
    parameters = list(step._network.parameters())
    gradients = torch.randn(6, generator=torch.Generator().manual_seed(0))
    gradients *= length / gradients.norm()
    for parameter, gradient in zip(parameters, torch.split(gradients, [4, 2]), strict=True):
        parameter.grad = gradient.view_as(parameter).clone()
    step._clip()
    ours = [parameter.grad for parameter in parameters]
    for parameter, gradient in zip(parameters, torch.split(gradients, [4, 2]), strict=True):
        parameter.grad = gradient.view_as(parameter).clone()
    norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    assert all(torch.equal(one, other.grad) for one, other in zip(ours, parameters, strict=True))
    assert step.clipped() == (norm > 1.0)
