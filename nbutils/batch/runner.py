"""Runs notebooks, each in a process of its own, into folders that are never half-written."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from nbutils.batch.parameters import OUT_DIR, read_title
from nbutils.batch.processes import Workers, interruptible
from nbutils.batch.worker import ERROR, STATUS, Failure, write_status
from nbutils.errors import ParameterError
from nbutils.reporting.run_folder import check_place, put_in_place, scratch_folder, seal

_LOG_LINES = 20
#: Seconds between two looks whether to stop.
_LOOK_S = 0.2

Watch = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True)
class Job:
    """One notebook to run.

    Attributes:
        name: the notebook's name below `notebooks/`.
        notebook: its file.
        folder: where its run goes, in the place of a former one.
        parameters: the values to pass, already checked.
        environment: variables that its process has beside this one's.
        final: where its folder will lie in the end; None: where it is.
    """

    name: str
    notebook: Path
    folder: Path
    parameters: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    final: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        job: the job.
        error: why it failed; None where every record of a complete run is there.
        seconds: that it took.
        former: where the former run is now; None where there was none, or it was removed.
    """

    job: Job
    error: str | None
    seconds: float
    former: Path | None = None

    @classmethod
    def of(cls, job: Job, seconds: float, former: Path | None) -> Outcome:
        """What the run that is in place says of itself."""
        return cls(job, _error_of(job), seconds, former)

    @property
    def status(self) -> Literal["ok", "failed"]:
        """Whether the run is complete."""
        return "ok" if self.error is None else "failed"


def run_jobs(
    jobs: Sequence[Job],
    *,
    cell_limit_s: float | None = None,
    watch: Watch | None = None,
    keep: int = 0,
    force: bool = False,
    stopping: threading.Event | None = None,
) -> list[Outcome]:
    """Run `jobs`, one after the other; one that fails leaves its error in its folder and does not hinder the others.

    A first interrupt (Ctrl-C, SIGTERM, or SIGHUP of a closed terminal) interrupts the cells, gives them some seconds to
    end, and raises KeyboardInterrupt; a second one kills all and ends this process.

    Args:
        jobs: with distinct folders.
        cell_limit_s: seconds after which a cell counts as failed, or None for no limit.
        watch: called as `watch(name, event)` from another thread; an event has "cell", "of" and "heading",
            or "bar" (a progress bar as text), or "status" ("ok", "failed" or "stopping").
        keep: how many former runs of each notebook to keep in `<folder>.former/`.
        force: whether to replace folders that hold something other than a run.
        stopping: once it is set, as by another thread, all goes as after an interrupt.

    Returns:
        The outcomes, in the order of `jobs`.

    Raises:
        ParameterError: a folder exists and holds something other than a run, or cannot be written.
    """
    check_places(jobs, force=force)
    batch = _Batch(cell_limit_s, watch or (lambda _name, _event: None), keep, force)
    pool = ThreadPoolExecutor(1)  # so that this thread hears of interrupts
    with interruptible(batch.kill):
        try:
            waiting = [pool.submit(batch.run, job) for job in jobs]
            while stopping is not None and wait(waiting, _LOOK_S).not_done:
                if stopping.is_set():
                    raise KeyboardInterrupt
            return [future.result() for future in waiting]
        except BaseException:
            batch.stop()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def check_places(jobs: Sequence[Job], *, force: bool = False) -> None:
    """Refuse places that no run may take, before anything runs.

    Raises:
        ParameterError: a folder holds its notebook, or something other than a run, or cannot be written.
    """
    for job in jobs:
        if job.notebook.resolve().is_relative_to(job.folder.resolve()):
            raise ParameterError(f"{job.folder} holds {job.notebook} itself: choose another folder with --out")
        check_place(job.folder, force=force)


def failed_run(job: Job, failure: Failure, started: datetime, *, keep: int = 0, force: bool = False) -> Outcome:
    """Puts a run that could not begin in its place: its page says why.

    Args:
        job: the job.
        failure: the reason.
        started: when it was to begin.
        keep: see `run_jobs`.
        force: see `run_jobs`.

    Raises:
        ParameterError: the folder cannot be written.
    """
    import nbformat

    from nbutils.reporting.page import write_page

    aside = scratch_folder(job.folder, job.name)
    try:
        title = read_title(job.notebook)
        source = nbformat.read(job.notebook, as_version=4)
        write_page(source, aside, title=title, error=str(failure))
        write_status(aside, job.name, title, failure, started)
        seal(aside)
        former = put_in_place(aside, job.folder, keep=keep, force=force)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Outcome.of(job, (datetime.now(UTC) - started).total_seconds(), former)


class _Batch:
    """What the jobs of one call share."""

    def __init__(self, cell_limit_s: float | None, emit: Watch, keep: int, force: bool) -> None:
        self.workers = Workers()
        self._cell_limit_s = cell_limit_s
        self._emit = emit
        self._keep, self._force = keep, force
        self._scratch: dict[Path, None] = {}
        self._running: dict[str, None] = {}

    def stop(self) -> None:
        """Have the notebooks that run end, and say so."""
        self.workers.stopped = True
        for name in list(self._running):
            with contextlib.suppress(Exception):  # a terminal that is closed shows nothing
                self._emit(name, {"status": "stopping"})
        self.workers.stop()

    def kill(self) -> None:
        """End everything at once."""
        self.workers.kill()
        for folder in list(self._scratch):
            shutil.rmtree(folder, ignore_errors=True)

    def run(self, job: Job) -> Outcome:
        """Run one job, and put its folder in place."""
        started = datetime.now(UTC)
        former, unwritten = None, None
        aside = scratch_folder(job.folder, job.name)
        self._scratch[aside] = None
        try:
            with (
                tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log,
                tempfile.TemporaryDirectory(prefix="nbutils-", ignore_cleanup_errors=True) as sockets,
            ):
                self._scratch[Path(sockets)] = None
                self._work(job, aside, sockets, log, started)
            seal(aside)
            former = put_in_place(aside, job.folder, keep=self._keep, force=self._force)
        except OSError as error:
            unwritten = f"cannot write {error.filename or aside}: {error.strerror or error}"
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        seconds = (datetime.now(UTC) - started).total_seconds()
        outcome = Outcome(job, unwritten or _error_of(job), seconds, former)
        self._emit(job.name, {"status": outcome.status})
        return outcome

    def _work(self, job: Job, aside: Path, sockets: str, log: Any, started: datetime) -> None:  # noqa: ANN401
        order: dict[str, Any] = {
            "notebook": str(job.notebook.resolve()),
            "name": job.name,
            "parameters": {**job.parameters, OUT_DIR: str(aside)},
            "folder": str(aside),
            "final": str((job.final or job.folder).resolve()),
            "cell_limit_s": self._cell_limit_s,
            "sockets": sockets,
        }
        process = self.workers.start(os.environ | job.environment, log)
        self._running[job.name] = None
        try:
            _follow(process, job, order, self._emit)
        finally:
            self.workers.ended(process)
            self._running.pop(job.name)
        if self.workers.stopped:
            raise KeyboardInterrupt
        if not (aside / STATUS).is_file():
            log.seek(0)
            failure = _worker_failure(process.returncode, log.read())
            write_status(aside, job.name, read_title(job.notebook), failure, started)


def _follow(process: subprocess.Popen[str], job: Job, order: dict[str, Any], emit: Watch) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    # A worker that dies at once does not read its order; its exit status says so. The pipe stays open: its end is the
    # worker's.
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
    for line in process.stdout:
        emit(job.name, json.loads(line))
    process.wait()


def _error_of(job: Job) -> str | None:
    """Why the run in place failed, in one line, or None."""
    try:
        status = json.loads((job.folder / STATUS).read_text(encoding="utf-8"))
        if status["status"] == "ok":
            return None
        return (job.folder / ERROR).read_text(encoding="utf-8").partition("\n\n")[0].strip()
    except OSError as error:
        return f"cannot read {error.filename}: {error.strerror}"


def _worker_failure(code: int, log: str) -> Failure:
    ending = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    lines = log.strip().splitlines()[-_LOG_LINES:]
    said = f": {lines[-1].strip()}" if lines else ""
    return Failure("WorkerError", f"the notebook's process ended with {ending}{said}", "\n".join(lines))
