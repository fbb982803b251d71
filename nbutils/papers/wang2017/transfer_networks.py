"""The experiments of Wang & Lan 2017 as training specs, at every preset.

Each function returns networks under the names of a table's cells. They name their predecessors, so that a network that
several cells or tables share is one spec, and is trained once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from nbutils.data.sources.embedded import SyntheticData
from nbutils.data.sources.on_disk import FolderData
from nbutils.data.spec import DataSpec
from nbutils.errors import ParameterError
from nbutils.papers.base import best_precision, check_preset, face_data
from nbutils.papers.wang2017.transfer_cells import DIVISORS, INFLUENCES, START_NAMES, TEACHER, Cell
from nbutils.training.components import ModelSpec, Term
from nbutils.training.spec import Schedule, TrainingSpec

#: Whose soft predictions teach another task: those of the task's own teacher, whose classifier was inherited from W_T
#: and not trained since where the task has no labels; or those of W_T itself, frozen.
SoftFrom: TypeAlias = Literal["task teacher", "classification teacher"]

TEMPERATURE = 3.0
#: Learning rate from random weights.
RATE = 0.1
MARGIN = 0.4


@dataclass(frozen=True)
class _Size:
    """Depth, width, input and stored images; epochs, of alignment last; batches of all three tasks.

    `rates` are those from an initialisation, for the three tasks likewise: 0.01 in the paper, of whose 30 epochs a
    laptop has a fraction, and needs more of it (chosen on another population). From scratch it is always 0.1.
    """

    depth: int
    width: int
    input: tuple[int, int]
    stored: tuple[int, int]
    epochs: int
    epochs_initialised: int
    epochs_aligning: int
    batches: tuple[int, int, int]
    rates: tuple[float, float, float]


_SIZES = {
    "smoke": _Size(14, 8, (55, 47), (61, 53), 1, 1, 1, (32, 32, 32), (0.1, 0.1, 0.03)),
    "laptop": _Size(14, 32, (55, 47), (61, 53), 15, 8, 24, (64, 32, 128), (0.1, 0.3, 0.03)),
    "paper": _Size(50, 64, (224, 224), (256, 256), 30, 30, 30, (256, 64, 128), (0.01, 0.01, 0.01)),
}
#: (identities, images of each, pairs) of the embedded stand-in for each of the paper's data sets.
_POPULATIONS = {
    "smoke": {"CASIA": (11, 10, 60), "MS-Celeb-1M": (12, 10, 60), "CelebA": (10, 8, 20)},
    "laptop": {"CASIA": (150, 20, 3000), "MS-Celeb-1M": (300, 16, 3000), "CelebA": (300, 10, 20)},
    "paper": {"CASIA": (10575, 47, 6000), "MS-Celeb-1M": (100000, 84, 6000), "CelebA": (10177, 20, 20)},
}
HELD_OUT = 0.2


def face_sets(
    dataset: str,
    data_root: str = "",
    preset: str = "laptop",
    seed: int = 0,
    other: str = "",
    source: tuple[str, str] = ("", ""),
    *,
    layout: str = "",
    pairs_root: str = "",
) -> dict[str, DataSpec]:
    """The faces that stand in for the paper's data sets, split 80/20 by image over the same people (5.1).

    Args:
        dataset: In CASIA-WebFace's place: "synthetic", or a manifest's.
        data_root: Folder of the data set; the embedded faces need none.
        preset: Size of the embedded populations.
        seed: Of the populations, and of the split.
        other: A second of the paper's sets: "MS-Celeb-1M" or "CelebA"; empty: none.
        source: Data set and folder in its place; empty: as the first, of the embedded faces another population.
        layout: Of the first set, by name; empty: recognised.
        pairs_root: Folder or file of the pairs to verify; empty: those of the data set.

    Example:
        >>> from nbutils.papers.wang2017 import face_sets
        >>> list(face_sets("synthetic", preset="smoke", other="CelebA"))
        ['CASIA', 'CelebA']
    """
    check_preset(preset)
    height, width = _SIZES[preset].stored
    split: dict[str, Any] = {"held_out_images": HELD_OUT, "held_out_seed": seed, "height": height, "width": width}
    found: dict[str, DataSpec] = {}
    for name, (kind, root) in {"CASIA": ("", ""), other: source}.items():
        if not name:
            continue
        where = {"pairs_root": pairs_root, "layout": "" if kind else layout}
        whole = face_data(kind or dataset, root if kind else data_root, preset, seed, **where)
        if isinstance(whole, FolderData):
            found[name] = whole.model_copy(update=split)
        else:
            people, images, pairs = _POPULATIONS[preset][name]
            found[name] = SyntheticData(
                identities=people,
                images_per_identity=images,
                validation_images=20,
                pairs=pairs,
                seed=3 * seed + list(_POPULATIONS[preset]).index(name),
                **split,
            )
    return found


def general_objective(
    task: dict[str, Term], alpha: float, beta: float, temperature: float = TEMPERATURE
) -> dict[str, Term]:
    """Eq. 5: task + α · soft + β · hidden; a term of weight 0 is left out.

    Args:
        task: The task's own terms, under their names.
        alpha: Weight of the soft predictions.
        beta: Weight of the teacher's last hidden layer: of the mean over its neurons, a 1/2048 of the printed sum over
            2,048 of them.
        temperature: τ of the soft predictions.

    Raises:
        ParameterError: If α or β is negative.

    Example:
        >>> from nbutils.papers.wang2017 import general_objective
        >>> from nbutils.training import Term
        >>> objective = general_objective({"labels": Term("LabelLoss")}, alpha=0.5, beta=0.0)
        >>> {name: term.weight for name, term in objective.items()}
        {'labels': 1.0, 'soft': 0.5}
    """
    for name, value in (("alpha", alpha), ("beta", beta)):
        if not value >= 0:
            raise ParameterError(f"{name} is {value}: expected a weight of at least 0")
    targets = {"soft": (alpha, _soft(temperature)), "hidden": (beta, _HIDDEN)}
    return task | {name: term.model_copy(update={"weight": w}) for name, (w, term) in targets.items() if w > 0}


def both_targets(soft: TrainingSpec, hidden: TrainingSpec) -> TrainingSpec:
    """The student of both targets, from the two students of one each.

    Args:
        soft: A cell of α = 1, β = 0.
        hidden: That of α = 0, β = 1, of the same start and teacher.

    Raises:
        ParameterError: If their teachers differ: a spec has one for all its targets.

    Example:
        >>> from nbutils.papers.wang2017 import Cell, Networks, both_targets, face_sets
        >>> sets = face_sets("synthetic", preset="smoke", other="CelebA")
        >>> cells = Networks(sets["CASIA"], "smoke").table3(sets["CelebA"])
        >>> soft, hidden = (cells[Cell(8, "Distill", *weights)] for weights in ((1, 0), (0, 1)))
        >>> list(both_targets(soft, hidden).objective)
        ['task', 'soft', 'hidden']
    """
    if [each.key for each in soft.teacher] != [each.key for each in hidden.teacher]:
        raise ParameterError(
            f"'{soft.name}' and '{hidden.name}' have different teachers: expected one, soft_from 'task teacher'"
        )
    name = f"{soft.name} and {hidden.name}"
    return soft.model_copy(update={"name": name, "objective": soft.objective | hidden.objective})


@dataclass(frozen=True)
class Networks:
    """The networks that belong to one set of classification faces.

    Attributes:
        data: The faces with identities, in the place of CASIA-WebFace or MS-Celeb-1M.
        preset: Size of networks and schedules.
        seed: Of weights, order and augmentation.
        soft_from: Whose soft predictions teach alignment and verification.
        temperature: τ of all soft predictions.
        margin: λ of the triplet hinge.
    """

    data: DataSpec
    preset: str = "laptop"
    seed: int = 0
    soft_from: SoftFrom = "task teacher"
    temperature: float = TEMPERATURE
    margin: float = MARGIN

    def __post_init__(self) -> None:
        """Refuses a teacher of soft predictions that there is not."""
        if self.soft_from not in get_args(SoftFrom):
            expected = " or ".join(map(repr, get_args(SoftFrom)))
            raise ParameterError(f"soft_from is {self.soft_from!r}: expected {expected}")

    def teacher(self) -> TrainingSpec:
        """T: ResNet-50 on labels."""
        return self._spec(TEACHER, 1, _LABELS)

    def initial(self, divisor: int) -> TrainingSpec:
        """W_S0: the student on labels alone (Eq. 3)."""
        return self._spec(f"/{divisor} initial", divisor, _LABELS)

    def scratch(self, divisor: int, target: str = "Soft") -> TrainingSpec:
        """The student on labels and one target, "Soft", "Hidden" or "Logits", from random weights (Eq. 2)."""
        terms = _LABELS | {target.lower(): self._targets[target]}
        return self._spec(f"/{divisor} Scratch, {target}", divisor, terms, teacher=self.teacher())

    def hint(self, divisor: int) -> TrainingSpec:
        """FitNets, stage one: the lower half of the student regresses the teacher's middle layer."""
        return self._spec(f"/{divisor} hint", divisor, {"hint": Term(kind="HintLoss")}, teacher=self.teacher())

    def fitnet(self, divisor: int) -> TrainingSpec:
        """FitNets, stage two: Eq. 2 started from the hinted student, whose upper half is still random."""
        return self._distilled(f"/{divisor} FitNet", divisor, self.hint(divisor))

    def ours(self, divisor: int) -> TrainingSpec:
        """W_S^cls: Eq. 2 started from W_S0, the full initialisation (Eq. 4)."""
        return self._distilled(f"/{divisor} Ours", divisor, self.initial(divisor))

    def control(self, divisor: int) -> TrainingSpec:
        """W_S0 gone on with for as long as `ours`, at its rate, on labels alone (α = 0).

        `ours` is trained twice as long as `scratch`; this says how much of its gain is the teacher's doing.
        """
        start = self.initial(divisor)
        return self._spec(f"/{divisor} α = 0", divisor, _LABELS, start=start, epochs=self._size.epochs)

    def table1(self, divisor: int = 8) -> dict[str, TrainingSpec]:
        """Table 1's cells: three targets from scratch, then two more initialisations with Soft."""
        cells = {f"Scratch, {target}": self.scratch(divisor, target) for target in self._targets}
        return cells | {"FitNet, Soft": self.fitnet(divisor), "Ours, Soft": self.ours(divisor)}

    def table2(self) -> dict[str, TrainingSpec]:
        """Table 2's networks on these faces: the teacher, then each student initial, from scratch, ours, at α = 0."""
        cells = {TEACHER: self.teacher()}
        for divisor in DIVISORS:
            cells[f"initial /{divisor}"] = self.initial(divisor)
            cells[f"Scratch /{divisor}"] = self.scratch(divisor)
            cells[f"Ours /{divisor}"] = self.ours(divisor)
            cells[f"α = 0 /{divisor}"] = self.control(divisor)
        return cells

    def table3(self, faces: DataSpec, divisor: int = 8) -> dict[Cell | str, TrainingSpec]:
        """Table 3's networks on faces with key points: `TEACHER`, then its cells."""
        size = self._size
        terms = {"task": Term(kind="LandmarkLoss")}
        task = _Task("alignment", terms, faces, size.batches[1], size.rates[1], epochs=size.epochs_aligning)
        return {TEACHER: self._task_teacher(task)} | self._influences(task, divisor)

    def verification(self, *, softmax: bool) -> dict[Cell | str, TrainingSpec]:
        """Table 4's networks (triplet), or Table 5's (triplet and softmax): `TEACHER`, then its cells."""
        terms = {"task": Term(kind="TripletLoss", options={"margin": self.margin})} | (
            {"softmax": Term(kind="LabelLoss")} if softmax else {}
        )
        name = "triplet + softmax" if softmax else "triplet"
        task = _Task(name, terms, self.data, self._size.batches[2], self._size.rates[2], images_per_identity=4)
        cells: dict[Cell | str, TrainingSpec] = {TEACHER: self._task_teacher(task)}
        for divisor in DIVISORS:
            cells |= self._influences(task, divisor)
        return cells

    def _influences(self, task: _Task, divisor: int) -> dict[Cell | str, TrainingSpec]:
        """Both initialisations under every α and β (Eqs. 7 and 9)."""
        teacher = self._task_teacher(task)
        soft = self.teacher() if self.soft_from == "classification teacher" else teacher
        starts = {
            "Pretrain": self._spec(f"/{divisor} {task.name} alone", divisor, task.terms, task=task),
            "Distill": self.ours(divisor),
        }
        cells: dict[Cell | str, TrainingSpec] = {}
        for name in START_NAMES:
            for alpha, beta in INFLUENCES:
                cells[Cell(divisor, name, alpha, beta)] = self._spec(
                    f"/{divisor} {task.name}, {name} {alpha:g} {beta:g}",
                    divisor,
                    general_objective(task.terms, alpha, beta, self.temperature),
                    task=task,
                    start=starts[name],
                    teacher=soft if alpha else teacher if beta else None,
                )
        return cells

    def _task_teacher(self, task: _Task) -> TrainingSpec:
        """The teacher of another task, started from T (Eqs. 6 and 8)."""
        return self._spec(f"{task.name} teacher", 1, task.terms, task=task, start=self.teacher())

    def _distilled(self, name: str, divisor: int, start: TrainingSpec) -> TrainingSpec:
        terms = general_objective(_LABELS, 1.0, 0.0, self.temperature)
        return self._spec(name, divisor, terms, start=start, teacher=self.teacher(), epochs=self._size.epochs)

    @property
    def _targets(self) -> dict[str, Term]:
        """Table 1's."""
        return {"Hidden": _HIDDEN, "Logits": Term(kind="LogitsLoss"), "Soft": _soft(self.temperature)}

    @property
    def _size(self) -> _Size:
        check_preset(self.preset)
        return _SIZES[self.preset]

    def _spec(
        self,
        name: str,
        divisor: int,
        terms: dict[str, Term],
        *,
        task: _Task | None = None,
        start: TrainingSpec | None = None,
        teacher: TrainingSpec | None = None,
        epochs: int | None = None,
    ) -> TrainingSpec:
        size = self._size
        options = {"divisor": divisor, "depth": size.depth, "width": size.width}
        options |= dict(zip(("height", "breadth"), size.input, strict=True))
        return TrainingSpec(
            name=name,
            data=task.data if task else self.data,
            model=ModelSpec(kind="FaceResNet", options=options),
            objective=terms,
            schedule=Schedule(
                epochs=epochs or (task and task.epochs) or (size.epochs_initialised if start else size.epochs),
                batch_size=task.batch if task else size.batches[0],
                learning_rate=(task.rate if task else size.rates[0]) if start else RATE,
                images_per_identity=task.images_per_identity if task else None,
            ),
            teacher=(teacher,) if teacher else (),
            initialise_from=start,
            precision=best_precision(),
            seed=self.seed,
        )


@dataclass(frozen=True)
class _Task:
    """A task that knowledge is transferred to: its name, its own terms, faces, batches, and rate from a start.

    `epochs`, where given, are those from random weights and from a start alike.
    """

    name: str
    terms: dict[str, Term]
    data: DataSpec
    batch: int
    rate: float
    images_per_identity: int | None = None
    epochs: int | None = None


_LABELS = {"task": Term(kind="LabelLoss")}
_HIDDEN = Term(kind="HiddenLoss")


def _soft(temperature: float) -> Term:
    """The paper prints no factor τ² before the soft term; without it, α = 1 would weigh it a ninth at τ = 3."""
    return Term(kind="SoftTargetLoss", options={"temperature": temperature})
