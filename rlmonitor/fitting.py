"""Fit the monitor's environment to the policy: vector wrappers, frame stack, channel order."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from gymnasium import spaces
from stable_baselines3.common.preprocessing import is_image_space, is_image_space_channels_first
from stable_baselines3.common.vec_env import (
    VecCheckNan,
    VecEnv,
    VecEnvWrapper,
    VecExtractDictObs,
    VecFrameStack,
    VecMonitor,
    VecNormalize,
    VecTransposeImage,
    VecVideoRecorder,
)

from rlmonitor.errors import ObservationError


def with_wrappers_of(training_env: VecEnv, vec_env: VecEnv) -> VecEnv:
    """The training's vector wrappers around another environment; statistics are shared, frozen.

    An environment that gives other observations than the training's base is left as it is: those
    wrappers are not made for it.
    """
    if vec_env.observation_space != training_env.unwrapped.observation_space:
        return vec_env
    chain: list[VecEnvWrapper] = []
    while isinstance(training_env, VecEnvWrapper):
        chain.append(training_env)
        training_env = training_env.venv
    match chain:
        case [VecTransposeImage(skip=False), VecFrameStack() as stack]:
            if not stack.stacked_obs.channels_first:
                return _stacked(VecTransposeImage(vec_env), stack.stacked_obs.n_stack)
    for wrapper in reversed(chain):
        vec_env = _rewrapped(wrapper, vec_env)
    return vec_env


def _rewrapped(wrapper: VecEnvWrapper, vec_env: VecEnv) -> VecEnv:
    match wrapper:
        case VecFrameStack():
            order = "first" if wrapper.stacked_obs.channels_first else "last"
            return VecFrameStack(vec_env, wrapper.stacked_obs.n_stack, order)
        case VecTransposeImage():
            return VecTransposeImage(vec_env, skip=wrapper.skip)
        case VecExtractDictObs():
            return VecExtractDictObs(vec_env, wrapper.key)
        case VecNormalize(norm_obs=True):
            normalised = VecNormalize(
                vec_env, training=False, norm_reward=False, clip_obs=wrapper.clip_obs
            )
            normalised.obs_rms = wrapper.obs_rms
            return normalised
        case VecNormalize() | VecMonitor() | VecCheckNan() | VecVideoRecorder():
            return vec_env
        case _:
            warnings.warn(
                f"the training's {type(wrapper).__name__} is not in the monitor's environment; if "
                "it changes observations, pass env=factory of a vector environment that has it",
                stacklevel=5,
            )
            return vec_env


def fitted(vec_env: VecEnv, space: spaces.Space[Any] | None) -> VecEnv:
    """Stack frames and move channels to the front, where the policy's space asks for it."""
    own = vec_env.observation_space
    if space is None:
        return _by_habit(vec_env)
    for candidate in (lambda: vec_env, *_ways_to_fit(vec_env, space)):
        made = candidate()
        if made.observation_space.shape == space.shape:
            return made
    raise ObservationError(
        f"the monitor's environment gives observations of shape {own.shape}, the policy takes "
        f"{space.shape}: pass env=factory, a function that makes a fitting one"
    )


def _by_habit(vec_env: VecEnv) -> VecEnv:
    """Four grey frames, channels first, where no policy says what it takes."""
    own = vec_env.observation_space
    if not is_image_space(own):
        return vec_env
    return _stacked(_channels_first(vec_env), 4 if min(own.shape or ()) == 1 else 1)


def _ways_to_fit(vec_env: VecEnv, space: spaces.Space[Any]) -> tuple[Callable[[], VecEnv], ...]:
    own = vec_env.observation_space
    if space.shape is None or not is_image_space(own) or len(space.shape) != 3:
        return ()
    n_stack = max(min(space.shape) // max(min(own.shape or (1,)), 1), 1)
    return (
        lambda: _stacked(vec_env, n_stack),
        lambda: _stacked(_channels_first(vec_env), n_stack),
    )


def _stacked(vec_env: VecEnv, n_stack: int) -> VecEnv:
    """With channels first each step moves whole frames, a tenth of the time of moving numbers."""
    return VecFrameStack(vec_env, n_stack) if n_stack > 1 else vec_env


def _channels_first(vec_env: VecEnv) -> VecEnv:
    space = vec_env.observation_space
    assert isinstance(space, spaces.Box)
    return vec_env if is_image_space_channels_first(space) else VecTransposeImage(vec_env)
