from pathlib import Path
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest
from typer.testing import CliRunner

from nbutils.batch.cli import app
from nbutils.batch.export import _find, _keep_fastest, export_training, notebook_specs
from nbutils.batch.parameters import Literal
from nbutils.data import SyntheticData
from nbutils.errors import ParameterError
from nbutils.evaluation import Latencies, OnnxNetwork
from nbutils.training import ModelSpec, Schedule, Term, TrainingSpec

pytestmark = pytest.mark.slow

NAME = "luo2016/05_compressing_a_single_network"
SMOKE: dict[str, Literal] = {
    "preset": "smoke",
    "dataset": "synthetic",
    "data_root": "",
    "layout": "",
    "pairs_root": "",
    "probe_dataset": "",
    "probe_root": "",
    "seed": 0,
    "seeds": 1,
    "targets": "online",
}


def test_a_training_becomes_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBUTILS_STORE", str(tmp_path / "store"))
    file = tmp_path / "new" / "S.onnx"
    result = CliRunner().invoke(app, ["export", "luo2016/05", "1-of-K", str(file), "--preset", "smoke", "--int8"])
    assert result.exit_code == 0, result.output
    assert "agrees with PyTorch on 200 images" in result.output
    assert "in int8" in result.output
    assert sorted(path.name for path in file.parent.iterdir()) == ["S.int8.onnx", "S.onnx"]
    assert OnnxNetwork.open(file).input_size == (55, 47)
    for each in (file, file.with_suffix(".int8.onnx")):
        checked = CliRunner().invoke(app, ["export", "--check", str(each)])
        assert checked.exit_code == 0, checked.output
        assert f"{each}: is whole; sha256:" in checked.output
        assert "network: 1-of-K" in checked.output
    content = bytearray(file.read_bytes())
    content[1000] ^= 1
    file.write_bytes(content)
    refused = CliRunner().invoke(app, ["export", "--check", str(file)])
    assert (refused.exit_code, refused.output.count("\n")) == (2, 1)
    assert "S.onnx: is damaged" in refused.output


@pytest.mark.parametrize(
    ("faster", "lost", "kept", "why"),
    [
        ("int8", 0.0005, "int8", "the faster one"),
        ("int8", -0.01, "int8", "the faster one"),
        ("float32", 0.0, "float32", "the faster one"),
        ("int8", 0.002, "float32", "int8 costs more than 0.1 points of AUC"),
        ("int8", None, "float32", "there are no pairs to tell what int8 costs"),
    ],
)
def test_the_fastest_is_kept_unless_int8_costs_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faster: str, lost: float | None, kept: str, why: str
) -> None:
    files = {"float32": tmp_path / "S.onnx", "int8": tmp_path / "S.int8.onnx"}
    for name, file in files.items():
        file.write_text(name)
    opened = {"float32": 2.0, "int8": 2.0} | {faster: 1.0}
    monkeypatch.setattr(
        "nbutils.batch.export.OnnxNetwork", SimpleNamespace(open=lambda _: SimpleNamespace(features=lambda _: None))
    )
    monkeypatch.setattr(
        "nbutils.batch.export.alternating_latencies",
        lambda calls, _: Latencies({name: np.full(3, opened[name]) for name in calls}),
    )
    said = _keep_fastest(files["float32"], files["int8"], np.zeros((1, 4, 4, 3), np.uint8), lost)
    assert f"S.onnx: holds {kept}, {why} (" in said
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("S.onnx", kept)]


def test_a_training_or_file_name_that_does_not_fit(tmp_path: Path) -> None:
    specs = notebook_specs(NAME, SMOKE)
    with pytest.raises(ParameterError, match="trains no 'selections': did you mean 'selection'"):
        list(export_training(NAME, specs, "selections", tmp_path / "S.onnx"))
    with pytest.raises(ParameterError, match=r"expected a name that ends in .onnx"):
        list(export_training(NAME, specs, "selection", tmp_path / "S.pt"))
    assert not list(tmp_path.iterdir())


def test_of_several_seeds_the_first_is_written() -> None:
    specs = notebook_specs(NAME, SMOKE | {"seed": 3, "seeds": 2})
    assert {spec.seed for spec in specs if spec.name == "selection"} == {3, 4}
    assert _find(NAME, specs, "selection").seed == 3


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("folder.onnx", "is a folder, expected the name of a file"),
        ("file.txt/S.onnx", "cannot be written: Not a directory"),
        ("/proc/S.onnx", "cannot be written: "),
        ("/proc/none/S.onnx", "cannot be written: "),
    ],
)
def test_a_target_that_cannot_be_written_is_refused_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, says: str
) -> None:
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "file.txt").touch()
    monkeypatch.setattr("nbutils.batch.export.train", lambda *_: pytest.fail("it trained"))
    with pytest.raises(ParameterError, match=f"{Path(target).name}: {says}"):
        list(export_training("mine", [], "pupil", tmp_path / target))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file.txt", "folder.onnx"]


def test_a_student_of_a_function_from_a_spec_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBUTILS_STORE", str(tmp_path / "store"))
    spec = TrainingSpec(
        name="pupil",
        data=SyntheticData(identities=4, images_per_identity=4, validation_images=4, pairs=20),
        model=ModelSpec("MobileIDStudent", options={"width": 4}),
        objective={"neurons": Term("NeuronLoss")},
        schedule=Schedule(epochs=1, batch_size=8),
        teacher=mean_colours,
    )
    (tmp_path / "spec.json").write_text(spec.model_dump_json())
    command = ["export", str(tmp_path / "spec.json"), "pupil", str(tmp_path / "S.onnx")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "S.onnx: holds " in result.output
    assert [path.name for path in tmp_path.glob("*.onnx")] == ["S.onnx"]
    images = np.zeros((2, 55, 47, 3), np.uint8)
    assert OnnxNetwork.open(tmp_path / "S.onnx").features(images).shape == (2, 3)
    refused = CliRunner().invoke(app, [*command, "-p", "seed", "1"])
    assert refused.exit_code == 2
    assert "seed is a notebook's parameter" in refused.output


def mean_colours(faces: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """A teacher with three neurons."""
    means: npt.NDArray[np.float64] = faces.mean(axis=(1, 2)) / 255
    return means
