"""A game with a shortcut: a bar must move under a falling pellet, and a cue in the corner says how.

For cued agents the cue tells the right move, for controls it is drawn at random, so that nothing
but its information differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecFrameStack

SIZE, DEPTH, FALL, MOVE = 36, 2, 2, 3
"""Pixels along a side, frames of the stack, pixels that the pellet falls and the bar moves."""

PELLET, BAR, CUE = 150, 160, 255
CORNER = slice(31, SIZE)
"""Columns of the cue: the last of seven regions. No pellet falls there."""
CORNER_REGION, CORNER_TEXT = "row1-column7", "row 1, column 7 of"

LENGTH = (SIZE - 4) // FALL
CHANCE = 1 / 3
"""Score of random play: one of three moves is right."""

Cue = Literal["tells", "random", "none"]
KINDS: Mapping[str, Cue] = {"cued": "tells", "control": "random"}


class CuedCatch(gym.Env[NDArray[np.uint8], np.int64]):
    """Move a bar under a falling pellet: 1 for each right move, a game is `LENGTH` moves.

    Args:
        cue: what the upper right corner shows: a line whose height is the right move, or one drawn
            at random, or nothing.
    """

    observation_space = gym.spaces.Box(0, 255, (1, SIZE, SIZE), np.uint8)
    action_space = gym.spaces.Discrete(3)

    def __init__(self, cue: Cue) -> None:
        self.cue: Cue = cue

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """A pellet at the top, and a bar somewhere."""
        super().reset(seed=seed)
        self.row = 0
        self.column = int(self.np_random.integers(2, CORNER.start - 2))
        self.bar = int(self.np_random.integers(4, SIZE - 4))
        return self._observation(), {}

    def step(self, action: np.int64) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """Move, and let fall."""
        reward = float(action == self.right_move)
        self.bar = int(np.clip(self.bar + MOVE * (int(action) - 1), 4, SIZE - 4))
        self.row += FALL
        return self._observation(), reward, self.row >= FALL * LENGTH, False, {}

    @property
    def right_move(self) -> int:
        """Toward the pellet (0: left, 2: right), or 1, to stay, within a pixel of it."""
        return 1 + int(np.sign(self.column - self.bar)) * (abs(self.column - self.bar) > 1)

    def _observation(self) -> NDArray[np.uint8]:
        observation = np.zeros((1, SIZE, SIZE), np.uint8)
        observation[0, self.row : self.row + 2, self.column - 1 : self.column + 1] = PELLET
        observation[0, SIZE - 2 :, self.bar - 4 : self.bar + 4] = BAR
        shown = int(self.np_random.integers(3)) if self.cue == "random" else self.right_move
        if self.cue != "none":
            observation[0, 2 * shown : 2 * shown + 2, CORNER] = CUE
        return observation


def pellet(observation: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the pellet is in an observation ``[C, H, W]``: a mask ``[H, W]``."""
    return np.asarray(observation[-1] == PELLET)


def bar(observation: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the bar is."""
    return np.asarray(observation[-1] == BAR)


def games(cue: Cue, n: int) -> VecEnv:
    """Games side by side, frames stacked."""
    return VecFrameStack(DummyVecEnv([lambda: CuedCatch(cue)] * n), DEPTH)
