"""What agents score: whole games under the test conditions of the DQN papers.

Mnih et al. 2015 ('Human-level control through deep reinforcement learning', Methods): games that
start with some frames without action, a small chance of a random action, unclipped points. An
element can be hidden from the agent meanwhile, which tells whether it needs what it looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import ConfigurationError
from rlmonitor.games import GAMES
from rlmonitor.games.hiding import require_hideable, without
from rlmonitor.lrp import Network
from rlmonitor.native_env import NativeAtariVecEnv, require_game

Observations = NDArray[np.uint8]


@dataclass(frozen=True)
class Results:
    """What came of N games.

    Attributes:
        scores: ``[N]``, unclipped.
        steps: ``[N]``, of the agent; one is four raw frames.
        cut_off: ``[N]`` bool, games that were still on after `play_games`' ``max_frames``.
    """

    scores: NDArray[np.float64]
    steps: NDArray[np.int64]
    cut_off: NDArray[np.bool_]


def play_games(
    network: Network,
    game: str,
    *,
    games: int = 20,
    epsilon: float = 0.01,
    hide: Collection[str] = (),
    noop_max: int = 30,
    max_frames: int = 108_000,
    seed: int = 0,
    advance: Callable[[], None] = lambda: None,
) -> Results:
    """Play whole games side by side, each in an environment of its own.

    The first game of each environment counts, so that short games do not count more often than
    long ones. Equal arguments give equal games.

    Args:
        network: of Q-values or of a policy's preferences; the action of the largest is taken.
        game: name of a ROM of ale-py.
        games: how many.
        epsilon: chance of a random action; 1 gives the random agent.
        hide: elements that the agent is not shown, see `rlmonitor.games.hiding`.
        noop_max: a game starts with fewer raw frames than this without action.
        max_frames: raw frames after which a game is cut off; 108,000 are half an hour of play.
        seed: of the starts and the random actions.
        advance: called at the end of each game.

    Raises:
        UnknownNameError: no such game, or no such element.
        ConfigurationError: a number that makes no sense, a network with other actions than the
            game, or elements of a game without a table.
    """
    _check(game, games, epsilon, hide)
    env = NativeAtariVecEnv(game, games, noop_max=noop_max, max_frames=max_frames)
    try:
        n_actions = int(env.action_space.n)  # type: ignore[attr-defined]  # Atari's is Discrete
        if network.n_outputs != n_actions:
            raise ConfigurationError(
                f"the network has {network.n_outputs} actions, {game} has {n_actions}: give the "
                "game that it was trained on"
            )
        act = _actor(network, n_actions, epsilon, np.random.default_rng(seed))
        env.seed(seed)
        return _first_games(env, act, _shown(game, hide), advance)
    finally:
        env.close()


def _first_games(
    env: NativeAtariVecEnv,
    act: Callable[[Observations], NDArray[np.int64]],
    shown: Callable[[Observations], Observations],
    advance: Callable[[], None],
) -> Results:
    """The first game of each environment."""
    ended: dict[int, dict[str, Any]] = {}
    observation = env.reset()
    while len(ended) < env.num_envs:
        observation, _, _, infos = env.step(act(shown(np.asarray(observation))))
        for i, info in enumerate(infos):
            if "episode" in info and i not in ended:
                ended[i] = info
                advance()
    ordered = [ended[i] for i in range(env.num_envs)]
    return Results(
        np.array([info["episode"]["r"] for info in ordered], np.float64),
        np.array([info["episode"]["l"] for info in ordered], np.int64),
        np.array([info["TimeLimit.truncated"] for info in ordered], np.bool_),
    )


def _actor(
    network: Network, n_actions: int, epsilon: float, rng: np.random.Generator
) -> Callable[[Observations], NDArray[np.int64]]:
    """An epsilon-greedy policy."""

    def act(observation: Observations) -> NDArray[np.int64]:
        random = rng.integers(n_actions, size=len(observation))
        explores = rng.random(len(observation)) < epsilon
        if explores.all():  # a random agent needs no network
            return random
        greedy = network.forward(observation).argmax(dim=1).cpu().numpy()
        return np.where(explores, random, greedy)

    return act


def _shown(game: str, hide: Collection[str]) -> Callable[[Observations], Observations]:
    """What the agent is shown of observations ``[N, S, H, W]``."""
    if not hide:
        return lambda observation: observation

    def shown(observation: Observations) -> Observations:
        frames = observation.reshape(-1, *observation.shape[2:])
        return without(GAMES[game], hide, frames).reshape(observation.shape)

    return shown


def _check(game: str, games: int, epsilon: float, hide: Collection[str]) -> None:
    require_game(game)
    if games < 1:
        raise ConfigurationError(f"games = {games}: expected 1 or more")
    if not 0 <= epsilon <= 1:
        raise ConfigurationError(f"epsilon = {epsilon}: expected 0 to 1")
    if hide and game not in GAMES:
        raise ConfigurationError(
            f"nothing of {game} can be hidden: expected a game with a table, {', '.join(GAMES)}"
        )
    if hide:
        require_hideable(GAMES[game], hide)
