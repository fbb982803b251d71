"""Every notebook at preset smoke, through the runner: judged by what it leaves."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from bs4 import BeautifulSoup
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
    page = (run / "page.html").read_text(encoding="utf-8")
    notebook = json.loads((run / "executed.ipynb").read_text(encoding="utf-8"))
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    html = "".join("".join(output.get("data", {}).get("text/html", "")) for output in outputs)
    _shows_everything(html, artefacts["items"])
    _shows_everything(page, artefacts["items"])
    assert not re.search(r"it/s\]|epoch/s\]|PosixPath|(src|href)=.https?:", page)
    for place in (str(out), str(notebooks_dir()), sys.prefix, str(Path.home())):
        assert place not in page


def _shows_everything(html: str, items: list[dict[str, Any]]) -> None:
    """Every recorded table and figure stands in `html` under its caption."""
    soup = BeautifulSoup(html, "html.parser")
    for kind, tag in (("table", "caption"), ("figure", "figcaption")):
        shown = [caption.get_text() for caption in soup.find_all(tag)]
        missing = [item["caption"] for item in items if item["kind"] == kind and not _is_under(item["caption"], shown)]
        assert missing == []


def _is_under(caption: str, shown: list[str]) -> bool:
    return any(text.startswith(caption) for text in shown)  # a figure's note follows


@pytest.mark.skipif(not NOTEBOOKS, reason="no notebooks yet")
def test_the_report_joins_them(out: Path) -> None:
    page = build_report(out).read_text(encoding="utf-8")

    assert 'badge bad"' not in page
    for name in NOTEBOOKS:
        assert f">{name}</a>" in page
