from pathlib import Path

import pytest
from typer.testing import CliRunner

from nbutils.batch.cli import app
from nbutils.batch.export import export_training
from nbutils.batch.parameters import Literal
from nbutils.errors import ParameterError
from nbutils.evaluation import OnnxNetwork

NAME = "luo2016/05_compressing_a_single_network"
SMOKE: dict[str, Literal] = {
    "preset": "smoke",
    "dataset": "synthetic",
    "data_root": "",
    "layout": "",
    "pairs_root": "",
    "seed": 0,
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


def test_a_training_or_file_name_that_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="trains no 'selections': did you mean 'selection'"):
        list(export_training(NAME, SMOKE, "selections", tmp_path / "S.onnx"))
    with pytest.raises(ParameterError, match=r"expected a name that ends in .onnx"):
        list(export_training(NAME, SMOKE, "selection", tmp_path / "S.pt"))
    assert not list(tmp_path.iterdir())
