"""Cascading weight randomisation: a map of an untrained network should look different.

From the output down, one layer after the other gets the weights that it would start a training
with, and the map is compared with that of the trained network. A map that stays as it was shows the
frame rather than what was learnt. Adebayo et al. 2018, 'Sanity checks for saliency maps'; Sixt et
al. 2020, 'When Explanations Lie'.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rlmonitor.explain.baselines import Method, explain
from rlmonitor.explain.similarity import (
    WINDOW,
    cosine,
    flat_maps,
    rank_correlation,
    structural_similarity,
)
from rlmonitor.lrp.composites import DEFAULT_COMPOSITE, Composite
from rlmonitor.lrp.layers import Affine
from rlmonitor.lrp.network import Network
from rlmonitor.lrp.observations import Observation
from rlmonitor.lrp.propagation import Relevance
from rlmonitor.lrp.targets import Target

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Randomisation:
    """Similarity to the trained network's maps, for each of L stages.

    Attributes:
        layers: paths of the layers in the order in which they are randomised; stage ``l`` has the
            first ``l + 1`` of them randomised.
        cosine: ``[L, N]``, |cosine|.
        rank: ``[L, N]``, |Spearman's rank correlation|.
        structure: ``[L, N]``, SSIM, averaged over several images of an observation; None where an
            observation is no image of at least 7 x 7 pixels.
    """

    layers: tuple[str, ...]
    cosine: Array
    rank: Array
    structure: Array | None


def cascading_randomisation(
    network: Network,
    observation: Observation,
    target: Target = "q",
    method: str | Method | Composite = DEFAULT_COMPOSITE,
    *,
    seed: int = 0,
) -> Randomisation:
    """Explain frames in networks with ever more random layers, for the action of the trained one.

    Args:
        network: the trained one.
        observation: N frames.
        target: as for :func:`rlmonitor.lrp.attribute`.
        method: as for :func:`rlmonitor.explain.explain`.
        seed: of the weights, and of methods that draw numbers.
    """
    before = explain(network, observation, target, method, seed=seed)
    stages = cascade(network, target, seed)
    after = [
        explain(stage, observation, target, method, action=before.action, seed=seed)
        for stage in stages.values()
    ]
    rows, others = flat_maps(before), [flat_maps(one) for one in after]
    return Randomisation(
        layers=tuple(stages),
        cosine=np.stack([np.abs(cosine(rows, other)) for other in others]),
        rank=np.stack([np.abs(rank_correlation(rows, other)) for other in others]),
        structure=_structure(before, after),
    )


def cascade(network: Network, target: Target = "q", seed: int = 0) -> dict[str, Network]:
    """Networks with ever more random layers, from the output down, by the layer added last."""
    fresh, stages = network.randomised(seed), {}
    nodes = list(network.nodes)
    for index in reversed(range(_reach(network, target))):
        if isinstance(nodes[index].layer, Affine):
            nodes[index] = fresh.nodes[index]
            stages[nodes[index].name] = replace(network, nodes=tuple(nodes))
    return stages


def _reach(network: Network, target: Target) -> int:
    """Nodes that may take part in what is explained."""
    return len(network.nodes) if target == "value" else network.output + 1


def _structure(before: Relevance, after: list[Relevance]) -> Array | None:
    if any(one.ndim != 4 or min(one.shape[2:]) < WINDOW for one in before.maps.values()):
        return None
    return np.stack(
        [
            np.mean(
                [
                    structural_similarity(_images(one), _images(other.maps[key]))
                    for key, one in before.maps.items()
                ],
                axis=0,
            )
            for other in after
        ]
    )


def _images(one: Tensor) -> Array:
    return np.asarray(one.double().cpu().numpy())
