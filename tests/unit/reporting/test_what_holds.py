"""Claims across runs: every verdict in its place, and what the runs remark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbutils.evaluation import mean_interval
from nbutils.papers import claim
from nbutils.reporting import Run
from nbutils.reporting.report import build_report
from nbutils.reporting.what_holds import JudgedRun, what_holds


def _claim(name: str, verdict: str) -> dict[str, str]:
    return {"claim": name, "text": f"{name}!", "source": "Fig. 3", "paper": "1", "measure": "AUC", "verdict": verdict}


def test_every_verdict_stands_in_its_claims_row_and_its_settings_column() -> None:
    runs = [
        JudgedRun("05", "lfw", "a", [_claim("x", "holds"), _claim("y", "undecided")], ["far"]),
        JudgedRun("06", "lfw", "b", [_claim("z", "holds")], []),
        JudgedRun("03", "lfw", "c", [], ["says nothing of claims"]),
        JudgedRun("05", "synthetic", "d", [_claim("x", "does not hold")], []),
        JudgedRun("05", "lfw", "e", [_claim("x", "undecided")], []),
    ]
    found = what_holds(runs)
    assert [(each.name, each.settings) for each in found.notebooks] == [("05", ["lfw", "synthetic"]), ("06", ["lfw"])]
    x, y = found.notebooks[0].claims
    assert [[(one["verdict"], one["anchor"]) for one in cell] for cell in x.cells] == [
        [("holds", "a"), ("undecided", "e")],
        [("does not hold", "d")],
    ]
    assert [len(cell) for cell in y.cells] == [1, 0]
    assert [(run.anchor, remarks) for run, remarks in found.remarks] == [("a", ["far"])]


def test_a_report_shows_claims_across_its_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for dataset, gain in (("one", 1.0), ("other", -1.0)):
        parameters = {"dataset": dataset, "preset": "laptop", "seed": 0, "probe_dataset": "celeba"}
        run = Run("luo2016/05", parameters=parameters, out_dir=str(tmp_path / dataset))
        gains = mean_interval([gain, gain + 0.1] * 20)
        run.claim(claim("luo2016", "fig3-selection-over-labels").judged(gains))
        run.remark("selection is <far> from its teacher")
        run.finish()
    assert "selection is <far> from its teacher\n" in capsys.readouterr().out
    recorded = json.loads((tmp_path / "one" / "artefacts.json").read_text(encoding="utf-8"))
    assert recorded["remarks"] == ["selection is <far> from its teacher"]
    page = build_report(tmp_path).read_text(encoding="utf-8")
    across = page[page.index('id="what-holds"') : page.index("</section>")]
    for dataset in ("one", "other"):
        assert f"data: {dataset}, preset: laptop, seed 0, neurons chosen on: celeba" in across
    assert across.index(">holds</a>") < across.index(">does not hold</a>")
    assert "selection is &lt;far&gt; from its teacher" in across
