"""How much memory there is, so that a monitor does not take what the training needs."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from functools import cache
from pathlib import Path

from rlmonitor.errors import ConfigurationError

PART = 0.5
"""Of the free memory, the most that a round may take."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # mallopt(3)
_KEPT, _LARGEST = 1 << 30, 32 << 20  # bytes; 32 MiB is the most that glibc allows

_MEMINFO, _GROUP = Path("/proc/meminfo"), Path("/sys/fs/cgroup")


def free_memory() -> int:
    """Bytes that this process can still take, by the machine and its container, about."""
    found = []
    with suppress(OSError, ValueError, StopIteration):
        lines = _MEMINFO.read_text().splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable"))
        found.append(int(line.split()[1]) << 10)
    with suppress(OSError, ValueError):  # "max" where the container has no limit
        limit, used = ((_GROUP / f"memory.{name}").read_text() for name in ("max", "current"))
        found.append(int(limit) - int(used))
    half = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return min(found, default=half)


def require_memory(needed: int, what: str, instead: str) -> None:
    """Refuse what would take more than `PART` of the free memory.

    Args:
        needed: bytes, about.
        what: needs them, for the message.
        instead: what would work.

    Raises:
        ConfigurationError: there is too little memory.
    """
    free = free_memory()
    if needed > PART * free:
        raise ConfigurationError(
            f"{what} would take about {needed / 1e9:.1f} GB of memory, and of the {free / 1e9:.1f} "
            f"GB that are free here the training keeps half: {instead}"
        )


@cache
def reuse_memory() -> None:
    """Have this process use the memory of freed arrays again, in place of new pages for each.

    The C library gives large blocks back to the system at once. Where ``MALLOC_TRIM_THRESHOLD_`` is
    set, as Dask does for its workers, it never learns not to: half of a replay's time there went
    into page faults. Up to 1 GiB that nothing uses is kept instead. Does nothing without glibc.
    """
    with suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, _LARGEST)
        library.mallopt(_TRIM_THRESHOLD, _KEPT)
