"""What a site is made of, without making one: the runtime that comes along, and what is refused beforehand."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_output
from typer.testing import CliRunner

from nbutils.batch import build_site
from nbutils.batch.cli import app
from nbutils.batch.site.explorer_pages import as_explorer, explorer_script
from nbutils.batch.site.site_runs import find_site_runs
from nbutils.batch.site.site_sources import Sources
from nbutils.batch.site.student_page import RUNTIME
from nbutils.errors import NbutilsError, ParameterError
from nbutils.reporting import Run


def test_the_runtime_is_as_it_was_published() -> None:
    said = json.loads((RUNTIME / "VERSION.json").read_text(encoding="utf-8"))
    packed = {file.name.removesuffix(".gz"): gzip.decompress(file.read_bytes()) for file in RUNTIME.glob("*.gz")}
    assert {name: hashlib.sha256(content).hexdigest() for name, content in packed.items()} == said["files"]
    assert f"Web v{said['version']}\n".encode() in packed["ort.wasm.min.mjs"]
    assert "MIT License" in (RUNTIME / "LICENSE").read_text(encoding="utf-8")
    assert sum(file.stat().st_size for file in RUNTIME.iterdir()) < 4e6


def test_no_run_at_all_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(NbutilsError, match=r"no run below .*: make one with 'nbutils run quickstart'"):
        build_site([tmp_path], tmp_path / "site")
    with pytest.raises(NbutilsError, match="nowhere: no such folder, expected one of runs"):
        build_site([tmp_path / "nowhere"], tmp_path / "site")
    done = CliRunner().invoke(app, ["site", str(tmp_path), "--out", str(tmp_path / "site")])
    assert done.exit_code == 2
    assert done.output.startswith("error: no run below")
    assert list(tmp_path.iterdir()) == []


def test_only_a_site_is_replaced(tmp_path: Path) -> None:
    _make_run(tmp_path / "runs" / "mine")
    mine = tmp_path / "site" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine", encoding="utf-8")
    with pytest.raises(ParameterError, match="site exists and is no site: choose another folder with --out"):
        build_site([tmp_path / "runs"], mine.parent)
    assert [file.name for file in mine.parent.iterdir()] == ["mine.txt"]
    assert {file.name for file in tmp_path.iterdir()} == {"runs", "site"}


def test_runs_of_one_notebook_have_documents_of_their_own(tmp_path: Path) -> None:
    roots = [tmp_path / name for name in ("first", "second")]
    for root in roots:
        _make_run(root / "mine")
    _make_run(roots[1] / "again" / "mine")
    found = find_site_runs(roots)
    assert [run.document for run in found] == ["mine", "second/mine", "second/2/mine"]
    assert not any(run.error for run in found)
    assert [run.folder.parent.name for run in found] == ["first", "again", "second"]
    (roots[0] / "mine" / "provenance.json").unlink()
    assert find_site_runs(roots)[0].error == "it did not finish"


def test_an_explorer_without_answers_is_none(tmp_path: Path) -> None:
    output = new_output("display_data", {"text/plain": "Explorer()", "application/vnd.jupyter.widget-view+json": {}})
    assert as_explorer(output, "mine", Sources(tmp_path)) is None
    assert new_code_cell("").outputs == []


def test_scripts_ask_nothing_of_a_network() -> None:
    student = (RUNTIME.parent / "student.js").read_text(encoding="utf-8")
    for script in (student, explorer_script()):
        assert not re.search(r"fetch\(|XMLHttpRequest|https?://(?!www\.w3\.org/)|localStorage", script)


def _make_run(folder: Path) -> None:
    run = Run("mine", parameters={"dataset": "synthetic", "preset": "smoke"}, out_dir=folder)
    run.finish()
