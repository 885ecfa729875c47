"""k-means as a network: which pixels put a frame into its cluster.

A frame belongs to cluster c where f_c is positive (Kauffmann et al. 2019, 'From clustering to
cluster explanations via neural networks', 'standard k-means'):

    h_k = w_k.x + b_k                       layer 1: linear, w_k = 2 (μ_c - μ_k),
                                                     b_k = |μ_k|² - |μ_c|²
    f_c = min_{k≠c} h_k                     layer 2: minimum pooling

h_k is by how much the frame is nearer to μ_c than to μ_k. LRP: competitor k gets
``R_k = exp(-β h_k) / Σ exp(-β h) f_c``, with β = 1 / (mean of f_c over the data), and gives it to
the inputs from the midpoint m_k of μ_c and μ_k, ``R_i = Σ_k (x - m_k)_i w_ki / h_k R_k``.

For a frame in its own cluster the map adds up to f_c. For another cluster, f_c is negative and a
competitor's h_k may be near 0; what it then cannot pass on is absorbed (see `quotient`).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from rlmonitor.errors import ConfigurationError, ObservationError
from rlmonitor.explain.neuralize import (
    Array,
    Classifying,
    checked,
    checked_scale,
    mean_square,
    min_take_most,
    neuralized,
    quotient,
    spread,
    squared_distances,
)

STARTS = 3
ITERATIONS = 1000
"""Steps after which a clustering that has not settled is taken as it is."""


def margins(nearness: Array) -> Array:
    """By how much each of ``[n, K]`` stands above the largest other one."""
    columns = range(nearness.shape[1])
    others = np.stack([np.delete(nearness, c, axis=1).max(axis=1) for c in columns], axis=1)
    return np.asarray(nearness - others)


@dataclass(frozen=True, eq=False)
class Competing(Classifying):
    """What both share: minimum pooling over competitors, and its LRP rule.

    Attributes:
        shape: of one input.
        points: ``[M, D]``.
        stiffness: β.
    """

    points: NDArray[np.floating]
    stiffness: float

    def __post_init__(self) -> None:
        checked(self.points, (int(np.prod(self.shape)),))
        checked_scale("stiffness", self.stiffness)

    def _centre(self) -> Array:
        return self._mean

    @cached_property
    def _mean(self) -> Array:
        return np.asarray(self.points.mean(axis=0, dtype=np.float64))

    @cached_property
    def _points(self) -> Array:
        return np.asarray(self.points - self._mean)

    def _contrasts(self, nearness: Array, cluster: NDArray[np.int64]) -> tuple[Array, Array, Array]:
        """What pooling gets and gives: h ``[n, K]``, f_c ``[n]`` and the shares ``[n, K]``.

        Both h and the share are 0 at k = c.
        """
        rows = np.arange(len(nearness))
        h = nearness[rows, cluster][:, None] - nearness
        others = np.zeros_like(h)
        others[rows, cluster] = -np.inf
        f = np.min(np.where(np.isinf(others), np.inf, h), axis=1)
        return h, f, min_take_most(h, self.stiffness, others)


@neuralized("k_means")
@dataclass(frozen=True, eq=False)
class NeuralizedKMeans(Competing):
    """k-means; the score of cluster c is f_c, in squared units of the input.

    Attributes:
        shape: of one input.
        points: ``[K, D]`` centroids.
        stiffness: β, how strongly the nearest competitor outweighs the others.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.points) < 2:
            raise ObservationError("1 centroid: two clusters or more can be told apart")

    @property
    def n_clusters(self) -> int:
        """K."""
        return len(self.points)

    def _nearness(self, x: Array) -> Array:
        """``|x|² - |x - μ_k|²``: no difference of large numbers, unlike the distances."""
        return np.asarray(2 * x @ self._points.T - np.square(self._points).sum(1))

    def _scores(self, x: Array) -> Array:
        return margins(self._nearness(x))

    def _decompose(self, x: Array, cluster: NDArray[np.int64]) -> tuple[Array, Array, Array]:
        h, f, share = self._contrasts(self._nearness(x), cluster)
        coefficient = share * quotient(f[:, None], h)
        absorbed = (share * f[:, None] - coefficient * h).sum(1)
        coefficient[np.arange(len(x)), cluster] = -coefficient.sum(1)
        return spread(x, coefficient, self._points), f, absorbed


def fit_k_means(
    x: ArrayLike, n_clusters: int, *, stiffness: float | None = None, seed: int = 0
) -> NeuralizedKMeans:
    """Cluster by k-means (scikit-learn's, the best of three starts).

    Args:
        x: ``[N, C, H, W]`` or ``[N, D]``.
        n_clusters: K, at least 2.
        stiffness: β; 1 / (mean of f_c over the data), as in the paper, where it is None.
        seed: of the starts.

    Raises:
        ConfigurationError: fewer than 2 clusters, or more than there are different frames.
        ObservationError: all frames the same.
        NonFiniteError: NaN or infinity.
    """
    frames = clusterable(x, n_clusters)
    centroids = means(frames, k_means_labels(frames, n_clusters, seed))
    network = NeuralizedKMeans(np.asarray(x).shape[1:], centroids, 1.0)
    return replace(network, stiffness=typical_stiffness(network, x, stiffness))


def k_means_of(
    x: ArrayLike, labels: ArrayLike, *, stiffness: float | None = None
) -> NeuralizedKMeans:
    """The k-means view of a clustering that is there already: each cluster by its mean.

    A frame near a border may be assigned elsewhere than its label.

    Args:
        x: ``[N, C, H, W]`` or ``[N, D]``.
        labels: ``[N]`` int, 0 to K - 1, each of them taken.
        stiffness: β; see `fit_k_means`.

    Raises:
        ConfigurationError: stiffness out of range.
        ObservationError: labels that do not fit, one cluster, or means that do not differ.
        NonFiniteError: NaN or infinity.
    """
    frames = checked(x)
    centroids = means(frames, checked_labels(labels, len(frames)))
    network = NeuralizedKMeans(np.asarray(x).shape[1:], centroids, 1.0)
    return replace(network, stiffness=typical_stiffness(network, x, stiffness))


def checked_labels(labels: ArrayLike, n_frames: int) -> NDArray[np.int64]:
    """Clusters of ``[N]`` frames, 0 to K - 1, K at least 2.

    Raises:
        ObservationError: not whole numbers, not one for each frame, with gaps, or one cluster.
    """
    member = np.asarray(labels)
    if member.shape != (n_frames,) or member.dtype.kind not in "iu":
        raise ObservationError(
            f"labels are {member.dtype}{list(member.shape)}: expected whole numbers [{n_frames}]"
        )
    found = np.unique(member)
    if len(found) < 2 or not np.array_equal(found, np.arange(len(found))):
        raise ObservationError(
            f"labels are {found.tolist()[:9]}: expected 0 to K - 1 without gaps, two or more"
        )
    return member.astype(np.int64)


def clusterable(x: ArrayLike, n_clusters: int) -> NDArray[np.floating]:
    """Frames ``[N, D]`` that can make so many clusters; errors are those of `fit_k_means`."""
    frames = checked(x)
    if not 2 <= n_clusters <= len(frames):
        raise ConfigurationError(
            f"{n_clusters} clusters of {len(frames)} frames: expected 2 to {len(frames)}"
        )
    mean_square(frames)
    return frames


def typical_stiffness(network: Classifying, x: ArrayLike, given: float | None) -> float:
    """β = 1 / E[f_c] over the data (Kauffmann et al. 2019)."""
    if given is not None:
        return checked_scale("stiffness", given)
    typical = float(network.scores(x).max(axis=1).mean())
    if not typical > 0:
        raise ObservationError("every frame is as near to one cluster as to another: no clusters")
    return 1 / typical


def k_means_labels(frames: NDArray[np.floating], n_clusters: int, seed: int) -> NDArray[np.int64]:
    """The cluster of each of ``[N, D]``; errors are those of `fit_k_means`."""
    # No tolerance: where it has converged, the centroids are the means of their members, whatever
    # order the threads added them up in.
    model = KMeans(n_clusters, n_init=STARTS, max_iter=ITERATIONS, tol=0, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # too few different frames: see below
        labels = np.asarray(model.fit(_coordinates(frames)).labels_, np.int64)
    same = f"fewer than {n_clusters} different frames among {len(frames)}: take fewer clusters"
    if len(np.unique(labels)) < n_clusters:
        raise ConfigurationError(same)
    centroids = means(frames, labels)
    apart = squared_distances(centroids - centroids.mean(0), centroids - centroids.mean(0))
    if (apart == 0).sum() > n_clusters:
        raise ConfigurationError(same)
    return labels


def means(frames: NDArray[np.floating], labels: NDArray[np.int64]) -> Array:
    """The mean ``[K, D]`` of each cluster's frames."""
    clusters = range(int(labels.max()) + 1)
    return np.stack([frames[labels == k].mean(axis=0, dtype=np.float64) for k in clusters])


def _coordinates(frames: NDArray[np.floating]) -> NDArray[np.floating]:
    """Frames with the same distances, in no more dimensions than there are frames.

    N frames span N dimensions at most, so k-means in the principal axes is the same clustering; of
    whole relevance maps it is many times faster.
    """
    if frames.shape[1] <= len(frames):
        return frames
    centred = np.asarray(frames - frames.mean(axis=0, dtype=np.float64))
    square, axes = np.linalg.eigh(centred @ centred.T)
    return np.asarray(axes * np.sqrt(np.maximum(square, 0)))
