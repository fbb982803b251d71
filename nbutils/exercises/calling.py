"""Calling what a student wrote: each time with fresh arguments, and not for ever."""

from __future__ import annotations

import ctypes
import traceback
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from threading import Thread

from nbutils.exercises.base import Answer, Arguments
from nbutils.exercises.comparing import alike


class _TimeUpError(BaseException):
    """Raised in an answer that takes too long; no `except Exception` of its own catches it."""


@dataclass(frozen=True)
class Outcome:
    """What one call led to.

    Attributes:
        value: What was returned.
        error: What was raised instead.
        changed: Position of the first argument that the answer changed, or None.
    """

    value: object = None
    error: BaseException | None = None
    changed: int | None = None


def call_all(answer: Answer, cases: Sequence[Arguments], limit_s: float) -> list[Outcome]:
    """Calls `answer` with the arguments of each case, until one call raises or the time is up.

    The answer runs in a thread of its own, so that the limit holds wherever this is called; what cannot be stopped,
    such as a long call into C, is left behind and does not keep the process alive.

    Returns:
        An outcome for each case that ended; fewer than the cases if the time was up.
    """
    found: list[Outcome] = []

    def work() -> None:
        try:
            for arguments in cases:
                found.append(_call(answer, arguments))
                if found[-1].error is not None:
                    return
        except _TimeUpError:
            return

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        thread.join(limit_s)
    finally:
        if thread.is_alive() and thread.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(_TimeUpError))
    return list(found)


def _call(answer: Answer, arguments: Arguments) -> Outcome:
    given = deepcopy(arguments)
    try:
        value = answer(*given)
    except _TimeUpError:
        raise
    except BaseException as error:
        return Outcome(error=error)
    changed = (
        place for place, (own, theirs) in enumerate(zip(arguments, given, strict=True)) if not alike(own, theirs)
    )
    return Outcome(value, changed=next(changed, None))


def where_raised(error: BaseException) -> str:
    """The line of code that raised, as text; empty where its source is not known."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename != __file__]
    return (own[0].line or "").strip() if own else ""
