"""Runs of notebooks whose processes are forks of one that has imported the libraries.

A short run spends most of its time on importing torch and what comes with it, in the worker and in the kernel. Here a
fork server imports that once; every worker is a fork of it, and the kernel a fork of the worker. The runner, its
protocol, the kernel and its messages are the true ones. nbutils itself is imported anew by each, as ever.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import sys
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import DupFd
from types import SimpleNamespace
from typing import IO, Any

import pytest

from nbutils.batch import runner

LIBRARIES = [
    *("torch", "torchvision", "lightning.fabric", "pandas", "pyarrow.parquet", "safetensors.torch", "pydantic"),
    *("sklearn.metrics", "sklearn.preprocessing", "skimage.feature", "skimage.transform", "scipy.stats"),
    *("pytorch_metric_learning.miners", "pytorch_metric_learning.samplers", "matplotlib.figure", "seaborn"),
    *("ipykernel.kernelapp", "ipywidgets", "matplotlib_inline.config", "tqdm.auto"),
    *("papermill", "nbclient", "nbconvert", "jupyter_client.manager"),
]


class _Fork:
    """A forked process with what the runner and the kernel's manager ask of `subprocess.Popen`."""

    stdin: IO[str] | None = None
    stdout: IO[str] | None = None
    stderr: IO[str] | None = None

    def __init__(self, process: BaseProcess) -> None:
        process.start()
        assert process.pid is not None
        self._process, self.pid = process, process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int | None:
        self._process.join()
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def forked_worker(_command: list[str], *, env: dict[str, str], stderr: IO[str], **_: object) -> _Fork:
    """In the place of the runner's Popen: a worker with pipes to its standard input and output."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(LIBRARIES)
    (orders, write), (read, events) = os.pipe(), os.pipe()
    streams = [DupFd(number) for number in (orders, events, stderr.fileno())]
    worker = _Fork(server.Process(target=_work, args=(streams, env)))
    os.close(orders)
    os.close(events)
    worker.stdin, worker.stdout = open(write, "w", encoding="utf-8"), open(read, encoding="utf-8")  # noqa: SIM115
    return worker


def _work(streams: list[Any], environment: dict[str, str]) -> None:
    from jupyter_client.provisioning import local_provisioner

    gc.freeze()  # a collection would copy every page
    for number, stream in enumerate(streams):
        os.dup2(stream.detach(), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    os.setsid()
    _enter(environment)
    local_provisioner.launch_kernel = _kernel_launcher()

    from nbutils.batch.worker import main

    sys.exit(main())


def _kernel_launcher() -> Any:  # noqa: ANN401
    """Forks at once, while there are no threads; returns a `launch_kernel` that tells this fork what it is to be."""
    fork = multiprocessing.get_context("fork")
    order, tell = fork.Pipe(duplex=False)
    kernel = _Fork(fork.Process(target=_be_kernel, args=(order,), daemon=True))
    os.setpgid(kernel.pid, 0)  # its manager kills by groups

    def launch_kernel(command: list[str], *, env: dict[str, str], cwd: str | None = None, **_: object) -> _Fork:
        tell.send((command, env, cwd))
        return kernel

    return launch_kernel


def _be_kernel(order: Any) -> None:  # noqa: ANN401
    command, environment, folder = order.recv()
    os.chdir(folder or ".")
    os.dup2(2, 1)  # the worker's output is its events
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    _enter(environment)
    from ipykernel import kernelapp

    at = command.index("ipykernel_launcher")
    sys.argv = command[at:]
    kernelapp.launch_new_instance(argv=command[at + 1 :])


def _enter(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)


@pytest.fixture
def forked_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has `run_jobs` fork its workers and their kernels."""
    monkeypatch.setattr(runner, "subprocess", SimpleNamespace(Popen=forked_worker, PIPE=subprocess.PIPE))
