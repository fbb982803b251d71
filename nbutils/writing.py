"""Files that are never half-written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, renamed to it once it is on the disk, and removed after a failure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield aside
        sync(aside)
        aside.replace(path)
        sync(path.parent)
    except OSError as error:
        error.filename = error.filename or str(path)  # of a write that failed the system names none
        raise
    finally:
        aside.unlink(missing_ok=True)


def write_aside(path: Path, content: str | bytes) -> None:
    """Writes `content` beside `path`, then renames it there: a reader sees the old file or the new one."""
    with replacing(path) as aside:
        aside.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def sync(path: Path) -> None:
    """Waits until a file's content, or the names in a folder, would survive a power cut."""
    if path.is_dir():
        if os.name == "nt":  # Windows opens no folders
            return
        descriptor = os.open(path, os.O_RDONLY)
    else:
        descriptor = os.open(path, os.O_RDWR)  # Windows syncs no file that was opened to read
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """`sync` of a folder and all below it."""
    for path in (*folder.rglob("*"), folder):
        sync(path)
