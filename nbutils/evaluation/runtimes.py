"""One network on one image by the runtimes that deploy it: ONNX Runtime, OpenVINO and AOTInductor.

All take camera pixels, (1, H, W, 3) uint8, and scale them themselves. What cannot run here is left out with its reason:
bf16 where the processor would have to emulate it, OpenVINO where it is not installed (`pip install nbutils[openvino]`),
AOTInductor without a C++ compiler.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from nbutils.evaluation.onnx import INPUT, Images, OnnxNetwork, camera, check_images
from nbutils.evaluation.onnx_digest import read_whole
from nbutils.models.base import FaceNetwork
from nbutils.models.features import FeatureLayer

logger = logging.getLogger(__name__)

Features = npt.NDArray[np.float32]


@dataclass(frozen=True)
class RuntimeCalls:
    """Ways to run one network.

    Attributes:
        calls: Name, such as "OpenVINO int8", to a call that gives the (1, F) features of the image.
        left_out: Name to the reason, of what cannot run here.
    """

    calls: dict[str, Callable[[], Features]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def try_to_add(self, name: str, make: Callable[[], Callable[[], Features]]) -> None:
        """Adds what `make` returns once it has run; otherwise, with a warning, why it does not."""
        try:
            call = make()
            call()
        except Exception as error:  # the runtimes' exceptions have no common base
            self.leave_out(name, (str(error) or type(error).__name__).splitlines()[0])
        else:
            self.calls[name] = call

    def leave_out(self, name: str, reason: str) -> None:
        """Leaves a way out, saying so."""
        self.left_out[name] = reason
        _say_once(name, reason)


@cache
def _say_once(name: str, reason: str) -> None:
    logger.warning("left out %s: %s", name, reason)


def runtime_calls(
    files: Mapping[str, Path],
    image: Images,
    *,
    network: FaceNetwork | None = None,
    layer: FeatureLayer = "output",
    threads: int = 1,
) -> RuntimeCalls:
    """Calls of one network in every runtime and arithmetic that this machine has.

    Args:
        files: "float32" and perhaps "int8" to a file of `export_onnx` or `quantise_onnx`.
        image: (1, H, W, 3) uint8.
        network: What the files are of, for AOTInductor, which takes a minute to compile it; None: without.
        layer: As it was exported.
        threads: Of every runtime; AOTInductor takes those of torch when it is called.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> import numpy as np
        >>> from nbutils.evaluation import export_onnx, runtime_calls
        >>> from nbutils.models import MobileIDStudent
        >>> images = np.random.default_rng(0).integers(256, size=(3, 55, 47, 3), dtype=np.uint8)
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder) / "student.onnx"
        ...     _ = export_onnx(MobileIDStudent(7, width=4), file, images)
        ...     runtime_calls({"float32": file}, images[:1]).calls["ONNX Runtime float32"]().shape
        (1, 7)
    """
    check_images(image, None)
    found = RuntimeCalls()
    for arithmetic, file in files.items():
        session = OnnxNetwork.open(file, threads=threads)
        found.calls[f"ONNX Runtime {arithmetic}"] = lambda session=session: session.features(image)  # type: ignore[misc]
    found.leave_out("ONNX Runtime bf16", "it has no convolution in bf16 for processors")
    _add_openvino(found, files, image, threads)
    if network is not None:
        found.try_to_add("AOTInductor float32", lambda: _aot_inductor(network, image, layer, torch.float32))
        if torch.cpu._is_avx512_bf16_supported():
            found.try_to_add("AOTInductor bf16", lambda: _aot_inductor(network, image, layer, torch.bfloat16))
        else:
            found.leave_out("AOTInductor bf16", "the processor has no bf16")
        found.leave_out("AOTInductor int8", "its float32 network has no int8 form; the ONNX file has")
    return found


def _add_openvino(found: RuntimeCalls, files: Mapping[str, Path], image: Images, threads: int) -> None:
    try:
        import openvino
    except ImportError:
        found.leave_out("OpenVINO", "not installed; pip install nbutils[openvino]")
        return
    core = openvino.Core()
    can = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    for arithmetic, source, precision in (
        ("float32", "float32", "f32"),
        ("bf16", "float32", "bf16"),
        ("int8", "int8", "f32"),
    ):
        name = f"OpenVINO {arithmetic}"
        if source not in files:
            continue
        if arithmetic == "bf16" and "BF16" not in can:
            found.leave_out(name, "the processor has no bf16")
            continue
        settings = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": precision,
        }
        found.try_to_add(name, lambda file=files[source], settings=settings: _openvino(core, file, image, settings))  # type: ignore[misc]


def _openvino(core: Any, file: Path, image: Images, settings: Mapping[str, object]) -> Callable[[], Features]:  # noqa: ANN401
    model = core.read_model(read_whole(file))
    model.reshape({INPUT: list(image.shape)})
    request = core.compile_model(model, "CPU", dict(settings)).create_infer_request()

    def call() -> Features:
        (features,) = request.infer({INPUT: image}).values()
        return np.array(features)  # the request's own buffer is written again

    return call


def _aot_inductor(
    network: FaceNetwork, image: Images, layer: FeatureLayer, precision: torch.dtype
) -> Callable[[], Features]:
    from torch._inductor import aoti_compile_and_package, aoti_load_package

    pixels = torch.from_numpy(image)
    whole = camera(network, layer, precision)
    with torch.inference_mode(), tempfile.TemporaryDirectory() as folder:
        package = aoti_compile_and_package(
            torch.export.export(whole, (pixels,)),
            package_path=str(Path(folder) / "network.pt2"),
            inductor_configs={"cpp.dynamic_threads": True},
        )
        loaded = aoti_load_package(package)

    def call() -> Features:
        with torch.inference_mode():
            features: Features = loaded(pixels).float().numpy()
        return features

    return call
