import numpy as np
import pytest

from nbutils.data.faces import FaceData, Faces, Pairs
from nbutils.errors import DataError


def faces(count: int = 4, level: int = 0) -> Faces:
    return Faces(np.full((count, 3, 2, 3), level, np.uint8), np.arange(count), tuple("abcdefgh"[:count]))


def pairs(*second: int) -> Pairs:
    count = len(second)
    return Pairs(np.zeros(count, np.int64), np.array(second), np.arange(count) % 2 == 0, np.arange(count))


def data(**parts: object) -> FaceData:
    base = {"name": "n", "title": "t", "train": faces(), "test": faces(), "pairs": pairs(1, 2)}
    return FaceData(**{**base, **parts})  # type: ignore[arg-type]


def test_fingerprint_is_of_the_content_alone() -> None:
    assert data().fingerprint == data(name="m", title="u").fingerprint
    assert data().fingerprint == data(train=faces()).fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"train": faces(level=1)},
        {"train": faces(3)},
        {"test": faces(level=1)},
        {"pairs": pairs(2, 1)},
        {"validation": faces(), "validation_pairs": pairs(1)},
        {"train": Faces(np.zeros((4, 2, 3, 3), np.uint8), np.arange(4), tuple("abcd"))},
        {"train": Faces(np.zeros((4, 3, 2, 3), np.uint8), np.arange(4)[::-1], tuple("abcd"))},
        {"train": Faces(np.zeros((4, 3, 2, 3), np.uint8), np.arange(4), tuple("abce"))},
        {"train": Faces(faces().images, np.arange(4), tuple("abcd"), attributes=np.zeros((4, 40), np.bool_))},
    ],
)
def test_fingerprint_follows_every_part(change: dict[str, object]) -> None:
    assert data(**change).fingerprint != data().fingerprint


@pytest.mark.parametrize("second", [4, -1])
def test_pairs_outside_their_faces(second: int) -> None:
    with pytest.raises(DataError, match=r"^pairs names image .* expected 0 … 3"):
        data(pairs=pairs(1, second))
    with pytest.raises(DataError, match=r"^validation_pairs names image"):
        data(validation=faces(), validation_pairs=pairs(1, second))


def test_parts_that_do_not_fit() -> None:
    with pytest.raises(DataError, match="without validation faces"):
        data(validation_pairs=pairs(0, 1))
    with pytest.raises(DataError, match="differ in length"):
        Pairs(np.arange(3), np.arange(3), np.ones(3, np.bool_), np.arange(2))
    with pytest.raises(DataError, match="identity has 3 rows, expected one for each of 4 images"):
        Faces(faces().images, np.arange(3), tuple("abc"))
