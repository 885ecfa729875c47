"""Rollouts: the agent plays in the monitor's own environment."""

from __future__ import annotations

import warnings
from collections.abc import Container, Mapping
from typing import Any

import numpy as np
from ale_py import ALEState
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from rlmonitor.element_functions import ElementFunction, checked, user_masks
from rlmonitor.emulator import clone_state, insert_tap
from rlmonitor.errors import ConfigurationError, NonFiniteError, ObservationError
from rlmonitor.games import (
    MEMORY,
    MOVING,
    Game,
    Located,
    element_masks,
    game_of,
    moving_masks,
)
from rlmonitor.preprocessing import ale_env_id, describe, wrapper_names
from rlmonitor.recording import Recording
from rlmonitor.side_by_side import Forward, Values, play_alone
from rlmonitor.side_by_side import Game as PlayedGame

STILL = 16
"""Frames in which something should move."""

LARGEST_SCREEN = 420
"""Pixels along the longer side of a recorded screen; larger ones lose whole rows and columns."""


class Player:
    """Plays on and on in an environment of its own, and records what it sees and does.

    Actions are epsilon-greedy, from a generator of its own; global random states are given back.

    Args:
        vec_env: one environment, apart from any training, as
            `rlmonitor.environment.make_monitor_env` makes it.
        elements: what is on the screen: a game's table (needs the emulator's memory in reach),
            functions by name, in order of priority, or None for the table of the environment's
            game; if there is none, the one element is ``moving``, see `rlmonitor.games.motion`.
        epsilon: chance of a random action.
        seed: of the generator.

    Raises:
        ConfigurationError: actions that are not discrete, an element by the name of ``rest``, or a
            table without an emulator in reach.
        ObservationError: observations that are not images.

    Attributes:
        game: the table in use, or None.
        env_id: the environment's id, empty if it has none.
        preprocessing: of the environment, where it is known.
        states: step of the latest play to the emulator's state before it, of those asked for.
    """

    def __init__(
        self,
        vec_env: VecEnv,
        *,
        elements: Game | Mapping[str, ElementFunction] | None = None,
        epsilon: float = 0.05,
        seed: int = 0,
    ) -> None:
        self._vec_env, self._epsilon = vec_env, epsilon
        self._rng = np.random.default_rng(seed)
        self._n_actions = _number_of_actions(vec_env)
        self._channels_last = _has_channels_last(vec_env)
        self._rgb = _frames_are_rgb(vec_env)
        self._colours = 3 if self._rgb and _colours_are_last(vec_env) else 1
        self._tap = insert_tap(vec_env)
        self.preprocessing = describe(vec_env)
        self.states: dict[int, ALEState] = {}
        self.env_id = _env_id(vec_env)
        self._functions = {} if isinstance(elements, Game) else checked(elements or {})
        self.game = self._table(elements)
        self._observation: NDArray[Any] | None = None
        self._step = 0
        self._score = 0.0
        self._said_still = False

    def play(self, forward: Forward, n_steps: int) -> Recording:
        """Play on from where the last call ended.

        Args:
            forward: the policy's Q-values or logits; the largest one is taken.
            n_steps: steps of the agent.

        Returns:
            ``n_steps`` consecutive frames with their masks.

        Raises:
            NonFiniteError: Q-values with NaN or infinity.
            ObservationError: Q-values or a user's masks of a wrong shape.
            ConfigurationError: no steps.
        """
        if n_steps < 1:
            raise ConfigurationError(f"n_steps={n_steps!r}: expected at least 1")
        return play_alone(self.playing(n_steps), forward)

    def playing(self, n_steps: int, cloned: Container[int] = ()) -> PlayedGame[Recording]:
        """The same as a game to be played beside others, see `rlmonitor.side_by_side`.

        Args:
            n_steps: steps of the agent.
            cloned: steps, counted from 0, before which the emulator's state is kept in `states`.
        """
        self.states = {}
        if self._observation is None:
            self._observation = np.asarray(self._vec_env.reset())
        frames = []
        for step in range(n_steps):
            if step in cloned and self._tap is not None:
                self.states[step] = clone_state(self._tap.unwrapped.ale)  # type: ignore[attr-defined]
            values = yield self._observation
            frames.append(self._frame(values))
        return self._recording(frames)

    def close(self) -> None:
        """Close the environment."""
        self._vec_env.close()

    def _frame(self, values: Values) -> dict[str, Any]:
        """What is to be seen, then one step of the agent, and what came of it."""
        observation, tap = self._observation, self._tap
        assert observation is not None
        action = self._action(values)
        first = np.moveaxis(observation[0], -1, 0) if self._channels_last else observation[0]
        frame = {
            "observation": first.copy(),  # some environments give the same buffer again
            "screen": shrunk(self._screen(first)),
            "ram": None if tap is None else tap.ram,
            "action": action,
            "score": self._score,
            "step": self._step,
        }
        reward, done = self._advance(action)
        return frame | {"reward": reward, "done": done}

    def _advance(self, action: int) -> tuple[float, bool]:
        """One step of the agent; its reward, and whether the game ended."""
        tap = self._tap
        if tap is not None:
            tap.begin()
        observation, rewards, dones, _ = self._vec_env.step(np.array([action]))
        self._observation = np.asarray(observation)
        reward, done = float(rewards[0]), bool(dones[0])
        if tap is not None:
            reward, done = tap.earned, tap.game_over
        self._step += 1
        self._score = tap.score if tap is not None else (0.0 if done else self._score + reward)
        return reward, done

    def _action(self, q_values: Values) -> int:
        if q_values.shape != (1, self._n_actions):
            raise ObservationError(
                f"Q-values of shape {q_values.shape}, expected (1, {self._n_actions}): one for "
                "each action of the monitor's environment"
            )
        if not np.isfinite(q_values).all():
            raise NonFiniteError(f"Q-values {q_values[0].tolist()} at step {self._step}")
        # drawn in any case, so that what is drawn at a step does not depend on the past
        chance, random_action = self._rng.random(), self._rng.integers(self._n_actions)
        return int(random_action if chance < self._epsilon else q_values[0].argmax())

    def _screen(self, first: NDArray[Any]) -> NDArray[np.uint8]:
        """What a person sees: the raw screen, what the environment draws, or the observation."""
        if self._tap is not None and (screen := self._tap.screen) is not None:
            return screen
        if self._vec_env.render_mode == "rgb_array":
            drawn = self._vec_env.get_images()[0]
            if drawn is not None:
                return drawn
        return _newest_frame(first, rgb=self._rgb)

    def _recording(self, frames: list[dict[str, Any]]) -> Recording:
        def column(name: str, dtype: Any = None) -> NDArray[Any]:
            return np.array([frame[name] for frame in frames], dtype)

        observation = column("observation")
        has_ram = bool(frames) and frames[0]["ram"] is not None
        ram = column("ram") if has_ram else None
        step_done = column("done", np.bool_)
        found = self._located(observation, ram, ~np.roll(step_done, 1))
        return Recording(
            observation=observation,
            screen=column("screen"),
            action=column("action", np.int64),
            reward=column("reward", np.float32),
            score=column("score", np.float32),
            done=step_done,
            step=column("step", np.int64),
            masks=found.masks,
            outside=found.outside,
            ram=ram,
            env_id=self.env_id,
            action_meanings=self._action_meanings(),
            channels_last=self._channels_last,
            colours=self._colours,
            elements_from=found.elements_from,
        )

    def _located(
        self,
        observation: NDArray[Any],
        ram: NDArray[np.uint8] | None,
        continues: NDArray[np.bool_],
    ) -> Located:
        height, width = observation.shape[2:]
        if self._functions:
            return Located(user_masks(self._functions, observation), {}, "functions")
        if self.game is None or ram is None:
            masks = moving_masks(observation, continues, rgb=self._rgb)
            self._say_if_nothing_moves(masks[MOVING])
            return Located(masks, {}, MOVING)
        return Located(*element_masks(self.game, ram, (height, width)), MEMORY)

    def _say_if_nothing_moves(self, moving: NDArray[np.bool_]) -> None:
        if len(moving) < STILL or moving.any() or self._said_still:
            return
        self._said_still = True
        warnings.warn(
            f"nothing moves in {len(moving)} frames of {self.env_id or 'the environment'}, and "
            f"there is no table of its elements: {MOVING!r} is empty; pass "
            'elements={"name": function} of the observation to say what is on the screen',
            stacklevel=5,
        )

    def _table(self, elements: Game | Mapping[str, ElementFunction] | None) -> Game | None:
        """The game's table, if it is wanted and there is an emulator to read memory from."""
        in_reach = self._tap is not None and hasattr(self._tap.unwrapped, "ale")
        if isinstance(elements, Game) and not in_reach:
            raise ConfigurationError(
                f"the table of {elements.name!r} needs the emulator's memory, and there is none in "
                f"reach in {self.env_id or type(self._vec_env.unwrapped).__name__!r}: pass "
                'elements={"name": function} of the observation instead'
            )
        if isinstance(elements, Game):
            return elements
        game = game_of(self.env_id) if in_reach and not self._functions else None
        if game is not None and describe(self._vec_env) is None:
            warnings.warn(
                f"the table of {game.name!r} tells where things are on the whole screen, and a "
                f"wrapper that we do not know may crop or move it: the only element is {MOVING!r}, "
                'what moves; pass elements={"name": function} of the observation for others',
                stacklevel=4,
            )
            return None
        return game

    def _action_meanings(self) -> tuple[str, ...]:
        emulator = None if self._tap is None else self._tap.unwrapped
        if emulator is not None and hasattr(emulator, "get_action_meanings"):
            return tuple(emulator.get_action_meanings())
        return tuple(str(action) for action in range(self._n_actions))


def shrunk(screen: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every n-th row and column of a screen above `LARGEST_SCREEN`, as a copy: hundreds of large
    renderings would fill the memory.
    """
    step = -(-max(screen.shape[:2]) // LARGEST_SCREEN)
    return screen[::step, ::step].copy() if step > 1 else screen


def _number_of_actions(vec_env: VecEnv) -> int:
    if not isinstance(vec_env.action_space, spaces.Discrete):
        raise ConfigurationError(
            f"the monitor plays discrete actions, the environment takes {vec_env.action_space}"
        )
    return int(vec_env.action_space.n)


def _has_channels_last(vec_env: VecEnv) -> bool:
    """Whether the smallest axis, that of the channels, is the last one."""
    space = vec_env.observation_space
    shape = space.shape
    if shape is None or len(shape) != 3:
        given = f"the parts {', '.join(space)}" if isinstance(space, spaces.Dict) else f"{space}"
        raise ObservationError(
            f"observations of {given}, expected images [C, H, W] or [H, W, C]: the monitor "
            "watches what is on a screen; of other observations "
            "rlmonitor.attribute(network_of(model), observations) tells each number's part"
        )
    return int(np.argmin(shape)) == 2


def _frames_are_rgb(vec_env: VecEnv) -> bool:
    """Whether the single frame, before any stack, has three channels."""
    shape, stacked = vec_env.unwrapped.observation_space.shape, vec_env.observation_space.shape
    rgb = shape is not None and len(shape) == 3 and min(shape) == 3
    return rgb and stacked is not None and min(stacked) % 3 == 0


def _colours_are_last(vec_env: VecEnv) -> bool:
    """Whether a single frame is ``[H, W, 3]``: ``[3, H, W]`` may be a stack of grey ones."""
    shape = vec_env.unwrapped.observation_space.shape
    return shape is not None and int(np.argmin(shape)) == 2


def _newest_frame(observation: NDArray[Any], *, rgb: bool) -> NDArray[np.uint8]:
    """The last frame of an observation ``[C, H, W]`` as RGB ``[H, W, 3]``."""
    newest = np.moveaxis(observation[-3:] if rgb else observation[[-1, -1, -1]], 0, -1)
    if newest.dtype == np.uint8:
        return newest.copy()
    scale = 255 if newest.max(initial=0) <= 1 else 1
    return np.asarray(np.clip(newest * scale, 0, 255), np.uint8)


def _env_id(vec_env: VecEnv) -> str:
    names = wrapper_names(vec_env)
    if names is None:
        return str(getattr(vec_env, "env_id", ""))
    if names[-2] == "AtariEnv" and not names[-1]:
        return ale_env_id(vec_env.get_attr("_game", indices=[0])[0])
    return names[-1]
