"""What removed pixels are replaced by: a removed patch must not say anything new.

No value is right for all games (black is the colour of the ground in one and of the ball in
another), so a test of faithfulness should be read over several; Samek et al. 2017, Hooker et al.
2019.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from rlmonitor.errors import ObservationError, UnknownNameError
from rlmonitor.explain.perturbation import blurred, images_only

Replacement = Callable[[Tensor, np.random.Generator], Tensor]
"""From values ``[N, ...]`` and a generator to what stands in their place, ``[N, ...]``."""

FEWEST = 3
"""Frames that a median over frames needs at least: that of two lies between them."""

BLUR = 5.0
"""Deviation of the Gaussian in pixels: small things such as a ball vanish."""


def _black(value: Tensor, rng: np.random.Generator) -> Tensor:
    return torch.zeros_like(value)


def _background(value: Tensor, rng: np.random.Generator) -> Tensor:
    """The median over frames: what moves is not there."""
    if len(value) < FEWEST:
        raise ObservationError(
            f"the background is the median over at least {FEWEST} frames, got {len(value)}; give "
            "more, or take 'black', 'mean', 'uniform' or 'blurred'"
        )
    return value.median(0, keepdim=True).values.expand_as(value)


def _mean(value: Tensor, rng: np.random.Generator) -> Tensor:
    """The mean pixel of each frame and channel; of a vector's numbers, each one's over frames."""
    if value.ndim < 3:
        return value.mean(0, keepdim=True).expand_as(value)
    return value.flatten(2).mean(2)[..., None, None].expand_as(value)


def _uniform(value: Tensor, rng: np.random.Generator) -> Tensor:
    """Uniform numbers between the smallest and the largest value of all frames."""
    low, high = float(value.min()), float(value.max())
    return torch.from_numpy(rng.uniform(low, high, tuple(value.shape))).to(value)


def _blurred(value: Tensor, rng: np.random.Generator) -> Tensor:
    return blurred(images_only(value, "blurred"), BLUR)


REPLACEMENTS: Mapping[str, Replacement] = MappingProxyType(
    {
        "black": _black,
        "background": _background,
        "mean": _mean,
        "uniform": _uniform,
        "blurred": _blurred,
    }
)
"""All replacements by name."""


def replacement_of(name: str) -> Replacement:
    """The replacement of that name.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in REPLACEMENTS:
        raise UnknownNameError("replacement", name, REPLACEMENTS)
    return REPLACEMENTS[name]
