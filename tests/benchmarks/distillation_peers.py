"""Trains one student by one library in a process of its own, and prints what it measured as JSON.

    python -m tests.benchmarks.distillation_peers torchdistill soft 32-true kept

Both libraries get the same weights, images, augmentation, batches and optimiser. The first loss is of one batch without
augmentation, before any step; the speed is of the second epoch.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, RandomSampler
from torchvision import transforms

from nbutils import memory
from nbutils.data import Faces, SyntheticData, SyntheticFaces
from nbutils.data.batches import central_crops
from nbutils.models import DeepID2Plus, FaceNetwork, MobileIDStudent
from nbutils.training import ModelSpec, Schedule, Teacher, Term, TrainingSpec
from nbutils.training.engine import Task, fit

Precision = Literal["32-true", "bf16-mixed"]

#: NBUTILS_BENCHMARK_IMAGES says how many images an epoch has, whole batches.
IMAGES = int(os.environ.get("NBUTILS_BENCHMARK_IMAGES", "1024"))
BATCH, WIDTH, PEOPLE = 128, 32, 64
NEURONS = 512
TEMPERATURE = 10.0
INPUT = (55, 47)
SCHEDULE = Schedule(epochs=2, batch_size=BATCH, learning_rate=1e-4)
OBJECTIVES = {
    "soft": {"labels": Term("LabelLoss"), "soft": Term("SoftTargetLoss", options={"temperature": TEMPERATURE})},
    "neurons": {"neurons": Term("NeuronLoss")},
}


class Measured(NamedTuple):
    """What one process found: the loss of the first batch, and images a second."""

    first_loss: float
    images_per_second: float


def networks(objective: str) -> tuple[FaceNetwork, FaceNetwork]:
    """The teacher and the student with the weights that every process has."""
    torch.manual_seed(0)
    outputs = PEOPLE if objective == "soft" else NEURONS
    return DeepID2Plus(PEOPLE, width=WIDTH), MobileIDStudent(outputs, width=WIDTH)


def rendered() -> Faces:
    """Images a little larger than the input, as the augmentation wants them."""
    batch = SyntheticFaces(images_per_identity=IMAGES // PEOPLE).render(range(IMAGES), 61, 53)
    return Faces(batch.images, batch.identity, tuple(map(str, range(PEOPLE))))


def first_batch(faces: Faces) -> Faces:
    """One batch of exactly the input's size, which nothing is cut from."""
    return Faces(central_crops(faces.images[:BATCH], INPUT), faces.identity[:BATCH], faces.identity_names)


def by_engine(objective: str, precision: Precision) -> Measured:
    """The project's own engine, with the teacher online."""
    faces = rendered()
    spec = TrainingSpec(
        name="student",
        data=SyntheticData(),
        model=ModelSpec("MobileIDStudent", options={"width": WIDTH}),
        objective=OBJECTIVES[objective],
        schedule=SCHEDULE,
        teacher=(
            TrainingSpec(
                name="teacher",
                data=SyntheticData(),
                model=ModelSpec("DeepID2Plus", options={"width": WIDTH}),
                objective={"labels": Term("LabelLoss")},
                schedule=SCHEDULE,
            ),
        ),
        precision=precision,
    )

    def losses_and_seconds(spec: TrainingSpec, faces: Faces) -> tuple[float, float]:
        teacher, student = networks(objective)
        history = fit(Task(spec, student, Teacher([teacher])), faces, progress=False).history
        return history[0]["loss"], history[-1]["seconds"]

    still = SCHEDULE.model_copy(update={"epochs": 1, "mirror": False})
    loss, _ = losses_and_seconds(spec.model_copy(update={"schedule": still}), first_batch(faces))
    _, seconds = losses_and_seconds(spec, faces)
    return Measured(loss, IMAGES / seconds)


def by_torchdistill(objective: str, precision: Precision) -> Measured:
    """torchdistill as its documentation says; its teacher is in eval mode, which it does not see to by itself."""
    from torchdistill.core.distillation import get_distillation_box

    logging.disable(logging.INFO)
    faces = rendered()
    teacher, student = networks(objective)
    answers = "output" if objective == "soft" else "features"
    config = _torchdistill_config(objective)
    box = get_distillation_box(
        _Answers(teacher, answers).eval(), _Answers(student, "output"), {"train": _Augmented(faces)}, config,
        torch.device("cpu"), None, False, 1.0,
    )  # fmt: skip
    mixed = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed")
    still = first_batch(faces)
    pixels = torch.from_numpy(still.images).permute(0, 3, 1, 2) / 127.5 - 1
    box.pre_epoch_process()
    with torch.no_grad(), mixed:
        loss = float(box.forward_process(pixels, torch.from_numpy(still.identity), None))
    seconds = 0.0
    for epoch in range(SCHEDULE.epochs):
        start = time.perf_counter()
        box.pre_epoch_process(epoch=epoch)
        for images, people, more in box.train_data_loader:
            box.pre_forward_process()
            with mixed:
                step_loss = box.forward_process(images, people, more)
            box.post_forward_process(step_loss)
        box.post_epoch_process()
        seconds = time.perf_counter() - start
    return Measured(loss, IMAGES / seconds)


def _torchdistill_config(objective: str) -> dict[str, Any]:
    student, teacher = {"module_path": ".", "io": "output"}, {"module_path": ".", "io": "output"}
    terms: dict[str, Any] = {
        "soft": {
            "criterion": {
                "key": "KDLoss",
                "kwargs": {
                    "student_module_path": ".",
                    "student_module_io": "output",
                    "teacher_module_path": ".",
                    "teacher_module_io": "output",
                    "temperature": TEMPERATURE,
                    "alpha": 1.0,
                    "beta": 1.0,
                    "reduction": "batchmean",
                },
            },
            "weight": 1.0,
        },
        "neurons": {
            "criterion": {"key": "MSELoss", "kwargs": {"reduction": "sum"}},
            "criterion_wrapper": {
                "key": "SimpleLossWrapper",
                "kwargs": {
                    "input": {"is_from_teacher": False, **student},
                    "target": {"is_from_teacher": True, **teacher},
                },
            },
            "weight": 0.5 / BATCH,  # the batches are all full
        },
    }
    return {
        "num_epochs": SCHEDULE.epochs,
        "train_data_loader": {
            "dataset_id": "train",
            "sampler": {"class_or_func": RandomSampler},
            "kwargs": {"batch_size": BATCH, "num_workers": 0},
        },
        "teacher": {"forward_proc": "forward_batch_only", "requires_grad": False},
        "student": {"forward_proc": "forward_batch_only"},
        "optimizer": {
            "key": "SGD",
            "kwargs": {
                "lr": SCHEDULE.learning_rate,
                "momentum": SCHEDULE.momentum,
                "weight_decay": SCHEDULE.weight_decay,
                "nesterov": True,
            },
            "max_grad_norm": SCHEDULE.clip_norm,
        },
        "criterion": {"key": "WeightedSumLoss", "kwargs": {"sub_terms": {objective: terms[objective]}}},
    }


class _Answers(nn.Module):
    """A network that answers with one of its outputs alone, as torchdistill reads a module's output."""

    def __init__(self, network: FaceNetwork, which: str) -> None:
        super().__init__()
        self.network, self.which = network, which

    def forward(self, images: Tensor) -> Tensor:
        answer: Tensor = getattr(self.network(images), self.which)
        return answer


class _Augmented(Dataset[tuple[Tensor, int]]):
    """What one writes first: transforms image by image."""

    def __init__(self, faces: Faces) -> None:
        self.faces = faces
        self.transform = transforms.Compose(
            [
                transforms.ToPILImage(),
                transforms.RandomCrop(INPUT),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize((0.5,) * 3, (0.5,) * 3),
            ]
        )

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(self.faces.images[index]), int(self.faces.identity[index])


def main(library: str, objective: str, precision: Precision, allocator: str) -> None:
    """Measures, and prints the result."""
    if allocator == "kept":
        memory.keep_freed_memory()
    else:  # the engine asks for it by itself
        memory._of_glibc = lambda name: None
    measure = {"nbutils": by_engine, "torchdistill": by_torchdistill}[library]
    print(json.dumps(measure(objective, precision)._asdict()))


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]
