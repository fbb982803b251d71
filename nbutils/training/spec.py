"""Training specs: frozen, serialisable values that say all that decides the weights of a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import BeforeValidator, Discriminator, Field, PositiveFloat, PositiveInt, Tag, model_validator
from torch import nn

from nbutils.data.spec import AnyDataSpec, DataSpec
from nbutils.errors import ParameterError
from nbutils.losses.signals import as_read, parse_read
from nbutils.training.base import Frozen, digest
from nbutils.training.components import ModelSpec, Term
from nbutils.training.digest import closure
from nbutils.training.kinds import FOR_KEYS, LOSSES, MODELS, Kind, roots
from nbutils.training.teacher_specs import FunctionTeacher, ModuleTeacher, OnnxTeacher

#: Modules that count only for the specs that use them; their imports stand inside the functions that need them.
_PARTS: dict[str, Callable[[TrainingSpec], bool]] = {
    "nbutils.models.features": lambda spec: bool(spec.teacher),
    "nbutils.models.view": lambda spec: spec.model.view is not None,
    "nbutils.models.plain": lambda spec: spec.model.size is not None,
    "nbutils.training.choosing": lambda spec: spec.selection is not None,
    "nbutils.training.given_teachers": lambda spec: False,  # counts in the teachers' own keys
    "nbutils.training.teacher_specs": lambda spec: False,
    "nbutils.training.target_units": lambda spec: bool(spec.teacher),  # not asked of the losses: a key runs no source
    "nbutils.training.initialise": lambda spec: spec.initialise_from is not None,
    "nbutils.training.target_cache": lambda spec: spec.targets == "cached",
    "nbutils.training.teachers": lambda spec: bool(spec.teacher),
    "nbutils.training.pair_watch": lambda spec: spec.watch > 0,
}


#: Signals of a teacher that are kept for plain images; of modules and middle layers none are.
CACHED = frozenset({"neurons", "features", "logits", "each", "logit_unit"})


#: What of a spec's fields enters its key by a digest of its own, or not at all.
_ELSEWHERE: Mapping[str, bool | set[str]] = {
    "name": True,
    "data": True,
    "teacher": True,
    "initialise_from": True,
    "selection": {"probe"},
}


class SelectionSpec(Frozen):
    """How the teacher's neurons are chosen (Luo et al. 2016, Eq. 2); see `nbutils.selection.select_neurons`.

    Without attributes on the faces looked at, neither a number nor λ can be given: all but the inhibitive are kept.

    Attributes:
        share: Wanted share of the live neurons, those whose response to the faces looked at is not constant.
        count: Wanted number of neurons in its place; at most as many as are live are taken. Neither: what the energy
            prefers.
        lam: λ of Eq. 2. None: the default of `select_neurons`.
        random: Seed of a random choice of that number among the live neurons, in the place of Eq. 2.
        probe: Faces with attributes to look at; they are cropped to the size of the training's. None: the training's
            own validation faces, or training faces.
        images: At most so many of the faces are looked at (20,000 in the paper).
    """

    share: float | None = Field(None, gt=0, le=1)
    count: PositiveInt | None = None
    lam: float | None = Field(None, ge=0)
    random: int | None = Field(None, ge=0)
    probe: AnyDataSpec | None = None
    images: PositiveInt = 20_000

    @model_validator(mode="after")
    def _consistent(self) -> SelectionSpec:
        if self.count is not None and self.share is not None:
            raise ParameterError(f"count is {self.count} and share {self.share}: expected one of them")
        if self.random is not None and (self.lam is not None or self.wanted(1) is None):
            raise ParameterError("a random choice has a count or a share, and no lam")
        return self

    def wanted(self, live: int) -> int | None:
        """How many of so many live neurons are wanted, at least one; None: as many as the energy prefers."""
        if self.share is not None:
            return max(1, round(self.share * live))
        return None if self.count is None else min(self.count, live)


class Schedule(Frozen):
    """Stochastic gradient descent with Nesterov momentum: a linear warm-up, then a cosine to zero.

    The papers give none of it: learning rate, batch size and augmentation are ours, tuned on held-out people. The bound
    on the gradient's norm is a guard against a single bad step: no training of ours should be decided by it.
    """

    epochs: PositiveInt
    batch_size: PositiveInt = 64
    learning_rate: PositiveFloat = 0.02
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(5e-4, ge=0)
    warmup: float = Field(0.1, ge=0, lt=1, description="share of all steps")
    clip_norm: PositiveFloat = 50.0
    images_per_identity: PositiveInt | None = Field(None, description="of each person in a batch; None: as they come")
    mirror: bool = Field(True, description="swap left and right of half of the images")


def _tag(teacher: object) -> str:
    """Which kind of teacher a value is; the spec of a training has no `kind`."""
    kind = teacher.get("kind") if isinstance(teacher, dict) else getattr(teacher, "kind", None)
    return str(kind or "training")


AnyTeacher = Annotated[
    Annotated["TrainingSpec", Tag("training")]
    | Annotated[OnnxTeacher, Tag("onnx")]
    | Annotated[ModuleTeacher, Tag("module")]
    | Annotated[FunctionTeacher, Tag("function")],
    Discriminator(_tag),
]


def _teachers(given: object) -> object:
    """One teacher, several, or none, as a tuple; a function is a teacher as it stands."""
    if given is None:
        return ()
    each = given if isinstance(given, tuple | list) else (given,)
    return tuple(_teacher(one) for one in each)


def _teacher(given: object) -> object:
    """A function, which is a teacher as it stands; a module is refused by its own spec, which says what to do."""
    if isinstance(given, nn.Module):
        return ModuleTeacher(module=given)
    if isinstance(given, type):
        raise ParameterError(f"the class {given.__name__} has no weights: expected ModuleTeacher(module=…, weights=…)")
    return FunctionTeacher(function=given) if callable(given) else given


class TrainingSpec(Frozen):
    """All that decides the weights of a network.

    Attributes:
        name: What people call it; not part of the key.
        data: Faces to train on.
        model: The network.
        objective: Terms by their names.
        schedule: Epochs, batches, learning rate.
        teacher: None, one, or several, an ensemble whose neurons are concatenated; each a training, a file, a
            module or a function.
        selection: Which of the teacher's neurons to regress; None: all.
        targets: "online": the teacher sees each augmented image with the student. "cached": it saw each plain
            image once, before the training; another objective, and faster.
        top_k: Of cached targets, keep so many logits an image, and the mass of the others evenly (for a term that
            reads them at one temperature alone).
        initialise_from: A spec of the same network whose weights to start from; heads of another size stay new.
        watch: How many times the distances of the verification pairs are recorded, from before the first step to after
            the last (`TrainingResult.watched`). They decide no weight; a data set without pairs has none.
        precision: Fabric's name for the arithmetic.
        seed: Of initial weights, order and augmentation.

    Example:
        >>> from nbutils.data import SyntheticData
        >>> spec = TrainingSpec(
        ...     name="labels",
        ...     data=SyntheticData(identities=4, images_per_identity=4, validation_images=4, pairs=20),
        ...     model=ModelSpec("MobileIDStudent", options={"width": 4}),
        ...     objective={"labels": Term("LabelLoss")},
        ...     schedule=Schedule(epochs=1),
        ... )
        >>> TrainingSpec.model_validate_json(spec.model_dump_json()) == spec
        True
    """

    name: str
    data: AnyDataSpec
    model: ModelSpec
    objective: dict[str, Term] = Field(min_length=1)
    schedule: Schedule
    teacher: Annotated[tuple[AnyTeacher, ...], BeforeValidator(_teachers)] = ()
    selection: SelectionSpec | None = None
    targets: Literal["online", "cached"] = "online"
    top_k: PositiveInt | None = None
    initialise_from: TrainingSpec | None = None
    watch: int = Field(0, ge=0)
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _consistent(self) -> TrainingSpec:
        if all(kind.is_known for kind in self.kinds()):
            self.check()
        return self

    def check(self) -> None:
        """Checks that its parts agree; on construction already, where that runs no source that was only read.

        Raises:
            ParameterError: Naming the parts that disagree.
        """
        check_teaching(self)
        check_targets(self)

    @property
    def trained_teachers(self) -> tuple[TrainingSpec, ...]:
        """Those of its teachers that are trained here."""
        return tuple(teacher for teacher in self.teacher if isinstance(teacher, TrainingSpec))

    @property
    def predecessors(self) -> tuple[TrainingSpec, ...]:
        """What must be trained before it: its teachers, and what it starts from."""
        return (*self.trained_teachers, *([self.initialise_from] if self.initialise_from else []))

    @property
    def probe(self) -> DataSpec | None:
        """Faces that its teacher's neurons are chosen on, if they are not its own."""
        return self.selection.probe if self.selection else None

    @property
    def reads(self) -> set[str]:
        """All signals that the objective reads."""
        return {signal for term in self.objective.values() for signal in term.reads}

    @property
    def output_like(self) -> set[str]:
        """The signals that the student's output has as many units as."""
        return {term.output_like for term in self.objective.values() if term.output_like}

    @property
    def soft_temperature(self) -> float | None:
        """The temperature at which the objective reads the teacher's logits; None without exactly one."""
        reading = [term for term in self.objective.values() if "teacher.logits" in term.reads]
        return reading[0].temperature_read if len(reading) == 1 else None

    @property
    def regresses_neurons(self) -> bool:
        """Whether the student's outputs are neurons of the teacher, and so its features."""
        return "teacher.neurons" in self.output_like

    def kinds(self) -> Iterator[Kind]:
        """The classes and functions that it names itself; its predecessors' are theirs."""
        yield self.model.kind
        yield from (term.kind for term in self.objective.values())
        for teacher in self.teacher:
            if isinstance(teacher, ModuleTeacher):
                yield teacher.module
            elif isinstance(teacher, FunctionTeacher):
                yield teacher.function

    @property
    def key(self) -> str:
        """Digest of everything that decides the result: content, data, code and the keys of its predecessors."""
        return digest(self.key_content())

    def key_content(self) -> dict[str, Any]:
        """What the key is a digest of, as JSON: the spec, the data's fingerprint, keys of predecessors, code, torch."""
        return {
            "spec": self.model_dump(mode="json", exclude=_ELSEWHERE, context=FOR_KEYS),
            "data": self.data.fingerprint(),
            "probe": self.probe.fingerprint() if self.probe else None,
            "teacher": [teacher.key for teacher in self.teacher],
            "initialise_from": self.initialise_from.key if self.initialise_from else None,
            "code": self.code(),
            "torch": torch.__version__,
        }

    def code(self) -> dict[str, str]:
        """Digests of the modules whose code decides the result: the engine's, its own classes', its data's."""
        modules, sources = ["nbutils.training.trainer", *self.data.code()], list[str]()
        modules += self.probe.code() if self.probe else ()
        for kind, where in ((self.model.kind, MODELS), *((term.kind, LOSSES) for term in self.objective.values())):
            named, texts = roots(kind, *where)
            modules += named
            sources += texts
        unused = frozenset(part for part, is_used in _PARTS.items() if not is_used(self))
        return closure(modules, sources, unused)


def check_teaching(spec: TrainingSpec) -> None:
    """Refuses an objective that does not go with the spec's teachers, selection or batches.

    Raises:
        ParameterError: Naming the terms.
    """
    taught = [name for name, term in spec.objective.items() if any(parse_read(r)[0] == "teacher" for r in term.reads)]
    if taught and not spec.teacher:
        raise ParameterError(f"'{spec.name}': the terms {taught} need a teacher, and the spec has none")
    if spec.teacher and not taught:
        raise ParameterError(f"'{spec.name}': the spec has a teacher, and no term of the objective reads it")
    if spec.selection and "teacher.neurons" not in spec.reads:
        raise ParameterError(f"'{spec.name}': the spec selects neurons, and no term regresses them")
    if spec.regresses_neurons and len(spec.output_like) > 1:
        others = ", ".join(sorted(spec.output_like - {"teacher.neurons"}))
        raise ParameterError(
            f"'{spec.name}': one term takes the student's output for neurons of the teacher, another for {others}: "
            "expected one meaning"
        )
    reading = {name: term.reads for name, term in spec.objective.items() if "student.output" in term.reads}
    in_unit = [name for name, reads in reading.items() if "teacher.logit_unit" in reads]
    if in_unit and len(in_unit) < len(reading):
        others = ", ".join(sorted(reading.keys() - set(in_unit)))
        raise ParameterError(
            f"'{spec.name}': the term {in_unit[0]} takes the student's output for logits in the teacher's unit, and "
            f"{others} as it stands: expected one meaning"
        )
    matching = [name for name, term in spec.objective.items() if term.needs_matches]
    if matching and (spec.schedule.images_per_identity or 1) < 2:
        raise ParameterError(
            f"'{spec.name}': the terms {matching} need two images of an identity in a batch: "
            "expected images_per_identity of 2 or more in the schedule"
        )


def check_targets(spec: TrainingSpec) -> None:
    """Refuses cached targets that are not kept, and teachers that take other crops than the student.

    Raises:
        ParameterError: Naming the signal, or the sizes.
    """
    read = {name for who, name in map(parse_read, spec.reads) if who == "teacher"}
    if spec.targets == "cached" and (unkept := sorted(read - CACHED)):
        raise ParameterError(
            f"'{spec.name}': {as_read('teacher', unkept[0])} is not cached, only {', '.join(sorted(CACHED))}: expected "
            "targets 'online'"
        )
    if spec.top_k and (spec.targets != "cached" or spec.soft_temperature is None):
        raise ParameterError(f"'{spec.name}': top_k is for cached targets of one soft-target term")
    if spec.top_k and len(spec.teacher) > 1:
        raise ParameterError(f"'{spec.name}': top_k is for a single teacher, and the spec has {len(spec.teacher)}")
    sizes = {each.model.input_size for each in (spec, *spec.trained_teachers)}
    if len(sizes) > 1:
        crops = ", ".join(f"{height} × {width}" for height, width in sorted(sizes))
        raise ParameterError(
            f"'{spec.name}': it and its teachers take crops of {crops} pixels: expected one size; a view resamples"
        )
