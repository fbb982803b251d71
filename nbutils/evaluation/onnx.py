"""Deployment without PyTorch: a network as an ONNX file, checked against its weights, in float32 and int8.

The file takes images as cameras give them, (B, H, W, 3) uint8, and gives the face representation: scaling is inside. It
carries a digest of its bytes; see `nbutils.evaluation.onnx_digest`.
"""

from __future__ import annotations

import copy
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from nbutils.errors import DataError, ParameterError
from nbutils.evaluation.onnx_digest import read_whole, with_digest
from nbutils.models.base import FaceNetwork
from nbutils.models.deployed import Deployed
from nbutils.models.features import FeatureLayer
from nbutils.writing import replacing

Images = npt.NDArray[np.uint8]

#: Names of the file's only input and output.
INPUT, OUTPUT = "images", "features"
#: Largest difference to PyTorch that is rounding, as a share of the features' standard deviation.
TOLERANCE = 1e-3
#: Newest operators that all runtimes in use know.
_OPSET = 18
#: Images at once, for calibration and checks.
_BATCH = 64


class _Camera(nn.Module):
    """Scales camera pixels to the network's input, as `nbutils.data.batches` does."""

    def __init__(self, network: Deployed, precision: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.network = network
        self.precision = precision

    def forward(self, images: Tensor) -> Tensor:
        scaled = (images.permute(0, 3, 1, 2).float() - 127.5) / 127.5
        features: Tensor = self.network(scaled.to(self.precision))
        return features


def camera(network: FaceNetwork, layer: FeatureLayer = "output", precision: torch.dtype = torch.float32) -> nn.Module:
    """A copy of the network's deployed part, from (B, H, W, 3) uint8 pixels to its face representation.

    Args:
        network: A trained network.
        layer: Which of `FaceOutputs` the representation is.
        precision: Of weights and features.

    Example:
        >>> import torch
        >>> from nbutils.evaluation.onnx import camera
        >>> from nbutils.models import MobileIDStudent
        >>> camera(MobileIDStudent(7, width=4))(torch.zeros(2, 55, 47, 3, dtype=torch.uint8)).shape
        torch.Size([2, 7])
    """
    return _Camera(Deployed([copy.deepcopy(network)], layer).to("cpu", precision), precision).eval()


def export_onnx(
    network: FaceNetwork,
    file: Path,
    images: Images,
    *,
    layer: FeatureLayer = "output",
    metadata: Mapping[str, str] | None = None,
) -> float:
    """Writes the network's face representation as an ONNX file, and checks it on real images before it is there.

    Args:
        network: A trained network.
        file: Where to write; replaced only by a file that agrees.
        images: (N, H, W, 3) uint8 of the network's input size, real ones.
        layer: Which of `FaceOutputs` the representation is.
        metadata: Further entries of the file's metadata.

    Returns:
        The largest difference to PyTorch found, as a share of the features' standard deviation.

    Raises:
        DataError: If file and network disagree on the images.
        ParameterError: If the images do not fit the network.
    """
    import onnx

    check_images(images, network.input_size)
    deployed = Deployed([network], layer).cpu()
    example = torch.zeros(2, *network.input_size, 3, dtype=torch.uint8)
    batch = torch.export.Dim("batch")
    with replacing(file) as aside, _quiet():
        program = torch.onnx.export(
            _Camera(deployed),
            (example,),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: batch},),
            opset_version=_OPSET,
            dynamo=True,
            verbose=False,
        )
        assert program is not None
        model = program.model_proto
        onnx.helper.set_model_props(model, {"input": "uint8 RGB, rows × columns × 3", **(metadata or {})})
        aside.write_bytes(with_digest(model))
        return check_onnx(aside, network, images, layer=layer, name=file)


def check_onnx(
    file: Path, network: FaceNetwork, images: Images, *, layer: FeatureLayer = "output", name: Path | None = None
) -> float:
    """Compares an ONNX file with a network on real images.

    Args:
        file: A float32 file of `export_onnx`.
        network: The network that it should be.
        images: (N, H, W, 3) uint8 of the network's input size.
        layer: As it was exported.
        name: What an error calls the file; None: `file`.

    Returns:
        As `export_onnx`.

    Raises:
        DataError: If they disagree by more than rounding, or the file is none of `export_onnx`.
    """
    check_images(images, network.input_size)
    opened = OnnxNetwork.open(file, name)
    try:
        found = opened.features(images)
    except Exception as error:  # the runtime's exceptions have no common base
        raise DataError(
            f"{name or file}: ONNX Runtime cannot run it on {len(images)} images ({str(error).splitlines()[0]}); a "
            "network that asks for `len` of its input fixes that number: expected `x.shape[0]`, or a size of -1"
        ) from error
    with torch.inference_mode():
        wanted = _Camera(Deployed([network], layer).cpu())(torch.from_numpy(images)).numpy()
    if found.shape != wanted.shape:
        raise DataError(f"{name or file}: gives features {found.shape}, expected {wanted.shape} of its network")
    difference = float(np.abs(found - wanted).max() / max(float(wanted.std()), 1e-12))
    if not difference <= TOLERANCE:
        raise DataError(
            f"{name or file}: disagrees with its network's weights: features differ by {difference:.2g} of their "
            f"standard deviation on {len(images)} images, expected {TOLERANCE:g} at most; export it again"
        )
    return difference


def quantise_onnx(file: Path, target: Path, images: Images) -> None:
    """Makes an int8 file of a float32 one: weights by output channel, activations by their range on real images.

    Args:
        file: Of `export_onnx`.
        target: Where to write.
        images: (N, H, W, 3) uint8 to calibrate on; of people to train on, not to test.

    Raises:
        DataError: If the file is none of `export_onnx`, or damaged.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.batches = iter(np.array_split(images, -(-len(images) // _BATCH)))

        def get_next(self) -> dict[str, Images] | None:
            batch = next(self.batches, None)
            return None if batch is None else {INPUT: batch}

    check_images(images, None)
    with replacing(target) as aside, tempfile.TemporaryDirectory() as folder, _quiet():
        prepared = Path(folder) / "prepared.onnx"
        exact = onnx.load_from_string(read_whole(file))
        quant_pre_process(exact, str(prepared))
        quantize_static(
            str(prepared),
            str(aside),
            Reader(),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
        )
        model = onnx.load(aside)
        del model.metadata_props[:]
        model.metadata_props.extend(exact.metadata_props)
        aside.write_bytes(with_digest(model))


@dataclass(frozen=True)
class OnnxNetwork:
    """An ONNX file in ONNX Runtime.

    Attributes:
        session: The runtime's.
        input_size: (height, width).
        metadata: What the file says of itself.
    """

    session: Any
    input_size: tuple[int, int]
    metadata: Mapping[str, str]

    @classmethod
    def open(cls, file: Path, name: Path | None = None, *, threads: int = 1) -> OnnxNetwork:
        """Loads a file of `export_onnx` or `quantise_onnx`, once its digest is found right.

        Args:
            file: The file.
            name: What an error calls it; None: `file`.
            threads: That it runs on.

        Raises:
            DataError: If it is no such file, or damaged.
        """
        import onnxruntime

        content = read_whole(file, name)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the runtime's exceptions have no common base
            raise DataError(f"{name or file}: ONNX Runtime cannot read it: {str(error).splitlines()[0]}") from error
        inputs = session.get_inputs()
        if len(inputs) != 1 or inputs[0].name != INPUT or inputs[0].type != "tensor(uint8)":
            raise DataError(f"{name or file}: expected one input '{INPUT}' of uint8, as `nbutils export` writes it")
        metadata = session.get_modelmeta().custom_metadata_map
        return cls(session, (inputs[0].shape[1], inputs[0].shape[2]), metadata)

    def features(self, images: Images) -> npt.NDArray[np.float32]:
        """(N, F) features of (N, H, W, 3) uint8 images of the input size.

        Raises:
            ParameterError: If the images do not fit.
        """
        check_images(images, self.input_size)
        parts = np.array_split(images, -(-len(images) // _BATCH))
        return np.concatenate([self.session.run(None, {INPUT: part})[0] for part in parts])


def check_images(images: Images, size: tuple[int, int] | None) -> None:
    """Refuses what is no (N, H, W, 3) uint8 of this height and width.

    Raises:
        ParameterError: Saying what was expected.
    """
    wanted = size or images.shape[1:3]
    if images.dtype != np.uint8 or images.ndim != 4 or not len(images) or images.shape[1:] != (*wanted, 3):
        raise ParameterError(
            f"images have shape {images.shape} and type {images.dtype}: expected (N, {wanted[0]}, {wanted[1]}, 3) uint8"
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Exporters warn of what is of no concern to who exports."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
