"""What a graph of trainings will take: time, memory and disk, from steps measured here, before anything is trained.

Nothing is loaded where the sizes of the data follow from their spec, or are given: noise of the same shape costs as
much as faces.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import psutil
import torch
from torch import Tensor
from tqdm.auto import tqdm

from nbutils.data.attributes import ATTRIBUTES
from nbutils.data.faces import Faces
from nbutils.data.spec import DataSize, DataSpec
from nbutils.memory import memory_growth
from nbutils.models.base import FaceNetwork
from nbutils.models.features import FeatureLayer
from nbutils.training.base import digest
from nbutils.training.devices import make_fabric
from nbutils.training.engine import Task, fit
from nbutils.training.spec import AnyTeacher, TrainingSpec
from nbutils.training.target_cache import TargetCache, TopLogits
from nbutils.training.teachers import Teacher

#: Steps of a measurement; the first, in which libraries choose their kernels, does not count.
_STEPS = 3
#: Pixels of a batch that is measured; one of more than twice as many is taken to lie on the line through two smaller.
_PIXELS = 2**20
#: Images of the teacher's measurement.
_TEACHER_IMAGES = 64


@dataclass(frozen=True)
class PlannedTraining:
    """One training of a plan.

    Attributes:
        content: Which spec; see `content_of`.
        name: The spec's.
        after: Names of the trainings that must come before it.
        network: Class of the network.
        images: To train on.
        identities: Of them.
        epochs: Over them.
        steps: Of the optimiser, in all epochs.
        parameters: Of the network while it trains.
        images_per_second: As measured.
        seconds: Of all steps, of the teacher's targets if cached, and of the look at its neurons if selected.
        memory: Bytes: the process as it is, all images, and its growth in the measured steps: networks, gradients,
            momentum, activations, scratch space.
        disk: Bytes that stay in the store: weights, and cached targets where no training before it has written them.
    """

    content: str
    name: str
    after: tuple[str, ...]
    network: str
    images: int
    identities: int
    epochs: int
    steps: int
    parameters: int
    images_per_second: float
    seconds: float
    memory: int
    disk: int


@dataclass(frozen=True)
class Plan:
    """A graph of trainings in an order in which they can run, each once.

    Attributes:
        trainings: Teachers before students.
        measured_on: The device, in words.
    """

    trainings: tuple[PlannedTraining, ...]
    measured_on: str

    @property
    def seconds(self) -> float:
        """Of all trainings, one after the other."""
        return sum(training.seconds for training in self.trainings)

    @property
    def memory(self) -> int:
        """Bytes of the largest training."""
        return max((training.memory for training in self.trainings), default=0)

    @property
    def disk(self) -> int:
        """Bytes of all results."""
        return sum(training.disk for training in self.trainings)


def content_of(spec: TrainingSpec) -> str:
    """Digest of all that a spec says but its name: the same for the same training, and found without its data."""
    return digest(spec.model_dump(mode="json", exclude={"name"}))


def plan(specs: Iterable[TrainingSpec], sizes: Mapping[DataSpec, DataSize] | None = None) -> Plan:
    """Estimates what `nbutils.training.train` would take with an empty store, from some measured steps of each kind.

    Trainings that differ in nothing that costs (the seed, the learning rate, the fold) are measured once. Of selected
    neurons, as many as wanted are taken to be found. Reading or rendering the images is not part of the estimate.

    Args:
        specs: What is wanted; their predecessors are planned too.
        sizes: Sizes of data that are not to be loaded; of others, `DataSpec.size`.
    """
    planner = _Planner(dict(sizes or {}))
    for spec in tqdm(list(specs), desc="measuring", unit="training", leave=False, disable=None):
        planner.add(spec)
    threads = torch.get_num_threads()
    processor = f"{threads} thread{'s' if threads > 1 else ''} of this processor"
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else processor
    return Plan(tuple(planner.planned.values()), device)


@dataclass(frozen=True)
class _Cost:
    """Seconds of a step and of an image through the teachers; parameters; width of the features; bytes of all steps."""

    step: float
    teacher_image: float
    parameters: int
    inputs: int
    memory: int


class _Planner:
    def __init__(self, sizes: dict[DataSpec, DataSize]) -> None:
        self.sizes = sizes
        self.planned: dict[str, PlannedTraining] = {}
        self._costs: dict[str, _Cost] = {}
        self._caches: set[str] = set()
        make_fabric("32-true")  # what it imports is in memory from the first training on
        self._process = psutil.Process().memory_info().rss

    def add(self, spec: TrainingSpec) -> str:
        """Plans a spec after its predecessors, unless it is planned; returns its name."""
        content = content_of(spec)
        if content not in self.planned:
            after = tuple(dict.fromkeys(self.add(p) for p in spec.predecessors))
            self.planned[content] = self._estimate(spec, content, after)
        return self.planned[content].name

    def _estimate(self, spec: TrainingSpec, content: str, after: tuple[str, ...]) -> PlannedTraining:
        size, cost = self._size(spec.data), self._cost(spec)
        batch = spec.schedule.batch_size
        each_epoch = size.train // batch if spec.schedule.images_per_identity else math.ceil(size.train / batch)
        steps = spec.schedule.epochs * each_epoch
        seconds, disk = steps * cost.step, 4 * cost.parameters
        if spec.targets == "cached":
            cache = digest([spec.data.model_dump(mode="json"), [t.model_dump(mode="json") for t in spec.teacher]])
            if cache not in self._caches:
                self._caches.add(cache)
                seconds += size.train * cost.teacher_image
                disk += 4 * size.train * cost.inputs
        if spec.selection:
            looked_at = self._size(spec.probe) if spec.probe else size
            seconds += min(spec.selection.images, looked_at.validation or looked_at.train) * cost.teacher_image
        images = size.height * size.width * size.channels * (size.train + size.validation + size.test)
        return PlannedTraining(
            content=content,
            name=spec.name,
            after=after,
            network=str(spec.model.kind),
            images=size.train,
            identities=size.identities,
            epochs=spec.schedule.epochs,
            steps=steps,
            parameters=cost.parameters,
            images_per_second=batch / cost.step,
            seconds=seconds,
            memory=self._process + images + cost.memory,
            disk=disk,
        )

    def _size(self, data: DataSpec) -> DataSize:
        if data not in self.sizes:
            self.sizes[data] = data.size()
        return self.sizes[data]

    def _cost(self, spec: TrainingSpec) -> _Cost:
        size = self.sizes[spec.data]
        kind = spec.model_dump(mode="json", include={"model", "objective", "targets", "top_k", "precision"})
        batch = [spec.schedule.batch_size, spec.schedule.images_per_identity]
        models = [_network_of(teacher) for teacher in spec.teacher]
        count = spec.selection.model_dump(include={"count", "share"}) if spec.selection else None
        shape = [size.identities, size.height, size.width, size.channels]
        key = digest([kind, batch, models, count, shape])
        if key not in self._costs:
            self._costs[key] = _measure(spec, size)
        return self._costs[key]


def _measure(spec: TrainingSpec, size: DataSize) -> _Cost:
    """Trains for some steps on noise, of the spec's batches or of two smaller ones that fit into memory anywhere."""
    whole, each = spec.schedule.batch_size, 2 * (spec.schedule.images_per_identity or 1)
    most = max(_PIXELS // (size.height * size.width) // each, 2) * each
    if whole <= 2 * most:
        return _measure_batch(spec, size, whole)
    small, large = (_measure_batch(spec, size, batch) for batch in (most // 2 // each * each, most))
    times = (whole - most) / (most - most // 2 // each * each)
    step = large.step + times * max(large.step - small.step, 0)
    return replace(large, step=step, memory=large.memory + round(times * max(large.memory - small.memory, 0)))


def _measure_batch(spec: TrainingSpec, size: DataSize, batch: int) -> _Cost:
    faces = _noise(spec, size, batch)
    with memory_growth() as growth:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            teacher = _teacher(spec, size)
            model = spec.model.build(_outputs(spec, teacher, size))
        teacher_image, cache, inputs = 0.0, None, 0
        if teacher:
            teacher_image, inputs = _teacher_pass(teacher, spec, size)
            if spec.targets == "cached":
                cache = _cache(spec, teacher, torch.rand(len(faces), inputs))
        schedule = spec.schedule.model_copy(update={"epochs": _STEPS, "batch_size": batch, "learning_rate": 1e-9})
        once = spec.model_copy(update={"schedule": schedule})
        history = fit(Task(once, model, teacher, cache), faces, progress=False).history
    return _Cost(
        step=float(np.median([row["seconds"] for row in history[1:]])),
        teacher_image=teacher_image,
        parameters=sum(p.numel() for p in model.parameters()),
        inputs=inputs,
        memory=growth.most,
    )


def _noise(spec: TrainingSpec, size: DataSize, count: int) -> Faces:
    rng = np.random.default_rng(0)
    shape = (count, size.height, size.width, size.channels)
    each = spec.schedule.images_per_identity or 1
    return Faces(
        rng.integers(0, 256, shape, dtype=np.uint8),
        np.arange(count) // each % size.identities,
        tuple(map(str, range(size.identities))),
        rng.random((count, len(ATTRIBUTES))) < 0.5 if "truth.attributes" in spec.reads else None,
        np.ones((count, 5, 2), np.float32) if "truth.landmarks" in spec.reads else None,
    )


def _teacher(spec: TrainingSpec, size: DataSize) -> Teacher | None:
    if not spec.teacher:
        return None
    networks: list[FaceNetwork] = []
    layers: list[FeatureLayer] = []
    for each in spec.teacher:
        if isinstance(each, TrainingSpec):
            networks.append(each.model.build(_outputs(each, _teacher(each, size), size)))
        else:
            networks.append(each.network(spec.model.input_size))
        layers.append("output" if isinstance(each, TrainingSpec) and each.regresses_neurons else "features")
    teacher = Teacher(networks, layers=layers)
    wanted = spec.selection.wanted(teacher.num_neurons) if spec.selection else None
    return teacher.choose(np.arange(wanted or teacher.num_neurons))


def _outputs(spec: TrainingSpec, teacher: Teacher | None, size: DataSize) -> int:
    """Units of the last layer; of logits as many as the teacher has, else as many as people."""
    if teacher is not None and spec.regresses_neurons:
        return teacher.num_neurons
    return teacher.num_logits if teacher is not None and "teacher.logits" in spec.output_like else size.identities


def _network_of(teacher: AnyTeacher) -> object:
    """What of a teacher decides the cost of a step."""
    return teacher.model.model_dump(mode="json") if isinstance(teacher, TrainingSpec) else teacher.key


def _teacher_pass(teacher: Teacher, spec: TrainingSpec, size: DataSize) -> tuple[float, int]:
    """Seconds an image, and the width of the features."""
    images = _noise(spec, size, min(_TEACHER_IMAGES, max(_PIXELS // (size.height * size.width), 1))).images
    teacher.features(images[:2])
    start = time.perf_counter()
    features = teacher.features(images)
    return (time.perf_counter() - start) / len(images), features.shape[1]


def _cache(spec: TrainingSpec, teacher: Teacher, features: Tensor) -> TargetCache:
    logits = torch.rand(len(features), len(teacher.networks), teacher.num_logits) if teacher.must_keep_logits else None
    if spec.top_k is None or spec.soft_temperature is None:
        return TargetCache(features, logits)
    exact = teacher.from_cached(features, logits)["logits"]
    return TargetCache(features, logits, TopLogits.of(exact, spec.top_k, spec.soft_temperature))
