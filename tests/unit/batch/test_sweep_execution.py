from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

pytest.importorskip("distributed", reason="needs nbutils[cluster]")

from nbutils.batch.runner import Job, run_jobs
from nbutils.batch.sweeps.execution import SweepOutcome, run_sweep
from nbutils.batch.sweeps.grid import SweepRun
from nbutils.batch.sweeps.run_graph import sweep_graph
from nbutils.batch.sweeps.tasks import Servers, StoppedError, Terms, train_task
from nbutils.papers.base import PRECISION_VARIABLE
from nbutils.training import Store, train
from nbutils.training.store_places import open_store
from tests.support.buckets import URL, bucket, bucket_server
from tests.support.sweeps import know_tiny, threads_cluster, tiny_runs, tiny_trainings, write_notebook

__all__ = ["bucket", "bucket_server"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("forked_runs"),
    pytest.mark.skipif(sys.platform == "win32", reason="forks"),
]


@pytest.fixture
def notebooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_notebook(tmp_path / "notebooks")
    know_tiny(monkeypatch)
    return tmp_path / "notebooks"


def _swept(runs: list[SweepRun], tmp_path: Path, **options: Any) -> SweepOutcome:  # noqa: ANN401
    with threads_cluster() as client:
        return run_sweep(
            client,
            runs,
            sweep_graph(runs),
            tmp_path / "out",
            store=Store(tmp_path / "store"),
            precision="32-true",
            **options,
        )


def _metrics(folder: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return found


def test_every_network_is_trained_once_and_the_runs_equal_single_ones(
    notebooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tiny_runs(notebooks, seeds=(0, 1), temperatures=(1.0, 4.0))
    graph = sweep_graph(runs)
    assert (graph.asked, len(graph.specs), graph.widths) == (8, 6, [2, 4])

    events: list[dict[str, Any]] = []
    outcome = _swept(runs, tmp_path, follow=events.append)

    assert [run.error for run in outcome.runs] == [None] * 4
    assert sorted(outcome.trained) == sorted(graph.specs)
    assert not outcome.found
    started = [event["key"] for event in events if event["event"] == "started"]
    assert sorted(started) == sorted(graph.specs)
    assert sorted(path.name for path in (tmp_path / "store").iterdir()) == sorted(graph.specs)
    for key in graph.specs:
        assert "trained" in (tmp_path / "out/logs" / f"{key}.txt").read_text(encoding="utf-8")

    monkeypatch.setenv("NBUTILS_STORE", str(tmp_path / "other"))
    single = run_jobs([Job("tiny", runs[0].notebook, tmp_path / "single", dict(runs[0].given))])
    assert single[0].error is None
    alone = _metrics(tmp_path / "single")
    assert alone.pop("trained in the notebook") == 2
    for run in runs:
        swept = _metrics(tmp_path / "out" / run.place)
        assert swept.pop("trained in the notebook") == 0
        specs = tiny_trainings(int(run.given["seed"]), float(run.given["temperature"]))
        results = train(specs.values(), store=Store(tmp_path / "other"), progress=False)
        losses = {f"loss of {result.spec.name}": float(result.history["loss"].iloc[-1]) for result in results}
        assert swept == losses
    assert _metrics(tmp_path / "out" / runs[0].place) == alone | {"trained in the notebook": 0}

    again = _swept(runs, tmp_path, keep=1)
    assert not again.trained
    assert sorted(again.found) == sorted(graph.specs)
    assert all(run.former is not None and (run.former / "metrics.json").is_file() for run in again.runs)


def test_a_training_that_fails_fails_its_runs_alone(notebooks: Path, tmp_path: Path) -> None:
    runs = tiny_runs(notebooks, seeds=(0,), temperatures=(1.0, -1.0))
    outcome = _swept(runs, tmp_path)

    assert [run.status for run in outcome.runs] == ["ok", "failed"]
    assert len(outcome.failed) == 1
    (reason,) = outcome.failed.values()
    assert "'soft'" in reason
    assert "the loss is" in reason
    page = (tmp_path / "out" / runs[1].place / "page.html").read_text(encoding="utf-8")
    assert "This run failed" in page
    assert "the loss is" in page
    assert outcome.runs[1].error is not None
    assert "the loss is" in outcome.runs[1].error


def test_a_training_whose_process_is_killed_is_done_again(
    notebooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tiny_runs(notebooks, seeds=(0,), temperatures=(1.0,))
    killed: list[int] = []
    carry_out = Servers.carry_out

    def kill_first(self: Servers, order: dict[str, Any], sweep: str) -> int:
        if not killed:
            server = self._take(sweep)
            killed.append(server.pid)
            os.kill(server.pid, signal.SIGKILL)
            self._give_back(server, sweep, reusable=True)
            return 1
        return carry_out(self, order, sweep)

    monkeypatch.setattr(Servers, "carry_out", kill_first)
    outcome = _swept(runs, tmp_path)
    assert killed
    assert outcome.runs[0].error is None
    assert len(outcome.trained) == 2


def test_a_training_of_two_devices_is_two_processes_of_torchrun(tmp_path: Path) -> None:
    spec, store = tiny_trainings(0, 1.0)["T"], Store(tmp_path / "store")
    store.leave_spec(spec.key, spec.model_dump_json())
    terms = Terms("two devices", store.location, {PRECISION_VARIABLE: "32-true"}, devices=2)
    most = 0
    with threads_cluster(workers=1, devices=2) as client:
        future = client.submit(train_task, spec.key, spec.name, terms, resources={"GPU": 2})
        while not future.done():
            most = max(most, sum(map(_trains, psutil.Process().children(recursive=True))))
            time.sleep(0.05)
        assert future.result() == spec.key
    assert most == 2
    (alone,) = train([spec], store=Store(tmp_path / "other"), progress=False)
    (together,) = train([spec], store=store, progress=False)
    assert not together.trained_now
    assert together.history["loss"].tolist() == pytest.approx(alone.history["loss"].tolist(), rel=0.05)


def _trains(process: psutil.Process) -> bool:
    """Whether a process is one of those that torchrun starts."""
    try:
        command = " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False
    return "-m nbutils.training " in command and "torch.distributed.run" not in command


@pytest.mark.usefixtures("bucket")
def test_a_bucket_is_the_store_of_a_sweep(notebooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("obstore")
    runs = tiny_runs(notebooks, seeds=(0,), temperatures=(1.0,))
    graph = sweep_graph(runs)
    with threads_cluster() as client:
        outcome = run_sweep(client, runs, graph, tmp_path / "out", store=open_store(URL), precision="32-true")
    assert outcome.runs[0].error is None
    assert sorted(outcome.trained) == sorted(graph.specs)
    assert _metrics(tmp_path / "out" / runs[0].place)["trained in the notebook"] == 0
    monkeypatch.setenv("NBUTILS_CACHE", str(tmp_path / "another machine"))
    assert all(open_store(URL).find(key) for key in graph.specs)


def test_after_an_interrupt_the_same_sweep_goes_on(
    notebooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tiny_runs(notebooks, seeds=(0, 1), temperatures=(1.0, 2.0))
    begun = itertools.count(1)
    taken: list[subprocess.Popen[str]] = []
    carry_out, take = Servers.carry_out, Servers._take

    def wait_for_the_interrupt(self: Servers, order: dict[str, Any], sweep: str) -> int:
        """Three trainings run as they come; the others begin when they should not, however fast the three are."""
        if next(begun) > 3:
            assert self.stopping(sweep).wait(120)
        return carry_out(self, order, sweep)

    def note(self: Servers, sweep: str) -> subprocess.Popen[str]:
        taken.append(take(self, sweep))
        return taken[-1]

    def interrupt(event: dict[str, Any]) -> None:
        if event["event"] == "done":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Servers, "carry_out", wait_for_the_interrupt)
        patch.setattr(Servers, "_take", note)
        with pytest.raises(KeyboardInterrupt):
            _swept(runs, tmp_path, follow=interrupt)
    keys = set(sweep_graph(runs).specs)
    done = {path.name for path in (tmp_path / "store").iterdir()} & keys
    assert 1 <= len(done) < len(keys)
    assert 1 <= len(taken) <= 3
    for server in taken:
        server.wait(10)  # raises if it still runs

    outcome = _swept(runs, tmp_path)
    assert [run.error for run in outcome.runs] == [None] * 4
    assert set(outcome.found) == done
    assert set(outcome.trained) == keys - done
    assert {path.name for path in (tmp_path / "store").iterdir()} == keys


def test_a_stop_between_a_servers_start_and_its_order_is_no_other_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Servers, "command", (sys.executable, "-c", "import sys; sys.stdin.read()"))
    take = Servers._take

    def take_and_stop(self: Servers, sweep: str) -> subprocess.Popen[str]:
        server = take(self, sweep)
        self.stop(sweep)
        return server

    monkeypatch.setattr(Servers, "_take", take_and_stop)
    with pytest.raises(StoppedError):
        Servers().carry_out({}, "a sweep")
