"""End-to-end evaluation: can one tell from the maps alone which strategy an agent has?

The first way of evaluating explanations in Montavon's lecture 'Explaining Deep Nets' (2020): what a
user is to learn from the maps is whether agents differ in strategy, so let a plain classifier try.
It gets maps that are normalised and pooled over a coarse grid, of agents whose strategies are
known, and is tested on frames that it never saw in training; where several agents share a strategy,
on agents that it never saw either, or else it could learn a network's accidents instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.nn import functional

from rlmonitor.errors import ConfigurationError, NonFiniteError, ObservationError
from rlmonitor.explain.baselines import Method, explain
from rlmonitor.explain.intervals import Interval, bootstrap_interval
from rlmonitor.lrp import Composite, Network
from rlmonitor.lrp.targets import Target

FOLDS = 4
"""Parts of the frames; each is left out of training once."""

CELLS = 12
"""Rows and columns of the grid that maps are pooled over."""

STRETCHES = 20
"""Stretches of time that the confidence interval draws from: neighbouring frames are alike."""


@dataclass(frozen=True)
class Separability:
    """How well maps tell strategies apart.

    Attributes:
        accuracy: part of the maps whose strategy the classifier names, on what it never saw.
        stretches: ``[20]`` or fewer: the accuracy in each stretch of time.
        interval: 95 % confidence interval of their mean.
        chance: accuracy of naming the most frequent strategy always.
        labels: the strategies.
        confusion: for each strategy, how many of its maps were taken for which one.
        by_agent: whether the agents in the test were left out of training, not only the frames.
    """

    accuracy: float
    stretches: tuple[float, ...]
    interval: Interval
    chance: float
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    by_agent: bool


def end_to_end(
    networks: Sequence[Network],
    labels: Sequence[str],
    observation: NDArray[np.uint8] | NDArray[np.float32],
    games: Sequence[int] | NDArray[np.integer] | None = None,
    *,
    method: str | Method | Composite = "epsilon-gamma-box",
    target: Target = "q",
    seed: int = 0,
) -> Separability:
    """Tell agents apart by a method's maps of the same frames.

    Args:
        networks: agents, planted (`rlmonitor.explain.planted`) or real.
        labels: the strategy of each; any names for real agents, equal ones for copies.
        observation: ``[N, C, H, W]`` in order of time, the same for all agents.
        games: ``[N]``, the game that each frame is of; None for one game.
        method: see `rlmonitor.explain.explain`.
        target: what is explained, for each agent's greedy action.
        seed: of methods that draw numbers (each agent has its own), and of the bootstrap.

    Raises:
        ConfigurationError: fewer than two strategies.
        ObservationError: too few frames, or frames that do not fit.
        NonFiniteError: maps with NaN or infinity.
    """
    maps = [
        explain(network, observation, target, method, seed=seed + number).map.float().cpu().numpy()
        for number, network in enumerate(networks)
    ]
    return separability(maps, labels, games, seed=seed)


def separability(
    maps: Sequence[NDArray[np.float32]],
    labels: Sequence[str],
    games: Sequence[int] | NDArray[np.integer] | None = None,
    *,
    seed: int = 0,
) -> Separability:
    """Tell strategies apart by maps, however they were made.

    Args:
        maps: for each agent ``[N, C, H, W]``, of the same frames in order of time.
        labels: the strategy of each agent.
        games: ``[N]``, the game that each frame is of; None for one game.
        seed: of the bootstrap.

    Raises:
        ConfigurationError: fewer than two strategies, or not a label for each agent.
        ObservationError: maps of different shapes, or fewer than 2 frames for each fold.
        NonFiniteError: maps with NaN or infinity.
    """
    _check(maps, labels)
    names = tuple(sorted(set(labels)))
    features = np.stack([pooled(each) for each in maps])  # [K, N, D]
    n_frames = features.shape[1]
    truth = np.repeat([[names.index(label)] for label in labels], n_frames, axis=1)  # [K, N]
    copies, by_agent = _copies(labels)
    guess = np.full_like(truth, -1)
    parts = _parts(n_frames, np.zeros(n_frames, np.int64) if games is None else np.asarray(games))
    for train, test in _splits(copies, by_agent, parts):
        classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2_000))
        classifier.fit(features[train], truth[train])
        guess[test] = classifier.predict(features[test])
    right = (guess == truth).mean(axis=0)
    stretches = [float(part.mean()) for part in np.array_split(right, min(STRETCHES, len(right)))]
    confusion = [[int(((truth == i) & (guess == j)).sum()) for j in range(len(names))]
                 for i in range(len(names))]  # fmt: skip
    return Separability(
        accuracy=float(right.mean()),
        stretches=tuple(stretches),
        interval=bootstrap_interval(stretches, seed=seed),
        chance=max(Counter(labels).values()) / len(labels),
        labels=names,
        confusion=tuple(tuple(row) for row in confusion),
        by_agent=by_agent,
    )


def pooled(maps: NDArray[np.float32]) -> NDArray[np.float64]:
    """What a classifier gets of maps ``[N, C, H, W]``: ``[N, 2 · cells]``.

    Relevance for and against is added up over the frame stack and averaged over a coarse grid;
    together they add up to 1, so that the height of the Q-values tells nothing.
    """
    signed = torch.from_numpy(np.ascontiguousarray(maps)).double()
    both = torch.stack([signed.clamp(min=0).sum(1), signed.clamp(max=0).neg().sum(1)], 1)
    height, width = both.shape[2:]
    cells = min(CELLS, height), min(CELLS, width)
    grid = functional.adaptive_avg_pool2d(both, cells).flatten(1)
    return np.asarray((grid / grid.sum(1, keepdim=True).clamp_min(1e-30)).numpy())


def _check(maps: Sequence[NDArray[np.float32]], labels: Sequence[str]) -> None:
    if len(labels) != len(maps) or len(set(labels)) < 2:
        raise ConfigurationError(
            f"{len(maps)} agents with the labels {', '.join(labels) or 'none'}: expected a label "
            "for each agent, and two different ones at least"
        )
    shapes = {each.shape for each in maps}
    if len(shapes) > 1 or len(maps[0].shape) != 4 or len(maps[0]) < 2 * FOLDS:
        raise ObservationError(
            f"maps of shape {', '.join(str(list(shape)) for shape in sorted(shapes))}: expected "
            f"[N, C, H, W] alike for all agents, of {2 * FOLDS} frames or more"
        )
    if not all(np.isfinite(each).all() for each in maps):
        raise NonFiniteError("maps hold NaN or infinity")


def _copies(labels: Sequence[str]) -> tuple[NDArray[np.int64], bool]:
    """Which copy of its strategy each agent is, and whether every strategy has more than one."""
    seen: Counter[str] = Counter()
    copies = []
    for label in labels:
        copies.append(seen[label])
        seen[label] += 1
    return np.array(copies), min(seen.values()) > 1


def _parts(n_frames: int, games: NDArray[np.integer]) -> NDArray[np.int64]:
    """The fold ``[N]`` of each frame: whole games where there are enough, else stretches of time.

    Raises:
        ObservationError: not a game for each frame.
    """
    if games.shape != (n_frames,):
        raise ObservationError(f"games of shape {games.shape}, expected ({n_frames},)")
    if len(np.unique(games)) < FOLDS:
        return np.arange(n_frames) * FOLDS // n_frames
    parts = np.zeros(n_frames, np.int64)
    splits = GroupKFold(FOLDS).split(games, groups=games)
    for number, (_, test) in enumerate(splits):
        parts[test] = number
    return parts


def _splits(
    copies: NDArray[np.int64], by_agent: bool, parts: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Pairs of ``[K, N]`` bool: maps to train on, and to test on."""
    for copy in np.unique(copies) if by_agent else [None]:
        tested = np.ones(len(copies), bool) if copy is None else copies == copy
        trained = tested if copy is None else ~tested
        for part in np.unique(parts):
            yield trained[:, None] & (parts != part), tested[:, None] & (parts == part)
