import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nbutils.data.people_names import normalised, shared_people
from nbutils.data.synthetic import SyntheticFaces
from nbutils.data.upkeep.overlap import MOST_BITS, near_duplicates, read_identity_list
from nbutils.data.upkeep.survey import difference_hash, survey_collection
from nbutils.errors import DataError
from tests.support.collections import rendered


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("George_W_Bush", "george w bush"),
        ("George W. Bush", "george w bush"),
        ("BUSH, George W.", "george w bush"),
        ("José María Aznar", "jose maria aznar"),
        ("Jose_Maria_Aznar", "jose maria aznar"),
        ("Straße", "strasse"),
        ("0000045", ""),
        ("12 34", ""),
        ("50_Cent", "50 cent"),
        ("北野武", "北野武"),
    ],
)
def test_names_are_compared_without_their_spelling(name: str, plain: str) -> None:
    assert normalised(name) == plain


def test_shared_people_as_each_side_spells_them() -> None:
    shared = shared_people(["George_W_Bush", "Ann_Lee", "00001"], ["George W. Bush", "Bob Ray", "00001"])
    assert shared == [("George_W_Bush", "George W. Bush")]


def test_identity_lists(tmp_path: Path) -> None:
    path = tmp_path / "people.txt"
    path.write_text("# people\nAnn_Lee\t4\n\nBob Ray\n", encoding="utf-8")
    assert read_identity_list(path) == ["Ann_Lee", "Bob Ray"]
    path.write_text("# none\n", encoding="utf-8")
    with pytest.raises(DataError, match="a name a line, found none"):
        read_identity_list(path)


@pytest.mark.parametrize("at_once", [1, 7, 1 << 22])
def test_near_duplicates_are_those_of_brute_force(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr("nbutils.data.upkeep.overlap._AT_ONCE", at_once)
    rng = np.random.default_rng(0)
    first = rng.integers(0, 2**64, (40, 2), np.uint64)
    second = np.concatenate([rng.integers(0, 2**64, (30, 2), np.uint64), first[:20]])
    for row in range(30, 50):  # turn 0 … 11 bits at random places
        for bit in rng.permutation(128)[: row % 12]:
            second[row, bit // 64] ^= np.uint64(1 << int(bit % 64))
    second[3] = first[5] = 0  # no image
    bits = np.array([[sum(int(x ^ y).bit_count() for x, y in zip(a, b, strict=True)) for b in second] for a in first])
    bits[5] = bits[:, 3] = 128
    pairs, distance = near_duplicates(first, second)
    assert pairs.tolist() == np.argwhere(bits <= MOST_BITS).tolist()
    assert distance.tolist() == bits[bits <= MOST_BITS].tolist()
    assert 5 < len(pairs) < 20


def test_a_picture_is_known_again_smaller_and_compressed_anew() -> None:
    faces = SyntheticFaces(0, 1).render(np.arange(60), 200, 200).images
    looks = np.stack([difference_hash(face) for face in faces])
    changed = []
    for face in faces:
        file = io.BytesIO()
        Image.fromarray(face).resize((120, 120)).save(file, "JPEG", quality=60)
        changed.append(difference_hash(np.asarray(Image.open(file))))
    pairs, _ = near_duplicates(looks, np.stack(changed))
    same = pairs[:, 0] == pairs[:, 1]
    assert same.sum() >= 57
    assert (~same).sum() <= 3


def test_a_survey_reads_every_image() -> None:
    faces = rendered()
    found = survey_collection(faces, progress=False)
    assert not found.errors
    assert (found.size == 250).all()
    assert len(np.unique(found.content)) == len(faces)
