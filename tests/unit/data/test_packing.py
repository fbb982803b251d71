import errno
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from nbutils.data.collection import Collection
from nbutils.data.cropping import crop_faces
from nbutils.data.geometry.template import CropRule
from nbutils.data.layouts.base import open_collection
from nbutils.data.layouts.packed import damaged
from nbutils.data.pack import packer
from nbutils.data.pack.packer import pack_collection
from nbutils.data.sources.on_disk import FolderData
from nbutils.errors import DataError, ParameterError
from tests.support.collections import rendered
from tests.support.packs import reseal


@pytest.fixture(scope="module")
def faces() -> Collection:
    return rendered()


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of four images, two a task."""
    monkeypatch.setattr(packer, "_BLOCK_IMAGES", 4)
    monkeypatch.setattr(packer, "_TASK", 2 * 61 * 53 * 3)


def _pack(faces: Collection, out: Path, rule: CropRule = "lfw", quarantine: bool = False) -> Collection:
    pack_collection(faces, out, rule, 61, 53, quarantine=quarantine, progress=False)
    return open_collection(out)


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_pack_is_on_the_disk_before_it_gets_its_name(
    faces: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, replace_ = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        done.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    def replaced(old: Path, new: Path) -> None:
        done.append(f"{old} becomes {new}")
        replace_(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    out = tmp_path / "pack"
    _pack(faces, out)
    making = f"{out}.partial"
    at = done.index(f"{making} becomes {out}")
    assert {making, *(f"{making}/{file.name}" for file in out.iterdir())} <= set(done[:at])
    assert str(tmp_path) in done[at:]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("rule", ["lfw", "landmarks", "whole"])
def test_a_pack_answers_as_its_collection(faces: Collection, tmp_path: Path, rule: CropRule) -> None:
    crops, landmarks = crop_faces(faces, range(len(faces)), rule, 61, 53, progress=False)
    packed = _pack(faces, tmp_path / "a pack", rule)
    assert packed.layout == "pack"
    assert packed.crops is not None
    assert isinstance(packed.crops, np.memmap)
    np.testing.assert_array_equal(packed.crops, crops)
    assert list(packed.names) == list(faces.names)
    assert list(packed.identity_names) == list(faces.identity_names)
    for name in ("identity", "attributes", "partition"):
        np.testing.assert_array_equal(getattr(packed, name), getattr(faces, name))
        assert getattr(packed, name).dtype == getattr(faces, name).dtype
    np.testing.assert_array_equal(packed.landmarks, landmarks)
    assert packed.pairs is not None
    assert faces.pairs is not None
    for name, column in vars(faces.pairs).items():
        np.testing.assert_array_equal(getattr(packed.pairs, name), column)
    again, points = crop_faces(packed, [3, 1], "whole", 61, 53, progress=False)
    np.testing.assert_array_equal(again, crops[[3, 1]])
    assert landmarks is not None
    np.testing.assert_array_equal(points, landmarks[[3, 1]])
    assert list(damaged(tmp_path / "a pack")) == []
    assert os.listdir(tmp_path) == ["a pack"]


def test_a_pack_of_images_alone(faces: Collection, tmp_path: Path) -> None:
    bare = Collection("rendered", Path("rendered"), faces.names, faces.read)
    packed = _pack(bare, tmp_path / "pack")
    assert packed.offers() == ()
    with pytest.raises(DataError, match=r"its crops are of 61×53 pixels, expected 55×47"):
        crop_faces(packed, [0], "lfw", 55, 47, progress=False)
    with pytest.raises(DataError, match="a pack holds crops"):
        packed.read(0)


def _stopping(faces: Collection, at: int, error: type[BaseException]) -> tuple[Collection, list[int]]:
    asked: list[int] = []

    def read(index: int) -> bytes:
        asked.append(index)
        if index == at:
            raise error
        return faces.read(index)

    return replace(faces, read=read), asked


@pytest.mark.usefixtures("small_blocks")
def test_an_interrupted_packing_continues_to_the_same_bytes(faces: Collection, tmp_path: Path) -> None:
    _pack(faces, tmp_path / "whole")
    stopping, _ = _stopping(faces, 13, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        _pack(stopping, tmp_path / "pack")
    assert os.listdir(tmp_path / "pack.partial" / "parts")
    assert not (tmp_path / "pack").exists()
    going_on, asked = _stopping(faces, -1, KeyboardInterrupt)
    _pack(going_on, tmp_path / "pack")
    assert sorted(asked) == list(range(12, len(faces)))
    assert _tree(tmp_path / "pack") == _tree(tmp_path / "whole")
    assert not (tmp_path / "pack.partial").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("spoil", ["pixels", "part"])
def test_what_was_spoilt_in_between_is_done_again(faces: Collection, tmp_path: Path, spoil: str) -> None:
    _pack(faces, tmp_path / "whole")
    stopping, _ = _stopping(faces, 13, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        _pack(stopping, tmp_path / "pack")
    partial = tmp_path / "pack.partial"
    spoilt = partial / "images.npy" if spoil == "pixels" else sorted((partial / "parts").glob("*.parquet"))[1]
    with spoilt.open("r+b") as file:
        file.seek(128 + 5 * 61 * 53 * 3 if spoil == "pixels" else 4)
        file.write(b"\0" * 400)
    going_on, asked = _stopping(faces, -1, KeyboardInterrupt)
    _pack(going_on, tmp_path / "pack")
    assert sorted(asked) == list(range(4, len(faces)))
    assert _tree(tmp_path / "pack") == _tree(tmp_path / "whole")


@pytest.mark.usefixtures("small_blocks")
def test_beginnings_of_something_else_are_left_alone(faces: Collection, tmp_path: Path) -> None:
    stopping, _ = _stopping(faces, 13, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        _pack(stopping, tmp_path / "pack")
    before = _tree(tmp_path / "pack.partial")
    with pytest.raises(DataError, match=r"pack\.partial: holds an unfinished pack of something else"):
        _pack(faces, tmp_path / "pack", "whole")
    assert _tree(tmp_path / "pack.partial") == before


def _damage(faces: Collection, at: int) -> Collection:
    return replace(faces, read=lambda index: faces.read(index)[: 900 if index == at else None])


def test_a_damaged_image_stops_and_leaves_nothing(faces: Collection, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"rendered: 17\.jpg: not a whole image.*--quarantine"):
        _pack(_damage(faces, 17), tmp_path / "pack")
    assert os.listdir(tmp_path) == []


@pytest.mark.usefixtures("small_blocks")
def test_quarantine_goes_on_without_damaged_and_missing_images(faces: Collection, tmp_path: Path) -> None:
    lacking = replace(_damage(faces, 17), missing={5: "list.txt:5: image 5.jpg does not exist"})
    with pytest.raises(DataError, match=r"17\.jpg"):
        _pack(lacking, tmp_path / "pack")
    packed = _pack(lacking, tmp_path / "pack", quarantine=True)
    kept = [at for at in range(len(faces)) if at not in (5, 17)]
    assert list(packed.names) == [faces.names[at] for at in kept]
    assert packed.identity is not None
    assert faces.identity is not None
    np.testing.assert_array_equal(packed.identity, faces.identity[kept])
    np.testing.assert_array_equal(packed.crops, crop_faces(faces, kept, "lfw", 61, 53, progress=False)[0])
    assert not packed.missing
    listed = (tmp_path / "pack" / "quarantine.csv").read_text(encoding="utf-8").splitlines()
    assert listed[:2] == ["name,reason", "5.jpg,list.txt:5: image 5.jpg does not exist"]
    assert listed[2].startswith('17.jpg,"rendered: 17.jpg: not a whole image')
    assert faces.pairs is not None
    assert packed.pairs is not None
    whole = ~(np.isin(faces.pairs.first, (5, 17)) | np.isin(faces.pairs.second, (5, 17)))
    assert 0 < whole.sum() < len(whole)
    assert [packed.names[at] for at in packed.pairs.first] == [faces.names[at] for at in faces.pairs.first[whole]]
    assert any(f"{(~whole).sum()} pairs are left out" in remark for remark in packed.remarks)


def test_missing_images_stay_missing(faces: Collection, tmp_path: Path) -> None:
    reason = "list.txt:5: image 5.jpg does not exist"
    packed = _pack(replace(faces, missing={5: reason}), tmp_path / "pack")
    assert dict(packed.missing) == {5: reason}
    assert len(packed) == len(faces)
    assert packed.crops is not None
    assert not packed.crops[5].any()


def test_nothing_left_is_an_error(faces: Collection, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no image is left"):
        _pack(replace(faces, read=lambda _: b"no image"), tmp_path / "pack", quarantine=True)


def _full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(
    "place", ["os.posix_fallocate", "nbutils.data.pack.unfinished.os.replace", "pyarrow.parquet.write_table"]
)
def test_a_full_disk_leaves_nothing(
    faces: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(place, _full)
        with pytest.raises(DataError, match=r"pack: the disk is full: the pack takes 0\.000204 GB, .* GB are free"):
            _pack(faces, tmp_path / "pack")
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_a_limit_on_files_leaves_nothing(faces: Collection, tmp_path: Path) -> None:
    """The system's own error, at the size that a pack of these faces passes."""
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from tests.support.collections import rendered; from nbutils.data.pack.packer import pack_collection\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100_000,) * 2)\n"
        "pack_collection(rendered(), Path(sys.argv[1]), 'lfw', 61, 53, progress=False)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "pack")], capture_output=True, text=True, check=False
    )
    assert "DataError" in done.stderr.splitlines()[-1]
    assert "the disk is full" in done.stderr
    assert os.listdir(tmp_path) == []


def test_two_at_once_do_not_mix(faces: Collection, tmp_path: Path) -> None:
    def read(index: int) -> bytes:
        if index == 0:
            with pytest.raises(DataError, match="another process is packing there"):
                _pack(faces, tmp_path / "pack")
        return faces.read(index)

    _pack(replace(faces, read=read), tmp_path / "pack")


def test_a_folder_that_is_there_is_never_touched(faces: Collection, tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    with pytest.raises(DataError, match="exists already"):
        _pack(faces, tmp_path / "pack")
    with pytest.raises(ParameterError, match="height × width"):
        pack_collection(faces, tmp_path / "other", "lfw", 0, 53)
    assert os.listdir(tmp_path) == ["pack"]


def _flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 255
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda root: _flip(root / "images.npy", 128 + 5 * 61 * 53 * 3), r"images\.npy: image 5 \(5\.jpg\)"),
        (lambda root: _flip(root / "pairs.parquet", 40), r"pairs\.parquet: its SHA-256"),
        (lambda root: _flip(root / "index.parquet", 30), r"index\.parquet: its SHA-256"),
    ],
)
def test_damage_is_named(faces: Collection, tmp_path: Path, harm: Callable[[Path], None], says: str) -> None:
    pack_collection(faces, tmp_path / "pack", "lfw", 61, 53, progress=False)
    harm(tmp_path / "pack")

    def look() -> Iterator[str]:
        try:
            yield from damaged(tmp_path / "pack")
        except DataError as error:  # damaged so that it cannot be read at all
            yield str(error)

    found = list(look())
    assert any(re.search(says, line) for line in found)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'"images": 21', b'"images": 22', r"images\.npy: expected a NumPy file of uint8 of shape \(22, 61, 53, 3\)"),
        (b'"images": 21', b'"images": "x"', r"pack\.json: images: "),
        (b'"format": 2', b'"format": 1', r"pack\.json: format: "),
        (b"{", b"[", r"pack\.json: not JSON"),
        (b'"identities": 7', b'"identities": 6', r"identities\.parquet: 7 rows"),
    ],
)
def test_a_lying_description_is_an_error(faces: Collection, tmp_path: Path, old: bytes, new: bytes, says: str) -> None:
    pack_collection(faces, tmp_path / "pack", "lfw", 61, 53, progress=False)
    path = tmp_path / "pack" / "pack.json"
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    reseal(path.parent)
    with pytest.raises(DataError, match=says):
        open_collection(tmp_path / "pack")


def test_indices_out_of_range_are_errors(faces: Collection, tmp_path: Path) -> None:
    pack_collection(faces, tmp_path / "pack", "lfw", 61, 53, progress=False)
    path = tmp_path / "pack" / "pairs.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(0, "first", [np.full(len(table), 21)]), path)
    reseal(path.parent)
    with pytest.raises(DataError, match="names image 21"):
        open_collection(tmp_path / "pack")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "column", "values", "says"),
    [
        ("identities.parquet", "name", ["Ann\0", *"bcdefg"], "no text of printable characters"),
        ("identities.parquet", "name", [None, *"bcdefg"], "person 0 has no name"),
        ("identities.parquet", "name", list("aacdefg"), "two people have one name"),
        ("index.parquet", "identity", [7] * 21, r"identity is out of range, expected -1 … 6"),
        ("index.parquet", "identity", [None] * 20 + [0], "'identity': 20 nulls among int64"),
        ("index.parquet", "Smiling", [300] * 21, "'Smiling': .*300"),
        ("index.parquet", "Smiling", [2] * 21, "attributes are -1 … 2, expected -1 … 1"),
        ("index.parquet", "partition", [3] * 21, "partition are 3 … 3, expected -1 … 2"),
        ("index.parquet", "nose_x", [1e15] * 21, "landmarks lie 1e[+]15 pixels away, expected at most 90,000"),
        ("index.parquet", "nose_x", [-np.inf] * 21, "landmarks lie inf pixels away"),
    ],
)
def test_values_that_no_data_set_has(
    faces: Collection, tmp_path: Path, file: str, column: str, values: list[object], says: str
) -> None:
    pack_collection(faces, tmp_path / "pack", "landmarks", 61, 53, progress=False)
    path = tmp_path / "pack" / file
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.column_names.index(column), column, [values]), path)
    reseal(path.parent)
    with pytest.raises(DataError, match=says):
        open_collection(tmp_path / "pack")


def test_a_flipped_bit_is_found_where_it_is_used(faces: Collection, tmp_path: Path) -> None:
    packed = _pack(faces, tmp_path / "pack")
    _flip(tmp_path / "pack" / "images.npy", 128 + 5 * 61 * 53 * 3)
    damaged_image = r"images\.npy: image 5: its SHA-256 is not the one in index\.parquet"
    with pytest.raises(DataError, match=damaged_image):
        crop_faces(packed, [3, 5], "lfw", 61, 53, progress=False)
    with pytest.raises(DataError, match=damaged_image):
        packed.take([5])
    with pytest.raises(DataError, match=damaged_image):
        FolderData(dataset="lfw", root=tmp_path / "pack", min_images=1).load()
    crop_faces(packed, [3, 4], "lfw", 61, 53, progress=False)
    title = (tmp_path / "pack" / "pack.json").read_bytes().replace(b'"title": "r', b'"title": "s')
    (tmp_path / "pack" / "pack.json").write_bytes(title)
    with pytest.raises(DataError, match=r"pack\.json: digest"):
        open_collection(tmp_path / "pack")
    (tmp_path / "pack" / "pack.json").write_bytes(title.replace(b'"title": "s', b'"title": "r'))
    _flip(tmp_path / "pack" / "identities.parquet", 40)
    with pytest.raises(DataError, match=r"identities\.parquet: its SHA-256"):
        open_collection(tmp_path / "pack")
