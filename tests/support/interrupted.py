"""Processes that are interrupted from outside, and what they leave running."""

import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

_TOKEN = "NBUTILS_TEST_TOKEN"


@dataclass(frozen=True)
class Family:
    """A process with all that it starts, known by a variable that they inherit."""

    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def environment(self) -> dict[str, str]:
        """For the first of them."""
        return os.environ | {_TOKEN: self.token}

    def alive(self) -> list[psutil.Process]:
        """Those that run, whoever their parent is now."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(_TOKEN) == self.token:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def left_after(self, seconds: float) -> list[psutil.Process]:
        """Those that are still there after so long, or none as soon as none is."""
        end = time.monotonic() + seconds
        while (found := self.alive()) and time.monotonic() < end:
            time.sleep(0.05)
        return found


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> bool:
    """Whether it comes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
