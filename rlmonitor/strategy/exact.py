"""Statistics of frames that were pooled in many places, merged without any error of rounding.

The mean over a million frames that many machines explain must not depend on who explained which,
nor on what came back first. Floating-point addition does; so each sum is kept as a few numbers that
add up to it exactly (an expansion: Shewchuk 1997, 'Adaptive precision floating-point arithmetic'),
and is rounded once, at the end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import ObservationError
from rlmonitor.strategy.pooling import PooledFrames, Statistics, context_of


@dataclass(frozen=True)
class Sum:
    """An exact sum of so many numbers.

    Attributes:
        count: how many numbers.
        parts: what adds up to their sum, exactly; empty for zero.
    """

    count: int = 0
    parts: tuple[float, ...] = ()

    @property
    def mean(self) -> float:
        """The sum, rounded once, over the count."""
        return math.fsum(self.parts) / self.count


def sum_of(values: Sequence[float] | NDArray[np.float64]) -> Sum:
    """The exact sum of finite numbers."""
    return Sum(len(values), _expansion([float(value) for value in values]))


def added(sums: Iterable[Sum]) -> Sum:
    """The exact sum of sums, the same in any order."""
    every = list(sums)
    return Sum(sum(one.count for one in every), _expansion([p for one in every for p in one.parts]))


def _expansion(values: list[float]) -> tuple[float, ...]:
    """The correctly rounded sum, then that of what it leaves over, until nothing is left."""
    parts: list[float] = []
    while (part := math.fsum([*values, *(-each for each in parts)])) != 0:
        parts.append(part)
    return tuple(parts)


Sums = Mapping[str, Sum]

_BY_ELEMENT = ("share", "share_positive", "share_negative")
_WHERE_IT_EXISTS = ("relative", "relative_positive", "relative_negative")


@dataclass(frozen=True)
class PooledSums:
    """What `PooledFrames` add up to, of any number of frames; fields as there.

    Attributes:
        elements: names of the disjoint elements.
        frames: how many frames had relevance at all.
        means: field of `Statistics` to element to its sum over the frames that count.
        entropy: over the frames with relevance.
        frame_share: the same for each frame of the stack.
    """

    elements: tuple[str, ...]
    frames: int
    means: Mapping[str, Sums]
    entropy: Sum
    frame_share: tuple[Sum, ...]


def sums(pooled: PooledFrames) -> PooledSums:
    """Add up the frames."""
    seen = pooled.total > 0
    means = {
        field: {name: sum_of(values[seen]) for name, values in getattr(pooled, field).items()}
        for field in _BY_ELEMENT
    } | {
        field: {
            name: sum_of(values[pooled.exists[name]])
            for name, values in getattr(pooled, field).items()
        }
        for field in _WHERE_IT_EXISTS
    }
    stack = tuple(sum_of(frame) for frame in pooled.frame_share[seen].T)
    return PooledSums(pooled.elements, int(seen.sum()), means, sum_of(pooled.entropy[seen]), stack)


def merged(parts: Sequence[PooledSums]) -> PooledSums:
    """The sums over all frames; the order of the parts does not matter.

    Raises:
        ObservationError: nothing to merge, or frames of other elements or another stack.
    """
    if not parts:
        raise ObservationError("no frames to merge: expected at least one part")
    layouts = [(p.elements, {f: tuple(m) for f, m in p.means.items()}) for p in parts]
    stacks = {len(part.frame_share) for part in parts}
    if any(layout != layouts[0] for layout in layouts) or len(stacks) > 1:
        raise ObservationError("frames of other elements or another stack cannot be merged")

    first = parts[0]
    return PooledSums(
        elements=first.elements,
        frames=sum(part.frames for part in parts),
        means={
            field: {name: added(part.means[field][name] for part in parts) for name in by}
            for field, by in first.means.items()
        },
        entropy=added(part.entropy for part in parts),
        frame_share=tuple(
            added(frames) for frames in zip(*(p.frame_share for p in parts), strict=True)
        ),
    )


def statistics_of(total: PooledSums) -> Statistics:
    """Means over all frames, as `rlmonitor.strategy.pooling.pool` gives them."""
    means = {
        field: {name: one.mean for name, one in by.items() if one.count}
        for field, by in total.means.items()
    }
    share = means["share"]
    return Statistics(
        frames=total.frames,
        **means,
        context=context_of({name: share[name] for name in total.elements if name in share}),
        entropy=total.entropy.mean if total.frames else None,
        frame_share=tuple(frame.mean for frame in total.frame_share) if total.frames else (),
    )
