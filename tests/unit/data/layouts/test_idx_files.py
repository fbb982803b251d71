import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from nbutils.data.layouts.readers.idx_files import read_idx
from nbutils.errors import DataError


def idx(values: npt.NDArray[np.uint8]) -> bytes:
    """The format as its author describes it: 0, 0, type, axes; sizes, most significant byte first; the bytes."""
    return bytes([0, 0, 8, values.ndim]) + b"".join(n.to_bytes(4, "big") for n in values.shape) + values.tobytes()


@pytest.fixture
def images() -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["images", "images.gz"])
def test_plain_and_gzipped_files(tmp_path: Path, images: npt.NDArray[np.uint8], name: str) -> None:
    content = idx(images)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    np.testing.assert_array_equal(read_idx(tmp_path / name, 3), images)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: b"", "begins with nothing"),
        (lambda content: b"PK" + content[2:], "begins with 50 4b"),
        (lambda content: content[:3] + b"\1" + content[4:], "expected 00 00 08 03"),
        (lambda content: content[:-1], "holds 59 bytes after its header, expected 5 × 4 × 3 = 60"),
        (lambda content: content + b"0", "holds more bytes"),
        (lambda content: content[:4] + b"\xff\xff\xff\xff" + content[8:], "announces 4294967295 × 4 × 3 bytes"),
    ],
)
def test_damaged_files(
    tmp_path: Path, images: npt.NDArray[np.uint8], damage: Callable[[bytes], bytes], message: str
) -> None:
    file = tmp_path / "images"
    file.write_bytes(damage(idx(images)))
    with pytest.raises(DataError, match=message):
        read_idx(file, 3)


def test_a_cut_or_false_archive(tmp_path: Path, images: npt.NDArray[np.uint8]) -> None:
    file = tmp_path / "images.gz"
    for content in (gzip.compress(idx(images))[:-12], b"no archive"):
        file.write_bytes(content)
        with pytest.raises(DataError, match="cannot be read as an idx file"):
            read_idx(file, 3)
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(tmp_path / "missing", 3)
