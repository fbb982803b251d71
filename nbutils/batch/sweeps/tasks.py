"""What a worker does: one training, or one notebook, in a process of its own, while the worker's thread only waits.

A worker's heartbeats go on whatever the training does. It may be killed and its task repeated at any moment: a training
looks in the store first, goes on from the newest checkpoint, and publishes whole or not at all.
"""

from __future__ import annotations

import io
import json
import logging
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from distributed import get_worker

from nbutils.batch.processes import GRACE_S, kill_tree
from nbutils.batch.runner import Job, run_jobs
from nbutils.errors import NbutilsError
from nbutils.reporting.provenance import processor_name
from nbutils.training.store import NOTEBOOK_VARIABLE
from nbutils.training.store_places import open_store

logger = logging.getLogger(__name__)

#: Lines of a log that a failed training's reason quotes.
_REASON_LINES = 1
_LOG_BYTES = 200_000


class TrainingFailedError(NbutilsError):
    """A training that could not be done, with what it said last."""


class StoppedError(NbutilsError):
    """The sweep was interrupted."""


@dataclass(frozen=True)
class Terms:
    """What all tasks of a sweep share.

    Attributes:
        sweep: What tells this command from others on the same cluster.
        store: Where results lie.
        environment: Variables of every training and notebook.
        devices: Of one training; more than one are driven by torchrun.
    """

    sweep: str
    store: str
    environment: Mapping[str, str]
    devices: int = 1

    @property
    def topic(self) -> str:
        """Of the events by which a worker tells of a training."""
        return f"nbutils sweep {self.sweep}"

    @property
    def all_environment(self) -> dict[str, str]:
        """The variables, with the store's."""
        return {**self.environment, "NBUTILS_STORE": self.store}


@dataclass(frozen=True)
class NotebookOrder:
    """A notebook to run.

    Attributes:
        name: Its name.
        content: Its source, since its file may be the client's alone.
        parameters: Values to pass.
        final: Where its folder will lie on the client's machine.
        cell_limit_s: Seconds after which a cell counts as failed, or None.
    """

    name: str
    content: str
    parameters: Mapping[str, Any]
    final: str
    cell_limit_s: float | None


def train_task(key: str, name: str, terms: Terms, *before: str) -> str:
    """Trains the spec that the store has under `key`, unless it has the result; returns the key.

    Args:
        key: Of the training.
        name: What people call it.
        terms: Of the sweep.
        before: Keys of what had to come before; only their being there counts.

    Raises:
        TrainingFailedError: With what the training said last.
        StoppedError: The sweep was interrupted.
    """
    del before
    event = {
        "key": key,
        "name": name,
        "host": platform.node(),
        "worker": get_worker().address,
        "processor": processor_name(),
    }
    _tell(terms.topic, event | {"event": "started"})
    start = time.time()
    if open_store(terms.store).find(key) is not None:
        _tell(terms.topic, event | {"event": "found", "seconds": time.time() - start})
        return key
    with tempfile.TemporaryDirectory(prefix="nbutils-training-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "log.txt"
        order = {
            "key": key,
            "devices": terms.devices,
            "environment": {**terms.all_environment, NOTEBOOK_VARIABLE: "nbutils sweep"},
            "log": str(log),
        }
        code = Servers.of_this_process().carry_out(order, terms.sweep)
        text = log.read_text(encoding="utf-8", errors="replace")[-_LOG_BYTES:] if log.is_file() else ""
    _tell(terms.topic, event | {"event": "failed" if code else "trained", "log": text, "seconds": time.time() - start})
    if code:
        said = " ".join(text.strip().splitlines()[-_REASON_LINES:]) or f"its process ended with status {code}"
        raise TrainingFailedError(f"'{name}' ({key[:12]}…) on {platform.node()}: {said.removeprefix('error: ')}")
    return key


def notebook_task(order: NotebookOrder, terms: Terms, *before: str) -> bytes:
    """Runs a notebook whose trainings the store holds; returns its folder as a tar archive.

    A notebook that fails is a result like any other: its folder says why.

    Args:
        order: The notebook.
        terms: Of the sweep.
        before: Keys of its trainings.
    """
    del before
    with tempfile.TemporaryDirectory(prefix="nbutils-notebook-", ignore_cleanup_errors=True) as scratch:
        source = Path(scratch) / "source" / f"{Path(order.name).name}.ipynb"
        source.parent.mkdir()
        source.write_text(order.content, encoding="utf-8")
        folder = Path(scratch) / "run"
        job = Job(order.name, source, folder, dict(order.parameters), terms.all_environment, Path(order.final))
        try:
            run_jobs([job], cell_limit_s=order.cell_limit_s, stopping=Servers.of_this_process().stopping(terms.sweep))
        except KeyboardInterrupt:  # in a task it would end the worker
            raise StoppedError("the sweep was interrupted") from None
        return pack(folder)


def pack(folder: Path) -> bytes:
    """A folder as a tar archive."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz", compresslevel=1) as archive:
        archive.add(folder, arcname=".")
    return content.getvalue()


def unpack(content: bytes, folder: Path) -> None:
    """Writes the files of an archive into a folder; a name or link that leads out of it is refused."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(folder, filter="data")


def stop_tasks(sweep: str) -> None:
    """On a worker: has a sweep's trainings save their last epoch and end, its notebooks end, and starts no more."""
    Servers.of_this_process().stop(sweep)


def _tell(topic: str, event: dict[str, Any]) -> None:
    with suppress(Exception):  # an event decides nothing
        get_worker().log_event(topic, event)


class Servers:
    """The training servers of a worker process: as many as trainings run at once in it."""

    command: ClassVar[tuple[str, ...]] = (sys.executable, "-m", "nbutils.batch.sweeps.training_server")
    _instance: ClassVar[Servers | None] = None
    _making: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self._idle: list[subprocess.Popen[str]] = []
        self._busy: list[tuple[str, subprocess.Popen[str]]] = []
        self._stopping: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    @classmethod
    def of_this_process(cls) -> Servers:
        """Those of the calling process."""
        with cls._making:
            if cls._instance is None:
                cls._instance = Servers()
            return cls._instance

    def stopping(self, sweep: str) -> threading.Event:
        """What is set once a sweep is asked to stop."""
        return self._stopping.setdefault(sweep, threading.Event())

    def carry_out(self, order: dict[str, Any], sweep: str) -> int:
        """The exit status of an order's training; waits for it.

        Args:
            order: See `nbutils.batch.sweeps.training_server`.
            sweep: To which it belongs.

        Raises:
            StoppedError: The sweep was asked to stop meanwhile.
        """
        server = self._take(sweep)
        answer = ""
        try:
            assert server.stdin is not None
            assert server.stdout is not None
            with suppress(BrokenPipeError, ValueError):  # gone, or closed by `stop`: its answer is missing, too
                server.stdin.write(json.dumps(order) + "\n")
                server.stdin.flush()
            answer = server.stdout.readline()
        finally:
            self._give_back(server, sweep, reusable=bool(answer) and hasattr(os, "fork"))
        if self.stopping(sweep).is_set():
            raise StoppedError("the sweep was interrupted")
        return int(json.loads(answer)["status"]) if answer else server.returncode or 1

    def stop(self, sweep: str) -> None:
        """Closes what the sweep's servers read from, and kills those that have not ended in time."""
        self.stopping(sweep).set()
        with self._lock:
            servers = [server for own, server in self._busy if own == sweep] + self._idle
            self._idle = []
        for server in servers:
            with suppress(OSError, ValueError):
                server.stdin.close()  # type: ignore[union-attr]
        end = time.monotonic() + GRACE_S + 1
        for server in servers:
            try:
                server.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                kill_tree(server.pid)

    def _take(self, sweep: str) -> subprocess.Popen[str]:
        with self._lock:
            if self.stopping(sweep).is_set():
                raise StoppedError("the sweep was interrupted")
            while self._idle:
                server = self._idle.pop()
                if server.poll() is None:
                    break
            else:
                server = subprocess.Popen(
                    self.command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    encoding="utf-8",
                    start_new_session=True,  # an interrupt from the keyboard is the sweep's to pass on
                )
            self._busy.append((sweep, server))
            return server

    def _give_back(self, server: subprocess.Popen[str], sweep: str, *, reusable: bool) -> None:
        stopping = self.stopping(sweep).is_set()
        with self._lock:
            self._busy.remove((sweep, server))
            if reusable and not stopping and server.poll() is None:
                self._idle.append(server)
                return
        if not stopping:
            kill_tree(server.pid)
        server.wait()
