"""Where a sweep runs: workers of this machine, a running scheduler, or a cluster that a YAML file describes."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

import psutil
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nbutils.errors import NbutilsError, ParameterError, first_fault

if TYPE_CHECKING:
    from distributed import Client

#: Modules whose clusters a file may name.
_MODULES = ("distributed", "dask_jobqueue")
#: Bytes that a worker of this machine should have, which notebooks at preset laptop need.
_WORKER_BYTES = 3 * 10**9
_ANSWER_S = 10
#: What fails is told by the sweep itself.
_SILENCE = logging.CRITICAL
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
#: Workers come and go with their jobs' time limits: each of a task's tries may meet the end of one.
_SETTINGS = {"distributed.scheduler.allowed-failures": 10}


class ClusterFile(BaseModel):
    """A cluster as a YAML file describes it.

    Attributes:
        cluster: Its class, such as `dask_jobqueue.SLURMCluster` or `distributed.SSHCluster`.
        options: What the class is made with.
        workers: How many to start, where the class is to be told afterwards; two numbers: at least and at most.
        settings: Dask's own, such as `distributed.comm.timeouts.connect`.

    Example:
        >>> ClusterFile(cluster="dask_jobqueue.SLURMCluster", options={"queue": "gpu"}, workers=8).workers
        8
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cluster: str
    options: dict[str, Any] = {}
    workers: int | Annotated[tuple[int, int], Field()] | None = None
    settings: dict[str, Any] = {}


def read_cluster_file(file: Path) -> ClusterFile:
    """Reads the description of a cluster.

    Raises:
        ParameterError: The file cannot be read, or describes none; the error names the key.
    """
    try:
        return ClusterFile.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ParameterError(f"{file}: expected a cluster as YAML: {error}") from None
    except ValidationError as error:
        raise ParameterError(f"{file}: {first_fault(error)}") from None


def make_cluster(described: ClusterFile) -> Any:  # noqa: ANN401 (any of Dask's classes)
    """The cluster that a file describes, its workers asked for.

    Raises:
        ParameterError: The class is unknown, is not installed, or does not take the options.
    """
    module, _, name = described.cluster.rpartition(".")
    if module.partition(".")[0] not in _MODULES and module != "dask.distributed":
        raise ParameterError(f"cluster is {described.cluster!r}: expected a class of {' or '.join(_MODULES)}")
    try:
        kind = getattr(_imported(module), name)
    except ModuleNotFoundError as error:
        raise ParameterError(f"cluster is {described.cluster!r}, and {error.name} is not installed") from None
    except AttributeError:
        raise ParameterError(f"cluster is {described.cluster!r}: {module} has no such class") from None
    try:
        cluster = kind(**described.options)
    except (TypeError, ValueError, OSError, RuntimeError) as error:
        raise ParameterError(f"cluster {described.cluster} cannot be made with these options: {error}") from error
    if isinstance(described.workers, int):
        cluster.scale(described.workers)
    elif described.workers is not None:
        least, most = described.workers
        cluster.adapt(minimum=least, maximum=most)
    return cluster


@contextmanager
def connected(
    scheduler: str | None = None, cluster_file: Path | None = None, workers: int | None = None, devices: int = 1
) -> Iterator[Client]:
    """A client of the cluster that is named, or of one made of this machine's processors, which ends with the block.

    Args:
        scheduler: Address of a running scheduler.
        cluster_file: See `ClusterFile`.
        workers: Of this machine; None: as many as its devices, or its cores and memory, allow.
        devices: Of each training.

    Raises:
        ParameterError: What Dask needs is not installed, two of them are named, or the scheduler does not answer.
    """
    if sum(named is not None for named in (scheduler, cluster_file, workers)) > 1:
        raise ParameterError("expected one of --scheduler, --cluster and --workers")
    described = read_cluster_file(cluster_file) if cluster_file else None
    dask, distributed = _dask()
    with dask.config.set({**_SETTINGS, **(described.settings if described else {})}):
        if scheduler:
            try:
                client = distributed.Client(scheduler, timeout=_ANSWER_S, set_as_default=False)
            except (OSError, TimeoutError, ValueError) as error:
                raise ParameterError(f"scheduler {scheduler} does not answer: {error}") from None
            with client:
                yield client
            return
        cluster = make_cluster(described) if described else _local_cluster(workers, devices)
        with cluster, distributed.Client(cluster, set_as_default=False) as client:
            yield client


def local_workers(cores: int, memory: int, accelerators: int, devices: int = 1) -> int:
    """How many workers divide a machine: one for each group of devices, else by cores and memory.

    Example:
        >>> local_workers(cores=16, memory=64 * 10**9, accelerators=4)
        4
        >>> local_workers(cores=16, memory=8 * 10**9, accelerators=0)
        2
    """
    if accelerators:
        return max(1, accelerators // devices)
    return max(1, min(cores, memory // _WORKER_BYTES))


def own_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _dask() -> tuple[Any, Any]:
    try:
        return import_module("dask"), import_module("distributed")
    except ModuleNotFoundError as error:
        raise NbutilsError(
            f"a sweep runs on Dask, and {error.name} is not installed: pip install 'nbutils[cluster]'"
        ) from None


def _imported(module: str) -> ModuleType:
    """A module of clusters; dask_jobqueue sets a handler of Ctrl-C as it is imported, which is undone."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        return import_module(module)
    finally:
        signal.signal(signal.SIGINT, handler)


def _local_cluster(workers: int | None, devices: int) -> Any:  # noqa: ANN401
    import torch
    from distributed import Nanny, Scheduler, SpecCluster

    found = torch.cuda.device_count()
    count = workers or local_workers(own_cores(), psutil.virtual_memory().available, found, devices)
    if devices > 1 and found < count * devices:
        raise ParameterError(f"{count} workers with {devices} devices each are wanted, and this machine has {found}")
    threads = str(max(1, own_cores() // count))
    specs = {}
    for number in range(count):
        environment = dict.fromkeys(_THREADS, threads)
        if found:
            own = [(number * devices + each) % found for each in range(devices)]
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, own))
        options: dict[str, Any] = {
            "host": "127.0.0.1",
            "nthreads": 1,
            "memory_limit": 0,
            "env": environment,
            "silence_logs": _SILENCE,
        }
        if found:
            options["resources"] = {"GPU": devices}
        specs[number] = {"cls": Nanny, "options": options}
    here = {"cls": Scheduler, "options": {"host": "127.0.0.1", "port": 0, "dashboard_address": "127.0.0.1:0"}}
    return SpecCluster(workers=specs, scheduler=here, name="nbutils", silence_logs=_SILENCE)
