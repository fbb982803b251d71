"""Several processes through Lightning Fabric against one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from torch import distributed, nn

from nbutils.data.sources.on_disk import FolderData
from nbutils.errors import ParameterError
from nbutils.training import ModelSpec, Schedule, Store, Term, TrainingSpec, train
from nbutils.training.__main__ import main
from nbutils.training.devices import (
    SharedBatchNorm2d,
    leave_process_group,
    own_batch_norm,
    own_share,
    share_batch_norm,
    share_weight,
)

#: Two processes add up a batch in another order, and each step of training magnifies what that rounds.
LOSS_TOLERANCE = 5e-3
#: Of what an epoch changes in the weights; without averaged gradients, or with batch norms apart, it is about 1.
WEIGHT_TOLERANCE = 5e-2


def _eq5(data: FolderData) -> TrainingSpec:
    """The general objective of Wang & Lan 2017 on a small ResNet, one epoch of batches that two cannot halve."""
    schedule = Schedule(epochs=1, batch_size=9, learning_rate=0.002)
    small = {"depth": 14, "width": 8, "height": 55, "breadth": 47}
    labels = {"task": Term(kind="LabelLoss")}
    teacher = TrainingSpec(
        name="teacher",
        data=data,
        model=ModelSpec(kind="FaceResNet", options=small),
        objective=labels,
        schedule=schedule,
    )
    soft = Term(kind="SoftTargetLoss", options={"temperature": 3.0})
    return teacher.model_copy(
        update={
            "name": "student",
            "model": ModelSpec(kind="FaceResNet", options=small | {"divisor": 2}),
            "objective": labels | {"soft": soft, "hidden": Term(kind="HiddenLoss")},
            "teacher": (teacher,),
        }
    )


@pytest.mark.slow
def test_two_processes_train_the_first_epoch_of_one(data: FolderData, tmp_path: Path) -> None:
    spec = _eq5(data)
    alone = train(spec, store=Store(tmp_path / "one"), progress=False)
    file = tmp_path / "spec.json"
    file.write_text(spec.model_dump_json())
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = os.environ | {"NBUTILS_STORE": str(tmp_path / "two"), "CUDA_VISIBLE_DEVICES": ""}

    done = subprocess.run(
        [*command, "-m", "nbutils.training", str(file)], env=environment, capture_output=True, text=True, timeout=300
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("'student' trained") == 1
    folder = Store(tmp_path / "two").find(spec.key)
    assert folder is not None
    assert len(list((tmp_path / "two").glob("*/weights.safetensors"))) == 2
    together = pd.read_parquet(folder / "history.parquet")
    for term in ("loss", "task", "soft", "hidden"):
        assert together[term][0] == pytest.approx(alone.history[term][0], rel=LOSS_TOLERANCE)
    weights, expected = (load_file(f / "weights.safetensors") for f in (folder, alone.folder))
    with torch.random.fork_rng():
        torch.manual_seed(spec.seed)
        start = spec.model.build(6).state_dict()
    learned = [(name, value - start[name]) for name, value in expected.items() if value.is_floating_point()]
    missed = torch.cat([(weights[name] - expected[name]).flatten() for name, _ in learned])
    whole = torch.cat([change.flatten() for _, change in learned])
    assert missed.norm() <= WEIGHT_TOLERANCE * whole.norm()
    assert json.loads((folder / "metrics.json").read_text())["outputs"] == 6


def test_the_command_leaves_the_other_processes_before_it_exits(
    data: FolderData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBUTILS_STORE", str(tmp_path / "store"))
    (teacher,) = _eq5(data).teacher
    file = tmp_path / "spec.json"
    file.write_text(teacher.model_dump_json())
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'meeting'}", rank=0, world_size=1)
    try:
        main([str(file)])
        assert not distributed.is_initialized()
    finally:
        leave_process_group()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "No such file"),
        (b"\xff", "can't decode"),
        (b"{", "Invalid JSON"),
        (b'{"seed": "x"}', "name: Field required"),
    ],
)
def test_a_file_without_a_spec_is_one_error(content: bytes | None, fault: str, tmp_path: Path) -> None:
    file = tmp_path / "spec.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ParameterError, match=rf"^{file}: expected a training spec as JSON: [^\n]*{fault}[^\n]*$"):
        main([str(file)])


@pytest.mark.slow
def test_the_command_ends_in_one_line_and_status_2() -> None:
    done = subprocess.run([sys.executable, "-m", "nbutils.training"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 2
    assert done.stderr == "error: expected one file with a training spec, got 0 arguments\n"


@pytest.mark.parametrize("count", [1, 2, 5, 64])
def test_shares_part_a_batch_and_weigh_what_they_hold(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values = torch.arange(count, dtype=torch.float64) ** 2
    monkeypatch.setenv("WORLD_SIZE", "3")
    taken, means = [], []
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        own = own_share(count)
        taken.append(own)
        means.append(share_weight(count) * values[own].mean())
    assert set(torch.cat(taken).tolist()) == set(range(count))
    torch.testing.assert_close(torch.stack(means).mean(), values.mean())


def test_the_shared_batch_norm_is_torchs_where_one_process_holds_the_whole_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own, shared = nn.Sequential(nn.BatchNorm2d(4)), nn.Sequential(nn.BatchNorm2d(4))
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("torch.distributed.all_reduce", lambda _: None)  # the other process holds nothing
    share_batch_norm(shared)
    assert isinstance(shared[0], SharedBatchNorm2d)
    x = torch.randn(5, 4, 3, 2, generator=torch.Generator().manual_seed(0)) * 3 + 1
    inputs = [x.clone().requires_grad_(), x.clone().requires_grad_()]
    outputs = [network(i) for network, i in zip((own, shared), inputs, strict=True)]
    torch.testing.assert_close(outputs[1], outputs[0], rtol=1e-4, atol=1e-5)
    for output, i in zip(outputs, inputs, strict=True):
        (output.square() * torch.arange(2)).sum().backward()
        assert i.grad is not None
    torch.testing.assert_close(inputs[1].grad, inputs[0].grad, rtol=1e-3, atol=1e-4)
    for name, value in own.state_dict().items():
        torch.testing.assert_close(shared.state_dict()[name], value, rtol=1e-4, atol=1e-5)
    assert type(own_batch_norm(shared)[0]) is nn.BatchNorm2d  # type: ignore[index]
