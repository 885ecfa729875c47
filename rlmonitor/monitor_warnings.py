"""What a user hears of a monitor's trouble while the training goes on."""

from __future__ import annotations

import contextlib
import re
import sys
import warnings


class MonitorWarning(UserWarning):
    """The monitor could not do its work; the training goes on."""


class WarnOnce:
    """Warns, unless something alike has been warned of: texts that differ in numbers only."""

    def __init__(self) -> None:
        self._warned: set[str] = set()

    def warn(self, what: str, text: str) -> None:
        """Warn with a text, once for what it is about."""
        kind = re.sub(r"\d+", "#", what)
        if kind not in self._warned:
            self._warned.add(kind)
            warn(text)


def warn(text: str) -> None:
    """Warn; where warnings are errors, print instead: one must not end a training."""
    try:
        warnings.warn(text, MonitorWarning, stacklevel=2)
    except MonitorWarning as warning:
        with contextlib.suppress(OSError):
            print(f"rlmonitor: {warning}", file=sys.stderr)
