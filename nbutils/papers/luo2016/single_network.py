"""Fig. 3 of Luo et al. 2016 as training specs: the teacher T1, and students on one objective each."""

from __future__ import annotations

from typing import Literal

from nbutils.data.attributes import ATTRIBUTES
from nbutils.data.bucket_copy import is_there
from nbutils.data.layouts.base import open_collection
from nbutils.data.manifest import load_manifest
from nbutils.data.sources.embedded import SyntheticData
from nbutils.data.sources.on_disk import FolderData
from nbutils.data.spec import DataSpec
from nbutils.papers.base import best_precision, check_preset, check_targets, face_data
from nbutils.papers.luo2016.student_rows import (
    LABELS,
    LOGITS,
    NEURONS,
    SELECTION,
    StudentRow,
    chosen_neurons_row,
    chosen_row,
    soft_targets,
    teacher_schedule,
)
from nbutils.training.components import ModelSpec, Term
from nbutils.training.spec import TrainingSpec

#: Width of the maps, epochs of the teacher, epochs of a student. `paper`: the printed shapes; the epochs are ours.
_SIZES: dict[str, tuple[int, int, int]] = {"smoke": (8, 2, 2), "laptop": (32, 16, 10), "paper": (128, 30, 30)}

#: Share of T1's neurons that the paper chooses; here it is one of the live neurons.
T1_CHOSEN = 422 / 512
#: Such shares in the paper: of the ensemble, of T2, of T1.
CHOSEN_SHARES = (960 / 3072, 377 / 512, T1_CHOSEN)
#: What DeepID2+ learns (Sun et al. 2015): labels and the verification signal, each on every supervised layer. The paper
#: names the signal as a reason for choosing this teacher; with it, T1 verifies held-out people better (notebook 11).
#: Its weight is 0.05 in Sun et al. 2014, whose features have another scale.
TEACHER_OBJECTIVE = {
    "labels": Term(kind="LabelLoss"),
    "supervision": Term(kind="SupervisionLoss"),
    "verification": Term(kind="ContrastiveLoss", weight=0.5),
}
#: The students of Fig. 3 but that of chosen neurons.
FIG3_ROWS = {
    "1-of-K": LABELS,
    "soft t=1": soft_targets(1),
    "soft t=10": soft_targets(10),
    "logits": LOGITS,
    "neurons": NEURONS,
}
#: How many times a network of Fig. 6 is looked at while it learns.
LOOKS = 10
#: The row that has attributes as extra supervision.
WITH_ATTRIBUTES = "1-of-K + attributes"


def t1(data: DataSpec, preset: str = "laptop", seed: int = 0, watch: int = LOOKS) -> TrainingSpec:
    """The teacher T1: DeepID2+ on labels and the verification signal, with deep supervision (Luo et al. 2016, Table 1).

    Example:
        >>> from nbutils.papers import face_data
        >>> from nbutils.papers.luo2016 import t1
        >>> spec = t1(face_data("synthetic", preset="smoke"), "smoke")
        >>> str(spec.model.kind), list(spec.objective)
        ('DeepID2Plus', ['labels', 'supervision', 'verification'])
    """
    width, epochs, _ = _sizes(preset)
    return TrainingSpec(
        name="T1",
        data=data,
        model=ModelSpec(kind="DeepID2Plus", options={"width": width}),
        objective=TEACHER_OBJECTIVE,
        schedule=teacher_schedule(data, preset, epochs),
        watch=watch,
        precision=best_precision(),
        seed=seed,
    )


def without_verification(teacher: TrainingSpec) -> TrainingSpec:
    """A teacher on labels alone, for comparison.

    Example:
        >>> from nbutils.papers import face_data
        >>> from nbutils.papers.luo2016 import t1, without_verification
        >>> list(without_verification(t1(face_data("synthetic", preset="smoke"), "smoke")).objective)
        ['labels', 'supervision']
    """
    objective = {name: term for name, term in teacher.objective.items() if name != "verification"}
    return teacher.model_copy(update={"name": f"{teacher.name} without verification", "objective": objective})


def student(
    name: str,
    teacher: TrainingSpec,
    row: StudentRow,
    *,
    preset: str = "laptop",
    targets: Literal["online", "cached"] = "online",
) -> TrainingSpec:
    """The student S on one objective (Luo et al. 2016, Fig. 3); without a teacher where the objective reads none.

    Example:
        >>> from nbutils.papers import face_data
        >>> from nbutils.papers.luo2016 import soft_targets, student, t1
        >>> data = face_data("synthetic", preset="smoke")
        >>> spec = student("mine", t1(data, "smoke"), soft_targets(10), preset="smoke")
        >>> spec.name, spec.teacher[0].name
        ('mine', 'T1')
    """
    width, _, epochs = _sizes(preset)
    return TrainingSpec(
        name=name,
        data=teacher.data,
        model=ModelSpec(kind="MobileIDStudent", options={"width": width}),
        objective={row.objective: row.term},
        schedule=row.schedule(teacher.data, preset, epochs),
        teacher=(teacher,) if row.taught else (),
        selection=row.selection,
        targets=targets if row.taught else "online",
        watch=teacher.watch,
        precision=teacher.precision,
        seed=teacher.seed,
    )


def fig3(
    data: DataSpec,
    preset: str = "laptop",
    seed: int = 0,
    targets: str = "online",
    probe: DataSpec | None = None,
    watch: int = LOOKS,
) -> dict[str, TrainingSpec]:
    """Fig. 3's rows under their printed names, the teacher first; without the row of `fig3_attributes`.

    All are looked at while they learn, for Fig. 6. The last is "selection", or "inhibitive dropped" where neither the
    faces nor the probe have attributes.

    Example:
        >>> from nbutils.papers import face_data
        >>> from nbutils.papers.luo2016 import fig3
        >>> rows = fig3(face_data("synthetic", preset="smoke"), "smoke")
        >>> list(rows)[:3]
        ['T1', '1-of-K', 'soft t=1']
    """
    teacher = t1(data, preset, seed, watch)
    kind = check_targets(targets)
    rows = FIG3_ROWS | chosen_neurons_row(T1_CHOSEN, probe, has_attributes=has_attributes(data))
    return {"T1": teacher} | {
        name: student(name, teacher, row, preset=preset, targets=kind) for name, row in rows.items()
    }


def share_students(
    data: DataSpec, preset: str = "laptop", seed: int = 0, targets: str = "online", probe: DataSpec | None = None
) -> dict[str, TrainingSpec]:
    """What could selection win: students of a share of T1's live neurons, chosen by Eq. 2 and at random.

    Named "selection 31 %", "random 31 %", …; without attributes, the random ones alone.

    Example:
        >>> from nbutils.papers import face_data
        >>> from nbutils.papers.luo2016 import share_students
        >>> list(share_students(face_data("synthetic", preset="smoke"), "smoke"))[:2]
        ['selection 31 %', 'random 31 %']
    """
    teacher = t1(data, preset, seed)
    kind = check_targets(targets)
    rows: dict[str, StudentRow] = {}
    for share in CHOSEN_SHARES:
        if probe is not None or has_attributes(data):
            rows[f"{SELECTION} {share:.0%}".replace("%", " %")] = NEURONS.selected(share, probe)
        rows[f"random {share:.0%}".replace("%", " %")] = NEURONS.selected(share, probe, random=seed)
    return {name: student(name, teacher, row, preset=preset, targets=kind) for name, row in rows.items()}


def fig3_attributes(data: DataSpec, preset: str = "laptop", seed: int = 0) -> TrainingSpec:
    """The row "1-of-K" with attributes as extra supervision (Luo et al. 2016, Experiments), for data that have them.

    Example:
        >>> from nbutils.papers import face_data
        >>> from nbutils.papers.luo2016 import fig3_attributes
        >>> list(fig3_attributes(face_data("synthetic", preset="smoke"), "smoke").objective)
        ['labels', 'attributes']
    """
    labels = student(WITH_ATTRIBUTES, t1(data, preset, seed), LABELS, preset=preset)
    options = labels.model.options | {"attributes": len(ATTRIBUTES)}
    return labels.model_copy(
        update={
            "model": labels.model.model_copy(update={"options": options}),
            "objective": {"labels": Term(kind="LabelLoss"), "attributes": Term(kind="AttributeLoss")},
        }
    )


def has_attributes(data: DataSpec) -> bool:
    """Whether faces have attributes: by their lists, or by the manifest where there are no files yet.

    Example:
        >>> from nbutils.papers import face_data
        >>> from nbutils.papers.luo2016 import has_attributes
        >>> has_attributes(face_data("lfw", "faces/lfw"))
        False
    """
    if isinstance(data, FolderData):
        if not is_there(str(data.root)):
            return "attributes" in load_manifest(data.dataset).annotations
        return open_collection(data.root, data.layout).attributes is not None
    return isinstance(data, SyntheticData)


def quick_data(dataset: str, data_root: str = "", preset: str = "laptop", seed: int = 0, **source: str) -> DataSpec:
    """The faces of the quickstart: of the preset's embedded ones, fewer to look at, so that it ends in minutes.

    Of fewer people to train on, T1 does not learn reliably: of 400, it is 4 points above the student of names on one
    population, and below it on another.

    Example:
        >>> from nbutils.papers.luo2016 import quick_data
        >>> quick_data("synthetic", preset="smoke").identities
        20
    """
    data = face_data(dataset, data_root, preset, seed, **source)
    if isinstance(data, SyntheticData) and preset == "laptop":
        return data.model_copy(update={"validation_images": 2000, "pairs": 3000})
    return data


def quick_rows(
    data: DataSpec, preset: str = "laptop", seed: int = 0, probe: DataSpec | None = None
) -> dict[str, TrainingSpec]:
    """Five of Fig. 3's rows, from cached targets, and not watched.

    Example:
        >>> from nbutils.papers.luo2016 import quick_data, quick_rows
        >>> list(quick_rows(quick_data("synthetic", preset="smoke"), "smoke"))
        ['T1', '1-of-K', 'soft t=10', 'neurons', 'selection']
    """
    rows = fig3(data, preset, seed, "cached", probe, watch=0)
    return {name: rows[name] for name in ("T1", "1-of-K", "soft t=10", "neurons", chosen_row(rows))}


def _sizes(preset: str) -> tuple[int, int, int]:
    check_preset(preset)
    return _SIZES[preset]
