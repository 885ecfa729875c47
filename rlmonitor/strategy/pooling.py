"""Relevance pooled over elements of the screen, over the frame stack and over frames.

A map R of shape ``[C, H, W]`` is first made a picture M = Σ_c |R_c|, summed over the stack. Then

* *share* of an element = Σ M on the element / Σ M. Elements are disjoint and ``rest`` is all else,
  so shares add up to 1: pooling conserves relevance (Bach et al. 2015, eq. 2, over groups of pixels
  instead of single ones).
* *relative relevance* = mean of M on the element / mean of M on the frame: 1 is what an element
  gets that is no more looked at than any other place (Lapuschkin et al. 2019, Fig. 2).

A frame where an element is not there gives no relative relevance; a frame whose map is zero
everywhere gives no statistic at all. What no frame gives is left out, never NaN.

Over an episode and over a training, frames are pooled as within a round: `pool_episodes` and
`concatenate` then `pool`. By screen region, see `rlmonitor.strategy.regions`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import NonFiniteError, ObservationError
from rlmonitor.strategy.places import REST, Masks, Places, check_shapes, places_of

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PooledFrames:
    """Statistics of each of N frames.

    Attributes:
        elements: names of the disjoint elements, ``rest`` among them.
        total: ``[N]`` Σ |relevance| of the frame.
        share: element to ``[N]``, adding up to 1 over the disjoint elements where total > 0.
        share_positive: as ``share``, of the positive part over all |relevance|;
            ``share_positive + share_negative == share``.
        share_negative: the same of the negative part.
        relative: element to ``[N]``; 0 where ``exists`` is False.
        exists: element to ``[N]`` bool: the element is in the frame, and the map is not all zero.
        relative_positive: as ``relative``, of the positive part over the same mean of |relevance|;
            ``relative_positive + relative_negative == relative``.
        relative_negative: the same of the negative part.
        frame_share: ``[N, C]``, adding up to 1 over the stack where total > 0.
        entropy: ``[N]`` entropy of M as a distribution over pixels / log(H W): 0 is one pixel, 1 is
            all pixels alike.
    """

    elements: tuple[str, ...]
    total: Array
    share: Mapping[str, Array]
    share_positive: Mapping[str, Array]
    share_negative: Mapping[str, Array]
    relative: Mapping[str, Array]
    exists: Mapping[str, NDArray[np.bool_]]
    relative_positive: Mapping[str, Array]
    relative_negative: Mapping[str, Array]
    frame_share: Array
    entropy: Array


@dataclass(frozen=True)
class Statistics:
    """Means over frames; an element that no frame shows has a share but no relative relevance.

    Attributes:
        frames: how many frames had relevance at all.
        share: element to mean share; empty without elements.
        share_positive: of the relevance that speaks for the target.
        share_negative: of the relevance that speaks against it.
        relative: element to mean relative relevance.
        relative_positive: of the relevance that speaks for the target.
        relative_negative: of the relevance that speaks against it.
        context: relevance outside all elements / inside them; None where there is nothing inside.
        entropy: mean entropy in [0, 1]; None where no frame has relevance.
        frame_share: share of each frame of the stack, oldest first.
    """

    frames: int
    share: Mapping[str, float]
    share_positive: Mapping[str, float]
    share_negative: Mapping[str, float]
    relative: Mapping[str, float]
    relative_positive: Mapping[str, float]
    relative_negative: Mapping[str, float]
    context: float | None
    entropy: float | None
    frame_share: tuple[float, ...]


def pool_frames(
    relevance: NDArray[np.float32], masks: Masks | Places, outside: Masks | None = None
) -> PooledFrames:
    """Pool each map over elements, stack and space.

    Args:
        relevance: ``[N, C, H, W]`` signed relevance, C frames of the stack.
        masks: element to ``[N, H, W]`` bool, disjoint, with ``rest`` covering the frame; may be
            empty. Or what `places_of` made of these and of ``outside``.
        outside: masks beside the disjoint ones: relative relevance and share, but not part of the
            shares' sum.

    Raises:
        ObservationError: shapes that do not fit, masks that overlap or leave pixels out.
        NonFiniteError: relevance with NaN or infinity.
    """
    places = masks if isinstance(masks, Places) else places_of(masks, outside)
    _check_maps(relevance, places)
    absolute = np.abs(relevance)
    stack = absolute.sum(axis=(2, 3), dtype=np.float64)
    if not np.isfinite(stack).all():
        raise NonFiniteError("relevance holds NaN or infinity: are the network's weights finite?")
    picture = _over_stack(absolute)
    total = picture.sum(axis=(1, 2))
    everything, pixels = places.masks, places.pixels
    on = _sums_on(picture, places)
    # summed in the same order, so that what has one sign only leaves nothing of the other
    signed = _sums_on(_over_stack(relevance), places)
    on_positive = {name: (on[name] + signed[name]) / 2 for name in everything}
    on_negative = {name: on[name] - on_positive[name] for name in everything}
    # mean on the element / mean on the frame = (on / pixels) / (total / (H W))
    scale = {
        name: picture[0].size * _divide(np.ones_like(total), pixels[name] * total)
        for name in everything
    }
    return PooledFrames(
        elements=places.elements,
        total=total,
        share={name: _divide(on[name], total) for name in everything},
        share_positive={name: _divide(on_positive[name], total) for name in everything},
        share_negative={name: _divide(on_negative[name], total) for name in everything},
        relative={name: on[name] * scale[name] for name in everything},
        exists={name: (pixels[name] > 0) & (total > 0) for name in everything},
        relative_positive={name: on_positive[name] * scale[name] for name in everything},
        relative_negative={name: on_negative[name] * scale[name] for name in everything},
        frame_share=_divide(stack, total[:, None]),
        entropy=_entropy(picture, total),
    )


def pool(pooled: PooledFrames) -> Statistics:
    """Average over frames: each frame counts the same, however large its Q-value is."""
    seen = pooled.total > 0
    everywhere = dict.fromkeys(pooled.share, seen)
    share = _mean_where(pooled.share, everywhere)
    return Statistics(
        frames=int(seen.sum()),
        share=share,
        share_positive=_mean_where(pooled.share_positive, everywhere),
        share_negative=_mean_where(pooled.share_negative, everywhere),
        relative=_mean_where(pooled.relative, pooled.exists),
        relative_positive=_mean_where(pooled.relative_positive, pooled.exists),
        relative_negative=_mean_where(pooled.relative_negative, pooled.exists),
        context=context_of({n: share[n] for n in pooled.elements if n in share}),
        entropy=float(pooled.entropy[seen].mean()) if seen.any() else None,
        frame_share=tuple(float(v) for v in pooled.frame_share[seen].mean(axis=0))
        if seen.any()
        else (),
    )


def pool_episodes(pooled: PooledFrames, episode: NDArray[np.integer[Any]]) -> dict[int, Statistics]:
    """Average over each episode's frames.

    Args:
        pooled: N frames.
        episode: ``[N]``, which episode a frame belongs to (`rlmonitor.recording.episode_of`).

    Returns:
        Episode to its statistics, in ascending order.

    Raises:
        ObservationError: not one episode a frame.
    """
    if episode.shape != pooled.total.shape:
        raise ObservationError(
            f"episodes of shape {episode.shape} for {len(pooled.total)} frames: expected one each"
        )
    return {int(e): pool(select(pooled, np.flatnonzero(episode == e))) for e in np.unique(episode)}


def select(pooled: PooledFrames, index: NDArray[np.integer[Any]]) -> PooledFrames:
    """The statistics of the frames at an index."""
    return PooledFrames(
        **{each.name: _at(getattr(pooled, each.name), index) for each in fields(PooledFrames)}
    )


def concatenate(parts: Sequence[PooledFrames]) -> PooledFrames:
    """The frames of several recordings, such as the rounds of a training, as one.

    Raises:
        ObservationError: nothing to join, or frames of other elements or another stack.
    """
    if not parts:
        raise ObservationError("no frames to join: expected at least one set of pooled frames")
    layouts = [(p.elements, tuple(p.share), p.frame_share.shape[1]) for p in parts]
    for layout in layouts:
        if layout != layouts[0]:
            raise ObservationError(
                f"frames with the elements and stack {layout} do not go with {layouts[0]}"
            )
    return PooledFrames(
        **{
            each.name: _joined([getattr(part, each.name) for part in parts])
            for each in fields(PooledFrames)
        }
    )


def similarity(maps: NDArray[np.float32], others: NDArray[np.float32]) -> float | None:
    """Mean |cosine| between two sets of maps ``[N, …]``, frame by frame; None if all are zero.

    Near 1 for a trained and an untrained network means that the maps show the input rather than
    what was learnt (Adebayo et al. 2018, 'Sanity checks'; Sixt et al. 2020).
    """
    found = [_cosine(one.ravel(), other.ravel()) for one, other in zip(maps, others, strict=True)]
    defined = [abs(cosine) for cosine in found if cosine is not None]
    return float(np.mean(defined)) if defined else None


def _cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float | None:
    """Of two vectors, in double precision; None where one is zero."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    norms = math.sqrt(float(a @ a)) * math.sqrt(float(b @ b))
    return float(a @ b) / norms if norms > 0 else None


def _check_maps(relevance: NDArray[np.float32], places: Places) -> None:
    if relevance.ndim != 4 or not relevance.size:
        raise ObservationError(
            f"relevance of shape {relevance.shape}: expected [N, C, H, W], none of them 0"
        )
    check_shapes(places.masks, (len(relevance), *relevance.shape[2:]))


def _over_stack(maps: NDArray[np.float32]) -> Array:
    """``maps.sum(axis=1)`` in double precision, to the bit, and faster."""
    total = maps[:, 0].astype(np.float64)
    for each in range(1, maps.shape[1]):
        total += maps[:, each]
    return total


def _sums_on(picture: Array, places: Places) -> dict[str, Array]:
    """Element to the sum of a picture over its pixels, ``[N]``."""
    n, flat = len(picture), picture.ravel()
    sums = {}
    for name, mask in places.masks.items():
        index = places.few.get(name)
        if index is None:
            sums[name] = np.asarray(np.einsum("nhw,nhw->n", picture, mask))
        else:
            frame = index // picture[0].size
            counted = np.bincount(frame, weights=flat[index], minlength=n)
            sums[name] = counted.astype(np.float64)  # integers where there is no pixel at all
    return sums


def _divide(numerator: Array, denominator: Array) -> Array:
    """Quotient, 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0)


def _entropy(picture: Array, total: Array) -> Array:
    pixels = picture[0].size
    if pixels == 1:
        return np.zeros_like(total)
    p = picture / np.where(total > 0, total, 1)[:, None, None]
    # 0 log 0 = 0: what is below the smallest number has a finite logarithm, times zero
    log = np.maximum(p, np.finfo(np.float64).tiny)
    np.log(log, out=log)
    log *= p
    return np.asarray(-log.sum(axis=(1, 2)) / np.log(pixels))


def _mean_where(
    values: Mapping[str, Array], exists: Mapping[str, NDArray[np.bool_]]
) -> dict[str, float]:
    return {n: float(v[exists[n]].mean()) for n, v in values.items() if exists[n].any()}


def _at(part: Any, index: NDArray[np.integer[Any]]) -> Any:
    if isinstance(part, tuple):  # the elements' names
        return part
    if isinstance(part, Mapping):
        return {name: values[index] for name, values in part.items()}
    return part[index]


def _joined(parts: Sequence[Any]) -> Any:
    first = parts[0]
    if isinstance(first, tuple):
        return first
    if isinstance(first, Mapping):
        return {name: np.concatenate([part[name] for part in parts]) for name in first}
    return np.concatenate(parts)


def context_of(share: Mapping[str, float]) -> float | None:
    """Outside / inside, from the shares of the disjoint elements."""
    inside = sum(value for name, value in share.items() if name != REST)
    return share[REST] / inside if REST in share and inside > 0 else None
