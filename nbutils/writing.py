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
    """A path beside `path` to write to, renamed to it in the end, and removed after a failure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def write_aside(path: Path, content: str | bytes) -> None:
    """Writes `content` beside `path`, then renames it there: a reader sees the old file or the new one."""
    with replacing(path) as aside:
        aside.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


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
