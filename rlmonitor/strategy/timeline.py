"""Strategies through time: the clusters of each round are found again among those known so far.

Frames differ from round to round, so clusters are compared by what their maps look like. Each known
strategy is kept as a few of its maps, the exemplars, and its reach, the distance up to which a map
is like them. Two parts measure how far a cluster is a known strategy (the transitions of MONIC,
Spiliopoulou et al. 2006, with nearest maps in place of shared members):

* *from*: the part of the cluster's maps whose nearest exemplar is the strategy's, within its reach;
* *into*: the part of the strategy's exemplars whose nearest map is the cluster's, within its reach.

An optimal assignment over √(from · into), with a threshold, hands identities on: first among the
strategies that live, then what is left over among those that do not, which thereby return. A
strategy that left two clusters has split, one whose maps are in another's cluster has merged; what
is found in no cluster has died. How new maps are is another question, see
`rlmonitor.strategy.novelty`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import pairwise_distances

from rlmonitor.errors import ObservationError
from rlmonitor.strategy.features import Features
from rlmonitor.strategy.naming import Shares, element_profile, name_of
from rlmonitor.strategy.spray import Cluster, Spray

THRESHOLD = 0.5
"""Smallest √(from · into) at which a cluster is a known strategy."""

MOST = 0.5
"""Part of a cluster that makes it come from a strategy, or of a strategy that makes it go there."""

N_EXEMPLARS = 64

REACH = 1.25
"""How many times the usual distance to an exemplar (0.99 quantile over the members) is alike."""

ChangeKind = Literal["born", "split", "merged", "died", "returned"]
Parts = NDArray[np.float64]


@dataclass(frozen=True)
class Strategy:
    """A cluster that keeps its identity from round to round.

    Attributes:
        id: its number, in the order of birth, from 0; never used again.
        name: by its elements, as of the last round that it was seen in.
        born: timestep of the first round that it was seen in.
        last_seen: timestep of the last one.
        alive: whether that was the last round with clusters.
        parents: strategies that it split off.
        exemplars: ``[E, D]`` float32, maps of the last round that it was seen in.
        reach: Euclidean distance from the nearest exemplar up to which a map is like them.
        mean_map: ``[H, W]`` float32.
        profile: element to mean share; empty where there are no elements.
    """

    id: int
    name: str
    born: int
    last_seen: int
    alive: bool
    parents: tuple[int, ...]
    exemplars: Features
    reach: float
    mean_map: NDArray[np.float32]
    profile: Mapping[str, float]


@dataclass(frozen=True)
class Change:
    """Something that happened to a strategy.

    Attributes:
        kind: ``split``: it is new, and came out of ``other``; ``merged``: it is gone, into
            ``other``; ``born``, ``died`` and ``returned`` concern it alone.
        strategy: its id.
        other: ids of the strategies that it came from or went to.
    """

    kind: ChangeKind
    strategy: int
    other: tuple[int, ...] = ()


@dataclass(frozen=True)
class Moment:
    """One round's strategies.

    Attributes:
        timestep: of the round.
        clusters: how many clusters the eigengap gave, 0 where there was not enough.
        ids: the strategy of each cluster, in the order of the round's clusters.
        names: of each cluster.
        occupancy: strategy id to its part of the maps, 0.0 for known ones that did not occur; empty
            where there was not enough.
        changes: in this round.
    """

    timestep: int
    clusters: int = 0
    ids: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    occupancy: Mapping[int, float] | None = None
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Timeline:
    """All strategies so far, in the order of their ids."""

    strategies: tuple[Strategy, ...] = ()


@dataclass(frozen=True)
class _Overlap:
    """How K known strategies and B clusters overlap.

    Attributes:
        origin: ``[K, B]`` part of each cluster that comes from a strategy; those that live and
            those that do not compete among themselves only.
        target: ``[K, B]`` part of each strategy that goes into a cluster.
    """

    origin: Parts
    target: Parts


def advance(
    timeline: Timeline, found: Spray, timestep: int, share: Shares | None = None
) -> tuple[Timeline, Moment]:
    """The timeline after one more round, and what happened in it.

    Args:
        timeline: the strategies so far.
        found: the round's clusters. Where there was not enough, nothing is said to have died.
        timestep: ``num_timesteps`` of the round.
        share: element to ``[N]`` share of each frame, which names the strategies.

    Raises:
        ObservationError: maps or shares of another shape than those so far.
    """
    _check(timeline, found, share)
    if not found.clusters:
        return timeline, Moment(timestep)
    known = timeline.strategies
    overlap = _overlap(known, found)
    alive = np.array([strategy.alive for strategy in known], np.bool_)
    match = _match(overlap, alive, range(len(found.clusters)))
    left = [b for b in range(len(found.clusters)) if b not in match]
    match |= _match(overlap, ~alive, left)
    ids = _identities(match, len(known), len(found.clusters))
    parents = {
        b: _parents(overlap.origin[:, b] * alive) for b in range(len(ids)) if ids[b] >= len(known)
    }
    seen = {
        i: _strategy(i, found, b, timestep, share, known, parents.get(b, ()))
        for b, i in enumerate(ids)
    }
    strategies = [seen.get(s.id, replace(s, alive=False)) for s in known]
    strategies += [seen[i] for i in range(len(known), len(known) + len(parents))]
    occupancy = dict.fromkeys(range(len(strategies)), 0.0)
    occupancy.update({i: c.occupancy for i, c in zip(ids, found.clusters, strict=True)})
    moment = Moment(
        timestep,
        clusters=len(ids),
        ids=ids,
        names=tuple(seen[i].name for i in ids),
        occupancy=occupancy,
        changes=_changes(known, overlap, ids, parents),
    )
    return Timeline(tuple(strategies)), moment


def _check(timeline: Timeline, found: Spray, share: Shares | None) -> None:
    n, width = found.features.shape
    for strategy in timeline.strategies:
        if strategy.exemplars.shape[1] != width:
            raise ObservationError(
                f"maps downsized to {width} pixels, but strategy {strategy.id} was made of "
                f"{strategy.exemplars.shape[1]}: keep the feature shape of the run"
            )
    for name, values in (share or {}).items():
        if values.shape != (n,):
            raise ObservationError(
                f"share of {name!r} has shape {values.shape}, expected ({n},): one number a map"
            )


def _overlap(known: tuple[Strategy, ...], found: Spray) -> _Overlap:
    """Votes of the nearest exemplars and of the nearest maps."""
    clusters = len(found.clusters)
    if not known:
        nothing = np.zeros((0, clusters))
        return _Overlap(nothing, nothing)
    belongs = found.labels >= 0
    points, labels = found.features[belongs], found.labels[belongs]
    apart = _distances(points, known)
    # [K, n]: distance to each strategy's nearest exemplar, in units of its reach
    near = np.stack([d.min(axis=1) / s.reach for d, s in zip(apart, known, strict=True)])
    origin = np.zeros((len(known), clusters))
    for alive in (True, False):
        group = np.array([k for k, s in enumerate(known) if s.alive == alive], np.int64)
        if len(group):
            alike = near[group].min(axis=0) <= 1
            np.add.at(origin, (group[near[group].argmin(axis=0)[alike]], labels[alike]), 1)
    target = np.zeros((len(known), clusters))
    for k, (distances, strategy) in enumerate(zip(apart, known, strict=True)):
        within = distances.min(axis=0) <= strategy.reach
        nearest = labels[distances.argmin(axis=0)[within]]
        target[k] = np.bincount(nearest, minlength=clusters) / len(within)
    return _Overlap(origin / np.bincount(labels), target)


def _distances(points: Features, known: tuple[Strategy, ...]) -> list[Parts]:
    """Of n points to each strategy's E exemplars, ``[n, E]``; all at once, which is far faster."""
    distances = pairwise_distances(points, np.concatenate([s.exemplars for s in known]))
    borders = np.cumsum([len(s.exemplars) for s in known[:-1]], dtype=np.int64)
    return np.split(np.asarray(distances, np.float64), borders, axis=1)


def _match(overlap: _Overlap, rows: NDArray[np.bool_], columns: Iterable[int]) -> dict[int, int]:
    """Cluster to known strategy: the assignment with the largest total similarity."""
    similarity = np.sqrt(overlap.origin * overlap.target) * rows[:, None]
    similarity *= np.isin(np.arange(similarity.shape[1]), list(columns))
    similarity[similarity < THRESHOLD] = 0
    pairs = zip(*linear_sum_assignment(similarity, maximize=True), strict=True)
    return {int(b): int(k) for k, b in pairs if similarity[k, b] > 0}


def _identities(match: Mapping[int, int], n_known: int, n_clusters: int) -> tuple[int, ...]:
    """Each cluster's strategy; the next free numbers for those that are none so far."""
    new = (b for b in range(n_clusters) if b not in match)
    numbers = {**match, **{b: n_known + i for i, b in enumerate(new)}}
    return tuple(numbers[b] for b in range(n_clusters))


def _parents(origin: Parts) -> tuple[int, ...]:
    """The strategy that most of a new cluster comes from, if there is one."""
    return (int(origin.argmax()),) if origin.size and origin.max() >= MOST else ()


def _strategy(
    number: int,
    found: Spray,
    at: int,
    timestep: int,
    share: Shares | None,
    known: tuple[Strategy, ...],
    parents: tuple[int, ...],
) -> Strategy:
    """A strategy as this round's cluster shows it."""
    cluster = found.clusters[at]
    profile = element_profile(share, cluster.members) if share else {}
    exemplars, reach = _exemplars(found.features[cluster.members])
    old = known[number] if number < len(known) else None
    return Strategy(
        id=number,
        name=_name(profile, share, found, cluster) or f"strategy {number}",
        born=old.born if old else timestep,
        last_seen=timestep,
        alive=True,
        parents=old.parents if old else parents,
        exemplars=exemplars,
        reach=reach,
        mean_map=cluster.mean_map,
        profile=profile,
    )


def _name(profile: Mapping[str, float], share: Shares | None, found: Spray, own: Cluster) -> str:
    if not share:
        return ""
    others = np.setdiff1d(np.flatnonzero(found.labels >= 0), own.members)
    return name_of(profile, element_profile(share, others) if len(others) else None)


def _exemplars(points: Features) -> tuple[Features, float]:
    """Evenly spread members, and the reach around them.

    The reach is never below a twentieth of a map's length: where all members are alike, the least
    change of the weights would be news otherwise.
    """
    at = np.unique(np.linspace(0, len(points) - 1, N_EXEMPLARS).round().astype(np.int64))
    distances = pairwise_distances(points, points[at])
    distances[at, np.arange(len(at))] = np.inf  # an exemplar is no neighbour of itself
    usual = float(np.quantile(distances.min(axis=1), 0.99))
    length = float(np.linalg.norm(points, axis=1).mean())
    return points[at], max(REACH * usual, 0.05 * length)


def _changes(
    known: tuple[Strategy, ...],
    overlap: _Overlap,
    ids: tuple[int, ...],
    parents: Mapping[int, tuple[int, ...]],
) -> tuple[Change, ...]:
    """What became of each known strategy, and where the new ones come from."""
    changes = []
    for strategy in known:
        if strategy.id in ids:
            if not strategy.alive:
                changes.append(Change("returned", strategy.id))
        elif strategy.alive:
            into = overlap.target[strategy.id]
            goes = into.max() >= MOST
            other = (ids[int(into.argmax())],) if goes else ()
            changes.append(Change("merged" if goes else "died", strategy.id, other))
    for b, origin in parents.items():
        changes.append(Change("split" if origin else "born", ids[b], origin))
    return tuple(changes)
