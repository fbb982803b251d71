"""How the commands print text, tables and sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

#: Columns of a table that goes to a file or a pipe.
_LOG_WIDTH = 160


def wide_console() -> Console:
    """As wide as the terminal, and wide enough for a table where the output goes to a file."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=_LOG_WIDTH)


def plain(text: str) -> str:
    """Text from elsewhere for a table: its brackets are no markup, and it cannot steer the terminal."""
    from rich.markup import escape

    return escape(printable(text))


def printable(text: str) -> str:
    """Text with a mark in the place of each control character but the end of a line."""
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)


def size(count: float) -> str:
    """Bytes with three digits and a decimal unit."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
