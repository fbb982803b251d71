"""The package is open: each addition is added to a copy of the tree, or beside it, counted in files, and trained."""

import hashlib
import json
import math
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from nbutils.data.layouts.base import write_collection
from tests.support.additions import ADDITIONS, NOTEBOOK, TRAIN
from tests.support.collections import rendered
from tests.support.forks import run_forked

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NAMES = [addition.name for addition in ADDITIONS]
TRAINED = [name for name in NAMES if name != "a third paper"]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is needed of the tree, and faces beside it."""
    copy = tmp_path_factory.mktemp("copy")
    for part in ("nbutils", "data_manifests", "notebooks"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    faces = rendered(size=64, people=20, images_each=4)
    assert faces.identity is not None
    write_collection(faces, copy / "beside" / "faces", "image_folder")
    box = copy / "beside" / "box"
    box.mkdir()
    (box / "lid").touch()
    for at, person in enumerate(faces.identity.tolist()):
        (box / f"{faces.identity_names[person]}_{at}.jpg").write_bytes(faces.read(at))
    return copy


@pytest.fixture(scope="module")
def touched(copy: Path) -> dict[str, dict[str, bool]]:
    """For each addition, the package's files that are not as before, and whether each is new."""
    found = {}
    before = _digests(copy)
    for addition in ADDITIONS:
        for path, text in addition.files.items():
            file = copy / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        after = _digests(copy)
        found[addition.name] = {path: path not in before for path in after if after[path] != before.get(path)}
        assert before.keys() <= after.keys()
        before = after
    parameters, *code = NOTEBOOK
    first = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    cells = [nbformat.v4.new_markdown_cell("# A first notebook"), first, *map(nbformat.v4.new_code_cell, code)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    (copy / "notebooks" / "own2030").mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), copy / "notebooks/own2030/01_first.ipynb")
    return found


@pytest.fixture(scope="module")
def outcome(copy: Path, touched: dict[str, dict[str, bool]]) -> dict[str, Any]:
    """What one process found that trained with all additions."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(copy), str(copy / "beside")]),
        "NBUTILS_STORE": str(copy / "runs" / "store"),
        "COLUMNS": "200",
    }
    command = [sys.executable, "-c", TRAIN, str(copy), str(copy / "outcome.json")]
    done = run_forked(command, cwd=copy, env=environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads((copy / "outcome.json").read_text())
    return found


def _digests(copy: Path) -> dict[str, str]:
    """Of all files of the package."""
    files = sorted(path for path in (copy / "nbutils").rglob("*") if path.is_file())
    return {path.relative_to(copy).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_additions_touch_as_few_files_as_promised(touched: dict[str, dict[str, bool]]) -> None:
    print("\nfiles of the package touched")
    for name, files in touched.items():
        print(f"  {name:32} {len(files)}  {', '.join(files)}")
    assert {name: len(files) for name, files in touched.items()} == {a.name: a.touched for a in ADDITIONS}
    assert all(is_new for files in touched.values() for is_new in files.values())
    assert all(path.startswith("nbutils/papers/own2030/") for path in touched["a third paper"])


@pytest.mark.parametrize("name", TRAINED)
def test_each_addition_trains(name: str, outcome: dict[str, Any]) -> None:
    training = outcome["trainings"][name]
    assert training["trained"]
    assert training["learned"]
    assert len(training["losses"]) == 2
    assert all(math.isfinite(loss) and loss > 0 for loss in training["losses"])


def test_maps_are_learned_memories_kept_and_layouts_read(outcome: dict[str, Any]) -> None:
    changed = {name: training["objective"] for name, training in outcome["trainings"].items() if training["objective"]}
    layers = [f"losses.term.projector.{layer}.{part}" for layer in (0, 2) for part in ("bias", "weight")]
    memory = [f"losses.term.{part}" for part in ("map.bias", "map.weight", "memory")]
    assert changed == {"a loss with a learned map": layers, "a method with its own memory": memory}
    read = {name: outcome["trainings"][name]["layout"].rpartition(".")[2] for name in TRAINED}
    assert (read["a data set in a known layout"], read["a new layout"]) == ("image_folder", "shoe_box")


def test_a_third_papers_notebook_is_listed_planned_and_run(outcome: dict[str, Any], copy: Path) -> None:
    (_, listed), (_, planned), _ = outcome["commands"].values()
    assert [code for code, _ in outcome["commands"].values()] == [0, 0, 0], outcome["commands"]
    assert "own2030/01_first  A first notebook" in listed
    assert [name for name in ("their teacher", "their student") if name in planned] == [
        "their teacher",
        "their student",
    ]
    folder = copy / "runs" / "own2030" / "01_first"
    assert json.loads((folder / "status.json").read_text())["status"] == "ok"
    assert "97.5" in (folder / "tables" / "losses.csv").read_text()
    assert "own2030/01_first" in (copy / "runs" / "index.html").read_text()
