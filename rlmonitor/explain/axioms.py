"""Axioms that an explanation should obey, as numbers for each method.

Conservation, continuity and implementation invariance after Montavon 2019, 'Gradient-based vs.
propagation-based explanations: an axiomatic comparison' (doi 10.1007/978-3-030-28954-6_13); the
measure of continuity is that of Montavon et al. 2018 (doi 10.1016/j.dsp.2017.10.011), section 7.1.
Boundedness says that no part of the frame may count for more than what is explained, which follows
from conservation where nothing is negative. All four are 0 or small where the axiom holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rlmonitor.errors import ConfigurationError, UnsupportedLayerError
from rlmonitor.explain.baselines import Method, explain
from rlmonitor.explain.equivalence import CHANGES, equivalent
from rlmonitor.explain.similarity import flat_maps
from rlmonitor.lrp.composites import DEFAULT_COMPOSITE, Composite
from rlmonitor.lrp.network import Network
from rlmonitor.lrp.observations import SINGLE, Observation
from rlmonitor.lrp.propagation import Relevance
from rlmonitor.lrp.targets import Target

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Conservation:
    """Whether a map adds up to what is explained.

    Attributes:
        missing: ``[N]``, |Σ map − explained|.
        unaccounted: ``[N]``, |Σ map + absorbed − explained|: what neither the map nor bias terms
            got, which is rounding for LRP.
        explained: ``[N]``, |explained|.
        total: ``[N]``, Σ |map|.
    """

    missing: Array
    unaccounted: Array
    explained: Array
    total: Array

    @property
    def error(self) -> float:
        """Mean missing relevance over mean |explained|; 0 where nothing is explained or missing."""
        return _ratio(self.missing, self.explained)

    @property
    def accounting_error(self) -> float:
        """Largest unaccounted relevance over max(|explained|, Σ |map|) of its frame."""
        scale = np.maximum(self.explained, self.total)
        return float((self.unaccounted / np.where(scale > 0, scale, 1)).max())


def conservation(relevance: Relevance) -> Conservation:
    """Compare each map's sum with what it explains."""
    rows = flat_maps(relevance)
    explained, absorbed = _numbers(relevance.explained), _numbers(relevance.absorbed)
    missing = rows.sum(axis=1) - explained
    return Conservation(
        np.abs(missing), np.abs(missing + absorbed), np.abs(explained), np.abs(rows).sum(axis=1)
    )


@dataclass(frozen=True)
class Boundedness:
    """How much the most relevant region has compared with what is explained.

    Attributes:
        largest: ``[N]``, max |Σ of a region| over all regions: all positive relevance or all
            negative relevance, whichever is more.
        explained: ``[N]``, |explained|.
    """

    largest: Array
    explained: Array

    @property
    def excess(self) -> float:
        """By how much the mean largest region exceeds the mean |explained|, in units of that."""
        return max(0.0, _ratio(self.largest, self.explained) - 1)


def boundedness(relevance: Relevance) -> Boundedness:
    """Compare each map's largest region with what it explains."""
    rows = flat_maps(relevance)
    positive, negative = np.maximum(rows, 0).sum(axis=1), np.maximum(-rows, 0).sum(axis=1)
    return Boundedness(np.maximum(positive, negative), np.abs(_numbers(relevance.explained)))


@dataclass(frozen=True)
class Continuity:
    """How far maps jump when frames change a little.

    Attributes:
        slope: ``[N]``, max over changes of ‖R(x) − R(x')‖₁ / ‖x − x'‖₂, in relevance per input.
        relative: ``[N]``, the largest ‖R(x) − R(x')‖₁ / ‖R(x)‖₁, for comparing methods whose maps
            have different units; 0 for maps that are zero.
        function: ``[N]``, max |f(x) − f(x')| / ‖x − x'‖₂ of the explained number itself.
    """

    slope: Array
    relative: Array
    function: Array


def continuity(
    network: Network,
    observation: Observation,
    target: Target = "q",
    method: str | Method | Composite = DEFAULT_COMPOSITE,
    *,
    size: float = 0.01,
    n_changes: int = 8,
    seed: int = 0,
) -> Continuity:
    """Explain frames and frames near them, for the same action.

    Args:
        network: from :func:`rlmonitor.lrp.network_of`.
        observation: N frames.
        target: as for :func:`rlmonitor.lrp.attribute`.
        method: as for :func:`rlmonitor.explain.explain`.
        size: deviation of the Gaussian changes, as a part of the observation's range; values stay
            within that range. Values that don't vary at all stay as they are.
        n_changes: how many changes are tried.
        seed: of the changes.

    Raises:
        ConfigurationError: a size or number of changes that is not positive.
    """
    if not size > 0 or n_changes < 1:
        raise ConfigurationError(f"size and n_changes must be positive, got {size} and {n_changes}")
    tensors = network.checked(observation)
    frames = [tensor.to(torch.promote_types(tensor.dtype, torch.float32)) for tensor in tensors]
    before = explain(network, _observation(network, frames), target, method, seed=seed)
    rows, values = flat_maps(before), _numbers(before.explained)
    length = np.abs(rows).sum(axis=1)
    rng, found = np.random.default_rng(seed), []
    for _ in range(n_changes):
        changed = [_nudged(frame, size, rng) for frame in frames]
        after = explain(
            network, _observation(network, changed), target, method, action=before.action, seed=seed
        )
        moved = np.abs(flat_maps(after) - rows).sum(axis=1)
        step = _distance(frames, changed)
        slope, function = moved / step, np.abs(_numbers(after.explained) - values) / step
        found.append((slope, moved / np.where(length > 0, length, 1), function))
    return Continuity(*(np.max(kind, axis=0) for kind in zip(*found, strict=True)))


def _nudged(frame: Tensor, size: float, rng: np.random.Generator) -> Tensor:
    low, high = float(frame.min()), float(frame.max())
    noise = torch.from_numpy(rng.normal(scale=size, size=tuple(frame.shape))).to(frame)
    return (frame + (high - low) * noise).clamp(low, high)


def _distance(frames: Sequence[Tensor], changed: Sequence[Tensor]) -> Array:
    """‖x − x'‖₂ over all inputs, ``[N]``; 1 where nothing changed."""
    squares = [
        (a - b).double().flatten(1).square().sum(1) for a, b in zip(frames, changed, strict=True)
    ]
    length = np.sqrt(_numbers(torch.stack(squares).sum(0)))
    return np.asarray(np.where(length > 0, length, 1))


@dataclass(frozen=True)
class ImplementationInvariance:
    """How far maps differ between networks that compute the same function.

    Attributes:
        distance: change to ``[N]``, ‖R − R'‖₁ / ‖R‖₁, or ‖R'‖₁ where R is zero everywhere.
    """

    distance: Mapping[str, Array]


def implementation_invariance(
    network: Network,
    observation: Observation,
    target: Target = "q",
    method: str | Method | Composite = DEFAULT_COMPOSITE,
    *,
    changes: Sequence[str] = tuple(CHANGES),
    seed: int = 0,
) -> ImplementationInvariance:
    """Explain the same frames in networks with the same outputs.

    Args:
        network: from :func:`rlmonitor.lrp.network_of`.
        observation: N frames.
        target: as for :func:`rlmonitor.lrp.attribute`.
        method: as for :func:`rlmonitor.explain.explain`.
        changes: names of ``rlmonitor.explain.equivalence.CHANGES``.
        seed: of the changes and of methods that draw numbers.

    Raises:
        UnknownNameError: no such change.
        UnsupportedLayerError: the network cannot be changed, or not so: an activation that is not
            positively homogeneous cannot be rescaled.
    """
    before = explain(network, observation, target, method, seed=seed)
    rows, distance = flat_maps(before), {}
    for change in changes:
        other = equivalent(network, change, seed)
        after = explain(other, observation, target, method, action=before.action, seed=seed)
        _check_equal(before, after, change)
        moved = np.abs(flat_maps(after) - rows).sum(axis=1)
        length = np.abs(rows).sum(axis=1)
        distance[change] = moved / np.where(length > 0, length, 1)
    return ImplementationInvariance(distance)


def _check_equal(before: Relevance, after: Relevance, change: str) -> None:
    scale = float(before.outputs.abs().max())
    if not torch.allclose(before.outputs, after.outputs, rtol=1e-3, atol=1e-4 * scale):
        raise UnsupportedLayerError(
            f"the network with {change} units has other outputs: its activations are not "
            "positively homogeneous; leave this change out"
        )


def _observation(network: Network, tensors: Sequence[Tensor]) -> Observation:
    if network.inputs[0].key == SINGLE:
        return tensors[0]
    return {one.key: tensor for one, tensor in zip(network.inputs, tensors, strict=True)}


def _numbers(tensor: Tensor) -> Array:
    return np.asarray(tensor.detach().double().cpu().numpy())


def _ratio(numerator: Array, denominator: Array) -> float:
    """Ratio of the means: one frame that explains nearly nothing does not decide it."""
    scale = float(denominator.mean())
    return float(numerator.mean()) / scale if scale > 0 else 0.0
