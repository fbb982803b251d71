"""One epoch of distillation: the plain loop, the engine with the teacher online, and with cached targets.

The plain loop is what one writes first: a DataLoader, transforms image by image, float32, the teacher's forward pass
at every step; once over images that lie in memory as ours do, once over a folder of JPEGs of LFW's 250×250 pixels.
All keep freed memory in the process. The time of "cached" holds the building of the cache, spread over the epochs of
the laptop preset. Compare the rows of one run: `make benchmark`.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.datasets import ImageFolder

from nbutils.data.faces import Faces
from nbutils.data.sources.embedded import SyntheticData
from nbutils.memory import keep_freed_memory
from nbutils.models import DeepID2Plus, MobileIDStudent
from nbutils.papers import best_precision, luo2016
from nbutils.training import ModelSpec, Schedule, Teacher, Term, TrainingSpec
from nbutils.training.engine import Task, fit
from nbutils.training.target_cache import TargetCache

IMAGES, BATCH, WIDTH = 2048, 128, 32
EPOCHS_OF_A_TRAINING = 16


#: From a PIL image a little larger than the input to the input, as the engine's augmentation does for a batch.
AUGMENT = [
    transforms.RandomCrop((55, 47)),
    transforms.RandomHorizontalFlip(),
    transforms.ToTensor(),
    transforms.Normalize((0.5,) * 3, (0.5,) * 3),
]


class _InMemory(Dataset[tuple[torch.Tensor, int]]):
    def __init__(self, faces: Faces) -> None:
        self.faces = faces
        self.transform = transforms.Compose([transforms.ToPILImage(), *AUGMENT])

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(self.faces.images[index]), int(self.faces.identity[index])


def _in_files(faces: Faces, folder: Path) -> Dataset[tuple[torch.Tensor, int]]:
    """The same images, enlarged to a folder of JPEGs with one folder a person."""
    for i, (image, person) in enumerate(zip(faces.images, faces.identity, strict=True)):
        file = folder / f"{person:04d}" / f"{i:04d}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).resize((250, 250)).save(file)
    images: Dataset[tuple[torch.Tensor, int]] = ImageFolder(
        str(folder), transforms.Compose([transforms.Resize((61, 53)), *AUGMENT])
    )
    return images


def _plain_epoch(images_and_labels: Dataset[tuple[torch.Tensor, int]], teacher: Teacher) -> None:
    student = MobileIDStudent(512, width=WIDTH).train()
    optimizer = torch.optim.SGD(student.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-4, nesterov=True)
    for images, _ in DataLoader(images_and_labels, BATCH, shuffle=True):
        target = teacher(images).neurons
        loss = 0.5 * (student(images).output - target).square().sum(dim=1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _engine_epoch(faces: Faces, teacher: Teacher, spec: TrainingSpec, cached: bool) -> None:
    features = None
    if cached:  # a sixteenth of the cache is this epoch's share; its rows are reused in turn
        with torch.autocast("cpu", torch.bfloat16, enabled=spec.precision == "bf16-mixed"):
            share = teacher.features(faces.images[::EPOCHS_OF_A_TRAINING])
        features = torch.from_numpy(share).repeat(EPOCHS_OF_A_TRAINING, 1)
    cache = None if features is None else TargetCache(features)
    student = MobileIDStudent(512, width=WIDTH)
    fit(Task(spec, student, teacher, cache), faces, progress=False)


@pytest.mark.benchmark(group="one epoch of distillation")
@pytest.mark.parametrize("way", ["plain loop on files", "plain loop", "teacher online", "cached targets"])
def test_one_epoch(benchmark: BenchmarkFixture, way: str, tmp_path: Path) -> None:
    keep_freed_memory()
    data = SyntheticData(identities=128, images_per_identity=16, validation_images=10, pairs=20)
    faces = data.load().train
    assert len(faces) == IMAGES
    teacher = Teacher([DeepID2Plus(128, width=WIDTH)])
    spec = TrainingSpec(
        name="student",
        data=data,
        model=ModelSpec(kind="MobileIDStudent", options={"width": WIDTH}),
        objective={"neurons": Term(kind="NeuronLoss")},
        schedule=Schedule(epochs=1, batch_size=BATCH, learning_rate=1e-4),
        teacher=(luo2016.t1(data),),
        precision=best_precision(),
    )
    images = _in_files(faces, tmp_path / "faces") if way == "plain loop on files" else _InMemory(faces)
    ways: dict[str, Callable[[], None]] = {
        "plain loop on files": lambda: _plain_epoch(images, teacher),
        "plain loop": lambda: _plain_epoch(images, teacher),
        "teacher online": lambda: _engine_epoch(faces, teacher, spec, cached=False),
        "cached targets": lambda: _engine_epoch(faces, teacher, spec, cached=True),
    }
    ways[way]()
    benchmark(ways[way])
