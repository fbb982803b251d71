"""A real pretrained network from an ONNX file teaches a tiny student on real faces.

Its training set may hold people of LFW: its AUC here says that faces arrive as it wants them, and no more.
"""

from pathlib import Path

import numpy as np
import pytest

from nbutils.data import FolderData
from nbutils.evaluation import evaluate_pairs
from nbutils.models import extract_features
from nbutils.training import (
    FaceInput,
    ModelSpec,
    OnnxTeacher,
    Schedule,
    SelectionSpec,
    Store,
    Term,
    TrainingSpec,
    train,
)
from tests.support.real_lfw import needs_lfw, part_of_lfw
from tests.support.real_teachers import TEACHERS, needs_teacher

NAME = "faceres_deep.onnx"
PAIRS = 100

pytestmark = [*needs_lfw("peopleDevTrain.txt", "pairsDevTest.txt"), needs_teacher(NAME)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> FolderData:
    root = part_of_lfw(tmp_path_factory.mktemp("lfw"), PAIRS)
    return FolderData(dataset="lfw", root=root)


@pytest.fixture(scope="module")
def teacher() -> OnnxTeacher:
    return OnnxTeacher(file=TEACHERS / NAME, neurons="neurons", input=FaceInput(axes="NHWC"))


def test_it_verifies_lfws_pairs(data: FolderData, teacher: OnnxTeacher) -> None:
    faces = data.load().require("pairs")
    pairs = faces.pairs

    height, width = faces.test.images.shape[1:3]
    features = extract_features(teacher.network((height, width)), faces.test.images)

    result = evaluate_pairs(features[pairs.first], features[pairs.second], pairs.same, pairs.fold)
    assert result.auc > 0.9


def test_it_teaches_a_tiny_student_from_cached_targets(data: FolderData, teacher: OnnxTeacher, tmp_path: Path) -> None:
    spec = TrainingSpec(
        name="taught by a real network",
        data=data,
        model=ModelSpec("MobileIDStudent", options={"width": 8}),
        objective={"neurons": Term("NeuronLoss")},
        schedule=Schedule(epochs=1, batch_size=32, learning_rate=0.005),
        teacher=teacher,
        selection=SelectionSpec(images=100),
        targets="cached",
    )

    result = train(spec, store=Store(tmp_path / "store"), progress=False)

    assert result.metrics["outputs"] == len(result.metrics["neurons"]) < 1024
    assert np.isfinite(result.history["loss"]).all()
    answers = [np.load(file) for file in (tmp_path / "store").glob("*/features.npy")]
    assert [each.shape for each in answers] == [(len(data.load().train), 1024)]
    assert (answers[0] >= 0).all()
