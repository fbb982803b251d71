"""From a spec to a task: the teacher with its chosen neurons, the network with its outputs, and the cached targets."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from nbutils.data.faces import FaceData
from nbutils.errors import ParameterError
from nbutils.gpu import best_device
from nbutils.models.base import FaceNetwork
from nbutils.models.features import FeatureLayer
from nbutils.training.base import digest
from nbutils.training.checkpoint import Checkpoint
from nbutils.training.devices import broadcast, is_rank_zero
from nbutils.training.digest import closure
from nbutils.training.engine import Task
from nbutils.training.spec import TrainingSpec
from nbutils.training.store import Store

if TYPE_CHECKING:
    from nbutils.training.pair_watch import PairWatch
    from nbutils.training.target_cache import TargetCache
    from nbutils.training.teachers import Teacher


class Trained(Protocol):
    """What a task needs of its predecessors."""

    @property
    def model(self) -> FaceNetwork:
        """The network."""

    @property
    def metrics(self) -> dict[str, Any]:
        """What its training told."""

    @property
    def feature_layer(self) -> FeatureLayer:
        """Where its face representation is."""


@dataclass(frozen=True)
class Prepared:
    """A task, and what is told of it before it is trained.

    Attributes:
        task: To be trained.
        metrics: Outputs, neurons, their unit, what the selection and the cache say.
    """

    task: Task
    metrics: dict[str, Any]


@dataclass(frozen=True)
class Preparation:
    """Makes the tasks of one group, whose teachers share their networks.

    Attributes:
        data: Of the trainings.
        before: Their predecessors by key.
        store: Where caches and unfinished states lie.
        checkpoint_seconds: Least time between two checkpoints.
    """

    data: FaceData
    before: Mapping[str, Trained]
    store: Store
    checkpoint_seconds: float
    _given: dict[str, FaceNetwork] = field(default_factory=dict)

    def __call__(self, spec: TrainingSpec) -> Prepared:
        """Makes the task of a spec."""
        data, before, store = self.data, self.before, self.store
        content = spec.key_content()
        key = digest(content)
        teacher, note = self._teacher(spec)
        outputs = _outputs(spec, before, data, teacher)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(spec.seed)
            model = spec.model.build(outputs)
        if teacher is not None:
            teacher = _in_units(spec, before, teacher, model, data)
        if spec.initialise_from:
            from nbutils.training.initialise import load_backbone

            load_backbone(model, before[spec.initialise_from.key].model.state_dict())
        cache, lost = _cache(spec, teacher, data, store) if teacher is not None else (None, None)
        scratch = store.partial(key, content)
        checkpoint = Checkpoint(scratch, key, self.checkpoint_seconds)
        metrics = {
            "outputs": outputs,
            "neurons": teacher.neurons.tolist() if teacher is not None and spec.regresses_neurons else None,
            "neuron unit": teacher.scale if teacher is not None else None,
            "logit unit": teacher.logit_unit if teacher is not None else None,
            "selection": note,
            "soft targets lost": lost,
        }
        return Prepared(Task(spec, model, teacher, cache, checkpoint, _watch(spec, data, scratch)), metrics)

    def _teacher(self, spec: TrainingSpec) -> tuple[Teacher | None, str]:
        """The teacher with its neurons chosen, and what the selection says of itself."""
        if not spec.teacher:
            return None, ""
        from nbutils.training.teachers import Teacher

        networks: list[FaceNetwork] = []
        layers: list[FeatureLayer] = []
        for each in spec.teacher:
            if isinstance(each, TrainingSpec):
                networks.append(self.before[each.key].model)
                layers.append(self.before[each.key].feature_layer)
            else:
                if each.key not in self._given:
                    self._given[each.key] = each.network(spec.model.input_size)
                networks.append(self._given[each.key])
                layers.append("features")
        teacher = Teacher(networks, layers=layers)
        first = spec.initialise_from
        if first and _keeps_neurons(spec, first):
            metrics = self.before[first.key].metrics
            return teacher.choose(np.array(metrics["neurons"])), metrics["selection"]
        if spec.selection:
            from nbutils.training.choosing import choose_neurons

            choice = choose_neurons(teacher, self.data, spec.selection)
            return teacher.choose(choice.indices), choice.note
        return teacher, ""


def feature_layer(spec: TrainingSpec) -> FeatureLayer:
    """Where a trained network's face representation is."""
    return "output" if spec.regresses_neurons else "features"


def _watch(spec: TrainingSpec, data: FaceData, folder: Path) -> PairWatch | None:
    if not spec.watch or not len(data.pairs):
        return None
    from nbutils.training.pair_watch import PairWatch

    return PairWatch(folder, data, feature_layer(spec), spec.watch)


def _in_units(
    spec: TrainingSpec, before: Mapping[str, Trained], teacher: Teacher, model: FaceNetwork, data: FaceData
) -> Teacher:
    """The teacher in its units, or in its predecessor's; a student of neurons or logits starts at their mean."""
    from nbutils.training.target_units import TargetUnit, start_at

    if "teacher.logit_unit" in spec.reads:
        unit = TargetUnit.of_logits(teacher, data.train.images)
        start_at(model, unit.mean)
        teacher = teacher.in_units(logit_unit=unit.scale)
    if "teacher.neurons" not in spec.reads:
        return teacher
    first = spec.initialise_from
    if first and _keeps_neurons(spec, first):
        return teacher.in_units(scale=before[first.key].metrics["neuron unit"])
    unit = TargetUnit.of_neurons(teacher, data.train.images)
    if spec.regresses_neurons:
        start_at(model, unit.mean)
    return teacher.in_units(scale=unit.scale)


def _outputs(spec: TrainingSpec, before: Mapping[str, Trained], data: FaceData, teacher: Teacher | None) -> int:
    """How many units the student's last layer has: as many as what its objective takes them for.

    Raises:
        ParameterError: The objective takes them for people and for logits, and these differ in number.
    """
    people = data.train.num_identities
    if teacher is not None and spec.regresses_neurons:
        return teacher.num_neurons
    if teacher is not None and "teacher.logits" in spec.output_like:
        logits = teacher.num_logits  # the teacher's people, not those of these data
        if "truth.identity" in spec.output_like and logits != people:
            raise ParameterError(
                f"'{spec.name}': the teacher has {logits} logits, and the data have {people} people: expected as many "
                "where the objective reads both"
            )
        return logits
    if spec.initialise_from and "truth.identity" not in spec.output_like:
        outputs: int = before[spec.initialise_from.key].metrics["outputs"]
        return outputs  # the predecessor's people, whom these data need not know
    return people


def _keeps_neurons(spec: TrainingSpec, first: TrainingSpec) -> bool:
    """Whether it goes on regressing the neurons of its predecessor, instead of choosing again on other data."""
    if not (spec.regresses_neurons and first.regresses_neurons):
        return False
    return spec.selection == first.selection and [t.key for t in spec.teacher] == [t.key for t in first.teacher]


def _cache(
    spec: TrainingSpec, teacher: Teacher, data: FaceData, store: Store
) -> tuple[TargetCache | None, dict[str, float] | None]:
    """The teacher's targets for the plain images, and what keeping the top-k logits alone loses in KL (nats)."""
    if spec.targets == "online":
        return None, None
    from nbutils.training.target_cache import TargetCache, TopLogits
    from nbutils.training.teachers import read_answers

    features, logits = read_answers(_cached_answers(spec, teacher, data, store))
    if spec.top_k is None:
        return TargetCache(features, logits), None
    temperature = spec.soft_temperature
    assert temperature is not None  # the spec checks it
    exact = teacher.from_cached(features, logits)["logits"]
    top = TopLogits.of(exact, spec.top_k, temperature)
    lost = top.loss_in_kl(exact, temperature)
    return TargetCache(features, logits, top), {"mean": float(lost.mean()), "greatest": float(lost.max())}


def _cached_answers(spec: TrainingSpec, teacher: Teacher, data: FaceData, store: Store) -> Path:
    from nbutils.training.teachers import write_answers

    content = {
        "answers of": [t.key for t in spec.teacher],
        "data": spec.data.fingerprint(),
        "precision": spec.precision,
        "code": closure(["nbutils.training.teachers"]),
        "torch": torch.__version__,
    }
    key = digest(content)
    with store.claim(key) if is_rank_zero() else nullcontext() as found:
        folder = broadcast(found)
        if folder is None and is_rank_zero():
            mixed = spec.precision == "bf16-mixed"
            arithmetic = torch.autocast(best_device().type, torch.bfloat16, enabled=mixed)
            with store.publish(key, content) as aside, arithmetic:
                write_answers(teacher, data.train.images, aside)
        return broadcast(store.root / key)
