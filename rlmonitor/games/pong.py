"""Pong: what the console's memory says about the screen (210 x 160, y from the top).

The bytes are those of Anand et al. 2019 ('Unsupervised State Representation Learning in Atari');
offsets, sizes and what hides were found by watching memory beside pixels. The field lies between
two white bars, and the agent plays the green paddle on the right.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rlmonitor.games.pixels import Detect, Mask, Region, Screens, ball_in, longest_run, still
from rlmonitor.games.screen import Boxes, Element, Game, Ram, Reading, box, byte, clip, fixed

FIELD = (34, 0, 194, 160)
"""Top, left, bottom, right of where ball and paddles can be seen."""

HIGHER_FROM = (129, 135)
"""From this column on a ball on an odd line shows one line higher, as the cartridge switches it on
while the beam is on its way; later on lines above the paddle."""

_BROWN, _GREEN, _ORANGE, _WHITE = (144, 72, 17), (92, 186, 92), (213, 130, 74), (236, 236, 236)
_BLACK = (0, 0, 0)


def score(ram: Ram) -> NDArray[np.int64]:
    """The agent's points less the opponent's, ``[N]``: the sum of the rewards."""
    return np.asarray(ram[:, 14] - ram[:, 13])


def ball_boxes(ram: Ram) -> Boxes:
    """The ball, 2 px wide and 4 high, ``[N, 1, 4]``; none before a serve."""
    left, y = ram[:, [49]] - 49, ram[:, [54]]
    above_paddle = ram[:, [51]] > y + 8
    higher = (y % 2 == 1) & (left >= np.where(above_paddle, *HIGHER_FROM[::-1]))
    return clip(box(y - 14 - higher, left, 4, 2, exists=y != 0), *FIELD)


def paddle_boxes(ram: Ram) -> Boxes:
    """The agent's paddle, 4 px wide and 16 high, drawn on even lines only, ``[N, 1, 4]``."""
    y = ram[:, [51]]
    return clip(box(y + y % 2 - 14, 140, 16, 4), *FIELD)


def enemy_boxes(ram: Ram) -> Boxes:
    """The opponent's paddle, 4 px wide and 16 high, ``[N, 1, 4]``; none at a game's start."""
    return clip(box(ram[:, [50]] - 15, 16, 16, 4), *FIELD)


DISPLAY = (0, 0, 24, 160)

EMPTY = ((87, (0, 0, 210, 160)), (236, (24, 0, 34, 160)), (236, (194, 0, 210, 160)))
"""Brown between white bars."""

WHITE, WHITER_THAN_PADDLES = 236, 0.69
"""The ball's grey level, and a part of the way there from the empty screen: paddles are at 0.4,
also where a pixel shows a piece of a paddle and a piece of the white bar beside it."""

PADDLE, ENEMY = (34, 140, 194, 144), (34, 16, 194, 20)
"""Where the paddles move up and down."""


def paddle_in(lane: Region) -> Detect:
    """The longest run of what is shown in a lane and is no ball."""

    def detect(screens: Screens) -> Mask:
        _, inner = screens.within(lane)
        rows, columns = screens.touching(lane)
        nothing = screens.nothing.astype(np.float32)
        whiter = screens.grey - nothing >= WHITER_THAN_PADDLES * (WHITE - nothing)
        seen = screens.shown & ~whiter
        start, end = longest_run(np.asarray(seen[:, rows, inner].any(axis=2)))
        place = np.arange(screens.grey.shape[1]) - rows.start
        run = (place >= start[:, None]) & (place < end[:, None])
        mask = screens.blank()
        mask[:, :, columns] = run[:, :, None]
        return mask

    return detect


GAME = Game(
    name="pong",
    env_id="PongNoFrameskip-v4",
    elements=(
        Element(
            "ball",
            ball_boxes,
            frozenset({_WHITE}),
            ball_in(FIELD, paddle_in(PADDLE), paddle_in(ENEMY)),
        ),
        Element("paddle", paddle_boxes, frozenset({_GREEN}), paddle_in(PADDLE)),
        Element("enemy", enemy_boxes, frozenset({_ORANGE}), paddle_in(ENEMY)),
        Element(
            "display",
            fixed(DISPLAY),
            frozenset({_BROWN, _BLACK, _GREEN, _ORANGE}),
            still(DISPLAY),
        ),
    ),
    score=score,
    empty=EMPTY,
    readings=(Reading("points", byte(14)), Reading("enemy_points", byte(13))),
)
