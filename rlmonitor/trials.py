"""Trial games, which tell an agent that plays from one that has learnt games by heart.

The agent plays games that start as the training's do, and games under sticky actions after random
first moves, an established test of generalisation (Machado et al. 2018, 'Revisiting the Arcade
Learning Environment', sections 4 and 5). `rlmonitor.strategy.memorisation` compares their scores.

Both kinds are played greedily, in environments of their own: chance in the choice of actions would
lead an agent off the game that it knows, and the monitor's own play goes on undisturbed. A game is
cut off after `STEPS` steps, so that a round costs the same however well the agent plays.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, SupportsFloat

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from rlmonitor.emulator import EmulatorTap, insert_tap
from rlmonitor.errors import ConfigurationError
from rlmonitor.side_by_side import Forward, Game, play_side_by_side
from rlmonitor.strategy.history import OTHER_STARTS, OWN_STARTS

STEPS = 250
"""Of the agent in a trial game; on the Atari that is 17 seconds."""

STICKY = 0.25
"""Chance that a call of the emulator repeats the action before it (Machado et al. 2018)."""

KINDS = OWN_STARTS, OTHER_STARTS
"""Of trial games."""

RANDOM_MOVES = 30
"""Random steps that a game under other starts begins with, at most."""


class Trials:
    """Plays trial games of both kinds.

    Args:
        make_env: makes a vector environment of one environment, apart from any training; called
            once for each kind.
        steps: of the agent in a game, after which it is cut off.
        seed: of the random moves and the sticky actions.

    Raises:
        ConfigurationError: environments in another process, where no game can be cut off, or one
            environment for both.
    """

    def __init__(
        self, make_env: Callable[[], VecEnv], *, steps: int = STEPS, seed: int = 0
    ) -> None:
        with warnings.catch_warnings():  # the monitor's first environment has told them
            warnings.simplefilter("ignore")
            own, other = make_env(), make_env()
        own_tap, other_tap = insert_tap(own), insert_tap(other)
        if own_tap is None or other_tap is None:
            own.close()
            other.close()
            raise ConfigurationError(
                f"trial games need environments in this process, not in a "
                f"{type(own.unwrapped).__name__}: pass a factory of one, or games=0"
            )
        if own_tap.unwrapped is other_tap.unwrapped:  # not ours to close
            raise ConfigurationError(
                "trial games need environments of their own, and were given one and the same: pass "
                "a factory that makes a new one each time, or games=0"
            )
        rng = np.random.default_rng(seed)
        self._games = {
            OWN_STARTS: _Games(own, own_tap, steps, rng),
            OTHER_STARTS: _Games(other, other_tap, steps, rng, moves=RANDOM_MOVES, sticky=STICKY),
        }

    def play(self, greedy: Forward, n: int) -> dict[str, tuple[float, ...]]:
        """Play games of each kind.

        Args:
            greedy: the policy's values; the action of the largest one is taken.
            n: games of each kind.

        Returns:
            `OWN_STARTS` and `OTHER_STARTS` to the unclipped scores of ``n`` games.
        """
        games = self.playing(n)
        return dict(zip(games, play_side_by_side(list(games.values()), greedy), strict=True))

    def playing(self, n: int, kinds: Sequence[str] = KINDS) -> dict[str, Game[tuple[float, ...]]]:
        """The same as games to be played beside others, see `rlmonitor.side_by_side`."""
        return {kind: self._games[kind].playing(n) for kind in kinds}

    def close(self) -> None:
        """Close the environments."""
        for games in self._games.values():
            games.vec_env.close()


class _Games:
    """Plays one game after the other in one environment."""

    def __init__(
        self,
        vec_env: VecEnv,
        tap: EmulatorTap,
        steps: int,
        rng: np.random.Generator,
        *,
        moves: int = 0,
        sticky: float = 0.0,
    ) -> None:
        self.vec_env, self._tap = vec_env, tap
        self._edge = _Edge(tap, sticky, rng)
        self._steps, self._moves, self._rng = steps, moves, rng
        self._observation: NDArray[Any] | None = None

    def playing(self, n: int) -> Game[tuple[float, ...]]:
        """The unclipped scores of the agent in n games."""
        scores = []
        for _ in range(n):
            scores.append((yield from self._play_one()))
        return tuple(scores)

    def _play_one(self) -> Game[float]:
        """The unclipped score of the agent in a game, which ends or is cut off."""
        if self._observation is None:
            self._observation = np.asarray(self.vec_env.reset())
        self._move_at_random(int(self._rng.integers(self._moves + 1)))
        score = 0.0
        for left in reversed(range(self._steps)):
            self._edge.cut = left == 0
            values = yield self._observation
            score += self._advance(int(values[0].argmax()))
            if self._tap.game_over:
                break
        self._edge.cut = False
        return score

    def _move_at_random(self, n: int) -> None:
        """Take n steps; where they end the game, half as many in the next one."""
        n_actions = self.vec_env.action_space.n  # type: ignore[attr-defined]  # Player checks it
        taken = 0
        while taken < n:
            self._advance(int(self._rng.integers(n_actions)))
            taken += 1
            if self._tap.game_over:
                taken, n = 0, n // 2

    def _advance(self, action: int) -> float:
        """One step of the agent; what it earned."""
        self._tap.begin()
        observation, *_ = self.vec_env.step(np.array([action]))
        self._observation = np.asarray(observation)
        return self._tap.earned


class _Edge(gym.Wrapper[Any, Any, Any, Any]):
    """Next to the emulator, below the tap: repeats actions and cuts games off.

    There every raw frame passes, and wrappers that hide the end of a game (lost lives) see it.

    Attributes:
        cut: whether the game is cut off with the next frame.
    """

    def __init__(self, tap: EmulatorTap, sticky: float, rng: np.random.Generator) -> None:
        super().__init__(tap.env)
        tap.env = self
        self._sticky, self._rng, self.cut = sticky, rng, False
        self._last: Any = None

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """A new game begins."""
        self._last, self.cut = None, False
        return self.env.reset(**kwargs)

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Step the environment, with the action before if it sticks."""
        if self._last is not None and self._rng.random() < self._sticky:
            action = self._last
        self._last = action
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, reward, terminated, truncated or self.cut, info
