import os
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from nbutils.data.faces import FaceData
from nbutils.data.lfw import load_lfw
from nbutils.errors import DataError
from nbutils.evaluation import evaluate_pairs

ROOT = Path(os.environ.get("NBUTILS_TEST_LFW") or Path(__file__).parents[2].parent / "shared" / "lfw")
LISTS = ("peopleDevTrain.txt", "pairsDevTest.txt")

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(
        not all((ROOT / name).is_file() for name in LISTS),
        reason=f"no real LFW in {ROOT} ({', '.join(LISTS)}); name its folder in NBUTILS_TEST_LFW",
    ),
]


@pytest.fixture(scope="module")
def lfw() -> FaceData:
    return load_lfw(ROOT, height=61, width=53, validation_people=0.1, progress=False)


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
    """The two other lists of View 1 name images that a partial copy lacks: the error's line must name its image."""
    lists = {"train_people": "peopleDevTest.txt", "test_pairs": "pairsDevTrain.txt"}
    try:
        load_lfw(ROOT, height=61, width=53, progress=False, **lists)  # type: ignore[arg-type]
    except DataError as error:
        found = re.match(r"(.+):(\d+): image (.+)[/\\](.+)_\d{4}\.jpg does not exist", str(error))
        assert found, str(error)
        listing, line, folder, name = found.groups()
        assert not Path(found[0].split(": image ")[1].removesuffix(" does not exist")).exists()
        assert name in Path(listing).read_text().splitlines()[int(line) - 1].split("\t")
        assert Path(folder).name == name
    else:
        pytest.skip(f"{ROOT} lacks no image of {lists}")
