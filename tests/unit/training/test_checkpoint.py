"""States of unfinished trainings: what is whole is continued, anything else is set aside."""

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from nbutils.data.sources.digits import DigitsData
from nbutils.errors import StoreError
from nbutils.training import ModelSpec, Schedule, Store, Term, TrainingSpec, step, train
from nbutils.training.checkpoint import Checkpoint
from nbutils.training.interrupts import TrainingStopped
from nbutils.training.result_files import CHECKPOINT, CHECKPOINT_BEFORE, CHECKPOINT_DAMAGED
from tests.support.limits import no_file_over

KEY = "k" * 32


def _network() -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    return model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def _epoch(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    model(torch.randn(4, 3)).square().sum().backward()
    optimizer.step()


def _state(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    momentum = {f"m.{n}": optimizer.state[p]["momentum_buffer"] for n, p in model.named_parameters()}
    return {name: value.clone() for name, value in {**model.state_dict(), **momentum}.items()}


def _restored(folder: Path, key: str = KEY) -> tuple[int, dict[str, torch.Tensor]]:
    model, optimizer = _network()
    history = Checkpoint(folder, key).restore(model, optimizer)
    return len(history), _state(model, optimizer) if history else {}


def _same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def states(tmp_path: Path) -> list[dict[str, torch.Tensor]]:
    """The states after two epochs, both written to the test's folder."""
    model, optimizer = _network()
    checkpoint = Checkpoint(tmp_path, KEY, seconds=0)
    states: list[dict[str, torch.Tensor]] = []
    for epoch in (1, 2):
        _epoch(model, optimizer)
        checkpoint.save(model, optimizer, [{"epoch": number + 1.0, "loss": 0.1} for number in range(epoch)])
        states.append(_state(model, optimizer))
    return states


def test_the_newest_state_is_continued(tmp_path: Path, states: list[dict[str, torch.Tensor]]) -> None:
    assert {file.name for file in tmp_path.iterdir()} == {CHECKPOINT, CHECKPOINT_BEFORE}
    epochs, state = _restored(tmp_path)
    assert epochs == 2
    assert _same(state, states[1])


@pytest.mark.slow
def test_after_any_flipped_bit_the_state_before_is_continued(
    tmp_path: Path, states: list[dict[str, torch.Tensor]]
) -> None:
    whole, before = ((tmp_path / name).read_bytes() for name in (CHECKPOINT, CHECKPOINT_BEFORE))
    draw = random.Random(0)
    for _ in range(300):
        content = bytearray(whole)
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        (tmp_path / CHECKPOINT).write_bytes(content)
        epochs, state = _restored(tmp_path)
        assert epochs == 1
        assert _same(state, states[0])
        assert (tmp_path / CHECKPOINT_DAMAGED).read_bytes() == content
        assert (tmp_path / CHECKPOINT_BEFORE).read_bytes() == before
    (tmp_path / CHECKPOINT_BEFORE).write_bytes(before[:-1])
    assert _restored(tmp_path) == (0, {})


def test_a_state_without_metadata_of_another_training_or_network_is_set_aside(
    tmp_path: Path, states: list[dict[str, torch.Tensor]], caplog: pytest.LogCaptureFixture
) -> None:
    assert _restored(tmp_path, "other")[0] == 0
    assert "does not bear the key of this training" in caplog.text
    assert {file.name for file in tmp_path.iterdir()} == {CHECKPOINT_DAMAGED}
    save_file({"model.weight": torch.zeros(2)}, tmp_path / CHECKPOINT)
    assert _restored(tmp_path)[0] == 0
    larger = nn.Linear(7, 7)
    Checkpoint(tmp_path, KEY, 0).save(larger, torch.optim.SGD(larger.parameters()), [{"epoch": 1}])
    assert _restored(tmp_path)[0] == 0
    assert "it holds another network" in caplog.text
    assert {file.name for file in tmp_path.iterdir()} == {CHECKPOINT_DAMAGED}


@pytest.mark.parametrize(("end", "kept"), [(KeyboardInterrupt, 1), (SystemExit, 1), (ValueError, 0)])
def test_an_interrupt_amid_an_epoch_saves_the_last_finished_one(
    end: type[BaseException], kept: int, tmp_path: Path
) -> None:
    model, optimizer = _network()
    checkpoint = Checkpoint(tmp_path, KEY, math.inf)

    @contextmanager
    def interrupted() -> Iterator[dict[str, torch.Tensor]]:
        with checkpoint.saved_on_interrupt():
            _epoch(model, optimizer)
            checkpoint.save(model, optimizer, [{"epoch": 1, "loss": math.pi}])
            yield _state(model, optimizer)
            _epoch(model, optimizer)
            raise end

    with pytest.raises(end), interrupted() as finished:
        assert not list(tmp_path.iterdir())
    epochs, state = _restored(tmp_path)
    assert epochs == kept
    assert not kept or _same(state, finished)


def test_a_full_disk_is_one_line_and_leaves_the_state_before(
    tmp_path: Path, states: list[dict[str, torch.Tensor]]
) -> None:
    model, optimizer = _network()
    _epoch(model, optimizer)
    with no_file_over(200), pytest.raises(StoreError, match=r"checkpoint\.safetensors.*: cannot be written: \w[^\n]*$"):
        Checkpoint(tmp_path, KEY, 0).save(model, optimizer, [{"epoch": 3}])
    assert {file.name for file in tmp_path.iterdir()} == {CHECKPOINT, CHECKPOINT_BEFORE}
    assert _restored(tmp_path)[0] == 2


def test_an_interrupted_training_with_dropout_ends_in_the_weights_of_an_undisturbed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = TrainingSpec(
        name="dropout",
        data=DigitsData(),
        model=ModelSpec("MLP", options={"neurons": 8, "height": 8, "width": 8, "dropout": 0.5}),
        objective={"labels": Term("LabelLoss")},
        schedule=Schedule(epochs=4, batch_size=800),
    )
    taken: list[int] = []
    norm = torch.nn.utils.get_total_norm

    def counted(*given: Any, **more: Any) -> torch.Tensor:  # noqa: ANN401
        taken.append(len(taken))
        if len(taken) == 6:  # of two steps an epoch, the last of the third
            raise KeyboardInterrupt
        return norm(*given, **more)

    monkeypatch.setattr(step, "get_total_norm", counted)
    with pytest.raises(TrainingStopped) as stopped:
        train(spec, store=Store(tmp_path / "store"), progress=False)
    (line,) = stopped.value._render_traceback_()  # what a notebook shows of it
    assert line.startswith("Stopped while 'dropout' trained: 2 of 4 epochs are kept")
    torch.manual_seed(1)
    random_state = torch.get_rng_state()
    resumed = train(spec, store=Store(tmp_path / "store"), progress=False)
    assert len(taken) == 6 + 4  # the last two epochs
    assert torch.equal(torch.get_rng_state(), random_state)
    whole = train(spec, store=Store(tmp_path / "undisturbed"), progress=False)
    weights = [load_file(result.folder / "weights.safetensors") for result in (resumed, whole)]
    assert _same(*weights)
    assert [len(result.history) for result in (resumed, whole)] == [4, 4]
    assert {path.name for path in (tmp_path / "store").iterdir()} == {spec.key}
