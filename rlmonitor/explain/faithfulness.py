"""A quick look at how far maps may be believed, cheap enough for every round of the monitor.

The full tests are in :mod:`~rlmonitor.explain.flipping`, :mod:`~rlmonitor.explain.axioms`,
:mod:`~rlmonitor.explain.randomisation` and :mod:`~rlmonitor.explain.comparison`; here each is made
on a few frames and patches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from rlmonitor.explain.axioms import conservation
from rlmonitor.explain.flipping import check_fits, relative_areas
from rlmonitor.explain.similarity import cosine, flat_maps
from rlmonitor.lrp.composites import COMPOSITES, Composite, composite_of
from rlmonitor.lrp.network import Network
from rlmonitor.lrp.observations import SINGLE, Observation
from rlmonitor.lrp.propagation import Relevance, attribute
from rlmonitor.lrp.targets import Target

OTHER_RULES = ("epsilon-plus-flat", "epsilon-gamma-box")
"""What a map's rules are compared with: the first composite that is not its own."""


@dataclass(frozen=True)
class SpotCheck:
    """Means over a few frames, where nothing else is said.

    Attributes:
        pixel_flipping: area between the curves of random and of most-relevant-first removal, over
            the mean |explained number|; positive is better than random. The median: of a few
            frames, one in which a hole throws the network off would outweigh all others.
        conservation_error: largest |Σ map + absorbed − explained| over max(|explained|, Σ |map|);
            rounding, about 1e-5, unless something is wrong.
        random_network: |cosine| with the map of the same network with random weights; near 1 the
            map shows the frame rather than what was learnt.
        rule_agreement: cosine with the map of another composite.
        frames: how many frames were looked at.
    """

    pixel_flipping: float
    conservation_error: float
    random_network: float
    rule_agreement: float
    frames: int


def spot_check(
    network: Network,
    observation: Observation,
    relevance: Relevance,
    *,
    composite: str | Composite | None = None,
    n_frames: int = 8,
    n_patches: int = 10,
    patch: int = 6,
    replacement: str = "background",
    seed: int = 0,
) -> SpotCheck:
    """Test maps that have been made already, on frames spread over all of them.

    Args:
        network: the explained one.
        observation: the N explained frames.
        relevance: their maps by LRP.
        composite: what made them, if it is none of ``rlmonitor.lrp.COMPOSITES``.
        n_frames: how many frames are looked at, at most.
        n_patches: how many patches are removed; see :func:`rlmonitor.explain.pixel_flipping`.
        patch: their side.
        replacement: what they are replaced by.
        seed: of random weights and orders.

    Raises:
        ObservationError: frames that do not fit the network or the maps.
        UnknownNameError: no composite of the relevance's name.
    """
    (found,) = spot_checks(
        *(network, observation, {relevance.target: relevance}),
        composite=composite,
        n_frames=n_frames,
        n_patches=n_patches,
        patch=patch,
        replacement=replacement,
        seed=seed,
    ).values()
    return found


def spot_checks(
    network: Network,
    observation: Observation,
    relevance: Mapping[Target, Relevance],
    *,
    composite: str | Composite | None = None,
    n_frames: int = 8,
    n_patches: int = 10,
    patch: int = 6,
    replacement: str = "background",
    seed: int = 0,
) -> dict[Target, SpotCheck]:
    """Test the maps of several targets of the same frames; arguments and errors as above.

    Most of the time goes to patches that are removed at random, which serve all targets.
    """
    rules = composite_of(
        next(iter(relevance.values())).composite if composite is None else composite
    )
    other = COMPOSITES[next(name for name in OTHER_RULES if name != rules.name)]
    tensors = network.checked(observation)
    for one in relevance.values():
        check_fits(tensors, one)
    total = len(tensors[0])
    chosen = np.unique(np.linspace(0, total - 1, min(n_frames, total)).round().astype(np.int64))
    parts = {target: _taken(one, chosen) for target, one in relevance.items()}
    few = _chosen(network, tensors, chosen)
    areas = relative_areas(
        *(network, few, list(parts.values())),
        patch=patch,
        n_patches=n_patches,
        replacement=replacement,
        n_random=2,
        seed=seed,
    )
    random = network.randomised(seed)

    def alike(part: Relevance, where: Network, by: Composite) -> np.ndarray:
        found = attribute(where, few, part.target, by, action=part.action)
        return cosine(flat_maps(part), flat_maps(found))

    return {
        target: SpotCheck(
            pixel_flipping=float(np.median(area)),
            conservation_error=conservation(part).accounting_error,
            random_network=float(np.abs(alike(part, random, rules)).mean()),
            rule_agreement=float(alike(part, network, other).mean()),
            frames=len(chosen),
        )
        for (target, part), area in zip(parts.items(), areas, strict=True)
    }


def _chosen(network: Network, tensors: Sequence[Tensor], frames: np.ndarray) -> Observation:
    """Some frames of a checked observation, as the network takes them."""
    if network.inputs[0].key == SINGLE:
        return tensors[0][frames]
    return {one.key: tensor[frames] for one, tensor in zip(network.inputs, tensors, strict=True)}


def _taken(relevance: Relevance, frames: np.ndarray) -> Relevance:
    return replace(
        relevance,
        maps={key: one[frames] for key, one in relevance.maps.items()},
        explained=relevance.explained[frames],
        absorbed=relevance.absorbed[frames],
        outputs=relevance.outputs[frames],
        action=relevance.action[frames],
    )
