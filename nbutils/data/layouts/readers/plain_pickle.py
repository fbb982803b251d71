"""Pickles of foreign origin, read as data: lists, tuples, bytes, text, numbers, booleans and arrays of bytes.

Python's unpickler calls what a file tells it to call, and sets aside as much memory as the file says. This one knows
the few instructions that plain data need, and has no way to import or call anything. Arrays of NumPy become their
bytes.

Its bounds are `MAX_BYTES` of file, `MAX_INSTRUCTIONS`, which take some seconds, and `MAX_DEPTH` lists or tuples begun
inside each other. What is built takes at most twice the file's length and `SPARE_BYTES` of memory; a text, while it is
decoded, at most five times its own length more.
"""

from __future__ import annotations

import math
import mmap
import pickletools
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nbutils.errors import DataError

#: Benchmarks' files are a tenth of it.
MAX_BYTES = 1 << 31
#: Three to thirty an image; the benchmarks have 12,000 to 14,000 images.
MAX_INSTRUCTIONS = 1 << 20
#: Python's own pickles of pairs have four.
MAX_DEPTH = 16
#: Memory for what is built, beyond twice the file's length: stack and memo of many small things.
SPARE_BYTES = 1 << 26

#: About what a place on the stack, an entry of the memo, a list or tuple, and a stub take.
_PLACE, _ENTRY, _CONTAINER, _STUB = 16, 128, 64, 320

_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS = frozenset({
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "BINSTRING", "SHORT_BINSTRING", "STRING", "BINUNICODE",
    "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE", "BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1",
})  # fmt: skip
#: Counts bytes against a budget.
Spend = Callable[[int], None]
_REMEMBER = frozenset({"BINPUT", "LONG_BINPUT", "PUT"})
_RECALL = frozenset({"BINGET", "LONG_BINGET", "GET"})
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class _RefusedError(Exception):
    """What the file wants is not plain data; the message says what it is."""


#: Where on the stack a list or tuple begins.
_MARK = object()


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
        DataError: naming file and byte, if it is no whole pickle, builds or calls anything else, or asks for more than
            this module's bounds.
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
            machine = _Machine(2 * size + SPARE_BYTES)
            warnings.simplefilter("ignore", DeprecationWarning)  # of escapes in text that is no text
            for number, (opcode, argument, position) in enumerate(pickletools.genops(content)):  # type: ignore[arg-type]
                at = position or 0
                if opcode.name == "STOP":
                    return _plain(machine.pop(), machine.spend)
                if number == MAX_INSTRUCTIONS:
                    raise _RefusedError(f"more than {MAX_INSTRUCTIONS:,} instructions")
                machine.step(opcode.name, argument)
        raise DataError(f"{path}: ends before the pickle does")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except _RefusedError as error:
        raise DataError(f"{path}: byte {at}: {error}; expected lists, tuples, bytes, arrays and booleans") from None
    except (ValueError, IndexError, KeyError, OverflowError) as error:
        raise DataError(f"{path}: byte {at}: not a whole pickle: {error}") from error


class _Machine:
    """The stack and the memory of one pickle.

    Args:
        budget: Bytes that all it builds may take; what is dropped again counts too.
    """

    def __init__(self, budget: int) -> None:
        self.stack: list[object] = []
        self.memo: dict[int, object] = {}
        self._budget, self._spent, self._depth = budget, 0, 0

    def pop(self) -> object:
        """The top of the stack."""
        if not self.stack or self.stack[-1] is _MARK:
            raise _RefusedError("takes from an empty stack")
        return self.stack.pop()

    def spend(self, size: int) -> None:
        """Counts the bytes of something before or as it is built."""
        self._spent += size
        if self._spent > self._budget:
            raise _RefusedError(f"builds more than {self._budget:,} bytes")

    def step(self, name: str, argument: object) -> None:
        """Carries out one instruction."""
        if name in ("PROTO", "FRAME"):
            return
        if name in _LITERALS:
            if name.endswith("STRING") and isinstance(argument, str):
                argument = argument.encode("latin-1")
            self._push(bytes(argument) if isinstance(argument, bytearray) else argument, sys.getsizeof(argument))
        elif name in _CONSTANTS:
            self._push(_CONSTANTS[name])
        elif name in _REMEMBER or name == "MEMOIZE":
            key = argument if isinstance(argument, int) else len(self.memo)
            self.spend(_ENTRY)
            self.memo[key] = self._top()
        elif name in _RECALL and isinstance(argument, int):
            self._push(self.memo[argument])
        elif name == "MARK":
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise _RefusedError(f"begins more than {MAX_DEPTH} lists or tuples inside each other")
            self._push(_MARK)
        elif name in ("EMPTY_LIST", "EMPTY_TUPLE"):
            self._push([] if name == "EMPTY_LIST" else (), _CONTAINER)
        elif name in ("LIST", "TUPLE"):
            items = self._since_mark()
            self._push(items if name == "LIST" else tuple(items), _CONTAINER + _PLACE * len(items))
        elif name in _TUPLES:
            items = [self.pop() for _ in range(_TUPLES[name])]
            self._push(tuple(items[::-1]), _CONTAINER + _PLACE * len(items))
        elif name in ("APPEND", "APPENDS"):
            items = [self.pop()] if name == "APPEND" else self._since_mark()
            target = self._top()
            if not isinstance(target, list):
                raise _RefusedError("appends to what is no list")
            self.spend(_PLACE * len(items))
            target.extend(items)
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            self._name(argument)
        elif name in ("REDUCE", "BUILD"):
            self._apply(name)
        else:
            raise _RefusedError(f"the instruction {name} builds something else")

    def _push(self, value: object, size: int = 0) -> None:
        self.spend(_PLACE + size)
        self.stack.append(value)

    def _top(self) -> object:
        value = self.pop()
        self.stack.append(value)
        return value

    def _since_mark(self) -> list[object]:
        items = []
        while self.stack and self.stack[-1] is not _MARK:
            items.append(self.stack.pop())
        if not self.stack:
            raise _RefusedError("takes from an empty stack")
        self.stack.pop()
        self._depth -= 1
        return items[::-1]

    def _name(self, argument: object) -> None:
        if argument is None:
            attribute, module = self.pop(), self.pop()
            if not isinstance(attribute, str) or not isinstance(module, str):
                raise _RefusedError("asks for what is no name")
            argument = f"{module[:80]} {attribute[:80]}"
        name = str(argument).replace("numpy._core", "numpy.core")
        if name not in _REDUCERS and name != "numpy ndarray":
            raise _RefusedError(f"asks for {name[:80]!r}")
        self._push(_Stub(name), _STUB)

    def _apply(self, name: str) -> None:
        """A call, or the state of what was called: neither takes place, the few known results are made here."""
        argument, target = self.pop(), self.pop()
        if not isinstance(target, _Stub) or not isinstance(argument, tuple):
            raise _RefusedError("calls what is no name")
        if name == "BUILD":
            target.state.append(argument)
            self._push(target)
        else:
            if target.name not in _REDUCERS:
                raise _RefusedError(f"calls {target.name!r}")
            made = _REDUCERS[target.name](argument)
            self._push(made, sys.getsizeof(made) if isinstance(made, bytes) else _STUB)


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
    kind = argument[0] if argument else ""
    kind = kind.decode("latin-1") if isinstance(kind, bytes) else kind
    if not isinstance(kind, str) or kind not in ("u1", "b1"):
        found = repr(kind[:20]) if isinstance(kind, str) else f"a {type(kind).__name__}"
        raise _RefusedError(f"an array of {found} instead of bytes or booleans")
    return _Stub(kind)


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


def _plain(value: object, spend: Spend) -> object:
    """The result with its arrays as bytes: one thing, or two lists of things; more is nothing that a data set holds."""
    if isinstance(value, list | tuple):
        if len(value) > 2:  # thousands of references to one long list would be copied thousands of times
            raise _RefusedError(f"{len(value)} things instead of two")
        return [_items(item, spend) for item in value]
    return _items(value, spend)


def _items(value: object, spend: Spend) -> object:
    value = _content(value, spend) if isinstance(value, _Stub) else value
    if isinstance(value, list | tuple):
        spend(_PLACE * len(value))
        return [_content(item, spend) if isinstance(item, _Stub) else item for item in value]
    return value


def _content(array: _Stub, spend: Spend) -> object:
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
    if kind.name == "u1":
        return raw
    spend(_PLACE * len(raw))  # anew for each reference to the array
    return [byte != 0 for byte in raw]
