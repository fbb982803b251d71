"""Runs notebooks, each in a process of its own, into folders that are never half-written."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import psutil

from nbutils.batch.parameters import OUT_DIR, read_title
from nbutils.batch.worker import ERROR, STATUS, Failure, write_status
from nbutils.errors import ParameterError
from nbutils.reporting.run import RECORDS, replace_folder

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_LOG_LINES = 20
_KILL_WAIT_S = 10

Watch = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True)
class Job:
    """One notebook to run.

    Attributes:
        name: the notebook's name below `notebooks/`.
        notebook: its file.
        folder: where its run goes, in the place of a former one.
        parameters: the values to pass, already checked.
    """

    name: str
    notebook: Path
    folder: Path
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of a job: `error` is None where every record of a complete run is there."""

    job: Job
    error: str | None
    seconds: float

    @property
    def status(self) -> Literal["ok", "failed"]:
        """Whether the run is complete."""
        return "ok" if self.error is None else "failed"


def run_jobs(
    jobs: Sequence[Job], *, at_once: int = 1, cell_limit_s: float | None = None, watch: Watch | None = None
) -> list[Outcome]:
    """Run `jobs`; one that fails leaves its error in its folder and does not hinder the others.

    Args:
        jobs: with distinct folders.
        at_once: how many run at a time; they share the processor's cores evenly.
        cell_limit_s: seconds after which a cell counts as failed, or None for no limit.
        watch: called as `watch(name, event)` from the jobs' threads; an event has "cell", "of" and "heading",
            or "bar" (a progress bar as text), or "status".

    Returns:
        The outcomes, in the order of `jobs`.

    Raises:
        ParameterError: a folder exists and holds something other than a run.
    """
    for job in jobs:
        _refuse_foreign(job.folder)
    at_once = max(1, min(at_once, len(jobs)))
    processes = _Processes()
    emit = watch or (lambda _name, _event: None)
    with ThreadPoolExecutor(at_once) as pool:
        waiting = [pool.submit(_run, job, _environment(at_once), cell_limit_s, emit, processes) for job in jobs]
        try:
            return [future.result() for future in waiting]
        except BaseException:
            for future in waiting:
                future.cancel()
            processes.stop()
            raise


class _Processes:
    """The workers that are alive, so that an interrupted run leaves none behind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._alive: set[int] = set()
        self.stopped = False

    def start(self, environment: dict[str, str], log: Any) -> subprocess.Popen[str]:  # noqa: ANN401
        with self._lock:
            if self.stopped:
                raise KeyboardInterrupt
            process = subprocess.Popen(
                [sys.executable, "-m", "nbutils.batch.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                env=environment,
                # An interrupt from the keyboard is ours to pass on, once.
                start_new_session=True,
            )
            self._alive.add(process.pid)
            return process

    def ended(self, process: subprocess.Popen[str]) -> None:
        """Forget a worker; one that still runs, because following it failed, is stopped."""
        if process.poll() is None:
            _kill_tree(process.pid)
            process.wait()
        with self._lock:
            self._alive.discard(process.pid)

    def stop(self) -> None:
        with self._lock:
            self.stopped = True
            for pid in self._alive:
                _kill_tree(pid)


def _run(
    job: Job, environment: dict[str, str], cell_limit_s: float | None, emit: Watch, processes: _Processes
) -> Outcome:
    started = datetime.now(UTC)
    aside = _fresh_aside(job.folder)
    order: dict[str, Any] = {
        "notebook": str(job.notebook.resolve()),
        "name": job.name,
        "parameters": {**job.parameters, OUT_DIR: str(aside)},
        "folder": str(aside),
        "final": str(job.folder.resolve()),
        "cell_limit_s": cell_limit_s,
    }
    try:
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log,
            tempfile.TemporaryDirectory(prefix="nbutils-") as sockets,
        ):
            order["sockets"] = sockets
            process = processes.start(environment, log)
            try:
                _follow(process, job, order, emit)
            finally:
                processes.ended(process)
            if processes.stopped:
                raise KeyboardInterrupt
            if not (aside / STATUS).is_file():
                log.seek(0)
                failure = _worker_failure(process.returncode, log.read())
                write_status(aside, job.name, read_title(job.notebook), failure, started)
        replace_folder(aside, job.folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    outcome = _outcome(job, (datetime.now(UTC) - started).total_seconds())
    emit(job.name, {"status": outcome.status})
    return outcome


def _follow(process: subprocess.Popen[str], job: Job, order: dict[str, Any], emit: Watch) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    # A worker that dies at once does not read its order; its exit status says so.
    with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
        stdin.write(json.dumps(order))
    for line in process.stdout:
        emit(job.name, json.loads(line))
    process.wait()


def _outcome(job: Job, seconds: float) -> Outcome:
    status = json.loads((job.folder / STATUS).read_text(encoding="utf-8"))
    error = None
    if status["status"] != "ok":
        error = (job.folder / ERROR).read_text(encoding="utf-8").partition("\n\n")[0].strip()
    return Outcome(job, error, seconds)


def _worker_failure(code: int, log: str) -> Failure:
    ending = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    last = "\n".join(log.strip().splitlines()[-_LOG_LINES:])
    return Failure("WorkerError", f"the notebook's process ended with {ending}", last)


def _environment(at_once: int) -> dict[str, str]:
    environment = dict(os.environ)
    if at_once > 1:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        for name in _THREADS:
            environment.setdefault(name, str(max(1, cores // at_once)))
    return environment


def _refuse_foreign(folder: Path) -> None:
    """Refuse to replace what is no run: a folder of the user's own must survive a slip in --out."""
    if not folder.exists():
        return
    is_run = any((folder / name).is_file() for name in (*RECORDS, STATUS))
    if not folder.is_dir() or (any(folder.iterdir()) and not is_run):
        raise ParameterError(f"{folder} exists and holds no run: choose another folder with --out")


def _fresh_aside(folder: Path) -> Path:
    """An empty folder beside `folder`, those of processes that are gone being removed."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f".{folder.name}.*.partial"):
        pid = left.name.removesuffix(".partial").rpartition(".")[2]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    return aside.resolve()


def _kill_tree(pid: int) -> None:
    try:
        parent = psutil.Process(pid)
        family = [*parent.children(recursive=True), parent]
    except psutil.NoSuchProcess:
        return
    for process in family:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, timeout=_KILL_WAIT_S)
