"""Every notebook at preset smoke, through the runner: judged by what it leaves."""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from nbutils.batch.notebooks import find_notebooks
from nbutils.batch.runner import Job, run_jobs
from nbutils.paths import notebooks_dir
from nbutils.reporting.report import build_report

NOTEBOOKS = find_notebooks(notebooks_dir())
CELL_LIMIT_S = 300

pytestmark = [pytest.mark.slow, pytest.mark.notebook, pytest.mark.usefixtures("forked_runs")]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folder of all runs of this module, which share one store."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBUTILS_STORE", str(folder / "store"))
        yield folder


@pytest.mark.parametrize("name", list(NOTEBOOKS))
def test_a_notebook_leaves_a_complete_run(name: str, out: Path) -> None:
    job = Job(name, NOTEBOOKS[name], out / name, {"preset": "smoke"})

    outcome = run_jobs([job], cell_limit_s=CELL_LIMIT_S)[0]

    assert outcome.error is None
    run = out / name
    artefacts = json.loads((run / "artefacts.json").read_text(encoding="utf-8"))
    assert artefacts["notebook"] == name
    kinds = [item["kind"] for item in artefacts["items"]]
    assert "table" in kinds
    assert "figure" in kinds
    for item in artefacts["items"]:
        assert item["caption"].endswith(artefacts["setting"])
        if item["kind"] == "table":
            assert len(pd.read_csv(run / item["files"]["csv"])) > 0
            assert "| ---" in (run / item["files"]["md"]).read_text(encoding="utf-8")
            assert r"\end{table}" in (run / item["files"]["tex"]).read_text(encoding="utf-8")
        else:
            with Image.open(run / item["files"]["png"]) as picture:
                assert min(picture.size) > 100
                assert picture.convert("L").getextrema() != (255, 255)
            assert "</svg>" in (run / item["files"]["svg"]).read_text(encoding="utf-8")
    assert json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    for verdict in json.loads((run / "claims.json").read_text(encoding="utf-8")):
        assert verdict["verdict"] in {"holds", "does not hold", "undecided"}
    provenance = json.loads((run / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["parameters"]["preset"] == "smoke"
    assert provenance["data"]
    assert "<html" in (run / "page.html").read_text(encoding="utf-8")


@pytest.mark.skipif(not NOTEBOOKS, reason="no notebooks yet")
def test_the_report_joins_them(out: Path) -> None:
    page = build_report(out).read_text(encoding="utf-8")

    assert 'badge bad"' not in page
    for name in NOTEBOOKS:
        assert f">{name}</a>" in page
