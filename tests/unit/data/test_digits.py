from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits as sklearn_digits

from nbutils.data.sources.digits import DigitsData, load_digits
from nbutils.errors import DataError, ParameterError
from tests.unit.data.layouts.test_idx_files import idx


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tiny MNIST in torchvision's layout."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for part, count in (("train", 6), ("t10k", 4)):
        images = rng.integers(1, 256, (count, 28, 28), dtype=np.uint8)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(images))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.arange(count, dtype=np.uint8)))
    return tmp_path


def test_scikit_learns_digits_are_all_there_once() -> None:
    data = load_digits(None, height=8, width=8)
    images, _ = sklearn_digits(return_X_y=True)
    both = np.concatenate([data.train.images, data.test.images]).reshape(-1, 64)
    assert sorted(map(bytes, both)) == sorted(map(bytes, np.round(images * 255 / 16).astype(np.uint8)))
    assert np.bincount(data.train.identity, minlength=10).min() > 100


def test_mnist_is_padded_evenly_and_its_end_validates(root: Path) -> None:
    data = DigitsData(root=root, height=32, width=30, validation=2).load()
    assert data.validation is not None
    assert [len(faces) for faces in (data.train, data.validation, data.test)] == [4, 2, 4]
    np.testing.assert_array_equal(data.validation.identity, [4, 5])
    inner = data.train.images[:, 2:-2, 1:-1]
    assert (inner > 0).all()
    assert data.train.images.sum(dtype=np.int64) == inner.sum(dtype=np.int64)


def test_what_does_not_fit(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"height × width is 27×28: expected at least the digits' 28×28"):
        load_digits(root, height=27, width=28)
    with pytest.raises(ParameterError, match="validation is 6: expected fewer than the 6 training images"):
        load_digits(root, height=28, width=28, validation=6)
    with pytest.raises(DataError, match="no train-images-idx3-ubyte"):
        load_digits(tmp_path / "elsewhere", height=28, width=28)
    labels = root / "MNIST" / "raw" / "t10k-labels-idx1-ubyte"
    labels.write_bytes(idx(np.array([1, 2, 3, 11], np.uint8)))
    with pytest.raises(DataError, match="a label of 't10k' is 11"):
        load_digits(root, height=28, width=28)
    labels.write_bytes(idx(np.zeros(3, np.uint8)))
    with pytest.raises(DataError, match="4 images and 3 labels of 't10k'"):
        load_digits(root, height=28, width=28)
