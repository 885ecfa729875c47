"""Whether relevance ranks the elements as intervention does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from rlmonitor.errors import NonFiniteError

Array = NDArray[np.float64]


def agreement(
    relative: Mapping[str, Array],
    effect: Mapping[str, Array],
    exists: Mapping[str, NDArray[np.bool_]],
) -> float | None:
    """How far relevance ranks the elements as intervention does: the mean of Spearman's ρ.

    ρ is taken in each frame over the elements that are there, and then averaged over frames: a mean
    over frames first would leave one ranking of a handful of elements. Ties share their mean rank.
    A frame says nothing with fewer than three elements, or where all are alike in relevance or in
    effect.

    Args:
        relative: element to ``[M]`` relative relevance.
        effect: element to ``[M]``.
        exists: element to ``[M]`` bool; an element counts in the frames that have it.

    Returns:
        In [−1, 1]; None where no frame says anything.
    """
    names = [name for name in effect if name in relative]
    if not names:
        return None
    columns = [np.stack([part[name] for name in names], axis=1) for part in (relative, effect)]
    there = np.stack([exists[name] for name in names], axis=1)
    found = [
        rank_correlation(relevance[on], change[on])
        for relevance, change, on in zip(*columns, there, strict=True)
        if on.sum() >= 3
    ]
    told = [value for value in found if value is not None]
    return float(np.mean(told)) if told else None


def rank_correlation(first: NDArray[Any], second: NDArray[Any]) -> float | None:
    """Spearman's ρ with mean ranks for ties; None where one side is constant.

    Raises:
        NonFiniteError: NaN or infinity, which have no rank.
    """
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise NonFiniteError("numbers to be ranked hold NaN or infinity")
    a, b = (ranks - ranks.mean() for ranks in (rankdata(first), rankdata(second)))
    norm = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / norm) if norm > 0 else None
