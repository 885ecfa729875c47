"""A limit on how long somebody else's code may take: an environment that hangs must not hang us."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rlmonitor.errors import TimeLimitError

AGAIN = 1.0
"""Seconds until code that has swallowed the interruption is interrupted again."""


class _Overdue(BaseException):
    """Passes through an environment's own ``except Exception``."""


@contextmanager
def time_limit(seconds: float | None, what: str) -> Iterator[None]:
    """Interrupt what happens in here when it takes too long.

    An alarm of the system does it, which reaches sleeping, reading from another process and Python
    code, but no loop within compiled code. Only the main thread gets alarms; elsewhere, and where
    somebody else has set one, there is no limit.

    Args:
        seconds: None for no limit.
        what: takes so long, for the message.

    Raises:
        TimeLimitError: it took longer.
    """
    if seconds is None or not _is_free():
        yield
        return
    active = [True]

    def interrupt(_: int, __: FrameType | None) -> None:
        if active:
            raise _Overdue

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        try:
            try:
                signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
                yield
            finally:
                active.clear()
        finally:  # of its own: an alarm just before the line above must not leave the next one on
            active.clear()
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before or signal.SIG_DFL)
    except _Overdue:
        raise TimeLimitError(
            f"{what} took longer than time_limit={seconds:g} seconds and was given up; raise "
            "time_limit (None: no limit) if it is only slow"
        ) from None


def _is_free() -> bool:
    main = threading.current_thread() is threading.main_thread()
    return main and signal.getitimer(signal.ITIMER_REAL)[0] == 0
