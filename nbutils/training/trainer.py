"""Resolve a graph of training specs: teachers before students, each network once, nothing the store holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt
import pandas as pd
from safetensors.torch import load_file
from tqdm.auto import tqdm

from nbutils.data.faces import FaceData
from nbutils.models.base import FaceNetwork
from nbutils.models.features import FeatureLayer, extract_features
from nbutils.training.checks import check
from nbutils.training.devices import broadcast, is_rank_zero
from nbutils.training.engine import Fitted, fit_together
from nbutils.training.groups import fitting, grouped
from nbutils.training.interrupts import ending_tidily, stopping_in_one_line
from nbutils.training.preparation import Preparation, Prepared, feature_layer
from nbutils.training.spec import TrainingSpec
from nbutils.training.store import Store
from nbutils.training.store_places import open_store
from nbutils.training.tensor_file import write_tensors

if TYPE_CHECKING:
    from nbutils.training.pair_watch import Watched


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

        Outputs, parameters, seconds, chosen neurons and their unit, that of the logits, the note on the selection, what
        a top-k cache lost in KL, and the fidelity of each term on up to a thousand training faces and on unseen ones
        (validation faces, or test faces where there are none).
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
            return Watched(found["images"], found["distances"])

    @cached_property
    def model(self) -> FaceNetwork:
        """The network with its weights, in evaluation mode."""
        model = self.spec.model.build(self.metrics["outputs"])
        model.load_state_dict(load_file(self.folder / "weights.safetensors"))
        return model.eval()

    @property
    def feature_layer(self) -> FeatureLayer:
        """Where its face representation is: its outputs if it regresses neurons, else the top hidden layer."""
        return feature_layer(self.spec)

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
    """Trains one spec, or several, with all they need; what the store holds is taken from there.

    Of several, those that see the same batches and have the same teacher are trained together
    (`nbutils.training.groups`), with the same weights in the end.

    Args:
        specs: One or more.
        store: Where results lie; None: what `open_store` opens.
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
    store = store or open_store()
    specs = specs if isinstance(specs, TrainingSpec) else list(specs)
    with ending_tidily():
        for spec in [specs] if isinstance(specs, TrainingSpec) else specs:
            check(spec)
        if isinstance(specs, TrainingSpec):
            return _train([specs], store, progress, checkpoint_seconds)[0]
        return _train(specs, store, progress, checkpoint_seconds)


def _train(
    specs: Sequence[TrainingSpec], store: Store, progress: bool, checkpoint_seconds: float
) -> list[TrainingResult]:
    found: dict[str, TrainingResult] = {}
    # What the store holds takes time too: its digests are compared.
    with tqdm(total=len(specs), desc="networks", leave=False, disable=not (progress and len(specs) > 1)) as bar:
        for group in grouped(specs):
            found |= _train_group(group, store, progress and is_rank_zero(), checkpoint_seconds)
            bar.update(len(group))
    results = []
    for spec in specs:
        result = found[spec.key]
        results.append(replace(result, spec=spec))
        found[spec.key] = replace(result, trained_now=False)  # for another spec with this key
    return results


def _train_group(
    specs: Mapping[str, TrainingSpec], store: Store, progress: bool, checkpoint_seconds: float
) -> dict[str, TrainingResult]:
    """Trains by their keys what the store lacks of a group; what succeeds is published even if another one fails."""
    with ExitStack() as claims:
        found: dict[str, Path | None] = {}
        for key in sorted(specs):  # in one order for all processes, so that none waits for another in a circle
            found[key] = broadcast(claims.enter_context(store.claim(key)) if is_rank_zero() else None)
        missing = [spec for key, spec in specs.items() if found[key] is None]
        if missing:
            predecessors = list(missing[0].predecessors)  # of all of them
            trained = _train(predecessors, store, progress, checkpoint_seconds)
            before = {result.spec.key: result for result in trained}
            data = missing[0].data.load()
            prepare = Preparation(data, before, store, checkpoint_seconds)
            for tasks in fitting([prepare(spec) for spec in missing]):
                _fit_and_publish(tasks, data, store, progress)
    return {
        key: TrainingResult(spec, found[key] or broadcast(store.root / key), trained_now=found[key] is None)
        for key, spec in specs.items()
    }


def _fit_and_publish(prepared: Sequence[Prepared], data: FaceData, store: Store, progress: bool) -> None:
    tasks = [each.task for each in prepared]
    names = ", ".join(f"'{task.spec.name}'" for task in tasks)
    with stopping_in_one_line(
        names, lambda: min(task.checkpoint.epochs_kept for task in tasks), tasks[0].spec.schedule.epochs
    ):
        ended = fit_together(tasks, data.train, unseen=data.validation or data.test, progress=progress)
    for each, fitted in zip(prepared, ended, strict=True):
        if isinstance(fitted, Fitted) and is_rank_zero():
            _publish(each, fitted, store)
    for fitted in ended:
        if isinstance(fitted, FloatingPointError):
            raise fitted


def _publish(prepared: Prepared, fitted: Fitted, store: Store) -> None:
    task = prepared.task
    history = pd.DataFrame(fitted.history)
    metrics = prepared.metrics | {
        "parameters": sum(p.numel() for p in task.model.parameters()),
        "seconds": float(history["seconds"].sum()),
        "fidelity": {of: {term: asdict(f) for term, f in each.items()} for of, each in fitted.fidelity.items()},
    }
    with store.publish(task.spec.key, task.spec.key_content()) as aside:
        write_tensors(task.model.state_dict(), aside / "weights.safetensors")
        history.to_parquet(aside / "history.parquet", index=False)
        if task.watch:
            steps, images = (int(history[column].iloc[-1]) for column in ("step", "images"))
            np.savez(aside / "watched.npz", **task.watch.collect(steps, images)._asdict())
        (aside / "spec.json").write_text(task.spec.model_dump_json(indent=1), encoding="utf-8")
        (aside / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
