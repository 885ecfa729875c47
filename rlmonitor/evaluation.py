"""``rlmonitor evaluate``: how far the maps of checkpoints may be believed, by which method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rlmonitor.environment import make_monitor_env
from rlmonitor.errors import CheckpointError, ConfigurationError, UnknownNameError
from rlmonitor.explain.baselines import METHODS, method_of
from rlmonitor.explain.evaluation import Result, evaluate
from rlmonitor.explain.metrics import METRICS, QUICK_METRICS, Task
from rlmonitor.explain.planted import Planted, Scenes, plant, scenes_of
from rlmonitor.games import game_of
from rlmonitor.lrp import COMPOSITES, TARGETS, Network, network_of
from rlmonitor.probe import PROBES, load_probe
from rlmonitor.progress import stages
from rlmonitor.recording import Recording, spread
from rlmonitor.replay.checkpoints import Checkpoint, load_checkpoint, q_network
from rlmonitor.rollout import Player

PLAYED = 1_500
"""Agent steps that are played for planted agents and for frames without a probe."""

QUICK_METHODS = (*COMPOSITES, "gradient-x-input", "occlusion", "random")
QUICK_FRAMES = 24


@dataclass(frozen=True)
class EvaluationSettings:
    """What is evaluated.

    Attributes:
        env_id: the game.
        n_frames: frames that are explained.
        methods: names of ``METHODS`` and ``COMPOSITES``.
        metrics: names of ``METRICS``.
        target: what is explained.
        copies: planted agents for each strategy.
        seed: of everything random.
    """

    env_id: str
    n_frames: int = 48
    methods: tuple[str, ...] = (*COMPOSITES, *METHODS)
    metrics: tuple[str, ...] = tuple(METRICS)
    target: str = "q"
    copies: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what can never work.

        Raises:
            ConfigurationError: naming the setting, its value and what would work.
            UnknownNameError: no such method, metric or target.
        """
        if self.n_frames < 8:
            raise ConfigurationError(f"frames = {self.n_frames}: expected 8 or more")
        if self.copies < 1 or self.seed < 0:
            raise ConfigurationError(
                f"copies = {self.copies} and seed = {self.seed}: expected 1 or more, and 0 or more"
            )
        if not self.methods or not self.metrics:
            raise ConfigurationError("nothing to evaluate: give one method and one metric at least")
        for method in self.methods:
            method_of(method)
        for metric in self.metrics:
            if metric not in METRICS:
                raise UnknownNameError("metric", metric, METRICS)
        if self.target not in TARGETS:
            raise UnknownNameError("target", self.target, TARGETS)


def settings_of(
    env_id: str,
    *,
    frames: int | None = None,
    methods: str | None = None,
    metrics: str | None = None,
    target: str = "q",
    quick: bool = False,
    seed: int = 0,
) -> EvaluationSettings:
    """Settings from the command's options; what is not given is the default, or the quick one.

    Raises:
        ConfigurationError: a setting that can never work.
        UnknownNameError: no such method, metric or target.
    """
    usual = EvaluationSettings(env_id, target=target, seed=seed)
    if quick:
        usual = replace(usual, n_frames=QUICK_FRAMES, methods=QUICK_METHODS, metrics=QUICK_METRICS)
    return replace(
        usual,
        n_frames=usual.n_frames if frames is None else frames,
        methods=usual.methods if methods is None else _names(methods),
        metrics=usual.metrics if metrics is None else _names(metrics),
    )


def _names(listed: str) -> tuple[str, ...]:
    """Names between commas, each once."""
    return tuple(dict.fromkeys(name.strip() for name in listed.split(",") if name.strip()))


@dataclass(frozen=True)
class Report:
    """What was found for each checkpoint.

    Attributes:
        settings: what was asked.
        results: by the checkpoint's path.
        planted: the agents with known strategies; empty where none were needed.
    """

    settings: EvaluationSettings
    results: Mapping[str, tuple[Result, ...]]
    planted: tuple[Planted, ...] = ()


def run_evaluation(
    paths: Sequence[Path],
    settings: EvaluationSettings,
    *,
    progress: bool = True,
) -> Report:
    """Evaluate checkpoints on the same frames.

    The game's probe is explained where one is shipped that fits; else frames that the last
    checkpoint plays.

    Args:
        paths: checkpoints of one game.
        settings: what is evaluated.
        progress: show a bar.

    Raises:
        CheckpointError: a checkpoint cannot be read, or is of another game.
        ConfigurationError: a setting that can never work, or no checkpoint.
        UnknownNameError: no such environment.
    """
    if not paths:
        raise ConfigurationError("nothing to evaluate: give a checkpoint")
    checkpoints = {str(path): load_checkpoint(path) for path in paths}
    networks = {name: network_of(q_network(each)) for name, each in checkpoints.items()}
    _check_same_game(checkpoints, settings.env_id)
    wants_agents = "strategies" in settings.metrics
    general = tuple(name for name in settings.metrics if name != "strategies")
    n_stages = len(settings.methods) * (len(general) * len(paths) + wants_agents)
    with stages(n_stages, shown=progress, first="frames and planted agents") as advance:
        last = list(checkpoints)[-1]
        frames, play = explained_frames(checkpoints[last], networks[last], settings)
        planted: tuple[Planted, ...] = ()
        scenes: Scenes | None = None
        if wants_agents:
            assert play is not None
            planted, scenes = _planted(play, settings)
        task = Task(
            *(next(iter(networks.values())), frames, settings.target, planted, scenes),
            seed=settings.seed,
        )
        methods = settings.methods
        told = evaluate(task, methods, ("strategies",), progress=advance) if wants_agents else ()
        results = {}
        for name, network in networks.items():
            one = replace(task, network=network)
            found = evaluate(one, methods, general, progress=advance) if general else told
            results[name] = _merged(found, told, settings.metrics)
    return Report(settings, results, planted)


def _check_same_game(checkpoints: Mapping[str, Checkpoint], env_id: str) -> None:
    first = next(iter(checkpoints.values()))
    shape = first.observation_shape, first.n_actions
    for name, each in checkpoints.items():
        if (each.observation_shape, each.n_actions) != shape or each.game != first.game:
            raise CheckpointError(
                f"{name} is of {each.game!r} with {each.n_actions} actions, the first checkpoint "
                f"of {first.game!r} with {first.n_actions}: evaluate one game at a time"
            )
    asked, own = game_of(env_id), game_of(first.game)
    if (asked or own) is not None and asked is not own:
        raise CheckpointError(
            f"{next(iter(checkpoints))} plays {first.game!r}, not {env_id!r}: give the environment "
            "that it was trained on with --env"
        )


def explained_frames(
    checkpoint: Checkpoint, network: Network, settings: EvaluationSettings
) -> tuple[NDArray[Any], Recording | None]:
    """The observations that are explained, and the play if there was one.

    The frames are those of the game's probe where one is shipped that fits, else of the network's
    own play, which planted agents need in any case.
    """
    game = game_of(settings.env_id)
    probe = load_probe(game.name) if game is not None and game.name in PROBES else None
    if probe is not None and probe.observation.shape[1:] != checkpoint.observation_shape:
        probe = None
    play = None
    if probe is None or "strategies" in settings.metrics:
        play = _play(checkpoint, network, settings)
    shown = probe if probe is not None else play
    assert shown is not None
    return spread(shown, settings.n_frames).policy_observation, play


def _play(checkpoint: Checkpoint, network: Network, settings: EvaluationSettings) -> Recording:
    space = spaces.Box(0, 255, checkpoint.observation_shape, np.uint8)
    vec_env = make_monitor_env(settings.env_id, observation_space=space, seed=settings.seed)
    player = Player(vec_env, seed=settings.seed)
    try:
        return player.play(lambda seen: network.forward(seen).numpy(), PLAYED)
    finally:
        player.close()


def _planted(play: Recording, settings: EvaluationSettings) -> tuple[tuple[Planted, ...], Scenes]:
    scenes = scenes_of(play)
    agents = plant(scenes, copies=settings.copies, seed=settings.seed)
    at = np.linspace(0, len(scenes) - 1, min(settings.n_frames, len(scenes)))
    return agents, scenes.select(np.unique(at.round().astype(np.int64)))


def _merged(
    found: Sequence[Result], told: Sequence[Result], metrics: Sequence[str]
) -> tuple[Result, ...]:
    """Scores of the network and of the planted agents together, in the order asked."""
    known = {result.method: dict(result.scores) for result in told}
    merged = []
    for result in found:
        scores = {**known.get(result.method, {}), **result.scores}
        merged.append(replace(result, scores={name: scores[name] for name in metrics}))
    return tuple(merged)
