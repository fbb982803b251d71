"""A tiny data set in LFW's own layout, and specs on it that train in seconds."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nbutils.data.sources.on_disk import FolderData
from nbutils.training import ModelSpec, Schedule, Term, TrainingSpec

MakeSpec = Callable[..., TrainingSpec]


@pytest.fixture
def data(tmp_path: Path) -> FolderData:
    """Six people to train on and two to verify, four images each, of noise about a colour of their own."""
    root = tmp_path / "lfw"
    rng = np.random.default_rng(0)
    people = [f"Person_{letter}" for letter in "ABCDEFGH"]
    for name in people:
        folder = root / "lfw-deepfunneled" / name
        folder.mkdir(parents=True)
        colour = rng.integers(40, 215, 3)
        for number in range(1, 5):
            pixels = np.clip(colour + rng.normal(0, 25, (250, 250, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{name}_{number:04d}.jpg")
    train = "".join(f"{name}\t4\n" for name in people[:6])
    (root / "peopleDevTrain.txt").write_text(f"6\n{train}")
    g, h = people[6:]
    matched = [f"{g}\t1\t2\n", f"{h}\t1\t2\n"]
    mismatched = [f"{g}\t1\t{h}\t1\n", f"{g}\t2\t{h}\t2\n"]
    (root / "pairsDevTest.txt").write_text("2\n" + "".join(matched + mismatched))
    return FolderData(dataset="lfw", root=root)


@pytest.fixture
def teacher(data: FolderData) -> TrainingSpec:
    return TrainingSpec(
        name="teacher",
        data=data,
        model=ModelSpec(kind="DeepID2Plus", options={"width": 4}),
        objective={"labels": Term(kind="LabelLoss"), "supervision": Term(kind="SupervisionLoss")},
        schedule=Schedule(epochs=3, batch_size=8),
    )


@pytest.fixture
def make_student(teacher: TrainingSpec) -> MakeSpec:
    def make(**changes: object) -> TrainingSpec:
        content: dict[str, object] = {
            "name": "student",
            "data": teacher.data,
            "model": ModelSpec(kind="MobileIDStudent", options={"width": 4}),
            "objective": {"neurons": Term(kind="NeuronLoss")},
            "schedule": Schedule(epochs=2, batch_size=8),
            "teacher": (teacher,),
        }
        return TrainingSpec(**(content | changes))

    return make
