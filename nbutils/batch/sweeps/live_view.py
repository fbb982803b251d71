"""What a terminal shows while a sweep goes: how many trainings and runs are done, what runs now, and the time left."""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from nbutils.batch.dry_run import duration

_LINE_EVERY_S = 15.0
#: Trainings that the view names at most.
_NAMED = 12
#: Ends of trainings from which the throughput is taken.
_RECENT = 50


class SweepView(AbstractContextManager["SweepView"]):
    """Counts of a sweep: on a terminal they move; elsewhere (a log) a line is printed now and then.

    Args:
        console: Where to show it.
        trainings: How many there are.
        runs: How many there are.
        dashboard: Address of Dask's own page; empty: none.
    """

    def __init__(self, console: Console, trainings: int, runs: int, dashboard: str = "") -> None:
        self._console, self._trainings, self._runs, self._dashboard = console, trainings, runs, dashboard
        self._running: dict[str, tuple[str, str, float]] = {}
        self._done: dict[str, None] = {}
        self._failed: dict[str, None] = {}
        self._ends: deque[float] = deque(maxlen=_RECENT)
        self._runs_done = self._runs_failed = 0
        self._printed = 0.0
        self._lock = threading.Lock()
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=2)

    def __enter__(self) -> Self:
        if self._dashboard:
            self._say(f"Dask's page: {self._dashboard}")
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()
        else:
            self._say(self.summary)

    def __call__(self, event: dict[str, Any]) -> None:
        """Take up an event; see `nbutils.batch.sweeps.execution.run_sweep`."""
        with self._lock:
            key, name = event.get("key", ""), event["name"]
            what = event["event"]
            if what == "started":
                self._running[key] = (name, event["host"], time.monotonic())
            elif what in ("trained", "found", "failed"):
                self._running.pop(key, None)
            elif what == "done":
                self._running.pop(key, None)
                self._done[key] = None
                self._ends.append(time.monotonic())
            elif what == "given up":
                self._running.pop(key, None)
                self._failed[key] = None
            elif what == "run":
                self._runs_done += event["status"] == "ok"
                self._runs_failed += event["status"] != "ok"
            elif what == "unfit":
                self._say(f"not used: worker {name}")
            if not self._console.is_terminal and time.monotonic() - self._printed > _LINE_EVERY_S:
                self._printed = time.monotonic()
                self._say(self.summary)

    @property
    def summary(self) -> str:
        """The counts in one line."""
        waiting = self._trainings - len(self._done) - len(self._failed) - len(self._running)
        parts = [
            f"trainings: {len(self._done):,} of {self._trainings:,} done, {len(self._running):,} running, "
            f"{waiting:,} waiting, {len(self._failed):,} failed",
            f"runs: {self._runs_done:,} of {self._runs:,} done, {self._runs_failed:,} failed",
        ]
        if (rate := self._per_second()) > 0:
            left = (self._trainings - len(self._done) - len(self._failed)) / rate
            parts.append(f"{60 * rate:.3g} trainings a minute, {duration(left)} left for them")
        return "; ".join(parts)

    def _per_second(self) -> float:
        if len(self._ends) < 2 or self._ends[-1] == self._ends[0]:
            return 0.0
        return (len(self._ends) - 1) / (self._ends[-1] - self._ends[0])

    def _render(self) -> Group:
        with self._lock:
            now = time.monotonic()
            lines = [Text(self.summary)]
            for name, host, since in [*self._running.values()][:_NAMED]:
                lines.append(Text(f"  {name} on {host}, for {duration(now - since)}", style="dim"))
            if len(self._running) > _NAMED:
                lines.append(Text(f"  and {len(self._running) - _NAMED:,} more", style="dim"))
            return Group(*lines)

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
