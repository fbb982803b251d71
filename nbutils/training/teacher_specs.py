"""Teachers that are not trained here: an ONNX file, a module with its weights, a Python function."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveInt, model_validator
from torch import nn

from nbutils.errors import ParameterError
from nbutils.models.base import FaceNetwork
from nbutils.training.base import Frozen, digest
from nbutils.training.face_input import FaceInput
from nbutils.training.kinds import MODELS, Kind, check_options, describe, given_content, resolve, roots
from nbutils.training.result_files import sha256_of
from nbutils.writing import replacing

Option = bool | int | float | str | None | tuple[bool | int | float | str, ...]

#: A network of `nbutils.models` by name, or a class or function of one's own.
NetworkKind = Annotated[Kind, BeforeValidator(lambda value: describe(value, *MODELS))]


class _Given(Frozen):
    """What all of them share: a name for people, and a key."""

    name: str = "teacher"
    input: FaceInput = FaceInput()

    @property
    def key(self) -> str:
        """Digest of what decides its answers, wherever its file lies."""
        return digest(self.key_content())

    def key_content(self) -> dict[str, Any]:
        """What the key is a digest of."""
        return given_content(self.model_dump(mode="json"), *self._roots())

    def network(self, crop: tuple[int, int]) -> FaceNetwork:
        """The teacher as a network over whole-face crops: its neurons are the features, its logits the output.

        Args:
            crop: (height, width) of the crops.

        Raises:
            ParameterError: Its file or source is not what the spec was written with, or does not fit.
        """
        raise NotImplementedError

    def _roots(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return (), ()


class OnnxTeacher(_Given):
    """A network in an ONNX file.

    Attributes:
        file: The file.
        neurons: Name of its output (N, M) of neurons.
        logits: Name of its output (N, K) of logits over the people to train on; None: it has none.
        input: How it wants its faces. Whether they are uint8 or float32, the file says.
        sha256: Digest of the file; empty: that of the file as it is now.
        width: M; None: what the file gives now.
        name: What people call it.

    Raises:
        ParameterError: The file cannot be read, has no such output, or does not take faces.
    """

    kind: Literal["onnx"] = "onnx"
    file: Path
    neurons: str
    logits: str | None = None
    sha256: str = ""
    width: PositiveInt | None = None

    @model_validator(mode="before")
    @classmethod
    def _as_it_is_now(cls, given: Any) -> Any:  # noqa: ANN401 (whatever the user gave)
        """Notes digest and width of the file where the user gave none, so that a later change is noticed."""
        if not isinstance(given, dict) or given.get("sha256") or "file" not in given or "neurons" not in given:
            return given
        from nbutils.training.given_teachers import onnx_width

        file = Path(given["file"]).expanduser().resolve()
        width = onnx_width(file, given["neurons"], given.get("logits"))
        if given.get("width") not in (None, width):
            raise ParameterError(f"{file}: '{given['neurons']}' has {width} neurons, expected {given['width']}")
        return given | {"file": file, "sha256": file_sha256(file), "width": width}

    def network(self, crop: tuple[int, int]) -> FaceNetwork:
        """See the base class."""
        from nbutils.training.given_teachers import OnnxTeacherNetwork

        check_sha256(self.file, self.sha256)
        assert self.width is not None
        return OnnxTeacherNetwork(self.file, self.neurons, self.logits, self.width, self.input, crop)


class ModuleTeacher(_Given):
    """Any `nn.Module` with its weights.

    Attributes:
        module: Its class, or a function that makes it.
        options: Of the constructor.
        weights: A safetensors file of its `state_dict()`; None: as the constructor leaves it.
        neurons: Path of the module whose responses are the neurons; a map is averaged over its positions. "" is
            what the network returns.
        logits: Path of the module that gives logits over the people to train on, likewise; None: it has none.
        input: How it wants its faces; by default NCHW in [−1, 1].
        sha256: Digest of the weights; empty: those of the file as it is now.
        name: What people call it.

    Raises:
        ParameterError: The weights cannot be read, or the class takes no such option.
    """

    kind: Literal["module"] = "module"
    module: NetworkKind
    options: dict[str, Option] = Field(default_factory=dict)
    weights: Path | None = None
    neurons: str = ""
    logits: str | None = None
    input: FaceInput = FaceInput(low=-1.0, high=1.0)
    sha256: str = ""

    @model_validator(mode="before")
    @classmethod
    def _as_it_is_now(cls, given: Any) -> Any:  # noqa: ANN401
        if isinstance(given, dict) and isinstance(given.get("module"), nn.Module):
            raise ParameterError(
                f"a {type(given['module']).__name__} object cannot be written into a spec: use "
                "ModuleTeacher.save(module, 'weights.safetensors'), which keeps its class and its weights"
            )
        if not isinstance(given, dict) or given.get("sha256") or given.get("weights") is None:
            return given
        file = Path(given["weights"]).expanduser().resolve()
        return given | {"weights": file, "sha256": file_sha256(file)}

    @model_validator(mode="after")
    def _known(self) -> ModuleTeacher:
        if self.module.is_known:
            check_options(str(self.module), resolve(self.module, *MODELS), self.options)
        return self

    @classmethod
    def save(cls, module: nn.Module, file: Path | str, **fields: Any) -> ModuleTeacher:  # noqa: ANN401
        """Writes a module's weights and returns it as a teacher.

        Args:
            module: Of a class whose constructor takes `options`.
            file: Where to write the weights (safetensors).
            **fields: Further fields: `options`, `neurons`, `logits`, `input`, `name`.

        Raises:
            ParameterError: Its class cannot be named in a spec.
        """
        from nbutils.training.tensor_file import write_tensors

        kind = describe(type(module), *MODELS)
        with replacing(Path(file)) as aside:
            write_tensors(module.state_dict(), aside)
        return cls(module=kind, weights=Path(file), **fields)

    def network(self, crop: tuple[int, int]) -> FaceNetwork:
        """See the base class."""
        from nbutils.training.given_teachers import module_network

        if self.weights is not None:
            check_sha256(self.weights, self.sha256)
        make = resolve(self.module, *MODELS)
        check_options(str(self.module), make, self.options)
        return module_network(make(**self.options), self.weights, self.neurons, self.logits, self.input, crop)

    def _roots(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return roots(self.module, *MODELS)


class FunctionTeacher(_Given):
    """A Python function.

    Attributes:
        function: Maps faces, an array as `input` says, (B, height, width, 3) uint8 by default, to neurons (B, M), or
            to neurons and logits (B, K).
        input: How it wants its faces.
        name: What people call it.
    """

    kind: Literal["function"] = "function"
    function: NetworkKind
    input: FaceInput = FaceInput(axes="NHWC")

    def network(self, crop: tuple[int, int]) -> FaceNetwork:
        """See the base class."""
        from nbutils.training.given_teachers import FunctionTeacherNetwork

        return FunctionTeacherNetwork(str(self.function), resolve(self.function, *MODELS), self.input, crop)

    def _roots(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return roots(self.function, *MODELS)


def file_sha256(file: Path) -> str:
    """Of a file's content.

    Raises:
        ParameterError: It cannot be read.
    """
    try:
        return sha256_of(file)
    except OSError as error:
        raise ParameterError(f"{file}: cannot be read: {error.strerror}") from error


def check_sha256(file: Path, expected: str) -> None:
    """Raises `ParameterError` if a file is not the one that a spec was written with."""
    found = file_sha256(file)
    if found != expected:
        raise ParameterError(f"{file} has changed since the spec was written: SHA-256 {found}, expected {expected}")


GivenTeacher = Annotated[OnnxTeacher | ModuleTeacher | FunctionTeacher, Field(discriminator="kind")]
