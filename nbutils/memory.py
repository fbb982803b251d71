"""Keep freed memory in the process."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # glibc's malloc.h


@cache
def keep_freed_memory() -> bool:
    """Tells glibc's allocator to reuse freed blocks instead of returning them to the system.

    Activations of one step are freed and asked for again in the next; returned to the system in between, every page
    faults anew, which costs a CPU training up to a third of its time. The setting stays for the process's life.

    Returns:
        Whether the C library took the setting (only glibc has it).
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # musl
        return False
    return bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))
