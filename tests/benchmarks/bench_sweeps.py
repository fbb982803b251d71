"""What the scheduler costs: a graph of empty trainings through a local cluster; `make benchmark`."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest

pytest.importorskip("distributed", reason="needs nbutils[cluster]")

from nbutils.batch.sweeps import tasks
from nbutils.batch.sweeps.clusters import connected
from nbutils.batch.sweeps.execution import FollowedSweep, Order
from nbutils.batch.sweeps.run_graph import SweepGraph

TRAININGS, STUDENTS = 100_000, 10_000


def empty(key: str, _name: str, _terms: object, *_before: str) -> str:
    """In the place of a training."""
    return key


def test_100_000_empty_trainings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keys = [f"{number:032x}" for number in range(TRAININGS)]
    after = {key: (keys[0],) if 0 < number <= STUDENTS else () for number, key in enumerate(keys)}
    specs = cast(Any, {key: SimpleNamespace(name="empty") for key in keys})
    graph = SweepGraph(specs, after, [], {})
    monkeypatch.setattr(tasks, "train_task", empty)
    done: list[str] = []
    process, most = psutil.Process(), [0]

    def follow(event: dict[str, Any]) -> None:
        done.append(event["event"])
        if len(done) % 1000 == 0:
            most[0] = max(most[0], process.memory_info().rss)

    with connected(workers=2) as client:
        client.wait_for_workers(2)
        before, start = process.memory_info().rss, time.perf_counter()
        order = Order(tasks.Terms("sweep", str(tmp_path), {}), None, None)
        FollowedSweep(client, [], graph, order, follow).run()
        seconds = time.perf_counter() - start
    assert done == ["done"] * TRAININGS
    print(
        f"\n{TRAININGS:,} empty trainings, {STUDENTS:,} of them after one: {seconds:.1f} s, "
        f"{1e3 * seconds / TRAININGS:.2f} ms each; {(most[0] - before) / 2**20:,.0f} MiB more in the process of "
        f"scheduler and client, {(most[0] - before) / TRAININGS / 1024:.1f} KiB each"
    )
