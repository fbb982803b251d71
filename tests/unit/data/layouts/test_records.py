"""RecordIO: what its files may hold, and what they may lie about."""

import re
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbutils.data.layouts.base import open_collection, write_collection
from nbutils.data.layouts.readers.records import MAGIC, frame, join_parts, read_records, write_records
from nbutils.errors import DataError
from tests.support.collections import encoded, rendered

WORD = struct.pack("<I", MAGIC)
FACE = encoded(np.full((4, 4, 3), 99, np.uint8))


def whole_records(content: bytes, label: float = 3.0) -> bytes:
    """A record as MXNet documents it, written out: frame, header (flag, label, id, id2), image, padding."""
    body = struct.pack("<IfQQ", 0, label, 7, 0) + content
    return struct.pack("<II", MAGIC, len(body)) + body + bytes(-len(body) % 4)


def save(folder: Path, content: bytes, index: str | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "train.rec").write_bytes(content)
    if index is not None:
        (folder / "train.idx").write_text(index)
    return folder


def test_the_form_is_mxnets(tmp_path: Path) -> None:
    """By hand, from the format's description; a writer and a reader of one hand could be wrong together."""
    second = struct.pack("<IfQQ", 2, 0.0, 8, 0) + struct.pack("<ff", 5, 0.5) + FACE + b"xy"
    content = whole_records(FACE) + struct.pack("<II", MAGIC, len(second)) + second + bytes(-len(second) % 4)
    found = open_collection(save(tmp_path / "a", content))
    assert [found.read(0), found.read(1)] == [FACE, FACE + b"xy"]
    assert found.identity_names == ("3", "5")
    assert found.names[1] == "1"
    start = len(whole_records(FACE))
    shuffled = open_collection(save(tmp_path / "b", content, f"9\t{start}\n4\t0\n"))
    assert list(shuffled.names) == ["4", "9"]
    assert shuffled.read(0) == FACE


@pytest.mark.slow
@settings(derandomize=True, max_examples=200)
@given(st.lists(st.one_of(st.binary(max_size=9), st.just(WORD)), max_size=8).map(b"".join))
def test_records_in_parts_are_joined_as_they_were(tmp_path_factory: pytest.TempPathFactory, record: bytes) -> None:
    framed = frame(record)
    assert len(framed) % 4 == 0
    # No part holds the magic number at a word's begin: a reader may look for it to find its way again.
    begins = [at for at in range(0, len(framed), 4) if framed[at : at + 4] == WORD]
    assert len(begins) == 1 + sum(record[at : at + 4] == WORD for at in range(0, len(record), 4))
    if len(begins) > 1:
        path = tmp_path_factory.getbasetemp() / "parts.rec"
        path.write_bytes(framed)
        assert join_parts(path, 0, len(framed), "record") == record


def test_an_image_in_parts(tmp_path: Path) -> None:
    image = b"\xff\xd8" + b"12" + WORD + b"middle.." + WORD + b"end"
    write_records(tmp_path / "train.rec", [(1.0,), (2.0, 7.0), (1.0,)], [FACE, image, FACE])
    found = open_collection(tmp_path)
    assert read_records(tmp_path / "train.rec", None).in_parts == {1}
    assert [found.read(at) for at in range(3)] == [FACE, image, FACE]
    assert found.identity_names == ("1", "2")


@pytest.mark.parametrize("form", ["im2rec", "insightface"])
def test_lists_name_images_and_people(form: str, tmp_path: Path) -> None:
    write_collection(replace(rendered(32), attributes=None, landmarks=None, pairs=None), tmp_path / "rec", "recordio")
    rows = [(key, (key - 1) // 3, f"Ann {(key - 1) // 3}/{key}.jpg") for key in range(1, 22)]
    lines = [f"{k}\t{n:.6f}\t{p}" if form == "im2rec" else f"1\t{p}\t{n}" for k, n, p in rows]
    listing = tmp_path / "rec" / "train.lst"
    listing.write_text("\n".join(lines) + "\n")
    found = open_collection(tmp_path / "rec")
    assert found.names[4] == "Ann 1/5.jpg"
    assert found.identity_names == tuple(f"Ann {number}" for number in range(7))
    wrong = lines[4].replace("1.000000", "2.000000").replace("\t1", "\t2")
    for changed, says in (
        (lines[:-1], "20 rows, expected one for each of 21 images"),
        ([*lines[:4], wrong, *lines[5:]], "train.lst:5: the label is 2"),
        ([*lines, lines[3]], "train.lst:22: .*no record, or no further one"),
        (["only two\tcolumns"], "train.lst:1: .*expected key, label and path"),
    ):
        listing.write_text("\n".join(changed))
        with pytest.raises(DataError, match=says):
            open_collection(tmp_path / "rec")


GOOD = whole_records(FACE)


@pytest.mark.parametrize(
    ("content", "index", "says"),
    [
        (b"\0" * 4 + GOOD[4:], None, "byte 0 is not the magic number 0xced7230a"),
        (GOOD + b"\0" * 4 + GOOD[4:], f"0\t0\n1\t{len(GOOD)}\n", "record 1 does not begin with the magic number"),
        (struct.pack("<II", MAGIC, (1 << 29) - 1) + GOOD[8:], "0\t0\n", "record 0 is longer than the file"),
        (struct.pack("<II", MAGIC, 1 << 29) + GOOD[8:], "0\t0\n", "no later part of an image at byte 8"),
        (struct.pack("<II", MAGIC, 2 << 29 | 40) + GOOD[8:], "0\t0\n", "record 0 begins with a record's later part"),
        (struct.pack("<II", MAGIC, (1 << 29) - 1) + GOOD[8:], None, "record 0 is longer than the file"),
        (GOOD[:-4], None, "record 0 is longer than the file"),
        (GOOD + GOOD[:5], None, f"ends in the middle of a record, at byte {len(GOOD)}"),
        (GOOD, f"0\t0\n1\t{len(GOOD)}\n", "record 1 leads past the end"),
        (GOOD, "0\t99999999999999999999999\n", "leads past the end"),
        (GOOD, "0\t2\n", "record 0 leads past the end, or between two records"),
        (GOOD + GOOD, f"0\t0\n0\t{len(GOOD)}\n", r"train\.idx:2: the key 0 is there already"),
        (GOOD + GOOD, "0\t0\n1\t0\n", r"train\.idx:2: the offset 0 is there already"),
        (GOOD, "0 0\n", "expected lines of two whole numbers"),
        (GOOD, "0\t-4\n", "expected lines of two whole numbers"),
        (GOOD, "", "expected lines of two whole numbers"),
        (GOOD[:8] + struct.pack("<I", 1 << 31) + GOOD[12:], None, "record 0 is too short for its header"),
        (whole_records(FACE, float("nan")), None, "record 0: the label is nan, expected a person's number"),
        (whole_records(FACE, 0.5), None, "the label is 0.5, expected a person's number"),
        (whole_records(b""), None, "no record holds an image"),
        (b"", None, "0 bytes, expected at least one record"),
    ],
)  # fmt: skip
def test_lies(tmp_path: Path, content: bytes, index: str | None, says: str) -> None:
    with pytest.raises(DataError, match=says):
        open_collection(save(tmp_path / "rec", content, index))


@pytest.fixture
def insightface(tmp_path: Path) -> Path:
    write_collection(replace(rendered(32), attributes=None, landmarks=None, pairs=None), tmp_path / "rec", "recordio")
    return tmp_path / "rec"


def first_record(change: tuple[float, float]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        content = bytearray((folder / "train.rec").read_bytes())
        content[32:40] = struct.pack("<ff", *change)
        (folder / "train.rec").write_bytes(content)

    return edit


def text(name: str, content: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        (folder / name).write_text(content)

    return edit


def drop_lines(folder: Path, lines: slice) -> None:
    path = folder / "train.idx"
    rows = path.read_text().splitlines()
    del rows[lines]
    path.write_text("\n".join(rows))


def drop_images(folder: Path) -> None:
    drop_lines(folder, slice(3, 6))


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (first_record((1e6, 1e6 + 7)), "record 0 promises images 1 … 999999, there are 29 records"),
        (first_record((22, 20)), "expected the ends of the images and of the people"),
        (first_record((float("inf"), float("nan"))), "expected the ends of the images and of the people"),
        (first_record((29, 29)), "record 22 holds no image, as record 0 promises"),
        (drop_images, "record 0 promises images 1 … 21, there are 26 records"),
        (text("property", "3,112,112"), r"property:1: promises 3 people, a record has the number 6"),
        (text("property", "many"), "property:1: 'many': expected people,height,width"),
    ],
)
def test_headers_that_disagree(insightface: Path, edit: Callable[[Path], None], says: str) -> None:
    edit(insightface)
    with pytest.raises(DataError, match=says):
        open_collection(insightface)


def test_more_people_promised_than_shown_is_a_remark(insightface: Path) -> None:
    (insightface / "property").write_text("9,112,112")
    assert re.search("promises 9 people, the records show 7", open_collection(insightface).remarks[0])


def test_without_peoples_own_records(insightface: Path) -> None:
    whole = open_collection(insightface)
    drop_lines(insightface, slice(-3, None))
    found = open_collection(insightface)
    np.testing.assert_array_equal(found.identity, whole.identity)
    assert "record 0 promises 7 people's records, there are 4" in found.remarks[0]


def test_attributes_out_of_range(tmp_path: Path) -> None:
    write_records(tmp_path / "train.rec", [[0.0, *[1.0] * 39, 2.0]], [FACE])
    with pytest.raises(DataError, match=r"record 0: Young is 2\.0, expected -1, 0 or 1"):
        open_collection(tmp_path)
