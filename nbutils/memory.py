"""The memory of this process: keep what is freed, give it back, and measure its growth."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from functools import cache
from types import TracebackType

import psutil
import torch

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # glibc's malloc.h


@cache
def keep_freed_memory() -> bool:
    """Tells glibc's allocator to reuse freed blocks instead of returning them to the system.

    Activations of one step are freed and asked for again in the next; returned to the system in between, every page
    faults anew, which costs a CPU training up to a third of its time. The setting stays for the process's life.

    Returns:
        Whether the C library took the setting (only glibc has it).
    """
    mallopt = _of_glibc("mallopt")
    return mallopt is not None and bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))


class MemoryGrowth:
    """How much the process grows in a `with` block, sampled all the while; on a GPU, its memory counts too.

    Freed memory that the process kept is given back first (of glibc's allocator), so that its reuse counts.

    Attributes:
        most: Bytes above those at the start, at the fullest moment.
    """

    _PAUSE = 0.002  # seconds between samples: a few hundred in a step

    def __init__(self) -> None:
        self.most = 0
        self._process = psutil.Process()
        self._stop = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> MemoryGrowth:
        if malloc_trim := _of_glibc("malloc_trim"):
            malloc_trim(0)
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
            self._on_gpu = torch.cuda.memory_allocated()
        self._before = self._process.memory_info().rss
        self._sampler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._sampler.join()
        if torch.cuda.is_available():
            self.most += torch.cuda.max_memory_allocated() - self._on_gpu

    def _sample(self) -> None:
        last = False
        while not last:
            last = self._stop.wait(self._PAUSE)
            self.most = max(self.most, self._process.memory_info().rss - self._before)


def _of_glibc(name: str) -> Callable[..., int] | None:
    """A function of the C library, where that is glibc."""
    if not sys.platform.startswith("linux"):
        return None
    function: Callable[..., int] | None = getattr(ctypes.CDLL(None), name, None)  # musl lacks them
    return function
