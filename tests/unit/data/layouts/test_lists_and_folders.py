"""Image folders, lists and CelebA's files as they come: odd names, paths and links that lead astray, wrong values."""

import base64
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nbutils.data.attributes import ATTRIBUTES
from nbutils.data.collection import Collection
from nbutils.data.layouts.base import known_layouts, open_collection, recognise, write_collection
from nbutils.data.layouts.celeba import IMAGE_FOLDERS
from nbutils.errors import DataError, ParameterError
from tests.support.collections import encoded, rendered

FACE = encoded(np.full((4, 4, 3), 99, np.uint8))
ODD = ["Zoë Müller", "李 小龙", "O'Brien, Pat", "a.b", "-x", "_", "ß ẞ", "d'Arc; rm"]


@pytest.fixture(scope="module")
def small() -> Collection:
    return rendered(32)


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(FACE)


@pytest.mark.parametrize("layout", ["image_folder", "image_list", "msceleb_tsv"])
def test_names_with_spaces_and_letters_of_any_script(layout: str, tmp_path: Path, small: Collection) -> None:
    write_collection(replace(small, identity_names=ODD[:7]), tmp_path / "mein Ordner ü" / "x", layout)
    found = open_collection(tmp_path / "mein Ordner ü" / "x")
    assert sorted(found.identity_names) == sorted(ODD[:7])
    assert found.identity is not None
    for at in range(len(found)):
        wanted = [
            small.read(row) for row in range(len(small)) if ODD[row // 3] == found.identity_names[found.identity[at]]
        ]
        assert found.read(at) in wanted


ASTRAY = [
    "../out.jpg", "a/../../out.jpg", "/etc/passwd", "C:/x.jpg", "a\\b.jpg", "a//b.jpg", "./a.jpg", "", "a\x07.jpg",
    "\u202e.jpg",
]  # fmt: skip


@pytest.mark.parametrize("name", ASTRAY)
def test_paths_that_lead_out_of_a_list(tmp_path: Path, name: str) -> None:
    put(tmp_path, "out.jpg", "data/a/ok.jpg")
    (tmp_path / "data" / "images.csv").write_text(f'path\na/ok.jpg\n"{name}"\n')
    with pytest.raises(DataError, match=r"images\.csv:3: .* is not a path below"):
        open_collection(tmp_path / "data")


def test_a_name_too_long_for_any_file(tmp_path: Path) -> None:
    (tmp_path / "images.csv").write_text(f"path\n{'a' * 5000}/b.jpg\n")
    with pytest.raises(DataError, match=r"images\.csv:2: 'aaa.*(cannot be looked up|does not exist)"):
        open_collection(tmp_path).read(0)


def link(path: Path, to: Path) -> None:
    try:
        path.symlink_to(to)
    except OSError:
        pytest.skip("no links on this system")


@pytest.mark.parametrize("leads_to", ["file", "folder", "loop"])
def test_links_that_leave_the_root(tmp_path: Path, leads_to: str) -> None:
    put(tmp_path, "secret/x.jpg", "data/ann/1.jpg")
    data = tmp_path / "data"
    at = {"file": data / "ann" / "x.jpg", "folder": data / "bob", "loop": data / "bob"}[leads_to]
    link(at, {"file": tmp_path / "secret" / "x.jpg", "folder": tmp_path / "secret", "loop": data / "bob"}[leads_to])
    listed = "ann/x.jpg" if leads_to == "file" else "bob/x.jpg"
    (data / "images.csv").write_text(f"path\n{listed}\n")
    with pytest.raises(DataError, match=r"images\.csv:2: .* (points outside|cannot be looked up)"):
        open_collection(data, "image_list")
    if leads_to != "loop":
        with pytest.raises(DataError, match="the link points outside"):
            open_collection(data, "image_folder")


def test_links_that_stay_inside(tmp_path: Path) -> None:
    put(tmp_path, "ann/1.jpg")
    link(tmp_path / "bob", tmp_path / "ann")
    assert list(open_collection(tmp_path).names) == ["ann/1.jpg", "bob/1.jpg"]


def test_links_of_lfw_and_celeba(tmp_path: Path, small: Collection) -> None:
    put(tmp_path, "secret.jpg")
    first = {"lfw": "lfw-deepfunneled/Person_0/Person_0_0001.jpg", "celeba": "img_align_celeba/000001.jpg"}
    for layout, image in first.items():
        write_collection(small, tmp_path / layout, layout)
        path = tmp_path / layout / image
        path.unlink()
        link(path, tmp_path / "secret.jpg")
        with pytest.raises(DataError, match=r"points outside"):
            open_collection(tmp_path / layout)


@pytest.mark.skipif(os.name == "nt" or os.uname().sysname == "Darwin", reason="names are text there")
def test_names_that_are_no_text(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/data/\xff\xfe"
    os.makedirs(folder)
    with pytest.raises(DataError, match="is not printable UTF-8 text"):
        open_collection(tmp_path / "data", "image_folder")


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such folder or file"):
        open_collection(tmp_path / "none", "lfw")
    with pytest.raises(DataError, match=r"no layout recognises it\. Looked for pack: .*; image_folder: one folder"):
        recognise(tmp_path)
    with pytest.raises(ParameterError, match="layout is 'tar': expected one of pack, lfw"):
        open_collection(tmp_path, "tar")
    for layout in known_layouts():
        with pytest.raises(DataError, match=r"expected|looked for|cannot be read"):
            open_collection(tmp_path, layout)


def test_listed_images_that_are_missing_are_known_before_they_are_read(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    (tmp_path / "images.csv").write_text("path,identity\nb.jpg,x\na.jpg,\n")
    found = open_collection(tmp_path)
    assert found.missing == {0: f"{tmp_path / 'images.csv'}:2: image b.jpg does not exist"}
    assert found.read(1) == FACE
    assert found.identity is not None
    assert found.identity.tolist() == [0, -1]
    with pytest.raises(DataError, match=r"images\.csv:2: image b\.jpg does not exist"):
        found.read(0)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("path\na.jpg\na.jpg\n", r":3: 'a\.jpg' is listed already in line 2"),
        ("path,age\na.jpg,3\n", ":1: column 'age' is unknown"),
        ("path,path\na.jpg,b\n", ":1: .*repeated"),
        ("path,identity\na.jpg\n", ":2: 1 columns, expected 2"),
        ("identity\nx\n", ":1: expected a column 'path'"),
        ("path,partition\na.jpg,3\n", ":2: partition is '3', expected a whole number from 0 to 2"),
        ("path,x_1,y_1,width\na.jpg,1,2,3\n", ":1: column 'height' is missing beside 3 others"),
        ("path,x_1,y_1,width,height\na.jpg,1,2,nan,3\n", ":2: width is 'nan', expected a number"),
        ("path,x_1,y_1,width,height\na.jpg,1,2,1e999,3\n", ":2: width is '1e999', expected a number"),
        ("path,x_1,y_1,width,height\na.jpg,1,2,90000,90001\n", ":2: height is '90001', .* at most 90,000"),
        ("path,x_1,y_1,width,height\na.jpg,1,-999999999999999,3,3\n", ":2: y_1 is '-999999999999999', expected"),
        ("path,identity\na.jpg,An\0n\n", r":2: identity is 'An\\x00n', expected printable characters"),
        ('path\n"a.jpg\n', ":2: not CSV"),
        ("path\n" + "a" * 200_000 + "\n", ":2: not CSV: field larger"),
        ("path\na\xff.jpg\n", ":2: not UTF-8 text"),
    ],
)  # fmt: skip
def test_malformed_lists(tmp_path: Path, table: str, says: str) -> None:
    put(tmp_path, "a.jpg")
    (tmp_path / "images.csv").write_bytes(table.encode("latin-1"))
    with pytest.raises(DataError, match=r"images\.csv" + says):
        open_collection(tmp_path)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("first,second,same\na.jpg,c.jpg,1\n", ":2: image 'c.jpg' is not in the data set"),
        ("first,second,same\na.jpg,b.jpg,2\n", ":2: same is '2'"),
        ("first,second,same\na.jpg,b.jpg,\n", ":2: same is empty, expected 0 or 1"),
        ("first,second,same,fold\na.jpg,b.jpg,1,\n", ":2: fold is empty"),
        ("first,second,same,fold\na.jpg,b.jpg,1,9\n", ":2: fold is '9', expected a whole number from 0 to 1"),
        ("first,second\na.jpg,b.jpg\n", ":1: expected the columns first, second, same"),
        ("", ":1: expected one name a column"),
    ],
)
def test_malformed_pairs(tmp_path: Path, rows: str, says: str) -> None:
    put(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "images.csv").write_text("path\na.jpg\nb.jpg\n")
    (tmp_path / "pairs.csv").write_text(rows)
    with pytest.raises(DataError, match=r"pairs\.csv" + says):
        open_collection(tmp_path)


@pytest.fixture
def celeba(tmp_path: Path, small: Collection) -> Path:
    write_collection(small, tmp_path / "celeba", "celeba")
    return tmp_path / "celeba"


def changed(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")


@pytest.mark.parametrize("value", ["2", "-2", "x", "1.0", "--1", "∞"])
def test_attributes_other_than_minus_one_zero_one(celeba: Path, value: str) -> None:
    changed(
        celeba / "list_attr_celeba.txt", lambda rows: [*rows[:3], rows[3].rsplit(" ", 1)[0] + f" {value}", *rows[4:]]
    )
    with pytest.raises(DataError, match=rf"list_attr_celeba\.txt:4: Young is '{value}', expected -1, 0 or 1"):
        open_collection(celeba)


@pytest.mark.parametrize(
    ("name", "line", "becomes", "says"),
    [
        ("list_attr_celeba", 1, "20", ":1: promises 20 rows, the file has 21"),
        ("list_attr_celeba", 1, "22", ":1: promises 22 rows, the file has 21"),
        ("list_attr_celeba", 1, "many", ":1: 'many': expected the number of rows"),
        (
            "list_attr_celeba",
            2,
            " ".join(f"Trait_{at}" for at in range(40)),
            ":1: expected a column '5_o_Clock_Shadow'",
        ),
        ("list_attr_celeba", 2, " ".join(ATTRIBUTES).replace("Bald", "male"), ":1: columns 'male' and 'Male' are both"),
        ("list_attr_celeba", 6, "000003.jpg" + " 1" * 40, ":6: '000003.jpg' is listed already in line 5"),
        ("list_attr_celeba", 6, "000004.jpg" + " 1" * 39, ":6: 40 columns, expected 41"),
        ("identity_CelebA", 3, "000003.jpg x", ":3: identity is 'x', expected a whole number"),
        ("identity_CelebA", 3, "000003.jpg", ":3: 1 columns, expected 2"),
        ("identity_CelebA", 1, "../../x.jpg 3", ":1: '../../x.jpg' is not a path below"),
        ("list_eval_partition", 1, "000001.jpg 3", ":1: partition is '3', expected a whole number from 0 to 2"),
        ("list_landmarks_align_celeba", 3, "000001.jpg nan" + " 1" * 9, ":3: lefteye_x is 'nan', expected a number"),
    ],
)
def test_celebas_lists_that_lie(celeba: Path, name: str, line: int, becomes: str, says: str) -> None:
    changed(celeba / f"{name}.txt", lambda rows: [*rows[: line - 1], becomes, *rows[line:]])
    with pytest.raises(DataError, match=rf"{name}\.txt{says}"):
        open_collection(celeba)


def test_attributes_are_found_by_name_and_others_unknown(celeba: Path) -> None:
    """In another order, spelling and number of columns; a file says what it lacks."""
    wanted = open_collection(celeba).attributes
    assert wanted is not None
    path = celeba / "list_attr_celeba.txt"
    rows = [row.split() for row in path.read_text().splitlines()]
    left = [name for name in reversed(ATTRIBUTES) if name not in ("Bald", "Smiling")]
    rows[2][1 + ATTRIBUTES.index("Young")] = "0"
    cells = [[row[0], "1", *(row[1 + ATTRIBUTES.index(name)] for name in left)] for row in rows[2:]]
    header = ["Kind", *(name.lower().replace("_", "-") for name in left)]
    path.write_text("\n".join([rows[0][0], *map(" ".join, [header, *cells])]) + "\n")
    found = open_collection(celeba)
    assert found.attributes is not None
    expected = wanted.copy()
    expected[:, [ATTRIBUTES.index("Bald"), ATTRIBUTES.index("Smiling")]] = 0
    expected[0, ATTRIBUTES.index("Young")] = 0
    np.testing.assert_array_equal(found.attributes, expected)
    lacks, unknown = found.remarks
    assert "no column for 2 of 40 attributes, which are unknown: Bald, Smiling; its columns 'Kind' are none" in lacks
    assert f"1 of {38 * len(wanted)} values of attributes are unknown" in unknown


def test_a_value_too_many_belongs_to_a_name_that_does_not_exist(celeba: Path) -> None:
    """Names may hold spaces; the image is then missing, and no training takes it."""
    changed(celeba / "list_attr_celeba.txt", lambda rows: [*rows[:5], rows[5] + " 1", *rows[6:]])
    (said,) = open_collection(celeba).missing.values()
    assert "list_attr_celeba.txt:6: image 000004.jpg " in said


def test_lists_that_name_different_images(celeba: Path) -> None:
    changed(celeba / "identity_CelebA.txt", lambda rows: rows[:-2])
    put(celeba, "img_align_celeba/extra.jpg")
    found = open_collection(celeba)
    assert found.identity is not None
    assert found.identity[-3:].tolist() == [6, -1, -1]
    assert len(found.remarks) == 2
    assert "does not name 2 images that the other lists do" in found.remarks[0]
    assert "1 files that no list names, left out" in found.remarks[1]


def test_csv_copies_of_celebas_lists(celeba: Path, small: Collection) -> None:
    """As on Kaggle: CSV with a header, absent attributes as 0 or −1, and the column names their own."""
    wanted = open_collection(celeba)
    for path in celeba.glob("*.txt"):
        rows = [row.split() for row in path.read_text().splitlines()]
        if path.stem == "identity_CelebA":
            rows.insert(0, ["image", "person_id"])
        elif path.stem == "list_eval_partition":
            rows.insert(0, ["image_id", "split"])
        else:
            rows = [["image_id", *rows[1]], *rows[2:]]
        if path.stem == "list_attr_celeba":
            rows = [[cell.replace("-1", "0") for cell in row] for row in rows]
        path.with_suffix(".csv").write_text("\r\n".join(",".join(row) for row in rows) + "\r\n")
        path.unlink()
    found = open_collection(celeba)
    for name in ("identity", "attributes", "landmarks", "partition"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
    assert found.attributes is not None
    assert set(np.unique(found.attributes)) == {-1, 1}


@pytest.mark.parametrize("layout", ["celeba", "celeba_in_the_wild"])
def test_where_copies_put_celebas_images(layout: str, tmp_path: Path, small: Collection) -> None:
    write_collection(small, tmp_path / "x", layout)
    source = next(tmp_path / "x" / name for name in IMAGE_FOLDERS[layout] if (tmp_path / "x" / name).is_dir())
    for name in ("Anno", "Eval"):
        (tmp_path / "x" / name).mkdir()
    (tmp_path / "x" / "list_eval_partition.txt").rename(tmp_path / "x" / "Eval" / "list_eval_partition.txt")
    for path in list((tmp_path / "x").glob("*.txt")):
        path.rename(path.parent / "Anno" / path.name)
    for place in IMAGE_FOLDERS[layout]:
        aside = source.rename(tmp_path / "aside")
        (tmp_path / "x" / place).parent.mkdir(parents=True, exist_ok=True)
        source = aside.rename(tmp_path / "x" / place)
        found = open_collection(tmp_path / "x")
        assert found.layout == layout
        assert found.offers()[:3] == ("identity", "attributes", "landmarks")
        assert found.read(20) == small.read(20)
    for path in source.iterdir():  # the archive of PNG images, under lists that say .jpg
        path.rename(path.with_suffix(".png"))
    assert open_collection(tmp_path / "x").read(20) == small.read(20)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"m.1\t0\t\t\tFaceId-0\t" + base64.b64encode(FACE), ":2: expected 7 columns"),
        (b"m.1\t0\t\t\tFaceId-0\t\t" + base64.b64encode(FACE) + b"\t", ":2: expected 7 columns"),
        (b"\t0\t\t\tFaceId-0\t\t" + base64.b64encode(FACE), ":2: expected a person in the first column"),
        (b"m.1\t0\t\t\tFaceId-0\t\t", ":2: expected a person in the first column and an image in the last"),
        (b"m.1\t0\t\t\tFaceId-0\t\tno base64!", ":2: the image is not base64"),
        (b"m.\xff\t0\t\t\tFaceId-0\t\t" + base64.b64encode(FACE), "is not UTF-8 text"),
        (b"m." + b"1" * 70_000 + b"\t0\t\t\tFaceId-0\t\t" + base64.b64encode(FACE), ":2: expected 7 columns"),
    ],
)
def test_malformed_lines_of_ms_celeb_1m(tmp_path: Path, line: bytes, says: str) -> None:
    path = tmp_path / "faces.tsv"
    path.write_bytes(b"m.0\t0\t\t\tFaceId-0\t\t" + base64.b64encode(FACE) + b"\r\n" + line + b"\n")
    with pytest.raises(DataError, match=rf"faces\.tsv.*{says}"):
        open_collection(path).read(1)


def test_lfw_lists_that_promise_too_much(tmp_path: Path) -> None:
    put(tmp_path, "lfw/A/A_0001.jpg", "lfw/A/A_1.jpg", "lfw/A/B_0001.jpg", "lfw/A/A_0009.jpg")
    (tmp_path / "peopleDevTrain.txt").write_text("2\nA\t2\nB\t999999999\n")
    with pytest.raises(DataError, match=r"peopleDevTrain\.txt:3: promises more than 100,000 images"):
        open_collection(tmp_path)
    (tmp_path / "peopleDevTrain.txt").write_text("1\nA\t2\n")
    found = open_collection(tmp_path)
    assert list(found.names) == ["lfw/A/A_0001.jpg", "lfw/A/A_0002.jpg"]
    assert list(found.missing) == [1]
    assert len(found.remarks) == 3


def test_attribute_columns_in_another_order(tmp_path: Path, small: Collection) -> None:
    write_collection(small, tmp_path / "x", "image_list")
    path = tmp_path / "x" / "images.csv"
    rows = [row.split(",") for row in path.read_text().splitlines()]
    path.write_text("\n".join(",".join(row[::-1]) for row in rows))
    found = open_collection(tmp_path / "x")
    np.testing.assert_array_equal(found.attributes, small.attributes)
    assert rows[0][2 : 2 + len(ATTRIBUTES)] == list(ATTRIBUTES)


@pytest.mark.parametrize("layout", ["recordio", "pair_bin", "msceleb_tsv", "image_list", "lfw"])
def test_files_that_may_not_be_read(
    layout: str, tmp_path: Path, small: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    write_collection(small, tmp_path / "x", layout)
    for name in ("open", "read_bytes", "read_text"):
        monkeypatch.setattr(Path, name, forbidden)
    monkeypatch.setattr("nbutils.data.layouts.readers.records.np.memmap", forbidden)
    with pytest.raises(DataError, match="cannot be read: Permission denied"):
        open_collection(tmp_path / "x")
