"""The errors that rlmonitor raises.

::

    RlmonitorError
    ├── ConfigurationError (ValueError)      a setting that can never work
    │   ├── RunInUseError                    a run directory that another monitor writes to
    │   └── UnknownNameError                 a name that no table has, with the nearest one
    ├── ObservationError (ValueError)        wrong shape, dtype or range of what is to be explained
    ├── UnsupportedLayerError (TypeError)    a layer that no LRP rule covers, by module path
    ├── NonFiniteError (ArithmeticError)     NaN or infinity in weights, outputs or relevance
    ├── CheckpointError (ValueError)         a checkpoint that cannot be read or does not fit
    ├── TimeLimitError (TimeoutError)        an environment that hangs
    ├── StoreError (OSError)                 a run directory that cannot be read or written
    └── DependencyError (ImportError)        a package that is missing, too old or in conflict

Each message says what was given, what was expected and what would work.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MALFORMED = (
    *(ValueError, KeyError, TypeError, AttributeError, IndexError),
    *(OverflowError, RecursionError),  # of infinity as a whole number; of brackets within brackets
)
"""What taking apart somebody's JSON or TOML raises that is not as it should be."""


class RlmonitorError(Exception):
    """Base class of all errors that rlmonitor raises on purpose."""


class ConfigurationError(RlmonitorError, ValueError):
    """A setting that can never work."""


class RunInUseError(ConfigurationError):
    """A run directory that the monitor of another training writes to."""


class UnknownNameError(ConfigurationError):
    """A name that is in no table; the message holds the nearest name that is."""

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        self.kind: str = kind
        self.name: object = name
        self.known: tuple[str, ...] = tuple(known)
        super().__init__(f"unknown {kind} {name!r}{did_you_mean(str(name), self.known)}")


class ObservationError(RlmonitorError, ValueError):
    """Observations whose shape, dtype or range does not fit the network."""


class UnsupportedLayerError(RlmonitorError, TypeError):
    """A layer that no LRP rule covers."""


class NonFiniteError(RlmonitorError, ArithmeticError):
    """NaN or infinity in weights, outputs or relevance."""


class CheckpointError(RlmonitorError, ValueError):
    """A checkpoint that cannot be read or does not fit its network."""


class StoreError(RlmonitorError, OSError):
    """A run directory that cannot be read or written."""


class TimeLimitError(RlmonitorError, TimeoutError):
    """Somebody else's code, such as an environment, that took too long."""


class DependencyError(RlmonitorError, ImportError):
    """A package that is missing, too old or in conflict with another."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of an error message: the nearest known name, or all of them.

    >>> did_you_mean("brekout", ["breakout", "pong"])
    "; did you mean 'breakout'? Known: breakout, pong"
    >>> did_you_mean("xyz", ["breakout", "pong"])
    '; known: breakout, pong'
    """
    options = sorted(known)
    near = difflib.get_close_matches(name, options, n=1)
    everything = ", ".join(options)
    return f"; did you mean {near[0]!r}? Known: {everything}" if near else f"; known: {everything}"
