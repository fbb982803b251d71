"""Puts a sweep on a cluster and follows it: trainings with their edges, then the notebooks that read them."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbutils.batch.processes import interruptible, kill_tree
from nbutils.batch.runner import Job, Outcome, check_places, failed_run
from nbutils.batch.sweeps.fitness import fit_hosts
from nbutils.batch.sweeps.grid import SweepRun
from nbutils.batch.sweeps.run_graph import SweepGraph
from nbutils.batch.worker import Failure
from nbutils.errors import NbutilsError
from nbutils.papers.base import PRECISION_VARIABLE
from nbutils.reporting.json_files import write_json
from nbutils.reporting.run_folder import MARKER, put_in_place, scratch_folder, seal
from nbutils.training.store import Store
from nbutils.writing import write_aside

if TYPE_CHECKING:
    from distributed import Client, Future

    from nbutils.batch.sweeps.tasks import Terms

#: Tries of a task after the first.
_RETRIES = 2
_LOGS = "logs"
#: Which worker did which training, in what time.
TRAININGS = "trainings.json"
_TRAINING = "training-"

Follow = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class SweepOutcome:
    """What became of a sweep.

    Attributes:
        runs: Of every run, in the sweep's order.
        trained: Keys of the trainings that this sweep did.
        found: Keys of those that the store held.
        failed: Key to the reason of those that could not be done.
        seconds: That it took.
    """

    runs: tuple[Outcome, ...]
    trained: tuple[str, ...]
    found: tuple[str, ...]
    failed: Mapping[str, str]
    seconds: float


@dataclass(frozen=True)
class Order:
    """What all tasks share: their terms, the hosts that may take them (None: all), and what becomes of the runs."""

    terms: Terms
    hosts: list[str] | None
    cell_limit_s: float | None = None
    keep: int = 0
    force: bool = False


@dataclass
class _Progress:
    """What is known of the tasks so far."""

    follow: Follow
    logs: Path
    trained: dict[str, None] = field(default_factory=dict)
    found: dict[str, None] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)

    def hear(self, event: tuple[float, Any]) -> None:
        """Take up what a worker tells of a training."""
        told = event[1]
        if told["event"] == "trained":
            self.trained[told["key"]] = None
        elif told["event"] == "found":
            self.found[told["key"]] = None
        if told["event"] != "started":
            record = {name: told[name] for name in ("key", "name", "host", "worker", "processor", "seconds")}
            self.records.append(record | {"state": told["event"]})
        if told.get("log"):
            with suppress(OSError):  # a log decides nothing
                write_aside(self.logs / f"{told['key']}.txt", f"'{told['name']}' on {told['host']}\n{told['log']}")
        self.follow(told)


def run_sweep(
    client: Client,
    runs: Sequence[SweepRun],
    graph: SweepGraph,
    out: Path,
    *,
    store: Store,
    precision: str,
    devices: int = 1,
    cell_limit_s: float | None = None,
    keep: int = 0,
    force: bool = False,
    follow: Follow | None = None,
) -> SweepOutcome:
    """Trains every network of a graph once on a cluster, runs the notebooks there, and puts their folders in place.

    A training that fails fails the runs that read it, with its reason on their pages, and no other. A first interrupt
    stops tidily: trainings save their last finished epoch, and the same sweep goes on from there. A second one kills.

    Args:
        client: Of the cluster.
        runs: See `sweep_runs`.
        graph: See `sweep_graph`; of these runs.
        out: Folder for the runs, each below its setting.
        store: Where the trainings lie; every worker must see it.
        precision: Arithmetic of all trainings, as the specs of the graph have it.
        devices: Of each training; more than one are driven by torchrun.
        cell_limit_s: Seconds after which a notebook's cell counts as failed, or None.
        keep: How many former runs of each notebook to keep.
        force: Whether to replace folders that hold something other than a run.
        follow: Called with what workers tell, and with {"event": "run", "name": …, "status": …} of each run.

    Raises:
        ParameterError: A folder is in the way, the workers' versions differ, or none sees store and data.
        KeyboardInterrupt: After a first interrupt.
        NbutilsError: The connection to the scheduler is lost.
    """
    from distributed import CancelledError

    from nbutils.batch.sweeps.tasks import Terms

    start = time.monotonic()
    jobs = [Job(run.name, run.notebook, out / run.place, dict(run.given)) for run in runs]
    check_places(jobs, force=force)
    follow = follow or (lambda _event: None)
    hosts, unfit = fit_hosts(client, store, _data_folders(graph))
    for line in unfit:
        follow({"event": "unfit", "name": line})
    for key, spec in graph.specs.items():
        store.leave_spec(key, spec.model_dump_json())
    progress = _Progress(follow, out / _LOGS)
    terms = Terms(secrets.token_hex(8), store.location, {PRECISION_VARIABLE: precision}, devices)
    followed = FollowedSweep(client, jobs, graph, Order(terms, hosts, cell_limit_s, keep, force), follow)
    client.subscribe_topic(terms.topic, progress.hear)
    try:
        with _stoppable(client, terms.sweep):
            try:
                outcomes = followed.run()
            except CancelledError:
                raise NbutilsError(
                    "the connection to the scheduler is lost: the same command goes on from what the store holds"
                ) from None
    finally:
        with suppress(Exception):
            client.unsubscribe_topic(terms.topic)
        write_json(out / TRAININGS, progress.records)
    return SweepOutcome(
        tuple(outcomes), tuple(progress.trained), tuple(progress.found), followed.failed, time.monotonic() - start
    )


class FollowedSweep:
    """The tasks of one sweep: a notebook is submitted once the last training behind it is there."""

    def __init__(self, client: Client, jobs: Sequence[Job], graph: SweepGraph, order: Order, follow: Follow) -> None:
        self.failed: dict[str, str] = {}
        self._outcomes: dict[Path, Outcome] = {}
        self._client, self._jobs, self._graph, self._order, self._follow = client, jobs, graph, order, follow
        self._lacking = [set(keys) for keys in graph.wanted]
        self._readers: dict[str, list[int]] = {}
        for number, keys in enumerate(graph.wanted):
            for key in keys:
                self._readers.setdefault(key, []).append(number)
        self._notebooks: dict[str, tuple[Job, datetime]] = {}

    def run(self) -> list[Outcome]:
        """Do all, and return the outcomes of the runs."""
        from distributed import as_completed

        waiting = as_completed(self._train(), loop=self._client.loop)
        for number, lacking in enumerate(self._lacking):
            if not lacking:
                waiting.add(self._submit(self._jobs[number]))
        for future in waiting:
            if future.status == "cancelled":
                future.result()
            if str(future.key) in self._notebooks:
                self._received(future)
            else:
                for number in self._trained(future):
                    waiting.add(self._submit(self._jobs[number]))
            future.release()
        return [self._outcomes[job.folder] for job in self._jobs]

    def _train(self) -> list[Future[Any]]:
        from dask._task_spec import Task, TaskRef

        from nbutils.batch.sweeps.tasks import train_task

        names = {key: f"{_TRAINING}{key}-{self._order.terms.sweep}" for key in self._graph.specs}
        tasks = {
            names[key]: Task(
                names[key],
                train_task,
                key,
                spec.name,
                self._order.terms,
                *(TaskRef(names[before]) for before in self._graph.after[key]),
            )
            for key, spec in self._graph.specs.items()
        }
        devices = self._order.terms.devices
        found: list[Future[Any]] = self._client.get(
            tasks,
            list(tasks),
            sync=False,
            retries=_RETRIES,
            workers=self._order.hosts,
            resources={"GPU": devices} if devices > 1 else None,
        )
        return found

    def _trained(self, future: Future[Any]) -> Iterator[int]:
        """Takes up the end of a training; numbers of the runs that lack no other."""
        key = str(future.key).split("-")[1]
        event = {"key": key, "name": self._graph.specs[key].name}
        if future.status == "error":
            self.failed[key] = str(future.exception())
            self._follow(event | {"event": "given up"})
        else:
            self._follow(event | {"event": "done"})
        for number in self._readers.get(key, ()):
            job, lacking = self._jobs[number], self._lacking[number]
            lacking.discard(key)
            if key in self.failed and job.folder not in self._outcomes:
                failure = Failure("TrainingFailedError", self.failed[key])
                self._fail(job, failure, datetime.now(UTC))
            elif not lacking and job.folder not in self._outcomes:
                yield number

    def _submit(self, job: Job) -> Future[Any]:
        from nbutils.batch.sweeps.tasks import NotebookOrder, notebook_task

        source, final = job.notebook.read_text(encoding="utf-8"), str(job.folder.resolve())
        order = NotebookOrder(job.name, source, job.parameters, final, self._order.cell_limit_s)
        future = self._client.submit(
            notebook_task, order, self._order.terms, pure=False, retries=_RETRIES, workers=self._order.hosts
        )
        self._notebooks[str(future.key)] = (job, datetime.now(UTC))
        return future

    def _received(self, future: Future[Any]) -> None:
        """Puts the folder of a run that a worker made in its place."""
        job, started = self._notebooks.pop(str(future.key))
        if future.status == "error":
            self._fail(job, Failure("WorkerError", str(future.exception())), started)
        else:
            self._ended(job, _put(job, future.result(), started, self._order))

    def _fail(self, job: Job, failure: Failure, started: datetime) -> None:
        self._ended(job, failed_run(job, failure, started, keep=self._order.keep, force=self._order.force))

    def _ended(self, job: Job, outcome: Outcome) -> None:
        self._outcomes[job.folder] = outcome
        self._follow({"event": "run", "name": job.name, "status": outcome.status})


def _put(job: Job, content: bytes, started: datetime, order: Order) -> Outcome:
    from nbutils.batch.sweeps.tasks import unpack

    aside = scratch_folder(job.folder, job.name)
    try:
        own = (aside / MARKER).read_bytes()
        unpack(content, aside)
        (aside / MARKER).write_bytes(own)
        seal(aside)
        former = put_in_place(aside, job.folder, keep=order.keep, force=order.force)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Outcome.of(job, (datetime.now(UTC) - started).total_seconds(), former)


@contextmanager
def _stoppable(client: Client, sweep: str) -> Iterator[None]:
    """A first interrupt has the workers stop tidily; a second kills what this process started, and ends it."""
    from nbutils.batch.sweeps.tasks import stop_tasks

    with interruptible(lambda: kill_tree(os.getpid(), spare_root=True, wait_s=0)):
        try:
            yield
        except KeyboardInterrupt:
            with suppress(Exception):
                client.run(stop_tasks, sweep)
            raise


def _data_folders(graph: SweepGraph) -> list[str]:
    """Folders of the data sets on disk, as the specs name them."""
    found: dict[str, None] = {}
    for spec in graph.specs.values():
        for data in filter(None, (spec.data, spec.probe)):
            for name, value in data:
                if name.endswith("root") and value is not None:
                    found[str(value)] = None
    return list(found)
