"""What puts a frame into its strategy: clusters of maps explained by LRP.

The clusters that SpRAy found are looked at as k-means would, each by its mean, which is a network
that LRP explains (Kauffmann et al. 2019, 'From clustering to cluster explanations via neural
networks'). A place speaks for a strategy where the frame has relevance and the strategy has more of
it than its nearest rival, and also where both have less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import ObservationError
from rlmonitor.explain.clustering import k_means_of
from rlmonitor.strategy.spray import Spray


@dataclass(frozen=True)
class Explanation:
    """Why a cluster's most typical frame is in it.

    Attributes:
        frame: which of the N frames.
        map: ``[h, w]`` float32 on the grid of the downsized maps; positive speaks for the cluster.
        agreement: part of the cluster's members that the k-means view puts there too.
    """

    frame: int
    map: NDArray[np.float32]
    agreement: float


def explain_clusters(found: Spray) -> tuple[Explanation, ...]:
    """One explanation for each cluster; none where there are no two clusters that differ."""
    belongs = found.labels >= 0
    points, labels = found.features[belongs], found.labels[belongs]
    if len(found.clusters) < 2:
        return ()
    try:
        network = k_means_of(points, labels)
    except ObservationError:  # the means are the same
        return ()
    assigned = network.assign(points)
    frames = [cluster.typical[0] for cluster in found.clusters]
    maps = network.explain(found.features[frames], np.arange(len(frames))).map
    return tuple(
        Explanation(
            frame,
            own.reshape(found.shape).astype(np.float32),
            float((assigned[labels == k] == k).mean()),
        )
        for k, (frame, own) in enumerate(zip(frames, maps, strict=True))
    )
