"""What lies between the emulator and the policy, read off a training environment."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from stable_baselines3.common.vec_env import VecEnv, VecFrameStack, unwrap_vec_wrapper

NEUTRAL_WRAPPERS = frozenset(
    {
        "AtariWrapper",  # a shell around those below
        "EmulatorTap",
        "Monitor",
        "OrderEnforcing",
        "PassiveEnvChecker",
        "RecordEpisodeStatistics",
        "RecordVideo",
        "TimeLimit",
    }
)
"""Wrappers that change neither observations nor the rules of a game."""

SB3_WRAPPERS = frozenset(
    {
        "ClipRewardEnv",
        "EpisodicLifeEnv",
        "FireResetEnv",
        "MaxAndSkipEnv",
        "NoopResetEnv",
        "StickyActionEnv",
        "WarpFrame",
    }
)
GYMNASIUM_WRAPPERS = frozenset({"AtariPreprocessing", "FrameStackObservation"})
SCREENS = "SkippedScreens"
"""Ours in place of ``MaxAndSkipEnv``, over an emulator that gives its memory."""


@dataclass(frozen=True)
class Preprocessing:
    """From the emulator's raw frames to the policy's observation, and the rules of a game.

    The defaults are those of Mnih et al. 2015 (the DQN paper), with whole games.

    Attributes:
        env_id: the environment, as gymnasium registers it.
        frame_skip: emulator calls in a step of the agent; with 2 and more, the observation is the
            maximum of the last two.
        emulator_frame_skip: raw frames in a call of the emulator, of which only the last is seen.
        screen_size: height and width of the observation; None for the raw screen.
        grayscale: one channel a frame in place of three.
        n_stack: frames in an observation.
        noop_max: a game starts with up to this many steps without action.
        fire_reset: whether FIRE is pressed at the start of a game (in games that have it).
        terminal_on_life_loss: whether a lost life resets the environment and its frame stack
            (stable-baselines3's ``EpisodicLifeEnv``). False where the game goes on, even if the
            training takes the lost life as the end of an episode.
        clip_reward: whether the training sees only the rewards' signs.
        repeat_action_probability: chance that the emulator repeats the last action (sticky).
        full_action_space: all 18 actions in place of those that the game uses.
        mode: the cartridge's game mode; None for its default.
        difficulty: the console's difficulty switch; None for its default.
        max_frames: raw frames after which a game is cut off; None for never.
        wrappers: whose wrappers they are: ``"stable-baselines3"`` or ``"gymnasium"``.
    """

    env_id: str
    frame_skip: int = 4
    emulator_frame_skip: int = 1
    screen_size: tuple[int, int] | None = (84, 84)
    grayscale: bool = True
    n_stack: int = 4
    noop_max: int = 30
    fire_reset: bool = True
    terminal_on_life_loss: bool = False
    clip_reward: bool = True
    repeat_action_probability: float = 0.0
    full_action_space: bool = False
    mode: int | None = None
    difficulty: int | None = None
    max_frames: int | None = 108_000
    wrappers: str = "stable-baselines3"


_NOT_SEEN_BY_THE_POLICY = frozenset({"env_id", "clip_reward", "max_frames", "wrappers"})


def differences(training: Preprocessing, monitor: Preprocessing) -> tuple[str, ...]:
    """Where the monitor's environment differs in what the policy sees or in the rules of a game.

    Returns:
        One ``"field: <training's value> in training, <monitor's value> in the monitor"`` each.
    """
    pairs = {
        each.name: (getattr(training, each.name), getattr(monitor, each.name))
        for each in fields(Preprocessing)
        if each.name not in _NOT_SEEN_BY_THE_POLICY
    }
    return tuple(
        f"{name}: {ours!r} in training, {theirs!r} in the monitor"
        for name, (ours, theirs) in pairs.items()
        if ours != theirs
    )


def describe(vec_env: VecEnv) -> Preprocessing | None:
    """Read an Atari environment's preprocessing, without touching its state.

    Works through stable-baselines3's vector wrappers, in this process or in others
    (``SubprocVecEnv``), on stable-baselines3's and gymnasium's Atari wrappers; a vector environment
    with an attribute ``preprocessing`` speaks for itself.

    Returns:
        None for anything but ALE, and where a wrapper is unknown: it may do what it will.
    """
    own = getattr(vec_env, "preprocessing", None)
    if isinstance(own, Preprocessing):
        return own
    names = wrapper_names(vec_env)
    if names is None or names[-2] != "AtariEnv":
        return None
    return _describe_wrappers(vec_env, names[:-2], names[-1])


def wrapper_names(vec_env: VecEnv) -> tuple[str, ...] | None:
    """Class names from the outermost wrapper to the environment, then the environment's id.

    Read from the environment's own description (``str``): reading attributes that are not there, or
    that cannot be pickled, ends a ``SubprocVecEnv``'s worker.
    """
    try:
        text = vec_env.env_method("__str__", indices=[0])[0]
    except (AttributeError, NotImplementedError):
        return None
    names = re.findall(r"<([^<>]+)", text)
    if names and names[-1].endswith(" instance"):  # an environment that has no id
        names[-1:] = [names[-1].removesuffix(" instance"), ""]
    return tuple(names) if len(names) > 1 else None


def stack_of(vec_env: VecEnv) -> int:
    """Frames that a ``VecFrameStack`` puts into an observation; 1 without one."""
    stack = unwrap_vec_wrapper(vec_env, VecFrameStack)
    return 1 if stack is None else int(stack.stacked_obs.n_stack)


def ale_env_id(game: str) -> str:
    """Gymnasium's id of an ALE game.

    >>> ale_env_id("video_pinball")
    'ALE/VideoPinball-v5'
    """
    return f"ALE/{''.join(word.capitalize() for word in game.split('_'))}-v5"


def _describe_wrappers(
    vec_env: VecEnv, wrappers: tuple[str, ...], env_id: str
) -> Preprocessing | None:
    known = NEUTRAL_WRAPPERS | SB3_WRAPPERS | GYMNASIUM_WRAPPERS | {SCREENS}
    if not known.issuperset(wrappers):
        return None

    def read(name: str) -> Any:
        return vec_env.get_attr(name, indices=[0])[0]

    emulator = read("_ezpickle_kwargs")
    sees = "ram" if SCREENS in wrappers else "rgb"
    if emulator["obs_type"] != sees or emulator["continuous"] or emulator["sound_obs"]:
        return None
    if not isinstance(emulator["frameskip"], int):
        return None
    described = _gymnasium if GYMNASIUM_WRAPPERS & set(wrappers) else _stable_baselines3
    own = described(read, wrappers)
    return Preprocessing(
        **own
        | {
            "env_id": env_id or ale_env_id(emulator["game"]),
            "emulator_frame_skip": emulator["frameskip"],
            "n_stack": own["n_stack"] * stack_of(vec_env),
            "repeat_action_probability": _either(
                own["repeat_action_probability"], emulator["repeat_action_probability"]
            ),
            "full_action_space": emulator["full_action_space"],
            "mode": emulator["mode"],
            "difficulty": emulator["difficulty"],
            "max_frames": emulator["max_num_frames_per_episode"],
        }
    )


def _either(first: float, second: float) -> float:
    """Chance that at least one of two independent things happens."""
    return first + second - first * second


def _stable_baselines3(read: Callable[[str], Any], wrappers: tuple[str, ...]) -> dict[str, Any]:
    warped = "WarpFrame" in wrappers
    sticky = "StickyActionEnv" in wrappers
    return {
        "frame_skip": read("_skip") if {"MaxAndSkipEnv", SCREENS} & set(wrappers) else 1,
        "screen_size": (read("height"), read("width")) if warped else None,
        "grayscale": warped,
        "n_stack": 1,
        "noop_max": read("noop_max") if "NoopResetEnv" in wrappers else 0,
        "fire_reset": "FireResetEnv" in wrappers,
        "terminal_on_life_loss": "EpisodicLifeEnv" in wrappers,
        "clip_reward": "ClipRewardEnv" in wrappers,
        "repeat_action_probability": read("action_repeat_probability") if sticky else 0.0,
    }


def _gymnasium(read: Callable[[str], Any], wrappers: tuple[str, ...]) -> dict[str, Any]:
    common = _stable_baselines3(read, wrappers) | {"wrappers": "gymnasium"}
    if "FrameStackObservation" in wrappers:
        common["n_stack"] = read("stack_size")
    if "AtariPreprocessing" not in wrappers:
        return common
    width, height = read("screen_size")
    return common | {
        "frame_skip": read("frame_skip"),
        "screen_size": (height, width),
        "grayscale": read("grayscale_obs"),
        "noop_max": read("noop_max"),
        "terminal_on_life_loss": read("terminal_on_life_loss"),
    }
