"""The classes that a spec names, with their options: its network, and the losses of its objective."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any

import torch
from pydantic import BeforeValidator, Field, PositiveInt, model_validator
from torch import nn
from torch.overrides import TorchFunctionMode

from nbutils.errors import ParameterError
from nbutils.models.base import FaceNetwork
from nbutils.training.base import Frozen
from nbutils.training.kinds import LOSSES, MODELS, Kind, check_options, describe, resolve
from nbutils.training.teacher_specs import NetworkKind, Option

LossKind = Annotated[Kind, BeforeValidator(lambda value: describe(value, *LOSSES))]


class ViewSpec(Frozen):
    """A region of whole-face crops of `height` × `width` pixels; see `nbutils.models.View`."""

    region: str = "whole_face"
    height: PositiveInt
    width: PositiveInt

    @model_validator(mode="after")
    def _known(self) -> ViewSpec:
        from nbutils.models.view import View

        View(self.region, (self.height, self.width))  # refuses an unknown region
        return self


class ModelSpec(Frozen):
    """A network; its number of outputs follows from the objective.

    Attributes:
        kind: A class of `nbutils.models` or its name, a class of yours, or a function that makes a network. It
            takes the number of outputs as its first argument, or, where that is not given by position, as
            `num_classes`. An `nn.Module` that returns tensors, not `nbutils.models.Outputs`, needs `size`.
        options: Of the constructor.
        view: What the network sees of larger crops; None: it takes crops of its own size.
        size: (height, width) of the images of a plain `nn.Module`.
        features: Path of the plain module's top hidden layer; "" is what it returns.

    Example:
        >>> ModelSpec("MobileIDStudent", options={"width": 32}).input_size
        (55, 47)
        >>> from torchvision.models import mobilenet_v3_small
        >>> ModelSpec(mobilenet_v3_small, size=(64, 64), features="avgpool").build(10).input_size
        (64, 64)
    """

    kind: NetworkKind
    options: dict[str, Option] = Field(default_factory=dict)
    view: ViewSpec | None = None
    size: tuple[PositiveInt, PositiveInt] | None = None
    features: str = ""

    def __init__(self, kind: object = None, /, **fields: object) -> None:
        """Takes the kind by position or by name, the other fields by name.

        Raises:
            ParameterError: There is no such network, or it takes no such option.
        """
        super().__init__(**fields if kind is None else {"kind": kind, **fields})

    @model_validator(mode="after")
    def _known(self) -> ModelSpec:
        if self.kind.is_known:
            check_options(str(self.kind), resolve(self.kind, *MODELS), self.options, taken=1)
        return self

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) of the crops that the network takes."""
        return _input_size(self.model_dump_json())

    def build(self, outputs: int) -> FaceNetwork:
        """Makes the network, with `outputs` units in its last layer.

        Raises:
            ParameterError: The class does not make a network.
        """
        make = resolve(self.kind, *MODELS)
        check_options(str(self.kind), make, self.options, taken=1)
        first = next(iter(inspect.signature(make).parameters.values()), None)
        by_position = first is not None and first.kind in (first.POSITIONAL_ONLY, first.POSITIONAL_OR_KEYWORD)
        network = make(outputs, **self.options) if by_position else make(num_classes=outputs, **self.options)
        network = self._as_face_network(network)
        if self.view:
            network.look_at(self.view.region, (self.view.height, self.view.width))
        return network

    def build_shapes(self, outputs: int) -> FaceNetwork:
        """Makes the network on the meta device: its shapes, and no values.

        Raises:
            ParameterError: The class does not make a network.
        """
        with torch.device("meta"), _Undrawn():
            return self.build(outputs)

    def _as_face_network(self, network: object) -> FaceNetwork:
        if isinstance(network, FaceNetwork):
            return network
        if not isinstance(network, nn.Module):
            raise ParameterError(f"{self.kind} made a {type(network).__name__}: expected an nn.Module")
        if self.size is None:
            raise ParameterError(
                f"{self.kind} is no FaceNetwork, which says which images it takes: give its ModelSpec `size`, "
                "(height, width), and `features`, the path of its top hidden layer"
            )
        from nbutils.models.plain import PlainNetwork

        return PlainNetwork(network, self.size, self.features)


@cache
def _input_size(spec: str) -> tuple[int, int]:
    """Of a `ModelSpec` as JSON: a graph of trainings asks it of few networks, often."""
    return ModelSpec.model_validate_json(spec).build_shapes(2).input_size


class _Undrawn(TorchFunctionMode):
    """Leaves weights as they are: to draw some without values, PyTorch imports its compiler, which takes seconds."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        given = kwargs or {}
        if func in (nn.init.normal_, torch.Tensor.normal_):
            return args[0] if args else given["tensor"]
        return func(*args, **given)


class Term(Frozen):
    """One loss with its weight in the sum.

    Attributes:
        kind: A class of `nbutils.losses` or its name, or a class of yours.
        weight: Of the loss in the sum.
        options: Of the constructor.

    Example:
        >>> Term("SoftTargetLoss", weight=0.5, options={"temperature": 3.0}).reads
        ('student.output', 'teacher.logits')
    """

    kind: LossKind
    weight: float = Field(1.0, ge=0, allow_inf_nan=False)
    options: dict[str, Option] = Field(default_factory=dict)

    def __init__(self, kind: object = None, /, **fields: object) -> None:
        """Takes the kind by position or by name, the other fields by name.

        Raises:
            ParameterError: There is no such loss, or it takes no such option.
        """
        super().__init__(**fields if kind is None else {"kind": kind, **fields})

    @model_validator(mode="after")
    def _known(self) -> Term:
        if self.kind.is_known:
            self.build()  # the loss refuses a value out of its range
        return self

    def build(self) -> nn.Module:
        """Makes the loss.

        Raises:
            ParameterError: It takes no such option, is no `nn.Module`, or does not say what it reads.
        """
        make = resolve(self.kind, *LOSSES)
        check_options(str(self.kind), make, self.options)
        loss = make(**self.options)
        if not isinstance(loss, nn.Module) or not getattr(loss, "reads", ()):
            raise ParameterError(
                f"{self.kind} is no loss: expected an nn.Module with `reads`, the signals that it reads, such as "
                '("student.output", "truth.identity")'
            )
        return loss

    @property
    def reads(self) -> tuple[str, ...]:
        """The signals that it reads."""
        reads: tuple[str, ...] = self._said("reads", ())
        return reads

    @property
    def output_like(self) -> str | None:
        """The signal that the student's output has as many units as; see `nbutils.losses.Loss`."""
        signal: str | None = self._said("output_like", None)
        return signal

    @property
    def needs_matches(self) -> bool:
        """Whether a batch must hold several images of an identity."""
        return bool(self._said("needs_matches", False))

    @property
    def temperature_read(self) -> float | None:
        """The temperature at which alone it reads the teacher's logits."""
        temperature: float | None = self._said("temperature_read", None)
        return temperature

    def _said(self, name: str, default: Any) -> Any:  # noqa: ANN401 (what the loss says of itself)
        return getattr(_built(self.model_dump_json()), name, default)


@cache
def _built(term: str) -> nn.Module:
    """A loss to ask what it reads, made once for each content."""
    return Term.model_validate_json(term).build()
