"""Signals that end a process, as exceptions while it trains."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Terminated(SystemExit):
    """The process was asked to end."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number


@contextmanager
def ending_tidily() -> Iterator[None]:
    """Lets SIGTERM and SIGHUP leave the block as Ctrl-C does; then the process ends by the signal, as it would have.

    A handler that somebody has installed stays, and so does a signal that is ignored, as nohup does. Elsewhere than in
    the main thread nothing changes, since Python handles signals there alone.
    """
    alone = threading.current_thread() is threading.main_thread()
    taken = [number for number in _SIGNALS if alone and signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _raise)
    try:
        yield
    except Terminated as end:
        signal.signal(end.number, signal.SIG_DFL)
        signal.raise_signal(end.number)
        raise
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _raise(number: int, frame: FrameType | None) -> None:
    raise Terminated(number)
