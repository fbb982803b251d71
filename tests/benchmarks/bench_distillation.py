"""One epoch of distillation: the plain loop, the engine with the teacher online, and with cached targets.

The plain loop is what one writes first: a DataLoader, transforms image by image, float32, the teacher's forward pass
at every step. Both keep freed memory in the process. The time of "cached" holds the building of the cache, spread over
the epochs of the laptop preset. Compare the rows of one run: `make benchmark`.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from nbutils.data.faces import Faces
from nbutils.data.spec import SyntheticData
from nbutils.memory import keep_freed_memory
from nbutils.models import DeepID2Plus, MobileIDStudent
from nbutils.training import ModelSpec, Schedule, Teacher, Term, TrainingSpec, recipes
from nbutils.training.checkpoint import Checkpoint
from nbutils.training.engine import fit
from nbutils.training.target_cache import TargetCache

IMAGES, BATCH, WIDTH = 2048, 128, 32
EPOCHS_OF_A_TRAINING = 16


class _Images(Dataset[torch.Tensor]):
    def __init__(self, images: npt.NDArray[np.uint8]) -> None:
        self.images = images
        self.transform = transforms.Compose(
            [
                transforms.ToPILImage(),
                transforms.RandomCrop((55, 47)),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize((0.5,) * 3, (0.5,) * 3),
            ]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> torch.Tensor:
        image: torch.Tensor = self.transform(self.images[index])
        return image


def _plain_epoch(faces: Faces, teacher: Teacher) -> None:
    student = MobileIDStudent(512, width=WIDTH).train()
    optimizer = torch.optim.SGD(student.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-4, nesterov=True)
    for images in DataLoader(_Images(faces.images), BATCH, shuffle=True):
        target = teacher(images).neurons
        loss = 0.5 * (student(images).output - target).square().sum(dim=1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _engine_epoch(faces: Faces, teacher: Teacher, spec: TrainingSpec, file: Path, cached: bool) -> None:
    features = torch.from_numpy(teacher.features(faces.images[::EPOCHS_OF_A_TRAINING])) if cached else None
    if features is not None:  # a sixteenth of the cache is this epoch's share; its rows are reused in turn
        features = features.repeat(EPOCHS_OF_A_TRAINING, 1)
    student = MobileIDStudent(512, width=WIDTH)
    cache = None if features is None else TargetCache(features)
    fit(spec, student, faces, teacher, cache, Checkpoint(file, 1e9), progress=False)


@pytest.mark.benchmark(group="one epoch of distillation")
@pytest.mark.parametrize("way", ["plain loop", "teacher online", "cached targets"])
def test_one_epoch(benchmark: BenchmarkFixture, way: str, tmp_path: Path) -> None:
    keep_freed_memory()
    data = SyntheticData(identities=128, images_per_identity=16, validation_images=10, pairs=20)
    faces = data.load().train
    assert len(faces) == IMAGES
    teacher = Teacher([DeepID2Plus(128, width=WIDTH)])
    spec = TrainingSpec(
        name="student",
        data=data,
        model=ModelSpec(name="MobileIDStudent", options={"width": WIDTH}),
        objective={"neurons": Term(loss="NeuronLoss")},
        schedule=Schedule(epochs=1, batch_size=BATCH, learning_rate=1e-4),
        teacher=(recipes.t1(data),),
        precision=recipes.best_precision(),
    )
    ways: dict[str, Callable[[], None]] = {
        "plain loop": lambda: _plain_epoch(faces, teacher),
        "teacher online": lambda: _engine_epoch(faces, teacher, spec, tmp_path / "c", cached=False),
        "cached targets": lambda: _engine_epoch(faces, teacher, spec, tmp_path / "c", cached=True),
    }
    ways[way]()
    benchmark(ways[way])
