"""What agents score: whole games under the test conditions of the DQN papers.

Mnih et al. 2015 ('Human-level control through deep reinforcement learning', Methods): games that
start with some frames without action, a small chance of a random action, unclipped points. An
element can be hidden from the agent meanwhile, which tells whether it needs what it looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from ale_py.vector_env import AtariVectorEnv
from numpy.typing import NDArray

from rlmonitor.errors import ConfigurationError
from rlmonitor.games import GAMES
from rlmonitor.games.hiding import require_hideable, without
from rlmonitor.lrp import Network
from rlmonitor.native_env import channels_last, open_games, require_game, spread_seed

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
    """Play whole games side by side, each in an emulator of its own.

    A game starts only once, so that short games do not count more often than long ones. Equal
    arguments give equal games.

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
    with ExitStack() as opened:
        started = [
            _Game.start(game, int(of_game), noop_max, max_frames, opened)
            for of_game in spread_seed(seed, games)
        ]
        n_actions = started[0].n_actions
        if network.n_outputs != n_actions:
            raise ConfigurationError(
                f"the network has {network.n_outputs} actions, {game} has {n_actions}: give the "
                "game that it was trained on"
            )
        act = _actor(network, games, n_actions, epsilon, np.random.default_rng(seed))
        _play_on(started, act, _shown(game, hide), advance)
    return Results(
        np.array([each.score for each in started], np.float64),
        np.array([each.steps for each in started], np.int64),
        np.array([each.cut_off for each in started], np.bool_),
    )


@dataclass
class _Game:
    """One game and what it came to; it has its emulator for itself, so that it can end alone."""

    env: AtariVectorEnv
    observation: Observations
    score: float = 0.0
    steps: int = 0
    over: bool = False
    cut_off: bool = False

    @classmethod
    def start(
        cls, game: str, seed: int, noop_max: int, max_frames: int, opened: ExitStack
    ) -> _Game:
        env = open_games(game, 1, noop_max=noop_max, max_frames=max_frames)
        opened.callback(env.close)
        observation, _ = env.reset(seed=np.array([seed]))
        return cls(env, observation)

    @property
    def n_actions(self) -> int:
        return int(self.env.single_action_space.n)  # type: ignore[attr-defined]  # Discrete

    def step(self, action: np.int64) -> None:
        self.observation, reward, terminated, truncated, _ = self.env.step(np.array([action]))
        self.score += float(reward[0])
        self.steps += 1
        self.over = bool(terminated[0] | truncated[0])
        self.cut_off = bool(truncated[0] & ~terminated[0])


def _play_on(
    games: Sequence[_Game],
    act: Callable[[Observations, NDArray[np.int64]], NDArray[np.int64]],
    shown: Callable[[Observations], Observations],
    advance: Callable[[], None],
) -> None:
    """Play games to their ends; the network sees those that are still on as one batch."""
    while playing := [i for i, each in enumerate(games) if not each.over]:
        observation = channels_last(np.concatenate([games[i].observation for i in playing]))
        actions = act(shown(observation), np.array(playing))
        for i, action in zip(playing, actions, strict=True):
            games[i].step(action)
            if games[i].over:
                advance()


def _actor(
    network: Network, games: int, n_actions: int, epsilon: float, rng: np.random.Generator
) -> Callable[[Observations, NDArray[np.int64]], NDArray[np.int64]]:
    """An epsilon-greedy policy: observations of the games of some numbers to their actions.

    Every game draws in every step, over or not, so that no game depends on how long others last.
    """

    def act(observation: Observations, playing: NDArray[np.int64]) -> NDArray[np.int64]:
        random = rng.integers(n_actions, size=games)[playing]
        explores = rng.random(games)[playing] < epsilon
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
