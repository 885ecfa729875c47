"""Elements told from pixels alone, for recordings without the console's memory.

A game's table says what its empty screen looks like, as painted boxes in raw pixels, and each
element of it may say how to tell itself from what differs. The screens are grey, as the policy
sees them, at any size that an area resize of the whole raw screen gives, and may be the maximum of
two raw frames. `rlmonitor.testing.GameConformance` holds all this against memory on real frames.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

Region = tuple[int, int, int, int]
"""Top, left, bottom, right in raw pixels, ends exclusive."""

Painted = tuple[tuple[int, Region], ...]
"""Grey levels with the regions that they fill; later ones are painted over earlier ones."""

LOSSLESS, COMPRESSED = 1, 8
"""Grey levels by which a pixel may differ from the empty screen and still be it: what a resize
rounds, and what JPEG and video compression leave around edges."""

WALLS_IN_PLACE = 0.9
"""Of the pixels of walls; a screen that is cropped has less than half."""

LARGEST_BALL = 0.01
"""Of the screen's pixels, in both raw frames together; what is larger is another scene."""


@dataclass(frozen=True)
class Screens:
    """Grey screens of a game.

    Attributes:
        grey: ``[N, H, W]`` uint8.
        empty: what the game's screen shows where nothing is, in raw pixels.
        raw: height and width of the raw screen.
        tolerance: `LOSSLESS` or `COMPRESSED`.
    """

    grey: NDArray[np.uint8]
    empty: Painted
    raw: tuple[int, int]
    tolerance: int = LOSSLESS

    @cached_property
    def nothing(self) -> NDArray[np.uint8]:
        """The empty screen, ``[H, W]``."""
        painted = np.zeros(self.raw, np.uint8)
        for level, (top, left, bottom, right) in self.empty:
            painted[top:bottom, left:right] = level
        height, width = self.grey.shape[1:]
        return np.asarray(
            cv2.resize(painted, (width, height), interpolation=cv2.INTER_AREA), np.uint8
        )

    @cached_property
    def shown(self) -> Mask:
        """Which pixels differ from the empty screen, ``[N, H, W]``."""
        difference = self.grey.astype(np.int16) - self.nothing.astype(np.int16)
        return np.asarray(np.abs(difference) > self.tolerance)

    @property
    def fit(self) -> bool:
        """Whether these are screens of the game, whole ones: its walls are where they belong.

        A few scenes may look otherwise, such as a title or a flash.
        """
        walls = self.nothing != np.bincount(self.nothing.ravel()).argmax()
        in_place = (~self.shown[:, walls]).mean(axis=1)
        return bool(len(in_place) and np.median(in_place) >= WALLS_IN_PLACE)

    def touching(self, region: Region) -> tuple[slice, slice]:
        """Rows and columns of the pixels that a region touches, as `rasterise` has them."""
        return self._span(region, 0), self._span(region, 1)

    def within(self, region: Region) -> tuple[slice, slice]:
        """Rows and columns of the pixels that lie in a region altogether."""
        return self._inner(region, 0), self._inner(region, 1)

    def blank(self) -> Mask:
        """A mask with nothing in it, ``[N, H, W]``."""
        return np.zeros(self.grey.shape, np.bool_)

    def fill(self, *regions: Region) -> Mask:
        """A mask of whole regions in every frame, ``[N, H, W]``."""
        mask = self.blank()
        for region in regions:
            mask[:, *self.touching(region)] = True
        return mask

    def _span(self, region: Region, axis: int) -> slice:
        raw, size = self.raw[axis], self.grey.shape[1 + axis]
        return slice(region[axis] * size // raw, -(-region[axis + 2] * size // raw))

    def _inner(self, region: Region, axis: int) -> slice:
        raw, size = self.raw[axis], self.grey.shape[1 + axis]
        first, last = -(-region[axis] * size // raw), region[axis + 2] * size // raw
        return slice(first, max(last, first + 1))


Detect = Callable[[Screens], Mask]
"""Screens to where an element is, ``[N, H, W]``; the element is what no earlier one has taken."""

Redraw = Callable[[Screens], NDArray[np.uint8]]
"""Screens to others, ``[N, H, W]``."""


def still(*regions: Region) -> Detect:
    """An element that stands still."""
    return lambda screens: screens.fill(*regions)


def lit(*regions: Region, least: float = 0.5) -> Detect:
    """Those of some regions of which at least a part is shown; a ball that crosses shows less."""

    def detect(screens: Screens) -> Mask:
        mask = screens.blank()
        for region in regions:
            place = screens.touching(region)
            is_lit = screens.shown[:, *place].mean(axis=(1, 2)) >= least
            mask[:, *place] |= is_lit[:, None, None]
        return mask

    return detect


def ball_in(region: Region, *others: Detect) -> Detect:
    """All that is shown in a region and belongs to none of the others, if it is little."""

    def detect(screens: Screens) -> Mask:
        mask = screens.blank()
        place = screens.touching(region)
        mask[:, *place] = screens.shown[:, *place]
        for other in others:
            mask &= ~other(screens)
        little = mask.mean(axis=(1, 2)) <= LARGEST_BALL
        return np.asarray(mask & little[:, None, None])

    return detect


def longest_run(flags: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the longest run of each row ``[N, L]`` begins and ends, ``[N]`` each; 0, 0 for none.

    >>> [ends.tolist() for ends in longest_run(np.array([[1, 0, 1, 1, 0], [0] * 5], bool))]
    [[2, 0], [4, 0]]
    """
    places = np.arange(1, flags.shape[1] + 1)
    before = np.maximum.accumulate(np.where(flags, 0, places), axis=1)
    length = np.where(flags, places - before, 0)
    end = length.argmax(axis=1)
    longest = length[np.arange(len(flags)), end]
    return np.where(longest, end + 1 - longest, 0), np.where(longest, end + 1, 0)
