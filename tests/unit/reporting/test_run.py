import json
from html import escape
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from nbutils.data import DigitsData, SyntheticData
from nbutils.errors import DataError, NbutilsError, ParameterError
from nbutils.evaluation import Interval
from nbutils.papers import claim
from nbutils.reporting import Run
from nbutils.reporting import run as run_module
from nbutils.reporting.claims import WITHOUT_MEANING
from nbutils.reporting.run_folder import RECORDS
from nbutils.training import ModelSpec, Schedule, Term, TrainingSpec

mpl.use("Agg")
SETTING = {"dataset": "synthetic", "preset": "smoke", "seed": 3}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run("luo2016/trial", parameters=SETTING, out_dir=tmp_path / "out")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is shown, in order."""
    views: list[Any] = []
    monkeypatch.setattr(run_module, "show", lambda view, **_: views.append(view))
    return views


def _json(run: Run, record: str) -> Any:  # noqa: ANN401
    def refuse(constant: str) -> None:
        raise AssertionError(f"{record} holds {constant}, which is no JSON")

    return json.loads((run.folder / record).read_text(encoding="utf-8"), parse_constant=refuse)


def _table() -> pd.DataFrame:
    numbers = {"AUC": [98.123456789, 100 / 3, np.nan], "count": [1, 20, 300]}
    return pd.DataFrame(numbers, index=pd.Index(["a|b", "c_d & <e>", "f"], name="method"))


def test_csv_keeps_every_digit(run: Run) -> None:
    run.table("t", _table(), caption="C")

    read = pd.read_csv(run.folder / "tables/t.csv", index_col="method")

    pd.testing.assert_frame_equal(read, _table(), check_exact=True)


def test_markdown_and_latex_are_rounded_and_escaped(run: Run) -> None:
    run.table("t", _table(), caption="50 % of it", note="A note.")

    markdown = (run.folder / "tables/t.md").read_text(encoding="utf-8")
    latex = (run.folder / "tables/t.tex").read_text(encoding="utf-8")

    assert "50 % of it (data: synthetic, preset: smoke, seed 3)" in markdown
    assert "| a\\|b | 98.12 | 1 |\n| c_d &amp; &lt;e&gt; | 33.33 | 20 |\n| f | – | 300 |" in markdown
    assert "A note." in markdown
    assert r"c\_d \& <e> & 33.33 & 20 \\" in latex
    assert r"\caption{50 \% of it (data: synthetic" in latex


def test_a_table_is_shown_with_its_text_escaped(run: Run, shown: list[Any]) -> None:
    run.table("t", _table(), caption="<i>C</i>")

    (view,) = shown
    html = view._repr_html_()
    assert "&lt;e&gt;" in html
    assert "&lt;i&gt;C" in html
    assert "<e>" not in html
    assert html.count('<th scope="col"') == 3
    assert html.count('<th scope="row"') == 3


def test_a_figure_is_shown_written_twice_and_closed(run: Run, shown: list[Any]) -> None:
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots()
    axes.plot([1, 2])

    run.figure("f", figure, caption="A line", note="Of two points.")

    (view,) = shown
    assert (run.folder / "figures/f.png").read_bytes() == view.png
    assert view.png.startswith(b"\x89PNG")
    assert "<svg" in (run.folder / "figures/f.svg").read_text(encoding="utf-8")
    assert not plt.fignum_exists(figure.number)
    assert "A line (data: synthetic, preset: smoke, seed 3)" in view._repr_html_()
    assert "Of two points." in view._repr_html_()


def test_finish_writes_the_records(run: Run) -> None:
    run.table("first", _table(), caption="One")
    run.table("second", _table(), caption="Two")
    run.table("first", _table(), caption="One again")
    run.metric("auc", np.float64(0.5))
    run.metric("lost", float("nan"))
    run.fingerprint("training", "abc")
    run.claim(claim("luo2016", "fig3-selection-over-neurons").judged(Interval(float("nan"), -1, 1)))

    run.finish()

    assert _json(run, "metrics.json") == {"auc": 0.5, "lost": None}
    verdict = _json(run, "claims.json")[0]
    assert (verdict["verdict"], verdict["value"]) == ("undecided", None)
    items = _json(run, "artefacts.json")["items"]
    assert [item["caption"].split(" (")[0] for item in items] == ["One again", "Two"]
    assert all((run.folder / file).is_file() for item in items for file in item["files"].values())
    provenance = _json(run, "provenance.json")
    assert provenance["parameters"] == SETTING
    assert provenance["seed"] == 3
    assert provenance["data"] == {"training": "abc"}
    assert provenance["packages"]["numpy"] == np.__version__
    assert provenance["machine"]["processor"]
    assert provenance["started"].endswith("+00:00")
    assert provenance["wall_time_s"] >= 0


def test_verdicts_name_the_one_seed_and_captions_all_seeds(run: Run, tmp_path: Path) -> None:
    for name, curve in (("neurons", lambda _: 0.04), ("labels", lambda _: 0.001)):
        one_seed = Interval(1, 0.5, 2, over="pairs", seeds=1, curve=curve)
        run.claim(claim("luo2016", f"fig3-selection-over-{name}").judged(one_seed))

    frame = run.verdicts.frame
    assert frame["verdict"].tolist() == [f"holds, one seed, {WITHOUT_MEANING}"] * 2
    assert frame["corrected p"].tolist() == pytest.approx([0.04, 0.002])
    assert frame["corrected"].tolist() == ["holds", "holds"]
    several = Run("trial", parameters={**SETTING, "seeds": 2}, out_dir=tmp_path / "other")
    assert several.setting == "(data: synthetic, preset: smoke, seeds 3 to 4)"


def test_verdicts_are_shown_in_whole_sentences_with_a_mark_beside_the_colour(run: Run) -> None:
    found = claim("luo2016", "fig3-selection-over-neurons")
    marks = {"✓ holds": (0.5, 2), "✗ does not hold": (-2, -0.5), "? undecided": (-1, 1)}
    for mark, (low, high) in marks.items():
        run.claim(found.judged(Interval(0, low, high)))

        html = run.verdicts._repr_html_()

        assert mark in html
        assert escape(found.text) in html
        assert WITHOUT_MEANING in html
        assert found.text in repr(run.verdicts)
    assert "No claim" in Run("trial", parameters=SETTING, out_dir=run.folder).verdicts._repr_html_()


def test_faces_are_loaded_with_their_digest_and_what_they_lack_is_named(run: Run) -> None:
    data = SyntheticData(identities=3, images_per_identity=2, validation_images=4, pairs=20)

    faces = run.load(data, "identity", "pairs")
    run.load(data, name="probes")
    with pytest.raises(DataError, match="landmark"):
        run.load(DigitsData(), "landmarks")
    run.finish()

    assert _json(run, "provenance.json")["data"] == {"synthetic": faces.fingerprint, "probes": faces.fingerprint}


def test_networks_of_several_trainings_are_counted_once(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NBUTILS_STORE", str(tmp_path / "store"))
    specs = {
        seed: TrainingSpec(
            name="labels",
            data=SyntheticData(identities=3, images_per_identity=2, validation_images=4, pairs=20),
            model=ModelSpec("MobileIDStudent", options={"width": 2}),
            objective={"labels": Term("LabelLoss")},
            schedule=Schedule(epochs=1),
            seed=seed,
        )
        for seed in (0, 1)
    }

    trained = run.train([{"a": specs[0], "b": specs[0]}])
    run.train([specs])
    run.finish()

    assert len(trained.results["a"]) == 1
    assert "Cells: 2; distinct networks behind them: 1 (1 trained now" in capsys.readouterr().out
    assert _json(run, "metrics.json") == {"networks": 2, "networks trained now": 2}


def test_several_numbers_and_remarks_at_once(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.metrics("auc", pd.Series({"T1": 97.5, "S": np.nan}))
    note = run.remark("S is far from its teacher", "T1 was clipped")
    run.finish()

    assert _json(run, "metrics.json") == {"auc/T1": 97.5, "auc/S": None}
    assert note == "S is far from its teacher. T1 was clipped."
    assert run.remark() == ""
    assert _json(run, "artefacts.json")["remarks"] == capsys.readouterr().out.splitlines()


def test_finish_shows_verdicts_that_nobody_has_looked_at_and_where_everything_is(
    run: Run, shown: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "mine.ipynb"))
    run.table("t", _table(), caption="<b>C</b>")
    run.claim(claim("luo2016", "fig3-selection-over-neurons").judged(Interval(1, 0.5, 2)))

    run.finish()

    kinds = [type(view).__name__ for view in shown]
    assert kinds == ["TableView", "VerdictsView", "ResultsView"]
    html = shown[-1]._repr_html_()
    assert 'href="out/tables/t.csv"' in html
    assert "&lt;b&gt;C" in html
    assert str(tmp_path) not in html


def test_where_the_notebook_may_be_kept_elsewhere_the_whole_path_is_said(
    run: Run, shown: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("JPY_SESSION_NAME", "NBUTILS_RUNNER"):
        monkeypatch.delenv(name, raising=False)

    run.finish()

    assert f"The results are in <code>{escape(str(run.folder.resolve()))}</code>." in shown[-1]._repr_html_()
    assert repr(shown[-1]) == f"The results are in {run.folder.resolve()}"


def test_verdicts_that_were_looked_at_are_not_shown_again(run: Run, shown: list[Any]) -> None:
    run.claim(claim("luo2016", "fig3-selection-over-neurons").judged(Interval(1, 0.5, 2)))
    _ = run.verdicts

    run.finish()

    assert [type(view).__name__ for view in shown] == ["ResultsView"]


def test_a_new_run_is_not_complete_by_the_records_of_the_old(run: Run) -> None:
    run.finish()

    Run("luo2016/trial", parameters=SETTING, out_dir=run.folder)

    assert not any((run.folder / record).exists() for record in RECORDS)


def test_a_folder_of_other_things_keeps_them(tmp_path: Path) -> None:
    """DVC writes a metrics.json too."""
    (tmp_path / "metrics.json").write_text("DVC's", encoding="utf-8")
    with pytest.raises(ParameterError, match=r"metrics\.json exists and no run wrote it"):
        Run("trial", parameters=SETTING, out_dir=tmp_path)
    (tmp_path / "metrics.json").rename(tmp_path / "notes.txt")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/t.csv").write_text("mine", encoding="utf-8")

    run = Run("trial", parameters=SETTING, out_dir=tmp_path)
    with pytest.raises(ParameterError, match=r"tables/t\.csv exists and no run wrote it"):
        run.table("t", _table(), caption="C")
    run.table("u", _table(), caption="C")
    run.finish()

    again = Run("trial", parameters=SETTING, out_dir=tmp_path)
    again.table("u", _table(), caption="D")
    (tmp_path / "tables/u.md").write_text("edited", encoding="utf-8")
    with pytest.raises(ParameterError, match=r"tables/u\.md exists and no run wrote it"):
        again.table("u", _table(), caption="E")
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "DVC's"
    assert (tmp_path / "tables/t.csv").read_text(encoding="utf-8") == "mine"


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(ParameterError, match=r"out is a file: expected a folder"):
        Run("trial", parameters=SETTING, out_dir=tmp_path / "out")
    run = Run("trial", parameters=SETTING, out_dir=tmp_path / "run")
    (run.folder / "tables").touch()
    with pytest.raises(NbutilsError, match=r"cannot write .*tables/t\.csv"):
        run.table("t", _table(), caption="C")


def test_without_a_folder_the_former_run_stays_until_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "runs_dir", lambda: tmp_path)
    for caption in ("Former", "Latter"):
        run = Run("a/b", parameters=SETTING)
        run.table(caption.lower(), _table(), caption=caption)
        if caption == "Latter":
            assert (tmp_path / "a/b/tables/former.csv").is_file()
        run.finish()
        assert run.folder == tmp_path / "a/b"

    assert [file.name for file in (tmp_path / "a").iterdir()] == ["b"]
    assert sorted(file.name for file in (tmp_path / "a/b/tables").iterdir()) == [
        "latter.csv",
        "latter.md",
        "latter.tex",
    ]


@pytest.mark.parametrize("missing", ["dataset", "preset"])
def test_a_run_must_name_its_data_and_preset(tmp_path: Path, missing: str) -> None:
    parameters = {name: value for name, value in SETTING.items() if name != missing}
    with pytest.raises(ParameterError, match=f"'{missing}' is missing"):
        Run("trial", parameters=parameters, out_dir=tmp_path)


def test_names_captions_and_metrics_are_checked(run: Run) -> None:
    with pytest.raises(ParameterError, match=r"'\.\./t' is no file name"):
        run.table("../t", _table(), caption="C")
    with pytest.raises(ParameterError, match="t: the caption is empty"):
        run.table("t", _table(), caption=" ")
    with pytest.raises(ParameterError, match="metric 'auc' is '83', expected a number"):
        run.metric("auc", "83")  # type: ignore[arg-type]
