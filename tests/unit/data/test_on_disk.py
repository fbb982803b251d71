import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from pydantic import ValidationError

from nbutils.data.attributes import ATTRIBUTES
from nbutils.data.faces import FaceData, Pairs
from nbutils.data.geometry.template import FACE_CENTRE, FACE_HEIGHT
from nbutils.data.layouts.base import known_layouts
from nbutils.data.sources.on_disk import FolderData
from nbutils.errors import DataError, ParameterError

PEOPLE = {"Ann_A": 5, "Bob_B": 4, "Cy_C": 3, "Dee_D": 6}
TESTED = {"Eve_E": 3, "Flo_F": 2}
PAIRS = ["Eve_E\t1\t3", "Flo_F\t1\t2", "Eve_E\t1\tFlo_F\t1", "Eve_E\t3\tFlo_F\t2"]


def save(path: Path, image: Image.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, format="JPEG", quality=95)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An LFW of six people, each image one grey level that tells person and number."""
    for at, (name, images) in enumerate({**PEOPLE, **TESTED}.items()):
        for number in range(1, images + 1):
            level = 40 * at + 5 * number
            image = Image.new("RGB", (250, 250), (level, level, level))
            save(tmp_path / "lfw-deepfunneled" / name / f"{name}_{number:04d}.jpg", image)
    people = [f"{name}\t{images}" for name, images in PEOPLE.items()]
    (tmp_path / "peopleDevTrain.txt").write_text("\n".join([str(len(people)), *people, ""]))
    (tmp_path / "pairsDevTest.txt").write_text("\n".join(["2", *PAIRS, ""]))
    return tmp_path


@pytest.fixture
def load(root: Path) -> Callable[..., FaceData]:
    def load(**options: object) -> FaceData:
        spec = FolderData.model_validate({"dataset": "lfw", "root": root, "height": 12, "width": 10} | options)
        return spec.read()  # not load(), which would not see that a test changed the files

    return load


def levels(images: npt.NDArray[np.uint8]) -> list[int]:
    return [int(image.mean().round()) for image in images]


def test_training_takes_people_with_enough_images(load: Callable[..., FaceData]) -> None:
    train = load().train
    assert train.identity_names == ("Ann_A", "Bob_B", "Dee_D")
    assert train.images.shape == (15, 12, 10, 3)
    assert train.identity.tolist() == [0] * 5 + [1] * 4 + [2] * 6
    expected = [40 * at + 5 * n for at, images in ((0, 5), (1, 4), (3, 6)) for n in range(1, images + 1)]
    np.testing.assert_allclose(levels(train.images), expected, atol=1)
    assert load(min_images=1).train.num_identities == 4


def test_pairs_point_at_their_images(load: Callable[..., FaceData]) -> None:
    data = load()
    assert data.test.identity_names == ("Eve_E", "Flo_F")
    assert len(data.test) == 4  # Eve 2 is in no pair
    np.testing.assert_allclose(levels(data.test.images), [165, 175, 205, 210], atol=1)  # in the order of their use
    shown = np.array(levels(data.test.images))
    np.testing.assert_allclose(shown[data.pairs.first], [165, 205, 165, 175], atol=1)
    np.testing.assert_allclose(shown[data.pairs.second], [175, 210, 205, 210], atol=1)
    assert data.pairs.same.tolist() == [True, True, False, False]
    assert data.pairs.fold.tolist() == [0, 1, 0, 1]
    identity = data.test.identity
    np.testing.assert_array_equal(identity[data.pairs.first] == identity[data.pairs.second], data.pairs.same)


def test_crop_is_the_named_box(root: Path, load: Callable[..., FaceData]) -> None:
    """At the box's own size nothing is resampled: the crop is the JPEG's pixels, here a smooth gradient."""
    height, width = int(FACE_HEIGHT), 110
    top, left = round(FACE_CENTRE[1] - height / 2), round(FACE_CENTRE[0] - width / 2)
    rows, columns = np.mgrid[:250, :250].astype(np.uint8)
    picture = Image.fromarray(np.stack([rows, columns, np.full_like(rows, 128)], axis=2))
    path = root / "lfw-deepfunneled" / "Ann_A" / "Ann_A_0001.jpg"
    save(path, picture)
    with Image.open(path) as decoded:
        whole = np.asarray(decoded)
    crop = load(height=height, width=width).train.images[0]
    np.testing.assert_array_equal(crop, whole[top : top + height, left : left + width])


def test_crops_are_antialiased(root: Path, load: Callable[..., FaceData]) -> None:
    """A one-pixel checkerboard shrinks to its mean, where sampled pixels would stay black and white."""
    board = (np.indices((250, 250)).sum(axis=0) % 2 * 255).astype(np.uint8)
    save(root / "lfw-deepfunneled" / "Ann_A" / "Ann_A_0001.jpg", Image.fromarray(board))
    crop = load(height=33, width=27).train.images[0]
    assert np.abs(crop.astype(float) - 127.5).max() < 16


def test_grey_images_become_rgb(root: Path, load: Callable[..., FaceData]) -> None:
    save(root / "lfw-deepfunneled" / "Ann_A" / "Ann_A_0001.jpg", Image.new("L", (250, 250), 90))
    np.testing.assert_allclose(load().train.images[0], 90, atol=1)


def test_other_folders_of_lfws_archives(root: Path, load: Callable[..., FaceData]) -> None:
    fingerprint = load().fingerprint
    (root / "lfw-deepfunneled").rename(root / "lfw")
    assert load().fingerprint == fingerprint
    assert load().title == "Labeled Faces in the Wild (lfw)"


def test_fingerprint_follows_content(root: Path, load: Callable[..., FaceData]) -> None:
    first = load().fingerprint
    assert re.fullmatch("[0-9a-f]{64}", first)
    assert load().fingerprint == first
    assert load(height=10, width=12).fingerprint != first
    (root / "pairsDevTest.txt").write_text("\n".join(["2", *PAIRS[:3], "Eve_E\t3\tFlo_F\t1", ""]))
    assert load().fingerprint != first


def test_ten_fold_lists(root: Path, load: Callable[..., FaceData]) -> None:
    (root / "pairs.txt").write_text("\n".join(["2\t1", PAIRS[0], PAIRS[2], PAIRS[1], PAIRS[3], ""]))
    data = load(pairs_root=root / "pairs.txt")
    assert data.pairs.fold.tolist() == [0, 0, 1, 1]
    assert data.train.identity_names == ("Ann_A", "Bob_B", "Dee_D")
    assert data.title == "Labeled Faces in the Wild (lfw, pairs from pairs.txt)"


def test_validation_people_are_held_out(load: Callable[..., FaceData]) -> None:
    whole, data = load(min_images=3), load(min_images=3, validation_people=0.5)
    assert whole.validation is None
    assert whole.validation_pairs is None
    assert data.validation is not None
    assert data.validation_pairs is not None
    names = data.train.identity_names + data.validation.identity_names
    assert sorted(names) == list(whole.train.identity_names)
    assert data.validation.num_identities == 2
    for part in (data.train, data.validation):
        for image, identity in zip(part.images, part.identity, strict=True):
            person = whole.train.identity_names.index(part.identity_names[identity])
            assert any((image == other).all() for other in whole.train.images[whole.train.identity == person])
    _check_balanced(data.validation_pairs, data.validation.identity)
    again = load(min_images=3, validation_people=0.5)
    assert again.fingerprint == data.fingerprint
    np.testing.assert_array_equal(data.test.images, whole.test.images)


def _check_balanced(pairs: Pairs, identity: npt.NDArray[np.int64]) -> None:
    np.testing.assert_array_equal(identity[pairs.first] == identity[pairs.second], pairs.same)
    assert pairs.same.sum() * 2 == len(pairs) > 0
    assert (pairs.first < pairs.second).all()
    assert len(set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))) == len(pairs)
    for same in (True, False):
        counts = np.bincount(pairs.fold[pairs.same == same], minlength=10)
        assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.98])
def test_truncated_jpeg(root: Path, load: Callable[..., FaceData], keep: float) -> None:
    path = root / "lfw-deepfunneled" / "Dee_D" / "Dee_D_0002.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (250, 250, 3), dtype=np.uint8)
    save(path, Image.fromarray(noise))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(DataError, match=re.escape(f"{path.parent.name}/{path.name}: not a whole image")):
        load()


def test_images_of_another_size(root: Path, load: Callable[..., FaceData]) -> None:
    path = root / "lfw-deepfunneled" / "Eve_E" / "Eve_E_0001.jpg"
    save(path, Image.new("RGB", (250, 200)))
    with pytest.raises(DataError, match=r"Eve_E_0001\.jpg: 250×200 pixels, expected 250×250"):
        load()


def test_pair_of_a_missing_image(root: Path, load: Callable[..., FaceData]) -> None:
    path = root / "lfw-deepfunneled" / "Flo_F" / "Flo_F_0002.jpg"
    path.unlink()
    with pytest.raises(DataError, match=re.escape(f"{root / 'pairsDevTest.txt'}:3: image {path} does not exist")):
        load()


def test_promised_training_images_that_are_missing(root: Path, load: Callable[..., FaceData]) -> None:
    for name in ("Bob_B_0002", "Dee_D_0006"):
        (root / "lfw-deepfunneled" / name[:5] / f"{name}.jpg").unlink()
    says = r"peopleDevTrain\.txt:3: image .*Bob_B_0002\.jpg does not exist \(1 more images are missing\)"
    with pytest.raises(DataError, match=says):
        load()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The folder may not be entered; the superuser, whom that does not stop, becomes nobody."""
    known_layouts()  # nobody may not import
    superuser = os.geteuid() == 0
    folder.chmod(0)
    if superuser:
        os.seteuid(65534)
    try:
        yield
    finally:
        if superuser:
            os.seteuid(0)
        folder.chmod(0o700)


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
@pytest.mark.parametrize("layout", [None, "lfw", "image_folder", "recordio"])
@pytest.mark.parametrize("below", ["", "lfw-deepfunneled"])
def test_a_folder_that_may_not_be_entered(root: Path, layout: str | None, below: str) -> None:
    spec = FolderData(dataset="lfw", root=root / below, layout=layout)
    with _locked(root), pytest.raises(DataError, match=r"cannot be read: Permission denied"):
        spec.size()
    pairs = FolderData(dataset="lfw", root=root, pairs_root=root / "lfw-deepfunneled" / "Ann_A")
    with _locked(root / "lfw-deepfunneled"), pytest.raises(DataError, match=r"cannot be read: Permission denied"):
        pairs.size()


def test_missing_images_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"lfw-deepfunneled.*vis-www\.cs\.umass\.edu"):
        FolderData(dataset="lfw", root=tmp_path, layout="lfw").load()
    with pytest.raises(DataError, match="none: there is no such folder or file"):
        FolderData(dataset="lfw", root=tmp_path / "none").load()


def test_without_lists_people_are_held_out_by_seed(root: Path, load: Callable[..., FaceData]) -> None:
    for name in ("pairsDevTest.txt", "peopleDevTrain.txt"):
        (root / name).unlink()
    with pytest.raises(DataError, match=r"no complete LFW; looked for: lists beside the images\. To get LFW"):
        load()
    # As many people as a tenth of them can be held out.
    for number in range(14):
        for image in (1, 2, 3, 4):
            name = f"More_{number:02d}"
            save(
                root / "lfw-deepfunneled" / name / f"{name}_{image:04d}.jpg",
                Image.new("RGB", (250, 250), (number,) * 3),
            )
    data = load(layout="image_folder", root=root / "lfw-deepfunneled", min_images=1)
    assert data.title == "Labeled Faces in the Wild (image_folder, pairs drawn)"
    assert data.train.num_identities == 18
    assert data.test.num_identities == 2
    assert not set(data.train.identity_names) & set(data.test.identity_names)
    _check_balanced(data.pairs, data.test.identity)


def test_people_in_both_training_and_test(root: Path, load: Callable[..., FaceData]) -> None:
    (root / "pairsDevTest.txt").write_text("1\nEve_E\t1\t3\nEve_E\t1\tDee_D\t1\n")
    with pytest.raises(DataError, match=r"1 people are both trained on and in the pairs of .*, expected none: Dee_D"):
        load()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"height": 10, "width": 20}, "times as wide as high"),
        ({"validation_people": 0.1}, "holds out 0 of 3 people"),
    ],
)
def test_parameters_out_of_range(load: Callable[..., FaceData], options: dict[str, float], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        load(**options)


@pytest.mark.parametrize("options", [{"height": 0}, {"min_images": 0}, {"validation_people": 1.0}])
def test_specs_out_of_range(load: Callable[..., FaceData], options: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(options))):
        load(**options)


def test_nobody_has_enough_images(load: Callable[..., FaceData]) -> None:
    with pytest.raises(DataError, match="min_images = 7 images"):
        load(min_images=7)


@pytest.mark.parametrize(("single", "seen"), [(8, 8), (7, None)], ids=["as many", "fewer"])
def test_people_with_too_few_images_are_looked_at_if_they_are_many(
    tmp_path: Path, single: int, seen: int | None
) -> None:
    """Four people with two images each are trained on, two others are verified."""
    two = [f"{name}_{number}" for name in ("Ann", "Bob", "Cy", "Dee", "Eve", "Flo") for number in (1, 2)]
    names = [*two, *(f"Only{number}_1" for number in range(single))]
    for name in names:
        save(tmp_path / f"{name}.jpg", Image.new("RGB", (178, 218), "grey"))
    header = ",".join(["path", "identity", *ATTRIBUTES])
    rows = [",".join([f"{name}.jpg", name.split("_")[0], *("1" for _ in ATTRIBUTES)]) for name in names]
    (tmp_path / "images.csv").write_text("\n".join([header, *rows, ""]))
    pairs = ["first,second,same", "Eve_1.jpg,Eve_2.jpg,1", "Eve_1.jpg,Flo_1.jpg,0", "Flo_1.jpg,Flo_2.jpg,1"]
    (tmp_path / "pairs.csv").write_text("\n".join([*pairs, ""]))
    spec = FolderData(dataset="celeba", root=str(tmp_path), min_images=2, height=12, width=10)
    data = spec.read()

    assert data.train.identity_names == ("Ann", "Bob", "Cy", "Dee")
    assert spec.size().validation == (seen or 0)
    if seen is None:
        assert data.validation is None
    else:
        assert data.validation is not None
        assert data.validation.identity_names == tuple(f"Only{number}" for number in range(seen))
        assert data.validation_pairs is None
