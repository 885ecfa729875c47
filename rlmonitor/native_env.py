"""ale-py's native vector environment as a stable-baselines3 ``VecEnv``, with sound life rules."""

from __future__ import annotations

import time
from typing import Any

import gymnasium
import numpy as np
from ale_py import roms
from ale_py.vector_env import AtariVectorEnv
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from rlmonitor.errors import UnknownNameError
from rlmonitor.preprocessing import Preprocessing, ale_env_id


class NativeAtariVecEnv(VecEnv):
    """Atari games with the DQN papers' preprocessing, played by ale-py's C++ threads.

    Observations are ``[n_envs, 4, 84, 84]`` uint8, grey, oldest frame first; each is the maximum of
    the last two of four raw frames. They equal those of stable-baselines3's ``make_atari_env`` with
    a frame stack, pixel by pixel.

    A lost life ends the episode for learning (``done``, ``terminal_observation``), but the game and
    its frame stack go on. (``AtariVectorEnv(episodic_life=True)`` starts a new game instead: an
    agent trained so sees first lives only, and memorises them.) ``infos[i]["episode"]`` comes at
    the end of a game only, with its unclipped score, so ``rollout/ep_rew_mean`` is the true score.

    Attributes:
        preprocessing: what was said above, for whoever makes an environment like this one.

    Args:
        game: name of a ROM of ale-py, such as ``"breakout"``.
        n_envs: number of games played side by side.
        threads: threads that play them.
        life_cost: what a lost life takes off the reward. Without it nothing is lost but what comes
            after, and a game may pay for losing (VideoPinball's bonus for a drained ball).
        noop_max: a game starts with fewer raw frames than this without action, then FIRE.
        max_frames: raw frames after which a game is cut off (108,000: half an hour of play).

    Raises:
        UnknownNameError: where ale-py has no such game.
    """

    render_mode: str | None = None

    def __init__(
        self,
        game: str = "breakout",
        n_envs: int = 16,
        *,
        threads: int = 1,
        life_cost: float = 0.0,
        noop_max: int = 30,
        max_frames: int = 108_000,
    ) -> None:
        require_game(game)
        self.preprocessing = Preprocessing(
            ale_env_id(game), noop_max=noop_max, max_frames=max_frames
        )
        self._life_cost = life_cost
        self._env = open_games(
            game, n_envs, threads=threads, noop_max=noop_max, max_frames=max_frames
        )
        super().__init__(n_envs, self._env.single_observation_space, self._env.single_action_space)
        self._lives = np.zeros(n_envs, np.int32)
        self._score = np.zeros(n_envs, np.float64)
        self._length = np.zeros(n_envs, np.int64)
        self._started = time.monotonic()

    def reset(self) -> VecEnvObs:
        """Start new games, from the seed if one was set; observations ``[N, 4, 84, 84]``."""
        (seed, *_) = self._seeds
        seeds = None if seed is None else spread_seed(seed, self.num_envs)
        observation, info = self._env.reset(seed=seeds)
        self._reset_seeds()
        self._reset_options()
        self._lives = info["lives"]
        self._score[:] = 0
        self._length[:] = 0
        return channels_last(observation)

    def step_async(self, actions: NDArray[np.integer[Any]]) -> None:
        """Hand the actions ``[N]`` to the threads."""
        self._env.send(np.asarray(actions, np.int64))

    def step_wait(self) -> VecEnvStepReturn:
        """Observations, rewards, dones (life or game over), infos of the step."""
        observation, reward, terminated, truncated, info = self._env.recv()
        observation, game_over = channels_last(observation), terminated | truncated
        # SB3's EpisodicLifeEnv: some games stand at 0 lives for a few frames before they are over.
        life_lost = (info["lives"] > 0) & (info["lives"] < self._lives) & ~game_over
        self._lives = info["lives"]
        self._score += reward
        self._length += 1
        infos: list[dict[str, Any]] = [{"lives": int(lives)} for lives in self._lives]
        for i in np.flatnonzero(life_lost):
            infos[i]["terminal_observation"] = observation[i].copy()
            infos[i]["TimeLimit.truncated"] = False
        for i in np.flatnonzero(game_over):
            infos[i]["terminal_observation"] = info["final_obs"][i].copy()
            infos[i]["TimeLimit.truncated"] = bool(truncated[i] and not terminated[i])
            infos[i]["episode"] = self._close_game(i)
        worth = np.sign(reward) - self._life_cost * (life_lost | terminated)
        return observation, worth.astype(np.float32), game_over | life_lost, infos

    def _close_game(self, i: np.intp) -> dict[str, float]:
        """The score of the game that ended in environment i, in SB3's words; counters go to 0."""
        seconds = round(time.monotonic() - self._started, 6)
        episode = {"r": float(self._score[i]), "l": int(self._length[i]), "t": seconds}
        self._score[i] = self._length[i] = 0
        return episode

    def close(self) -> None:
        """End the threads."""
        self._env.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """An attribute of this object, once for each environment asked for."""
        return [getattr(self, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Refused: the games live in C++ and share their settings."""
        raise NotImplementedError(f"NativeAtariVecEnv cannot set {attr_name!r}: make a new one")

    def env_method(
        self,
        method_name: str,
        *method_args: Any,
        indices: VecEnvIndices = None,
        **method_kwargs: Any,
    ) -> list[Any]:
        """Refused: the games live in C++ and have no Python methods."""
        raise NotImplementedError(f"NativeAtariVecEnv has no environments with {method_name!r}")

    def env_is_wrapped(
        self,
        wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]],
        indices: VecEnvIndices = None,
    ) -> list[bool]:
        """True for ``Monitor``, whose ``infos[i]["episode"]`` this class reports itself."""
        return [issubclass(Monitor, wrapper_class) for _ in self._get_indices(indices)]


def require_game(game: str) -> None:
    """Check that ale-py has the game.

    Raises:
        UnknownNameError: with the nearest name that it has.
    """
    if game not in (known := roms.get_all_rom_ids()):
        raise UnknownNameError("game", game, known)


def open_games(
    game: str, n_envs: int, *, threads: int = 1, noop_max: int = 30, max_frames: int = 108_000
) -> AtariVectorEnv:
    """ale-py's own environment under the rules above; arguments as in `NativeAtariVecEnv`."""
    return AtariVectorEnv(
        game,
        n_envs,
        num_threads=threads,
        max_num_frames_per_episode=max_frames,
        autoreset_mode=AutoresetMode.SAME_STEP,
        noop_max=noop_max,
        reward_clipping=False,
    )


def channels_last(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same images ``[N, C, H, W]``, with the channel innermost in memory.

    Convolutions in torch's channels_last format then need no copy of them, which is a tenth of the
    time of a training.
    """
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def spread_seed(seed: int, n: int) -> NDArray[np.int64]:
    """N seeds from one, so that neighbouring seeds share no game (seed + i would share n - 1)."""
    return (np.random.SeedSequence(seed).generate_state(n) >> 1).astype(np.int64)
