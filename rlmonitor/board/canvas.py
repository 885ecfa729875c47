"""Drawing on palette indices: text, boxes and bars without ever quantising a colour.

A canvas is a ``[height, width]`` uint8 array of indices into one `Palette`. Text is drawn with
ramps of a few palette entries from its background to its colour, so it stays crisp.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""
Canvas = NDArray[np.uint8]
"""``[height, width]`` palette indices."""

RAMP = 7
"""Palette entries from a text's background to its colour."""
MINUS = "−"
"""The minus sign, as wide as two spaces; hyphens are too short for numbers."""

_BLANK = "  "


def rgb(code: str) -> Colour:
    """Red, green, blue of ``"#rrggbb"``.

    >>> rgb("#ff8000")
    (255, 128, 0)
    """
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def mix(first: Colour, second: Colour, weight: float) -> Colour:
    """``first`` with ``weight`` (0 to 1) of ``second``.

    >>> mix((0, 0, 0), (200, 100, 50), 0.5)
    (100, 50, 25)
    """
    red, green, blue = (round(a + (b - a) * weight) for a, b in zip(first, second, strict=True))
    return red, green, blue


class Palette:
    """Up to 256 colours in order of their registration; index 0 is kept for 'transparent'."""

    def __init__(self) -> None:
        self._colours: list[Colour] = [(0, 0, 0)]

    @property
    def free(self) -> int:
        """How many more colours fit."""
        return 256 - len(self._colours)

    def add(self, colour: Colour) -> int:
        """The index of a colour, a new one where it is not there yet."""
        if colour in self._colours[1:]:
            return self._colours.index(colour, 1)
        if not self.free:
            raise ValueError("a palette holds 256 colours")
        self._colours.append(colour)
        return len(self._colours) - 1

    def append(self, colours: Sequence[Colour]) -> int:
        """Register colours one after another, whether or not they are there; the first's index."""
        if len(colours) > self.free:
            raise ValueError("a palette holds 256 colours")
        self._colours += colours
        return len(self._colours) - len(colours)

    def ramp(self, colour: Colour, background: Colour) -> NDArray[np.uint8]:
        """``[RAMP + 1]`` indices from the background to the colour."""
        steps = [mix(background, colour, level / RAMP) for level in range(RAMP + 1)]
        return np.array([self.add(step) for step in steps], np.uint8)

    def table(self) -> bytes:
        """768 bytes: red, green, blue of all 256 entries, black where none is registered."""
        return np.array(self._colours, np.uint8).tobytes().ljust(768, b"\0")

    def coloured(self, canvas: Canvas) -> NDArray[np.uint8]:
        """A canvas in red, green and blue, ``[height, width, 3]``."""
        return np.take(np.array(self._colours, np.uint8), canvas, axis=0)


def blank(height: int, width: int, index: int) -> Canvas:
    """A canvas of one colour."""
    return np.full((height, width), index, np.uint8)


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def printable(text: str) -> str:
    """The text in characters that Pillow's built-in font has: accents dropped, others as '?'.

    >>> printable("Pokémon → 3")
    'Pokemon ? 3'
    """
    plain = unicodedata.normalize("NFKD", text.replace(MINUS, "\0"))
    letters = (c for c in plain if not unicodedata.combining(c))
    return "".join(c if c.isascii() or c in "·…±" else "?" for c in letters).replace("\0", MINUS)


@lru_cache(maxsize=4096)
def _glyphs(text: str, size: int) -> tuple[NDArray[np.uint8], int]:
    """Coverage ``[height, width]`` in 0 to RAMP, and the row of the baseline."""
    text, font, baseline = printable(text), _font(size), size + 2
    image = Image.new("L", (text_width(text, size) + 3, baseline + size // 2))
    draw = ImageDraw.Draw(image)
    draw.text((0, baseline), text.replace(MINUS, _BLANK), fill=255, font=font, anchor="ls")
    for place in (match.start() for match in re.finditer(MINUS, text)):  # the font has none
        left = text_width(text[:place], size)
        right, y = left + text_width(MINUS, size) - 2, baseline - round(0.31 * size)
        draw.line((left + 1, y, right, y), fill=230)
    coverage = (np.asarray(image, np.uint16) * RAMP + 127) // 255
    return coverage.astype(np.uint8), baseline


@lru_cache(maxsize=4096)
def text_width(text: str, size: int) -> int:
    """Pixels that a text takes at a font size."""
    return round(_font(size).getlength(printable(text).replace(MINUS, _BLANK)))


def fit_text(text: str, size: int, width: int) -> str:
    """The text, shortened with an ellipsis where it is wider than ``width`` pixels."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def write(
    canvas: Canvas,
    x: int,
    baseline: int,
    text: str,
    size: int,
    ramp: NDArray[np.uint8],
    align: Literal["left", "centre", "right"] = "left",
) -> None:
    """Write text in place; ``x`` is its left end, middle or right end. What sticks out is cut."""
    coverage, ascent = _glyphs(text, size)
    shift = {"left": 0, "centre": text_width(text, size) // 2, "right": text_width(text, size)}
    left, top = x - shift[align], baseline - ascent
    target = canvas[max(top, 0) : top + coverage.shape[0], max(left, 0) : left + coverage.shape[1]]
    visible = coverage[max(-top, 0) :, max(-left, 0) :][: target.shape[0], : target.shape[1]]
    np.copyto(target, ramp[visible], where=visible > 0)


def fill(canvas: Canvas, x: int, y: int, width: int, height: int, index: int) -> None:
    """Fill a rectangle in place; a size of 0 or less fills nothing."""
    canvas[y : y + max(height, 0), x : x + max(width, 0)] = index


def bar(
    canvas: Canvas, x: int, y: int, width: int, height: int, ends: tuple[float, float], index: int
) -> None:
    """Fill the part of a horizontal track between two positions in 0 to 1, at least one pixel."""
    start, stop = (round(x + width * end) for end in sorted(ends))
    start = min(start, x + width - 1)
    fill(canvas, start, y, max(stop - start, 1), height, index)


def triangle(canvas: Canvas, x: int, y: int, size: int, index: int, *, hollow: bool) -> None:
    """A triangle pointing right, ``size`` wide and ``2 size - 1`` high, its top left at (x, y)."""
    for column in range(size):
        height = 2 * (size - column) - 1
        fill(canvas, x + column, y + column, 1, height if column == 0 or not hollow else 1, index)
        fill(canvas, x + column, y + column + height - 1, 1, 1, index)
