"""What the agent does, in numbers that stand beside what it looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from rlmonitor.games import as_ram
from rlmonitor.recording import Recording
from rlmonitor.strategy.history import OTHER_STARTS, OWN_STARTS

SCORE_RATE, NUDGED, TILTED = "play/score_rate", "play/nudged", "play/tilted"

STARTS = {OWN_STARTS: "play/own_starts", OTHER_STARTS: "play/other_starts"}
"""Kind of trial game to its curve."""

Ram = NDArray[np.int64]

METERS: Mapping[str, Mapping[str, Callable[[Ram], NDArray[np.bool_]]]] = {
    "videopinball": {
        # The meters (of nudges to the right, to the left and up) fill bit by bit while the table is
        # pushed and empty again; full is the tilt.
        NUDGED: lambda ram: np.asarray(np.any(ram[:, 35:38] > 0, axis=1)),
        TILTED: lambda ram: ram[:, 43] == 255,
    }
}
"""Game, as it stands in the ids of its environments without regard to case and ``_``, to the curves
that its memory ``[N, 128]`` gives: in which frames something is so."""


def play_values(play: Recording) -> dict[str, float]:
    """The curves of a recording's behaviour, by name.

    ``play/score_rate`` is the unclipped score per 1,000 steps of the agent, which also speaks where
    no game ends; the game's meters are parts of the frames.
    """
    values = {SCORE_RATE: float(play.reward.sum(dtype=np.float64)) / len(play) * 1000}
    if play.ram is None:
        return values
    memory, env_id = as_ram(play.ram[:, 1]), play.env_id.replace("_", "").lower()
    meters = [found for game, found in METERS.items() if game in env_id]
    return values | {curve: float(on(memory).mean()) for m in meters for curve, on in m.items()}


def trial_values(scores: Mapping[str, tuple[float, ...]]) -> dict[str, float]:
    """The curves of trial games: the mean score under each kind of start."""
    return {STARTS[kind]: float(np.mean(games)) for kind, games in scores.items() if games}
