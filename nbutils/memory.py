"""The memory of this process: keep what is freed, give it back, and measure its growth."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import psutil
import torch

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # glibc's malloc.h
_PAUSE = 0.002  # seconds between samples: a few hundred in a step


@cache
def keep_freed_memory() -> bool:
    """Tells glibc's allocator to reuse freed blocks instead of returning them to the system.

    Activations of one step are freed and asked for again in the next; returned to the system in between, every page
    faults again, which costs a CPU training up to a third of its time. The setting stays for the process's life.

    Returns:
        Whether the C library took the setting (only glibc has it).
    """
    mallopt = _of_glibc("mallopt")
    return mallopt is not None and bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))


@dataclass
class MemoryGrowth:
    """What `memory_growth` has seen.

    Attributes:
        most: Bytes above those at the start, at the fullest moment.
    """

    most: int = 0


@contextmanager
def memory_growth() -> Iterator[MemoryGrowth]:
    """Samples how much the process grows in a `with` block; on a GPU, its memory counts too, once the block has ended.

    Freed memory that the process kept is given back first (of glibc's allocator), so that its reuse counts.
    """
    if malloc_trim := _of_glibc("malloc_trim"):
        malloc_trim(0)
    on_gpu = torch.cuda.memory_allocated() if torch.cuda.is_available() else 0
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    process, growth, end = psutil.Process(), MemoryGrowth(), threading.Event()
    before = process.memory_info().rss

    def sample() -> None:
        last = False
        while not last:
            last = end.wait(_PAUSE)
            growth.most = max(growth.most, process.memory_info().rss - before)

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield growth
    finally:
        end.set()
        sampler.join()
    if torch.cuda.is_available():
        growth.most += torch.cuda.max_memory_allocated() - on_gpu


def _of_glibc(name: str) -> Callable[..., int] | None:
    """A function of the C library, where that is glibc."""
    if not sys.platform.startswith("linux"):
        return None
    function: Callable[..., int] | None = getattr(ctypes.CDLL(None), name, None)  # musl lacks them
    return function
