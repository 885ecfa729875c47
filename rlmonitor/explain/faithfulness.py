"""A quick look at how far maps may be believed, cheap enough for every round of the monitor.

The full tests are in :mod:`~rlmonitor.explain.flipping`, :mod:`~rlmonitor.explain.axioms`,
:mod:`~rlmonitor.explain.randomisation` and :mod:`~rlmonitor.explain.comparison`; here each is made
on a few frames and patches.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rlmonitor.explain.axioms import conservation
from rlmonitor.explain.flipping import check_fits, pixel_flipping
from rlmonitor.explain.similarity import cosine, flat_maps
from rlmonitor.lrp.composites import COMPOSITES, Composite, composite_of
from rlmonitor.lrp.network import Network
from rlmonitor.lrp.observations import SINGLE, Observation
from rlmonitor.lrp.propagation import Relevance, attribute

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
    own = composite_of(relevance.composite if composite is None else composite)
    other = next(name for name in OTHER_RULES if name != own.name)
    tensors = network.checked(observation)
    check_fits(tensors, relevance)
    total = len(tensors[0])
    chosen = np.unique(np.linspace(0, total - 1, min(n_frames, total)).round().astype(np.int64))
    part = _taken(relevance, chosen)
    few: Observation = {
        one.key: tensor[chosen] for one, tensor in zip(network.inputs, tensors, strict=True)
    }
    if network.inputs[0].key == SINGLE:
        few = tensors[0][chosen]
    flipped = pixel_flipping(
        *(network, few, part),
        patch=patch,
        n_patches=n_patches,
        replacement=replacement,
        n_random=2,
        seed=seed,
    )
    rows = flat_maps(part)

    def alike(where: Network, rules: Composite) -> np.ndarray:
        found = attribute(where, few, part.target, rules, action=part.action)
        return cosine(rows, flat_maps(found))

    return SpotCheck(
        pixel_flipping=float(np.median(flipped.relative_area)),
        conservation_error=conservation(part).accounting_error,
        random_network=float(np.abs(alike(network.randomised(seed), own)).mean()),
        rule_agreement=float(alike(network, COMPOSITES[other]).mean()),
        frames=len(chosen),
    )


def _taken(relevance: Relevance, frames: np.ndarray) -> Relevance:
    return replace(
        relevance,
        maps={key: one[frames] for key, one in relevance.maps.items()},
        explained=relevance.explained[frames],
        absorbed=relevance.absorbed[frames],
        outputs=relevance.outputs[frames],
        action=relevance.action[frames],
    )
