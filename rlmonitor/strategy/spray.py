"""Spectral relevance analysis: which strategies there are in a heap of relevance maps.

SpRAy (Lapuschkin et al. 2019, Nature Communications 10:1096, Methods): maps → downsized, normalised
→ nearest-neighbour graph → normalised Laplacian → eigengap → clusters (→ t-SNE picture, in
`rlmonitor.strategy.embedding`). A cluster of maps is a strategy: frames in which the agent looks at
the same things. Beside it the same analysis of the frames themselves, because a cluster that the
pixels give as well says little of the agent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlmonitor.errors import ConfigurationError, ObservationError
from rlmonitor.strategy import spectral
from rlmonitor.strategy.features import FEATURE_SHAPE, Features, normalised, relevance_features
from rlmonitor.strategy.spectral import Fit, Labels

SMALLEST_SHARE = 0.02
"""A smaller cluster is no strategy: its maps are given to the nearest one."""

SAME_IN_PIXELS = 0.6
"""Overlap, corrected for chance, from which on the frames are said to give a cluster as well."""


@dataclass(frozen=True)
class SpraySettings:
    """How maps are clustered.

    Attributes:
        seed: of everything that is drawn; the same seed gives the same clusters.
        shape: of the downsized maps.
        n_clusters: a number instead of what the eigengap says; 0 lets the eigengap decide. Fewer
            are found where some would have too few members.
        n_neighbours: edges from each map in the graph, 10 as in corelay, the reference
            implementation. A strategy has more members than this.
        n_landmarks: with more maps, so many are clustered and the rest placed by Nyström's formula.

    Raises:
        ConfigurationError: settings that can never work.
    """

    seed: int = 0
    shape: tuple[int, int] = FEATURE_SHAPE
    n_clusters: int = 0
    n_neighbours: int = 10
    n_landmarks: int = 2000

    def __post_init__(self) -> None:
        if self.seed < 0 or self.n_clusters < 0 or self.n_neighbours < 2:
            raise ConfigurationError(
                f"seed {self.seed}, n_clusters {self.n_clusters}, n_neighbours "
                f"{self.n_neighbours}: expected at least 0, 0 and 2"
            )
        if self.n_landmarks < self.enough:
            raise ConfigurationError(
                f"n_landmarks {self.n_landmarks}: {self.n_clusters or 2} clusters of more than "
                f"{self.n_neighbours} maps need at least {self.enough}"
            )

    @property
    def enough(self) -> int:
        """The fewest maps that can make the clusters asked for, two if the eigengap decides."""
        return max(self.n_clusters, 2) * (self.n_neighbours + 1)


DEFAULT = SpraySettings()


@dataclass(frozen=True)
class Cluster:
    """One strategy.

    Attributes:
        members: ``[n]`` int64, indices of its maps, rising.
        occupancy: its part of all maps that have relevance.
        mean_map: ``[H, W]`` float32, mean of its maps, each with sum 1.
        typical: up to three maps: the one nearest to the mean; then, of the half that is nearer to
            the mean than the other, those that are furthest from what was taken.
        pixel_overlap: largest Jaccard overlap with a cluster of the raw frames; None without
            frames, and where there is only one cluster.
        in_pixels: whether raw pixels give this cluster as well. Large clusters overlap by chance,
            so the overlap J counts as (J − E) / (1 − E), where independent clusters have E.
    """

    members: Labels
    occupancy: float
    mean_map: NDArray[np.float32]
    typical: tuple[int, ...]
    pixel_overlap: float | None = None
    in_pixels: bool = False


@dataclass(frozen=True)
class Spray:
    """Clusters of N relevance maps, the largest first.

    Attributes:
        features: ``[N, h * w]`` float32, the points that were clustered.
        labels: ``[N]`` int64, place in ``clusters``; −1 for maps that belong to none: those without
            relevance, or all of them where there is not enough.
        clusters: one for each label; empty where there is not enough.
        eigenvalues: smallest ones of the normalised Laplacian, rising.
        eigengap: λ_(m+1) − λ_m where the spectrum was cut into m clusters: near 0 the maps are one
            cloud without parts, and towards 1 their graph is in pieces. Clusters too small to be
            one count here. None where there is not enough.
        not_enough: why there are no clusters, or None.
        shape: ``(h, w)`` of the downsized maps.
    """

    features: Features
    labels: Labels
    clusters: tuple[Cluster, ...] = ()
    eigenvalues: tuple[float, ...] = ()
    eigengap: float | None = None
    not_enough: str | None = None
    shape: tuple[int, int] = FEATURE_SHAPE


def spray(
    maps: ArrayLike, frames: ArrayLike | None = None, settings: SpraySettings = DEFAULT
) -> Spray:
    """Cluster relevance maps.

    Args:
        maps: ``[N, C, H, W]`` relevance; may be a ``np.memmap``, of which blocks are read.
        frames: ``[N, C, H, W]``, the observations that were explained, for the baseline.
        settings: seed, sizes, and how many clusters.

    Raises:
        ObservationError: no maps, not four axes, or not as many frames as maps.
        NonFiniteError: NaN or infinity in maps or frames.
    """
    features = relevance_features(maps, settings.shape)
    labels = np.full(len(features), -1, np.int64)
    pixels = None if frames is None else _pixels(frames, len(features), settings)
    seen = np.flatnonzero(features.any(axis=1))
    points = features[seen]
    why = _not_enough(points, settings)
    if why is not None:
        return Spray(features, labels, not_enough=why, shape=settings.shape)
    chosen = _landmarks(len(points), settings)
    found = _fit(points[chosen], settings)
    labels[seen] = _labels(found, points, chosen, settings)
    clusters = _describe(maps, features, labels)
    if pixels is not None and len(clusters) > 1:
        partitions = _pixel_partitions(pixels[seen], chosen, len(clusters), settings)
        clusters = tuple(
            _beside(each, labels[seen], partitions, i) for i, each in enumerate(clusters)
        )
    values = tuple(float(value) for value in found.spectrum.values)
    gap = _gap(values, len(found.centres))
    return Spray(features, labels, clusters, values, gap, shape=settings.shape)


def _pixels(frames: ArrayLike, n: int, settings: SpraySettings) -> Features:
    pixels = relevance_features(frames, settings.shape)
    if len(pixels) != n:
        raise ObservationError(f"{len(pixels)} frames for {n} maps: expected one frame a map")
    return pixels


def _not_enough(points: Features, settings: SpraySettings) -> str | None:
    """Why these points have no clusters, if so."""
    if len(points) < settings.enough:
        return (
            f"{len(points)} maps with relevance, but {settings.enough} are needed for "
            f"{max(settings.n_clusters, 2)} clusters of more than {settings.n_neighbours} maps"
        )
    if np.ptp(points, axis=0).max() <= 1e-6 * points.max():
        return f"all {len(points)} maps are the same"
    return None


def _gap(values: tuple[float, ...], count: int) -> float | None:
    """λ_(count+1) − λ_count, None where no eigenvalue is known beyond."""
    return values[count] - values[count - 1] if count < len(values) else None


def _landmarks(n: int, settings: SpraySettings) -> Labels:
    """Which of n points make the graph."""
    if n <= settings.n_landmarks:
        return np.arange(n)
    generator = np.random.default_rng(settings.seed)
    return np.sort(generator.choice(n, settings.n_landmarks, replace=False))


def _fit(landmarks: Features, settings: SpraySettings) -> Fit:
    return spectral.fit(
        landmarks,
        n_neighbours=settings.n_neighbours,
        n_clusters=settings.n_clusters or None,
        seed=settings.seed,
    )


def _labels(found: Fit, points: Features, chosen: Labels, settings: SpraySettings) -> Labels:
    """Each point's cluster, the largest first; small ones go to their neighbours."""
    if len(chosen) == len(points):
        labels = found.labels
    else:
        labels = spectral.assign(found, points, settings.n_neighbours)
    share = 0 if settings.n_clusters else SMALLEST_SHARE
    smallest = max(settings.n_neighbours + 1, share * len(points))
    labels = _without_small(labels, points, smallest)
    sizes = np.bincount(labels)
    kept = np.flatnonzero(sizes)
    first = np.array([np.argmax(labels == label) for label in kept])
    order = kept[np.lexsort((first, -sizes[kept]))]
    rank = np.zeros(len(sizes), np.int64)
    rank[order] = np.arange(len(order))
    return rank[labels]


def _without_small(labels: Labels, points: Features, smallest: float) -> Labels:
    """Points of clusters below a size go to the cluster with the nearest mean."""
    sizes = np.bincount(labels)
    large = np.flatnonzero(sizes >= smallest)
    if not len(large):
        return np.zeros_like(labels)
    means = np.stack([points[labels == label].mean(axis=0) for label in large])
    lost = np.flatnonzero(sizes[labels] < smallest)
    distances = ((points[lost, None] - means) ** 2).sum(axis=2)
    kept = labels.copy()
    kept[lost] = large[distances.argmin(axis=1)]
    return kept


def _describe(maps: ArrayLike, features: Features, labels: Labels) -> tuple[Cluster, ...]:
    count = int(labels.max()) + 1
    means = _mean_maps(maps, labels, count)
    n_seen = int((labels >= 0).sum())
    clusters = []
    for label in range(count):
        members = np.flatnonzero(labels == label)
        typical = tuple(int(i) for i in members[_typical(features[members])])
        clusters.append(Cluster(members, len(members) / n_seen, means[label], typical))
    return tuple(clusters)


def _mean_maps(maps: ArrayLike, labels: Labels, count: int) -> NDArray[np.float32]:
    """Mean of the normalised maps of each cluster, ``[count, H, W]``."""
    sums = np.zeros((count, *np.shape(maps)[2:]))
    start = 0
    for pictures in normalised(maps):
        own = labels[start : start + len(pictures)]
        for label in np.unique(own[own >= 0]):
            sums[label] += pictures[own == label].sum(axis=0)
        start += len(pictures)
    return (sums / np.bincount(labels[labels >= 0])[:, None, None]).astype(np.float32)


def _typical(points: Features, count: int = 3) -> list[int]:
    """The point nearest to the mean, then far ones of the nearer half."""
    order = np.argsort(np.linalg.norm(points - points.mean(axis=0), axis=1), kind="stable")
    near = order[: max(count, len(order) // 2)]
    taken = [int(near[0])]
    distance = np.full(len(near), np.inf)
    for _ in range(min(count, len(near)) - 1):
        distance = np.minimum(distance, np.linalg.norm(points[near] - points[taken[-1]], axis=1))
        distance[np.isin(near, taken)] = -1
        taken.append(int(near[distance.argmax()]))
    return taken


def _pixel_partitions(
    pixels: Features, chosen: Labels, count: int, settings: SpraySettings
) -> list[Labels]:
    """Clusters of the frames: as many as their eigengap says, and as many as the maps have."""
    if _not_enough(pixels, settings) is not None:
        return []
    own = _fit(pixels[chosen], settings)
    found = [own]
    if count != len(own.centres):
        found.append(spectral.divide(own.landmarks, own.spectrum, count, seed=settings.seed))
    return [_labels(each, pixels, chosen, settings) for each in found]


def _beside(cluster: Cluster, labels: Labels, partitions: list[Labels], label: int) -> Cluster:
    """A cluster with its best counterpart among the raw frames' clusters."""
    member = labels == label
    best, corrected = 0.0, 0.0
    for partition in partitions:
        for other in range(int(partition.max()) + 1):
            overlap, beyond_chance = _overlap(member, partition == other)
            best, corrected = max(best, overlap), max(corrected, beyond_chance)
    return replace(cluster, pixel_overlap=best, in_pixels=corrected >= SAME_IN_PIXELS)


def _overlap(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[float, float]:
    """Jaccard overlap, and what of it is beyond that of independent sets of the same sizes."""
    overlap = float((a & b).sum() / (a | b).sum())
    p, q = float(a.mean()), float(b.mean())
    chance = p * q / (p + q - p * q)
    return overlap, (overlap - chance) / (1 - chance) if chance < 1 else 0.0
