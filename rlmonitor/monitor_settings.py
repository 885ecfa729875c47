"""What a round of the monitor explains, and how."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rlmonitor.element_functions import ElementFunction
from rlmonitor.errors import ConfigurationError, UnknownNameError
from rlmonitor.games import Game
from rlmonitor.lrp import ACTOR_CRITIC_TARGETS, COMPOSITES, DEFAULT_COMPOSITE, TARGETS, Composite
from rlmonitor.recording import Recording

_TARGETS = tuple(TARGETS | ACTOR_CRITIC_TARGETS)
_COUNTS = ("n_frames", "clip_frames", "spacing", "full_every")
_PROBE = (str, os.PathLike, Recording, type(None))
_CHANCE = "a chance between 0 and 1"
_PROBES = '"auto", the name of a shipped probe, its file, a rlmonitor.Recording, or None'
_COMPOSITES = f"a rlmonitor.Composite or one of {', '.join(COMPOSITES)}"
_ELEMENTS = (
    'a dict of functions such as {"ball": ball_mask}, a table of rlmonitor.games.GAMES, or None'
)


ALL_FULL = 20
"""Rounds from the start of a run that are all full: whoever tries something out sees each, and
trial games become enough for a verdict."""


@dataclass(frozen=True)
class MonitorSettings:
    """What a round explains, and how.

    Attributes:
        n_frames: frames for the statistics of a round, spread over the monitor's play.
        clip_frames: consecutive frames in the clip.
        spacing: agent steps played for each frame of the statistics.
        full_every: after the first `ALL_FULL` rounds of a run, one of so many is full: it plays
            trial games and has pictures, that is clips, the embedding, and what the Strategies page
            plays. All rounds have curves and events, and on disk every frame and map. All rounds
            of a replay play trial games, and its pictures have a rule of their own.
        probe: ``"auto"``: 128 frames, or ``n_frames`` if that is more, of the game's shipped probe
            if it fits the network, else the first round's frames, kept; the name of a shipped
            probe, which is explained whole; a recording; or None.
        targets: what is explained; None takes what the agent values and what it decides by:
            ``"q"`` and ``"advantage"``, or ``"value"`` and ``"advantage"`` for an actor-critic.
        composite: which LRP rule for which layer.
        elements: name to a function from an observation ``[C, H, W]`` to a mask ``[H, W]``, or a
            game's table; None takes the game's own elements.
        epsilon: chance of a random action in the monitor's play.
        games: trial games in a full round, which tell an agent that plays from one that has learnt
            games by heart (see `rlmonitor.trials`), of one kind and the other by turns; a replay
            plays them of each kind. 0 plays none.
        seed: of the monitor's own generator and environment.
        keep: how many rounds stay on disk, the latest ones; None keeps all, 0 writes none.
        time_limit: seconds that the environment may take for the play of a round, see
            `rlmonitor.time_limit`; None for no limit.
    """

    n_frames: int = 128
    clip_frames: int = 64
    spacing: int = 4
    full_every: int = 3
    probe: str | Recording | None = "auto"
    targets: tuple[str, ...] | None = None
    composite: str | Composite = DEFAULT_COMPOSITE
    elements: Game | Mapping[str, ElementFunction] | None = None
    epsilon: float = 0.05
    games: int = 1
    seed: int = 0
    keep: int | None = None
    time_limit: float | None = 300.0

    def __post_init__(self) -> None:
        """Refuse what can never work.

        Raises:
            ConfigurationError: naming the setting, its value and what would work.
        """
        for name in _COUNTS:
            _require(is_whole(value := getattr(self, name), 1), name, value, "1, 2, 3, ...")
        for name in ("games", "seed"):
            _require(is_whole(value := getattr(self, name), 0), name, value, "0, 1, 2, ...")
        chance, keep, limit = self.epsilon, self.keep, self.time_limit
        _require(is_number(chance) and 0 <= chance <= 1, "epsilon", chance, _CHANCE)
        _require(keep is None or is_whole(keep, 0), "keep", keep, "None, 0 or more rounds")
        timed = limit is None or (is_number(limit) and limit > 0)
        _require(timed, "time_limit", limit, "None or seconds above 0")
        probe, composite, elements = self.probe, self.composite, self.elements
        _require(isinstance(probe, _PROBE), "probe", _kind(probe), _PROBES)
        _require(isinstance(composite, str | Composite), "composite", composite, _COMPOSITES)
        _require(_finds(elements), "elements", _kind(elements), _ELEMENTS)
        for name in (*_COUNTS, "games", "seed", "keep"):
            if isinstance(value := getattr(self, name), np.integer):
                object.__setattr__(self, name, int(value))  # it is written as JSON
        if isinstance(self.composite, str) and self.composite not in COMPOSITES:
            raise UnknownNameError("composite", self.composite, COMPOSITES)
        if self.targets is not None and not self.targets:
            raise ConfigurationError(f"targets is empty: give one or more of {', '.join(_TARGETS)}")
        for target in self.targets or ():
            if target not in _TARGETS:
                raise UnknownNameError("target", target, _TARGETS)


def is_number(value: object) -> bool:
    """Whether it is one, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole(value: object, least: int) -> bool:
    """Whether it is a whole number from ``least`` on, of Python or of NumPy, and no truth value."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        return False
    return int(value) >= least


def _finds(elements: object) -> bool:
    if isinstance(elements, Mapping):
        return all(isinstance(k, str) and callable(v) for k, v in elements.items())
    return elements is None or isinstance(elements, Game)


def _kind(value: object) -> object:
    """What an error shows of a value: of arrays and the like, which fill pages, only the type."""
    return value if isinstance(value, str | int | float | dict) else type(value)


def _require(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise ConfigurationError(f"{name}={value!r}: expected {expected}")
