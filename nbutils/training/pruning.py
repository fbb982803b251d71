"""Removes from a store what no present key reaches and what ended processes left, and nothing else."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

from filelock import FileLock, Timeout

from nbutils.training.inventory import Entry, Inventory, is_held

#: Seconds that what is unfinished is left alone for, though no lock of this machine is held on it.
DAY = 86_400.0


@dataclass(frozen=True)
class Prunable:
    """What can be removed from a store.

    Attributes:
        root: The store.
        entries: Folders; what needs another one comes before it.
        locks: Keys of lock files that nobody holds.
        specs: Files of what was to be trained more than a day ago.
        left: What stays though it is of no use: entry and reason.
        foreign: Names of what is not the store's.
    """

    root: Path
    entries: tuple[Entry, ...]
    locks: tuple[str, ...]
    left: tuple[tuple[Entry, str], ...]
    foreign: tuple[str, ...]
    specs: tuple[Path, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the folders."""
        return sum(entry.size for entry in self.entries)


@dataclass(frozen=True)
class Pruned:
    """What has been removed, and what could not be.

    Attributes:
        entries: Folders that are gone.
        locks: Number of lock files that are gone.
        left: What stayed, a line each.
    """

    entries: tuple[Entry, ...]
    locks: int
    left: tuple[str, ...]


def prunable(inventory: Inventory) -> Prunable:
    """Chooses what can go: results that no present key reaches, remains of ended processes, locks that nobody holds.

    An unfinished training that could be resumed stays, and so does whatever is unclear or damaged.
    """
    entries: list[Entry] = []
    left: list[tuple[Entry, str]] = []
    for entry in inventory.entries:
        if entry.state == "damaged":
            left.append((entry, f"damaged: {entry.why[0]}"))
        elif entry.state in ("stale", "left over"):
            if entry.strange:
                left.append((entry, f"holds what the store did not write: {', '.join(entry.strange)}"))
            elif not entry.is_result and _is_young(entry.path):
                left.append((entry, "written to within the last day"))
            else:
                entries.append(entry)
    locks = tuple(key for key in inventory.locks if not is_held(inventory.root, key))
    foreign = tuple(entry.path.name for entry in inventory.entries if entry.kind == "foreign")
    specs = tuple(file for file in inventory.specs.values() if _is_old(file))
    return Prunable(inventory.root, tuple(_dependents_first(entries)), locks, tuple(left), foreign, specs)


def prune(chosen: Prunable) -> Pruned:
    """Removes it; what a process has taken up meanwhile stays.

    An interrupted call leaves no result that lacks its teacher, and each result whole or gone.
    """
    gone: list[Entry] = []
    left: list[str] = []
    locks = 0
    for entry in chosen.entries:
        with _locked(chosen.root, entry.key) as is_ours:
            if not is_ours or (not entry.is_result and _is_young(entry.path)):
                left.append(f"{entry.path.name}: a process has taken it up")
                continue
            try:
                _remove(entry)
            except OSError as error:
                left.append(f"{entry.path.name}: {error.strerror}")
            else:
                gone.append(entry)
    for file in filter(_is_old, chosen.specs):
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            left.append(f"{file.name}: {error.strerror}")
    for key in {*chosen.locks, *(entry.key for entry in chosen.entries)}:
        file = chosen.root / f"{key}.lock"
        with _locked(chosen.root, key) as is_ours:
            if is_ours:
                with suppress(PermissionError):  # Windows removes the file itself on release
                    file.unlink(missing_ok=True)
        locks += key in chosen.locks and not file.exists()
    return Pruned(tuple(gone), locks, tuple(left))


@contextmanager
def _locked(root: Path, key: str) -> Iterator[bool]:
    """Holds the lock of a key, or yields False where another process does.

    A process that waits for a lock file which is removed here opens a new one (filelock looks whether it still has
    a name), so that two never hold one key.
    """
    lock = FileLock(root / f"{key}.lock")
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError, NotImplementedError):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _remove(entry: Entry) -> None:
    """Takes the folder out of the way in one rename, then removes it."""
    if not entry.path.exists():
        return
    aside = Path(tempfile.mkdtemp(prefix=f"{entry.key}.new-", dir=entry.path.parent))
    aside.rmdir()
    entry.path.rename(aside)
    shutil.rmtree(aside)


def _is_young(folder: Path) -> bool:
    """Whether anything in it was written within the last day."""
    try:
        times = [file.lstat().st_mtime for file in (folder, *folder.iterdir())]
    except OSError:
        return True
    return time.time() - max(times) < DAY


def _is_old(file: Path) -> bool:
    """Whether it was written more than a day ago."""
    try:
        return time.time() - file.lstat().st_mtime >= DAY
    except OSError:
        return False


def _dependents_first(entries: Collection[Entry]) -> Iterator[Entry]:
    """Students before their teachers: the reverse of an order in which they could be made."""
    results = {entry.key: entry for entry in entries if entry.is_result}
    before = {key: entry.content.before if entry.content else () for key, entry in results.items()}
    yield from (entry for entry in entries if not entry.is_result)
    yield from (results[key] for key in reversed([*TopologicalSorter(before).static_order()]) if key in results)
