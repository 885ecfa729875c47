"""States that begin and end: what detectors of events have in common.

A state, such as a shortcut, begins when it holds in two rounds on end, and must be gone for three
before it can begin again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from rlmonitor.strategy.history import History, RoundSummary

Rounds = tuple[RoundSummary, ...]

Found = TypeVar("Found")

ROUNDS_TO_BEGIN, ROUNDS_TO_END = 2, 3

LATEST = 3
"""Rounds that are compared with all before them, and that must be there before a comparison."""


def switched_on(holds: Iterable[bool]) -> bool:
    """Whether a state begins with the last of these rounds.

    >>> switched_on([True, True]), switched_on([True, True, True])
    (True, False)
    >>> switched_on([True, True, False, True, True])
    False
    """
    on = begins = False
    run, last = 0, False
    for now in holds:
        run = run + 1 if now == last else 1
        last, begins = now, False
        if now and not on and run >= ROUNDS_TO_BEGIN:
            on = begins = True
        elif not now and on and run >= ROUNDS_TO_END:
            on = False
    return begins


def beginning(history: History, state: Callable[[Rounds], Found | None]) -> list[tuple[int, Found]]:
    """What a state, a function of all rounds so far, says if it begins now."""
    if not history.rounds:
        return []
    states = [state(history.rounds[:n]) for n in range(1, len(history.rounds) + 1)]
    now = states[-1]
    if now is None or not switched_on(each is not None for each in states):
        return []
    return [(history.rounds[-1].timestep, now)]


def known(rounds: Rounds, name: str) -> list[float]:
    """A curve's values in the rounds that know it."""
    return [each.values[name] for each in rounds if name in each.values]
