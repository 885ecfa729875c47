"""The monitor's own environment: one game, seen as the training sees it, apart from the training.

Nothing here steps, resets or writes to the training's environment, and global random states are
given back.
"""

from __future__ import annotations

import copy
import difflib
import warnings
from collections.abc import Callable
from typing import Any

import ale_py
import gymnasium as gym
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from rlmonitor.atari import LoneEnv, atari_env
from rlmonitor.emulator import insert_tap
from rlmonitor.errors import ConfigurationError, DependencyError, UnknownNameError
from rlmonitor.fitting import fitted, with_wrappers_of
from rlmonitor.games import GAMES, game_of
from rlmonitor.isolation import preserved_random_state
from rlmonitor.preprocessing import (
    GYMNASIUM_WRAPPERS,
    NEUTRAL_WRAPPERS,
    Preprocessing,
    describe,
    differences,
    wrapper_names,
)

__all__ = ["EnvSource", "Preprocessing", "describe", "make_monitor_env"]

Env = gym.Env[Any, Any]

EnvSource = str | Callable[[], Env | VecEnv] | VecEnv | Env | None
"""An environment's id, a function that makes one, one that is made, or None: like the training's"""

_PASS_A_FACTORY = "pass env=factory, a function that makes one such environment"


def make_monitor_env(
    source: EnvSource,
    training_env: VecEnv | None = None,
    observation_space: spaces.Space[Any] | None = None,
    *,
    seed: int = 0,
) -> VecEnv:
    """Make the environment in which the monitor watches the agent play.

    Args:
        source: an environment's id or a game's name; a factory of an environment or of a vector
            environment; a vector environment of one environment, apart from the training's; or
            None: like the training's, with its preprocessing and life rules.
        training_env: what the agent trains in; None where there is none (offline).
        observation_space: the policy's, by default that of ``training_env``. Frames are stacked and
            their channels moved to the front where it asks for that.
        seed: of the environment, which starts its games from there.

    Returns:
        A vector environment of one environment, seeded, not yet reset. On ALE it has a tap on the
        emulator (`rlmonitor.emulator.EmulatorTap`) where it runs in this process.

    Raises:
        UnknownNameError: no environment has that id.
        ObservationError: its observations do not fit the policy's.
        ConfigurationError: it cannot be made from what was given.
        DependencyError: OpenCV cannot be imported.
    """
    if observation_space is None and training_env is not None:
        observation_space = training_env.observation_space
    with preserved_random_state():
        vec_env, given = _make(source, training_env, observation_space)
        if given and training_env is not None:
            _warn_of_differences(training_env, vec_env)
        _check_actions(training_env, vec_env)
        vec_env.seed(seed)
    return vec_env


def action_names(env_id: str) -> tuple[str, ...]:
    """What an ALE game calls its actions, such as ``("NOOP", "FIRE", "RIGHT", "LEFT")``.

    Raises:
        UnknownNameError: no environment has that id.
    """
    with preserved_random_state():
        env = gym.make(_spec_of(env_id), disable_env_checker=True)
        try:
            return tuple(env.unwrapped.get_action_meanings())  # type: ignore[attr-defined]
        finally:
            env.close()


def _make(
    source: EnvSource, training_env: VecEnv | None, space: spaces.Space[Any] | None
) -> tuple[VecEnv, bool]:
    """The environment, and whether it is the user's own rather than made like the training's."""
    made = _one(source, training_env, space)
    vec_env = made if isinstance(made, VecEnv) else LoneEnv([lambda: made])
    _check_apart(vec_env, training_env)
    if insert_tap(vec_env) is None:
        warnings.warn(
            f"the monitor's environment runs out of reach in a {type(vec_env.unwrapped).__name__}, "
            "so there is no console memory and no element statistics; pass an environment's id or "
            "a factory of one environment instead",
            stacklevel=3,
        )
    if training_env is not None and not isinstance(made, VecEnv):
        vec_env = with_wrappers_of(training_env, vec_env)
    return fitted(vec_env, space), source is not None


def _one(
    source: EnvSource, training_env: VecEnv | None, space: spaces.Space[Any] | None
) -> Env | VecEnv:
    if source is None and training_env is None:
        raise ConfigurationError("no environment given and no training to take it from: name one")
    if source is None and training_env is not None:
        return _like(training_env)
    if isinstance(source, str):
        return _by_id(source, training_env, space)
    made = source if isinstance(source, VecEnv | gym.Env) or not callable(source) else source()
    if not isinstance(made, VecEnv | gym.Env):
        raise ConfigurationError(
            f"the monitor's environment is {made!r}: expected an environment's id, an environment, "
            "a vector environment, or a function that makes one of these two"
        )
    return made


def _by_id(name: str, training_env: VecEnv | None, space: spaces.Space[Any] | None) -> Env:
    """An environment by its id; on ALE with the training's preprocessing, or the DQN papers'."""
    spec = _spec_of(name)
    if spec.entry_point != "ale_py.env:AtariEnv":
        return gym.make(spec, disable_env_checker=True, render_mode=_render_mode(spec))
    training = describe(training_env) if training_env is not None else None
    own = spec.kwargs
    settings = {
        "env_id": spec.id,
        "repeat_action_probability": own.get("repeat_action_probability", 0.0),
        "full_action_space": own.get("full_action_space", False),
        "mode": own.get("mode"),
        "difficulty": own.get("difficulty"),
    }
    if training is not None:
        return _atari(Preprocessing(**vars(training) | settings))
    return _atari(Preprocessing(**settings, screen_size=_image_size(space)))


def _spec_of(name: str) -> EnvSpec:
    """The registry's entry for an environment's id or a game's name."""
    gym.register_envs(ale_py)
    game = GAMES.get(name)
    env_id = name if game is None else game.env_id
    try:
        return gym.spec(env_id)
    except (gym.error.Error, ImportError) as error:
        # of a registry of hundreds only what is near
        tables = [game.env_id for game in GAMES.values()]
        near = difflib.get_close_matches(name, {*gym.registry, *GAMES}, n=5)
        raise UnknownNameError("environment", name, near or tables) from error


def _image_size(space: spaces.Space[Any] | None) -> tuple[int, int]:
    """Height and width of the policy's observation, 84 x 84 where nothing is known of it."""
    if space is None or space.shape is None or len(space.shape) != 3:
        return 84, 84
    first, second, third = space.shape
    return (second, third) if first <= third else (first, second)


def _like(training_env: VecEnv) -> Env:
    """An environment with the training's preprocessing and life rules."""
    training = describe(training_env)
    if training is not None and training.wrappers == "stable-baselines3":
        return _atari(training)
    base = training_env.unwrapped
    names = wrapper_names(training_env)
    if isinstance(base, DummyVecEnv):
        return _from_spec(base.envs[0].spec) or _copied(base.envs[0])
    # Only wrappers whose arguments are plain values may be sent between processes: an argument
    # that cannot be pickled would end the training's worker.
    if names and (NEUTRAL_WRAPPERS | GYMNASIUM_WRAPPERS).issuperset(names[:-2]) and names[-1]:
        env = _from_spec(training_env.get_attr("spec", indices=[0])[0])
        if env is not None:
            return env
    raise ConfigurationError(
        f"the monitor's environment cannot be derived from a {type(base).__name__}: "
        f"{_PASS_A_FACTORY}"
    )


def _from_spec(spec: EnvSpec | None) -> Env | None:
    """Made anew from the registry's entry, if that tells of every wrapper that matters."""
    if spec is None:
        return None
    spec = copy.deepcopy(spec)
    spec.additional_wrappers = tuple(
        wrapper for wrapper in spec.additional_wrappers if wrapper.name not in NEUTRAL_WRAPPERS
    )
    if any(wrapper.kwargs is None for wrapper in spec.additional_wrappers):
        return None
    return gym.make(spec, disable_env_checker=True, render_mode=_render_mode(spec))


def _render_mode(spec: EnvSpec) -> str | None:
    """Frames as arrays where the training has them; a second window helps nobody."""
    return "rgb_array" if spec.kwargs.get("render_mode") == "rgb_array" else None


def _copied(env: Env) -> Env:
    files: dict[int, Any] = {}
    each = env
    while isinstance(each, gym.Wrapper):
        if isinstance(each, Monitor):  # its file is the training's, and cannot be copied
            files[id(each.results_writer)] = None
        each = each.env
    try:
        return copy.deepcopy(env, files)
    except Exception as error:  # whatever a stranger's environment holds
        raise ConfigurationError(
            f"the monitor's environment cannot be copied from {env}: {error}; {_PASS_A_FACTORY}"
        ) from error


def _atari(preprocessing: Preprocessing) -> Env:
    require_opencv()
    return atari_env(_spec_of(preprocessing.env_id), preprocessing)


def _check_apart(vec_env: VecEnv, training_env: VecEnv | None) -> None:
    """The monitor's environment must be alone, and no part of the training."""
    if vec_env.num_envs != 1:
        raise ConfigurationError(
            f"the monitor plays in one environment, the one given has {vec_env.num_envs}: pass a "
            "vector environment of one, or a factory"
        )
    if training_env is None:
        return
    ours, theirs = vec_env.unwrapped, training_env.unwrapped
    shared = ours is theirs or (_inner(ours) & _inner(theirs))
    if shared:
        raise ConfigurationError(
            "the monitor would play in the training's own environment: pass another one, or None "
            "to derive it"
        )


def _inner(vec_env: VecEnv) -> set[int]:
    envs = vec_env.envs if isinstance(vec_env, DummyVecEnv) else []
    return {id(env.unwrapped) for env in envs}


def _check_actions(training_env: VecEnv | None, vec_env: VecEnv) -> None:
    if training_env is None or vec_env.action_space == training_env.action_space:
        return
    raise ConfigurationError(
        f"the monitor's environment takes actions {vec_env.action_space}, the training's "
        f"{training_env.action_space}: {_PASS_A_FACTORY}"
    )


def _warn_of_differences(training_env: VecEnv, vec_env: VecEnv) -> None:
    ours, theirs = describe(training_env), describe(vec_env)
    if ours is None or theirs is None:
        if _is_ale(training_env) and _is_ale(vec_env):
            whose = "training's" if ours is None else "monitor's"
            warnings.warn(
                f"the {whose} environment has a wrapper that we do not know, so the two cannot be "
                "compared: make sure that the agent sees in the monitor what it sees in training",
                stacklevel=3,
            )
        return
    games = [getattr(game_of(each.env_id), "name", each.env_id) for each in (ours, theirs)]
    found = differences(ours, theirs)
    if games[0] != games[1]:
        found = (f"game: {games[0]!r} in training, {games[1]!r} in the monitor", *found)
    if found:
        warnings.warn(
            f"the monitor's environment is not the training's: {'; '.join(found)}", stacklevel=3
        )


def _is_ale(vec_env: VecEnv) -> bool:
    names = wrapper_names(vec_env)
    return names is not None and names[-2] == "AtariEnv"


def require_opencv() -> None:
    """Check that OpenCV works, before stable-baselines3 takes its absence for granted.

    Raises:
        DependencyError: saying what to install or to remove.
    """
    try:
        import cv2

        cv2.resize  # noqa: B018  # of two packages in one folder, one may have been half removed
    except (ImportError, AttributeError) as error:
        raise DependencyError(
            f"OpenCV cannot be used ({error}). opencv-python and opencv-python-headless share one "
            "folder, so there must be only one of them; on a machine without a display run: "
            "pip uninstall -y opencv-python opencv-python-headless && "
            "pip install opencv-python-headless (or, for libGL: apt-get install libgl1)"
        ) from error
