"""One environment under stable-baselines3's wrappers, without what a monitor never looks at.

What comes out equals what stable-baselines3's own wrappers give, bit for bit, and sooner: only
screens that are seen are drawn, and nothing is copied twice.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import DummyVecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from rlmonitor.preprocessing import Preprocessing

Env = gym.Env[Any, Any]


class SkippedScreens(gym.Wrapper[Any, Any, Any, Any]):
    """Stable-baselines3's ``MaxAndSkipEnv`` over an emulator that gives its memory, not its screen.

    Of ``skip`` raw frames the last two are drawn; the observation is their maximum.

    Args:
        env: an ALE environment with ``obs_type="ram"``.
        skip: raw frames in a step of the agent, 2 or more.
    """

    def __init__(self, env: Env, skip: int) -> None:
        super().__init__(env)
        self._ale = env.unwrapped.ale  # type: ignore[attr-defined]
        self._skip = skip
        self._screens = np.zeros((2, *self._ale.getScreenDims(), 3), np.uint8)
        self.observation_space = spaces.Box(0, 255, self._screens.shape[1:], np.uint8)

    def reset(self, **kwargs: Any) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """A new game; the screen as it is, ``[210, 160, 3]``."""
        _, info = self.env.reset(**kwargs)
        return self._ale.getScreenRGB(), info

    def step(self, action: Any) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """The same action in every raw frame; their rewards' sum, and ``[210, 160, 3]``."""
        total = 0.0
        for left in reversed(range(self._skip)):
            _, reward, terminated, truncated, info = self.env.step(action)
            if left < 2:
                self._ale.getScreenRGB(self._screens[1 - left])
            total += float(reward)
            if terminated or truncated:
                break
        return np.maximum(*self._screens), total, terminated, truncated, info


class LoneEnv(DummyVecEnv):
    """A ``DummyVecEnv`` of one environment, which copies what it gives once and not twice."""

    def step_wait(self) -> VecEnvStepReturn:
        """Observation ``[1, ...]``, after an end the next game's; reward, done ``[1]``, info."""
        env = self.envs[0]
        observation, reward, terminated, truncated, info = env.step(self.actions[0])
        done = terminated or truncated
        info = {**info, "TimeLimit.truncated": truncated and not terminated}
        if done:
            info["terminal_observation"] = observation
            observation, self.reset_infos[0] = env.reset()
        self._save_obs(0, observation)
        return self._obs_from_buf(), np.array([reward], np.float32), np.array([done]), [info]

    def _obs_from_buf(self) -> VecEnvObs:
        if isinstance(self.observation_space, spaces.Dict | spaces.Tuple):
            return super()._obs_from_buf()
        return next(iter(self.buf_obs.values())).copy()


def atari_env(spec: EnvSpec, preprocessing: Preprocessing) -> Env:
    """An ALE environment under stable-baselines3's wrappers; rewards are left as they are.

    Args:
        spec: the registry's entry of the game.
        preprocessing: what lies between the emulator and the policy, frame stack apart.
    """
    from stable_baselines3.common import atari_wrappers as sb3

    skips = preprocessing.frame_skip > 1
    env: Env = gym.make(
        spec,
        disable_env_checker=True,
        obs_type="ram" if skips else "rgb",
        frameskip=preprocessing.emulator_frame_skip,
        repeat_action_probability=preprocessing.repeat_action_probability,
        full_action_space=preprocessing.full_action_space,
        mode=preprocessing.mode,
        difficulty=preprocessing.difficulty,
        max_num_frames_per_episode=preprocessing.max_frames,
    )
    meanings = env.unwrapped.get_action_meanings()  # type: ignore[attr-defined]
    if preprocessing.noop_max > 0:
        env = sb3.NoopResetEnv(env, noop_max=preprocessing.noop_max)
    if skips:
        env = SkippedScreens(env, preprocessing.frame_skip)
    if preprocessing.terminal_on_life_loss:
        env = sb3.EpisodicLifeEnv(env)
    if preprocessing.fire_reset and "FIRE" in meanings:
        env = sb3.FireResetEnv(env)
    if preprocessing.screen_size is not None:
        height, width = preprocessing.screen_size
        env = sb3.WarpFrame(env, width=width, height=height)
    return env
