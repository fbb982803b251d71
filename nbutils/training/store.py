"""A folder of results under keys: published whole or not at all, locked, verified on reading."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from nbutils.errors import StoreError

logger = logging.getLogger(__name__)

_DIGESTS = "digests.json"
#: What a key is a digest of, and by which notebook, where and when (seconds since 1970) the result was made.
KEY_FILE, ORIGIN_FILE = "key.json", "origin.json"
#: Environment variable with the name of the notebook that is running.
NOTEBOOK_VARIABLE = "NBUTILS_NOTEBOOK"


class Store:
    """Results of long computations, each a folder of files under its key.

    `<root>/<key>/` holds a published result with the digest of each file; `<root>/<key>.lock` is held by who computes
    it; `<root>/<key>.partial/` is scratch space that survives a killed process, to resume from.

    Args:
        root: Folder of the store; made when missing.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from nbutils.training import Store
        >>> with TemporaryDirectory() as folder:
        ...     store = Store(folder)
        ...     with store.lock("answer"), store.publish("answer", {"question": "?"}) as aside:
        ...         _ = (aside / "answer.txt").write_text("42")
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
    def lock(self, key: str) -> Iterator[None]:
        """Holds the key against every other process; waits for whoever has it."""
        with FileLock(self.root / f"{key}.lock"):
            yield

    def find(self, key: str) -> Path | None:
        """Returns the folder of a published result whose every file is as it was written, or None.

        A result with a damaged or missing file is logged and removed, so that it is made anew.
        """
        folder = self.root / key
        if not folder.is_dir():
            return None
        damage = _damage(folder)
        if damage is None:
            return folder
        logger.warning("stored result %s is damaged (%s): it will be computed again", key, damage)
        shutil.rmtree(folder, ignore_errors=True)
        return None

    @contextmanager
    def publish(self, key: str, content: Mapping[str, Any]) -> Iterator[Path]:
        """Yields an empty folder to write into; on leaving, it becomes the result, in one rename.

        If the block raises, nothing is published. Call it under `lock`.

        Args:
            key: Of the result.
            content: What the key is a digest of, kept beside the result (key.json), so that a later reader can tell
                whether today's code would still reach it.
        """
        aside = Path(tempfile.mkdtemp(prefix=f"{key}.new-", dir=self.root))
        try:
            yield aside
            origin = {"notebook": os.environ.get(NOTEBOOK_VARIABLE, ""), "host": platform.node(), "time": time.time()}
            (aside / KEY_FILE).write_text(json.dumps(content), encoding="utf-8")
            (aside / ORIGIN_FILE).write_text(json.dumps(origin), encoding="utf-8")
            digests = {file.name: _digest(file) for file in sorted(aside.iterdir())}
            (aside / _DIGESTS).write_text(json.dumps(digests, indent=1))
            folder = self.root / key
            shutil.rmtree(folder, ignore_errors=True)
            os.rename(aside, folder)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
        self.discard_partial(key)

    def partial(self, key: str) -> Path:
        """Scratch folder of an unfinished result."""
        folder = self.root / f"{key}.partial"
        folder.mkdir(exist_ok=True)
        return folder

    def discard_partial(self, key: str) -> None:
        """Forgets the scratch folder."""
        shutil.rmtree(self.root / f"{key}.partial", ignore_errors=True)


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _damage(folder: Path) -> str | None:
    """What is wrong with a published folder, or None."""
    try:
        digests = json.loads((folder / _DIGESTS).read_text())
    except (OSError, ValueError) as error:
        return f"{_DIGESTS}: {error}"
    for name, expected in digests.items():
        file = folder / name
        if not file.is_file():
            return f"{name} is missing"
        if _digest(file) != expected:
            return f"{name} does not have the digest it was written with"
    return None
