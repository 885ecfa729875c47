"""Elements from pixels alone: where memory has them, and nowhere that the table does not fit."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import test_breakout
from hypothesis import given
from hypothesis import strategies as st
from test_breakout import edited, played
from test_pong import played as played_pong

from rlmonitor.games import GAMES, MOVING, PIXELS, element_masks, locate, pixel_masks
from rlmonitor.games import breakout as table
from rlmonitor.games.pixels import longest_run
from rlmonitor.testing import pixel_agreement


def observed(frames, rows=slice(None), shape=(84, 84)):
    """Every fourth pair of raw frames as a policy sees it, ``[N, 1, H, W]``."""
    pairs = np.maximum(frames.screen[:-1:4], frames.screen[1::4])[:, rows]
    grey = [cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in pairs]
    return np.stack([cv2.resize(g, shape[::-1], interpolation=cv2.INTER_AREA) for g in grey])[
        :, None
    ]


def test_breakout_and_pong_are_told_from_pixels():
    for name, frames in (("breakout", edited()), ("pong", played_pong())):
        found = locate(GAMES[name], observed(frames))
        assert found.elements_from == PIXELS
        assert tuple(found.masks) == GAMES[name].element_names
        assert (np.sum(list(found.masks.values()), axis=0) == 1).all()


def test_raw_grey_screens_are_told_too():
    shares = pixel_agreement(table.GAME, played().ram[:300], played().screen[:300], (210, 160))
    assert min(shares.values()) > 0.98


@pytest.mark.parametrize(
    ("game", "observation"),
    [
        (None, observed(played())),
        (GAMES["pong"], observed(played())),
        (table.GAME, observed(played(), slice(34, 194))),
        (table.GAME, 255 - observed(played())),
        (table.GAME, (observed(played()) / 255).astype(np.float32)),
    ],
    ids=["no table", "another game", "cropped", "inverted", "floats"],
)
def test_what_no_table_fits_gets_what_moves(game, observation):
    found = locate(game, observation)
    assert found.elements_from == MOVING
    assert list(found.masks) == ["moving", "rest"]


def test_a_title_screen_is_no_ball():
    frames = played_pong()
    masks, _ = pixel_masks(GAMES["pong"], observed(frames)[:, 0])
    assert masks["ball"].sum(axis=(1, 2)).max() < 80
    black = np.zeros((3, 84, 84), np.uint8)
    assert not pixel_masks(GAMES["pong"], black)[0]["ball"].any()


def test_bricks_are_those_of_memory_one_by_one():
    frames = edited()
    ram = np.stack([frames.ram[:-1:4], frames.ram[1::4]], axis=1)
    known, _ = element_masks(table.GAME, ram)
    told, _ = pixel_masks(table.GAME, observed(frames)[:, 0])
    same = (told["bricks"] == known["bricks"]).mean(axis=(1, 2))
    assert same.min() > 0.98
    assert (same == 1).mean() > 0.7


def test_pixels_that_tell_of_another_place_do_not_conform():
    def shifted(element):
        if element.name != "paddle":
            return element
        return replace(element, pixels=lambda s: np.roll(element.pixels(s), 3, axis=2))

    class Wrong(test_breakout.TestPlayed):
        game = replace(table.GAME, elements=tuple(map(shifted, table.GAME.elements)))

    with pytest.raises(AssertionError, match="paddle"):
        Wrong().test_pixels_tell_what_memory_tells()


@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_longest_run_is_the_first_longest(flags):
    start, end = (int(each[0]) for each in longest_run(np.array([flags])))
    runs = [
        (i, j) for i in range(len(flags)) for j in range(i + 1, len(flags) + 1) if all(flags[i:j])
    ]
    assert end - start == max((j - i for i, j in runs), default=0)
    assert (start, end) == next(((i, j) for i, j in runs if j - i == end - start), (0, 0))
