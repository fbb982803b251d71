import re
from collections.abc import Callable
from pathlib import Path

import pytest

from nbutils.data.layouts.readers.lfw_lists import ImageName, ListedPerson, NamedPair, read_pairs, read_people
from nbutils.errors import DataError

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(*lines: str, end: str = "\n") -> Path:
        path = tmp_path / "list.txt"
        path.write_bytes(end.join([*lines, ""]).encode())
        return path

    return write


def test_development_pairs(write: Write) -> None:
    pairs = read_pairs(write("1", "Ann_B\t1\t12", "Ann_B\t2\tJo-Ann\t1"))
    assert pairs == [
        NamedPair(ImageName("Ann_B", 1), ImageName("Ann_B", 12), True, 0, 2),
        NamedPair(ImageName("Ann_B", 2), ImageName("Jo-Ann", 1), False, 0, 3),
    ]
    assert pairs[0].second.relative_path == "Ann_B/Ann_B_0012.jpg"


def test_development_pairs_are_dealt_into_ten_balanced_folds(write: Write) -> None:
    matched = [f"A\t{n}\t{n + 1}" for n in range(1, 26)]
    mismatched = [f"A\t{n}\tB\t{n}" for n in range(1, 26)]
    pairs = read_pairs(write("25", *matched, *mismatched))
    for same in (True, False):
        assert [pair.fold for pair in pairs if pair.same is same] == [i % 10 for i in range(25)]


def test_ten_fold_pairs_keep_their_folds(write: Write) -> None:
    rows = []
    for fold in range(3):
        rows += [f"A{fold}\t1\t2", f"A{fold}\t1\t3", f"A{fold}\t1\tB{fold}\t1", f"A{fold}\t2\tB{fold}\t1"]
    pairs = read_pairs(write("3\t2", *rows))
    assert [pair.fold for pair in pairs] == [0] * 4 + [1] * 4 + [2] * 4
    assert [pair.same for pair in pairs] == [True, True, False, False] * 3
    assert all(pair.first.name == f"A{pair.fold}" for pair in pairs)


def test_windows_line_ends_byte_order_mark_and_blank_end(write: Write) -> None:
    plain = read_pairs(write("1", "A\t1\t2", "A\t1\tB\t1"))
    assert read_pairs(write("\ufeff1", "A\t1\t2", "A\t1\tB\t1", "", end="\r\n")) == plain


@pytest.mark.parametrize(
    ("lines", "line", "says"),
    [
        (["1", "A\t1\t2", "A\t1"], 3, "3 columns.* or 4.*found 2"),
        (["1", "A\t1\t2", "A\t1\tB\t1\t1"], 3, "found 5"),
        (["1", "A 1 2", "A\t1\tB\t1"], 2, "separated by tabs, found 1"),
        (["1", "", "A\t1\t2", "A\t1\tB\t1"], 2, "found 1"),
        (["1", "A\tone\t2", "A\t1\tB\t1"], 2, "'one', expected an integer from 1"),
        (["1", "A\t0\t2", "A\t1\tB\t1"], 2, "'0', expected an integer from 1"),
        (["1", "A\t1\t2", "A\t1\tB\t-1"], 3, "'-1', expected an integer from 1"),
        (["1", "A\t1\t٢", "A\t1\tB\t1"], 2, "expected an integer from 1"),
        (["1", f"A\t1\t{'9' * 5000}", "A\t1\tB\t1"], 2, "expected an integer from 1"),
        (["1", "A\t1\t1", "A\t1\tB\t1"], 2, "two different images"),
        (["1", "A\t1\t2", "A\t1\tA\t2"], 3, "two different people"),
        (["1", "A\t1\tB\t2", "A\t1\t2"], 2, r"a matched \(3 columns\) pair here"),
        (["2", "A\t1\t2", "A\t1\t3", "A\t1\t4", "A\t1\tB\t2"], 4, r"a mismatched \(4 columns\) pair here"),
        (["2", "A\t1\t2", "A\t1\tB\t1"], 1, "promises 1 × 2 × 2 = 4 pairs, the file has 2"),
        (["1", "A\t1\t2", "A\t1\tB\t1", "A\t1\tB\t2"], 1, "= 2 pairs, the file has 3"),
        (["2\t1", "A\t1\t2", "A\t1\tB\t1"], 1, "promises 2 × 2 × 1 = 4 pairs, the file has 2"),
        (["999999999\t999999999", "A\t1\t2"], 1, "the file has 1"),
        (["A\t1\t2", "A\t1\t2"], 1, "a header"),
        (["many", "A\t1\t2"], 1, "header is 'many'"),
        (["1"], None, "at least one row"),
        ([], None, "found 0 lines"),
    ],
)
def test_bad_pairs_name_file_and_line(write: Write, lines: list[str], line: int | None, says: str) -> None:
    path = write(*lines)
    where = re.escape(f"{path}:{line}: " if line else f"{path}: ")
    with pytest.raises(DataError, match=f"^{where}.*{says}"):
        read_pairs(path)


@pytest.mark.parametrize("name", ["..", ".", "../A", "/etc", "A/../B", "A\\B", "C:A", "~root", "Ann B", "A\x07", ""])
def test_names_that_are_no_plain_folder(write: Write, name: str) -> None:
    path = write("1", "A\t1\t2", f"A\t1\t{name}\t1")
    with pytest.raises(DataError, match=re.escape(f"{path}:3: name ")):
        read_pairs(path)
    path = write("1", f"{name}\t4")
    with pytest.raises(DataError, match=re.escape(f"{path}:2: name ")):
        read_people(path)


def test_lists_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=re.escape(f"{tmp_path / 'none'}: cannot be read")):
        read_pairs(tmp_path / "none")
    (tmp_path / "latin").write_bytes(b"1\nA\t1\t2\nJos\xe9\t1\tB\t1\n")
    with pytest.raises(DataError, match=re.escape(f"{tmp_path / 'latin'}:3: not UTF-8")):
        read_pairs(tmp_path / "latin")


def test_people_of_both_forms(write: Write) -> None:
    assert read_people(write("2", "A\t3", "B\t1")) == [ListedPerson("A", 3, 0, 2), ListedPerson("B", 1, 0, 3)]
    assert read_people(write("2", "1", "A\t3", "2", "B\t1", "C\t2")) == [
        ListedPerson("A", 3, 0, 3),
        ListedPerson("B", 1, 1, 5),
        ListedPerson("C", 2, 1, 6),
    ]


@pytest.mark.parametrize(
    ("lines", "line", "says"),
    [
        (["2", "A\t3"], 1, "promises 2 people, the file has 1"),
        (["1", "A\t3", "B\t1"], 3, "1 lines more than the header promises"),
        (["2", "A\t3", "A\t1"], 3, "A is listed already in line 2"),
        (["2", "A\t3", "B"], 3, "2 columns.*found 1"),
        (["2", "A\t3", "B\t1\t1"], 3, "2 columns.*found 3"),
        (["1", "A\t0"], 2, "number of images is '0'"),
        (["A\t3", "B\t1"], 1, "header is"),
        (["2", "1", "A\t3"], 1, "promises 2 folds, the file has 1"),
        (["2", "2", "A\t3", "1", "B\t1"], 2, "promises 2 people, line 4 ends them early"),
        (["2", "1", "A\t3", "B\t1"], 4, "header is"),
        (["1", "1", "A\t3", "1", "B\t1"], 4, "2 lines more"),
    ],
)
def test_bad_people_name_file_and_line(write: Write, lines: list[str], line: int, says: str) -> None:
    path = write(*lines)
    with pytest.raises(DataError, match=f"^{re.escape(f'{path}:{line}: ')}.*{says}"):
        read_people(path)
