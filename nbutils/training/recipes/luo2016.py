"""The experiments of Luo et al. 2016 (MobileID) as training specs, at every preset."""

from __future__ import annotations

from typing import Literal

from nbutils.data.attributes import ATTRIBUTES
from nbutils.data.sources.embedded import SyntheticData
from nbutils.data.spec import DataSpec
from nbutils.errors import ParameterError
from nbutils.training.components import ModelSpec, Term
from nbutils.training.recipes.common import best_precision, check_preset, face_data
from nbutils.training.spec import Schedule, SelectionSpec, TrainingSpec

#: Width of the maps, epochs of the teacher, epochs of a student. `paper`: the printed shapes; the epochs are ours.
_SIZES: dict[str, tuple[int, int, int]] = {"smoke": (8, 2, 2), "laptop": (32, 16, 16), "paper": (128, 30, 30)}

#: Chosen neurons of T1 in the paper.
T1_CHOSEN = 422


def t1(data: DataSpec, preset: str = "laptop", seed: int = 0) -> TrainingSpec:
    """The teacher T1: DeepID2+ on labels, with deep supervision (Luo et al. 2016, Table 1)."""
    width, epochs, _ = _sizes(preset)
    return TrainingSpec(
        name="T1",
        data=data,
        model=ModelSpec(kind="DeepID2Plus", options={"width": width}),
        objective={"labels": Term(kind="LabelLoss"), "supervision": Term(kind="SupervisionLoss")},
        schedule=Schedule(epochs=epochs, batch_size=_batch(preset), learning_rate=TEACHER_LEARNING_RATE),
        precision=best_precision(),
        seed=seed,
    )


def student(
    name: str,
    teacher: TrainingSpec,
    term: Term,
    *,
    preset: str = "laptop",
    selection: SelectionSpec | None = None,
    targets: Literal["online", "cached"] = "online",
    learning_rate: float,
) -> TrainingSpec:
    """The student S on one objective (Luo et al. 2016, Fig. 3); without a teacher where the objective reads none."""
    width, _, epochs = _sizes(preset)
    return TrainingSpec(
        name=name,
        data=teacher.data,
        model=ModelSpec(kind="MobileIDStudent", options={"width": width}),
        objective={term.kind.name.removesuffix("Loss").lower(): term},
        schedule=Schedule(epochs=epochs, batch_size=_batch(preset), learning_rate=learning_rate),
        teacher=(teacher,) if any(signal.startswith("teacher") for signal in term.reads) else (),
        selection=selection,
        targets=targets,
        precision=teacher.precision,
        seed=teacher.seed,
    )


def fig3(data: DataSpec, preset: str = "laptop", seed: int = 0, targets: str = "online") -> dict[str, TrainingSpec]:
    """All rows of Fig. 3 of Luo et al. 2016 under their printed names, the teacher first."""
    teacher = t1(data, preset, seed)
    soft = "SoftTargetLoss"
    rows: dict[str, tuple[Term, SelectionSpec | None]] = {
        "1-of-K": (Term(kind="LabelLoss"), None),
        "soft t=1": (Term(kind=soft, options={"temperature": 1.0}), None),
        "soft t=10": (Term(kind=soft, options={"temperature": 10.0}), None),
        "logits": (Term(kind="LogitsLoss"), None),
        "neurons": (Term(kind="NeuronLoss"), None),
        "selection": (Term(kind="NeuronLoss"), SelectionSpec(count=T1_CHOSEN)),
    }
    if targets not in ("online", "cached"):
        raise ParameterError(f"targets is {targets!r}: expected 'online' or 'cached'")
    return {"T1": teacher} | {
        name: student(
            name,
            teacher,
            term,
            preset=preset,
            selection=selection,
            targets="cached" if targets == "cached" and term.kind.name != "LabelLoss" else "online",
            learning_rate=LEARNING_RATES[term.kind.name],
        )
        for name, (term, selection) in rows.items()
    }


def fig3_attributes(data: DataSpec, preset: str = "laptop", seed: int = 0) -> TrainingSpec:
    """The row "1-of-K" with attributes as extra supervision (Luo et al. 2016, Experiments), for data that have them."""
    labels = fig3(data, preset, seed)["1-of-K"]
    options = labels.model.options | {"attributes": len(ATTRIBUTES)}
    return labels.model_copy(
        update={
            "name": "1-of-K + attributes",
            "model": labels.model.model_copy(update={"options": options}),
            "objective": {"labels": Term(kind="LabelLoss"), "attributes": Term(kind="AttributeLoss")},
        }
    )


def quick_data(dataset: str, data_root: str = "", preset: str = "laptop", seed: int = 0, **source: str) -> DataSpec:
    """The faces of the quickstart: a part of the preset's embedded population, so that it ends in two minutes."""
    data = face_data(dataset, data_root, preset, seed, **source)
    if isinstance(data, SyntheticData) and preset == "laptop":
        return data.model_copy(update={"identities": 150, "validation_images": 2000, "pairs": 3000})
    return data


def quick_rows(data: DataSpec, preset: str = "laptop", seed: int = 0) -> dict[str, TrainingSpec]:
    """Five of Fig. 3's rows, from cached targets."""
    rows = fig3(data, preset, seed, "cached")
    return {name: rows[name] for name in ("T1", "1-of-K", "soft t=10", "neurons", "selection")}


#: Of T1, the best of 0.02 … 0.3 for people held out of LFW's training list; batches of 64 or 256 do no better there.
TEACHER_LEARNING_RATE = 0.08

#: The losses differ in scale, so each has its own learning rate, chosen on held-out people of LFW's training list.
LEARNING_RATES = {"LabelLoss": 0.1, "SoftTargetLoss": 0.1, "LogitsLoss": 0.1, "NeuronLoss": 0.025}


def _sizes(preset: str) -> tuple[int, int, int]:
    check_preset(preset)
    return _SIZES[preset]


def _batch(preset: str) -> int:
    return 32 if preset == "smoke" else 128
