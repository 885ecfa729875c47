"""Spectral clustering that tells one cloud of points from several.

A k-nearest-neighbour graph, its normalised Laplacian L = I − D^(−½) W D^(−½), the eigengap for the
number of clusters, and k-means on the rows of the first eigenvectors, scaled to length 1 (Ng,
Jordan, Weiss 2001; von Luxburg 2007, 'A tutorial on spectral clustering'). Where there are many
points the graph is made of some of them, the landmarks, and the eigenvectors are extended to the
rest by Nyström's formula (Fowlkes et al. 2004; Bengio et al. 2004).

The largest gap alone is no evidence of clusters: a single cloud has one too, somewhere. Two
conditions tell them apart, both on what several clusters do to a spectrum:

* *a gap as large as all beneath it*, λ_m ≤ ½ λ_(m+1). Between connected parts of one cloud the
  eigenvalues rise like i^(2/dimension), too slowly for that except along a curve (1 : 4).
* *eigenvectors that are constant within clusters* (von Luxburg 2007, section 7: they are, up to a
  perturbation that shrinks with the gap). Along a curve of even density the second eigenvector is
  a cosine, of whose variance two clusters explain 8/π² = 0.81; in a wider cloud it is less. So the
  clusters must explain at least 0.9 of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.sparse import csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors

GAP_RATIO = 0.5
"""Largest λ_m / λ_(m+1) at an eigengap."""

CONSTANCY = 0.9
"""Smallest part of each eigenvector's variance that the clusters explain."""

BEYOND = 12
"""Eigenvalues that are looked at beyond those of the graph's components, which are zero."""

_RESTARTS = 300
"""Of Lanczos' method, before the dense one takes over."""

Vectors = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Spectrum:
    """Smallest eigenvalues of a graph's normalised Laplacian.

    Attributes:
        values: ``[E]`` rising from 0; as many are 0 as the graph has components.
        vectors: ``[N, E]`` orthonormal columns.
        degrees: ``[N]`` sum of each point's edges.
    """

    values: Vectors
    vectors: Vectors
    degrees: Vectors


@dataclass(frozen=True)
class Fit:
    """Clusters of the landmarks, and what it takes to place any other point.

    Attributes:
        landmarks: ``[L, D]`` the points of the graph.
        spectrum: of their graph.
        labels: ``[L]`` clusters of the landmarks.
        centres: ``[m, m]`` the clusters' means in the space of the scaled eigenvectors.
    """

    landmarks: NDArray[np.float32]
    spectrum: Spectrum
    labels: Labels
    centres: Vectors


def neighbour_graph(points: NDArray[np.float32], n_neighbours: int) -> csr_array:
    """Symmetric graph of the nearest points by Euclidean distance: (A + Aᵀ) / 2.

    Args:
        points: ``[N, D]``, N above ``n_neighbours``.
        n_neighbours: edges from each point, itself not among them.

    Returns:
        ``[N, N]`` sparse, 1 where two points choose each other, 1/2 where one does.
    """
    search = NearestNeighbors(n_neighbors=n_neighbours, algorithm="brute").fit(points)
    chosen = csr_array(search.kneighbors_graph())
    return csr_array((chosen + chosen.T) / 2)


def laplacian_spectrum(graph: csr_array, *, seed: int, beyond: int = BEYOND) -> Spectrum:
    """Eigenvalues of the normalised Laplacian: the zeros, and the smallest ``beyond`` them.

    The zeros' eigenvectors are known: one for each component. They are taken out of the matrix,
    because Lanczos' method misses some of several equal eigenvalues.

    Args:
        graph: ``[N, N]`` sparse and symmetric, without isolated points.
        seed: of the method's first vector.
        beyond: at most this many; a small graph gives fewer.
    """
    degrees = np.asarray(graph.sum(axis=1)).ravel()
    scale = diags_array(1 / np.sqrt(degrees))
    similarity = (scale @ graph @ scale).tocsr()
    n_parts, part = connected_components(graph, directed=False)
    size = len(degrees)
    null = np.zeros((size, n_parts))
    null[np.arange(size), part] = np.sqrt(degrees)
    null /= np.linalg.norm(null, axis=0)
    values, vectors = _largest(similarity, null, min(beyond, size - n_parts - 1), seed)
    return Spectrum(
        values=np.concatenate([np.zeros(n_parts), np.clip(1 - values[::-1], 0, 2)]),
        vectors=np.hstack([null, vectors[:, ::-1]]),
        degrees=degrees,
    )


def _largest(matrix: csr_array, null: Vectors, count: int, seed: int) -> tuple[Vectors, Vectors]:
    """Largest eigenvalues, rising, and vectors of a matrix without its ``null`` vectors' part."""
    size = len(null)
    operator = LinearOperator(
        (size, size), matvec=lambda x: matrix @ x - null @ (null.T @ x), dtype=np.float64
    )
    start = np.random.default_rng(seed).standard_normal(size)
    width = min(size, max(4 * count, 40))
    try:
        values, vectors = eigsh(
            operator, k=count, which="LA", v0=start, ncv=width, maxiter=_RESTARTS
        )
    except ArpackNoConvergence:  # many equal maps make many equal eigenvalues
        dense = matrix.toarray() - null @ null.T
        values, vectors = eigh(dense, subset_by_index=(size - count, size - 1))
    return values, vectors


def fit(
    landmarks: NDArray[np.float32], *, n_neighbours: int, n_clusters: int | None, seed: int
) -> Fit:
    """Cluster points by their graph; ``n_clusters=None`` lets the eigengap decide."""
    graph = neighbour_graph(landmarks, n_neighbours)
    beyond = max(BEYOND, n_clusters or 0)
    spectrum = laplacian_spectrum(graph, seed=seed, beyond=beyond)
    if n_clusters is not None:
        return divide(landmarks, spectrum, n_clusters, seed=seed)
    return Fit(landmarks, spectrum, *_by_eigengap(spectrum, seed))


def divide(
    landmarks: NDArray[np.float32], spectrum: Spectrum, n_clusters: int, *, seed: int
) -> Fit:
    """Clusters of a given number; never more than there are eigenvectors."""
    labels, centres = _k_means(spectrum.vectors[:, :n_clusters], seed)
    return Fit(landmarks, spectrum, labels, centres)


def eigengap(spectrum: Spectrum, *, seed: int) -> int:
    """The number of clusters: the largest gap that meets both conditions above, else 1."""
    _, centres = _by_eigengap(spectrum, seed)
    return len(centres)


def _by_eigengap(spectrum: Spectrum, seed: int) -> tuple[Labels, Vectors]:
    """Labels and centres of as many clusters as `eigengap` says."""
    values, gaps = spectrum.values, np.diff(spectrum.values)
    for at in np.argsort(-gaps, kind="stable"):
        count = int(at) + 1
        if values[at] > GAP_RATIO * values[at + 1]:
            continue
        labels, centres = _k_means(spectrum.vectors[:, :count], seed)
        if constancy(spectrum, labels) >= CONSTANCY:
            return labels, centres
    return _k_means(spectrum.vectors[:, :1], seed)


def constancy(spectrum: Spectrum, labels: Labels) -> float:
    """Smallest part of the variance of the first m eigenvectors that m clusters explain.

    Of D^(−½) v, which is constant on a component, with the points' degrees as weights.
    """
    weights = spectrum.degrees / spectrum.degrees.sum()
    members = np.eye(labels.max() + 1)[labels] * weights[:, None]
    vectors = spectrum.vectors[:, : members.shape[1]] / np.sqrt(weights)[:, None]
    vectors = vectors - weights @ vectors
    means = members.T @ vectors / members.sum(axis=0)[:, None]
    total, between = weights @ vectors**2, members.sum(axis=0) @ means**2
    return float(np.min(between[total > 1e-9] / total[total > 1e-9], initial=1.0))


def assign(found: Fit, points: NDArray[np.float32], n_neighbours: int) -> Labels:
    """Clusters of any points ``[N, D]``: Nyström's eigenvectors, then the nearest centre."""
    count = len(found.centres)
    if count == 1:
        return np.zeros(len(points), np.int64)
    search = NearestNeighbors(n_neighbors=n_neighbours, algorithm="brute").fit(found.landmarks)
    near = search.kneighbors(points, return_distance=False)
    spectrum = found.spectrum
    # v(x) = Σ_j w(x, j) v_j / √(d(x) d_j) / (1 − λ); w is one number here, and scaling drops d(x)
    known = spectrum.vectors[:, :count] / np.sqrt(spectrum.degrees)[:, None]
    rows = _scaled((known / (1 - spectrum.values[:count]))[near].sum(axis=1))
    distances = ((rows[:, None] - found.centres) ** 2).sum(axis=2)
    return np.asarray(distances.argmin(axis=1), np.int64)


def _k_means(vectors: Vectors, seed: int) -> tuple[Labels, Vectors]:
    """Labels and centres of the scaled rows, as many as there are columns."""
    count = vectors.shape[1]
    if count == 1:
        return np.zeros(len(vectors), np.int64), np.ones((1, 1))
    means = KMeans(n_clusters=count, n_init=10, random_state=seed).fit(_scaled(vectors))
    return means.labels_.astype(np.int64), np.asarray(means.cluster_centers_, np.float64)


def _scaled(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float64).tiny))
