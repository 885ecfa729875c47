"""Agreement between methods, and how far a map depends on the action that it explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import ConfigurationError
from rlmonitor.explain.baselines import Method, explain, method_of
from rlmonitor.explain.similarity import cosine, flat_maps
from rlmonitor.lrp.composites import COMPOSITES, DEFAULT_COMPOSITE, Composite
from rlmonitor.lrp.network import Network
from rlmonitor.lrp.observations import Observation
from rlmonitor.lrp.propagation import Relevance
from rlmonitor.lrp.targets import Target

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """Cosines between the maps of M methods.

    Attributes:
        methods: M names.
        cosine: ``[M, M, N]``, for each frame; signed.
    """

    methods: tuple[str, ...]
    cosine: Array

    @property
    def mean(self) -> Array:
        """``[N]``, the mean over all pairs of different methods."""
        pairs = combinations(range(len(self.methods)), 2)
        return np.asarray(np.mean([self.cosine[a, b] for a, b in pairs], axis=0))


def agreement(relevances: Sequence[Relevance]) -> Agreement:
    """Compare maps of the same frames and the same target by several methods.

    Raises:
        ConfigurationError: fewer than two methods.
        ObservationError: maps of different shapes.
    """
    if len(relevances) < 2:
        raise ConfigurationError(f"agreement needs at least 2 methods, got {len(relevances)}")
    rows = [flat_maps(one) for one in relevances]
    names = tuple(one.composite for one in relevances)
    return Agreement(names, np.stack([np.stack([cosine(a, b) for b in rows]) for a in rows]))


def rule_agreement(
    network: Network,
    observation: Observation,
    target: Target = "q",
    methods: Sequence[str | Method | Composite] = tuple(COMPOSITES),
    *,
    seed: int = 0,
) -> Agreement:
    """Explain the same frames by several methods and compare the maps.

    Raises:
        ConfigurationError: fewer than two methods.
    """
    return agreement(
        [explain(network, observation, target, method_of(one), seed=seed) for one in methods]
    )


@dataclass(frozen=True)
class TargetSensitivity:
    """Cosines between the maps of different actions.

    Attributes:
        pairs: P pairs of actions, each with the first one smaller.
        cosine: ``[P, N]``, signed. 1: the maps do not depend on what is explained. Independent maps
            that add up to 0 over A actions, as an ideal advantage's, have −1 / (A − 1).
    """

    pairs: tuple[tuple[int, int], ...]
    cosine: Array

    @property
    def mean(self) -> Array:
        """``[N]``, the mean over pairs."""
        return np.asarray(self.cosine.mean(axis=0))


def target_sensitivity(
    network: Network,
    observation: Observation,
    target: Target = "q",
    method: str | Method | Composite = DEFAULT_COMPOSITE,
    *,
    seed: int = 0,
) -> TargetSensitivity:
    """Explain each action and compare the maps; Sixt et al. 2020, 'When Explanations Lie'.

    Raises:
        ConfigurationError: a target that does not depend on an action, or a single action.
    """
    if target == "value" or not isinstance(target, str) or network.n_outputs < 2:
        raise ConfigurationError(
            f"target sensitivity compares actions: it needs 'q', 'logit' or 'advantage' and at "
            f"least 2 actions, got {target!r} and {network.n_outputs}"
        )
    rows = [
        flat_maps(explain(network, observation, target, method, action=action, seed=seed))
        for action in range(network.n_outputs)
    ]
    pairs = tuple(combinations(range(network.n_outputs), 2))
    return TargetSensitivity(pairs, np.stack([cosine(rows[a], rows[b]) for a, b in pairs]))
