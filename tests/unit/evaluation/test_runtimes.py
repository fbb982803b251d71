import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from nbutils.evaluation import OnnxNetwork, RuntimeCalls, export_onnx, quantise_onnx, runtime_calls
from nbutils.evaluation.runtimes import _say_once
from nbutils.models import MobileIDStudent

pytestmark = pytest.mark.slow

IMAGES: npt.NDArray[np.uint8] = np.random.default_rng(0).integers(0, 256, (70, 55, 47, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def student() -> MobileIDStudent:
    torch.manual_seed(0)
    return MobileIDStudent(out_features=7, width=4).eval()


@pytest.fixture(scope="module")
def files(student: MobileIDStudent, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runtimes")
    files = {"float32": folder / "S.onnx", "int8": folder / "S.int8.onnx"}
    export_onnx(student, files["float32"], IMAGES[:3])
    quantise_onnx(files["float32"], files["int8"], IMAGES)
    return files


def _wanted(student: MobileIDStudent) -> npt.NDArray[np.float32]:
    with torch.inference_mode():
        wanted: npt.NDArray[np.float32] = student(
            torch.from_numpy(IMAGES[:1]).permute(0, 3, 1, 2) / 127.5 - 1
        ).output.numpy()
    return wanted


def test_every_runtime_gives_the_networks_features(student: MobileIDStudent, files: dict[str, Path]) -> None:
    pytest.importorskip("openvino")
    found = runtime_calls(files, IMAGES[:1], threads=2)
    wanted = _wanted(student)
    for name, call in found.calls.items():
        exact = "float32" in name
        np.testing.assert_allclose(call(), wanted, atol=1e-5 if exact else 0.1 * wanted.std(), err_msg=name)
    assert {"ONNX Runtime float32", "ONNX Runtime int8", "OpenVINO float32", "OpenVINO int8"} <= found.calls.keys()
    assert "bf16" in " ".join(found.left_out)


def test_a_result_stays_when_the_next_image_is_run(files: dict[str, Path]) -> None:
    pytest.importorskip("openvino")
    calls = runtime_calls({"float32": files["float32"]}, IMAGES[:1]).calls
    first = calls["OpenVINO float32"]()
    kept = first.copy()
    calls["OpenVINO float32"]()
    np.testing.assert_array_equal(first, kept)


def test_without_openvino_it_is_left_out_with_a_reason(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    _say_once.cache_clear()
    found = runtime_calls({"float32": files["float32"]}, IMAGES[:1])
    assert list(found.calls) == ["ONNX Runtime float32"]
    assert "pip install nbutils[openvino]" in found.left_out["OpenVINO"]
    assert "left out OpenVINO: not installed" in caplog.text


def test_what_fails_is_left_out_with_its_first_line(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> npt.NDArray[np.float32]:
        raise RuntimeError("no compiler\nand more")

    found = RuntimeCalls()
    found.try_to_add("made", lambda: fail)
    found.try_to_add("AOTInductor float32", lambda: fail() and None)  # type: ignore[arg-type, return-value]
    assert found.calls == {}
    assert found.left_out == {"made": "no compiler", "AOTInductor float32": "no compiler"}
    assert "left out made: no compiler" in caplog.text


def test_a_file_runs_on_the_threads_that_are_wanted(files: dict[str, Path]) -> None:
    network = OnnxNetwork.open(files["float32"], threads=2)
    assert network.session.get_session_options().intra_op_num_threads == 2


def test_what_aot_inductor_compiles_gives_the_same(student: MobileIDStudent, files: dict[str, Path]) -> None:
    found = runtime_calls({"float32": files["float32"]}, IMAGES[:1], network=student)
    if "AOTInductor float32" in found.left_out:
        pytest.skip(f"AOTInductor: {found.left_out['AOTInductor float32']}")
    np.testing.assert_allclose(found.calls["AOTInductor float32"](), _wanted(student), atol=1e-5)
