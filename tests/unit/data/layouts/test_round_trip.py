"""A data set written in every layout and read back: equal images, identities, attributes, landmarks, pairs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nbutils.data.collection import Collection
from nbutils.data.faces import Pairs
from nbutils.data.layouts.base import known_layouts, open_collection, recognise, write_collection
from nbutils.errors import DataError, ParameterError
from tests.support.collections import rendered

WHOLE = [name for name in known_layouts() if name not in ("pack", "pair_bin", "idx")]


@pytest.fixture(scope="module")
def faces() -> Collection:
    return rendered()


def digits() -> Collection:
    """Grey images of one size, as idx files hold them."""
    grey = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 1), np.uint8).repeat(3, axis=3)
    return Collection(
        layout="rendered",
        root=Path("digits"),
        names=[str(at) for at in range(12)],
        read=lambda at: grey[at].tobytes(),
        pixels=grey.__getitem__,
        identity=np.arange(12) % 10,
        identity_names=[str(digit) for digit in range(10)],
        partition=np.repeat(np.array([0, 2], np.int8), [9, 3]),
    )


def pairs_by_content(collection: Collection) -> list[tuple[bytes, bytes, bool, int]]:
    pairs = collection.pairs
    assert pairs is not None
    columns = (pairs.first.tolist(), pairs.second.tolist(), pairs.same.tolist(), pairs.fold.tolist())
    return [(collection.read(a), collection.read(b), same, fold) for a, b, same, fold in zip(*columns, strict=True)]


@pytest.mark.parametrize("layout", WHOLE)
def test_what_a_layout_holds_reads_back_equal(faces: Collection, layout: str, tmp_path: Path) -> None:
    root = tmp_path / "data set"
    write_collection(faces, root, layout)
    assert recognise(root) == layout
    back = open_collection(root)
    assert back.layout == layout
    assert not back.missing
    assert not back.remarks
    assert back.offers() == tuple(name for name in faces.offers() if name in known_layouts()[layout].holds)
    assert len(set(back.names)) == len(back) == len(faces)
    place = {faces.read(at): at for at in range(len(faces))}
    order = [place[back.read(at)] for at in range(len(back))]
    assert sorted(order) == list(range(len(faces)))
    for name in ("attributes", "landmarks", "boxes", "partition"):
        if getattr(back, name) is not None:
            np.testing.assert_array_equal(getattr(back, name), getattr(faces, name)[order])
            assert getattr(back, name).dtype == getattr(faces, name).dtype
    assert back.identity is not None
    assert faces.identity is not None
    if layout in ("celeba", "celeba_in_the_wild", "recordio"):  # know people by numbers alone
        np.testing.assert_array_equal(back.identity, faces.identity[order])
    else:
        who = [back.identity_names[person] for person in back.identity]
        assert who == [faces.identity_names[person] for person in faces.identity[order]]
    assert pairs_by_content(back) == pairs_by_content(faces)
    np.testing.assert_array_equal(back.image(3), faces.image(order[3]))


def test_a_bin_holds_the_images_of_the_pairs(faces: Collection, tmp_path: Path) -> None:
    write_collection(faces, tmp_path / "bin", "pair_bin")
    back = open_collection(tmp_path / "bin")
    assert back.layout == "pair_bin"
    assert back.offers() == ("pairs",)
    assert pairs_by_content(back) == pairs_by_content(faces)
    assert len({back.read(at) for at in range(len(back))}) == len(back)


def test_idx_files_hold_grey_images(tmp_path: Path) -> None:
    write_collection(digits(), tmp_path / "idx", "idx")
    back = open_collection(tmp_path / "idx")
    assert back.layout == "idx"
    for name in ("identity", "partition", "identity_names"):
        np.testing.assert_array_equal(getattr(back, name), getattr(digits(), name))
    for at in range(len(back)):
        np.testing.assert_array_equal(back.image(at), digits().image(at))


def test_records_of_identities_alone_are_as_insightface_writes_them(faces: Collection, tmp_path: Path) -> None:
    plain = replace(faces, attributes=None, landmarks=None)
    write_collection(plain, tmp_path / "records", "recordio")
    assert (tmp_path / "records" / "property").read_text() == "7,112,112\n"
    back = open_collection(tmp_path / "records")
    np.testing.assert_array_equal(back.identity, faces.identity)
    assert [back.read(at) for at in range(len(back))] == [faces.read(at) for at in range(len(faces))]
    assert back.names[0] == "1"
    (tmp_path / "records" / "train.idx").unlink()
    scanned = open_collection(tmp_path / "records")
    np.testing.assert_array_equal(scanned.identity, faces.identity)
    assert pairs_by_content(scanned) == pairs_by_content(faces)


def test_unknown_annotations_stay_unknown(faces: Collection, tmp_path: Path) -> None:
    assert faces.landmarks is not None
    assert faces.partition is not None
    assert faces.attributes is not None
    assert faces.identity is not None
    landmarks, partition = faces.landmarks.copy(), faces.partition.copy()
    attributes, identity = faces.attributes.copy(), faces.identity.copy()
    landmarks[2], partition[3], attributes[4, 7], identity[5] = np.nan, -1, 0, -1
    partial = replace(faces, landmarks=landmarks, partition=partition, attributes=attributes, identity=identity)
    for layout in ("celeba", "image_list"):
        write_collection(partial, tmp_path / layout, layout)
        back = open_collection(tmp_path / layout)
        np.testing.assert_array_equal(back.landmarks, landmarks)
        np.testing.assert_array_equal(back.partition, partition)
        np.testing.assert_array_equal(back.attributes, attributes)
        np.testing.assert_array_equal(back.identity, identity)


def test_a_folder_that_is_there_is_not_written_over(faces: Collection, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is there already"):
        write_collection(faces, tmp_path, "image_list")
    with pytest.raises(ParameterError, match="layout is 'zip'"):
        write_collection(faces, tmp_path / "new", "zip")


def test_nothing_is_left_of_a_writing_that_fails(faces: Collection, tmp_path: Path) -> None:
    unsuited = replace(faces, identity_names=["../x", *faces.identity_names[1:]])
    with pytest.raises(DataError, match=r"\.\./x"):
        write_collection(unsuited, tmp_path / "new", "image_folder")
    assert list(tmp_path.iterdir()) == []


def test_lfw_refuses_pairs_in_another_order(faces: Collection, tmp_path: Path) -> None:
    pairs = faces.pairs
    assert pairs is not None
    turned = Pairs(pairs.first[::-1], pairs.second[::-1], pairs.same[::-1], pairs.fold[::-1])
    with pytest.raises(DataError, match="expected as many mismatched pairs after the matched ones"):
        write_collection(replace(faces, pairs=turned), tmp_path / "new", "lfw")
