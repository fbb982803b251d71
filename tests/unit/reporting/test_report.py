import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest

from nbutils.errors import NbutilsError, ParameterError
from nbutils.evaluation import Interval
from nbutils.papers import beside, claim
from nbutils.reporting import Run
from nbutils.reporting.claims import WITHOUT_MEANING
from nbutils.reporting.formatting import LONG_TABLE
from nbutils.reporting.report import build_report, find_runs
from nbutils.reporting.run_folder import Marker, write_marker
from nbutils.reporting.views import FigureView, TableView

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
    write_marker(folder / "zz", Marker(notebook="zz"))
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
        assert (
            f'<span class="badge {verdict.replace(" ", "-")}">{verdict}</span> one seed {WITHOUT_MEANING}<br>' in page
        )
        assert f">{verdict}: 1</span>" in page
    # Three p-values of 0.02 are 0.06 each when corrected for their number: nothing remains.
    assert page.count('<td><span class="badge undecided">undecided</span><br><span class="quiet number">p = 0.060') == 3
    assert ">undecided: 3</span>" in page
    assert "selection 98.18, neurons 97.73 (+0.45)" in page


def test_verdicts_of_an_earlier_run_have_no_corrected_ones(runs: Path) -> None:
    file = runs / "a b/one/claims.json"
    claims = json.loads(file.read_text(encoding="utf-8"))
    for claim_ in claims:
        for name in ("corrected", "corrected_p_value", "p_value", "seeds"):
            del claim_[name]
    file.write_text(json.dumps(claims), encoding="utf-8")

    page = build_report(runs).read_text(encoding="utf-8")

    assert f">holds</span> {WITHOUT_MEANING}</td>\n<td>–</td>" in page


def test_only_runs_at_smoke_are_marked_as_without_meaning(runs: Path) -> None:
    page = build_report(runs).read_text(encoding="utf-8")
    assert page.count(WITHOUT_MEANING) == 2 + 3 + 3  # two counts, and each verdict alone and across runs

    file = runs / "a b/one/provenance.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"smoke"', '"laptop"'), encoding="utf-8")
    page = build_report(runs).read_text(encoding="utf-8")
    assert WITHOUT_MEANING not in page
    assert "without meaning" not in page


def test_headings_say_what_they_head_and_tables_scroll_in_themselves(runs: Path) -> None:
    page = build_report(runs).read_text(encoding="utf-8")

    assert "<th>" not in page
    assert all("scope=" in head for head in re.findall(r"<th\b[^>]*>", page))
    assert page.count("<table") == len(re.findall(r'<div class="scroll[^"]*" tabindex="0"><table', page))


def test_a_folder_of_the_machine_is_not_named(runs: Path) -> None:
    file = runs / "a b/one/provenance.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    content["parameters"]["data_root"] = str(runs / "faces")
    file.write_text(json.dumps(content), encoding="utf-8")

    page = build_report(runs).read_text(encoding="utf-8")

    assert "data_root = …/faces" in page
    assert str(runs) not in page


def test_everything_is_escaped(runs: Path) -> None:
    page = build_report(runs).read_text(encoding="utf-8")
    parser = _Links()
    parser.feed(page)

    assert parser.tags.count("script") == 1  # the page's own, which sorts tables
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
    for name in ("store/key", ".half.partial", "zz.former/1"):
        write_marker(runs / name, Marker(notebook="half"))
        (runs / name / "status.json").write_text("{}", encoding="utf-8")

    assert find_runs(runs) == [runs / "a b/one", runs / "zz"]


def test_a_run_without_its_records_counts_as_failed(runs: Path) -> None:
    (runs / "a b/one/provenance.json").unlink()

    page = build_report(runs).read_text(encoding="utf-8")

    assert "This run did not finish." in page
    assert ">ok</span>" not in page


def test_records_of_other_programs_are_no_runs_and_a_linked_run_is_one(runs: Path, tmp_path: Path) -> None:
    (runs / "dvc").mkdir()
    (runs / "dvc/status.json").write_text("[]", encoding="utf-8")
    (runs / "zz").rename(tmp_path / "elsewhere")
    (runs / "zz").symlink_to(tmp_path / "elsewhere")

    assert find_runs(runs) == [runs / "a b/one", runs / "zz"]
    assert 'id="run-zz"' in build_report(runs).read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("link", [False, True])
def test_a_page_of_somebody_elses_is_not_replaced(runs: Path, tmp_path: Path, link: bool) -> None:
    theirs = tmp_path / "theirs.html" if link else runs / "index.html"
    theirs.write_text("<!doctype html><p>my thesis</p>", encoding="utf-8")
    if link:
        (runs / "index.html").symlink_to(theirs)

    with pytest.raises(ParameterError, match=r"index\.html exists and is no report: choose another folder"):
        build_report(runs)

    assert theirs.read_text(encoding="utf-8") == "<!doctype html><p>my thesis</p>"
    build_report(runs, force=True)
    assert build_report(runs).read_text(encoding="utf-8").startswith("<!doctype html>")
    assert (runs / "index.html").is_symlink() == link


@pytest.mark.slow
@pytest.mark.parametrize("record", ["[]", '{"error": 3, "status": "failed"}', '{"wall_time_s": "long"}'])
def test_a_record_of_another_form_is_named(runs: Path, record: str) -> None:
    (runs / "zz/status.json").write_text(record, encoding="utf-8")

    with pytest.raises(NbutilsError, match=r"runs/zz: not a run's records"):
        build_report(runs)


def test_nothing_to_report_and_broken_records_are_said(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(NbutilsError, match=r"no run below .*empty: make one"):
        build_report(tmp_path / "empty")
    (runs / "zz/status.json").write_text("{", encoding="utf-8")
    with pytest.raises(NbutilsError, match=r"zz/status\.json: not a readable record"):
        build_report(runs)


@pytest.mark.parametrize(("rows", "scrolls"), [(LONG_TABLE, False), (LONG_TABLE + 1, True)])
def test_a_long_table_scrolls_in_itself_on_the_notebooks_page_and_in_the_report(
    rows: int, scrolls: bool, tmp_path: Path
) -> None:
    frame = pd.DataFrame({"x": range(rows)})
    assert ("max-height" in TableView(frame, "all")._repr_html_()) == scrolls
    run = Run("trial", parameters={"dataset": "synthetic", "preset": "laptop"}, out_dir=str(tmp_path / "trial"))
    run.table("all", frame, caption="all")
    run.finish()
    assert ('class="scroll long"' in build_report(tmp_path).read_text(encoding="utf-8")) == scrolls


@pytest.mark.parametrize(("inches", "least"), [(6.5, "0"), (10.0, "6.")])
def test_a_wide_figure_scrolls_on_a_narrow_screen_before_it_is_too_small(
    inches: float, least: str, tmp_path: Path
) -> None:
    from matplotlib import pyplot as plt

    run = Run("trial", parameters={"dataset": "synthetic", "preset": "laptop"}, out_dir=str(tmp_path / "trial"))
    figure = plt.figure(figsize=(inches, 2))
    figure.add_axes((0, 0, 1, 1)).axis("off")
    run.figure("wide", figure, caption="wide")
    run.finish()
    png = (tmp_path / "trial/figures/wide.png").read_bytes()
    for page in (FigureView(png, "wide")._repr_html_(), build_report(tmp_path).read_text(encoding="utf-8")):
        assert f"min-width:{least}" in page

    (tmp_path / "trial/figures/wide.png").unlink()
    with pytest.raises(NbutilsError, match=r"wide\.png: not a readable figure"):
        build_report(tmp_path)
