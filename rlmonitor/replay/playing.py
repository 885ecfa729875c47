"""What a checkpoint does in environments of its own: as in a round of a monitored training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv

from rlmonitor.environment import make_monitor_env
from rlmonitor.errors import ConfigurationError
from rlmonitor.lrp import Network
from rlmonitor.lrp.acting import outputs_for_moves
from rlmonitor.monitor_settings import MonitorSettings
from rlmonitor.ram_check import RamCheck, RamEffects
from rlmonitor.recording import Recording
from rlmonitor.replay.screens import USUAL_SHAPE
from rlmonitor.rollout import Player
from rlmonitor.side_by_side import Game, play_side_by_side
from rlmonitor.strategy.counterfactuals import Backdrop
from rlmonitor.trials import Trials


@dataclass(frozen=True)
class Played:
    """What a network did in environments of its own.

    Attributes:
        recording: its play.
        trials: kind of start to the scores of trial games; none where none can be played.
        ram_effects: what taking elements out of memory changes; None where that cannot be.
    """

    recording: Recording
    trials: Mapping[str, tuple[float, ...]]
    ram_effects: RamEffects | None


def play(network: Network, env_id: str, settings: MonitorSettings, timestep: int = 0) -> Played:
    """Let a network play, from the same starts as all others; its trial games are its own.

    Args:
        network: of a checkpoint.
        env_id: what it plays.
        settings: as of a monitor.
        timestep: of the checkpoint; it seeds the trial games.

    Raises:
        UnknownNameError: no such environment.
        ObservationError: the environment does not fit the network.
    """
    space = spaces.Box(0, 255, network.observation_shape or USUAL_SHAPE, np.uint8)
    make = partial(make_monitor_env, env_id, observation_space=space)
    with ExitStack() as made:
        env = make(seed=settings.seed)
        player = Player(env, epsilon=settings.epsilon, seed=settings.seed)
        made.callback(player.close)
        if (n_env := getattr(env.action_space, "n", None)) != network.n_outputs:
            raise ConfigurationError(
                f"{env_id} has {n_env} actions, the network {network.n_outputs}: give the "
                "environment that it was trained on with --env"
            )
        ram = RamCheck.of(player) if "q" in network.targets else None
        trials = _trials(make, settings, timestep)
        if trials is not None:
            made.callback(trials.close)
        games = {} if trials is None else trials.playing(settings.games)
        steps = max(settings.n_frames * settings.spacing, settings.clip_frames)
        own = player.playing(steps, () if ram is None else ram.steps(steps))
        together: list[Game[Any]] = [own, *games.values()]
        recording, *scores = play_side_by_side(together, outputs_for_moves(network))
        effects = None if ram is None else ram.effects(network, Backdrop(recording), player.states)
        return Played(recording, dict(zip(games, scores, strict=True)), effects)


def _trials(make: Callable[..., VecEnv], settings: MonitorSettings, timestep: int) -> Trials | None:
    """Trial games, other ones for each checkpoint; None where none can be played."""
    if not settings.games:
        return None
    seed = int(np.random.SeedSequence([settings.seed, timestep]).generate_state(1)[0])
    try:
        return Trials(partial(make, seed=seed), seed=seed)
    except ConfigurationError:
        return None
