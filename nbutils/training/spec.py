"""Training specs: frozen, serialisable values that say all that decides the weights of a network."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError, model_validator
from torch import nn

import nbutils
from nbutils import losses, models
from nbutils.data.spec import AnyDataSpec
from nbutils.errors import ParameterError

#: The packages whose code decides the result of a training.
_DECIDING_PACKAGES = ("data", "models", "losses", "selection", "training")

Option = bool | int | float | str


class Frozen(BaseModel):
    """A value: unknown fields are refused, nothing changes after construction."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, **fields: object) -> None:
        """Takes the fields by name.

        Raises:
            ParameterError: A field is unknown, missing, mistyped or out of its range.
        """
        try:
            super().__init__(**fields)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join([type(self).__name__, *map(str, first["loc"])])
            raise ParameterError(f"{where}: {first['msg'].removeprefix('Value error, ')}") from None


class ViewSpec(Frozen):
    """A region of whole-face crops of `height` × `width` pixels; see `nbutils.models.View`."""

    region: str = "whole_face"
    height: PositiveInt
    width: PositiveInt

    @model_validator(mode="after")
    def _known(self) -> ViewSpec:
        models.View(self.region, (self.height, self.width))  # refuses an unknown region
        return self


class ModelSpec(Frozen):
    """A network of `nbutils.models` by its class name; its number of outputs follows from the objective.

    Attributes:
        name: Of the class.
        options: Of its constructor.
        view: What the network sees of larger crops; None: it takes crops of its own size.
    """

    name: str
    options: dict[str, Option] = {}
    view: ViewSpec | None = None

    @model_validator(mode="after")
    def _known(self) -> ModelSpec:
        _component(models, self.name, self.options, taken=1)
        return self

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) of the crops that the network takes."""
        return _input_size(self.model_dump_json())

    def build(self, outputs: int) -> models.FaceNetwork:
        """Makes the network, with `outputs` units in its last layer."""
        network: models.FaceNetwork = getattr(models, self.name)(outputs, **self.options)
        if self.view:
            network.look_at(self.view.region, (self.view.height, self.view.width))
        return network


@cache
def _input_size(spec: str) -> tuple[int, int]:
    """Of a `ModelSpec` as JSON: a graph of trainings asks it of few networks, often."""
    with torch.device("meta"):
        return ModelSpec.model_validate_json(spec).build(2).input_size


class Term(Frozen):
    """One loss of `nbutils.losses` by its class name, with its weight in the sum."""

    loss: str
    weight: float = Field(1.0, ge=0, allow_inf_nan=False)
    options: dict[str, Option] = {}

    @model_validator(mode="after")
    def _known(self) -> Term:
        _component(losses, self.loss, self.options)
        self.build()  # the loss refuses a value out of its range
        return self

    def build(self) -> nn.Module:
        """Makes the loss."""
        loss: nn.Module = getattr(losses, self.loss)(**self.options)
        return loss

    @property
    def reads(self) -> tuple[str, ...]:
        """The signals it needs beside the student's own output."""
        reads: tuple[str, ...] = getattr(losses, self.loss).reads
        return reads

    @property
    def needs_matches(self) -> bool:
        """Whether a batch must hold several images of an identity."""
        return bool(getattr(getattr(losses, self.loss), "needs_matches", False))


class SelectionSpec(Frozen):
    """How the teacher's neurons are chosen (Luo et al. 2016, Eq. 2); see `nbutils.selection.select_neurons`.

    Attributes:
        count: Wanted number of neurons; at most as many as respond are taken. None: what the energy prefers.
        lam: λ of Eq. 2. None: the default of `select_neurons`.
        images: At most so many validation images are looked at (20,000 in the paper).
    """

    count: PositiveInt | None = None
    lam: float | None = Field(None, ge=0)
    images: PositiveInt = 20_000


class Schedule(Frozen):
    """Stochastic gradient descent with Nesterov momentum: a linear warm-up, then a cosine to zero.

    The paper gives none of it: learning rate, batch size and augmentation are ours, tuned on held-out people.
    """

    epochs: PositiveInt
    batch_size: PositiveInt = 64
    learning_rate: PositiveFloat = 0.02
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(5e-4, ge=0)
    warmup: float = Field(0.1, ge=0, lt=1, description="share of all steps")
    clip_norm: PositiveFloat = 5.0
    images_per_identity: PositiveInt | None = Field(None, description="of each person in a batch; None: as they come")
    mirror: bool = Field(True, description="swap left and right of half of the images")


class TrainingSpec(Frozen):
    """All that decides the weights of a network.

    Attributes:
        name: What people call it; not part of the key.
        data: Faces to train on.
        model: The network.
        objective: Terms by their names.
        schedule: Epochs, batches, learning rate.
        teacher: The trained teachers: none, one, or an ensemble whose neurons are concatenated.
        selection: Which of the teacher's neurons to regress; None: all.
        targets: "online": the teacher sees each augmented image with the student. "cached": it saw each plain
            image once, before the training; another objective, and faster.
        top_k: Of cached targets, keep so many logits an image, and the mass of the others evenly (soft targets only).
        initialise_from: A spec of the same network whose weights to start from; heads of another size stay new.
        precision: Fabric's name for the arithmetic.
        seed: Of initial weights, order and augmentation.
    """

    name: str
    data: AnyDataSpec
    model: ModelSpec
    objective: dict[str, Term] = Field(min_length=1)
    schedule: Schedule
    teacher: tuple[TrainingSpec, ...] = ()
    selection: SelectionSpec | None = None
    targets: Literal["online", "cached"] = "online"
    top_k: PositiveInt | None = None
    initialise_from: TrainingSpec | None = None
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _consistent(self) -> TrainingSpec:
        reading = [name for name, term in self.objective.items() if any("teacher" in r for r in term.reads)]
        if reading and not self.teacher:
            raise ParameterError(f"'{self.name}': the terms {reading} need a teacher, and the spec has none")
        if self.teacher and not reading:
            raise ParameterError(f"'{self.name}': the spec has a teacher, and no term of the objective reads it")
        if self.selection and not self.regresses_neurons:
            raise ParameterError(f"'{self.name}': the spec selects neurons, and no term regresses them")
        matching = [name for name, term in self.objective.items() if term.needs_matches]
        if matching and (self.schedule.images_per_identity or 1) < 2:
            raise ParameterError(
                f"'{self.name}': the terms {matching} need two images of an identity in a batch: "
                "expected images_per_identity of 2 or more in the schedule"
            )
        if "teacher_middle" in self.reads and self.targets == "cached":
            raise ParameterError(f"'{self.name}': maps of a middle layer are not cached: expected targets 'online'")
        if self.top_k and (self.targets != "cached" or self.soft_temperature is None):
            raise ParameterError(f"'{self.name}': top_k is for cached targets of one soft-target term")
        if self.top_k and len(self.teacher) > 1:
            raise ParameterError(f"'{self.name}': top_k is for a single teacher, and the spec has {len(self.teacher)}")
        sizes = {spec.model.input_size for spec in (self, *self.teacher)}
        if len(sizes) > 1:
            crops = ", ".join(f"{height} × {width}" for height, width in sorted(sizes))
            raise ParameterError(
                f"'{self.name}': it and its teachers take crops of {crops} pixels: expected one size; a view resamples"
            )
        return self

    @property
    def predecessors(self) -> tuple[TrainingSpec, ...]:
        """What must be trained before it: its teachers, and what it starts from."""
        return (*self.teacher, self.initialise_from) if self.initialise_from else self.teacher

    @property
    def reads(self) -> set[str]:
        """All signals that the objective reads."""
        return {signal for term in self.objective.values() for signal in term.reads}

    @property
    def soft_temperature(self) -> float | None:
        """The temperature of the soft-target term; None without exactly one."""
        terms = [term for term in self.objective.values() if term.loss == "SoftTargetLoss"]
        return float(terms[0].options.get("temperature", 1.0)) if len(terms) == 1 else None

    @property
    def regresses_neurons(self) -> bool:
        """Whether the student's outputs are neurons of the teacher, and so its features."""
        return "teacher_neurons" in self.reads

    @property
    def key(self) -> str:
        """Digest of everything that decides the result: content, data, code and the keys of its predecessors."""
        content: dict[str, Any] = self.model_dump(mode="json", exclude={"name", "data", "teacher", "initialise_from"})
        content["data"] = self.data.fingerprint()
        content["teacher"] = [teacher.key for teacher in self.teacher]
        content["initialise_from"] = self.initialise_from.key if self.initialise_from else None
        content["code"] = code_digest()
        content["torch"] = torch.__version__
        return digest(content)


def digest(content: object) -> str:
    """SHA-256, shortened to 32 hexadecimal digits, of a JSON-like value."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


@cache
def code_digest() -> str:
    """Digest of the code that decides a training, blind to comments, docstrings and layout."""
    package = Path(nbutils.__file__).parent
    state = hashlib.sha256()
    for name in _DECIDING_PACKAGES:
        for file in sorted((package / name).rglob("*.py")):
            state.update(file.relative_to(package).as_posix().encode())
            state.update(_without_docstrings(file.read_text(encoding="utf-8")).encode())
    return state.hexdigest()


def _without_docstrings(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)


def _component(module: ModuleType, name: str, options: dict[str, Option], taken: int = 0) -> None:
    """Checks that `module` offers `name` and that it takes these options."""
    kind = getattr(module, name, None) if name in module.__all__ else None
    if not (inspect.isclass(kind) and issubclass(kind, nn.Module)):
        raise ParameterError(f"{module.__name__} has no '{name}'; it has {', '.join(module.__all__)}")
    known = list(inspect.signature(kind).parameters)[taken:]
    for option in options:
        if option not in known:
            raise ParameterError(f"{name} takes no '{option}'; it takes {', '.join(known) or 'no options'}")
