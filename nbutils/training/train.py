"""Resolve a graph of training specs: teachers before students, each network once, nothing the store holds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from safetensors.torch import load_file, save_file

from nbutils.data.attributes import IDENTITY_RELATED
from nbutils.data.faces import FaceData
from nbutils.data.landmarks import require_landmarks
from nbutils.errors import DataError, ParameterError
from nbutils.models import FaceNetwork, FeatureLayer, extract_features
from nbutils.paths import default_store
from nbutils.selection.classes import class_discriminativeness
from nbutils.selection.discriminativeness import attribute_discriminativeness as discriminate
from nbutils.selection.neurons import NeuronSelection, drop_inhibitive, select_neurons
from nbutils.training.checkpoint import Checkpoint
from nbutils.training.devices import leads, told_by_first
from nbutils.training.engine import fit
from nbutils.training.initialise import check_initialisation, load_backbone
from nbutils.training.sampling import check_sampling
from nbutils.training.spec import SelectionSpec, TrainingSpec, digest
from nbutils.training.store import Store
from nbutils.training.target_cache import TargetCache, TopLogits
from nbutils.training.teacher import Teacher, read_features, write_features


@dataclass(frozen=True)
class TrainingResult:
    """A trained network in the store.

    Attributes:
        spec: What was trained.
        folder: Its files: weights.safetensors, history.parquet, spec.json, metrics.json.
        trained_now: False where the store held it.
    """

    spec: TrainingSpec
    folder: Path
    trained_now: bool

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """Outputs, parameters, seconds, chosen neurons, the note on the selection, what a top-k cache lost in KL."""
        metrics: dict[str, Any] = json.loads((self.folder / "metrics.json").read_text())
        return metrics

    @cached_property
    def history(self) -> pd.DataFrame:
        """One row an epoch; see `nbutils.training.engine.fit`."""
        return pd.read_parquet(self.folder / "history.parquet")

    @cached_property
    def model(self) -> FaceNetwork:
        """The network with its weights, in evaluation mode."""
        model = self.spec.model.build(self.metrics["outputs"])
        model.load_state_dict(load_file(self.folder / "weights.safetensors"))
        return model.eval()

    @property
    def feature_layer(self) -> FeatureLayer:
        """Where its face representation is: its outputs if it regresses neurons, else the top hidden layer."""
        return "output" if self.spec.regresses_neurons else "features"

    def features(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """(N, F) representation of N images."""
        return extract_features(self.model, images, self.feature_layer)


@overload
def train(
    specs: TrainingSpec, *, store: Store | None = ..., progress: bool = ..., checkpoint_seconds: float = ...
) -> TrainingResult: ...
@overload
def train(
    specs: Iterable[TrainingSpec], *, store: Store | None = ..., progress: bool = ..., checkpoint_seconds: float = ...
) -> list[TrainingResult]: ...
def train(
    specs: TrainingSpec | Iterable[TrainingSpec],
    *,
    store: Store | None = None,
    progress: bool = True,
    checkpoint_seconds: float = 20.0,
) -> TrainingResult | list[TrainingResult]:
    """Trains one spec, or several in order, with all they need; what the store holds is taken from there.

    Args:
        specs: One or more.
        store: Where results lie; None: `nbutils.paths.default_store()`.
        progress: Show a bar for each training.
        checkpoint_seconds: Least time between two checkpoints.

    Returns:
        One result for one spec, a list in order for several.

    Raises:
        DataError: If the data lack what an objective reads; before anything is trained.
        ParameterError: If an initialisation or a batch cannot be made; likewise.
    """
    store = store or Store(default_store())
    specs = specs if isinstance(specs, TrainingSpec) else list(specs)
    for spec in [specs] if isinstance(specs, TrainingSpec) else specs:
        check(spec)
    if isinstance(specs, TrainingSpec):
        return _train(specs, store, progress, checkpoint_seconds)
    return [_train(spec, store, progress, checkpoint_seconds) for spec in specs]


def check(spec: TrainingSpec) -> None:
    """Refuses a training that its data or its predecessors cannot serve, before any of them is trained.

    Raises:
        DataError: The objective reads key points, and the data have none or impossible ones.
        ParameterError: The predecessor's network has other shapes, or no batch with triplets can be made.
    """
    data = spec.data.load()
    if "attributes" in spec.reads and data.train.attributes is None:
        raise DataError(f"'{spec.name}': the objective reads attributes, and {data.title} has none")
    if "landmarks" in spec.reads:
        require_landmarks(data.train, data.title)
    check_sampling(spec.schedule, data.train, spec.name)
    check_initialisation(spec)
    for predecessor in spec.predecessors:
        check(predecessor)


def choose_neurons(teacher: Teacher, data: FaceData, selection: SelectionSpec) -> NeuronSelection:
    """Selects a teacher's neurons: by Eq. 2 where the data have attributes, else by dropping inhibitive ones.

    Args:
        teacher: One network or an ensemble.
        data: Its validation faces are looked at, or the training faces where it has none.
        selection: Count, λ and number of images.
    """
    faces = data.validation or data.train
    keep = slice(0, selection.images)
    features = teacher.features(faces.images[keep])
    if faces.attributes is None:
        classes = class_discriminativeness(features, faces.identity[keep])
        return drop_inhibitive(classes.values, selective_at=classes.chance)
    x = discriminate(features, faces.attributes[keep])
    wanted = selection.count
    if wanted is not None:
        wanted = min(wanted, int((x > 0.5).any(axis=1).sum()))
    options = {} if selection.lam is None else {"lam": selection.lam}
    return select_neurons(x, IDENTITY_RELATED, count=wanted, **options)


def _train(spec: TrainingSpec, store: Store, progress: bool, checkpoint_seconds: float) -> TrainingResult:
    key = spec.key
    with store.lock(key) if leads() else nullcontext():
        if folder := told_by_first(store.find(key) if leads() else None):
            return TrainingResult(spec, folder, trained_now=False)
        before = {p.key: _train(p, store, progress, checkpoint_seconds) for p in spec.predecessors}
        teachers = [before[teacher.key] for teacher in spec.teacher]
        data = spec.data.load()
        teacher = Teacher([t.model for t in teachers]) if teachers else None
        note = ""
        first = before[spec.initialise_from.key] if spec.initialise_from else None
        if teacher and first and _keeps_neurons(spec):
            teacher = Teacher([t.model for t in teachers], np.array(first.metrics["neurons"]))
            note = first.metrics["selection"]
        elif teacher and spec.selection:
            choice = choose_neurons(teacher, data, spec.selection)
            teacher, note = Teacher([t.model for t in teachers], choice.indices), choice.note
        if teacher and spec.regresses_neurons:
            outputs = teacher.num_neurons
        elif teachers and "teacher_logits" in spec.reads and "label" not in spec.reads:
            outputs = teachers[0].metrics["outputs"]  # the teacher's people, not those of these data
        elif first and "label" not in spec.reads:
            outputs = first.metrics["outputs"]  # the predecessor's people, whom these data need not know
        else:
            outputs = data.train.num_identities
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(spec.seed)
            model = spec.model.build(outputs)
        if first:
            load_backbone(model, first.model.state_dict())
        cache, lost = None, None
        if teacher and spec.targets == "cached":
            cache = TargetCache(_cached_features(spec, teacher, data, store))
        if cache and teacher and spec.top_k:
            cache, lost = _kept_logits(spec, teacher, cache)
        checkpoint = Checkpoint(store.partial(key) / "checkpoint.safetensors", checkpoint_seconds)
        history = pd.DataFrame(fit(spec, model, data.train, teacher, cache, checkpoint, progress=progress))
        metrics = {
            "outputs": outputs,
            "parameters": sum(p.numel() for p in model.parameters()),
            "seconds": float(history["seconds"].sum()),
            "neurons": teacher.neurons.tolist() if teacher and spec.regresses_neurons else None,
            "selection": note,
            "soft targets lost": lost,
        }
        if leads():
            with store.publish(key) as aside:
                state = {name: value.contiguous() for name, value in model.state_dict().items()}
                save_file(state, aside / "weights.safetensors")
                history.to_parquet(aside / "history.parquet", index=False)
                (aside / "spec.json").write_text(spec.model_dump_json(indent=1))
                (aside / "metrics.json").write_text(json.dumps(metrics))
        return TrainingResult(spec, told_by_first(store.root / key), trained_now=True)


def _keeps_neurons(spec: TrainingSpec) -> bool:
    """Whether it goes on regressing the neurons of its predecessor, instead of choosing by other data anew."""
    first = spec.initialise_from
    if first is None or not (spec.regresses_neurons and first.regresses_neurons):
        return False
    return spec.selection == first.selection and [t.key for t in spec.teacher] == [t.key for t in first.teacher]


def _kept_logits(spec: TrainingSpec, teacher: Teacher, cache: TargetCache) -> tuple[TargetCache, dict[str, float]]:
    """The cache with the top-k logits, and what they lose in KL of the softened predictions (nats)."""
    temperature = spec.soft_temperature
    if spec.top_k is None or temperature is None:
        raise ParameterError(f"'{spec.name}': expected top_k and one soft-target term")
    logits = teacher.from_features(cache.features).logits
    top = TopLogits.of(logits, spec.top_k, temperature)
    lost = top.loss_in_kl(logits, temperature)
    return TargetCache(cache.features, top), {"mean": float(lost.mean()), "greatest": float(lost.max())}


def _cached_features(spec: TrainingSpec, teacher: Teacher, data: FaceData, store: Store) -> torch.Tensor:
    content = {
        "features of": [t.key for t in spec.teacher],
        "data": spec.data.fingerprint(),
        "precision": spec.precision,
    }
    key = digest(content)
    with store.lock(key) if leads() else nullcontext():
        folder = told_by_first(store.find(key) if leads() else None)
        if folder is None and leads():
            mixed = spec.precision == "bf16-mixed"
            with store.publish(key) as aside, torch.autocast("cpu", torch.bfloat16, enabled=mixed):
                write_features(teacher, data.train.images, aside / "features.npy")
        folder = told_by_first(store.root / key)
    return read_features(folder / "features.npy")
