"""Whether a cluster's workers can do a sweep's trainings: the same versions, and the store in sight."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nbutils.data.bucket_copy import is_there
from nbutils.errors import ParameterError
from nbutils.training.base import digest
from nbutils.training.digest import closure
from nbutils.training.store import Store
from nbutils.training.store_places import open_store

if TYPE_CHECKING:
    from distributed import Client

#: What a task needs first.
_ENTRY = "nbutils.training.trainer"
#: How often workers are asked, where all that were asked are gone before they answer.
_ASKED = 5


def versions() -> dict[str, str]:
    """What must agree between the client and all workers, by what it is called.

    Example:
        >>> sorted(versions())
        ['Python', 'code of nbutils', 'nbutils', 'torch']
    """
    python = ".".join(map(str, sys.version_info[:2]))
    return {"Python": python, "code of nbutils": digest(closure([_ENTRY]))[:12]} | {
        name: _version(name) for name in ("nbutils", "torch")
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def worker_facts(store: str, mark: str, folders: Iterable[str]) -> dict[str, Any]:
    """On a worker: its versions, host, and which of the store and the folders of data it does not see."""
    unseen = [folder for folder in folders if not is_there(folder)]
    lacks = [] if open_store(store).sees_mark(mark) else [f"the store {store}"]
    return {"versions": versions(), "host": platform.node(), "lacks": lacks + unseen}


def fit_hosts(client: Client, store: Store, folders: Iterable[str]) -> tuple[list[str] | None, list[str]]:
    """The hosts whose workers can do the trainings, or None where all can; and a line for each worker that cannot.

    Args:
        client: Of the cluster.
        store: Of the sweep.
        folders: Of the data sets, or their URLs.

    Raises:
        ParameterError: The versions of a worker differ from this process's, or no worker can.
    """
    for _ in range(_ASKED):
        client.wait_for_workers(1)
        with store.mark() as mark:
            found: dict[str, Any] = client.run(worker_facts, store.location, mark, list(folders), on_error="return")
        # What was cut off says nothing of a worker but that it is gone.
        answers = {address: facts for address, facts in found.items() if not isinstance(facts, OSError)}
        if answers:
            break
    return judge_workers(answers, versions())


def judge_workers(
    found: Mapping[str, dict[str, Any] | BaseException], ours: Mapping[str, str]
) -> tuple[list[str] | None, list[str]]:
    """See `fit_hosts`.

    Args:
        found: Address to what `worker_facts` said there, or the error that it raised.
        ours: The versions of this process.
    """
    unlike: list[str] = []
    unfit: list[str] = []
    fit: set[str] = set()
    for address, facts in found.items():
        if isinstance(facts, BaseException):
            unlike.append(f"{address}: cannot run this version of nbutils ({facts})")
            continue
        theirs = facts["versions"]
        unlike += [f"{address}: {what} {theirs[what]}, here {own}" for what, own in ours.items() if theirs[what] != own]
        if facts["lacks"]:
            unfit.append(f"{address} on {facts['host']} does not see {', '.join(facts['lacks'])}")
        else:
            fit.add(urlsplit(address).hostname or address)
    if unlike:
        raise ParameterError("versions differ between this process and the workers: " + "; ".join(unlike))
    if not fit:
        raise ParameterError("no worker can do the trainings: " + ("; ".join(unfit) or "none answers"))
    return (sorted(fit) if unfit else None), unfit
