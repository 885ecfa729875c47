"""How alike two sets of maps are, frame by frame.

A map that is zero everywhere has no direction: it is unlike every other map (0) and like another
one that is zero (1). The same holds for maps without variation under rank correlation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from scipy.stats import rankdata
from torch import Tensor

from rlmonitor.errors import ConfigurationError, ObservationError
from rlmonitor.lrp.propagation import Relevance

Array = NDArray[np.float64]

WINDOW = 7
"""Side of the windows of :func:`structural_similarity`, in pixels."""


def flat_maps(relevance: Relevance) -> Array:
    """All maps of a frame in one row, ``[N, D]``."""
    return np.concatenate([_rows(one) for one in relevance.maps.values()], axis=1)


def _rows(one: Tensor) -> Array:
    return np.asarray(one.detach().flatten(1).double().cpu().numpy())


def cosine(one: Array, other: Array) -> Array:
    """Cosine of maps ``[N, D]``, ``[N]``, from -1 to 1.

    Raises:
        ObservationError: shapes differ.
    """
    _check_same(one, other)
    lengths = np.linalg.norm(one, axis=1), np.linalg.norm(other, axis=1)
    both = (lengths[0] > 0) & (lengths[1] > 0)
    neither = (lengths[0] == 0) & (lengths[1] == 0)
    # Unit vectors first: the product of two small lengths underflows.
    units = [
        rows / np.where(n > 0, n, 1)[:, None] for rows, n in zip((one, other), lengths, strict=True)
    ]
    inner = np.clip(np.einsum("nd,nd->n", *units), -1, 1)
    return np.asarray(np.where(both, inner, neither.astype(np.float64)))


def rank_correlation(one: Array, other: Array) -> Array:
    """Spearman's rank correlation of maps ``[N, D]``, ``[N]``, from -1 to 1.

    Raises:
        ObservationError: shapes differ.
    """
    _check_same(one, other)
    ranks = [rankdata(rows, axis=1) for rows in (one, other)]
    return cosine(*(rows - rows.mean(axis=1, keepdims=True) for rows in ranks))


def structural_similarity(one: Array, other: Array) -> Array:
    """SSIM of maps ``[N, C, H, W]``, ``[N]``; 1 for equal maps.

    Each map is divided by its largest |relevance|. Wang et al. 2004 (doi 10.1109/TIP.2003.819861),
    eq. 13, over all 7 x 7 windows with equal weights and the sample covariance, averaged over
    windows and channels; the range is that of the two maps of a channel.

    Raises:
        ObservationError: shapes differ.
        ConfigurationError: images smaller than a window.
    """
    _check_same(one, other)
    if one.ndim != 4 or min(one.shape[2:]) < WINDOW:
        raise ConfigurationError(
            f"structural similarity needs images of at least {WINDOW} x {WINDOW}, got "
            f"{list(one.shape)}"
        )
    scaled = [maps / np.where((top := _top(maps)) > 0, top, 1) for maps in (one, other)]
    return np.array(
        [
            np.mean([_ssim(a, b) for a, b in zip(x, y, strict=True)])
            for x, y in zip(*scaled, strict=True)
        ]
    )


def _top(maps: Array) -> Array:
    return np.asarray(np.abs(maps).max(axis=(1, 2, 3), keepdims=True))


def _ssim(one: Array, other: Array) -> float:
    """For two images ``[H, W]``."""
    span = max(one.max(), other.max()) - min(one.min(), other.min())
    if span == 0:
        return 1.0
    small = (0.01 * span) ** 2, (0.03 * span) ** 2
    means = uniform_filter(one, WINDOW), uniform_filter(other, WINDOW)
    unbiased = WINDOW**2 / (WINDOW**2 - 1)

    def covariance(i: int, j: int) -> Array:
        pair = (one, other)[i] * (one, other)[j]
        return np.asarray(unbiased * (uniform_filter(pair, WINDOW) - means[i] * means[j]))

    above = (2 * means[0] * means[1] + small[0]) * (2 * covariance(0, 1) + small[1])
    below = (means[0] ** 2 + means[1] ** 2 + small[0]) * (
        covariance(0, 0) + covariance(1, 1) + small[1]
    )
    border = WINDOW // 2
    inside = slice(border, one.shape[0] - border), slice(border, one.shape[1] - border)
    return float((above / below)[inside].mean())


def _check_same(one: Array, other: Array) -> None:
    if one.shape != other.shape:
        raise ObservationError(
            f"maps of {list(one.shape)} and {list(other.shape)} cannot be compared; explain the "
            "same frames"
        )
