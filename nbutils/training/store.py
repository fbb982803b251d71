"""A folder of results under keys: published whole or not at all, locked, verified on reading."""

from __future__ import annotations

import json
import logging
import os
import platform
import secrets
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from nbutils.errors import StoreError
from nbutils.training import locks
from nbutils.training.interrupts import raise_lost
from nbutils.training.result_files import DIGESTS_FILE, KEY_FILE, ORIGIN_FILE, damage_of, remove_result, sha256_of
from nbutils.writing import sync, sync_tree, write_aside

logger = logging.getLogger(__name__)

#: Environment variable with the name of the notebook that is running.
NOTEBOOK_VARIABLE = "NBUTILS_NOTEBOOK"
#: Seconds after which nobody asks for a mark any more.
MARK_S = 3600.0


class Store:
    """Results of long computations, each a folder of files under its key.

    `<root>/<key>/` holds a published result with the digest of each file; `<root>/<key>.lock` is held by who computes
    it; `<root>/<key>.partial/` is scratch space that survives a killed process, to resume from;
    `<root>/<key>.new-<random>/` is a result that is being written; `<root>/<key>.spec` says what is to be trained.
    `nbutils.training.inventory` reads all of them.

    A lock saves work and decides nothing: where two processes publish one key, the first wins and the second takes
    the first's result.

    Args:
        root: Folder of the store; made when missing. One that cannot be written to serves what it holds.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from nbutils.training import Store
        >>> with TemporaryDirectory() as folder:
        ...     store = Store(folder)
        ...     with store.claim("answer") as found:
        ...         if found is None:
        ...             with store.publish("answer", {"question": "?"}) as aside:
        ...                 _ = (aside / "answer.txt").write_text("42")
        ...     (store.find("answer") / "answer.txt").read_text()
        '42'
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot use {self.root} as a store: {error}") from error

    @contextmanager
    def claim(self, key: str) -> Iterator[Path | None]:
        """Yields the folder of a result, or None while the key is held against every other process, to compute it.

        Waits for whoever holds it. What is published already is taken without a lock, so that a store on a read-only
        disk serves it.

        Raises:
            StoreError: The result is missing, and the store cannot be written to.
        """
        folder, damage = self._look(key)
        if folder is not None and damage is None:
            self._clear_up(key)
            yield folder
            return
        with self.lock(key):
            yield self.find(key)

    @contextmanager
    def lock(self, key: str, seconds: float = -1) -> Iterator[None]:
        """Holds the key against every other process; waits for whoever has it, while that one gives signs of life.

        Args:
            key: Of the result.
            seconds: How long it waits; below 0: for ever.

        Raises:
            StoreError: The store cannot be written to, or it has waited in vain.
        """
        file = self.root / f"{key}.lock"
        with writing_to(file):
            lock = locks.acquired(file, seconds)
        with nullcontext() if lock is None else locks.held(lock, file):
            yield

    def find(self, key: str) -> Path | None:
        """Returns the folder of a published result whose every file is as it was written, or None.

        A result with a damaged or missing file is logged, and stays until a new one is published in its place.

        Raises:
            StoreError: It may not be read, or something else than a folder stands under the key.
        """
        folder, damage = self._look(key)
        if damage is not None:
            logger.warning("stored result %s is damaged (%s): it has to be computed again", folder, damage)
            return None
        return folder

    @contextmanager
    def publish(self, key: str, content: Mapping[str, Any]) -> Iterator[Path]:
        """Yields an empty folder to write into; on leaving, it becomes the result, in one rename.

        If the block raises, nothing is published. If another process has published a whole result meanwhile, that one
        stays. Once this returns, the result survives a power cut.

        Args:
            key: Of the result.
            content: What the key is a digest of, kept beside the result (key.json), so that a later reader can tell
                whether today's code would still reach it.

        Raises:
            StoreError: A file cannot be written, as on a full disk.
        """
        aside = self._beside(key)
        try:
            with writing_to(aside):
                aside.mkdir()
                yield aside
                _describe(aside, content)
                digests = {file.name: sha256_of(file) for file in sorted(aside.iterdir())}
                (aside / DIGESTS_FILE).write_text(json.dumps(digests, indent=1))
                sync_tree(aside)
                raise_lost()
                self._put(aside, key)
                sync(self.root)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        self.discard_partial(key)

    def partial(self, key: str, content: Mapping[str, Any]) -> Path:
        """Scratch folder of an unfinished result.

        Args:
            key: Of the result.
            content: See `publish`; kept likewise, so that a reader can tell whether it is worth resuming.

        Raises:
            StoreError: It cannot be written.
        """
        folder = self.root / f"{key}.partial"
        with writing_to(folder):
            folder.mkdir(exist_ok=True)
            if not (folder / ORIGIN_FILE).is_file():
                with suppress(FileNotFoundError):  # another process has published the result, and cleared up
                    _describe(folder, content)
                sync(self.root)
        return folder

    def discard_partial(self, key: str) -> None:
        """Forgets the scratch folder, and what was to be trained."""
        remove_result(self.root / f"{key}.partial")
        with suppress(OSError):
            self.spec_file(key).unlink(missing_ok=True)

    def leave_spec(self, key: str, spec: str) -> None:
        """Leaves the spec of a training that the store lacks, for whoever is told its key alone.

        Args:
            key: Of the training.
            spec: As JSON; it is gone once the result is published.

        Raises:
            StoreError: It cannot be written.
        """
        if not (self.root / key / DIGESTS_FILE).is_file():
            with writing_to(self.spec_file(key)):
                write_aside(self.spec_file(key), spec)

    def spec_file(self, key: str) -> Path:
        """Where `leave_spec` leaves the spec of a training."""
        return self.root / f"{key}.spec"

    @property
    def location(self) -> str:
        """What `open_store` opens it by, on any machine that sees it."""
        return str(self.root)

    @contextmanager
    def mark(self) -> Iterator[str]:
        """Holds an empty file by which another machine can tell that it sees this very store; yields its name.

        What a killed process left goes with the next mark, an hour later.

        Raises:
            StoreError: It cannot be written.
        """
        name = f".seen-{secrets.token_hex(8)}"
        self._leave_mark(name)
        try:
            times = self._marks()
            for former, made in times.items():
                if times.get(name, made) - made > MARK_S:
                    with suppress(StoreError):
                        self._remove_mark(former)
            yield name
        finally:
            self._remove_mark(name)

    def sees_mark(self, name: str) -> bool:
        """Whether the file that `mark` holds is there."""
        return (self.root / name).is_file()

    def _leave_mark(self, name: str) -> None:
        with writing_to(self.root / name):
            (self.root / name).touch()

    def _marks(self) -> dict[str, float]:
        """When each mark was left, by the clock of where the store lies."""
        found = {}
        for file in self.root.glob(".seen-*"):
            with suppress(OSError):
                found[file.name] = file.stat().st_mtime
        return found

    def _remove_mark(self, name: str) -> None:
        with writing_to(self.root / name):
            (self.root / name).unlink(missing_ok=True)

    def _clear_up(self, key: str) -> None:
        """Removes what is left by a process that was killed when it had published the result."""
        left = (self.root / f"{key}.partial", self.root / f"{key}.lock", self.spec_file(key))
        if any(map(os.path.lexists, left)):
            with suppress(StoreError), self.lock(key, seconds=0):
                self.discard_partial(key)

    def _look(self, key: str) -> tuple[Path | None, str | None]:
        """The folder of a result, if there is one, and what is wrong with it."""
        folder = self.root / key
        try:
            found = folder.lstat()
        except FileNotFoundError:
            return None, None
        except OSError as error:
            raise StoreError(f"{folder}: cannot be read: {error.strerror}") from error
        if not stat.S_ISDIR(found.st_mode) and not folder.is_dir():
            raise StoreError(f"{folder}: expected the folder of a result, found something else; move it elsewhere")
        return folder, damage_of(folder)

    def _put(self, aside: Path, key: str) -> None:
        """Gives the written folder its name, unless a whole result has it; a damaged one makes room."""
        folder = self.root / key
        try:
            os.rename(aside, folder)  # fails where a folder with files stands
        except OSError:
            found, damage = self._look(key)
            if found is None:
                raise
            if damage is not None:
                damaged = self._beside(key)
                with suppress(FileNotFoundError):  # another process has moved it
                    os.rename(folder, damaged)
                remove_result(damaged)
                self._put(aside, key)

    def _beside(self, key: str) -> Path:
        return self.root / f"{key}.new-{secrets.token_hex(4)}"


@contextmanager
def writing_to(place: Path) -> Iterator[None]:
    """Turns the system's errors into one that names the file.

    Args:
        place: What is named where the system names nothing: a file, or a folder, whose newest file it then is.

    Raises:
        StoreError: In their place.
    """
    try:
        yield
    except OSError as error:
        file = error.filename or _newest(place)
        raise StoreError(f"{file}: cannot be written: {error.strerror or error}") from error


def _describe(folder: Path, content: Mapping[str, Any]) -> None:
    origin = {"notebook": os.environ.get(NOTEBOOK_VARIABLE, ""), "host": platform.node(), "time": time.time()}
    write_aside(folder / KEY_FILE, json.dumps(content))
    write_aside(folder / ORIGIN_FILE, json.dumps(origin))


def _newest(place: Path) -> Path:
    """The file of a folder that was written last; anything else as it is."""
    try:
        return max((file for file in place.iterdir()), key=lambda file: file.lstat().st_mtime_ns, default=place)
    except OSError:
        return place
