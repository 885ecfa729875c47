"""Line charts as pictures, drawn with Pillow: four times too large, then scaled down.

Lines must be smooth and matplotlib is no dependency of ours; the `canvas` beside this is for clips,
whose colours are indices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from rlmonitor.board.canvas import Colour, printable, rgb
from rlmonitor.errors import ConfigurationError, StoreError

SCALE = 4
WIDTH, HEIGHT = 430, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 40, 44
LEGEND, LEGEND_ROW, FONT = 250, 19, 13
TICKS = 5

PAPER, INK, QUIET, GRID = rgb("#ffffff"), rgb("#1f2933"), rgb("#66727f"), rgb("#e3e7eb")

COLOURS = tuple(
    rgb(code)
    for code in ("#d55e00", "#e69f00", "#b0413e", "#8c510a",
                 "#0072b2", "#56b4e9", "#009e73", "#cc79a7")
)  # fmt: skip
"""Four warm and four cold ones, told apart under the common colour blindnesses."""


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Attributes:
        label: in the legend; a line without one is not in it.
        values: at 0, 1, 2 ..., or at the places given.
        colour: red, green, blue.
        dashed: whether it is a line to compare with.
        at: where the values are, ascending; None for 0, 1, 2 ...
        width: in pixels.
    """

    label: str
    values: tuple[float, ...]
    colour: Colour
    dashed: bool = False
    at: tuple[float, ...] | None = None
    width: float = 2

    @property
    def places(self) -> tuple[float, ...]:
        """Where the values are."""
        return self.at if self.at is not None else tuple(map(float, range(len(self.values))))


@dataclass(frozen=True)
class Chart:
    """Lines over the same axis."""

    title: str
    x_label: str
    lines: tuple[Line, ...]


def draw_charts(rows: Sequence[Sequence[Chart]]) -> Image.Image:
    """A picture of charts in rows, each row with the legend of its first chart on the right.

    Raises:
        ConfigurationError: no chart, or one without a line of two points, each with a place.
    """
    if not rows or any(
        len(line.values) < 2 for row in rows for chart in row for line in chart.lines
    ):
        raise ConfigurationError("a chart needs lines of two points or more")
    if any(len(li.places) != len(li.values) for row in rows for each in row for li in each.lines):
        raise ConfigurationError("a chart needs one place for each value of a line")
    if not all(chart.lines for row in rows for chart in row):
        raise ConfigurationError("a chart needs one line at least")
    width = max(map(len, rows)) * WIDTH + LEGEND
    image = Image.new("RGB", (width * SCALE, len(rows) * HEIGHT * SCALE), PAPER)
    draw = ImageDraw.Draw(image)
    for number, row in enumerate(rows):
        for column, chart in enumerate(row):
            _draw_chart(draw, chart, column * WIDTH, number * HEIGHT)
        _draw_legend(draw, row[0], len(row) * WIDTH + 6, number * HEIGHT + TOP)
    return image.resize((width, len(rows) * HEIGHT), Image.Resampling.LANCZOS)


def save_charts(path: Path, rows: Sequence[Sequence[Chart]]) -> None:
    """Write the picture as a PNG.

    Raises:
        StoreError: it cannot be written.
    """
    image = draw_charts(rows)
    try:
        image.save(path, format="PNG", optimize=True)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error}") from error


def ticks(low: float, high: float) -> tuple[float, ...]:
    """Round numbers from about low to about high, a handful.

    >>> ticks(-0.13, 1.0)
    (0.0, 0.25, 0.5, 0.75, 1.0)
    """
    rough = max(high - low, 1e-12) / (TICKS - 1)
    unit = 10.0 ** (len(f"{int(rough)}") - 1 if rough >= 1 else -_zeros(rough) - 1)
    step = next(unit * k for k in (1, 2, 2.5, 5, 10) if unit * k >= rough * 0.85)
    first = -int(-low / step) if low < 0 else -int(-low // step)
    count = int((high - first * step) / step + 1e-9) + 1
    return tuple(round((first + k) * step, 12) + 0.0 for k in range(count))


def _zeros(value: float) -> int:
    """Zeros behind the point before the first other digit."""
    count = 0
    while value < 0.1 and count < 12:
        value, count = value * 10, count + 1
    return count


def _draw_chart(draw: ImageDraw.ImageDraw, chart: Chart, x: int, y: int) -> None:
    values = [value for line in chart.lines for value in line.values]
    low, high = min(0.0, *values), max(values)
    high = high if high > low else low + 1
    first, last = _span(chart)
    left, right, top, bottom = x + LEFT, x + WIDTH - RIGHT, y + TOP, y + HEIGHT - BOTTOM

    def place(step: float, value: float) -> tuple[float, float]:
        across, up = (step - first) / (last - first), (value - low) / (high - low)
        return left + across * (right - left), bottom - up * (bottom - top)

    _text(draw, left, y + 14, chart.title, INK, size=FONT + 1)
    for value in ticks(low, high):
        _, level = place(first, value)
        _stroke(draw, [(left, level), (right, level)], GRID, 1)
        _text(draw, left - 6, level, f"{value:g}", QUIET, anchor="rm")
    for step, text in _steps(chart):
        _text(draw, place(step, low)[0], bottom + 6, text, QUIET, anchor="mt")
    _text(draw, (left + right) / 2, bottom + 24, chart.x_label, QUIET, anchor="mt")
    for line in chart.lines:
        points = [place(*each) for each in zip(line.places, line.values, strict=True)]
        _curve(draw, points, line)


def _span(chart: Chart) -> tuple[float, float]:
    """The first and the last place of a chart's axis."""
    first = min(line.places[0] for line in chart.lines)
    last = max(line.places[-1] for line in chart.lines)
    return first, last if last > first else first + 1


def _steps(chart: Chart) -> list[tuple[float, str]]:
    """Places along the axis with their names."""
    first, last = _span(chart)
    if all(line.at is None for line in chart.lines):
        return [(step, str(step)) for step in sorted({round(last * k / 3) for k in range(4)})]
    return [(step, short(step)) for step in ticks(first, last)]


def short(number: float) -> str:
    """A number of timesteps in few letters.

    >>> short(0), short(1_500), short(250_000), short(1_200_000)
    ('0', '1.5k', '250k', '1.2M')
    """
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= unit:
            return f"{number / unit:g}{letter}"
    return f"{number:g}"


def _draw_legend(draw: ImageDraw.ImageDraw, chart: Chart, x: int, y: int) -> None:
    for number, line in enumerate(line for line in chart.lines if line.label):
        middle = y + number * LEGEND_ROW + 8
        _curve(draw, [(x, middle), (x + 11, middle), (x + 22, middle)], line)
        _text(draw, x + 30, middle, line.label, INK, anchor="lm")


def _curve(draw: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], line: Line) -> None:
    if not line.dashed:
        _stroke(draw, points, line.colour, line.width)
        return
    for (x0, y0), (x1, y1) in pairwise(points):
        for k in range(2):  # two dashes a step
            start, stop = k / 2, k / 2 + 0.3
            ends = [(x0 + (x1 - x0) * part, y0 + (y1 - y0) * part) for part in (start, stop)]
            _stroke(draw, ends, line.colour, line.width)


def _stroke(
    draw: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], colour: Colour, width: float
) -> None:
    scaled = [(px * SCALE, py * SCALE) for px, py in points]
    draw.line(scaled, fill=colour, width=round(width * SCALE), joint="curve")


def _text(
    draw: ImageDraw.ImageDraw,
    x: float,
    y: float,
    text: str,
    colour: Colour,
    *,
    anchor: str = "lm",
    size: int = FONT,
) -> None:
    draw.text((x * SCALE, y * SCALE), printable(text), colour, _font(size * SCALE), anchor=anchor)


@lru_cache(maxsize=4)
def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)
