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
        scale = float(np.abs(self.most.explained[:, 0]).mean())
        return self.area / scale if scale > 0 else np.zeros(len(self.area))

    @property
    def least_area(self) -> Array:
        """``[N]``, by how much the LeRF curve stays above the random one: positive is better."""
        return _mean_gap(self.least.explained, self.random.explained)

    @property
    def survival_area(self) -> Array:
        """``[N]``, of the greedy action's survival: positive if lost sooner than at random."""
        return _mean_gap(self.random.survival, self.most.survival)


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
    _check_positive(patch=patch, n_patches=n_patches, n_random=n_random)
    function = TargetFunction(network, relevance.target)
    tensors = network.checked(observation)
    check_fits(tensors, relevance)
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        values = network.converted(tensors)
        substitute = [replacement_of(replacement)(value, rng) for value in values]
        labels = patches(values, patch)
        score = patch_sums(list(relevance.maps.values()), labels, absolute=absolute)
        orders = _ranks(score, n_random, rng)
        n_patches = min(n_patches, score.shape[1])
        scene = _Scene(function, values, substitute, labels, relevance.action)
        explained, survival = scene.remove(orders, n_patches)
    return PixelFlipping(
        Curves(explained[0], survival[0]),
        Curves(explained[1], survival[1]),
        Curves(explained[2:].mean(axis=0), survival[2:].mean(axis=0)),
        patch,
        replacement,
    )


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


def _ranks(score: Tensor, n_random: int, rng: np.random.Generator) -> list[Tensor]:
    """When each patch is removed, ``[N, P]``: by score downwards, upwards, then at random.

    Equal scores are removed in random order, so that a constant map is no order at all.
    """
    scores = score.cpu().numpy()
    shape = scores.shape

    def shuffled() -> NDArray[np.int64]:
        return rng.permuted(np.broadcast_to(np.arange(shape[1]), shape), axis=1)

    def ranks(keys: Array) -> NDArray[np.int64]:
        order = np.lexsort((shuffled(), keys), axis=1)
        return np.asarray(np.argsort(order, axis=1))

    found = [ranks(-scores), ranks(scores), *(shuffled() for _ in range(n_random))]
    return [torch.from_numpy(one).to(score.device) for one in found]


@dataclass(frozen=True)
class _Scene:
    """Frames, what replaces them, and the function that is watched."""

    function: TargetFunction
    values: Sequence[Tensor]
    substitute: Sequence[Tensor]
    labels: Sequence[Tensor]
    action: Tensor

    def remove(self, orders: Sequence[Tensor], n_patches: int) -> tuple[Array, Array]:
        """The explained number and the greedy action's survival, ``[orders, N, K + 1]`` each."""
        n_frames = len(self.values[0])
        whole, greedy = self._watch(self.values, torch.arange(n_frames))
        shape = len(orders), n_patches + 1, n_frames
        explained, survival = np.empty(shape), np.ones(shape)
        explained[:, 0] = whole
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
            for (o, k), amount, kept in zip(
                group, value.reshape(len(group), n_frames), same, strict=True
            ):
                explained[o, k], survival[o, k] = amount, kept
        return explained.transpose(0, 2, 1), survival.transpose(0, 2, 1)

    def _without(self, number: int, ranks: Tensor, k: int) -> Tensor:
        """One input with the first k patches of an order replaced."""
        value, label = self.values[number], self.labels[number]
        gone = (ranks < k)[:, label]
        return torch.where(
            gone[:, None] if value.ndim == 4 else gone, self.substitute[number], value
        )

    def _watch(self, values: Sequence[Tensor], frames: Tensor) -> tuple[Array, NDArray[np.int64]]:
        """The explained number and the greedy action of changed frames, by the frame's number."""
        amounts, best = [], []
        for start in range(0, len(values[0]), FORWARD_CHUNK):
            part = [value[start : start + FORWARD_CHUNK] for value in values]
            activations = self.function.activations(part)
            outputs = activations[self.function.network.output]
            own = self.action[frames[start : start + FORWARD_CHUNK].to(self.action.device)]
            amounts.append(self.function.read(activations, own).double().cpu().numpy())
            best.append(outputs.argmax(1).cpu().numpy())
        return np.concatenate(amounts), np.concatenate(best)
