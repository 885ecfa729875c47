"""Detectors of events: pure functions of the history of a training, in `DETECTORS`.

A detector gives the events that begin with the latest round. It keeps nothing in mind: what it told
before follows from the rounds before, so a resumed training tells nothing twice and misses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain

from rlmonitor.strategy.attention_events import changes, display_reliance, shortcut
from rlmonitor.strategy.behaviour_events import collapse, exploit, memorised, new_strategy
from rlmonitor.strategy.events import Event
from rlmonitor.strategy.history import History

Detector = Callable[[History], tuple[Event, ...]]

DETECTORS: dict[str, Detector] = {
    "changes": changes,
    "display-reliance": display_reliance,
    "shortcut": shortcut,
    "new-strategy": new_strategy,
    "collapse": collapse,
    "exploit": exploit,
    "memorised": memorised,
}
"""Detectors by name. A new one is a function here and its entry."""


def detect(history: History, detectors: Mapping[str, Detector] | None = None) -> tuple[Event, ...]:
    """The events that begin with the latest round.

    Args:
        history: all rounds so far.
        detectors: by name; all of `DETECTORS` by default.
    """
    chosen = DETECTORS if detectors is None else detectors
    return tuple(chain.from_iterable(find(history) for find in chosen.values()))


def replay(history: History, detectors: Mapping[str, Detector] | None = None) -> tuple[Event, ...]:
    """All events of a training, each as it was told after its round."""
    return tuple(event for past in history.prefixes() for event in detect(past, detectors))
