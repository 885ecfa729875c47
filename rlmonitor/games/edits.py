"""Elements taken out of the console's memory: what a game would show without them.

An edit is a function from a memory ``[128]`` to another; the screen follows within `SETTLES`
frames. Only what the cartridge draws from memory alone can go: Breakout's paddle, for one, stays
where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from rlmonitor.games.breakout import COLUMNS, ROWS, bricks_standing, with_bricks

Edit = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]

Gone = Callable[[NDArray[np.uint8]], bool]

SETTLES = 2
"""Raw frames after which all of the screen shows the edited memory: score and lives take two."""


def _breakout_without_ball(ram: NDArray[np.uint8]) -> NDArray[np.uint8]:
    edited = ram.copy()
    edited[101] = 0
    return edited


def _breakout_without_bricks(ram: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return with_bricks(ram, np.zeros((ROWS, COLUMNS), np.bool_))


def _breakout_without_tunnel(ram: NDArray[np.uint8]) -> NDArray[np.uint8]:
    standing = bricks_standing(ram[None].astype(np.int64))[0]
    return with_bricks(ram, standing | ~standing.any(axis=0))


def _breakout_fresh_display(ram: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Score 0 and five lives: the display cannot go, but it can say nothing of this game."""
    edited = ram.copy()
    edited[76] = edited[77] = 0
    edited[57] = 5
    return edited


EDITS: Mapping[str, Mapping[str, Edit]] = {
    "breakout": {
        "ball": _breakout_without_ball,
        "bricks": _breakout_without_bricks,
        "tunnel": _breakout_without_tunnel,
        "display": _breakout_fresh_display,
    }
}
"""Game to element to the edit that takes it away, or what it says."""

GONE: Mapping[str, Mapping[str, Gone]] = {
    "breakout": {"bricks": lambda ram: not bricks_standing(ram[None].astype(np.int64)).any()}
}
"""Whether an element is gone from memory, where the game may put it back: Breakout builds a new
wall where it finds none as a ball is served."""

REMOVALS: Mapping[str, Mapping[str, Edit]] = {
    "breakout": {name: EDITS["breakout"][name] for name in ("ball", "bricks")}
}
"""Those edits after which nothing of the element is on the screen: the display only changes."""
