"""The commands `nbutils lesson …`: which lessons there are, and copies of them to hand out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nbutils.batch.command_errors import errors

# Anything heavier is imported in the command that needs it: `nbutils --help` must answer at once.

lesson_app = typer.Typer(help="Lessons with exercises: list, export for students.", no_args_is_help=True)


@lesson_app.command("list")
def list_command() -> None:
    """Show the lessons: goals, minutes, exercises, cases they are checked on, and wrong answers that are told apart."""
    from rich.table import Table

    from nbutils.batch.lessons import find_lessons
    from nbutils.batch.terminal import plain, wide_console
    from nbutils.exercises import find_exercise
    from nbutils.paths import notebooks_dir

    with errors():
        table = Table(box=None, padding=(0, 2, 1, 0))
        table.add_column("lesson, and its goals")
        for column in ("minutes", "exercises", "cases\nchecked", "wrong answers\nknown"):
            table.add_column(column, justify="right")
        for lesson in find_lessons(notebooks_dir()):
            found = [find_exercise(name) for name in lesson.exercises]
            cases = sum(len(exercise.cases()) for exercise in found)
            mistakes = sum(len(exercise.mistakes) for exercise in found)
            counts = (lesson.minutes, len(found), cases, mistakes)
            table.add_row(f"[bold]{lesson.name}[/bold]\n{plain(lesson.goals.replace('$', ''))}", *map(str, counts))
        wide_console().print(table)


@lesson_app.command("export")
def export_command(
    lesson: Annotated[
        list[str] | None,
        typer.Argument(help="Number or beginning of a lesson's name; all if not given.", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to; no notebook in it is replaced.")] = Path("lessons"),
    solved: Annotated[
        bool, typer.Option("--solved", help="For the teacher: with the teacher's cells, and each exercise solved.")
    ] = False,
) -> None:
    """Write lessons to hand out to students: without solutions, and without the teacher's cells."""
    from nbutils.batch.lessons import choose_lessons, export_lessons
    from nbutils.paths import notebooks_dir

    with errors():
        for file in export_lessons(choose_lessons(lesson or (), notebooks_dir()), out, solved=solved):
            print(file)
