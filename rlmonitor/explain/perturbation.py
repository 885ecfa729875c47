"""Explanations by what happens when a part of the frame is changed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.nn import functional

from rlmonitor.errors import ConfigurationError
from rlmonitor.explain.question import Maps, Question

FORWARD = 256
"""Changed frames that go through the network at once."""


def occlusion(question: Question, patch: int = 6) -> Maps:
    """What is lost when a patch is set to the background; Zeiler and Fergus 2014.

    Patches are squares over the whole stack, side by side; a patch at the far edge may be smaller.
    The background of an image is each frame's median pixel, for each channel, and 0 for a vector,
    whose numbers are taken away one by one. ``f(x) - f(x without the patch)`` is spread evenly over
    the patch, so that a patch's sum is what was lost with it.
    """
    base = question.function(question.values, question.action)
    return tuple(
        _occluded_input(question, number, base, patch) for number in range(len(question.values))
    )


def _occluded_input(question: Question, number: int, base: Tensor, patch: int) -> Tensor:
    value = question.values[number]
    ground = background_of(value)
    result = torch.zeros_like(value)
    for region in _regions(value, patch):
        changed = value.clone()
        changed[region] = ground.expand_as(value)[region]
        values = [*question.values[:number], changed, *question.values[number + 1 :]]
        lost = base - question.function(values, question.action)
        area = value[region][0].numel()
        result[region] = (lost / area).reshape(-1, *[1] * (value.ndim - 1))
    return result


def background_of(value: Tensor) -> Tensor:
    """The median pixel of each frame and channel, ``[N, C, 1, 1]``; 0 where there are no pixels."""
    if value.ndim != 4:
        return torch.zeros_like(value[..., :1])
    return value.flatten(2).median(2, keepdim=True).values[..., None]


def _regions(value: Tensor, patch: int) -> Iterator[tuple[slice, ...]]:
    """Index of each patch in ``[N, C, H, W]``, or of each number in ``[N, D]``."""
    everything = slice(None)
    if value.ndim != 4:
        for column in range(value.shape[1]):
            yield everything, slice(column, column + 1)
        return
    for row in range(0, value.shape[2], patch):
        for column in range(0, value.shape[3], patch):
            yield everything, everything, slice(row, row + patch), slice(column, column + patch)


def blur(question: Question, radius: float = 5, density: int = 5, sigma: float = 3) -> Maps:
    """How far the target changes when a spot is blurred; Greydanus et al. 2018, eq. 1 to 3.

    At every ``density``-th pixel, all frames of the stack are blended with their blurred copy
    (Gaussian, deviation ``sigma``) under a spot of deviation ``radius``. The score is
    ``(f(x) - f(x'))^2 / 2``, with the explained number in place of the policy's logits or of the
    critic's value; it is made as large as the image by linear interpolation with the same maximum,
    as in the authors' code, and shared out evenly over the stack. Never negative.

    Raises:
        ConfigurationError: observations that are no images.
    """
    base = question.function(question.values, question.action)
    return tuple(
        _blurred_input(question, number, base, radius, density, sigma)
        for number in range(len(question.values))
    )


def _blurred_input(
    question: Question, number: int, base: Tensor, radius: float, density: int, sigma: float
) -> Tensor:
    value = images_only(question.values[number], "blur")
    soft = blurred(value, sigma)
    size = value.shape[2], value.shape[3]
    grid = [range(0, side, density) for side in size]
    score = value.new_zeros(len(value), len(grid[0]), len(grid[1]))
    for row, y in enumerate(grid[0]):
        for column, x in enumerate(grid[1]):
            spot = torch.from_numpy(_spot(size, (y, x), radius)).to(value)
            changed = value + spot * (soft - value)
            values = [*question.values[:number], changed, *question.values[number + 1 :]]
            score[:, row, column] = (base - question.function(values, question.action)) ** 2 / 2
    return _enlarged(score, size)[:, None].expand_as(value) / value.shape[1]


def blurred(value: Tensor, sigma: float) -> Tensor:
    """Images ``[N, C, H, W]`` under a Gaussian of the given deviation, as scipy has it."""
    soft = gaussian_filter(value.cpu().numpy(), (0, 0, sigma, sigma))
    return torch.from_numpy(soft).to(value)


@lru_cache(maxsize=512)
def _spot(size: tuple[int, int], centre: tuple[int, int], radius: float) -> NDArray[np.float64]:
    """Greydanus' mask ``[H, W]``: a disc of radius 1, blurred, with maximum 1."""
    rows, columns = np.ogrid[: size[0], : size[1]]
    disc = ((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= 1).astype(np.float64)
    mask = gaussian_filter(disc, radius)
    return np.asarray(mask / mask.max())


def _enlarged(score: Tensor, size: tuple[int, int]) -> Tensor:
    """``[N, h, w]`` to ``[N, H, W]`` with the same maxima."""
    large = functional.interpolate(score[:, None], size, mode="bilinear", align_corners=False)[:, 0]
    peaks = score.flatten(1).amax(1), large.flatten(1).amax(1)
    factor = torch.where(peaks[1] > 0, peaks[0] / peaks[1].clamp(min=1e-30), peaks[1])
    return large * factor[:, None, None]


def images_only(value: Tensor, method: str) -> Tensor:
    """The value, if it is an image.

    Raises:
        ConfigurationError: it is a vector.
    """
    if value.ndim != 4:
        raise ConfigurationError(
            f"{method!r} explains images [N, C, H, W], got {list(value.shape)}; 'occlusion' and "
            "the methods by gradients explain vectors too"
        )
    return value
