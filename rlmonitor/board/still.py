"""A screen with its map in full colour, for pictures that stand still.

A GIF has 256 colours for everything; a PNG has as many as it needs, so maps are drawn in finer
steps here. What the colours mean is the same: see `rlmonitor.board.overlay`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rlmonitor.board.canvas import Colour, mix, rgb
from rlmonitor.board.overlay import (
    OPACITY,
    muted,
    panel_size,
    reduce_colours,
    scale_of_colours,
)

LEVELS = 16
"""Steps of relevance on each side of zero."""
MOST_COLOURS = 64
"""Of the screens; a console's have about ten."""
GLOW = rgb("#fff4c2")
"""Of maps without a sign: neither red nor blue, which speak for and against."""

Rgb = NDArray[np.uint8]


@dataclass(frozen=True)
class Stills:
    """Some screens, ready to be overlaid.

    Attributes:
        size: height and width of a panel.
        number: ``[n, h, w]`` which colour a pixel of a screen has.
        signed: ``[colours, 2 * LEVELS + 1, 3]`` from 'against' over the colour to 'for'.
        glowing: ``[colours, LEVELS + 1, 3]`` from the colour to `GLOW`.
    """

    size: tuple[int, int]
    number: NDArray[np.uint8]
    signed: Rgb
    glowing: Rgb

    def overlaid(self, place: int, relevance: NDArray[np.floating]) -> Rgb:
        """A screen under a signed map ``[H, W]``, in which 1 and −1 are full relevance."""
        level = self._level(np.clip(relevance, -1, 1)) + LEVELS
        return self._panel(self.signed, place, level)

    def lit(self, place: int, weight: NDArray[np.floating]) -> Rgb:
        """A screen under a map ``[H, W]`` without a sign, from 0 to 1."""
        level = self._level(np.clip(weight, 0, 1))
        return self._panel(self.glowing, place, level)

    def _panel(self, table: Rgb, place: int, level: NDArray[np.int64]) -> Rgb:
        """Colours by a screen's own colour and a level, at the panel's size."""
        rows = self.number[place] * np.int64(table.shape[1]) + level
        return _enlarged(np.take(table.reshape(-1, 3), rows, axis=0), self.size)

    def _level(self, grid: NDArray[np.floating]) -> NDArray[np.int64]:
        height, width = self.number.shape[1:]
        fine = cv2.resize(grid.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        return np.rint(fine * LEVELS).astype(np.int64)


def prepare_stills(screens: NDArray[np.uint8], box: tuple[int, int]) -> Stills:
    """Screens ``[n, height, width, 3]`` for panels that fit into a box of width and height."""
    height, width = panel_size(screens.shape[1], screens.shape[2], box)
    if height < screens.shape[1] or width < screens.shape[2]:
        small = [cv2.resize(s, (width, height), interpolation=cv2.INTER_AREA) for s in screens]
        screens = np.stack(small).astype(np.uint8)
    number, colours = reduce_colours(screens, MOST_COLOURS)
    quiet = [muted(colour) for colour in colours]
    return Stills(
        (height, width),
        number,
        np.array([scale_of_colours(colour, LEVELS) for colour in quiet], np.uint8),
        np.array([scale_of_glow(colour) for colour in quiet], np.uint8),
    )


def scale_of_glow(colour: Colour) -> list[Colour]:
    """From no relevance over a colour to full relevance without a sign."""
    return [mix(colour, GLOW, OPACITY * level / LEVELS) for level in range(LEVELS + 1)]


def _enlarged(pixels: Rgb, size: tuple[int, int]) -> Rgb:
    """Pixels ``[h, w, 3]`` repeated to a size that is a whole multiple of theirs."""
    down, across = size[0] // pixels.shape[0], size[1] // pixels.shape[1]
    return pixels.repeat(down, axis=0).repeat(across, axis=1)
