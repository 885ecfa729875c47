"""Pixel flipping: what is relevant should be missed when it is taken away.

Patches are replaced one after the other, the most relevant ones first (MoRF), the least relevant
ones first (LeRF) and in random order, and the explained number is computed anew. A faithful map
makes the first curve fall fast: the *area* is the mean distance from the MoRF curve up to the
random one, over all numbers of removed patches,

    area = mean_k ( random_k - MoRF_k ),        k = 1 ... K,

so that positive is better than random and 0 is what a map without information gets. Bach et al.
2015, 'On pixel-wise explanations'; Samek et al. 2017 (doi 10.1109/TNNLS.2016.2599820), whose AOPC
is ``mean_k (f(x) - MoRF_k)``. The difference to random orders takes out what any removal does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rlmonitor.errors import ConfigurationError, ObservationError
from rlmonitor.explain.replacement import replacement_of
from rlmonitor.explain.target_function import TargetFunction
from rlmonitor.lrp.network import FORWARD_CHUNK, Network
from rlmonitor.lrp.observations import Observation
from rlmonitor.lrp.propagation import Relevance

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curves:
    """What happens while K patches are removed, ``[N, K + 1]`` each; the first column is before.

    Attributes:
        explained: the explained number, for the action that the map explains.
        survival: 1 where the greedy action is still that of the whole frame, else 0; the mean over
            random orders.
    """

    explained: Array
    survival: Array


@dataclass(frozen=True)
class PixelFlipping:
    """Curves of three orders, and the areas between them.

    Attributes:
        most: most relevant patches first.
        least: least relevant patches first.
        random: the mean over random orders.
        patch: side of the patches in pixels.
        replacement: what removed patches were replaced by.
    """

    most: Curves
    least: Curves
    random: Curves
    patch: int
    replacement: str

    @property
    def area(self) -> Array:
        """``[N]``, in the explained number's unit: positive is better than random."""
        return _mean_gap(self.random.explained, self.most.explained)

    @property
    def relative_area(self) -> Array:
        """``[N]``, the area over the mean |explained number| of all frames; 0 where that is 0."""
        return _relative_area(self.most, self.random)

    @property
    def least_area(self) -> Array:
        """``[N]``, by how much the LeRF curve stays above the random one: positive is better."""
        return _mean_gap(self.least.explained, self.random.explained)

    @property
    def survival_area(self) -> Array:
        """``[N]``, of the greedy action's survival: positive if lost sooner than at random."""
        return _mean_gap(self.random.survival, self.most.survival)


def _relative_area(most: Curves, random: Curves) -> Array:
    area = _mean_gap(random.explained, most.explained)
    scale = float(np.abs(most.explained[:, 0]).mean())
    return area / scale if scale > 0 else np.zeros(len(area))


def _mean_gap(upper: Array, lower: Array) -> Array:
    return np.asarray((upper - lower)[:, 1:].mean(axis=1))


def pixel_flipping(
    network: Network,
    observation: Observation,
    relevance: Relevance,
    *,
    patch: int = 6,
    n_patches: int = 30,
    replacement: str = "background",
    absolute: bool = False,
    n_random: int = 3,
    seed: int = 0,
) -> PixelFlipping:
    """Remove patches in the order of a map.

    Args:
        network: the explained one.
        observation: the N explained frames.
        relevance: their maps, from :func:`rlmonitor.lrp.attribute` or
            :func:`rlmonitor.explain.explain`.
        patch: side of the square patches, which go through the whole stack; those at the far edge
            may be smaller. A vector's numbers are removed one by one.
        n_patches: K, how many are removed; no more than there are.
        replacement: a name of ``rlmonitor.explain.REPLACEMENTS``.
        absolute: order by the sum of |relevance| instead of the sum of relevance.
        n_random: random orders that are averaged.
        seed: of random orders, of ties and of random replacements.

    Raises:
        ObservationError: frames that do not fit the network or the map; too few for a background.
        UnknownNameError: no such replacement.
        ConfigurationError: a number that must be positive is not.
    """
    (found,) = _curves(
        *(network, observation, [relevance], ("most", "least")),
        patch=patch,
        n_patches=n_patches,
        replacement=replacement,
        absolute=absolute,
        n_random=n_random,
        seed=seed,
    )
    return PixelFlipping(**found, patch=patch, replacement=replacement)


def relative_areas(
    network: Network,
    observation: Observation,
    relevance: Sequence[Relevance],
    *,
    patch: int,
    n_patches: int,
    replacement: str,
    n_random: int,
    seed: int,
) -> list[Array]:
    """`PixelFlipping.relative_area` of maps for several targets, ``[N]`` each.

    Random orders are the same for all, and the least relevant patches stay. Arguments and errors
    are those of `pixel_flipping`.
    """
    found = _curves(
        *(network, observation, relevance, ("most",)),
        patch=patch,
        n_patches=n_patches,
        replacement=replacement,
        absolute=False,
        n_random=n_random,
        seed=seed,
    )
    return [_relative_area(one["most"], one["random"]) for one in found]


def _curves(
    network: Network,
    observation: Observation,
    relevance: Sequence[Relevance],
    orders: Sequence[str],
    *,
    patch: int,
    n_patches: int,
    replacement: str,
    absolute: bool,
    n_random: int,
    seed: int,
) -> list[dict[str, Curves]]:
    """For each target's maps the curves of some orders and of random ones, by their names."""
    _check_positive(patch=patch, n_patches=n_patches, n_random=n_random)
    functions = [TargetFunction(network, one.target) for one in relevance]
    tensors = network.checked(observation)
    for one in relevance:
        check_fits(tensors, one)
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        values = network.converted(tensors)
        substitute = [replacement_of(replacement)(value, rng) for value in values]
        labels = patches(values, patch)
        scores = [
            patch_sums(list(one.maps.values()), labels, absolute=absolute) for one in relevance
        ]
        first = _ranks(scores[0], rng)  # whose draws do not depend on how many follow
        shuffled = [_random_ranks(scores[0], rng) for _ in range(n_random)]
        by_map = [first, *(_ranks(score, rng) for score in scores[1:])]
        ranks = [*(by_score[order] for by_score in by_map for order in orders), *shuffled]
        n_patches = min(n_patches, scores[0].shape[1])
        scene = _Scene(functions, values, substitute, labels, [one.action for one in relevance])
        explained, survival = scene.remove(ranks, n_patches)
    found = []
    for number, amounts in enumerate(explained):
        own = {
            order: Curves(amounts[at], survival[at])
            for at, order in enumerate(orders, number * len(orders))
        }
        random = amounts[-n_random:].mean(axis=0), survival[-n_random:].mean(axis=0)
        found.append(own | {"random": Curves(*random)})
    return found


def _check_positive(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise ConfigurationError(f"{name} must be at least 1, got {number}")


def check_fits(tensors: Sequence[Tensor], relevance: Relevance) -> None:
    """Refuse a map of other frames.

    Raises:
        ObservationError: shapes differ.
    """
    for tensor, one in zip(tensors, relevance.maps.values(), strict=True):
        if tensor.shape != one.shape:
            raise ObservationError(
                f"the map is {list(one.shape)}, but the observation is {list(tensor.shape)}; give "
                "the frames that the map explains"
            )


def patches(values: Sequence[Tensor], side: int) -> list[Tensor]:
    """The number of the patch that each pixel is in: ``[H, W]`` or ``[D]`` for each input."""
    labels, first = [], 0
    for value in values:
        if value.ndim == 4:
            rows, columns = (torch.arange(size) // side for size in value.shape[2:])
            label = rows[:, None] * (int(columns[-1]) + 1) + columns
        else:
            label = torch.arange(value.shape[1:].numel()).reshape(value.shape[1:])
        labels.append((label + first).to(value.device))
        first += int(label.max()) + 1
    return labels


def patch_sums(
    maps: Sequence[Tensor], labels: Sequence[Tensor], *, absolute: bool = False
) -> Tensor:
    """Relevance of each patch, summed over the stack: ``[N, P]`` float64."""
    total = sum(int(label.max()) - int(label.min()) + 1 for label in labels)
    sums = torch.zeros(len(maps[0]), total, dtype=torch.float64, device=maps[0].device)
    for one, label in zip(maps, labels, strict=True):
        amount = one.double().abs() if absolute else one.double()
        picture = amount.sum(1) if amount.ndim == 4 else amount
        sums.index_add_(1, label.flatten().to(sums.device), picture.flatten(1))
    return sums


def _ranks(score: Tensor, rng: np.random.Generator) -> dict[str, Tensor]:
    """When each patch is removed, ``[N, P]``, by its score: downwards, and upwards.

    Equal scores are removed in random order, so that a constant map is no order at all.
    """

    def ranks(keys: Tensor) -> Tensor:
        order = np.lexsort((_random_ranks(keys, rng).cpu().numpy(), keys.cpu().numpy()), axis=1)
        return torch.from_numpy(np.argsort(order, axis=1)).to(keys.device)

    return {"most": ranks(-score), "least": ranks(score)}


def _random_ranks(score: Tensor, rng: np.random.Generator) -> Tensor:
    """The same at random."""
    places = np.broadcast_to(np.arange(score.shape[1]), score.shape)
    return torch.from_numpy(rng.permuted(places, axis=1)).to(score.device)


@dataclass(frozen=True)
class _Scene:
    """Frames, what replaces them, and the functions that are watched, one an action each."""

    functions: Sequence[TargetFunction]
    values: Sequence[Tensor]
    substitute: Sequence[Tensor]
    labels: Sequence[Tensor]
    actions: Sequence[Tensor]

    def remove(self, orders: Sequence[Tensor], n_patches: int) -> tuple[Array, Array]:
        """The explained numbers ``[functions, orders, N, K + 1]``, the greedy action's survival."""
        n_frames = len(self.values[0])
        whole, greedy = self._watch(self.values, torch.arange(n_frames))
        shape = len(orders), n_patches + 1, n_frames
        explained, survival = np.empty((len(whole), *shape)), np.ones(shape)
        explained[:, :, 0] = whole[:, None]
        stages = [(o, k) for o in range(len(orders)) for k in range(1, n_patches + 1)]
        at_once = max(1, FORWARD_CHUNK // n_frames)
        for start in range(0, len(stages), at_once):
            group = stages[start : start + at_once]
            changed = [
                torch.cat([self._without(number, orders[o], k) for o, k in group])
                for number in range(len(self.values))
            ]
            value, best = self._watch(changed, torch.arange(n_frames).repeat(len(group)))
            same = best.reshape(len(group), n_frames) == greedy
            amounts = value.reshape(len(value), len(group), n_frames)
            for at, (o, k) in enumerate(group):
                explained[:, o, k], survival[o, k] = amounts[:, at], same[at]
        return explained.swapaxes(-1, -2), survival.swapaxes(-1, -2)

    def _without(self, number: int, ranks: Tensor, k: int) -> Tensor:
        """One input with the first k patches of an order replaced."""
        value, label = self.values[number], self.labels[number]
        gone = (ranks < k)[:, label]
        return torch.where(
            gone[:, None] if value.ndim == 4 else gone, self.substitute[number], value
        )

    def _watch(self, values: Sequence[Tensor], frames: Tensor) -> tuple[Array, NDArray[np.int64]]:
        """Explained numbers ``[functions, M]`` and greedy actions ``[M]`` of changed frames."""
        whole = max(self.functions, key=lambda function: function.n_nodes)
        amounts, best = [], []
        for start in range(0, len(values[0]), FORWARD_CHUNK):
            part = [value[start : start + FORWARD_CHUNK] for value in values]
            activations = whole.activations(part)
            of = frames[start : start + FORWARD_CHUNK].to(self.actions[0].device)
            read = [
                function.read(activations, action[of])
                for function, action in zip(self.functions, self.actions, strict=True)
            ]
            amounts.append(torch.stack(read).double().cpu().numpy())
            best.append(activations[whole.network.output].argmax(1).cpu().numpy())
        return np.concatenate(amounts, axis=1), np.concatenate(best)
