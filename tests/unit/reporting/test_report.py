import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest

from nbutils.errors import NbutilsError
from nbutils.evaluation import Interval
from nbutils.papers import beside, claim
from nbutils.reporting import Run
from nbutils.reporting.report import build_report, find_runs

mpl.use("Agg")
NASTY = "<script>alert('x')</script> & \"more\""


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


def _make_run(folder: Path, name: str) -> Run:
    from matplotlib import pyplot as plt

    run = Run(name, parameters={"dataset": "synthetic", "preset": "smoke", "seed": 0, "note": NASTY}, out_dir=folder)
    ours = pd.DataFrame({"AUC": [83.41, 82.8], "group": ["NA", NASTY]}, index=["T1", "selection"])
    ours.index.name = "method"
    run.table("fig3", beside("luo2016", "fig3", ours), caption=NASTY, note=NASTY)
    run.figure("line", plt.figure(), caption=NASTY)
    for other, interval in (("neurons", (-1, 1)), ("labels", (1, 2)), ("teacher", (-2, -1))):
        verdict = claim("luo2016", f"fig3-selection-over-{other}").judged(
            Interval(0.0, *interval, over=NASTY, seeds=1, curve=lambda _: 0.02)
        )
        run.claim(verdict)
    run.finish()
    return run


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    _make_run(folder / "a b/one", "a b/one")
    (folder / "zz").mkdir()
    failed = {
        "notebook": "zz",
        "title": NASTY,
        "status": "failed",
        "error": {"name": "ValueError", "message": NASTY},
    }
    (folder / "zz/status.json").write_text(json.dumps(failed), encoding="utf-8")
    return folder


def test_the_page_shows_print_ours_and_verdicts(runs: Path) -> None:
    page = build_report(runs).read_text(encoding="utf-8")

    row = re.search(r"<tr>\s*<td[^>]*>selection</td>(.*?)</tr>", page, re.DOTALL)
    assert row
    assert re.findall(r'class="([^"]*)">([^<]*)<', row[1])[:2] == [
        ("number printed", "98.18"),
        ("number", "82.80"),
    ]
    assert ">NA<" in page
    for verdict in ("holds", "does not hold", "undecided"):
        assert f'<span class="badge {verdict.replace(" ", "-")}">{verdict}</span> one seed<br>' in page
        assert f">1 {verdict}</span>" in page
    # Three p-values of 0.02 are 0.06 each when corrected for their number: nothing remains.
    assert page.count('<td><span class="badge undecided">undecided</span><br><span class="quiet number">p = 0.060') == 3
    assert ">3 undecided</span>" in page
    assert "selection 98.18, neurons 97.73 (+0.45)" in page


def test_verdicts_of_an_earlier_run_have_no_corrected_ones(runs: Path) -> None:
    file = runs / "a b/one/claims.json"
    claims = json.loads(file.read_text(encoding="utf-8"))
    for claim_ in claims:
        for name in ("corrected", "corrected_p_value", "p_value", "seeds"):
            del claim_[name]
    file.write_text(json.dumps(claims), encoding="utf-8")

    page = build_report(runs).read_text(encoding="utf-8")

    assert ">holds</span></td>\n<td>–</td>" in page


def test_everything_is_escaped(runs: Path) -> None:
    page = build_report(runs).read_text(encoding="utf-8")
    parser = _Links()
    parser.feed(page)

    assert "script" not in parser.tags
    assert html.unescape(page).count(NASTY) >= 7


def test_links_are_relative_and_lead_to_files(runs: Path) -> None:
    parser = _Links()
    parser.feed(build_report(runs).read_text(encoding="utf-8"))
    files = [link for link in parser.links if not link.startswith("#")]

    assert len(files) >= 6
    for link in files:
        assert not re.match(r"[a-z]+:|/", link)
        assert (runs / link.replace("%20", " ")).is_file()


def test_failed_runs_come_first(runs: Path) -> None:
    page = build_report(runs).read_text(encoding="utf-8")

    assert page.index('id="run-zz"') < page.index('id="run-a-b-one"')
    assert html.escape(f"ValueError: {NASTY}", quote=False).split("'")[0] in page


def test_stored_trainings_and_broken_off_runs_are_no_runs(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBUTILS_STORE", str(runs / "store"))
    for name in ("store/key", ".half.partial"):
        (runs / name).mkdir(parents=True)
        (runs / name / "status.json").write_text("{}", encoding="utf-8")

    assert find_runs(runs) == [runs / "a b/one", runs / "zz"]


def test_a_run_without_its_records_counts_as_failed(runs: Path) -> None:
    (runs / "a b/one/provenance.json").unlink()

    page = build_report(runs).read_text(encoding="utf-8")

    assert "This run did not finish." in page
    assert ">ok</span>" not in page


def test_nothing_to_report_and_broken_records_are_said(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(NbutilsError, match=r"no run below .*empty: make one"):
        build_report(tmp_path / "empty")
    (runs / "zz/status.json").write_text("{", encoding="utf-8")
    with pytest.raises(NbutilsError, match=r"zz/status\.json: not a readable record"):
        build_report(runs)
