import numpy as np
import pytest
import torch

from nbutils.data.batches import FaceBatches
from nbutils.data.faces import Faces, Pairs
from nbutils.data.geometry.key_points import require_landmarks
from nbutils.data.held_out import held_out_images, outside_fold
from nbutils.data.sources.embedded import SyntheticData
from nbutils.errors import DataError, ParameterError


def test_a_fifth_of_each_persons_images_is_held_out_and_everyone_stays() -> None:
    identity = np.repeat(np.arange(4), [1, 2, 5, 20])
    held_out = held_out_images(identity, 0.2, seed=3)
    assert [int(held_out[identity == person].sum()) for person in range(4)] == [0, 0, 1, 4]
    assert held_out_images(np.zeros(3, np.int64), 0.99).sum() == 2
    np.testing.assert_array_equal(held_out, held_out_images(identity, 0.2, seed=3))
    assert any((held_out != held_out_images(identity, 0.2, seed=s)).any() for s in range(4, 8))
    with pytest.raises(ParameterError, match="share"):
        held_out_images(identity, 1.0)


def test_a_data_spec_splits_by_image_over_the_same_people() -> None:
    spec = SyntheticData(identities=4, images_per_identity=10, validation_images=4, pairs=20)
    whole = spec.load()
    split = spec.model_copy(update={"held_out_images": 0.2}).load()
    assert split.held_out is not None
    assert (len(split.train), len(split.held_out)) == (32, 8)
    assert split.fingerprint != whole.fingerprint
    for faces in (split.train, split.held_out):
        assert faces.identity_names == whole.train.identity_names
        assert set(faces.identity) == {0, 1, 2, 3}
    both = np.concatenate([split.train.images, split.held_out.images])
    assert {i.tobytes() for i in both} == {i.tobytes() for i in whole.train.images}


def _marked(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Images, black but for five pixels of five values at the key points."""
    rng = np.random.default_rng(0)
    images = np.zeros((count, 14, 13, 3), np.uint8)
    landmarks = np.empty((count, 5, 2), np.float32)
    for n in range(count):
        places = rng.permutation(8 * 7)[:5]
        for point, place in enumerate(places):
            y, x = 3 + place // 7, 3 + place % 7
            images[n, y, x] = 50 * (point + 1)
            landmarks[n, point] = x, y
    return images, landmarks


def test_key_points_move_with_crop_and_mirror() -> None:
    images, landmarks = _marked()
    batches, index = FaceBatches(images, (11, 10)), torch.arange(40)
    crops = batches.draw(40, torch.Generator().manual_seed(0))
    cut = batches.cut(index, crops)
    points = crops.points(torch.from_numpy(landmarks))
    x = ((points[..., 0] + 1) * 10 / 2 - 0.5).round().long()
    y = ((points[..., 1] + 1) * 11 / 2 - 0.5).round().long()
    assert 5 < crops.mirrored.sum() < 35
    for n in range(40):
        order = [1, 0, 2, 4, 3] if crops.mirrored[n] else range(5)
        for point, origin in enumerate(order):
            assert cut[n, 0, y[n, point], x[n, point]].item() == pytest.approx(50 * (origin + 1) / 127.5 - 1, abs=1e-5)


def test_pixels_are_the_inverse_of_points() -> None:
    images, landmarks = _marked(3)
    central = FaceBatches(images, (11, 10)).central
    back = central.pixels(central.points(torch.from_numpy(landmarks)))
    np.testing.assert_allclose(back.numpy(), landmarks, atol=1e-4)


def test_missing_or_impossible_key_points_are_named() -> None:
    images, landmarks = _marked(3)
    with pytest.raises(DataError, match=r"lfw has no key points.*celeba, synthetic$"):
        require_landmarks(Faces(images, np.zeros(3, np.int64), ("a",)), "lfw")
    landmarks[1, 2] = 13.0, 4.0
    faces = Faces(images, np.zeros(3, np.int64), ("a",), landmarks=landmarks)
    with pytest.raises(DataError, match=r"key point 3 of image 1 is at \(13\.0, 4\.0\)"):
        require_landmarks(faces, "mine")


def test_the_images_outside_a_fold_are_in_no_pair_of_it() -> None:
    rng = np.random.default_rng(0)
    pairs = Pairs(rng.integers(0, 60, 40), rng.integers(0, 60, 40), np.arange(40) % 2 == 0, np.arange(40) % 4)
    for fold in range(4):
        shown: list[set[int]] = [set(), set()]
        for first, second, own in zip(pairs.first, pairs.second, pairs.fold, strict=True):
            shown[int(own == fold)] |= {int(first), int(second)}
        assert set(np.flatnonzero(outside_fold(pairs, 60, fold))) == shown[0] - shown[1]
    with pytest.raises(ParameterError, match="fold is 4: expected one of 0, 1, 2, 3"):
        outside_fold(pairs, 60, 4)
    everywhere = Pairs(np.zeros(4, np.int64), np.ones(4, np.int64), np.arange(4) % 2 == 0, np.arange(4) // 2)
    with pytest.raises(ParameterError, match="every image is in fold 0"):
        outside_fold(everywhere, 2, 0)


def test_adapting_to_the_test_images_sees_no_identity_and_no_image_of_the_fold() -> None:
    spec = SyntheticData(identities=2, images_per_identity=4, validation_images=4, pairs=40)
    whole = spec.load()
    adapted = spec.model_copy(update={"adapt_to_all_but_fold": 3}).load()
    assert adapted.train.identity_names == ("withheld",)
    assert set(adapted.train.identity) == {0}
    assert adapted.train.attributes is None
    assert adapted.train.landmarks is None
    tested = whole.pairs.fold == 3
    inside = {whole.test.images[i].tobytes() for i in [*whole.pairs.first[tested], *whole.pairs.second[tested]]}
    assert not inside & {image.tobytes() for image in adapted.train.images}
    np.testing.assert_array_equal(adapted.test.images, whole.test.images)
    folds = [spec.model_copy(update={"adapt_to_all_but_fold": fold}).fingerprint() for fold in (3, 3, 4)]
    assert folds[0] == folds[1]
    assert len({*folds, spec.fingerprint()}) == 3
