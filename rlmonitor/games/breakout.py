"""Breakout: what the console's memory says about the screen (210 x 160, y from the top).

The bytes were read off by watching memory beside pixels. A frame of bricks: 6 rows of 6 px from
y = 57, 18 columns of 8 px from x = 8. The playing field lies between the walls.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rlmonitor.games.screen import Boxes, Element, Game, Ram, box, byte, clip, decimal, fixed

FIELD = (32, 8, 195, 152)
"""Top, left, bottom, right of where the ball can be seen; below, it falls out of sight."""

WALL_TOP, WALL_BOTTOM = 57, 93
ROWS, COLUMNS = 6, 18
ROW_HEIGHT, COLUMN_WIDTH = 6, 8

_RED, _ORANGE, _BROWN = (200, 72, 72), (198, 108, 58), (180, 122, 48)
_YELLOW, _GREEN, _BLUE = (162, 162, 42), (72, 160, 72), (66, 72, 200)
_BLACK, _GREY = (0, 0, 0), (142, 142, 142)
ROW_COLOURS = (_RED, _ORANGE, _BROWN, _YELLOW, _GREEN, _BLUE)

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
    top = WALL_TOP + ROW_HEIGHT * np.arange(ROWS)[:, None]
    left = FIELD[1] + COLUMN_WIDTH * np.arange(COLUMNS)
    bricks = box(top, left, ROW_HEIGHT, COLUMN_WIDTH, exists=bricks_standing(ram))
    return bricks.reshape(len(ram), ROWS * COLUMNS, 4)


def tunnel_boxes(ram: Ram) -> Boxes:
    """Columns without a brick left, and the space above the wall, ``[N, 19, 4]``."""
    left = FIELD[1] + COLUMN_WIDTH * np.arange(COLUMNS)
    open_columns = ~bricks_standing(ram).any(axis=1)
    columns = box(WALL_TOP, left, WALL_BOTTOM - WALL_TOP, COLUMN_WIDTH, exists=open_columns)
    above = fixed((FIELD[0], FIELD[1], WALL_TOP, FIELD[3]))(ram)
    return np.concatenate([columns, above], axis=1)


GAME = Game(
    name="breakout",
    env_id="BreakoutNoFrameskip-v4",
    elements=(
        # The ball takes the colour of the row that it crosses, above the wall that of the ceiling.
        Element("ball", ball_boxes, frozenset({_GREY, *ROW_COLOURS})),
        Element("paddle", paddle_boxes, frozenset({_RED})),
        Element("tunnel", tunnel_boxes, frozenset({_BLACK})),
        Element("bricks", brick_boxes, frozenset(ROW_COLOURS)),
        Element("display", fixed((0, 0, 17, 160)), frozenset({_BLACK, _GREY})),
    ),
    # Where tunnels are dug: a fixed box at each upper corner, as Lapuschkin et al. 2019 measure
    # the tunnel strategy; here from the ceiling to the wall's lower edge, three bricks wide.
    outside=(Element("corners", fixed((32, 8, 93, 32), (32, 128, 93, 152))),),
    score=score,
    lives=lives,
)
