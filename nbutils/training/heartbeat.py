"""Signs of life of whoever holds a lock: without them it counts as gone, on whatever machine it was."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
