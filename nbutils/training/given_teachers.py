"""Teachers that are not trained here, as networks over the student's crops."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from nbutils.errors import ParameterError
from nbutils.models.base import FaceNetwork, Outputs
from nbutils.models.plain import PlainNetwork
from nbutils.models.view import View
from nbutils.training.face_input import FaceInput


class _GivenNetwork(FaceNetwork):
    """Takes the student's crops, and gives the teacher's answers to its own kind of input."""

    def __init__(self, wanted: FaceInput, crop: tuple[int, int], *, whole_numbers: bool) -> None:
        super().__init__()
        self.wanted = wanted
        self.input_size = crop
        self._resample = View("whole_face", wanted.size or crop)
        self._whole_numbers = whole_numbers

    def prepared(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) crops in [−1, 1] as the teacher wants them, float32 or uint8."""
        span = self.wanted.high - self.wanted.low
        pixels = (self._resample(images) + 1) * (span / 2) + self.wanted.low
        if self.wanted.channels == "BGR":
            pixels = pixels.flip(1)
        if self.wanted.axes == "NHWC":
            pixels = pixels.permute(0, 2, 3, 1)
        return pixels.round().clamp(0, 255).to(torch.uint8) if self._whole_numbers else pixels


class OnnxTeacherNetwork(_GivenNetwork):
    """See `nbutils.training.teacher_specs.OnnxTeacher`."""

    def __init__(
        self, file: Path, neurons: str, logits: str | None, width: int, wanted: FaceInput, crop: tuple[int, int]
    ) -> None:
        session = _open(file)
        (entry,) = _only_input(file, session)
        wanted = _with_size(file, entry.shape, wanted)
        super().__init__(wanted, crop, whole_numbers=entry.type == "tensor(uint8)")
        self._file, self._session, self._input, self._width = file, session, entry, width
        self._names = [neurons, *([logits] if logits else [])]
        _check_outputs(file, session, self._names)

    def forward(self, images: Tensor) -> Outputs:
        """Maps (B, 3, H, W) crops to neurons, and logits where the file has them."""
        faces = np.ascontiguousarray(self.prepared(images.detach()).cpu().numpy())
        at_once = self._input.shape[0] if isinstance(self._input.shape[0], int) else len(faces)
        parts = [self._run(faces[start : start + at_once]) for start in range(0, len(faces), at_once)]
        found = [torch.from_numpy(np.concatenate(each)).to(images.device) for each in zip(*parts, strict=True)]
        if found[0].ndim != 2 or found[0].shape[1] != self._width:
            raise ParameterError(
                f"{self._file}: '{self._names[0]}' gives {tuple(found[0].shape)}: expected (images, {self._width})"
            )
        return Outputs(features=found[0], output=found[1] if len(found) > 1 else None)

    def _run(self, faces: npt.NDArray[Any]) -> list[npt.NDArray[np.float32]]:
        try:
            found: list[npt.NDArray[np.float32]] = self._session.run(self._names, {self._input.name: faces})
        except Exception as error:  # the runtime's exceptions have no common base
            raise ParameterError(
                f"{self._file}: does not take faces of shape {faces.shape} and type {faces.dtype}: "
                f"{str(error).splitlines()[0]}"
            ) from error
        return found


class FunctionTeacherNetwork(_GivenNetwork):
    """See `nbutils.training.teacher_specs.FunctionTeacher`."""

    def __init__(self, name: str, function: Callable[..., Any], wanted: FaceInput, crop: tuple[int, int]) -> None:
        super().__init__(wanted, crop, whole_numbers=(wanted.low, wanted.high) == (0, 255))
        self._name, self._function = name, function

    def forward(self, images: Tensor) -> Outputs:
        """Maps (B, 3, H, W) crops to what the function says of them."""
        answer = self._function(np.ascontiguousarray(self.prepared(images.detach()).cpu().numpy()))
        each = answer if isinstance(answer, tuple) else (answer,)
        arrays = [np.asarray(array, np.float32) for array in each]
        if len(arrays) > 2 or any(array.ndim != 2 or len(array) != len(images) for array in arrays):
            shapes = " and ".join(str(array.shape) for array in arrays)
            raise ParameterError(
                f"{self._name} returned {shapes} for {len(images)} faces: expected neurons (faces, neurons), or a "
                "tuple of these and logits"
            )
        found = [torch.from_numpy(array).to(images.device) for array in arrays]
        return Outputs(features=found[0], output=found[1] if len(found) > 1 else None)


class _PreparedModule(_GivenNetwork):
    def __init__(self, network: FaceNetwork, wanted: FaceInput, crop: tuple[int, int]) -> None:
        super().__init__(wanted, crop, whole_numbers=False)
        self.network = network

    @property
    def root(self) -> nn.Module:
        """The module itself."""
        return self.network.root

    def forward(self, images: Tensor) -> Outputs:
        """Maps (B, 3, H, W) crops to the module's neurons and logits."""
        outputs: Outputs = self.network(self.prepared(images))
        return outputs


def module_network(
    module: nn.Module,
    weights: Path | None,
    neurons: str,
    logits: str | None,
    wanted: FaceInput,
    crop: tuple[int, int],
) -> FaceNetwork:
    """See `nbutils.training.teacher_specs.ModuleTeacher`."""
    if weights is not None:
        try:
            module.load_state_dict(load_file(weights))
        except (SafetensorError, OSError, RuntimeError) as error:
            raise ParameterError(f"{weights}: not the weights of {type(module).__name__}: {error}") from error
    if isinstance(module, FaceNetwork) and wanted.size is None:
        height, width = module.input_size
        wanted = wanted.model_copy(update={"height": height, "width": width})
    plain = PlainNetwork(module, wanted.size or crop, neurons, logits)
    return _PreparedModule(plain, wanted, crop).eval()


def onnx_width(file: Path, neurons: str, logits: str | None) -> int:
    """Number of neurons that an ONNX file gives, by trying it where it does not say.

    Raises:
        ParameterError: The file cannot be read, does not take faces, or has no such output.
    """
    session = _open(file)
    (entry,) = _only_input(file, session)
    _check_outputs(file, session, [neurons, *([logits] if logits else [])])
    shape = next(output.shape for output in session.get_outputs() if output.name == neurons)
    if len(shape) != 2 or not isinstance(shape[1], int):
        raise ParameterError(f"{file}: '{neurons}' is {shape}: expected (images, a fixed number of neurons)")
    if len(entry.shape) != 4 or entry.type not in ("tensor(uint8)", "tensor(float)"):
        raise ParameterError(
            f"{file}: its input '{entry.name}' is {entry.shape} of {entry.type}: expected four axes of uint8 or float32"
        )
    return shape[1]


def _open(file: Path) -> Any:  # noqa: ANN401 (ONNX Runtime has no types)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    if not file.is_file():
        raise ParameterError(f"{file}: there is no such file: expected an ONNX file")
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's exceptions have no common base
        raise ParameterError(f"{file}: ONNX Runtime cannot read it: {str(error).splitlines()[0]}") from error


def _only_input(file: Path, session: Any) -> list[Any]:  # noqa: ANN401
    inputs: list[Any] = session.get_inputs()
    if len(inputs) != 1:
        raise ParameterError(f"{file}: has {len(inputs)} inputs: expected one, the faces")
    return inputs


def _check_outputs(file: Path, session: Any, names: list[str]) -> None:  # noqa: ANN401
    known = [output.name for output in session.get_outputs()]
    for name in names:
        if name not in known:
            raise ParameterError(f"{file}: has no output {name!r}; it has {', '.join(known)}")


def _with_size(file: Path, shape: list[Any], wanted: FaceInput) -> FaceInput:
    """The input with the size that the file fixes, if it does."""
    rows, columns = (1, 2) if wanted.axes == "NHWC" else (2, 3)
    colours = shape[3 if wanted.axes == "NHWC" else 1]
    fixed = (shape[rows], shape[columns])
    if isinstance(colours, int) and colours != 3:
        raise ParameterError(f"{file}: its input is {shape}: expected 3 colours where the axes are {wanted.axes}")
    if not all(isinstance(side, int) for side in fixed):
        return wanted
    if wanted.size not in (None, fixed):
        raise ParameterError(
            f"{file}: takes faces of {fixed[0]} × {fixed[1]} pixels, not {wanted.height} × {wanted.width}"
        )
    return wanted.model_copy(update={"height": fixed[0], "width": fixed[1]})
