"""The tap on the emulator: memory and screen of the monitor's own environment."""

from __future__ import annotations

from collections import deque
from typing import Any, SupportsFloat

import gymnasium as gym
import numpy as np
from ale_py import ALEInterface, ALEState
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv


class EmulatorTap(gym.Wrapper[Any, Any, Any, Any]):
    """Notes what passes between an environment and its innermost wrapper.

    There rewards are not clipped, a lost life does not look like a lost game, and every raw frame
    comes by. On ALE it notes memory and screen of the last two raw frames as well.

    Attributes:
        score: sum of the rewards of this game so far.
        earned: sum of the rewards since `begin`, of the game that was on then.
        game_over: whether that game has ended since.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        self._ale = getattr(env, "ale", None)
        self._frames: deque[tuple[NDArray[np.uint8], NDArray[np.uint8] | None]] = deque(maxlen=2)
        self.score = 0.0
        self.begin()

    def begin(self) -> None:
        """A step of the agent begins."""
        self.earned = 0.0
        self.game_over = False
        self._n_frames = 0

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Reset the environment; a new game begins."""
        observation, info = self.env.reset(**kwargs)
        self.score = 0.0
        self._n_frames = 0
        self._note(observation)
        return observation, info

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Step the environment and note what comes back."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        self.score += float(reward)
        if not self.game_over:
            self.earned += float(reward)
        self.game_over = self.game_over or terminated or truncated
        self._note(observation)
        return observation, reward, terminated, truncated, info

    def _note(self, observation: Any) -> None:
        self._n_frames += 1
        if self._ale is not None:
            is_screen = isinstance(observation, np.ndarray) and observation.ndim == 3
            self._frames.append((self._ale.getRAM(), observation if is_screen else None))

    @property
    def ram(self) -> NDArray[np.uint8] | None:
        """Memory at the two raw frames that the observation shows, ``[2, 128]``, older first.

        Twice the same where a step of the agent is one raw frame; None without an emulator.
        """
        if not self._frames:
            return None
        older = self._frames[0 if self._n_frames > 1 else -1]
        return np.stack([older[0], self._frames[-1][0]])

    @property
    def screen(self) -> NDArray[np.uint8] | None:
        """The newest raw frame, ``[210, 160, 3]``; None without an emulator."""
        if self._ale is None or not self._frames:
            return None
        screen = self._frames[-1][1]
        return np.asarray(self._ale.getScreenRGB() if screen is None else screen)


def clone_state(ale: ALEInterface) -> ALEState:
    """A copy of an emulator's state, random numbers included; the emulator is not touched."""
    return ale.cloneState(include_rng=True)


def insert_tap(vec_env: VecEnv) -> EmulatorTap | None:
    """Put a tap around the innermost environment, or find the one that is there.

    Args:
        vec_env: a vector environment of one environment.

    Returns:
        None where the environment lives in another process, out of reach.
    """
    base = vec_env.unwrapped
    if not isinstance(base, DummyVecEnv):
        return None
    wrapper: gym.Env[Any, Any] = base.envs[0]
    if not isinstance(wrapper, gym.Wrapper):
        base.envs[0] = tap = EmulatorTap(wrapper)
        return tap
    while isinstance(wrapper.env, gym.Wrapper):
        wrapper = wrapper.env
    if isinstance(wrapper, EmulatorTap):
        return wrapper
    wrapper.env = tap = EmulatorTap(wrapper.env)
    return tap
