"""Breakout: what the console's memory says about the screen (210 x 160, y from the top).

The bytes were read off by watching memory beside pixels. A frame of bricks: 6 rows of 6 px from
y = 57, 18 columns of 8 px from x = 8. The playing field lies between the walls.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rlmonitor.games.pixels import Mask, Painted, Screens, ball_in, longest_run, still
from rlmonitor.games.screen import (
    Boxes,
    Element,
    Game,
    Ram,
    box,
    byte,
    clip,
    decimal,
    fixed,
    rasterise,
)

FIELD = (32, 8, 195, 152)
"""Top, left, bottom, right of where the ball can be seen; below, it falls out of sight."""

WALL_TOP, WALL_BOTTOM = 57, 93
ROWS, COLUMNS = 6, 18
ROW_HEIGHT, COLUMN_WIDTH = 6, 8

_RED, _ORANGE, _BROWN = (200, 72, 72), (198, 108, 58), (180, 122, 48)
_YELLOW, _GREEN, _BLUE = (162, 162, 42), (72, 160, 72), (66, 72, 200)
_BLACK, _GREY = (0, 0, 0), (142, 142, 142)
ROW_COLOURS = (_RED, _ORANGE, _BROWN, _YELLOW, _GREEN, _BLUE)
GREY_LEVELS = (110, 129, 131, 148, 124, 85)
"""Of the rows of bricks, from the top, as a policy sees them."""

_BRICK_BYTE = np.array([35, 29, 29, 29, 29, 23, 23, 23, 23, 17, 17, 11, 11, 11, 11, 5, 5, 5])
_BRICK_BIT = np.array([6, 6, 4, 2, 0, 0, 2, 4, 6, 4, 6, 6, 4, 2, 0, 0, 2, 4])
"""Of the top row, by column; each row further down stands one byte earlier, two bits a brick."""


def score(ram: Ram) -> NDArray[np.int64]:
    """Points on display, ``[N]``."""
    return decimal(ram, 76, 77)


lives = byte(57)
"""Memory to the lives left, ``[N]``."""


def bricks_standing(ram: Ram) -> NDArray[np.bool_]:
    """Which bricks stand, ``[N, 6, 18]``, top row first, from the left."""
    place = _BRICK_BYTE - np.arange(ROWS)[:, None]
    return np.asarray((ram[:, place] >> _BRICK_BIT) & 3 != 0)


def with_bricks(ram: NDArray[np.uint8], standing: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """One memory ``[128]`` with the wall replaced by ``standing`` ``[6, 18]``, all else kept."""
    edited = ram.copy()
    for row, column in np.ndindex(ROWS, COLUMNS):
        place, bits = _BRICK_BYTE[column] - row, 3 << _BRICK_BIT[column]
        edited[place] = edited[place] | bits if standing[row, column] else edited[place] & ~bits
    return edited


def with_ball(ram: NDArray[np.uint8], top: int, left: int) -> NDArray[np.uint8]:
    """One memory ``[128]`` with the ball's upper left corner moved, all else kept."""
    edited = ram.copy()
    edited[99], edited[101] = left + 49, top - (8 if top < WALL_BOTTOM else 9)
    return edited


def ball_boxes(ram: Ram) -> Boxes:
    """The ball, 2 px wide and 4 high, ``[N, 1, 4]``.

    While the cartridge draws the wall it is a line ahead: there and above the ball stands one line
    higher, and it is 5 px high where it leaves the wall.
    """
    y = ram[:, [101]]
    top, bottom = y + np.where(y < 85, 8, 9), y + np.where(y < 81, 12, 13)
    return clip(box(top, ram[:, [99]] - 49, bottom - top, 2, exists=y != 0), *FIELD)


def paddle_boxes(ram: Ram) -> Boxes:
    """The paddle, 16 px wide, or 12 once the ball has been at the ceiling, ``[N, 1, 4]``."""
    width = np.where(ram[:, [108]] == 6, 12, 16)
    return clip(box(189, ram[:, [72]] - 47, 4, width), *FIELD)


def brick_boxes(ram: Ram) -> Boxes:
    """Each brick that stands, ``[N, 108, 4]``."""
    return _brick_boxes(bricks_standing(ram))


def _brick_boxes(standing: NDArray[np.bool_]) -> Boxes:
    top = WALL_TOP + ROW_HEIGHT * np.arange(ROWS)[:, None]
    left = FIELD[1] + COLUMN_WIDTH * np.arange(COLUMNS)
    bricks = box(top, left, ROW_HEIGHT, COLUMN_WIDTH, exists=standing)
    return bricks.reshape(len(standing), ROWS * COLUMNS, 4)


def tunnel_boxes(ram: Ram) -> Boxes:
    """Columns without a brick left, and the space above the wall, ``[N, 19, 4]``."""
    return _tunnel_boxes(bricks_standing(ram))


def _tunnel_boxes(standing: NDArray[np.bool_]) -> Boxes:
    left = FIELD[1] + COLUMN_WIDTH * np.arange(COLUMNS)
    height = WALL_BOTTOM - WALL_TOP
    columns = box(WALL_TOP, left, height, COLUMN_WIDTH, exists=~standing.any(axis=1))
    above = np.full((len(standing), 1, 4), (FIELD[0], FIELD[1], WALL_TOP, FIELD[3]))
    return np.concatenate([columns, above], axis=1)


CORNERS = ((32, 8, 93, 32), (32, 128, 93, 152))
DISPLAY = (0, 0, 17, 160)

EMPTY = (
    (142, (17, 0, 189, 160)),
    (127, (189, 0, 196, 8)),
    (110, (189, 152, 195, 160)),
    (0, (32, 8, 210, 152)),
)
"""Walls and ceiling, and the two ends of the line that the paddle moves on."""


def seen_bricks(screens: Screens) -> NDArray[np.bool_]:
    """Which bricks stand, ``[N, 6, 18]``: those all of whose inner pixels are shown.

    The ball in a gap shows fewer, in both raw frames together.
    """
    standing = np.zeros((len(screens.grey), ROWS, COLUMNS), np.bool_)
    for row, column in np.ndindex(ROWS, COLUMNS):
        top, left = WALL_TOP + ROW_HEIGHT * row, FIELD[1] + COLUMN_WIDTH * column
        tile = screens.within((top, left, top + ROW_HEIGHT, left + COLUMN_WIDTH))
        standing[:, row, column] = screens.shown[:, *tile].all(axis=(1, 2))
    return standing


def brick_pixels(screens: Screens) -> Mask:
    """Each brick that stands."""
    return _painted(_brick_boxes(seen_bricks(screens)), screens)


def tunnel_pixels(screens: Screens) -> Mask:
    """Columns without a brick left, and the space above the wall."""
    return _painted(_tunnel_boxes(seen_bricks(screens)), screens)


def close_columns(screens: Screens) -> NDArray[np.uint8]:
    """The screens ``[N, H, W]`` with all bricks in those columns that have none."""
    standing = seen_bricks(screens)
    closed = standing | ~standing.any(axis=1, keepdims=True)
    before, after = (_drawn(wall, screens) for wall in (standing, closed))
    # Elsewhere a pixel keeps what the screen shows, also where it shares one with a brick.
    return np.where(before == after, screens.grey, after)


def _drawn(standing: NDArray[np.bool_], screens: Screens) -> NDArray[np.uint8]:
    """Screens ``[N, H, W]`` with nothing but walls ``[N, 6, 18]``."""
    walls, which = np.unique(standing.reshape(len(standing), -1), axis=0, return_inverse=True)
    drawn = [
        replace(screens, empty=(*screens.empty, *_wall(wall.reshape(ROWS, COLUMNS)))).nothing
        for wall in walls
    ]
    return np.stack(drawn)[which]


def _wall(standing: NDArray[np.bool_]) -> Painted:
    """The bricks of one wall ``[6, 18]``."""
    place = [
        (WALL_TOP + ROW_HEIGHT * row, FIELD[1] + COLUMN_WIDTH * column)
        for row, column in np.ndindex(ROWS, COLUMNS)
    ]
    return tuple(
        (GREY_LEVELS[brick // COLUMNS], (top, left, top + ROW_HEIGHT, left + COLUMN_WIDTH))
        for brick, (top, left) in enumerate(place)
        if standing.flat[brick]
    )


def paddle_pixels(screens: Screens) -> Mask:
    """The longest run of what is shown on the paddle's line."""
    line, _ = screens.within((189, 0, 193, 160))
    rows, columns = screens.touching((189, FIELD[1], 193, FIELD[3]))
    start, end = longest_run(np.asarray(screens.shown[:, line, columns].any(axis=1)))
    place = np.arange(screens.grey.shape[2]) - columns.start
    run = (place >= start[:, None]) & (place < end[:, None])
    mask = screens.blank()
    mask[:, rows] = run[:, None]
    return mask


def _painted(boxes: Boxes, screens: Screens) -> Mask:
    height, width = screens.grey.shape[1:]
    return rasterise(boxes, screens.raw, (height, width))


GAME = Game(
    name="breakout",
    env_id="BreakoutNoFrameskip-v4",
    elements=(
        # The ball takes the colour of the row that it crosses, above the wall that of the ceiling.
        Element(
            "ball",
            ball_boxes,
            frozenset({_GREY, *ROW_COLOURS}),
            ball_in(FIELD, paddle_pixels, brick_pixels),
        ),
        Element("paddle", paddle_boxes, frozenset({_RED}), paddle_pixels),
        Element("tunnel", tunnel_boxes, frozenset({_BLACK}), tunnel_pixels, close_columns),
        Element("bricks", brick_boxes, frozenset(ROW_COLOURS), brick_pixels),
        Element("display", fixed(DISPLAY), frozenset({_BLACK, _GREY}), still(DISPLAY)),
    ),
    # Where tunnels are dug: a fixed box at each upper corner, as Lapuschkin et al. 2019 measure
    # the tunnel strategy; here from the ceiling to the wall's lower edge, three bricks wide.
    outside=(Element("corners", fixed(*CORNERS), pixels=still(*CORNERS)),),
    score=score,
    lives=lives,
    empty=EMPTY,
)
