"""Signals that end a process, as exceptions while it trains."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

#: By the handler that is replaced.
_SIGNALS: dict[int, Any] = {
    getattr(signal, name): signal.SIG_DFL for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
}
_SIGNALS |= {signal.SIGINT: signal.default_int_handler}
#: Signals that have come since the outermost block was entered.
_come: list[int] = []


class TrainingStopped(KeyboardInterrupt):
    """Ctrl-C, or the square of JupyterLab, came while something trained: one line says what is kept."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in the place of a traceback."""
        return [str(self)]


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
    before = {number: was for number, was in _SIGNALS.items() if alone and signal.getsignal(number) is was}
    unraisable = sys.unraisablehook
    _come.clear()
    for number in before:
        signal.signal(number, _raise)
    if before:
        sys.unraisablehook = lambda lost: None if lost.exc_type in (KeyboardInterrupt, Terminated) else unraisable(lost)
    try:
        with _found_again():
            yield
    except Terminated as end:
        signal.signal(end.number, signal.SIG_DFL)
        signal.raise_signal(end.number)
        raise
    finally:
        sys.unraisablehook = unraisable
        for number, was in before.items():
            signal.signal(number, was)


@contextmanager
def _found_again() -> Iterator[None]:
    """Raises an interrupt again that another library has turned into an error of its own."""
    try:
        yield
    except Exception:
        raise_lost()
        raise


@contextmanager
def stopping_in_one_line(names: str, kept: Callable[[], int], epochs: int) -> Iterator[None]:
    """Has an interrupt of the block say what is kept.

    Args:
        names: Of the trainings.
        kept: Tells how many epochs a next try goes on from.
        epochs: Of a whole training.

    Raises:
        TrainingStopped: In the place of KeyboardInterrupt.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise TrainingStopped(
            f"Stopped while {names} trained: {kept()} of {epochs} epochs are kept, and so is every training that was "
            "finished before. Run the cell again to go on."
        ) from None


def raise_lost() -> None:
    """Raises again what came within the block and was lost: Python drops an exception in a destructor or callback.

    What was done since is not to be trusted: some library may have gone on with half of its work.
    """
    if _come:
        _raise(_come[-1], None)


def _raise(number: int, frame: FrameType | None) -> None:
    _come.append(number)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise Terminated(number)
