"""`.bin` files of pairs: whatever Python and NumPy write reads back; nothing that they contain is ever run."""

import os
import pickle
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nbutils.data.layouts.base import open_collection
from nbutils.data.layouts.readers import plain_pickle
from nbutils.data.layouts.readers.plain_pickle import load_plain
from nbutils.errors import DataError

IMAGES = [b"\xff\xd8 one", b"\xff\xd8 two", b"\xff\xd8 one", b"\xff\xd8 four"]


def save(folder: Path, content: bytes) -> Path:
    path = folder / "lfw.bin"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "content",
    [
        (IMAGES, [True, False]),
        [IMAGES, (1, 0)],
        (IMAGES, [np.True_, np.False_]),
        (IMAGES, np.array([True, False])),
        ([np.frombuffer(image, np.uint8) for image in IMAGES], [True, False]),
    ],
    ids=["booleans", "numbers", "scalars", "array", "images as arrays"],
)
def test_what_python_writes_reads_back(tmp_path: Path, content: Any, protocol: int) -> None:  # noqa: ANN401
    found = open_collection(save(tmp_path, pickle.dumps(content, protocol=protocol)))
    assert [found.read(at) for at in range(len(found))] == [IMAGES[0], IMAGES[1], IMAGES[3]]
    assert found.pairs is not None
    assert found.pairs.first.tolist() == [0, 0]
    assert found.pairs.second.tolist() == [1, 2]
    assert found.pairs.same.tolist() == [True, False]


def test_files_of_python_2(tmp_path: Path) -> None:
    """The oldest benchmarks' files: strings of bytes (BINSTRING), booleans by name."""
    strings = b"".join(b"T" + len(image).to_bytes(4, "little") + image for image in IMAGES)
    found = open_collection(save(tmp_path, b"\x80\x02](" + strings + b"e](\x88\x89e\x86."))
    assert [found.read(at) for at in range(3)] == [IMAGES[0], IMAGES[1], IMAGES[3]]


class Harmful:
    def __init__(self, *call: Any) -> None:  # noqa: ANN401
        self.call = call

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call[0], self.call[1:]


@pytest.mark.parametrize("protocol", range(6))
def test_a_file_that_calls_the_system(tmp_path: Path, protocol: int) -> None:
    mark = tmp_path / "mark"
    content = pickle.dumps((IMAGES, [Harmful(os.system, f"touch {mark}"), False]), protocol=protocol)
    with pytest.raises(DataError, match=r"lfw\.bin: byte \d+: asks for '(posix|nt) system'; expected lists, tuples"):
        open_collection(save(tmp_path, content))
    assert not mark.exists()
    pickle.loads(content)  # the file does what it is feared to do
    assert mark.exists()


@pytest.mark.parametrize(
    "value",
    [
        Harmful(eval, "1"), Harmful(np.load, "x"), np.zeros(3, object), np.zeros(3), {"a": 1}, {1}, 1.5, complex(1),
        np.dtype(">f8"), Path("x"), range(3), np.ndarray, os.system,
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_nothing_else_is_built(tmp_path: Path, value: object) -> None:
    for protocol in range(6):
        with pytest.raises(DataError, match=r"expected lists, tuples, bytes, arrays and booleans"):
            load_plain(save(tmp_path, pickle.dumps(([value], [True]), protocol=protocol)))


BIG = (1 << 62).to_bytes(8, "little")
#: An array that says it has 2^40 bytes.
LONG = b"\x8a\x06" + (1 << 40).to_bytes(6, "little")
SHAPE = pickle.dumps(np.zeros(1, np.uint8), protocol=2).replace(b"K\x01\x85", LONG + b"\x85")


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04\x8e" + BIG + b"x.",  # bytes of 2^62
        b"\x80\x04\x95" + BIG + b"].",  # a frame of 2^62
        b"\x80\x02]r\xff\xff\xff\xff.",  # something remembered as number 2^32 − 1
        b"\x80\x04\x8d" + BIG + b"x.",  # text of 2^62
        b"\x80\x02\x8b\xff\xff\xff\x7f1.",  # a number of 2^31 bytes
        SHAPE,
        b"(" * 100_000 + b".",
        b"]" + b"(" * 50_000 + b"e" * 50_000 + b".",
    ],
    ids=["bytes", "frame", "memory", "text", "number", "array", "marks", "nested"],
)
def test_no_more_memory_than_the_file_is_long(tmp_path: Path, content: bytes) -> None:
    path = save(tmp_path, content)
    tracemalloc.start()
    try:
        with pytest.raises(DataError):
            open_collection(path)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


#: The beginning of calls that each build 64 KiB out of nine bytes, an array of flags, and lists that each hold the one
#: before ten times.
TEXT = b"c_codecs\nencode\nq\0X" + (1 << 16).to_bytes(4, "little") + b"a" * (1 << 16) + b"q\1X\6\0\0\0latin1q\2]"
FLAGS = pickle.dumps(np.ones(1 << 16, np.bool_), protocol=2)[2:-1] + b"q\xf0"
DEEP = b"]q\0" + b"".join(b"]q%c(" % n + b"h%c" % (n - 1) * 10 + b"e" for n in range(1, 99))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"(" * 1_000_000, "byte 16: begins more than 16 lists"),
        (b"(l" * 100 + b"]" * 100_000, "builds more than 1,"),
        (b"N" + b"\x94" * 100_000, "builds more than 1,"),
        (TEXT + b"h\0h\1h\2\x86R" * 1000 + b".", "builds more than 1,"),
        (b"](" + FLAGS + b"h\xf0" * 9 + b"e]\x86.", "builds more than 1,"),
        (b"I1\n" * 20_001, "more than 20,000 instructions"),
        (DEEP + b"\x8c\1x\x93.", "asks for what is no name"),
        (b"cnumpy\ndtype\nq\xf0" + DEEP + b"h\xf0hb\x85R.", "an array of a list instead of bytes"),
    ],
    ids=["marks", "lists", "memo", "texts", "flags", "instructions", "name of lists", "type of lists"],
)
def test_bounds_of_what_a_file_can_ask_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, says: str
) -> None:
    monkeypatch.setattr(plain_pickle, "MAX_INSTRUCTIONS", 20_000)
    monkeypatch.setattr(plain_pickle, "SPARE_BYTES", 1 << 20)
    path = save(tmp_path, content)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=says):
            load_plain(path)
        assert tracemalloc.get_traced_memory()[1] < 3 * len(content) + (1 << 20)
    finally:
        tracemalloc.stop()


def test_a_long_list_many_times_is_not_copied(tmp_path: Path) -> None:
    """A thousand references to one list of a thousand, and so on, would be 10^12 things."""
    value: list[object] = [b"x"] * 1000
    for _ in range(3):
        value = [value] * 1000
    with pytest.raises(DataError, match="1000 things instead of two"):
        open_collection(save(tmp_path, pickle.dumps(value)))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ((IMAGES, [True]), "4 images and 1 booleans, expected two images each"),
        (([], []), "0 images and 0 booleans"),
        ((IMAGES, [True, 2]), "answer 1 is int, expected a boolean"),
        ((IMAGES, [True, None]), "answer 1 is NoneType, expected a boolean"),
        (([*IMAGES[:3], "text"], [True, True]), "image 3 is str, expected the bytes of an encoded image"),
        (IMAGES[:2], "expected a list of images and one of booleans"),
        (True, "expected a list of images and one of booleans"),
    ],
)
def test_content_that_is_no_pairs(tmp_path: Path, content: object, says: str) -> None:
    with pytest.raises(DataError, match=says):
        open_collection(save(tmp_path, pickle.dumps(content)))
