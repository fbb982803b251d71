"""Files that are never half-written, and cells of them that no spreadsheet runs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: What spreadsheets take for the beginning of a formula, and texts that look like our own cells.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", re.ASCII)


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


def no_formula(text: str) -> str:
    """`text` for a cell of a CSV: one that spreadsheets would run gets an apostrophe before it, numbers do not.

    Example:
        >>> no_formula("=HYPERLINK(A1)"), no_formula("-1.5")
        ("'=HYPERLINK(A1)", '-1.5')
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def as_formula(cell: str) -> str:
    """The text that `no_formula` made `cell` of."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
