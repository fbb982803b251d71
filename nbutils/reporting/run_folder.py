"""Folders of runs: known by a marker of their own, replaced whole, and never removed with what no run wrote.

The marker, `nbutils-run.json`, lists the digest of every file that the run wrote. Whatever it does not list, or lists
with another digest, is somebody's own: a folder that holds such a thing is moved to `<folder>.former/`, not removed.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import psutil
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nbutils.errors import ParameterError
from nbutils.training.result_files import sha256_of
from nbutils.writing import write_aside

MARKER = "nbutils-run.json"
#: What a complete run has written.
RECORDS = ("metrics.json", "claims.json", "artefacts.json", "provenance.json")
#: A run's notebook to read, without code.
PAGE = "page.html"
#: Ends the name of the folder that former runs are kept in.
FORMER = ".former"
_SCRATCH, _OUTGOING = ".partial", ".old"
#: Two readings of one process's start differ by no more, in seconds: systems give the boot time in whole ones.
_SAME_START_S = 2.0
_TRIES = 10


class Owner(BaseModel):
    """The process that writes a run.

    Attributes:
        host: name of its machine.
        pid: its number there.
        started: seconds from that machine's start to its own, which no change of the clock moves.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str
    pid: int
    started: float

    @classmethod
    def of_this_process(cls) -> Owner:
        """This process."""
        return cls(host=platform.node(), pid=os.getpid(), started=_since_boot(psutil.Process()))

    def is_this_process(self) -> bool:
        """Whether it is the calling process, or one before it of the same number."""
        return (self.host, self.pid) == (platform.node(), os.getpid())

    def is_gone(self) -> bool:
        """Whether the process has surely ended; of another host's processes nothing is known."""
        if self.host != platform.node():
            return False
        try:
            return abs(_since_boot(psutil.Process(self.pid)) - self.started) > _SAME_START_S
        except psutil.NoSuchProcess:
            return True
        except psutil.AccessDenied:
            return False


class Marker(BaseModel):
    """What makes a folder a run.

    Attributes:
        format: of this file.
        notebook: name of the notebook that ran.
        started: when.
        owner: who wrote it beside its place; None where it is written in place.
        files: SHA-256 of each file of the run, by its path below the folder.
    """

    model_config = ConfigDict(extra="forbid")

    format: Literal["nbutils run 1"] = "nbutils run 1"
    notebook: str
    started: datetime = Field(default_factory=lambda: datetime.now(UTC))
    owner: Owner | None = None
    files: dict[str, str] = Field(default_factory=dict)


def read_marker(folder: Path) -> Marker | None:
    """The marker of a run's folder, or None where `folder` is no run's."""
    try:
        return Marker.model_validate_json((folder / MARKER).read_bytes())
    except (OSError, ValidationError):
        return None


def write_marker(folder: Path, marker: Marker) -> None:
    """Make `folder` a run's."""
    write_aside(folder / MARKER, marker.model_dump_json(indent=1) + "\n")


def check_place(folder: Path, *, force: bool = False) -> None:
    """Refuse a place that no run may take.

    Args:
        folder: where a run is to go.
        force: whether a folder of other things is to be replaced.

    Raises:
        ParameterError: there is something other than a run, or a file in the way.
    """
    try:
        place = folder.resolve()
        nearest = next(path for path in (place, *place.parents) if path.exists())
        if not nearest.is_dir():
            raise ParameterError(f"{nearest} is a file: expected a folder for the run")
        if nearest == place and not force and read_marker(place) is None and any(place.iterdir()):
            raise ParameterError(
                f"{folder} exists and holds no run: choose another folder with --out, or replace it with --force"
            )
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead in a circle
        raise ParameterError(f"cannot use {folder} for a run: {error}") from None


def scratch_folder(folder: Path, notebook: str) -> Path:
    """A new folder beside `folder` to write a run into; what processes that are gone left there is cleared up.

    What an earlier run of this very process left unfinished is removed too: the new one supersedes it.

    Raises:
        ParameterError: the folder cannot be made.
    """
    place = folder.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _clear_up(place)
        scratch = _beside(place, _SCRATCH)
        scratch.mkdir()
        write_marker(scratch, Marker(notebook=notebook, owner=Owner.of_this_process()))
    except OSError as error:
        raise ParameterError(f"cannot write to {place.parent}: {error.strerror or error}") from error
    return scratch


def seal(folder: Path) -> None:
    """List every file of a scratch folder in its marker: all of them come from the run."""
    marker = read_marker(folder)
    assert marker is not None
    found = {name: path for name, path in _contents(folder) if name != MARKER and stat.S_ISREG(path.lstat().st_mode)}
    files = {name: sha256_of(path) for name, path in found.items()}
    write_marker(folder, marker.model_copy(update={"files": files}))


def put_in_place(new: Path, folder: Path, *, keep: int = 0, force: bool = False) -> Path | None:
    """Put the sealed folder `new` in the place of `folder`, which may be absent, or a link to where the run lies.

    Args:
        new: a folder beside the place.
        folder: the place.
        keep: how many former runs to keep in `<folder>.former/`; further ones are removed, but for those that hold
            something of somebody's own.
        force: remove what stands there, whatever it holds.

    Returns:
        Where the former content is now, unless it was removed.
    """
    place = folder.resolve()
    for attempt in range(_TRIES):
        outgoing = _displaced(place)
        try:
            new.rename(place)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST) and attempt < _TRIES - 1:  # another process was first
                _retire(outgoing, place, keep, force)
                continue
            if outgoing is not None:
                outgoing.rename(place)
            raise
        break
    return _retire(outgoing, place, keep, force)


def is_own(file: Path, marker: Marker, name: str) -> bool:
    """Whether `file` is as the run of `marker` wrote it under `name`."""
    try:
        regular = stat.S_ISREG(file.lstat().st_mode)
        return regular and name in marker.files and sha256_of(file) == marker.files[name]
    except FileNotFoundError:
        return True


def _retire(outgoing: Path | None, place: Path, keep: int, force: bool) -> Path | None:
    """Remove what was displaced, or move it to the former runs; returns where it is, unless removed."""
    if outgoing is None:
        return None
    is_run = read_marker(outgoing) is not None
    if force and not (is_run and keep):
        _remove_all(outgoing)
        return None
    former = place.with_name(place.name + FORMER)
    try:
        if is_run and not keep and _remove_own(outgoing):
            return None
        former.mkdir(exist_ok=True)
        kept = _free_name(former, outgoing)
        outgoing.rename(kept)
    except FileNotFoundError:  # another process cleared it up
        return None
    except OSError:
        return outgoing
    if keep:
        runs = sorted(run for run in former.iterdir() if read_marker(run) is not None)
        for run in runs[:-keep]:
            _remove_own(run)
    return kept


def _displaced(place: Path) -> Path | None:
    """Rename what stands at a place; None where there is nothing."""
    outgoing = _beside(place, _OUTGOING)
    try:
        return place.rename(outgoing)
    except FileNotFoundError:
        return None


def _beside(place: Path, ending: str) -> Path:
    return place.with_name(f".{place.name}.{secrets.token_hex(4)}{ending}")


def _free_name(former: Path, outgoing: Path) -> Path:
    """A name that sorts by time."""
    marker = read_marker(outgoing)
    started = datetime.now(UTC) if marker is None else marker.started
    name = started.strftime("%Y%m%dT%H%M%S.%fZ")
    taken = {path.name for path in former.iterdir()}
    return former / next(free for n in range(len(taken) + 1) if (free := f"{name}-{n}" if n else name) not in taken)


def _clear_up(place: Path) -> None:
    """Remove unfinished runs of processes that are gone; finish the replacing of a run that was broken off."""
    ours = re.compile(rf"\.{re.escape(place.name)}\.[0-9a-f]{{8}}({_SCRATCH}|{_OUTGOING})")
    for left in place.parent.iterdir():
        marker = read_marker(left) if ours.fullmatch(left.name) else None
        if marker is None:
            continue
        if left.name.endswith(_OUTGOING):
            with suppress(OSError):  # another process is at it
                if place.exists():
                    _retire(left, place, 0, False)
                else:
                    left.rename(place)
        elif marker.owner is not None and (marker.owner.is_this_process() or marker.owner.is_gone()):
            shutil.rmtree(left, ignore_errors=True)


def _remove_own(folder: Path) -> bool:
    """Remove a run, if all that it holds is as the run wrote it; whether it is gone."""
    marker = read_marker(folder)
    if marker is None or not all(name == MARKER or is_own(path, marker, name) for name, path in _contents(folder)):
        return False
    # The marker goes last: what is broken off remains a run.
    for name, path in _contents(folder):
        if name != MARKER and is_own(path, marker, name):
            path.unlink(missing_ok=True)
    for parent, folders, _ in os.walk(folder, topdown=False):
        for name in folders:
            with suppress(OSError):
                Path(parent, name).rmdir()
    if [path.name for path in folder.iterdir()] != [MARKER]:
        return False
    (folder / MARKER).unlink(missing_ok=True)
    folder.rmdir()
    return True


def _remove_all(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _contents(folder: Path) -> Iterator[tuple[str, Path]]:
    """All that a folder holds but folders, by the path below it; links are not followed."""
    for place, folders, files in os.walk(folder):
        for name in (*files, *(name for name in folders if Path(place, name).is_symlink())):
            path = Path(place, name)
            yield path.relative_to(folder).as_posix(), path


def _since_boot(process: psutil.Process) -> float:
    return float(process.create_time() - psutil.boot_time())
