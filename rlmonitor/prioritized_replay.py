"""Prioritized replay by errors (Schaul et al. 2016, 'Prioritized Experience Replay', 3.3 and 3.4).

Where little depends on most moments, such as on the ball far from the flippers, uniform replay
seldom shows those on which all depends.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from stable_baselines3.common.vec_env import VecNormalize

from rlmonitor.replay_buffer import Indices, NStepAtariReplayBuffer

ALPHA = 0.6
"""How far priorities count; 0 would be uniform replay (Schaul et al. 2016, Table 3)."""

BETA = 0.4
"""How far weights undo the bias at the start of a training; at its end they do entirely."""

LEAST = 0.01
"""Added to every error, so that none is never seen again."""

MOST = 1.0
"""Errors are clipped here, as in the paper, so that outliers do not fill the batches."""


class Draw(NamedTuple):
    """Which transitions a batch holds, and what makes up for their being drawn more often.

    Attributes:
        steps: ``[N]``, positions in the ring.
        games: ``[N]``.
        weights: ``[N]`` float32, importance weights; the largest is 1.
    """

    steps: Indices
    games: Indices
    weights: NDArray[np.float32]


class PrioritizedAtariReplayBuffer(NStepAtariReplayBuffer):
    """The n-step replay buffer that hands out transitions by how wrong their values were.

    A transition that no gradient step has seen has the greatest priority. Drawing takes a
    millisecond for 250,000 transitions: a sum tree in Python would be slower.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._priorities = np.zeros((self.buffer_size, self.n_envs))

    def add(self, *args: Any, **kwargs: Any) -> None:
        """Store a transition of each game, as SB3's buffer does."""
        self._priorities[self.pos] = (MOST + LEAST) ** ALPHA
        super().add(*args, **kwargs)

    def draw(
        self, n: int, beta: float, env: VecNormalize | None = None
    ) -> tuple[ReplayBufferSamples, Draw]:
        """Transitions by their priority: of n equal parts of all priority, one from each.

        Args:
            n: how many.
            beta: how far the weights undo the bias, in [0, 1].
            env: normalises observations and rewards, where there is one.
        """
        priorities = self._priorities.copy()
        # as in `sample`: transitions whose n steps have not all been stored, or are overwritten
        unfinished = np.arange(self.pos - self.n_steps + 1, self.pos + self.full)
        priorities[unfinished % self.buffer_size] = 0
        summed = priorities.ravel().cumsum()
        # as SB3's buffers, which draw from NumPy's global generator
        wanted = (np.arange(n) + np.random.rand(n)) * summed[-1] / n  # noqa: NPY002
        below = np.minimum(wanted, np.nextafter(summed[-1], 0))  # the last may be rounded up
        flat = np.searchsorted(summed, below, side="right")
        chances = priorities.ravel()[flat] / summed[-1]
        weights = (chances.min() / chances) ** beta
        steps, games = np.unravel_index(flat, priorities.shape)
        drawn = Draw(steps, games, weights.astype(np.float32))
        return self.transitions(steps, games, env), drawn

    def update(self, drawn: Draw, errors: NDArray[np.floating[Any]]) -> None:
        """Set the priorities of what was drawn by its temporal-difference errors ``[N]``."""
        clipped = np.minimum(np.abs(errors), MOST)
        self._priorities[drawn.steps, drawn.games] = (clipped + LEAST) ** ALPHA
