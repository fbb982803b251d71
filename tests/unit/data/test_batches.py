import numpy as np
import pytest
import torch

from nbutils.data.batches import FaceBatches
from nbutils.data.pixels import to_unit_range
from nbutils.errors import ParameterError


def _images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 9, 8, 3), dtype=np.uint8)


def test_centred_crops_are_exact() -> None:
    images = _images()
    batch = FaceBatches(images, (5, 6)).centred(torch.tensor([4, 1]))
    expected = images[[4, 1], 2:7, 1:7].transpose(0, 3, 1, 2) / 127.5 - 1
    np.testing.assert_allclose(batch.numpy(), expected, atol=1e-6)


def test_every_augmented_image_is_some_crop_mirrored_or_not_and_all_occur() -> None:
    images = _images()
    batches = FaceBatches(images, (8, 7))
    crops = {
        (images[2, top : top + 8, left : left + 7][:, ::step].transpose(2, 0, 1) / 127.5 - 1)
        .astype(np.float32)
        .round(4)
        .tobytes()
        for top in range(2)
        for left in range(2)
        for step in (1, -1)
    }
    batch = batches.augmented(torch.full((200,), 2), torch.Generator().manual_seed(0))
    assert {image.numpy().round(4).tobytes() for image in batch.contiguous()} == crops


def test_equal_seeds_give_equal_batches() -> None:
    batches, index = FaceBatches(_images(), (5, 5)), torch.arange(6)
    first, second, other = (batches.augmented(index, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_images_smaller_than_the_input_are_refused() -> None:
    with pytest.raises(ParameterError, match="smaller than the input"):
        FaceBatches(_images(), (10, 5))


def test_grey_images_without_mirroring() -> None:
    images = _images()[..., :1]
    batches, generator = FaceBatches(images, (9, 8)), torch.Generator().manual_seed(0)
    index = torch.arange(6).repeat(5)
    batch = batches.cut(index, batches.draw(30, generator, mirror=False))
    np.testing.assert_allclose(batch, images[index].transpose(0, 3, 1, 2) / 127.5 - 1, atol=1e-6)


def test_every_grey_level_is_scaled_to_the_nearest_float() -> None:
    levels = torch.arange(256, dtype=torch.uint8)
    pixels = levels.reshape(2, 4, 8, 4)[..., :3]
    scaled = to_unit_range(pixels)
    assert torch.equal(scaled, (pixels.permute(0, 3, 1, 2).float() - 127.5) / 127.5)
    exact = np.array([float(np.float32((level - 127.5) / 127.5)) for level in range(256)])
    np.testing.assert_array_equal(to_unit_range(levels.reshape(1, 16, 16, 1)).flatten().numpy(), exact)
    assert torch.equal(levels, torch.arange(256, dtype=torch.uint8))  # the pixels themselves stay
