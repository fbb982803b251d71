import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from nbutils.data.faces import FaceData
from nbutils.data.sources.on_disk import FolderData
from nbutils.errors import DataError
from nbutils.evaluation import evaluate_pairs
from tests.support.real_lfw import ROOT, needs_lfw

pytestmark = needs_lfw("peopleDevTrain.txt", "pairsDevTest.txt")


@pytest.fixture(scope="module")
def lfw() -> FaceData:
    return FolderData(dataset="lfw", root=ROOT, validation_people=0.1).load()


def test_view_1_is_whole(lfw: FaceData) -> None:
    assert lfw.validation is not None
    assert lfw.train.num_identities + lfw.validation.num_identities == 430
    assert len(lfw.train) + len(lfw.validation) == 4_964
    assert len(lfw.test) == 1_549
    assert len(lfw.pairs) == 1_000
    assert lfw.pairs.same.sum() == 500
    assert np.bincount(lfw.pairs.fold).tolist() == [100] * 10
    names = [set(part.identity_names) for part in (lfw.train, lfw.validation, lfw.test)]
    assert sum(len(part) for part in names) == len(set.union(*names))


def test_faces_are_upright_and_centred(lfw: FaceData) -> None:
    """In the mean face the eyes are darker than the cheeks below them, and left mirrors right."""
    mean = lfw.train.images.mean(axis=(0, 3))
    eyes, cheeks = mean[23:26, 12:20].mean(), mean[32:36, 10:18].mean()
    assert eyes < cheeks - 15
    assert np.corrcoef(mean.ravel(), mean[:, ::-1].ravel())[0, 1] > 0.95


def test_raw_pixels_verify_better_than_chance(lfw: FaceData) -> None:
    pixels = lfw.test.images.reshape(len(lfw.test), -1) / 255
    pairs = lfw.pairs
    result = evaluate_pairs(pixels[pairs.first], pixels[pairs.second], pairs.same, pairs.fold)
    assert result.auc == pytest.approx(roc_auc_score(pairs.same, -result.distances))
    assert 0.6 < result.auc < 0.8


def test_a_missing_image_is_traced_to_its_line() -> None:
    """A partial copy lacks images of View 1's other lists: the error's line must name its image."""
    if len(list((ROOT / "lfw-deepfunneled").glob("*"))) >= 5_749:
        pytest.skip(f"{ROOT} has all people of LFW")
    with pytest.raises(DataError) as error:
        FolderData(dataset="lfw", root=ROOT, min_images=1).load()
    found = re.match(r"(.+):(\d+): image (.+\.jpg) does not exist", str(error.value))
    assert found, str(error.value)
    listing, line, image = Path(found[1]), int(found[2]), Path(found[3])
    assert not image.exists()
    assert image.parent.name in listing.read_text().splitlines()[line - 1].split("\t")
