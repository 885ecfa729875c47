"""What all rounds of a training said, as the detectors of events read it.

A round leaves a few hundred numbers, by the names under which TensorBoard shows them, and the
scores of the games that ended. Detectors see this history and nothing else: whoever resumes a
training, or looks at one that is over, finds the same events.
"""

from __future__ import annotations

import json
import math
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import MALFORMED, ObservationError, StoreError
from rlmonitor.strategy.causal import TARGETS, Effects

PLAYED, OWN_STARTS, OTHER_STARTS = "played", "own", "other"
"""Games of the monitor's own play, and the trial games: those that start as the training's do, and
those under sticky actions after random moves."""


class Values(Mapping[str, float]):
    """Numbers by name, in the order of the names, in a third of the memory of a dictionary.

    A training's history is what grows with every round; names are kept once for all of them.
    """

    __slots__ = ("_names", "_numbers")

    def __init__(self, values: Mapping[str, float]) -> None:
        self._names = tuple(sys.intern(name) for name in sorted(values))
        self._numbers = array("d", [values[name] for name in self._names])

    def __getitem__(self, name: str) -> float:
        """The number of that name."""
        place = bisect_left(self._names, name)
        if place == len(self._names) or self._names[place] != name:
            raise KeyError(name)
        return self._numbers[place]

    def __iter__(self) -> Iterator[str]:
        """The names, in ascending order."""
        return iter(self._names)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._names)

    def __repr__(self) -> str:
        """As a dictionary's."""
        return repr(dict(self))


@dataclass(frozen=True)
class RoundSummary:
    """What one round leaves for the detectors.

    Attributes:
        timestep: ``num_timesteps`` of the training.
        values: name of a curve to its value, as ``value/share/ball``; finite, what is not known has
            no entry.
        scores: `PLAYED`, `OWN_STARTS` or `OTHER_STARTS` to the scores of such games.
        strategies: number of a strategy to its name, as ``{"2": "ball + paddle"}``.
    """

    timestep: int
    values: Mapping[str, float]
    scores: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    strategies: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Keep the values small."""
        if not isinstance(self.values, Values):
            object.__setattr__(self, "values", Values(self.values))


class Curve(NamedTuple):
    """One number over the rounds that know it: ``[R]`` timesteps and ``[R]`` values."""

    timesteps: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class History:
    """The rounds of a training.

    Attributes:
        rounds: in ascending order of their timesteps.

    Raises:
        ObservationError: rounds out of order, or values that are not finite.
    """

    rounds: tuple[RoundSummary, ...]

    def __post_init__(self) -> None:
        """Refuse what detectors would silently misread."""
        steps = [each.timestep for each in self.rounds]
        if any(later <= earlier for earlier, later in pairwise(steps)):
            raise ObservationError(f"rounds at {steps}: expected ascending timesteps")
        for each in self.rounds:
            wrong = [name for name, value in each.values.items() if not math.isfinite(value)]
            if wrong:
                raise ObservationError(
                    f"{wrong[0]} at {each.timestep:,} is not finite: leave out what is not known"
                )

    @property
    def names(self) -> tuple[str, ...]:
        """All curves, those that appear first before others, then by name."""
        found: dict[str, None] = {}
        for each in self.rounds:
            found.update(dict.fromkeys(sorted(each.values)))
        return tuple(found)

    def curve(self, name: str) -> Curve:
        """One curve, over the rounds that know it."""
        known = [(r.timestep, r.values[name]) for r in self.rounds if name in r.values]
        return Curve(
            np.array([step for step, _ in known], np.int64),
            np.array([value for _, value in known], np.float64),
        )

    def up_to(self, n: int) -> History:
        """The first ``n`` rounds."""
        return History(self.rounds[:n])

    def prefixes(self) -> Iterator[History]:
        """The history as it was after each round."""
        return (self.up_to(n) for n in range(1, len(self.rounds) + 1))


def effect_values(found: Effects) -> dict[str, float]:
    """The curves of a causal check, by name."""
    values: dict[str, float] = {}
    for scope, elements, regions in (
        ("value", found.value, found.region_value),
        ("choice", found.choice, found.region_choice),
    ):
        values |= {f"{scope}/effect/{name}": value for name, value in elements.items()}
        values |= {f"{scope}/region_effect/{name}": value for name, value in regions.items()}
    changed = found.action_changed.items()
    values |= {f"choice/action_changed/{name}": value for name, value in changed}
    moved = found.region_action_changed.items()
    values |= {f"choice/region_action_changed/{name}": value for name, value in moved}
    for target, shares in found.region_share.items():
        scope = TARGETS[target]
        values |= {f"{scope}/region_share/{name}": value for name, value in shares.items()}
    if found.agreement:
        # one number for the round: of the targets, the one whose maps agree least
        values["faithfulness/causal_agreement"] = min(found.agreement.values())
    return values


def to_json(summary: RoundSummary) -> str:
    """One line of ``history.jsonl``.

    Raises:
        ObservationError: a value that is not finite.
    """
    fields = {
        "timestep": summary.timestep,
        "values": dict(summary.values),
        "scores": summary.scores,
        "strategies": summary.strategies,
    }
    try:
        return json.dumps(fields, allow_nan=False, ensure_ascii=False)
    except ValueError as error:
        raise ObservationError(
            f"the round at {summary.timestep:,} has values that are not finite: leave them out"
        ) from error


def from_json(line: str) -> RoundSummary:
    """What `to_json` wrote.

    Raises:
        StoreError: not one line of ``history.jsonl``.
    """
    try:
        fields: dict[str, Any] = json.loads(line)
        return RoundSummary(
            timestep=int(fields["timestep"]),
            values={str(name): float(value) for name, value in fields["values"].items()},
            scores={str(k): tuple(float(v) for v in each) for k, each in fields["scores"].items()},
            strategies={str(k): str(name) for k, name in fields["strategies"].items()},
        )
    except MALFORMED as error:
        raise StoreError(f"{line[:80]!r} is no round of a history: {error}") from error
