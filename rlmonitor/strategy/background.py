"""What the screen would show without an element: where it was in the stack, and what is behind it.

The reasons for each choice stand in `rlmonitor.strategy.counterfactuals`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve

from rlmonitor.errors import ObservationError

BLANK, UNKNOWN = -1, -2
"""A frame of the stack that is empty, as after a reset, and one that is not in the recording."""

CROSS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float64)
SQUARE = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.float64)
"""The four and the eight neighbours of a pixel."""

LONGEST = 128
"""Frames that a median is taken of, spread over the recording; more cost time and say the same."""


def stack_sources(observation: NDArray[Any], step: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each frame of each stack the observation in which it was the newest.

    Read off the pixels, because environments fill a stack after a reset in different ways: with
    zeros (stable-baselines3), or with the first frame again (gymnasium).

    Args:
        observation: ``[N, C, H, W]``; C is a number of frames times the channels of one frame,
            which is found out from how the stack moves on.
        step: ``[N]``, consecutive frames differ by 1.

    Returns:
        ``[N, S]`` for stacks of S frames, oldest first: an index below N, `BLANK` or `UNKNOWN`.

    Raises:
        ObservationError: not ``[N, C, H, W]``, or no frames.
    """
    if observation.ndim != 4 or not observation.size or len(step) != len(observation):
        raise ObservationError(
            f"observations of shape {observation.shape} with {len(step)} steps: expected "
            "[N, C, H, W], none of them 0, and N steps"
        )
    channels = _channels_of_a_frame(observation, step)
    frames = observation.reshape(len(observation), -1, channels, *observation.shape[2:])
    n, depth = frames.shape[:2]
    moved = np.zeros((n, depth), np.bool_)  # shows what the stack before had one place further on
    following = (np.diff(step) == 1)[:, None]
    moved[1:, :-1] = _equal(frames[1:, :-1], frames[:-1, 1:]) & following
    again = np.zeros((n, depth), np.bool_)  # shows the same as its successor in the stack
    again[:, :-1] = _equal(frames[:, :-1], frames[:, 1:])
    blank = np.asarray(~frames.any(axis=(2, 3, 4)))
    sources = np.full((n, depth), UNKNOWN, np.int64)
    sources[:, -1] = np.arange(n)
    for place in range(depth - 2, -1, -1):
        before = np.concatenate([[UNKNOWN], sources[:-1, place + 1]])
        found = np.where(moved[:, place], before, UNKNOWN)
        repeated = np.where(again[:, place], sources[:, place + 1], UNKNOWN)
        found = np.where(found == UNKNOWN, repeated, found)
        sources[:, place] = np.where(blank[:, place], BLANK, found)
    return sources


class Views:
    """The newest frames of a recording, or some spread over it, of which medians are taken.

    Args:
        observation: ``[N, C, H, W]``.
        channels: of one frame.
        ground: ``[N, H, W]`` bool, what belongs to no element.
    """

    def __init__(self, observation: NDArray[Any], channels: int, ground: NDArray[np.bool_]) -> None:
        last, self._shape = len(observation) - 1, (len(observation), *observation.shape[2:])
        self.index = np.unique(np.linspace(0, last, LONGEST).round().astype(np.int64))
        self.frames = observation[self.index, -channels:]
        self._ground = ground[self.index]

    @cached_property
    def usual(self) -> list[Any]:
        """What the ground mostly is, in each channel."""
        pictures = np.moveaxis(self.frames, 1, 0)
        return [_median(picture[self._ground], picture.ravel()) for picture in pictures]

    @cached_property
    def middle(self) -> NDArray[np.float64]:
        """``[k, H, W]``, the median of each pixel."""
        return np.asarray(np.median(self.frames, axis=0), np.float64)

    @cached_property
    def _as_usual(self) -> NDArray[np.bool_]:
        """``[n, H, W]``, where a frame looks as the ground mostly does."""
        usual = np.stack(self.usual)[:, None, None].astype(np.float64)
        level = 1 if self.frames.dtype == np.uint8 else 1e-6
        return np.asarray((np.abs(self.frames - usual) <= level).all(axis=1))

    def behind(self, mask: NDArray[np.bool_], free: NDArray[np.bool_]) -> NDArray[Any]:
        """What is seen where an element is, when it is not there.

        Args:
            mask: ``[N, H, W]`` bool, where the element is in the newest frame of each.
            free: ``[N, H, W]`` bool, where the newest frame shows what is behind it.

        Returns:
            ``[k, H, W]``, with no meaning where the element never is.

        Raises:
            ObservationError: a mask that does not fit the observations.
        """
        ever, seldom = self._places(mask, free)
        rows, columns = np.nonzero(ever)
        behind = np.zeros(self.frames.shape[1:], self.frames.dtype)
        for channel, picture in enumerate(np.moveaxis(self.frames, 1, 0)):
            shown = free[self.index][:, rows, columns]
            behind[channel][rows, columns] = _masked_median(picture[:, rows, columns], shown)
            if not seldom.any():
                continue
            usual = self.usual[channel]
            around = np.where(ever & ~seldom, behind[channel], self.middle[channel])
            behind[channel][seldom] = usual
            edges = _edges(around, seldom, float(usual))
            at = seldom & np.isfinite(edges)
            behind[channel][at] = edges[at].round() if behind.dtype == np.uint8 else edges[at]
        return behind

    def bare(self, mask: NDArray[np.bool_], free: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Where an element never goes away and looks as the ground does: there is nothing of it.

        A pixel on its edge counts if all those further inside do.

        Args:
            mask: as for `behind`, as is the error.
            free: as for `behind`.

        Returns:
            ``[H, W]``.
        """
        _, seldom = self._places(mask, free)
        if not seldom.any():  # of all that moves; the rest would cost time and say the same
            return seldom
        plain = np.asarray((self._as_usual | ~mask[self.index]).all(axis=0))
        core = seldom & ~_any_beside(~seldom, CROSS)
        edge = _any_beside(core, SQUARE) & ~_any_beside(core & ~plain, SQUARE)
        return np.asarray(seldom & np.where(core, plain, edge))

    def _places(
        self, mask: NDArray[np.bool_], free: NDArray[np.bool_]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Pixels that a mask ever holds, and those of them that it never frees, ``[H, W]`` each."""
        if mask.shape != self._shape or mask.dtype != np.bool_:
            raise ObservationError(
                f"a mask {mask.dtype}{list(mask.shape)}, expected bool{list(self._shape)}"
            )
        ever = np.asarray(mask.any(axis=0))
        return ever, ever & ~free[self.index].any(axis=0)


def fill(
    observation: NDArray[Any],
    mask: NDArray[np.bool_],
    index: NDArray[np.integer[Any]],
    sources: NDArray[np.int64],
    behind: NDArray[Any],
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Observations without what a mask covers, in all frames of their stacks.

    Args:
        observation: ``[N, C, H, W]``.
        mask: ``[N, H, W]`` bool, where the element is in the newest frame of each.
        index: ``[M]`` of the observations to change.
        sources: ``[M, S]``, see `stack_sources`; none of them unknown.
        behind: ``[k, H, W]``, from `Views.behind`.

    Returns:
        ``[M, C, H, W]`` and ``[M]`` bool, where there was something to take away.
    """
    covered = mask[sources] & (sources >= 0)[..., None, None]
    everywhere = np.repeat(covered, len(behind), axis=1)
    filled = np.where(everywhere, np.tile(behind, (sources.shape[1], 1, 1)), observation[index])
    return filled, np.asarray(covered.any(axis=(1, 2, 3)))


def still_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels of a mask ``[N, H, W]`` that it holds in more than half of the frames."""
    return np.asarray(mask & (2 * np.count_nonzero(mask, axis=0) > len(mask)))


def grown(mask: NDArray[np.bool_], others: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """A mask ``[N, H, W]`` with the pixels beside it that belong to others which stand still.

    Disjoint masks give a pixel on the border of two elements to one of them, though the other
    shows in it as well. What stands still there is the border of a region; what passes is in front.
    """
    taken = np.zeros_like(mask)
    for other in others:
        taken |= other
    rows = np.flatnonzero(np.asarray(taken.any(axis=0)).any(axis=1))
    if not len(rows):
        return mask
    # only there, and beside it, can anything be added
    near = slice(max(int(rows[0]) - 1, 0), int(rows[-1]) + 2)
    own, beside = mask[:, near], np.zeros_like(mask[:, near])
    beside[:, 1:] |= own[:, :-1]
    beside[:, :-1] |= own[:, 1:]
    beside[:, :, 1:] |= own[:, :, :-1]
    beside[:, :, :-1] |= own[:, :, 1:]
    larger = mask.copy()
    larger[:, near] |= beside & taken[:, near]
    return larger


def _edges(picture: NDArray[Any], mask: NDArray[np.bool_], usual: float) -> NDArray[np.float64]:
    """Pixels on a mask's edge with the element's part in them replaced; NaN off the edge.

    An area resize is linear: a pixel of which the part c shows the element is c times what is
    inside plus 1 - c times what is outside. Neighbours tell both, and so c; where they are alike,
    the pixel counts as the element's.
    """
    outside = _mean_beside(picture, ~mask, CROSS)
    core = mask & np.isnan(outside)  # pixels on the edge are mixed themselves
    inside = _mean_beside(picture, core, SQUARE)
    inside = np.where(np.isnan(inside), _mean_beside(picture, mask, CROSS), inside)
    gap = inside - outside
    part = np.divide(picture - outside, gap, out=np.ones_like(gap), where=np.abs(gap) > 1e-6)
    part = np.clip(part, 0, 1)
    return np.asarray((1 - part) * outside + part * usual)


def _mean_beside(
    picture: NDArray[Any], mask: NDArray[np.bool_], kernel: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean over those neighbours that a mask holds; NaN where it holds none."""
    count = convolve(mask.astype(np.float64), kernel, mode="constant")
    total = convolve(np.where(mask, picture, 0).astype(np.float64), kernel, mode="constant")
    return np.asarray(np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0.5))


def _any_beside(mask: NDArray[np.bool_], kernel: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether any neighbour of a pixel is in a mask ``[H, W]``."""
    return np.asarray(convolve(mask.astype(np.float64), kernel, mode="constant") > 0.5)


def _masked_median(values: NDArray[Any], free: NDArray[np.bool_]) -> NDArray[Any]:
    """Lower median over axis 0 of the free ones, a value that was there; 0 where none is free."""
    ordered = np.sort(np.where(free, values, np.inf).astype(np.float32), axis=0)
    count = free.sum(axis=0)
    middle = np.take_along_axis(ordered, np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
    return np.asarray(np.where(count > 0, middle, 0), values.dtype)


def _median(values: NDArray[Any], otherwise: NDArray[Any]) -> Any:
    """Lower median of some values, or of others where there are none."""
    some = values if values.size else otherwise
    middle = (some.size - 1) // 2
    return np.partition(some, middle)[middle]


def _channels_of_a_frame(observation: NDArray[Any], step: NDArray[np.int64]) -> int:
    """The smallest number by which the stack moves on from one step to the next.

    All channels are one frame if none fits; with no two consecutive frames nobody can tell, and a
    channel is taken for a frame, so that the past counts as unknown.
    """
    following = np.flatnonzero(np.diff(step) == 1)[:LONGEST]
    channels = int(observation.shape[1])
    if not len(following):
        return 1
    before, after = observation[following], observation[following + 1]
    for k in (k for k in range(1, channels) if channels % k == 0):
        if (before[:, k:] == after[:, :-k]).all(axis=(1, 2, 3)).mean() >= 0.5:
            return k
    return channels


def _equal(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray((first == second).all(axis=(2, 3, 4)))
