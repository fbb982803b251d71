"""Faces that neurons are chosen on, from a folder as CelebA's lists circulate."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from nbutils.data import ATTRIBUTES, AttributeFaces, Collection, FaceData, Faces, FolderData, Pairs, find_probes
from nbutils.data.collection import VALIDATION
from nbutils.data.layouts.base import write_collection
from nbutils.data.synthetic import SyntheticFaces
from nbutils.errors import DataError, ParameterError
from tests.support.collections import encoded

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def source() -> Collection:
    """Forty aligned faces at half of CelebA's size, of twenty people, without key points, partition and pairs."""
    batch = SyntheticFaces(0, 2).render(np.arange(40), 109, 89)
    images = [encoded(image) for image in batch.images]
    names = [f"{at}.jpg" for at in range(40)]
    attributes = np.where(batch.attributes, 1, -1).astype(np.int8)
    attributes[:20, :34] = np.where(np.arange(34) % 2, 1, -1)  # both values of each
    attributes[20:, :34] = np.where(np.arange(34) % 2, -1, 1)
    attributes[:, 34:] = -1  # of the last six, one value alone
    people = [str(7 * person) for person in range(20)]
    return Collection("x", Path("x"), names, images.__getitem__, np.repeat(np.arange(20), 2), people, attributes)


@pytest.fixture
def write(tmp_path: Path, source: Collection) -> Write:
    def put(name: str = "faces", **changes: object) -> Path:
        write_collection(replace(source, **changes), tmp_path / name, "celeba")  # type: ignore[arg-type]
        return tmp_path / name

    return put


class Named(AttributeFaces):
    """The same faces, whose people have names."""

    kind: Literal["named"] = "named"  # type: ignore[assignment]
    dataset: str = "celeba"

    def load(self) -> FaceData:
        data = super().load()
        assert data.validation is not None
        names = tuple(f"Person {number}" for number in range(20))
        return replace(data, validation=replace(data.validation, identity_names=names))


def spec(root: Path) -> AttributeFaces:
    return AttributeFaces(dataset="celeba", root=root)


def training(names: tuple[str, ...] = ("Ann", "Bob"), name: str = "lfw") -> FaceData:
    """Faces to train on without attributes, and these people to verify."""
    images = np.zeros((2, 61, 53, 3), np.uint8)
    train = Faces(images, np.arange(2), ("Train_1", "Train_2"))
    one = np.array([0])
    return FaceData(name, name, train, Faces(images, np.arange(2), names), Pairs(one, one + 1, one > 0, one))


def test_all_faces_are_read_whoever_they_show(write: Write) -> None:
    data = spec(write()).load()
    assert data.validation is not None
    assert (len(data.train), len(data.validation), len(data.test), len(data.pairs)) == (0, 40, 0, 0)
    assert data.validation.images.shape == (40, 61, 53, 3)
    assert data.validation.identity_names[:3] == ("0", "7", "14")
    assert spec(write("again")).size().validation == 40
    found = find_probes(training(), spec(write("third")))
    assert found.note.startswith("40 images of 20 people (CelebA), with 34 attributes.")


def test_of_a_partition_the_validation_images_are_taken(write: Write) -> None:
    root = write(partition=np.where(np.arange(40) % 4, 0, VALIDATION).astype(np.int8))
    assert spec(root).size().validation == 10
    few = spec(root).model_copy(update={"most": 4})
    assert few.size().validation == 4


def test_people_are_not_needed(write: Write) -> None:
    data = spec(write(identity=None, identity_names=())).load()
    assert data.validation is not None
    assert (data.validation.identity == -1).all()


def test_unknown_attributes_are_used_where_known_and_counted(write: Write, source: Collection) -> None:
    assert source.attributes is not None
    gaps = source.attributes.copy()
    gaps[[3, 25], [0, 1]] = 0
    gaps[:, 2] = 0
    gaps[9] = 0  # nothing is known of it: left out
    data = spec(write(attributes=gaps)).load()
    assert data.validation is not None
    assert data.validation.attributes is None  # nothing takes an unknown one for an absent one
    assert "attributes" in data.offers
    probes = find_probes(training(), spec(write("again", attributes=gaps)))
    assert probes.attributes is not None
    assert probes.known is not None
    used = [at for at in range(34) if at != 2]
    assert probes.names == tuple(ATTRIBUTES[at] for at in used)
    left = np.delete(gaps, 9, axis=0)[:, used]
    np.testing.assert_array_equal(probes.attributes, left == 1)
    np.testing.assert_array_equal(probes.known, left != 0)
    assert f"not used: {ATTRIBUTES[2]}, {ATTRIBUTES[34]}" in probes.note
    assert f"2 of {39 * 33:,} values are unknown" in probes.note


def test_faces_without_attributes_are_no_probe(write: Write) -> None:
    with pytest.raises(DataError, match=r"has no attributes, by which neurons are chosen; it has identity$"):
        spec(write(attributes=None)).load()
    one_sided = np.full((40, 40), -1, np.int8)
    with pytest.raises(DataError, match="CelebA: 0 IA and 0 NA attributes are known with both values"):
        find_probes(training(), spec(write("one", attributes=one_sided)))


def test_people_of_the_test_pairs_are_refused_by_name(write: Write) -> None:
    # CelebA's numbers are its own.
    probe = spec(write())
    assert len(find_probes(training(("7", "14")), probe)) == 40
    with pytest.raises(DataError, match=r"CelebA: 2 people of the probe are in the test pairs of celeba.*: 14, 7$"):
        find_probes(training(("7", "14"), name="celeba"), probe)
    with pytest.raises(DataError, match="1 people of the probe are in the test pairs of lfw, expected none: Person 3"):
        find_probes(training(("person_3", "Bob")), Named(root=probe.root))


def test_other_crops_are_refused(write: Write) -> None:
    with pytest.raises(ParameterError, match="the probe's crops have 122 × 106 pixels, those of the training 61 × 53"):
        find_probes(training(), spec(write()).model_copy(update={"height": 122, "width": 106}))


def test_where_the_probe_lies_does_not_move_its_fingerprint(write: Write, tmp_path: Path) -> None:
    root = write()
    shutil.copytree(root, tmp_path / "copy")
    assert spec(root).fingerprint() == spec(tmp_path / "copy").fingerprint()
    assert FolderData(dataset="celeba", root=root).kind == "folder"
