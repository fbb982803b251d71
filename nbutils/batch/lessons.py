"""The lessons: notebooks with exercises, the teacher's cells in them, and the solutions that lie apart.

In a lesson, a cell tagged `exercise` ends with a line `check("NAME", …)`; one tagged `teacher` is for the teacher only.
`solutions/<lesson>.py` beside the lessons has a part `# %% NAME` for each exercise, which takes the place of the cell's
other lines.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbutils.batch.notebooks import choose_notebooks, find_notebooks
from nbutils.batch.parameters import read_cells, read_title
from nbutils.errors import ParameterError
from nbutils.writing import write_aside

FOLDER = "lessons"
_GLOSSARY = "glossary.md"
_EXERCISE, _TEACHER = "exercise", "teacher"
_PART = re.compile(r"^# %% (\S+)\n", re.MULTILINE)
_GOALS = re.compile(r"^\*\*Goals\.\*\* (.+)$", re.MULTILINE)
_MINUTES = re.compile(r"\*\*Time\.\*\* (\d+) minutes")


@dataclass(frozen=True)
class Lesson:
    """A lesson as `nbutils lesson list` shows it.

    Attributes:
        name: Of the notebook, such as "lessons/1_distillation_by_hand".
        file: The notebook.
        title: Its heading.
        goals: What it says one can do after it.
        minutes: What it says it takes.
        exercises: Their names, in order.
    """

    name: str
    file: Path
    title: str
    goals: str
    minutes: int
    exercises: tuple[str, ...]


def find_lessons(folder: Path) -> list[Lesson]:
    """The lessons among the notebooks below a folder, in order.

    Raises:
        ParameterError: A lesson does not say its goals or its time, or an exercise's cell has no `check`.

    Example:
        >>> from nbutils.batch import find_lessons
        >>> from nbutils.paths import notebooks_dir
        >>> find_lessons(notebooks_dir())[0].exercises[:2]
        ('error-rate', 'soft-target')
    """
    files = {name: file for name, file in find_notebooks(folder).items() if name.startswith(f"{FOLDER}/")}
    return [_read(name, file) for name, file in files.items()]


def choose_lessons(words: Iterable[str], folder: Path) -> list[Lesson]:
    """The lessons that words mean, each a number or the beginning of a name; of no words, all.

    Raises:
        ParameterError: A word means no lesson, or several.

    Example:
        >>> from nbutils.batch import choose_lessons
        >>> from nbutils.paths import notebooks_dir
        >>> [lesson.name for lesson in choose_lessons(["1"], notebooks_dir())]
        ['lessons/1_distillation_by_hand']
    """
    lessons = find_lessons(folder)
    wanted = [word if word.startswith(FOLDER) else f"{FOLDER}/{word}" for word in words]
    chosen = choose_notebooks(wanted, folder, folder) if wanted else {lesson.name: lesson.file for lesson in lessons}
    return [lesson for lesson in lessons if lesson.name in chosen]


def export_lessons(lessons: Iterable[Lesson], out: Path, *, solved: bool = False) -> list[Path]:
    """Writes lessons to hand out, and the glossary: without the teacher's cells, and without the solutions.

    Args:
        lessons: Those to write.
        out: The folder for them; a notebook that is there already may be somebody's work, and is never replaced.
        solved: For the teacher instead: all cells, each exercise solved.

    Returns:
        The notebooks written.

    Raises:
        ParameterError: A file is there already, or cannot be written, or a solution is missing.
    """
    contents: dict[Path, str] = {}
    glossaries: dict[Path, str] = {}
    for lesson in lessons:
        content = solve(lesson.file) if solved else for_students(lesson.file)
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        contents[out / lesson.file.name] = text.replace(f"../{_GLOSSARY}", _GLOSSARY)
        glossaries[out / _GLOSSARY] = (lesson.file.parents[1] / _GLOSSARY).read_text(encoding="utf-8")
    there = next((file for file in contents if file.exists() or file.is_symlink()), None)
    if there is not None:
        raise ParameterError(f"{there} is there already: expected a folder without it")
    for file, written in (contents | glossaries).items():
        try:
            write_aside(file, written)
        except OSError as error:
            raise ParameterError(f"{file}: cannot be written: {error.strerror or error}") from error
    return list(contents)


def for_students(lesson: Path) -> dict[str, Any]:
    """A lesson as a notebook's content, without the teacher's cells.

    Example:
        >>> from nbutils.batch import find_lessons, for_students
        >>> from nbutils.paths import notebooks_dir
        >>> cells = for_students(find_lessons(notebooks_dir())[0].file)["cells"]
        >>> [cell for cell in cells if "teacher" in cell["metadata"].get("tags", ())]
        []
    """
    content = _content(lesson)
    return content | {"cells": [cell for cell in content["cells"] if _TEACHER not in _tags(cell)]}


def solve(lesson: Path) -> dict[str, Any]:
    """A lesson as a notebook's content, each exercise solved.

    Raises:
        ParameterError: An exercise has no solution.

    Example:
        >>> from nbutils.batch import find_lessons, solve
        >>> from nbutils.paths import notebooks_dir
        >>> cells = solve(find_lessons(notebooks_dir())[0].file)["cells"]
        >>> any("return None" in "".join(cell["source"]) for cell in cells)
        False
    """
    parts = _solutions(lesson)
    content = _content(lesson)
    for cell in content["cells"]:
        if _EXERCISE in _tags(cell):
            source = "".join(cell["source"])
            name = _exercise(source, lesson)
            if name not in parts:
                raise ParameterError(f"{_solutions_file(lesson)}: no part '# %% {name}'")
            # The last statement is the check.
            solved = f"{parts[name]}\n\n\n{source.splitlines()[-1]}"
            cell["source"] = solved.splitlines(keepends=True)
    return content


def _read(name: str, file: Path) -> Lesson:
    cells = read_cells(file)
    text = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "markdown")
    goals, minutes = _GOALS.search(text), _MINUTES.search(text)
    if goals is None:
        raise ParameterError(f"{file}: expected a line '**Goals.** …'")
    if minutes is None:
        raise ParameterError(f"{file}: expected a line '**Time.** N minutes'")
    names = tuple(_exercise(cell["source"], file) for cell in cells if _EXERCISE in _tags(cell))
    return Lesson(name, file, read_title(file), goals[1], int(minutes[1]), names)


def _exercise(source: str, file: Path) -> str:
    """The name in the `check` that ends an exercise's cell."""
    statements = ast.parse(source).body
    last = statements[-1] if statements else None
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call) and ast.unparse(last.value.func) == "check":
        return str(ast.literal_eval(last.value.args[0]))
    raise ParameterError(f"{file}: a cell tagged '{_EXERCISE}' does not end with check(…)")


def _solutions_file(lesson: Path) -> Path:
    return lesson.parent / "solutions" / f"{lesson.stem}.py"


def _solutions(lesson: Path) -> dict[str, str]:
    """The parts of the lesson's solutions by exercise."""
    file = _solutions_file(lesson)
    try:
        _, *rest = _PART.split(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParameterError(f"{file}: cannot be read: {error.strerror or error}") from error
    return {name: part.strip() for name, part in zip(rest[::2], rest[1::2], strict=True)}


def _content(lesson: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(lesson.read_text(encoding="utf-8"))
    return content


def _tags(cell: Mapping[str, Any]) -> list[str]:
    tags: list[str] = cell["metadata"].get("tags", [])
    return tags
