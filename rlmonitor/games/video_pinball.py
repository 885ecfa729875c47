"""VideoPinball: what the console's memory says about the screen (210 x 160, y from the top).

The bytes were found by watching memory beside pixels. From the top: three targets; a lane with a
number, a bumper, a lane with a logo; two spinners; two bumpers with a special target between; the
logos won so far; the flippers, and the plunger on the right. The whole table flashes in other
colours for some frames after a value on it rises.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rlmonitor.games.pixels import Mask, Region, Screens, ball_in, lit, still
from rlmonitor.games.screen import (
    Boxes,
    Element,
    Game,
    Ram,
    Reading,
    box,
    byte,
    clip,
    decimal,
    fixed,
    set_bits,
)

FIELD = (16, 0, 192, 160)
"""Top, left, bottom, right of where the ball can be seen; below, it falls out of sight."""

PURPLE, WHITE, BLACK = (104, 72, 198), (236, 236, 236), (0, 0, 0)
GOLD, DARK_GOLD = (210, 164, 74), (187, 159, 71)

_COLUMNS = (60, 76, 92)
"""Left edges of the three targets, and of the three logos."""

_FLIPPER = np.array([(184, 192, 13), (184, 190, 13), (181, 190, 13), (177, 190, 12)])
"""Top, bottom and width in the four positions, from down to up."""


def score(ram: Ram) -> NDArray[np.int64]:
    """Points on display, ``[N]``; after 999,999 it begins anew."""
    return decimal(ram, 52, 50, 48)


def lives(ram: Ram) -> NDArray[np.int64]:
    """Balls left with the one in play, ``[N]``; a fourth where the table owes an extra ball."""
    return np.asarray(4 + (ram[:, 40] & 1) - (ram[:, 25] & 7))


def tilt(ram: Ram) -> NDArray[np.int64]:
    """1 from a tilt until the next ball, else 0, ``[N]``."""
    return np.asarray(ram[:, 43] == 255, np.int64)


def bumper_value(ram: Ram) -> NDArray[np.int64]:
    """The number in the bumpers, 1 to 4, which three targets raise by one, ``[N]``."""
    return np.asarray(1 + ram[:, 44])


def ball_boxes(ram: Ram) -> Boxes:
    """The ball, 2 px wide and 4 high, ``[N, 1, 4]``.

    The frame after it hits something it is drawn up to 2 px from there.
    """
    return clip(box(ram[:, [68]] - 3, ram[:, [67]], 4, 2), *FIELD)


def flipper_boxes(ram: Ram) -> Boxes:
    """The left and the right flipper, ``[N, 2, 4]``."""
    top, bottom, width = np.moveaxis(_FLIPPER[ram[:, [98, 102]] // 16 % 4], -1, 0)
    left = np.stack([np.full(len(ram), 64), 96 - width[:, 1]], axis=1)
    return box(top, left, bottom - top, width)


def target_boxes(ram: Ram) -> Boxes:
    """The diamonds at the top that have not been hit, ``[N, 3, 4]``."""
    return box(24, _COLUMNS, 14, 7, exists=ram[:, 72:75] != 0)


def logo_boxes(ram: Ram) -> Boxes:
    """The logos won by rolling over that in the right lane, ``[N, 3, 4]``."""
    return box(154, _COLUMNS, 12, 7, exists=ram[:, 84:87] != 0)


def special_boxes(ram: Ram) -> Boxes:
    """The diamond that is lit for some seconds between the lower bumpers, ``[N, 1, 4]``."""
    return box(120, 77, 14, 7, exists=ram[:, [82]] != 0)


TARGETS: tuple[Region, ...] = tuple((24, left, 38, left + 7) for left in _COLUMNS)
LOGOS: tuple[Region, ...] = tuple((154, left, 166, left + 7) for left in _COLUMNS)
SPECIAL: Region = (120, 77, 134, 84)
ROLLOVERS: tuple[Region, ...] = ((48, 40, 80, 56), (48, 104, 80, 120))
BUMPERS: tuple[Region, ...] = ((48, 72, 80, 88), (112, 40, 144, 56), (112, 104, 144, 120))
SPINNERS: tuple[Region, ...] = ((90, 30, 102, 36), (90, 126, 102, 132))
PLUNGER: Region = (133, 148, 192, 152)
DISPLAY: Region = (0, 0, 16, 160)

_SLOPE = ((152, 20), (160, 24), (168, 28), (176, 32), (184, 64))
"""Lines from which the wall beside the flippers is as wide as that, down to the next."""

EMPTY = (
    (96, (16, 0, 192, 160)),
    (0, (24, 12, 192, 148)),
    (0, (32, 8, 192, 152)),
    (96, (56, 12, 192, 16)),
    (96, (56, 144, 192, 148)),
    *((96, (top, 12, 192, width)) for top, width in _SLOPE),
    *((96, (top, 160 - width, 192, 148)) for top, width in _SLOPE),
    (0, (175, 0, 176, 12)),
    (96, (104, 72, 112, 88)),
)
"""Walls, and the bar between the lower bumpers, in the table's usual purple."""

WHITER_THAN_BALLS = 120
"""Grey level; the ball and the walls have 96, flippers 236."""


def flipper_pixels(screens: Screens) -> Mask:
    """The left and the right flipper, each in the highest position whose top is white."""
    mask = screens.blank()
    white = screens.grey > WHITER_THAN_BALLS
    for left, right in ((64, 77), (83, 96)):
        waiting = np.ones(len(white), np.bool_)
        for top, bottom in ((177, 190), (181, 190), (184, 192)):
            rows, columns = screens.within((top, left, top + 3, right))
            there = waiting & white[:, rows, columns].any(axis=(1, 2))
            mask[:, *screens.touching((top, left, bottom, right))] |= there[:, None, None]
            waiting &= ~there
    return mask


BALL = ball_in(
    FIELD,
    flipper_pixels,
    *(lit(*TARGETS), lit(SPECIAL), lit(*LOGOS)),
    *(still(*ROLLOVERS), still(*BUMPERS), still(*SPINNERS), still(PLUNGER)),
)

GAME = Game(
    name="video_pinball",
    env_id="VideoPinballNoFrameskip-v4",
    elements=(
        Element("ball", ball_boxes, frozenset({PURPLE}), BALL),
        Element("flippers", flipper_boxes, frozenset({WHITE, BLACK}), flipper_pixels),
        Element("targets", target_boxes, frozenset({GOLD, BLACK}), lit(*TARGETS)),
        Element(
            "rollovers",
            fixed(*ROLLOVERS),
            frozenset({PURPLE, GOLD, BLACK}),
            still(*ROLLOVERS),
        ),
        Element(
            "bumpers",
            fixed(*BUMPERS),
            frozenset({PURPLE, GOLD, BLACK}),
            still(*BUMPERS),
        ),
        Element("special", special_boxes, frozenset({GOLD, BLACK}), lit(SPECIAL)),
        Element("spinners", fixed(*SPINNERS), frozenset({WHITE, BLACK}), still(*SPINNERS)),
        Element("logos", logo_boxes, frozenset({GOLD, BLACK}), lit(*LOGOS)),
        Element(
            "plunger",
            fixed(PLUNGER),
            frozenset({WHITE, DARK_GOLD, PURPLE, BLACK}),
            still(PLUNGER),
        ),
        Element("display", fixed(DISPLAY), frozenset({DARK_GOLD, BLACK}), still(DISPLAY)),
    ),
    score=score,
    lives=lives,
    empty=EMPTY,
    readings=(
        Reading("ball_number", byte(25)),
        # A meter fills by a bit about every fourth frame of nudging and empties by itself; once
        # it has all 8, more of the nudge tilts the table.
        Reading("nudge_left", set_bits(36)),
        Reading("nudge_right", set_bits(35)),
        Reading("nudge_up", set_bits(37)),
        Reading("tilt", tilt),
        # How often the ball has rolled over the number in the left lane, up to 99. Once the ball is
        # lost each is paid, one every 16 frames, with 1,000 times the bumpers' value: most points
        # of a high score, and won long before they are seen.
        Reading("bonus", byte(38)),
        Reading("bumper_value", bumper_value),
    ),
)
