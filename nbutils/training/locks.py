"""Locks that save work and decide nothing: a holder that gives no signs of life, on any machine, counts as gone."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

logger = logging.getLogger(__name__)

#: Seconds between two signs of life of who holds a lock, after how many of silence it counts as gone, and between two
#: looks of who waits for it.
BEAT_S, STALE_S, LOOK_S = 10.0, 60.0, 2.0


@contextmanager
def beating(beat: Callable[[], object]) -> Iterator[None]:
    """Calls `beat` every `BEAT_S` seconds until the block ends."""
    done = threading.Event()

    def keep_on() -> None:
        while not done.wait(BEAT_S):
            beat()

    thread = threading.Thread(target=keep_on, daemon=True, name="heartbeat")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def acquired(file: Path, seconds: float) -> BaseFileLock | None:
    """The lock of a file; None where its holder has been silent for too long.

    Args:
        file: Made where it is missing; `held` gives its signs of life.
        seconds: How long it waits for whoever has it; below 0: for ever.

    Raises:
        Timeout: It has waited in vain.
        OSError: The file cannot be written.
    """
    lock, end = FileLock(file), time.monotonic() + (math.inf if seconds < 0 else seconds)
    seen, since = None, time.monotonic()
    while True:
        try:
            return lock.acquire(timeout=min(LOOK_S, max(0.0, end - time.monotonic()))).lock
        except Timeout:
            if time.monotonic() >= end:
                raise
        with suppress(OSError):
            sign = file.stat().st_mtime_ns  # clocks of two machines differ: what counts is that it changes
            if sign != seen:
                seen, since = sign, time.monotonic()
        if time.monotonic() - since > STALE_S:
            logger.warning("%s: whoever holds it has been silent for %g s: it is passed over", file, STALE_S)
            return None


@contextmanager
def held(lock: BaseFileLock, file: Path) -> Iterator[None]:
    """Gives signs of life while the block runs, then removes the file and releases the lock."""

    def touch() -> None:
        with suppress(OSError):
            os.utime(file)

    try:
        with beating(touch):
            yield
    finally:
        # While it is held: who waits for this file finds it without a name, and opens a new one.
        with suppress(OSError):  # Windows removes the file itself on release
            file.unlink(missing_ok=True)
        lock.release()
