"""How new a round's maps are, and what is new about the newest of them.

A one-class SVM is fitted on the strategies so far (Kauffmann et al. 2018, 'Towards explaining
anomalies'). Its score is a squared distance, a soft minimum over what is known; its own threshold
calls a quarter to a half of the frames new where nothing is. So the score is held against that of
known maps which the SVM was not fitted on: 1 is nothing new.

Two choices make it see what is new. Maps are compared by the roots of their parts, whose distance
is Hellinger's: otherwise a map that is spread out lies near all others, for it lies near zero. And
the kernel is narrower than usual, because known maps fill only a small part of the space.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import ConfigurationError, ObservationError
from rlmonitor.explain.neuralize import mean_square, min_take_most
from rlmonitor.explain.novelty import NeuralizedOneClass, fit_novelty
from rlmonitor.strategy.features import Features
from rlmonitor.strategy.spray import Spray
from rlmonitor.strategy.timeline import Strategy

NARROWER = 16.0
"""γ of the kernel, times the mean squared distance of what is known to its mean."""

FOLDS = 4
"""Known maps are held out a quarter at a time, those next to each other in time together."""

MOST_KNOWN = 640
"""Known maps that the SVM is fitted on at most; its time grows with their square."""

LEAST_DISTANCE = 0.05**2
"""Squared distance that held-out maps have at least: a twentieth of a map's length. Where all known
maps are alike, the least change of the weights would be news otherwise."""


@dataclass(frozen=True)
class Novelty:
    """What is new in a round.

    Attributes:
        score: mean score of its maps over that of known maps held out; 1 is nothing new.
        frame: the newest one, of the round's N frames.
        newest: its score, in the same unit.
        map: ``[h, w]`` float32 on the grid of the downsized maps: how far each place makes it new,
            positive where it has more relevance than the nearest known maps, negative where less.
    """

    score: float
    frame: int
    newest: float
    map: NDArray[np.float32]


def novelty_of(known: Sequence[Strategy], found: Spray) -> Novelty | None:
    """How new the maps of a round are; None where too little is known, or nothing was found.

    Args:
        known: the strategies of the rounds before.
        found: the round's maps and clusters.
    """
    frames = np.flatnonzero(found.labels >= 0)
    exemplars = _evenly(known)
    if not len(frames) or sum(map(len, exemplars)) < 2 * FOLDS:
        return None
    maps = np.sqrt(found.features[frames])
    try:
        usual = np.concatenate([_fit(seen).scores(held) for seen, held in _folds(exemplars)])
        network = _fit(np.concatenate(exemplars))
    except (ConfigurationError, ObservationError):  # known maps that are all the same
        return None
    unit = max(float(usual.mean()), LEAST_DISTANCE)
    scores = network.scores(maps) / unit
    newest = int(scores.argmax())
    return Novelty(
        float(scores.mean()),
        int(frames[newest]),
        float(scores[newest]),
        _new_places(network, maps[newest]).reshape(found.shape).astype(np.float32),
    )


def _new_places(network: NeuralizedOneClass, own: Features) -> NDArray[np.floating]:
    """Relevance of one map for its score ``[D]``, with the sign of its difference to the nearest.

    LRP alone is positive everywhere: what is missing makes a map as new as what is there. Nearest
    are those support vectors that the score is made of, each as much as it has part in it.
    """
    distance = np.square(network.points - own).sum(axis=1, dtype=np.float64)
    nearest = min_take_most(distance, network.gamma, np.log(network.weight)) @ network.points
    return np.asarray(network.explain(own[None]).map[0] * np.sign(own - nearest))


def _evenly(known: Sequence[Strategy]) -> list[Features]:
    """Each strategy's exemplars, or as many of them as fit, as roots."""
    each = max(FOLDS, MOST_KNOWN // max(len(known), 1))
    places = [np.linspace(0, n - 1, min(n, each)) for n in (len(s.exemplars) for s in known)]
    return [
        np.sqrt(strategy.exemplars[at.round().astype(np.int64)])
        for strategy, at in zip(known, places, strict=True)
    ]


def _folds(exemplars: Sequence[Features]) -> Iterator[tuple[Features, Features]]:
    """Known maps to fit on and to hold out: of each strategy a stretch of time."""
    stretches = [np.array_split(each, FOLDS) for each in exemplars]
    for fold in range(FOLDS):
        held = [parts[fold] for parts in stretches]
        seen = [part for parts in stretches for k, part in enumerate(parts) if k != fold]
        yield np.concatenate(seen), np.concatenate(held)


def _fit(points: Features) -> NeuralizedOneClass:
    return fit_novelty(points, gamma=NARROWER / mean_square(points))
