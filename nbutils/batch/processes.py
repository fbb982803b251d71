"""The processes of a batch run: interrupted by one signal, killed by a second, and none left behind.

A worker holds the reading end of a pipe whose writing end is its parent's alone. The pipe ends when the parent closes
it, or when the parent is gone for whatever reason; the worker then interrupts its kernel, so that a training can save
what it has, and ends with everything that it started. A kernel whose worker is killed ends by ipykernel's own watch.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar

import psutil

#: Seconds that an interrupted cell has to end.
GRACE_S = 5.0
_KILL_WAIT_S = 10.0
_INTERRUPTED = 130
_SHOW_CURSOR = b"\x1b[?25h"


@contextmanager
def interruptible(kill: Callable[[], None]) -> Iterator[None]:
    """In the block, a first SIGINT, SIGTERM or SIGHUP raises KeyboardInterrupt; a second one ends the process.

    Signals that are ignored, as SIGHUP is under nohup, stay ignored. Outside the main thread, which alone can handle
    signals, nothing is changed.

    Args:
        kill: called before the process ends at once; it must not wait for a lock.
    """
    asked = False

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            kill()
            if os.isatty(1):
                os.write(1, _SHOW_CURSOR)
            os._exit(_INTERRUPTED)
        asked = True
        raise KeyboardInterrupt

    former: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
        former = {number: signal.getsignal(number) for number in numbers}
        former = {number: handler for number, handler in former.items() if handler not in (signal.SIG_IGN, None)}
    for number in former:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


class Workers:
    """The workers that are alive.

    Attributes:
        command: what starts one.
    """

    command: ClassVar[tuple[str, ...]] = (sys.executable, "-m", "nbutils.batch.worker")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._alive: dict[int, subprocess.Popen[str]] = {}
        self.stopped = False

    def start(self, environment: dict[str, str], log: Any) -> subprocess.Popen[str]:  # noqa: ANN401
        """Start a worker; its standard input is to stay open as long as it is wanted.

        Raises:
            KeyboardInterrupt: all are being stopped.
        """
        with self._lock:
            if self.stopped:
                raise KeyboardInterrupt
            process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                env=environment,
                # An interrupt from the keyboard is ours to pass on, once.
                start_new_session=True,
            )
            self._alive[process.pid] = process
            return process

    def ended(self, process: subprocess.Popen[str]) -> None:
        """Forget a worker; one that still runs, because following it failed, is killed."""
        if process.poll() is None:
            kill_tree(process.pid)
            process.wait()
        for pipe in (process.stdin, process.stdout):
            _close(pipe)
        with self._lock:
            self._alive.pop(process.pid, None)

    def stop(self) -> None:
        """Have every worker interrupt its kernel and end; kill those that have not in time."""
        with self._lock:
            self.stopped = True
            alive = list(self._alive.values())
        for process in alive:
            _close(process.stdin)
        # Some time more than the workers give to their kernels.
        end = time.monotonic() + GRACE_S + 1
        for process in alive:
            try:
                process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                kill_tree(process.pid)

    def kill(self) -> None:
        """Kill every worker with all that it started, without waiting for anything."""
        self.stopped = True
        for pid in list(self._alive):
            kill_tree(pid, wait_s=0)


class ParentWatch(threading.Thread):
    """In a worker: ends the process and all that it started once the parent has closed the pipe, or is gone.

    Args:
        pipe: descriptor of the reading end.
        scratch: folders that nobody needs then; removed.
    """

    def __init__(self, pipe: int, scratch: Sequence[Path]) -> None:
        super().__init__(daemon=True, name="parent-watch")
        self._pipe = pipe
        self._scratch = scratch
        self._ending = False
        self._kernel_is_idle = threading.Event()

    def run(self) -> None:
        """Wait for the end of the pipe."""
        while os.read(self._pipe, 1):
            pass
        self._ending = True
        if os.name == "posix":
            for kernel in psutil.Process().children():
                with suppress(psutil.Error):
                    kernel.send_signal(signal.SIGINT)
            self._kernel_is_idle.wait(GRACE_S)
        kill_tree(os.getpid(), spare_root=True)
        for folder in self._scratch:
            shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)

    def kernel_ended(self) -> None:
        """To be called by the main thread once no cell runs any more; does not return if the process is ending."""
        self._kernel_is_idle.set()
        if self._ending:
            self.join()


def kill_tree(pid: int, *, spare_root: bool = False, wait_s: float = _KILL_WAIT_S) -> None:
    """Kill a process with all its descendants, or these alone."""
    try:
        root = psutil.Process(pid)
        family = [*root.children(recursive=True), *([] if spare_root else [root])]
    except psutil.NoSuchProcess:
        return
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    if wait_s:
        psutil.wait_procs(family, timeout=wait_s)


def _close(pipe: Any) -> None:  # noqa: ANN401
    with suppress(OSError, ValueError):
        pipe.close()
