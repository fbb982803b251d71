"""Processes of Python that need not import torch: forks of one that has, with the manners of `subprocess`.

Importing torch and what comes with it takes longer than most programs of the tests run. A fork server (the standard
library's) imports the libraries once, and each program is a fork of it: a process of its own, with its own streams,
environment and folder, that can be killed. nbutils itself is not among them: each program imports its own, from where
PYTHONPATH says, and a forgotten import still fails.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import DupFd
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import matplotlib as mpl
import pytest

LIBRARIES = [
    "tqdm.auto",  # before ipykernel, by which it would choose the bars of notebooks for all programs
    *("torch", "torchvision", "lightning_fabric", "pandas", "pyarrow.parquet", "safetensors.torch", "pydantic"),
    *("sklearn.metrics", "sklearn.preprocessing", "skimage.feature", "skimage.transform", "scipy.stats", "yaml"),
    *("pytorch_metric_learning.miners", "pytorch_metric_learning.samplers", "matplotlib.figure", "seaborn", "cv2"),
    *("IPython", "ipykernel.kernelapp", "ipywidgets", "matplotlib_inline.config", "typer", "pytest"),
    *("papermill", "nbclient", "nbconvert", "nbformat", "jupyter_client.manager"),
]
_WORKER, _KERNEL = "nbutils.batch.worker", "ipykernel_launcher"
_TRAINING_SERVER = "nbutils.batch.sweeps.training_server"
_PIPE = subprocess.PIPE

File = IO[Any] | int | None


class _Process:
    """A process of `multiprocessing` with the manners of Popen."""

    stdin: IO[str] | None = None
    stdout: IO[str] | None = None
    stderr: IO[str] | None = None

    def __init__(self, process: BaseProcess, command: Sequence[str]) -> None:
        assert process.pid is not None
        self._process, self.pid, self.args = process, process.pid, list(command)

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self._process.exitcode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it printed and complained of, as far as they are pipes, of which one at most may be long."""
        texts = ["", ""]
        for at, stream in enumerate((self.stdout, self.stderr)):
            if stream:
                with stream:
                    texts[at] = stream.read()
        self.wait(timeout)
        return texts[0], texts[1]

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


class ForkedPython(_Process):
    """Like `subprocess.Popen([sys.executable, "-m", MODULE, …])`, or with "-c" and code: as text, in a new session.

    Args:
        command: What Popen takes; the interpreter and its options are this one's.
        stdin: PIPE, or None for nothing to read.
        stdout: PIPE or a file; None: where this process prints.
        stderr: PIPE or a file; None: where this process complains.
        env: All variables of the environment; None: those of this process.
        cwd: The folder to start in.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        stdin: File = None,
        stdout: File = None,
        stderr: File = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | str | None = None,
        **_: object,
    ) -> None:
        server = multiprocessing.get_context("forkserver")
        server.set_forkserver_preload(LIBRARIES)
        reading, own_stdin = _pipe("w") if stdin == _PIPE else (os.open(os.devnull, os.O_RDONLY), None)
        out, own_stdout = _pipe("r") if stdout == _PIPE else (_number(stdout, 1), None)
        err, own_stderr = _pipe("r") if stderr == _PIPE else (_number(stderr, 2), None)
        started, starts = multiprocessing.Pipe(duplex=False)
        streams = [DupFd(number) for number in (reading, out, err)]
        process = server.Process(target=_begin, args=(streams, list(command), dict(env or os.environ), cwd, starts))
        process.start()
        for number in (reading, out, err):
            os.close(number)
        starts.close()
        started.recv()  # it leads a session: who kills its group kills nobody else
        started.close()
        super().__init__(process, command)
        self.stdin, self.stdout, self.stderr = own_stdin, own_stdout, own_stderr


def run_forked(command: Sequence[str], *, input: str = "", **options: Any) -> subprocess.CompletedProcess[str]:  # noqa: A002, ANN401
    """Like `subprocess.run` with `capture_output` and `text`; `options` are those of `ForkedPython`."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out, tempfile.TemporaryFile("w+", encoding="utf-8") as err:
        program = ForkedPython(command, stdin=_PIPE, stdout=out, stderr=err, **options)
        assert program.stdin is not None
        with program.stdin as stdin:
            stdin.write(input)
        code = program.wait()
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess(list(command), code, out.read(), err.read())


def _pipe(mode: str) -> tuple[int, IO[str]]:
    """The end of a new pipe that is to be passed on, and ours."""
    read, write = os.pipe()
    theirs, ours = (read, write) if mode == "w" else (write, read)
    return theirs, open(ours, mode, encoding="utf-8")


def _number(file: File, default: int) -> int:
    """A descriptor of its own for `file`."""
    return os.dup(default if file is None else file if isinstance(file, int) else file.fileno())


def _begin(
    streams: list[Any], command: list[str], environment: dict[str, str], folder: Path | str | None, starts: Connection
) -> None:
    """In a fork of the server: become the program."""
    gc.freeze()  # a collection would copy every page
    for number, stream in enumerate(streams):
        given = stream.detach()
        os.dup2(given, number)
        os.close(given)
    os.setsid()
    starts.send(None)
    starts.close()
    if _WORKER in command:
        from jupyter_client.provisioning import local_provisioner

        vars(local_provisioner)["launch_kernel"] = _kernel_launcher()
    _run(command, environment, folder)


def _run(command: list[str], environment: dict[str, str], folder: Path | str | None) -> None:
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder or ".")
    paths = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:] = [os.getcwd(), *paths, *sys.path]
    if "-c" in command:
        at = command.index("-c")
        sys.argv = command[at : at + 1] + command[at + 2 :]
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(command[at + 1], "<string>", "exec"), vars(main))
    else:
        sys.argv = command[command.index("-m") + 1 :]
        if sys.argv[0] == _KERNEL:  # its variable MPLBACKEND was not there when matplotlib was imported
            mpl.rcParams["backend"] = "module://matplotlib_inline.backend_inline"
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _kernel_launcher() -> Callable[..., _Process]:
    """In a worker, which starts one kernel: what stands in for `launch_kernel` there.

    The kernel is forked at once, while the worker has no threads, and waits to be told what it is.
    """
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()
    process = fork.Process(target=_wait_and_run, args=(theirs,), daemon=True)
    process.start()

    def launch_kernel(command: list[str], *, env: Mapping[str, str], cwd: str | None = None, **_: object) -> _Process:
        ours.send((command, dict(env), cwd))
        ours.recv()
        return _Process(process, command)

    return launch_kernel


def _wait_and_run(order: Connection) -> None:
    command, environment, folder = order.recv()
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # the worker's output is its events
    order.send(None)
    _run(command, environment, folder)


@pytest.fixture
def forked_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has `run_jobs` fork its workers, and these their kernels; a sweep, its training servers."""
    fork_runs(monkeypatch)


def fork_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the fixture `forked_runs` does, for fixtures of a whole module."""
    popen = subprocess.Popen

    def start(command: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        kind = ForkedPython if {_WORKER, _TRAINING_SERVER} & {*command} else popen
        return kind(command, *args, **options)

    monkeypatch.setattr(subprocess, "Popen", start)
