"""Signed relevance over the screen, as palette indices.

The screen is reduced to few colours (an Atari frame has about ten, so nothing is lost), drawn dim
and pale, and every one of its colours gets a scale of palette entries from 'against' over itself to
'for'. A pixel of a panel is then one addition: its colour's scale plus its level of relevance.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rlmonitor.board.canvas import Canvas, Colour, Palette, mix, rgb

BOX = (336, 420)
"""Width and height that a screen is fitted into; 160 x 210 is drawn at twice its size."""
FOR = rgb("#f5301f"), rgb("#ffb08a")
AGAINST = rgb("#1f7df2"), rgb("#a6d8ff")
"""Red speaks for the explained value, blue against it (told apart under colour blindness too):
the hue, and the lighter tone that the strongest relevance runs into."""
PERCENTILE = 99.8
"""Of all |relevance| in the clip: what gets the full colour."""

MOST_LEVELS = 10
FEWEST_LEVELS = 4
OPACITY, KNEE = 0.94, 0.75
PALE, DIM = 0.55, 0.42
REACH = 3
"""Pixels between an element and the outer edge of its contour."""


def panel_size(height: int, width: int, box: tuple[int, int] = BOX) -> tuple[int, int]:
    """Height and width at which a screen is drawn: a whole multiple, or shrunk into the box.

    >>> panel_size(210, 160), panel_size(400, 600)
    ((420, 320), (224, 336))
    """
    scale = min(box[0] / width, box[1] / height)
    scale = float(int(scale)) if scale >= 1 else scale
    return max(round(height * scale), 1), max(round(width * scale), 1)


def relevance_scale(relevance: NDArray[np.float32]) -> float:
    """What counts as full relevance in the whole clip, so that brightness compares across frames.

    Args:
        relevance: ``[T, H, W]``, summed over the frame stack.

    Returns:
        The 99.8th percentile of the absolute values (a single hot pixel must not darken the rest);
        their maximum where relevance is so sparse that the percentile is 0; never 0.
    """
    magnitude = np.abs(relevance)
    scale = float(np.percentile(magnitude, PERCENTILE)) or float(magnitude.max())
    return max(scale, float(np.finfo(np.float32).tiny))


def scale_of_colours(screen: Colour, levels: int) -> list[Colour]:
    """From full relevance against to full relevance for, over a screen's colour in the middle."""
    return [
        _shade(screen, FOR if level > 0 else AGAINST, abs(level) / levels)
        for level in range(-levels, levels + 1)
    ]


def _shade(screen: Colour, hue: tuple[Colour, Colour], strength: float) -> Colour:
    """The screen's colour fading into the hue up to `KNEE`, and that into its lighter tone."""
    if strength <= KNEE:
        return mix(screen, hue[0], OPACITY * strength / KNEE)
    return mix(mix(screen, hue[0], OPACITY), hue[1], (strength - KNEE) / (1 - KNEE))


def muted(colour: Colour) -> Colour:
    """A screen's colour, pale and dim, so that red and blue on the panel mean relevance alone."""
    grey = round(0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2])
    return mix(mix(colour, (grey, grey, grey), PALE), (0, 0, 0), DIM)


@dataclass(frozen=True)
class Screens:
    """The clip's screens, ready to be overlaid.

    Attributes:
        size: height and width of a panel.
        colour: ``[T, height / block, width / block]`` uint8, which of the screen's colours a pixel
            has; every pixel fills a block of ``block`` x ``block`` pixels of the panel.
        middle: ``[colours]`` int16, the palette index of a colour's 'no relevance'.
        levels: how many steps of relevance there are on each side of it.
        darkest: the palette index of the darkest colour's 'no relevance'.
    """

    size: tuple[int, int]
    colour: NDArray[np.uint8]
    middle: NDArray[np.int16]
    levels: int
    darkest: int

    def panel(self, frame: int, relevance: NDArray[np.float32]) -> Canvas:
        """One frame with its overlay.

        Args:
            frame: which of the clip's frames.
            relevance: ``[H, W]``, signed, 1 and -1 are full relevance; any grid over the screen.

        Returns:
            ``[height, width]`` palette indices.
        """
        height, width = self.colour.shape[1:]
        clipped = np.clip(relevance, -1, 1).astype(np.float32)
        fine = cv2.resize(clipped, (width, height), interpolation=cv2.INTER_LINEAR)
        level = np.rint(fine * self.levels).astype(np.int16)
        panel = (self.middle[self.colour[frame]] + level).astype(np.uint8)
        return enlarged(panel, self.size)


def prepare_screens(screen: NDArray[np.uint8], palette: Palette) -> Screens:
    """Reduce screens to few colours and register every colour's scale; takes the palette's rest.

    Args:
        screen: ``[T, height, width, 3]`` RGB.
        palette: the clip's palette, the rest of the picture's colours being registered already.
    """
    height, width = panel_size(*screen.shape[1:3])
    if height < screen.shape[1] or width < screen.shape[2]:
        screen = np.stack([_shrunk(frame, height, width) for frame in screen])
    colour, colours = reduce_colours(screen, palette.free // (2 * FEWEST_LEVELS + 1))
    levels = min((palette.free // len(colours) - 1) // 2, MOST_LEVELS)
    middle = [_register(palette, scale_of_colours(muted(each), levels)) for each in colours]
    darkest = middle[min(range(len(colours)), key=lambda number: sum(colours[number]))]
    multiple = height // screen.shape[1]
    fine = (height // 2, width // 2) if multiple % 2 == 0 else (height, width)
    return Screens(
        (height, width), enlarged(colour, fine), np.array(middle, np.int16), levels, darkest
    )


def _register(palette: Palette, scale: list[Colour]) -> int:
    """Append a scale as a block (equal colours are not merged) and return its middle's index."""
    return palette.append(scale) + len(scale) // 2


def _shrunk(frame: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def enlarged(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Repeat pixels so that the last two axes have a size that is a whole multiple of theirs."""
    down, across = size[0] // pixels.shape[-2], size[1] // pixels.shape[-1]
    if pixels.ndim == 2:  # a frame by itself: twice as fast
        large = pixels.shape[1] * across, pixels.shape[0] * down
        return np.asarray(cv2.resize(pixels, large, interpolation=cv2.INTER_NEAREST), np.uint8)
    return pixels.repeat(down, axis=-2).repeat(across, axis=-1)


def reduce_colours(screen: NDArray[np.uint8], most: int) -> tuple[NDArray[np.uint8], list[Colour]]:
    """Bring screens to at most ``most`` colours; those that have no more keep theirs exactly.

    Args:
        screen: ``[T, height, width, 3]`` RGB.
        most: how many colours there may be, 1 to 256.

    Returns:
        ``[T, height, width]`` uint8 numbers of colours, and the colours.
    """
    packed = _packed(screen)
    seen = np.zeros(1 << 24, np.bool_)  # ten times faster than np.unique, which sorts
    seen[packed[..., 0]] = True
    seen[packed[..., 1:][packed[..., 1:] != packed[..., :-1]]] = True  # few begin another colour
    colours = np.flatnonzero(seen)
    if len(colours) > most:
        return _reduced_by_median_cut(screen, most)
    number = np.empty(1 << 24, np.uint8)  # no other is looked up
    number[colours] = np.arange(len(colours))
    return number[packed], [(c >> 16, c >> 8 & 255, c & 255) for c in colours.tolist()]


def _packed(screen: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Each pixel as red << 16 | green << 8 | blue."""
    strip = np.ascontiguousarray(screen).reshape(-1, *screen.shape[2:])
    four = cv2.cvtColor(strip, cv2.COLOR_RGB2BGRA)  # ten times faster than shifting
    return np.asarray(four.view("<u4"), np.uint32).reshape(screen.shape[:3]) & np.uint32(0xFFFFFF)


def _reduced_by_median_cut(
    screen: NDArray[np.uint8], most: int
) -> tuple[NDArray[np.uint8], list[Colour]]:
    strip = Image.fromarray(np.ascontiguousarray(screen).reshape(-1, *screen.shape[2:]))
    reduced = strip.quantize(most, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    table = np.array(reduced.getpalette(), np.uint8).reshape(-1, 3)
    number = np.asarray(reduced, np.uint8).reshape(screen.shape[:3])
    used = int(number.max()) + 1
    return number, [(int(r), int(g), int(b)) for r, g, b in table[:used]]


def outline(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The contour around an element's mask, with one pixel of air between them.

    It is two pixels wide, so that it survives TensorBoard's small cards, which drop pixels.

    Args:
        mask: ``[H, W]``, on the observation's grid.
        size: height and width of the panel.

    Returns:
        ``[height, width]``, set on the contour; nothing set where the mask is empty.
    """
    height, width = size
    contour = np.zeros((height, width), np.bool_)
    large = cv2.resize(mask.view(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    left, top, across, down = cv2.boundingRect(large)
    if not across:
        return contour
    rows = slice(max(top - REACH, 0), top + down + REACH)
    columns = slice(max(left - REACH, 0), left + across + REACH)
    inner = cv2.dilate(large[rows, columns], np.ones((3, 3), np.uint8))
    outer = cv2.dilate(inner, np.ones((5, 5), np.uint8))
    # an element that ends with the screen gets its contour just inside it
    whole = np.zeros_like(large)
    whole[rows, columns] = inner
    whole[[0, 1, -2, -1]] = whole[:, [0, 1, -2, -1]] = 0
    contour[rows, columns] = outer != whole[rows, columns]
    return contour
