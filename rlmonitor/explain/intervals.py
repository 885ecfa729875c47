"""Confidence intervals: of means over frames, by the bootstrap (Efron 1979), and of rates."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from rlmonitor.errors import ConfigurationError, NonFiniteError, ObservationError

BLOCK = 256
"""Resamples that are drawn at once, which bounds memory."""


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence interval.

    Attributes:
        mean: over all frames.
        low: lower end.
        high: upper end.
    """

    mean: float
    low: float
    high: float


def bootstrap_interval(
    values: ArrayLike, confidence: float = 0.95, n_resamples: int = 2000, seed: int = 0
) -> Interval:
    """Percentile interval of the mean.

    Args:
        values: ``[N]``, one number a frame. Frames of one game are alike: frames that follow each
            other make the interval too narrow, so take them far apart.
        confidence: how often the interval should hold the true mean, between 0 and 1.
        n_resamples: how many samples of N are drawn with replacement.
        seed: of the draws.

    Raises:
        ObservationError: no values, or not ``[N]``.
        NonFiniteError: a value is NaN or infinite.
        ConfigurationError: a confidence that is not between 0 and 1, or no resamples.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or not numbers.size:
        raise ObservationError(f"an interval needs values [N], got {list(numbers.shape)}")
    if not np.isfinite(numbers).all():
        raise NonFiniteError("an interval needs finite values, got NaN or infinity")
    if not 0 < confidence < 1 or n_resamples < 1:
        raise ConfigurationError(
            f"confidence must be between 0 and 1 and n_resamples at least 1, got {confidence} and "
            f"{n_resamples}"
        )
    rng = np.random.default_rng(seed)
    means = [
        numbers[
            rng.integers(len(numbers), size=(min(BLOCK, n_resamples - start), len(numbers)))
        ].mean(1)
        for start in range(0, n_resamples, BLOCK)
    ]
    edge = (1 - confidence) / 2
    low, high = np.quantile(np.concatenate(means), [edge, 1 - edge])
    return Interval(float(numbers.mean()), float(low), float(high))


def wilson_interval(hits: int, n: int, confidence: float = 0.95) -> Interval:
    """Interval of a rate (Wilson 1927), right for few trials and for rates of 0 and 1 as well.

    Args:
        hits: trials in which it happened.
        n: all trials, independent of each other.
        confidence: how often the interval should hold the true rate, between 0 and 1.

    Raises:
        ConfigurationError: no trials, more hits than trials, or a confidence that is not between
            0 and 1.
    """
    if not 0 <= hits <= n or n < 1:
        raise ConfigurationError(f"a rate needs 0 to n hits of n trials, got {hits} of {n}")
    if not 0 < confidence < 1:
        raise ConfigurationError(f"confidence must be between 0 and 1, got {confidence}")
    z, rate = NormalDist().inv_cdf((1 + confidence) / 2), hits / n
    centre, scale = rate + z * z / (2 * n), 1 + z * z / n
    width = z * (rate * (1 - rate) / n + z * z / (4 * n * n)) ** 0.5
    low, high = max((centre - width) / scale, 0.0), min((centre + width) / scale, 1.0)
    return Interval(rate, low, high)
