"""Lessons: what students get, what teachers get, and that every exercise can be solved."""

from __future__ import annotations

import ast
import json
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from nbutils.batch.cli import app
from nbutils.batch.lessons import Lesson, export_lessons, find_lessons, for_students, solve
from nbutils.batch.notebooks import find_notebooks
from nbutils.batch.runner import Job, run_jobs
from nbutils.errors import ParameterError
from nbutils.exercises import exercises
from nbutils.exercises.base import RANDOM_CASES
from nbutils.paths import notebooks_dir

LESSONS = find_lessons(notebooks_dir())


def _sources(content: dict[str, list[dict[str, list[str]]]]) -> list[str]:
    return ["".join(cell["source"]) for cell in content["cells"]]


def test_every_exercise_stands_in_one_lesson_in_its_order() -> None:
    assert [name for lesson in LESSONS for name in lesson.exercises] == list(exercises())


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_lesson_says_what_it_is_for(lesson: Lesson) -> None:
    cells = json.loads(lesson.file.read_text(encoding="utf-8"))["cells"]
    first = "".join(cells[0]["source"])
    assert 45 <= lesson.minutes <= 90
    assert f"**Goals.** {lesson.goals}\n" in first
    for heading in ("**Goals.**", "**What you need to know.**", "**Time.**", "**How it goes.**"):
        assert heading in first
    script = ["".join(cell["source"]) for cell in cells if "teacher" in cell["metadata"].get("tags", ())]
    assert sum(text.count("?") for text in script) >= 5
    assert any("Open questions" in "".join(cell["source"]) for cell in cells)
    assert len(lesson.exercises) >= 5


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_students_get_neither_solutions_nor_the_teachers_cells(lesson: Lesson) -> None:
    theirs = _sources(for_students(lesson.file))
    whole, solved = (_sources(content) for content in (json.loads(lesson.file.read_text("utf-8")), solve(lesson.file)))
    assert [source for source in whole if source not in theirs] == [
        source for source in whole if source.startswith("**For the teacher.**")
    ]
    answers = [source for source in solved if source not in whole]
    assert len(answers) == len(lesson.exercises)
    for source in answers:
        body = [line.strip() for line in source.splitlines() if line.strip().startswith("return ")]
        assert body
        assert not [line for line in body if line in "\n".join(theirs)]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_the_solutions_pass_every_check(lesson: Lesson) -> None:
    """Each solution where its cell stands: with what the cells before it import, and with the solutions before it."""
    names: dict[str, object] = {}
    for cell in solve(lesson.file)["cells"]:
        if cell["cell_type"] != "code":
            continue
        statements = ast.parse("".join(cell["source"])).body
        if "exercise" not in cell["metadata"].get("tags", ()):
            imports: list[ast.stmt] = [node for node in statements if isinstance(node, ast.Import | ast.ImportFrom)]
            exec(compile(ast.Module(imports, []), "<imports>", "exec"), names)
            continue
        *solution, last = statements
        assert isinstance(last, ast.Expr)
        exec(compile(ast.Module(solution, []), "<solution>", "exec"), names)
        verdict = eval(compile(ast.Expression(last.value), "<check>", "eval"), names)
        assert verdict.passed, verdict


@pytest.mark.slow
@pytest.mark.notebook
@pytest.mark.usefixtures("forked_runs")
def test_a_solved_lesson_uses_its_own_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBUTILS_STORE", str(tmp_path / "store"))
    lesson = LESSONS[0]
    (file,) = export_lessons([lesson], tmp_path / "solved", solved=True)

    (outcome,) = run_jobs([Job(lesson.name, file, tmp_path / "run", {"preset": "smoke"})], cell_limit_s=300)

    assert outcome.error is None
    cells = nbformat.read(tmp_path / "run" / "executed.ipynb", as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    texts = [output.get("data", {}).get("text/plain", "") for output in outputs]
    assert [text.split(":")[0] for text in texts if text[:1] in "✓✗" and text] == [
        f"✓ {name}" for name in lesson.exercises
    ]
    printed = "".join(output.get("text", "") for output in outputs)
    assert "your function is used" in printed
    assert "until yours is right" not in printed


def test_the_list_says_what_each_lesson_holds() -> None:
    listed = CliRunner().invoke(app, ["lesson", "list"])
    assert listed.exit_code == 0, listed.output
    known = exercises()
    for lesson, (text, following) in zip(LESSONS, pairwise(_places(listed.output)), strict=True):
        part = listed.output[text:following]
        mistakes = sum(len(known[name].mistakes) for name in lesson.exercises)
        cases = sum(len(known[name].also) + RANDOM_CASES for name in lesson.exercises)
        heading, *goals = part.splitlines()
        assert heading.split() == [lesson.name, *map(str, (lesson.minutes, len(lesson.exercises), cases, mistakes))]
        assert " ".join(" ".join(goals).split()) == lesson.goals.replace("$", "")  # marks of mathematics


def _places(output: str) -> list[int]:
    """Where each lesson begins in the list, and where the last one ends."""
    return [*(output.index(lesson.name) for lesson in LESSONS), len(output)]


def test_the_command_exports(tmp_path: Path) -> None:
    words = ["lesson", "export", "1", "--out", str(tmp_path / "class")]
    exported = CliRunner().invoke(app, words)
    assert exported.exit_code == 0, exported.output
    file, glossary = sorted((tmp_path / "class").iterdir())
    assert glossary.name == "glossary.md"
    assert exported.output.strip() == str(file)
    nbformat.validate(nbformat.read(file, as_version=4))
    assert "(glossary.md#soft-target)" in file.read_text(encoding="utf-8")

    file.write_text("a student's work", encoding="utf-8")
    again = CliRunner().invoke(app, ["lesson", "export", "--out", str(tmp_path / "class")])
    assert again.exit_code == 2
    assert "is there already" in again.output
    assert sorted((tmp_path / "class").iterdir()) == [file, glossary]
    assert file.read_text(encoding="utf-8") == "a student's work"


def test_unknown_lessons_are_refused(tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["lesson", "export", "7", "--out", str(tmp_path / "class")])
    assert found.exit_code == 2
    assert "no notebook 'lessons/7'" in found.output
    assert not (tmp_path / "class").exists()


def test_a_lesson_that_lacks_something_is_named(tmp_path: Path) -> None:
    lesson = LESSONS[0].file
    (tmp_path / "lessons").mkdir()
    copy = tmp_path / "lessons" / lesson.name
    copy.write_bytes(lesson.read_bytes())
    with pytest.raises(ParameterError, match=r"solutions.*cannot be read"):
        solve(copy)
    (tmp_path / "lessons" / "solutions").mkdir()
    (tmp_path / "lessons" / "solutions" / f"{lesson.stem}.py").write_text("# %% error-rate\nx = 1\n", encoding="utf-8")
    with pytest.raises(ParameterError, match="no part '# %% soft-target'"):
        solve(copy)
    for word in ("Time", "Goals"):
        copy.write_text(lesson.read_text("utf-8").replace(f"**{word}.**", "**Other.**"), encoding="utf-8")
        with pytest.raises(ParameterError, match=rf"expected a line '\*\*{word}"):
            find_lessons(tmp_path)


def test_solutions_are_no_notebooks() -> None:
    assert not [name for name in find_notebooks(notebooks_dir()) if "solutions" in name]
