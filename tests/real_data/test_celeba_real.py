"""Real CelebA at half size, without key points and partition, as faces to choose neurons on."""

import os
from pathlib import Path

import numpy as np
import pytest

from nbutils.data import ATTRIBUTES, AttributeFaces, FaceData, FolderData
from nbutils.data.sources.on_disk import choose_images

ROOT = Path(os.environ.get("NBUTILS_TEST_CELEBA") or Path(__file__).parents[2].parent / "shared" / "celeba")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.real_data,
    pytest.mark.skipif(
        not (ROOT / "list_attr_celeba.txt").is_file(),
        reason=f"no real CelebA in {ROOT}; name its folder in NBUTILS_TEST_CELEBA",
    ),
]


@pytest.fixture(scope="module")
def faces() -> FaceData:
    return AttributeFaces(dataset="celeba", root=ROOT, most=1500).load()


def test_the_folder_is_read_as_it_is(faces: FaceData) -> None:
    assert faces.validation is not None
    assert faces.validation.attributes is not None
    assert faces.validation.attributes.shape == (1500, 40)
    assert len(faces.validation.identity_names) > 1000
    share = dict(zip(ATTRIBUTES, faces.validation.attributes.mean(axis=0), strict=True))
    assert 0.37 < share["Male"] < 0.47
    assert 0.01 < share["Bald"] < 0.04


def test_eyes_and_mouth_lie_where_lfws_are(faces: FaceData) -> None:
    """Of the mean face, the darkest rows beside the middle are the eyes', at the template's height of 24."""
    assert faces.validation is not None
    mean = faces.validation.images.mean(axis=(0, 3))
    assert abs(int(mean[15:35, 12:20].mean(axis=1).argmin()) + 15 - 24) <= 1
    assert np.corrcoef(mean.ravel(), mean[:, ::-1].ravel())[0, 1] > 0.95


def test_people_with_too_few_images_to_train_on_are_looked_at() -> None:
    chosen = choose_images(FolderData(dataset="celeba", root=str(ROOT)))
    who = chosen.source.identity
    assert who is not None
    assert chosen.validation is not None
    assert len(chosen.validation) > 6000 > len(chosen.train)
    parts = [set(who[rows].tolist()) for rows in (chosen.train, chosen.validation, chosen.test)]
    assert sum(map(len, parts)) == len(set().union(*parts))
