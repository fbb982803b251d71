"""Damaged copies of a file's bytes, as accidents and attackers make them."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

_BYTES = b"\x00\xff\x80\x7f\t\n\r,\"'-+.9/\\ eN"
_WORDS = (1 << 29, (1 << 29) - 1, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, (1 << 63) - 1, (1 << 64) - 1, 0, 1)
_TEXTS = (
    b"-1", b"0", b"2", b"999999999", b"99999999999999999999", b"1e9", b"nan", b"inf", b"-0", b"1.5", b"",
    b"../../etc/passwd", b"/etc/passwd", b"..", b".", b"a b", "ä".encode(), b"\xff", b"\x00", b"9" * 5000,
)  # fmt: skip

Mutate = Callable[[bytes, np.random.Generator], bytes]


def mutate(content: bytes, rng: np.random.Generator) -> bytes:
    """One to three accidents in a row."""
    for _ in range(rng.integers(1, 4)):
        content = _KINDS[rng.integers(len(_KINDS))](content, rng)
    return content


def _place(content: bytes, rng: np.random.Generator) -> int:
    return int(rng.integers(len(content) + 1))


def _flip(content: bytes, rng: np.random.Generator) -> bytes:
    at, bit = _place(content, rng), 1 << int(rng.integers(8))
    return content[:at] + bytes([byte ^ bit for byte in content[at : at + 1]]) + content[at + 1 :]


def _set(content: bytes, rng: np.random.Generator) -> bytes:
    at, byte = _place(content, rng), _BYTES[rng.integers(len(_BYTES))]
    return content[:at] + bytes([byte]) + content[at + 1 :]


def _truncate(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: _place(content, rng)]


def _cut(content: bytes, rng: np.random.Generator) -> bytes:
    at = _place(content, rng)
    return content[:at] + content[at + int(rng.integers(1, 40)) :]


def _repeat(content: bytes, rng: np.random.Generator) -> bytes:
    at, long = _place(content, rng), int(rng.integers(1, 40))
    return content[: at + long] + content[at:]


def _insert(content: bytes, rng: np.random.Generator) -> bytes:
    at = _place(content, rng)
    return content[:at] + rng.bytes(int(rng.integers(1, 12))) + content[at:]


def _word(content: bytes, rng: np.random.Generator) -> bytes:
    at, size = _place(content, rng), (4, 8)[rng.integers(2)]
    at -= at % 4 if rng.integers(2) else 0
    value = _WORDS[rng.integers(len(_WORDS))] % (1 << 8 * size)
    return content[:at] + value.to_bytes(size, ("little", "big")[rng.integers(2)]) + content[at + size :]


def _cell(content: bytes, rng: np.random.Generator) -> bytes:
    cells = list(re.finditer(rb"[^\s,]+", content))
    if not cells:
        return content
    cell = cells[rng.integers(len(cells))]
    return content[: cell.start()] + _TEXTS[rng.integers(len(_TEXTS))] + content[cell.end() :]


def _swap(content: bytes, rng: np.random.Generator) -> bytes:
    lines = content.split(b"\n")
    a, b = rng.integers(len(lines), size=2)
    lines[a], lines[b] = lines[b], lines[a]
    return b"\n".join(lines)


_KINDS: tuple[Mutate, ...] = (_flip, _set, _truncate, _cut, _repeat, _insert, _word, _cell, _swap)
