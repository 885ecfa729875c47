"""Kernel k-means as a network: which pixels put a frame into a cluster of any form.

With a Gaussian kernel the distance to a cluster is the soft minimum of those to its members u_i,
and a frame belongs to c where f_c is positive (Kauffmann et al. 2019, 'From clustering to cluster
explanations via neural networks', 'kernel k-means'):

    h_ij = w_ij.x + b_ij                    layer 1: linear, w_ij = 2 (u_i - u_j),
                                                     b_ij = |u_j|² - |u_i|²
    h_j  =  log(mean_i exp(γ h_ij)) / γ     layer 2: soft maximum over members i of c
    h_k  = -log(mean_j exp(-γ h_j)) / γ     layer 3: soft minimum over members j of k
    f_c  = min_{k≠c} h_k                    layer 4: minimum pooling

LRP goes by the rules of k-means: each pool hands on by exp(±stiffness h), and each pair of members
explains its h_ij from the midpoint. Pairs with an h_ij much smaller than f_c cannot pass on their
part; it is absorbed (see `quotient`).

Members may come from any clustering: `kernel_k_means_of` explains labels that are there already,
those of spectral clustering (SpRAy) for one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlmonitor.errors import ConfigurationError, ObservationError
from rlmonitor.explain.clustering import (
    ITERATIONS,
    Competing,
    checked_labels,
    clusterable,
    k_means_labels,
    margins,
    typical_stiffness,
)
from rlmonitor.explain.neuralize import (
    Array,
    checked,
    checked_scale,
    gram,
    mean_square,
    min_take_most,
    neuralized,
    quotient,
    soft_minimum,
    spans,
    spread,
    squared_distances,
)

PAIRS = 2**21
"""Pairs of members that are compared at once: it bounds memory."""


@neuralized("kernel_k_means")
@dataclass(frozen=True, eq=False)
class NeuralizedKernelKMeans(Competing):
    """Kernel k-means with a Gaussian kernel; the score of cluster c is f_c.

    Attributes:
        shape: of one input.
        points: ``[M, D]`` members.
        stiffness: β, how strongly the nearest competitor outweighs the others.
        member: ``[M]``, the cluster of each point, 0 to K - 1.
        gamma: 1 / squared width of the kernel.
    """

    member: NDArray[np.int64]
    gamma: float

    def __post_init__(self) -> None:
        super().__post_init__()
        checked_scale("gamma", self.gamma)
        found = np.unique(self.member)
        whole = self.member.shape == (len(self.points),)
        if not whole or len(found) < 2 or not np.array_equal(found, np.arange(len(found))):
            raise ObservationError(
                f"members' clusters are {found.tolist()[:9]} for {len(self.points)} points: "
                "expected one for each, 0 to K - 1 without gaps, two or more"
            )

    @property
    def n_clusters(self) -> int:
        """K."""
        return int(self.member.max()) + 1

    @cached_property
    def _members(self) -> tuple[NDArray[np.int64], ...]:
        return tuple(np.flatnonzero(self.member == k) for k in range(self.n_clusters))

    def _nearness(self, distance: Array) -> Array:
        soft = [soft_minimum(distance[:, of], self.gamma, -np.log(len(of))) for of in self._members]
        return -np.stack(soft, axis=1)

    def _scores(self, x: Array) -> Array:
        return margins(self._nearness(squared_distances(x, self._points)))

    def _decompose(self, x: Array, cluster: NDArray[np.int64]) -> tuple[Array, Array, Array]:
        distance = squared_distances(x, self._points)
        _, f, share = self._contrasts(self._nearness(distance), cluster)
        within = [min_take_most(distance[:, of], self.gamma, 0.0) for of in self._members]
        coefficient, passed = np.zeros_like(distance), np.zeros(len(x))
        for c in np.unique(cluster):
            rows = np.flatnonzero(cluster == c)
            for k in range(self.n_clusters):
                if k == c:
                    continue
                of = (self._members[c], self._members[k])
                parts = (within[c], within[k] * share[:, k, None])
                for chosen in _batches(rows, len(of[0]) * len(of[1])):
                    _pairs(chosen, distance, f, of, parts, coefficient, passed)
        return spread(x, coefficient, self._points), f, f - passed


def _batches(rows: NDArray[np.int64], pairs: int) -> list[NDArray[np.int64]]:
    return [rows[span] for span in spans(len(rows), max(1, PAIRS // pairs))]


def _pairs(
    rows: NDArray[np.int64],
    distance: Array,
    f: Array,
    of: tuple[NDArray[np.int64], NDArray[np.int64]],
    parts: tuple[Array, Array],
    coefficient: Array,
    passed: Array,
) -> None:
    """Layers 2 and 1 for some frames and one competitor: what each member's distance weighs.

    Args:
        rows: which of the n frames.
        distance: ``[n, M]``.
        f: ``[n]``.
        of: members i of the cluster, members j of the competitor.
        parts: ``[n, i]`` and ``[n, j]``, shares of the pools.
        coefficient: ``[n, M]``, added to.
        passed: ``[n]``, relevance that reaches the inputs, added to.
    """
    own, other = parts[0][rows], parts[1][rows]
    nearer, farther = distance[np.ix_(rows, of[0])], distance[np.ix_(rows, of[1])]
    weigh = quotient(f[rows][:, None, None], farther[:, None, :] - nearer[:, :, None])
    towards = np.einsum("ni,nij->nj", own, weigh) * other
    against = np.einsum("nij,nj->ni", weigh, other) * own
    coefficient[np.ix_(rows, of[1])] += towards
    coefficient[np.ix_(rows, of[0])] -= against
    passed[rows] += (towards * farther).sum(1) - (against * nearer).sum(1)


def fit_kernel_k_means(
    x: ArrayLike,
    n_clusters: int,
    *,
    gamma: float | None = None,
    stiffness: float | None = None,
    max_members: int = 100,
    seed: int = 0,
) -> NeuralizedKernelKMeans:
    """Cluster by kernel k-means, started from k-means.

    Args:
        x: ``[N, C, H, W]`` or ``[N, D]``.
        n_clusters: K, at least 2.
        gamma: of the kernel ``exp(-gamma |x - u|²)``; 1 / (mean squared distance to the mean) where
            it is None.
        stiffness: β; 1 / (mean of f_c over the data) where it is None.
        max_members: at most so many frames stand for a cluster, drawn at random.
        seed: of the start and the draw.

    Raises:
        ConfigurationError: as `fit_k_means`, gamma out of range, or a cluster that runs empty.
        ObservationError, NonFiniteError: as `fit_k_means`.
    """
    frames = clusterable(x, n_clusters)
    gamma = 1 / mean_square(frames) if gamma is None else checked_scale("gamma", gamma)
    labels = kernel_labels(gram(frames, gamma), k_means_labels(frames, n_clusters, seed))
    return kernel_k_means_of(
        x, labels, gamma=gamma, stiffness=stiffness, max_members=max_members, seed=seed
    )


def kernel_k_means_of(
    x: ArrayLike,
    labels: ArrayLike,
    *,
    gamma: float | None = None,
    stiffness: float | None = None,
    max_members: int = 100,
    seed: int = 0,
) -> NeuralizedKernelKMeans:
    """The network of a clustering that is there already.

    A frame near a border may be assigned elsewhere than its label: the network compares mean
    similarities, as the paper's does, and knows nothing of how the labels were made.

    Args:
        x: ``[N, C, H, W]`` or ``[N, D]``.
        labels: ``[N]`` int, 0 to K - 1.
        gamma: see `fit_kernel_k_means`, as the rest.
        stiffness: β.
        max_members: at most so many frames stand for a cluster.
        seed: of the draw.

    Raises:
        ConfigurationError: gamma, stiffness or max_members out of range.
        ObservationError: labels that do not fit, one cluster, or all frames the same.
        NonFiniteError: NaN or infinity.
    """
    frames = checked(x)
    member = checked_labels(labels, len(frames))
    if max_members < 1:
        raise ConfigurationError(f"max_members is {max_members}: expected 1 or more")
    gamma = 1 / mean_square(frames) if gamma is None else checked_scale("gamma", gamma)
    rng = np.random.default_rng(seed)
    groups = [np.flatnonzero(member == k) for k in np.unique(member)]
    drawn = [rng.choice(of, min(len(of), max_members), replace=False) for of in groups]
    kept = np.sort(np.concatenate(drawn))
    network = NeuralizedKernelKMeans(
        np.asarray(x).shape[1:], frames[kept], 1.0, member[kept], gamma
    )
    return replace(network, stiffness=typical_stiffness(network, x, stiffness))


def kernel_labels(kernel: Array, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Lloyd's iteration in the kernel's feature space, which never raises the distortion.

    Args:
        kernel: ``[N, N]``.
        labels: ``[N]``, 0 to K - 1, where it starts.

    Raises:
        ConfigurationError: a cluster runs empty.
    """
    n_clusters = int(labels.max()) + 1
    for _ in range(ITERATIONS):
        mean = np.eye(n_clusters)[labels]
        mean /= mean.sum(axis=0)
        similarity = kernel @ mean
        norm = (mean * similarity).sum(axis=0)
        moved = np.argmin(norm - 2 * similarity, axis=1)
        if len(np.unique(moved)) < n_clusters:
            raise ConfigurationError(
                f"one of {n_clusters} clusters runs empty: take fewer, or another gamma"
            )
        if np.array_equal(moved, labels):
            break
        labels = moved.astype(np.int64)
    return labels
