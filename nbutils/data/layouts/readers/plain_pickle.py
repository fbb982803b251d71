"""Pickles of foreign origin, read as data: lists, tuples, bytes, text, numbers, booleans and arrays of bytes.

Python's unpickler calls what a file tells it to call, and sets aside as much memory as the file says. This one knows
the few instructions that plain data need, has no way to import or call anything, and takes no more memory than the
file is long. Arrays of NumPy become their bytes.
"""

from __future__ import annotations

import math
import mmap
import pickletools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nbutils.errors import DataError

#: Benchmarks' files are a tenth of it.
MAX_BYTES = 1 << 31

_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS = frozenset({
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "BINSTRING", "SHORT_BINSTRING", "STRING", "BINUNICODE",
    "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE", "BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1",
})  # fmt: skip
_REMEMBER = frozenset({"BINPUT", "LONG_BINPUT", "PUT"})
_RECALL = frozenset({"BINGET", "LONG_BINGET", "GET"})
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class _RefusedError(Exception):
    """What the file wants is not plain data; the message says what it is."""


class _Mark:
    """Where on the stack a list or tuple begins."""


@dataclass
class _Stub:
    """Something that the file would have Python import: here a name, and what was said about it."""

    name: str
    state: list[object] = field(default_factory=list)


def load_plain(path: Path) -> object:
    """Reads a pickle of plain data.

    Returns:
        `bytes`, `str`, `int`, `bool` or None, a list of such, or a list of at most two such lists. Tuples are lists,
        an array of NumPy's bytes is `bytes`, one of its booleans a list of `bool`.

    Raises:
        DataError: naming file and byte, if it is no whole pickle, or builds or calls anything else.
    """
    at = 0
    try:
        size = path.stat().st_size
        if not 0 < size <= MAX_BYTES:
            raise DataError(f"{path}: {size:,} bytes, expected a pickle of at most {MAX_BYTES:,}")
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
            warnings.catch_warnings(),
        ):
            machine = _Machine()
            warnings.simplefilter("ignore", DeprecationWarning)  # of escapes in text that is no text
            for opcode, argument, position in pickletools.genops(content):  # type: ignore[arg-type]
                at = position or 0
                if opcode.name == "STOP":
                    return _plain(machine.pop())
                machine.step(opcode.name, argument)
        raise DataError(f"{path}: ends before the pickle does")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except _RefusedError as error:
        raise DataError(f"{path}: byte {at}: {error}; expected lists, tuples, bytes, arrays and booleans") from None
    except (ValueError, IndexError, KeyError, OverflowError) as error:
        raise DataError(f"{path}: byte {at}: not a whole pickle: {error}") from error


class _Machine:
    """The stack and the memory of one pickle."""

    def __init__(self) -> None:
        self.stack: list[object] = []
        self.memo: dict[int, object] = {}

    def pop(self) -> object:
        """The top of the stack."""
        if not self.stack or isinstance(self.stack[-1], _Mark):
            raise _RefusedError("takes from an empty stack")
        return self.stack.pop()

    def step(self, name: str, argument: object) -> None:
        """Carries out one instruction."""
        if name in ("PROTO", "FRAME"):
            return
        if name in _LITERALS:
            if name.endswith("STRING") and isinstance(argument, str):
                argument = argument.encode("latin-1")
            self.stack.append(bytes(argument) if isinstance(argument, bytearray) else argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _REMEMBER or name == "MEMOIZE":
            key = argument if isinstance(argument, int) else len(self.memo)
            self.memo[key] = self._top()
        elif name in _RECALL and isinstance(argument, int):
            self.stack.append(self.memo[argument])
        elif name == "MARK":
            self.stack.append(_Mark())
        elif name in ("EMPTY_LIST", "EMPTY_TUPLE"):
            self.stack.append([] if name == "EMPTY_LIST" else ())
        elif name in ("LIST", "TUPLE"):
            items = self._since_mark()
            self.stack.append(items if name == "LIST" else tuple(items))
        elif name in _TUPLES:
            items = [self.pop() for _ in range(_TUPLES[name])]
            self.stack.append(tuple(items[::-1]))
        elif name in ("APPEND", "APPENDS"):
            items = [self.pop()] if name == "APPEND" else self._since_mark()
            target = self._top()
            if not isinstance(target, list):
                raise _RefusedError("appends to what is no list")
            target.extend(items)
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            self._name(argument)
        elif name in ("REDUCE", "BUILD"):
            self._apply(name)
        else:
            raise _RefusedError(f"the instruction {name} builds something else")

    def _top(self) -> object:
        value = self.pop()
        self.stack.append(value)
        return value

    def _since_mark(self) -> list[object]:
        items = []
        while self.stack and not isinstance(self.stack[-1], _Mark):
            items.append(self.stack.pop())
        if not self.stack:
            raise _RefusedError("takes from an empty stack")
        self.stack.pop()
        return items[::-1]

    def _name(self, argument: object) -> None:
        if argument is None:
            attribute, module = self.pop(), self.pop()
            argument = f"{module} {attribute}"
        name = str(argument).replace("numpy._core", "numpy.core")
        if name not in _REDUCERS and name != "numpy ndarray":
            raise _RefusedError(f"asks for {name[:80]!r}")
        self.stack.append(_Stub(name))

    def _apply(self, name: str) -> None:
        """A call, or the state of what was called: neither takes place, the few known results are made here."""
        argument, target = self.pop(), self.pop()
        if not isinstance(target, _Stub) or not isinstance(argument, tuple):
            raise _RefusedError("calls what is no name")
        if name == "BUILD":
            target.state.append(argument)
            self.stack.append(target)
        else:
            if target.name not in _REDUCERS:
                raise _RefusedError(f"calls {target.name!r}")
            self.stack.append(_REDUCERS[target.name](argument))


def _encode(argument: tuple[object, ...]) -> object:
    """`_codecs.encode(text, 'latin1')`: how protocols below 3 write bytes."""
    if len(argument) == 2 and isinstance(argument[0], str) and argument[1] in ("latin1", b"latin1"):
        return argument[0].encode("latin-1")
    raise _RefusedError("encodes otherwise than as latin1")


def _array(argument: tuple[object, ...]) -> object:
    return _Stub("array")  # what is in it comes with its state


def _buffer(argument: tuple[object, ...]) -> object:
    """`_frombuffer(bytes, dtype, shape, order)`: how protocol 5 writes arrays."""
    if len(argument) != 4:
        raise _RefusedError("an array made of something else")
    raw, kind, shape, order = argument
    return _Stub("array", [(1, shape, kind, order, raw)])


def _dtype(argument: tuple[object, ...]) -> object:
    kind = (
        argument[0].decode("latin-1")
        if argument and isinstance(argument[0], bytes)
        else argument[0]
        if argument
        else ""
    )
    if kind not in ("u1", "b1"):
        raise _RefusedError(f"an array of {str(kind)[:20]!r} instead of bytes or booleans")
    return _Stub(str(kind))


def _scalar(argument: tuple[object, ...]) -> object:
    if (
        len(argument) == 2
        and isinstance(argument[0], _Stub)
        and argument[0].name == "b1"
        and argument[1] in (b"\0", b"\1")
    ):
        return argument[1] == b"\1"
    raise _RefusedError("a scalar that is no boolean")


def _empty(argument: tuple[object, ...]) -> object:
    if argument:
        raise _RefusedError("bytes made of something")
    return b""


_REDUCERS: dict[str, Callable[[tuple[object, ...]], object]] = {
    "_codecs encode": _encode,
    "builtins bytes": _empty,
    "__builtin__ bytes": _empty,
    "numpy.core.multiarray _reconstruct": _array,
    "numpy.core.multiarray scalar": _scalar,
    "numpy.core.numeric _frombuffer": _buffer,
    "numpy dtype": _dtype,
}


def _plain(value: object) -> object:
    """The result with its arrays as bytes: one thing, or two lists of things; more is nothing that a data set holds."""
    if isinstance(value, list | tuple):
        if len(value) > 2:  # thousands of references to one long list would be copied thousands of times
            raise _RefusedError(f"{len(value)} things instead of two")
        return [_items(item) for item in value]
    return _items(value)


def _items(value: object) -> object:
    value = _content(value) if isinstance(value, _Stub) else value
    if isinstance(value, list | tuple):
        return [_content(item) if isinstance(item, _Stub) else item for item in value]
    return value


def _content(array: _Stub) -> object:
    """Bytes of an array from the state (version, shape, dtype, Fortran order, raw bytes) that it was built with."""
    state = array.state[0] if array.name == "array" and len(array.state) == 1 else None
    if not isinstance(state, tuple) or len(state) != 5:
        raise _RefusedError(f"{array.name!r} without a state")
    _, shape, kind, _, raw = state
    sizes = (
        shape
        if isinstance(shape, tuple) and len(shape) <= 4 and all(type(n) is int and n >= 0 for n in shape)
        else None
    )
    if sizes is None or not isinstance(kind, _Stub) or not isinstance(raw, bytes) or math.prod(sizes) != len(raw):
        raise _RefusedError("an array whose shape and bytes disagree")
    return raw if kind.name == "u1" else [byte != 0 for byte in raw]
