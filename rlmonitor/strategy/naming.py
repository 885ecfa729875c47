"""Strategies by name: the elements of the screen that their relevance lies on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rlmonitor.strategy.places import REST

LEAST_SHARE = 0.01
"""An element below this part of the relevance names nothing."""

DISTINCT = 1.25
"""How many times its share elsewhere an element must have to tell a strategy from the others."""

MOST_ELEMENTS = 2

Shares = Mapping[str, NDArray[np.float64]]
Profile = Mapping[str, float]


def element_profile(share: Shares, members: NDArray[np.int64]) -> dict[str, float]:
    """Mean share of each element over some frames.

    Args:
        share: element to ``[N]``, as `rlmonitor.strategy.pooling.PooledFrames.share` has it.
        members: ``[n]`` indices of frames, at least one.
    """
    return {name: float(values[members].mean()) for name, values in share.items()}


def name_of(profile: Profile, others: Profile | None = None) -> str:
    """A strategy's name, such as ``ball + paddle``.

    The elements with at least 1.25 times the share that they have in the other frames name it,
    those that stand out most first: so a ball of two pixels can name one. Where none has, or there
    are no others, the elements with the largest shares do. ``elsewhere`` is relevance that lies on
    no element.

    Args:
        profile: element to share, of the strategy's frames.
        others: the same of all other frames, or None if there are none.

    >>> name_of({"ball": 0.3, "paddle": 0.2, "display": 0.01, "rest": 0.49})
    'ball + paddle'
    >>> name_of({"ball": 0.3, "tunnel": 0.2, "rest": 0.5}, {"ball": 0.4, "tunnel": 0.05})
    'tunnel'
    """
    large = sorted(
        (name for name, share in profile.items() if name != REST and share >= LEAST_SHARE),
        key=lambda name: (-profile[name], name),
    )
    ratio = (
        {name: profile[name] / max(others.get(name, 0.0), 1e-9) for name in large} if others else {}
    )
    distinct = sorted((n for n in ratio if ratio[n] >= DISTINCT), key=lambda n: -ratio[n])
    return " + ".join((distinct or large)[:MOST_ELEMENTS]) or "elsewhere"
