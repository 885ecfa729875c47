"""A picture of relevance maps on a plane, clusters apart: the last step of SpRAy.

t-SNE (van der Maaten and Hinton 2008) of the points that `rlmonitor.strategy.spray` clustered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from rlmonitor.strategy.spectral import Labels
from rlmonitor.strategy.spray import Spray
from rlmonitor.strategy.tsne import ITERATIONS, exact_tsne

MOST_EMBEDDED = 2000
"""Points of the t-SNE picture at most; TensorBoard's projector slows down beyond."""

FEW = 300
"""Points of which all forces are computed; of more, those of distant ones together."""


@dataclass(frozen=True)
class Embedding:
    """A picture of the maps on a plane.

    Attributes:
        index: ``[n]`` int64, which maps are shown, rising.
        position: ``[n, 2]`` float32.
    """

    index: Labels
    position: NDArray[np.float32]


def embed(found: Spray, *, seed: int = 0, most: int = MOST_EMBEDDED) -> Embedding:
    """A t-SNE picture of the maps (van der Maaten and Hinton 2008), started from their two PCs.

    Args:
        found: clusters; where there is not enough for them the picture is empty.
        seed: of the choice of maps.
        most: if more maps have relevance, so many are shown; every cluster keeps its part.
    """
    shown = _stratified(found, most, seed)
    if len(shown) < 4:
        return Embedding(np.empty(0, np.int64), np.empty((0, 2), np.float32))
    points = found.features[shown]
    few = PCA(min(30, *points.shape), random_state=seed).fit_transform(points)
    perplexity = min(30, (len(shown) - 1) / 3)
    if len(shown) <= FEW:
        return Embedding(shown, exact_tsne(few, perplexity, seed))
    # 400 iterations and coarse forces: 2,000 maps in 4 s of one core instead of 11
    picture = TSNE(perplexity=perplexity, max_iter=ITERATIONS, angle=0.8, random_state=seed)
    return Embedding(shown, picture.fit_transform(few).astype(np.float32))


def _stratified(found: Spray, most: int, seed: int) -> Labels:
    """At most ``most`` maps that are in a cluster, of each cluster its part, at least one."""
    members = [cluster.members for cluster in found.clusters]
    n = sum(map(len, members))
    if n <= most:
        return np.sort(np.concatenate([np.empty(0, np.int64), *members]))
    generator = np.random.default_rng(seed)
    parts = [
        generator.choice(each, max(1, most * len(each) // n), replace=False) for each in members
    ]
    return np.sort(np.concatenate(parts))
