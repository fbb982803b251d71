"""Equal images give equal faces to train on and to verify, in whatever layout they lie."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nbutils.data.collection import TRAIN, VALIDATION, Collection
from nbutils.data.faces import FaceData, Faces
from nbutils.data.geometry.template import Box, box_to_crop
from nbutils.data.geometry.warp import warp
from nbutils.data.layouts.base import open_collection, write_collection
from nbutils.data.pack.packer import pack_collection
from nbutils.data.sources.on_disk import MOST_IMAGES, MOST_PAIRS, FolderData, _draw, load_folder
from nbutils.errors import DataError
from tests.support.collections import rendered


@pytest.fixture(scope="module")
def lfw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rendered faces in LFW's form: four people to train on, three in the pairs."""
    root = tmp_path_factory.mktemp("lfw") / "lfw"
    write_collection(rendered(), root, "lfw")
    return root


def load(root: Path, dataset: str = "lfw", **more: object) -> FaceData:
    return FolderData.model_validate({"dataset": dataset, "root": root, "min_images": 3} | more).load()


def check_equal(ours: FaceData, wanted: FaceData) -> None:
    for name in ("train", "test"):
        part, other = getattr(ours, name), getattr(wanted, name)
        np.testing.assert_array_equal(part.images, other.images)
        if name == "train":
            np.testing.assert_array_equal(part.identity, other.identity)
    for column in ("first", "second", "same", "fold"):
        np.testing.assert_array_equal(getattr(ours.pairs, column), getattr(wanted.pairs, column))


def test_lfw_from_its_folder(lfw: Path) -> None:
    data = load(lfw)
    assert data.train.identity_names == ("Person_0", "Person_1", "Person_2", "Person_3")
    assert len(data.train) == 12
    assert set(data.test.identity_names) <= {"Person_4", "Person_5", "Person_6"}
    assert data.offers == ("identity", "pairs")
    assert data.lacks == ("attributes", "landmarks")


def test_lfw_from_a_pack(lfw: Path, tmp_path: Path) -> None:
    pack_collection(open_collection(lfw), tmp_path / "pack", "lfw", 61, 53, progress=False)
    data = load(tmp_path / "pack")
    check_equal(data, load(lfw))
    assert data.fingerprint == load(lfw).fingerprint
    with pytest.raises(DataError, match=r"crops of 61×53 pixels, expected 122×106"):
        load(tmp_path / "pack", height=122, width=106)


def test_what_is_too_large_for_memory_is_mapped(lfw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack_collection(open_collection(lfw), tmp_path / "pack", "lfw", 61, 53, progress=False)
    monkeypatch.setattr("nbutils.data.sources.on_disk.IN_MEMORY", 1000)
    spec = FolderData(dataset="lfw", root=tmp_path / "pack", min_images=3)
    data = load_folder(spec)  # not load(), which remembers
    assert isinstance(data.test.images, np.memmap)
    check_equal(data, load(lfw))
    assert data.fingerprint == load(lfw).fingerprint
    monkeypatch.setattr("nbutils.data.sources.on_disk.TemporaryFile", no_room)
    with pytest.raises(DataError, match=r"no room for .* GB of crops .*; TMPDIR names a folder"):
        load_folder(spec)


def no_room(**_: object) -> None:
    raise OSError(28, "No space left on device")


def test_lfw_from_records_and_a_bin(lfw: Path, tmp_path: Path) -> None:
    whole = open_collection(lfw)
    assert whole.partition is not None
    write_collection(whole.take(np.flatnonzero(whole.partition == TRAIN).tolist()), tmp_path / "rec", "recordio")
    write_collection(whole, tmp_path / "bin", "pair_bin")
    apart = load(tmp_path / "rec", pairs_root=tmp_path / "bin" / "pairs.bin")
    check_equal(apart, load(lfw))
    (tmp_path / "bin" / "pairs.bin").rename(tmp_path / "rec" / "lfw.bin")
    check_equal(load(tmp_path / "rec", layout="recordio"), load(lfw))  # found beside the records
    # Pairs say who is the same: never more people than there are images, never fewer than there are.
    found, known = apart.test.identity, load(lfw).test.identity
    pairs = apart.pairs
    assert (found[pairs.first] == found[pairs.second])[pairs.same].all()
    assert all(len(set(known[found == person])) == 1 for person in set(found.tolist()))


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["image_list", "celeba", "celeba_in_the_wild"])
def test_layouts_with_attributes_and_key_points(layout: str, tmp_path: Path) -> None:
    source = rendered()
    assert source.partition is not None
    assert source.identity is not None
    source = replace(source, partition=np.where(source.identity == 3, VALIDATION, source.partition).astype(np.int8))
    write_collection(source, tmp_path / layout, layout)
    data = load(tmp_path / layout, "celeba")
    assert data.offers == ("identity", "attributes", "landmarks", "pairs")
    assert data.validation is not None
    check_aligned(data.train, source, range(9))
    check_aligned(data.validation, source, range(9, 12))
    assert data.require("attributes", "pairs") is data


def check_aligned(faces: Faces, source: Collection, rows: range) -> None:
    """The key points came nearer to where every face has them, and the attributes belong to the images."""
    assert faces.landmarks is not None
    assert faces.attributes is not None
    assert source.attributes is not None
    assert source.landmarks is not None
    np.testing.assert_array_equal(faces.attributes, source.attributes[rows.start : rows.stop] == 1)
    before = source.landmarks[rows.start : rows.stop] * [53 / 250, 61 / 250]
    assert faces.landmarks.std(axis=0).mean() < before.std(axis=0).mean()


def test_pairs_of_people_to_train_on_are_refused(lfw: Path, tmp_path: Path) -> None:
    write_collection(replace(open_collection(lfw), partition=None), tmp_path / "folder", "image_folder")
    # An image folder says nothing of training: whoever is in its own pairs is left out …
    assert load(tmp_path / "folder").train.identity_names == load(lfw).train.identity_names
    # … but pairs from elsewhere must not show people of the same names.
    with pytest.raises(DataError, match=r"3 people are both trained on and in the pairs of .*: Person_4, Person_5"):
        load(tmp_path / "folder", pairs_root=lfw)


def test_a_layout_without_identities_says_what_it_has(lfw: Path, tmp_path: Path) -> None:
    write_collection(open_collection(lfw), tmp_path / "bin", "pair_bin")
    with pytest.raises(DataError, match=r"\(pair_bin\) has no identities, which training needs; it has pairs"):
        load(tmp_path / "bin")
    with pytest.raises(
        DataError, match=r"lacks landmarks: needed here are identity, landmarks; it has identity, pairs"
    ):
        load(lfw).require("identity", "landmarks")


def test_training_faces_and_pairs_of_different_data_sets(lfw: Path, tmp_path: Path) -> None:
    """As CASIA-WebFace with LFW's pairs: crops that fill the image beside LFW's wide ones, each cut as it must be."""
    others = replace(rendered(112), identity_names=[f"Other_{number}" for number in range(7)], pairs=None)
    write_collection(others, tmp_path / "webface", "image_folder")
    data = load(tmp_path / "webface", "casia_webface", pairs_root=lfw)
    assert data.train.num_identities == 7
    np.testing.assert_array_equal(data.test.images, load(lfw).test.images)
    whole = open_collection(tmp_path / "webface").image(0)
    left = (112 - 112 * 53 / 61) / 2
    box = Box(left, 0, 112 - left, 112)
    expected = warp(whole, box_to_crop(box, 61, 53), 61, 53)  # that of half the size has been decoded
    assert np.abs(data.train.images[0].astype(int) - expected).mean() < 4


def test_pairs_are_drawn_among_the_people_to_test(tmp_path: Path) -> None:
    write_collection(replace(rendered(), pairs=None), tmp_path / "celeba", "celeba")
    data = load(tmp_path / "celeba", "celeba")
    assert data.title == "CelebA (celeba, pairs drawn)"
    assert data.test.identity_names == ("4", "5", "6")
    assert data.train.identity_names == ("0", "1", "2", "3")
    same = data.test.identity[data.pairs.first] == data.test.identity[data.pairs.second]
    np.testing.assert_array_equal(same, data.pairs.same)
    assert data.pairs.same.sum() == 9  # three of three images each; as many mismatched
    assert len(data.pairs) == 18
    again = load(tmp_path / "celeba", "celeba", width=47)
    np.testing.assert_array_equal(again.pairs.first, data.pairs.first)


def test_of_many_people_some_are_drawn() -> None:
    identity = np.repeat(np.arange(3000), 5)
    rows, pairs = _draw(identity, np.arange(len(identity)))
    assert MOST_IMAGES - 5 < len(rows) <= MOST_IMAGES
    assert (np.bincount(identity[rows]) % 5 == 0).all()  # whole people
    assert pairs.same.sum() * 2 == len(pairs) == 2 * MOST_PAIRS
    np.testing.assert_array_equal(identity[rows[pairs.first]] == identity[rows[pairs.second]], pairs.same)


@pytest.mark.parametrize("more", [{}, {"held_out_images": 0.34}, {"validation_people": 0.5}])
def test_the_size_is_known_without_decoding(lfw: Path, more: dict[str, float], monkeypatch: pytest.MonkeyPatch) -> None:
    spec = FolderData.model_validate({"dataset": "lfw", "root": lfw, "min_images": 3} | more)
    data = spec.load()
    monkeypatch.setattr("nbutils.data.sources.on_disk.crop_faces", None)
    size = spec.size()
    assert (size.train, size.identities, size.test) == (len(data.train), data.train.num_identities, len(data.test))
    assert size.validation == (0 if data.validation is None else len(data.validation))
    assert (size.height, size.width, size.channels) == data.train.images.shape[1:]
