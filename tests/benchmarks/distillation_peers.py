"""Trains one student in one way in a process of its own, and prints what it measured as JSON.

    python -m tests.benchmarks.distillation_peers torchdistill soft 32-true kept

All ways get the same weights, images, augmentation, batches and optimiser. The first loss is of one batch without
augmentation, before any step; the speed is of the second epoch.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from nbutils import memory
from nbutils.data import Faces, SyntheticData, SyntheticFaces
from nbutils.data.batches import central_crops
from nbutils.models import DeepID2Plus, FaceNetwork, MobileIDStudent
from nbutils.papers import Precision
from nbutils.training import ModelSpec, Schedule, Teacher, Term, TrainingSpec
from nbutils.training.engine import Fitted, Task, fit_together
from nbutils.training.target_cache import TargetCache
from tests.benchmarks.torchdistill_setup import Augmented, arithmetic, training_config

#: NBUTILS_BENCHMARK_IMAGES says how many images an epoch has, whole batches.
IMAGES = int(os.environ.get("NBUTILS_BENCHMARK_IMAGES", "1024"))
BATCH, WIDTH, PEOPLE = 128, 32, 64
NEURONS = 512
#: How many students Fig. 3 of Luo et al. 2016 has, and over how many epochs of a training a cache is used.
STUDENTS, EPOCHS_OF_A_TRAINING = 6, 16
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
    return Measured(_first_loss(objective, precision), IMAGES / _seconds(_engine(objective, precision, rendered())))


def by_engine_together(objective: str, precision: Precision) -> Measured:
    """As many students as Fig. 3 has, in one process; images are counted for each of them."""
    seconds = _seconds(_engine(objective, precision, rendered(), students=STUDENTS))
    return Measured(_first_loss(objective, precision), STUDENTS * IMAGES / seconds)


def by_engine_cached(objective: str, precision: Precision) -> Measured:
    """The engine with cached targets; a training's share of making the cache is counted."""
    faces = rendered()
    teacher, _ = networks(objective)
    start = time.perf_counter()
    with arithmetic(precision):
        features = Teacher([teacher]).features(faces.images)
    making = (time.perf_counter() - start) / EPOCHS_OF_A_TRAINING
    seconds = _seconds(_engine(objective, precision, faces, cache=TargetCache(torch.from_numpy(features))))
    return Measured(_first_loss(objective, precision), IMAGES / (seconds + making))


def _first_loss(objective: str, precision: Precision) -> float:
    still = SCHEDULE.model_copy(update={"epochs": 1, "mirror": False})
    (fitted,) = _engine(objective, precision, first_batch(rendered()), still)
    return fitted.history[0]["loss"]


def _seconds(fitted: list[Fitted]) -> float:
    return sum(each.history[-1]["seconds"] for each in fitted)


def _engine(
    objective: str,
    precision: Precision,
    faces: Faces,
    schedule: Schedule = SCHEDULE,
    students: int = 1,
    cache: TargetCache | None = None,
) -> list[Fitted]:
    spec = TrainingSpec(
        name="student",
        data=SyntheticData(),
        model=ModelSpec("MobileIDStudent", options={"width": WIDTH}),
        objective=OBJECTIVES[objective],
        schedule=schedule,
        teacher=(
            TrainingSpec(
                name="teacher",
                data=SyntheticData(),
                model=ModelSpec("DeepID2Plus", options={"width": WIDTH}),
                objective={"labels": Term("LabelLoss")},
                schedule=schedule,
            ),
        ),
        precision=precision,
    )
    shared = Teacher([networks(objective)[0]])
    tasks = [Task(spec, networks(objective)[1], shared, cache) for _ in range(students)]
    ended = fit_together(tasks, faces, progress=False)
    fitted = [each for each in ended if isinstance(each, Fitted)]
    assert len(fitted) == students, ended
    return fitted


def by_plain_loop(objective: str, precision: Precision) -> Measured:
    """What one writes first: a DataLoader, transforms image by image, the teacher's forward pass at every step."""
    faces = rendered()
    teacher, student = networks(objective)
    teacher.eval()
    optimizer = torch.optim.SGD(
        student.parameters(),
        lr=SCHEDULE.learning_rate,
        momentum=SCHEDULE.momentum,
        weight_decay=SCHEDULE.weight_decay,
        nesterov=True,
    )

    def loss_of(images: Tensor, people: Tensor) -> Tensor:
        with arithmetic(precision):
            with torch.no_grad():
                target = teacher(images)
            answer = student(images).output.float()
            if objective == "neurons":
                return 0.5 * (answer - target.features).square().sum(dim=1).mean()
            soft = F.log_softmax(answer / TEMPERATURE, dim=1), F.softmax(target.output.float() / TEMPERATURE, dim=1)
            return F.cross_entropy(answer, people) + TEMPERATURE**2 * F.kl_div(*soft, reduction="batchmean")

    with torch.no_grad():
        first = float(loss_of(*_still(faces)))
    seconds = 0.0
    for _ in range(SCHEDULE.epochs):
        start = time.perf_counter()
        for images, people in DataLoader(Augmented(faces, INPUT), BATCH, shuffle=True):
            loss = loss_of(images, people)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        seconds = time.perf_counter() - start
    return Measured(first, IMAGES / seconds)


def by_torchdistill(objective: str, precision: Precision) -> Measured:
    """torchdistill as its documentation says; its teacher is in eval mode, which it does not see to by itself."""
    from torchdistill.core.distillation import get_distillation_box

    logging.disable(logging.INFO)
    faces = rendered()
    teacher, student = networks(objective)
    answers = "output" if objective == "soft" else "features"
    config = _torchdistill_config(objective)
    box = get_distillation_box(
        _Answers(teacher, answers).eval(), _Answers(student, "output"), {"train": Augmented(faces, INPUT)}, config,
        torch.device("cpu"), None, False, 1.0,
    )  # fmt: skip
    box.pre_epoch_process()
    with torch.no_grad(), arithmetic(precision):
        loss = float(box.forward_process(*_still(faces), None))
    seconds = 0.0
    for epoch in range(SCHEDULE.epochs):
        start = time.perf_counter()
        box.pre_epoch_process(epoch=epoch)
        for images, people, more in box.train_data_loader:
            box.pre_forward_process()
            with arithmetic(precision):
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
    return training_config(SCHEDULE, terms[objective])


def _still(faces: Faces) -> tuple[Tensor, Tensor]:
    batch = first_batch(faces)
    return torch.from_numpy(batch.images).permute(0, 3, 1, 2) / 127.5 - 1, torch.from_numpy(batch.identity)


class _Answers(nn.Module):
    """A network that answers with one of its outputs alone, as torchdistill reads a module's output.

    In float32, as the engine's losses are: with bf16's eight bits a divergence of 0.002 comes out as −0.27.
    """

    def __init__(self, network: FaceNetwork, which: str) -> None:
        super().__init__()
        self.network, self.which = network, which

    def forward(self, images: Tensor) -> Tensor:
        answer: Tensor = getattr(self.network(images), self.which)
        return answer.float()


#: Each way to train by its name.
WAYS = {
    "torchdistill": by_torchdistill,
    "plain loop": by_plain_loop,
    "nbutils": by_engine,
    "nbutils, six students together": by_engine_together,
    "nbutils, cached targets": by_engine_cached,
}


def main(way: str, objective: str, precision: Precision, allocator: str) -> None:
    """Measures, and prints the result."""
    if allocator == "kept":
        memory.keep_freed_memory()
    else:  # the engine asks for it by itself
        memory._of_glibc = lambda name: None
    print(json.dumps(WAYS[way](objective, precision)._asdict()))


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]
