"""Resolve a graph of training specs: teachers before students, each network once, nothing the store holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from safetensors.torch import load_file
from tqdm.auto import tqdm

from nbutils.data.faces import FaceData
from nbutils.errors import ParameterError
from nbutils.gpu import best_device
from nbutils.models.base import FaceNetwork
from nbutils.models.features import FeatureLayer, extract_features
from nbutils.paths import default_store
from nbutils.training.base import digest
from nbutils.training.checkpoint import Checkpoint
from nbutils.training.checks import check
from nbutils.training.devices import broadcast, is_rank_zero
from nbutils.training.digest import closure
from nbutils.training.engine import fit
from nbutils.training.interrupts import ending_tidily
from nbutils.training.spec import TrainingSpec
from nbutils.training.store import Store
from nbutils.training.tensor_file import write_tensors

if TYPE_CHECKING:
    from nbutils.training.pair_watch import PairWatch, Watched
    from nbutils.training.target_cache import TargetCache
    from nbutils.training.teachers import Teacher


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
        """What the training tells of itself.

        Outputs, parameters, seconds, chosen neurons and their unit, the note on the selection, what a top-k cache lost
        in KL, and the fidelity of each term on up to a thousand training faces and on unseen ones (validation faces, or
        test faces where there are none).
        """
        metrics: dict[str, Any] = json.loads((self.folder / "metrics.json").read_text())
        return metrics

    @cached_property
    def history(self) -> pd.DataFrame:
        """One row an epoch; see `nbutils.training.engine.fit`."""
        return pd.read_parquet(self.folder / "history.parquet")

    @cached_property
    def watched(self) -> Watched | None:
        """Distances of the verification pairs along the training, where the spec has a `watch` and the data pairs."""
        file = self.folder / "watched.npz"
        if not file.is_file():
            return None
        from nbutils.training.pair_watch import Watched

        with np.load(file, allow_pickle=False) as found:
            return Watched(found["steps"], found["distances"])

    @cached_property
    def model(self) -> FaceNetwork:
        """The network with its weights, in evaluation mode."""
        model = self.spec.model.build(self.metrics["outputs"])
        model.load_state_dict(load_file(self.folder / "weights.safetensors"))
        return model.eval()

    @property
    def feature_layer(self) -> FeatureLayer:
        """Where its face representation is: its outputs if it regresses neurons, else the top hidden layer."""
        return _feature_layer(self.spec)

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
        progress: Show a bar for each training, and one over several networks, trained or found.
        checkpoint_seconds: Least time between two checkpoints.

    Returns:
        One result for one spec, a list in order for several.

    Raises:
        DataError: If the data lack what an objective reads; before anything is trained.
        ParameterError: If a spec's parts do not fit each other (`nbutils.training.checks`); likewise.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from nbutils.data import SyntheticData
        >>> from nbutils.training import ModelSpec, Schedule, Store, Term, TrainingSpec, train
        >>> spec = TrainingSpec(
        ...     name="labels",
        ...     data=SyntheticData(identities=4, images_per_identity=4, validation_images=4, pairs=20),
        ...     model=ModelSpec("MobileIDStudent", options={"width": 4}),
        ...     objective={"labels": Term("LabelLoss")},
        ...     schedule=Schedule(epochs=1),
        ... )
        >>> with TemporaryDirectory() as folder:
        ...     first, again = (train(spec, store=Store(folder), progress=False) for _ in range(2))
        ...     first.trained_now, again.trained_now, len(first.history)
        (True, False, 1)
    """
    store = store or Store(default_store())
    specs = specs if isinstance(specs, TrainingSpec) else list(specs)
    with ending_tidily():
        for spec in [specs] if isinstance(specs, TrainingSpec) else specs:
            check(spec)
        if isinstance(specs, TrainingSpec):
            return _train(specs, store, progress, checkpoint_seconds)
        # What the store holds takes time too: its digests are compared.
        shown = tqdm(specs, "networks", leave=False, disable=not (progress and is_rank_zero()))
        return [_train(spec, store, progress, checkpoint_seconds) for spec in shown]


def _train(spec: TrainingSpec, store: Store, progress: bool, checkpoint_seconds: float) -> TrainingResult:
    content = spec.key_content()
    key = digest(content)
    with store.claim(key) if is_rank_zero() else nullcontext() as found:
        if folder := broadcast(found):
            return TrainingResult(spec, folder, trained_now=False)
        before = {p.key: _train(p, store, progress, checkpoint_seconds) for p in spec.predecessors}
        data = spec.data.load()
        teacher, note = _teacher(spec, before, data)
        outputs = _outputs(spec, before, data, teacher)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(spec.seed)
            model = spec.model.build(outputs)
        if teacher is not None:
            teacher = _in_unit(spec, before, teacher, model, data)
        if spec.initialise_from:
            from nbutils.training.initialise import load_backbone

            load_backbone(model, before[spec.initialise_from.key].model.state_dict())
        cache, lost = _cache(spec, teacher, data, store) if teacher is not None else (None, None)
        checkpoint = Checkpoint(store.partial(key, content), key, checkpoint_seconds)
        watch = _watch(spec, data, store.partial(key, content))
        unseen = data.validation or data.test
        fitted = fit(spec, model, data.train, teacher, cache, checkpoint, unseen=unseen, watch=watch, progress=progress)
        history = pd.DataFrame(fitted.history)
        metrics = {
            "outputs": outputs,
            "parameters": sum(p.numel() for p in model.parameters()),
            "seconds": float(history["seconds"].sum()),
            "neurons": teacher.neurons.tolist() if teacher is not None and spec.regresses_neurons else None,
            "neuron unit": teacher.scale if teacher is not None else None,
            "selection": note,
            "soft targets lost": lost,
            "fidelity": {of: {term: asdict(f) for term, f in each.items()} for of, each in fitted.fidelity.items()},
        }
        if is_rank_zero():
            with store.publish(key, content) as aside:
                write_tensors(model.state_dict(), aside / "weights.safetensors")
                history.to_parquet(aside / "history.parquet", index=False)
                if watch:
                    np.savez(aside / "watched.npz", **watch.collect(int(history["step"].iloc[-1]))._asdict())
                (aside / "spec.json").write_text(spec.model_dump_json(indent=1), encoding="utf-8")
                (aside / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
        return TrainingResult(spec, broadcast(store.root / key), trained_now=True)


def _feature_layer(spec: TrainingSpec) -> FeatureLayer:
    return "output" if spec.regresses_neurons else "features"


def _watch(spec: TrainingSpec, data: FaceData, folder: Path) -> PairWatch | None:
    if not spec.watch or not len(data.pairs):
        return None
    from nbutils.training.pair_watch import PairWatch

    return PairWatch(folder, data, _feature_layer(spec), spec.watch)


def _teacher(spec: TrainingSpec, before: Mapping[str, TrainingResult], data: FaceData) -> tuple[Teacher | None, str]:
    """The teacher with its neurons chosen, and what the selection says of itself."""
    if not spec.teacher:
        return None, ""
    from nbutils.training.teachers import Teacher

    networks: list[FaceNetwork] = []
    layers: list[FeatureLayer] = []
    for each in spec.teacher:
        if isinstance(each, TrainingSpec):
            networks.append(before[each.key].model)
            layers.append(before[each.key].feature_layer)
        else:
            networks.append(each.network(spec.model.input_size))
            layers.append("features")
    teacher = Teacher(networks, layers=layers)
    first = spec.initialise_from
    if first and _keeps_neurons(spec, first):
        metrics = before[first.key].metrics
        return teacher.choose(np.array(metrics["neurons"])), metrics["selection"]
    if spec.selection:
        from nbutils.training.choosing import choose_neurons

        choice = choose_neurons(teacher, data, spec.selection)
        return teacher.choose(choice.indices), choice.note
    return teacher, ""


def _in_unit(
    spec: TrainingSpec, before: Mapping[str, TrainingResult], teacher: Teacher, model: FaceNetwork, data: FaceData
) -> Teacher:
    """The teacher in the unit of its neurons, or in its predecessor's; the student's output starts at their mean."""
    from nbutils.training.neuron_units import NeuronUnits, start_at

    if "teacher.neurons" not in spec.reads:
        return teacher
    first = spec.initialise_from
    if first and _keeps_neurons(spec, first):
        return teacher.in_unit(before[first.key].metrics["neuron unit"])
    units = NeuronUnits.of(teacher, data.train.images)
    if spec.regresses_neurons:
        start_at(model, units.mean)
    return teacher.in_unit(units.scale)


def _outputs(spec: TrainingSpec, before: Mapping[str, TrainingResult], data: FaceData, teacher: Teacher | None) -> int:
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
