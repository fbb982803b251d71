"""Attacks the store: kills, flipped bits, full disks and races must leave nothing wrong and lose nothing.

Trainings run in forks of this process, which has imported everything and trains nothing itself, so that a hundred of
them take minutes on one core. Each attack ends in a training that is compared with an undisturbed one, byte by byte.
"""

from __future__ import annotations

import json
import os
import random
import runpy
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightning_fabric  # noqa: F401  (before the forks)
import pandas as pd
import pyarrow.parquet  # noqa: F401
import pytest
import torch

from nbutils.data.sources.embedded import SyntheticData
from nbutils.losses.objective import Objective
from nbutils.training import ModelSpec, Schedule, Store, Term, TrainingSpec, train
from nbutils.training.checkpoint import Checkpoint
from nbutils.training.result_files import CHECKPOINT, CHECKPOINT_BEFORE
from tests.support.limits import no_file_over

DATA = SyntheticData(identities=4, images_per_identity=4, validation_images=4, pairs=20)
SPEC = TrainingSpec(
    name="labels",
    data=DATA,
    model=ModelSpec("MobileIDStudent", options={"width": 4}),
    objective={"labels": Term("LabelLoss")},
    schedule=Schedule(epochs=8, batch_size=8),
)
#: Needs its teacher, and the teacher's answers.
STUDENT = SPEC.model_copy(
    update={
        "name": "student",
        "objective": {"soft": Term("SoftTargetLoss", options={"temperature": 2.0})},
        "schedule": Schedule(epochs=2, batch_size=8),
        "teacher": (SPEC,),
        "targets": "cached",
    }
)
#: The system's calls at which a process is killed, one after another: all that make, name and remove files.
CALLS = ("fsync", "rename", "replace", "mkdir", "unlink", "rmdir")

Work = Callable[[], None]


@dataclass
class Ended:
    """How a forked training ended."""

    status: int
    said: str

    @property
    def is_raw(self) -> bool:
        """Whether it ended in a traceback."""
        return "Traceback" in self.said


@dataclass
class Running:
    """A forked training."""

    process: int
    output: int
    started: float = field(default_factory=time.monotonic)

    def ended(self) -> Ended:
        """Waits for its end."""
        _, status = os.waitpid(self.process, 0)
        with open(self.output, encoding="utf-8", errors="replace") as stream:
            return Ended(os.waitstatus_to_exitcode(status), stream.read())

    def killed(self, after: float, number: int) -> Ended:
        """Sends it a signal after so many seconds."""
        time.sleep(after)
        os.kill(self.process, number)
        return self.ended()


def start(work: Work) -> Running:
    """Forks a process that does this, as a script would, and nothing else."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return Running(process, reading)
    status = 1
    try:
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        work()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except KeyboardInterrupt:
        status = 130
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def by_api(spec: TrainingSpec, store: Path) -> Work:
    """Trains as a notebook does, with a checkpoint after each epoch."""

    def work() -> None:
        print(
            "trained" if train(spec, store=Store(store), progress=False, checkpoint_seconds=0).trained_now else "found"
        )

    return work


def by_command(spec: TrainingSpec, store: Path) -> Work:
    """Trains by `python -m nbutils.training`."""
    file = store.with_suffix(".json")
    file.write_text(spec.model_dump_json())

    def work() -> None:
        sys.argv = ["nbutils.training", str(file)]
        os.environ["NBUTILS_STORE"] = str(store)
        runpy.run_module("nbutils.training", run_name="__main__", alter_sys=True)

    return work


def results(store: Path) -> dict[str, Any]:
    """Every published file of a store; of what tells how long it took, all but that."""
    found: dict[str, Any] = {}
    for file in sorted(store.glob("?" * 32 + "/*")):
        name = f"{file.parent.name}/{file.name}"
        if file.name == "history.parquet":
            found[name] = pd.read_parquet(file).drop(columns="seconds").to_json(double_precision=15)
        elif file.name == "metrics.json":
            found[name] = {key: value for key, value in json.loads(file.read_text()).items() if key != "seconds"}
        elif file.name not in ("origin.json", "digests.json"):
            found[name] = file.read_bytes()
    return found


def check_whole(store: Path) -> None:
    """What is published is whole."""
    for folder in store.glob("?" * 32):
        assert Store(store).find(folder.name) == folder


def flip(file: Path, draw: random.Random) -> None:
    """Flips one bit of a file."""
    content = bytearray(file.read_bytes())
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    file.write_bytes(content)


@dataclass
class Reference:
    """Undisturbed trainings."""

    store: Path
    seconds: float
    of_one: dict[str, Any]
    of_all: dict[str, Any]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    torch.set_num_threads(1)
    _ = STUDENT.key  # the digests of the code are found once, before the forks
    store = tmp_path_factory.mktemp("undisturbed") / "store"
    begun = time.monotonic()
    ended = start(by_api(SPEC, store)).ended()
    seconds = time.monotonic() - begun
    assert (ended.status, ended.said) == (0, "trained\n")
    of_one = results(store)
    assert start(by_api(STUDENT, store)).ended().status == 0
    return Reference(store, seconds, of_one, results(store))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.mark.parametrize(("by", "kills"), [(by_api, 60), (by_command, 60)])
def test_killed_at_random_moments(
    by: Callable[[TrainingSpec, Path], Work], kills: int, store: Path, reference: Reference, counts: Counter[str]
) -> None:
    draw = random.Random(kills)
    made = 0
    while made < kills:
        number = draw.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
        ended = start(by(SPEC, store)).killed(draw.uniform(0, reference.seconds), number)
        assert not ended.is_raw, ended.said
        check_whole(store)
        if ended.status == 0:
            assert results(store) == reference.of_one
            shutil.rmtree(store)
            counts[f"trainings finished between kills, {by.__name__}"] += 1
        else:
            assert ended.status in (-number, 130), ended
            made += 1
    assert start(by(SPEC, store)).ended().status == 0
    assert results(store) == reference.of_one
    assert not list(store.glob("*.partial"))
    counts[f"kills at random moments, {by.__name__}"] += made


def test_killed_amid_imports(store: Path, reference: Reference, counts: Counter[str]) -> None:
    file = store.with_suffix(".json")
    file.write_text(SPEC.model_dump_json())
    command = [sys.executable, "-m", "nbutils.training", str(file)]
    threads = {"OMP_NUM_THREADS": "1"}  # as the reference: another number gives other last bits
    environment = os.environ | {"NBUTILS_STORE": str(store)} | threads
    for after in (0.1, 0.3, 1, 2, 3):
        child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(after)
        child.send_signal(signal.SIGTERM)
        assert "Traceback" not in child.communicate()[1]
        counts["kills of a fresh process, amid its imports"] += 1
    assert subprocess.run(command, env=environment, capture_output=True).returncode == 0
    assert results(store) == reference.of_one


def test_killed_at_every_call_that_makes_names_or_removes_a_file(
    tmp_path: Path, reference: Reference, counts: Counter[str]
) -> None:
    spec = SPEC.model_copy(update={"schedule": Schedule(epochs=2, batch_size=8)})
    store = tmp_path / "undisturbed"
    assert start(by_api(spec, store)).ended().status == 0
    expected = results(store)

    def killed_at(step: int, store: Path) -> Work:
        left = iter(range(step, -1, -1))

        def patched(true: Callable[..., Any]) -> Callable[..., Any]:
            def call(*given: Any, **more: Any) -> Any:  # noqa: ANN401
                if next(left) == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return true(*given, **more)

            return call

        def work() -> None:
            for name in CALLS:
                setattr(os, name, patched(getattr(os, name)))
            by_api(spec, store)()

        return work

    step = 0
    while True:
        store = tmp_path / f"{step}"
        ended = start(killed_at(step, store)).ended()
        check_whole(store)
        if ended.status == 0:
            break
        assert ended.status == -signal.SIGKILL, ended
        assert start(by_api(spec, store)).ended().status == 0
        assert results(store) == expected
        assert [path.name for path in store.iterdir() if ".new-" not in path.name] == [spec.key]
        step += 1
    assert step >= 25
    counts["kills at each call that makes, names or removes a file"] += step


def test_flipped_bits_in_results_and_caches(tmp_path: Path, reference: Reference, counts: Counter[str]) -> None:
    draw = random.Random(0)
    files = sorted(reference.store.glob("?" * 32 + "/*"))
    copy = tmp_path / "store"
    for number in range(400):
        file = draw.choice(files)
        target = copy / file.parent.name / file.name
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(file.parent, target.parent)
        flip(target, draw)
        assert Store(copy).find(target.parent.name) is None, target.name
        if number < 12:
            for folder in {found.parent for found in files} - {file.parent, reference.store / STUDENT.key}:
                shutil.copytree(folder, copy / folder.name)
            assert start(by_api(STUDENT, copy)).ended().status == 0
            assert results(copy) == reference.of_all
            counts["results with a flipped bit, trained again"] += 1
        counts[f"flipped bits in {'caches' if file.parent.joinpath('features.npy').is_file() else 'results'}"] += 1


def test_flipped_bits_in_checkpoints(tmp_path: Path, reference: Reference, counts: Counter[str]) -> None:
    draw = random.Random(1)
    store = tmp_path / "store"
    partial = store / f"{SPEC.key}.partial"
    while not ((partial / CHECKPOINT).is_file() and (partial / CHECKPOINT_BEFORE).is_file()):
        shutil.rmtree(store, ignore_errors=True)
        start(by_api(SPEC, store)).killed(draw.uniform(0, reference.seconds), signal.SIGKILL)
    saved = {name: (partial / name).read_bytes() for name in (CHECKPOINT, CHECKPOINT_BEFORE)}

    def restored() -> tuple[int, dict[str, torch.Tensor]]:
        objective = Objective({name: (term.weight, term.build()) for name, term in SPEC.objective.items()})
        model = torch.nn.ModuleDict({"model": SPEC.model.build(4), "objective": objective})
        history = Checkpoint(partial, SPEC.key).restore(model, torch.optim.SGD(model.parameters(), momentum=0.9))
        return len(history), model.state_dict()

    (partial / CHECKPOINT).unlink()
    epochs, state = restored()
    assert epochs
    for number in range(300):
        for name, content in saved.items():
            (partial / name).write_bytes(content)
        flip(partial / CHECKPOINT, draw)
        found, other = restored()
        assert found == epochs
        assert all(torch.equal(other[name], value) for name, value in state.items())
        if number < 12:
            if number % 2:
                flip(partial / CHECKPOINT_BEFORE, draw)
            assert start(by_api(SPEC, store)).ended().status == 0
            assert results(store) == reference.of_one
            shutil.rmtree(store)
            partial.mkdir(parents=True)
            counts["trainings continued beside a flipped bit"] += 1
        counts["flipped bits in checkpoints"] += 1


@pytest.mark.parametrize("locked", [True, False])
def test_processes_race_for_a_key(
    locked: bool, tmp_path: Path, counts: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not locked:  # as on a file system that knows no locks
        monkeypatch.setattr(Store, "lock", lambda *_, **__: nullcontext())
    for seed in range(13 if locked else 3):
        spec = SPEC.model_copy(update={"seed": seed, "schedule": Schedule(epochs=1, batch_size=8)})
        store, alone = tmp_path / f"{seed}", tmp_path / f"alone{seed}"
        ends = [running.ended() for running in [start(by_api(spec, store)) for _ in range(4)]]
        assert [end.status for end in ends] == [0] * 4, ends
        said = Counter(end.said for end in ends)
        assert not locked or said == {"trained\n": 1, "found\n": 3}
        assert [path.name for path in store.iterdir()] == [spec.key]
        assert start(by_api(spec, alone)).ended().status == 0
        assert results(store) == results(alone)
        counts[f"processes that raced for a key, {'with' if locked else 'without'} locks"] += 4


def test_full_disk_at_every_file(tmp_path: Path, reference: Reference, counts: Counter[str]) -> None:
    sizes = {file.stat().st_size for file in reference.store.glob("?" * 32 + "/*")}
    limits = sorted({0, 1, 100, *(size - 1 for size in sizes)})
    for by in (by_api, by_command):
        for limit in limits:
            store = tmp_path / f"{by.__name__}{limit}"
            work = by(STUDENT, store)

            def limited(work: Work = work, limit: int = limit) -> None:
                with no_file_over(limit):
                    work()

            ended = start(limited).ended()
            assert ended.status in (1, 2), (limit, ended)
            told = ended.said.splitlines()[-1]  # below a traceback, where the API raised
            assert "cannot be written" in told, ended.said
            assert str(store) in told
            assert "File too large" in told or by is by_api, told
            assert by is by_api or not ended.is_raw, ended.said
            check_whole(store)
            assert not list(store.glob("*.new-*"))
            assert not list(store.glob("*.lock"))
            assert start(by(STUDENT, store)).ended().status == 0
            assert results(store) == reference.of_all
            counts[f"trainings on a full disk, {by.__name__}"] += 1
