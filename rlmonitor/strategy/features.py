"""Relevance maps as points of one space: summed over the stack, downsized, normalised.

The preprocessing of SpRAy (Lapuschkin et al. 2019, Methods): maps of any shape become pictures of
one shape, small enough that one pixel more or less is the same place, and scaled so that what
counts is where the relevance lies, not how large the Q-value is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlmonitor.errors import ConfigurationError, NonFiniteError, ObservationError

FEATURE_SHAPE = (21, 21)
"""Of the downsized maps: 4 x 4 pixels of an 84 x 84 observation each."""

BLOCK = 512
"""Maps that are worked on at once: what bounds the memory when the maps lie on disk."""

Features = NDArray[np.float32]


def downsize(pictures: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Sum-pool pictures to a shape; a pixel across a border is divided by area, so sums stay.

    Args:
        pictures: ``[N, H, W]``.
        shape: ``(h, w)``; may be larger than the pictures, whose pixels are then spread out.

    Returns:
        ``[N, h, w]`` with the same sum per picture.
    """
    rows, columns = (_overlaps(size, n) for size, n in zip(pictures.shape[1:], shape, strict=True))
    return np.asarray(rows @ pictures.astype(np.float64) @ columns.T)


def relevance_features(maps: ArrayLike, shape: tuple[int, int] = FEATURE_SHAPE) -> Features:
    """Σ_c |R_c| of each map, downsized and divided by its sum.

    Args:
        maps: ``[N, C, H, W]`` relevance, or frames for the baseline; anything that can be sliced
            and has a shape, such as a ``np.memmap``: only a block at a time is held.
        shape: height and width of the downsized map.

    Returns:
        ``[N, h * w]`` float32, rows that add up to 1, or to 0 where a map is zero everywhere.

    Raises:
        ObservationError: not four axes, or one of them empty.
        NonFiniteError: NaN or infinity.
        ConfigurationError: a shape below 1 x 1.
    """
    if min(shape) < 1:
        raise ConfigurationError(f"feature shape {shape}: expected at least (1, 1)")
    features = [
        downsize(pictures, shape).reshape(len(pictures), -1) for pictures in normalised(maps)
    ]
    return np.concatenate(features).astype(np.float32)


def normalised(maps: ArrayLike) -> Iterator[NDArray[np.float64]]:
    """Blocks ``[n, H, W]`` of Σ_c |R_c| / Σ |R|, in order; a map of zeros stays one.

    Raises:
        ObservationError: not four axes, or one of them empty.
        NonFiniteError: NaN or infinity.
    """
    shape = np.shape(maps)
    if len(shape) != 4 or 0 in shape:
        raise ObservationError(f"maps of shape {shape}: expected [N, C, H, W], none of them 0")
    sliceable: Any = maps if hasattr(maps, "shape") else np.asarray(maps)
    for start in range(0, shape[0], BLOCK):
        block = np.asarray(sliceable[start : start + BLOCK])
        picture = np.abs(block.astype(np.float32)).sum(axis=1, dtype=np.float64)
        total = picture.sum(axis=(1, 2), keepdims=True)
        if not np.isfinite(total).all():
            worst = start + int(np.argmin(np.isfinite(total)))
            raise NonFiniteError(
                f"map {worst} holds NaN or infinity: are the network's weights finite?"
            )
        yield np.divide(picture, total, out=np.zeros_like(picture), where=total > 0)


def _overlaps(size: int, n: int) -> NDArray[np.float64]:
    """``[n, size]``: how much of each pixel of a line lies in each of n equal cells."""
    edges = np.arange(n + 1) * size / n
    pixels = np.arange(size)
    low = np.maximum(edges[:-1, None], pixels)
    return np.asarray(np.clip(np.minimum(edges[1:, None], pixels + 1) - low, 0, None))
