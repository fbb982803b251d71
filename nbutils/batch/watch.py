"""What a terminal shows while notebooks run."""

from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

_LINE_EVERY_S = 15.0


class Watcher(AbstractContextManager["Watcher"]):
    """A line a notebook: on a terminal it moves; elsewhere (a log) each new section is printed once."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._tasks: dict[str, TaskID] = {}
        self._heading: dict[str, str] = {}
        self._printed: dict[str, float] = {}
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[text]}"),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, name: str, event: dict[str, Any]) -> None:
        """Show `event` of the notebook `name`; see `nbutils.batch.runner.run_jobs`."""
        with self._lock:
            if self._console.is_terminal:
                self._move(name, event)
            else:
                self._print(name, event)

    def _move(self, name: str, event: dict[str, Any]) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(escape(name), total=None, text="")
        task = self._tasks[name]
        if "cell" in event:
            self._progress.update(task, completed=event["cell"] - 1, total=event["of"], text=escape(event["heading"]))
        elif "bar" in event:
            self._progress.update(task, text=escape(event["bar"]))
        elif event["status"] == "ok":
            total = self._progress.tasks[task].total
            self._progress.update(task, completed=total or 0, text="[green]ok")
        elif event["status"] == "stopping":
            self._progress.update(task, text="[yellow]stopping; interrupt again to kill at once")
            return
        else:
            self._progress.update(task, text="[red]failed")
        if "status" in event:
            self._progress.stop_task(task)

    def _print(self, name: str, event: dict[str, Any]) -> None:
        now = time.monotonic()
        if "cell" in event:
            if not event["heading"] or self._heading.get(name) == event["heading"]:
                return
            self._heading[name] = event["heading"]
            text = f"cell {event['cell']}/{event['of']}: {event['heading']}"
        elif "bar" in event:
            if now - self._printed.get(name, 0.0) < _LINE_EVERY_S:
                return
            text = event["bar"]
        else:
            text = event["status"]
        self._printed[name] = now
        self._console.print(f"{name}: {text}", markup=False, highlight=False, soft_wrap=True)
