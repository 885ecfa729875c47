"""t-SNE with all forces, of some hundred points (van der Maaten and Hinton 2008).

The steps are those of scikit-learn's ``TSNE(method="exact")`` with its usual settings, and lead to
the same picture. Its own loop takes one step of Python for each point in each iteration; here an
iteration is a few operations on whole arrays, less than a quarter of the time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import euclidean_distances

ITERATIONS, EXPLORATION = 400, 250
"""Steps, and those of them that exaggerate what is near and carry on with half of the last step."""
EXAGGERATION, STEADY = 12.0, (0.5, 0.8)
BISECTIONS, TOLERANCE = 100, 1e-5
"""Of the width of each point's neighbourhood: steps at most, and how exact its entropy is."""
LEAST_GAIN = 0.01
SPREAD = 1e-4
"""Standard deviation of the start's first coordinate."""

_EPSILON = np.finfo(np.float64).eps
_Doubles = NDArray[np.float64]


def exact_tsne(
    points: NDArray[np.floating[Any]], perplexity: float, seed: int
) -> NDArray[np.float32]:
    """Points on a plane, near each other where they are near in space.

    Args:
        points: ``[N, D]``; N and D 2 or more. Memory and time grow with N squared.
        perplexity: how many neighbours count, below N.
        seed: of the principal components that the picture starts from.

    Returns:
        ``[N, 2]``.
    """
    start = PCA(2, random_state=np.random.RandomState(seed)).fit_transform(points)
    place = start.astype(np.float32)
    place = (place / np.std(place[:, 0]) * SPREAD).T.copy()
    near = joint_probabilities(euclidean_distances(points, squared=True), perplexity)
    rate = np.maximum(len(points) / EXAGGERATION / 4, 50.0)  # a NumPy double: so are the steps
    step, gains = np.zeros_like(place), np.ones_like(place)
    for iteration in range(ITERATIONS):
        exploring = iteration < EXPLORATION
        if iteration in (0, EXPLORATION):
            pulled, momentum = near * (EXAGGERATION if exploring else 1.0), STEADY[not exploring]
            step, gains = np.zeros_like(place), np.ones_like(place)
        slope = _gradient(place, pulled)
        gains = np.where(step * slope < 0, gains + np.float32(0.2), gains * np.float32(0.8))
        slope *= np.maximum(gains, LEAST_GAIN, out=gains)
        step = momentum * step - rate * slope
        place += step
    return np.ascontiguousarray(place.T)


def joint_probabilities(squared: NDArray[np.floating[Any]], perplexity: float) -> _Doubles:
    """How much points are neighbours of each other; 0 on the diagonal, all together 1.

    Args:
        squared: ``[N, N]`` squared distances.
        perplexity: 2 to the power of the entropy (in bits) of each point's neighbourhood.

    Returns:
        ``[N, N]``, symmetric.
    """
    distance = squared.astype(np.float32).astype(np.float64)
    narrow = np.ones((len(distance), 1))  # 1 / (2 variance) of each point's neighbourhood
    low, high = np.zeros_like(narrow), np.full_like(narrow, np.inf)
    wanted = np.log(np.float32(perplexity), dtype=np.float64)
    for _ in range(BISECTIONS):
        near = np.exp(-distance * narrow)
        np.fill_diagonal(near, 0)
        total = near.sum(1, keepdims=True)
        total[total == 0] = 1e-8
        near /= total
        entropy = np.log(total) + narrow * (distance * near).sum(1, keepdims=True)
        excess = entropy - wanted
        wrong = np.abs(excess) > TOLERANCE
        if not wrong.any():
            break
        wide = excess > 0
        low, high = np.where(wrong & wide, narrow, low), np.where(wrong & ~wide, narrow, high)
        between = np.where(np.isinf(high), narrow * 2, (low + high) / 2)
        narrow = np.where(wrong, between, narrow)
    both = near + near.T
    joint = np.maximum(both / max(both.sum(), _EPSILON), _EPSILON)
    np.fill_diagonal(joint, 0)
    return np.asarray(joint, np.float64)


def _gradient(place: NDArray[np.float32], near: _Doubles) -> NDArray[np.float32]:
    """The slope of the Kullback-Leibler divergence at ``place`` ``[2, N]``."""
    across, down = place.astype(np.float64)
    similar = np.subtract.outer(across, across)
    similar *= similar
    apart = np.subtract.outer(down, down)
    apart *= apart
    similar += apart
    similar += 1.0
    np.reciprocal(similar, out=similar)  # Student's t with one degree of freedom
    total = similar.sum() - len(similar)
    pull = np.divide(similar, total, out=apart)
    np.maximum(pull, _EPSILON, out=pull)
    np.subtract(near, pull, out=pull)
    pull *= similar
    slopes = [np.einsum("ij,ij->i", pull, np.subtract.outer(each, each)) for each in place]
    return np.asarray(slopes, np.float32) * np.float32(4)
