import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nbutils import paths
from nbutils.batch.cli import app
from tests.unit.batch.conftest import RUN, Make


@pytest.fixture
def project(tmp_path: Path, make_notebook: Make, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two notebooks, one of which fails."""
    make_notebook("good", RUN + "run.metric('seed', seed); run.finish()", title="# Good *one*")
    make_notebook("sub/bad", "raise ValueError('boom')")
    monkeypatch.setattr(paths, "project_root", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_a_failure_does_not_hinder_the_others_and_ends_with_one(project: Path) -> None:
    done = CliRunner().invoke(app, ["run", "good", "sub/*", "--preset", "smoke", "-p", "seed", "5", "--jobs", "2"])

    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == f"report: {project / 'runs/index.html'}"
    assert "sub/bad failed: ValueError: boom" in done.stderr
    assert '"seed": 5' in (project / "runs/good/metrics.json").read_text(encoding="utf-8")
    report = (project / "runs/index.html").read_text(encoding="utf-8")
    assert report.index("<h2>A trial</h2>") < report.index("ValueError: boom") < report.index("<h2>Good")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "good", "-p", "sed", "1"], "good has no parameter sed: did you mean seed?"),
        (
            ["run", "good", "-p", "seed", "one"],
            "good: parameter seed is 'one', expected an int: a whole number",
        ),
        (["run", "good", "-p", "seed"], "good: parameter seed is '', expected an int: a whole number"),
        (["run", "good", "-p", "seed=1", "2"], "-p 'seed=1': expected -p NAME VALUE"),
        (
            ["run", "good", "--preset", "huge"],
            "good: parameter preset is 'huge', expected smoke or laptop or paper",
        ),
        (["run", "good", "--preset", "smoke", "-p", "preset", "laptop"], "parameter preset is given twice"),
        (["run", "goof"], "no notebook 'goof': did you mean good?"),
        (["run", "good", "-p", "seed", "-1"], "good: parameter seed is -1, expected 0 to 4294967295"),
        (["run", "good", "--out", "notebooks/good.ipynb"], "notebooks/good.ipynb is a file: expected a folder"),
        (["run", "good", "--out", "notebooks/good.ipynb/a"], "notebooks/good.ipynb is a file: expected a folder"),
        (["report", "notebooks/good.ipynb"], "no run below"),
        (["report", "nowhere"], "no run below"),
    ],
)
def test_mistakes_are_one_line_and_nothing_runs(project: Path, arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(app, arguments)

    assert done.exit_code == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (project / "runs").exists()


@pytest.mark.parametrize("theirs", ["index.html", "good/metrics.json", "good/thesis.docx"])
def test_what_stands_in_the_way_is_named_before_anything_runs(project: Path, theirs: str) -> None:
    file = project / "out" / theirs
    file.parent.mkdir(parents=True)
    file.write_text("mine", encoding="utf-8")

    done = CliRunner().invoke(app, ["run", "good", "--preset", "smoke", "--out", "out"])

    assert done.exit_code == 2
    assert " exists and " in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [path.relative_to(project / "out").as_posix() for path in file.parent.rglob("*")] == [theirs]
    assert file.read_text(encoding="utf-8") == "mine"


@pytest.mark.usefixtures("project")
def test_list_shows_titles_parameters_and_meanings() -> None:
    done = CliRunner().invoke(app, ["list"])

    assert done.exit_code == 0
    assert "good  Good *one*" in done.stdout
    assert "sub/bad  A trial" in done.stdout
    assert "'laptop'" in done.stdout
    assert "smoke | laptop | paper" in done.stdout
    assert "out_dir" not in done.stdout


def test_the_command_line_answers_without_loading_what_runs_need() -> None:
    heavy = {"torch", "pandas", "papermill", "matplotlib"}
    code = f"import sys, nbutils.batch.cli; print(*{heavy!r} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""
