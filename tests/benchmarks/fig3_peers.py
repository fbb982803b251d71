"""Trains Fig. 3 whole, T1 and six students, by one library in a process of its own, and prints what it took as JSON.

    python -m tests.benchmarks.fig3_peers torchdistill 32-true

Both libraries get the same networks with the same weights, images, augmentation, batches, rates and losses. Reading the
faces is not counted; making the cache is. torchdistill's students learn from the engine's T1, neurons chosen, which is
not counted either; its own T1 is. It runs with freed memory returned to the system, glibc's default, and with it kept,
as the engine always has it.
"""

from __future__ import annotations

import json
import logging
import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nbutils import memory
from nbutils.data import Faces
from nbutils.evaluation import verify
from nbutils.losses import Signals
from nbutils.losses.objective import Objective
from nbutils.models import extract_features
from nbutils.papers import Precision, face_data, luo2016
from nbutils.training import Store, TrainingSpec, train
from nbutils.training.engine import rate_factor
from nbutils.training.preparation import Preparation, feature_layer
from tests.benchmarks.torchdistill_setup import Augmented, arithmetic, training_config

#: Epochs of each network, and people of three images each.
EPOCHS = int(os.environ.get("NBUTILS_BENCHMARK_EPOCHS", "4"))
PEOPLE = int(os.environ.get("NBUTILS_BENCHMARK_PEOPLE", "1000"))


class Measured(NamedTuple):
    """Seconds of all trainings, and the AUC in percent of each network by its name."""

    seconds: float
    auc: dict[str, float]


def rows(targets: str, precision: Precision) -> dict[str, TrainingSpec]:
    """Fig. 3 at the laptop preset, but shorter."""
    data = face_data("synthetic").model_copy(update={"identities": PEOPLE, "validation_images": 1000, "pairs": 2000})
    teacher, *students = luo2016.fig3(data, targets=targets, watch=0).values()
    teacher = _shorter(teacher, precision)
    own = {
        s.name: _shorter(s, precision).model_copy(update={"teacher": (teacher,) if s.teacher else ()}) for s in students
    }
    return {"T1": teacher} | own


def _shorter(spec: TrainingSpec, precision: Precision) -> TrainingSpec:
    schedule = spec.schedule.model_copy(update={"epochs": EPOCHS})
    return spec.model_copy(update={"schedule": schedule, "precision": precision})


def by_engine(targets: str, precision: Precision) -> Measured:
    """The project's own engine."""
    specs = rows(targets, precision)
    faces = next(iter(specs.values())).data.load()
    with TemporaryDirectory() as folder:
        start = time.perf_counter()
        results = train(list(specs.values()), store=Store(folder), progress=False)
        seconds = time.perf_counter() - start
        features = {name: each.features(faces.test.images) for name, each in zip(specs, results, strict=True)}
    return Measured(seconds, {name: 100 * verify(f, faces.test, faces.pairs).auc for name, f in features.items()})


def by_torchdistill(precision: Precision) -> Measured:
    """torchdistill, with the losses of this project registered as its own."""
    from torchdistill.core.distillation import get_distillation_box
    from torchdistill.core.training import get_training_box

    logging.disable(logging.INFO)
    specs = rows("online", precision)
    faces = specs["T1"].data.load()
    seconds, auc = 0.0, {}
    with TemporaryDirectory() as folder:
        store = Store(folder)
        before = {specs["T1"].key: train(specs["T1"], store=store, progress=False)}
        for name, spec in specs.items():
            task = Preparation(faces, before, store, checkpoint_seconds=math.inf)(spec).task
            config = _config(spec, faces.train)
            images = {"train": Augmented(faces.train, spec.model.input_size)}
            start = time.perf_counter()
            if task.teacher is None:
                box = get_training_box(task.model, images, config, torch.device("cpu"), None, False, 1.0)
            else:
                box = get_distillation_box(
                    task.teacher.eval(), task.model, images, config, torch.device("cpu"), None, False, 1.0
                )
            task.model.train()
            for epoch in range(EPOCHS):
                box.pre_epoch_process(epoch=epoch)
                for batch, people, more in box.train_data_loader:
                    box.pre_forward_process()
                    with arithmetic(precision):
                        loss = box.forward_process(batch, people, more)
                    box.post_forward_process(loss)
                box.post_epoch_process()
            seconds += time.perf_counter() - start
            features = extract_features(task.model.eval(), faces.test.images, feature_layer(spec))
            auc[name] = 100 * verify(features, faces.test, faces.pairs).auc
    return Measured(seconds, auc)


def _config(spec: TrainingSpec, faces: Faces) -> dict[str, Any]:
    schedule = spec.schedule
    steps = schedule.epochs * math.ceil(len(faces) / schedule.batch_size)
    own = {"key": "OwnObjective", "kwargs": {"spec": spec, "faces": faces}}
    config = training_config(schedule, {"criterion": own, "weight": 1.0})
    rates = {"lr_lambda": partial(rate_factor, schedule, steps=steps)}
    return config | {"scheduler": {"key": "LambdaLR", "kwargs": rates, "scheduling_step": 1}}


class OwnObjective(nn.Module):
    """The objective of a spec as torchdistill calls a loss."""

    def __init__(self, spec: TrainingSpec, faces: Faces) -> None:
        super().__init__()
        self.objective = Objective({name: (term.weight, term.build()) for name, term in spec.objective.items()})
        self.truth = {"images": len(faces), "identities": faces.num_identities}

    def forward(self, student: Mapping[str, Any], teacher: Mapping[str, Any], people: Tensor) -> Tensor:
        """Returns the weighted sum of the terms for one batch."""
        answers = teacher["."]["output"] if teacher else None
        signals = Signals.of(student["."]["output"], answers, self.truth | {"identity": people})
        total: Tensor = self.objective(signals)[0]
        return total


#: torchdistill as it comes.
PEER = "torchdistill"
#: Each way by its name.
WAYS: dict[str, Callable[[Precision], Measured]] = {
    PEER: by_torchdistill,
    "torchdistill, freed memory kept": by_torchdistill,
    "nbutils, online": partial(by_engine, "online"),
    "nbutils, cached": partial(by_engine, "cached"),
}


def main(way: str, precision: Precision) -> None:
    """Measures, and prints the result."""
    if way == PEER:  # the engine, which makes its teacher, would ask for it
        memory._of_glibc = lambda name: None
    print(json.dumps(WAYS[way](precision)._asdict()))


if __name__ == "__main__":
    from torchdistill.losses.registry import register_mid_level_loss

    register_mid_level_loss(OwnObjective)
    main(*sys.argv[1:])  # type: ignore[arg-type]
