"""Breakout's table against pixels, read here in another way than the table does."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import ClassVar

import numpy as np
import pytest

from rlmonitor.games import Element, as_ram, element_masks, game_of
from rlmonitor.games import breakout as table
from rlmonitor.testing import GameConformance, RawFrames, play_raw

RED = (200, 72, 72)
FULL = np.ones((6, 18), bool)


def follow_ball(ram):
    """FIRE without a ball, else towards it."""
    if ram[101] == 0:
        return 1
    offset = int(ram[99]) - 49 - (int(ram[72]) - 47 + 7)
    return 2 if offset > 2 else 3 if offset < -2 else 0


def without(columns):
    standing = FULL.copy()
    standing[:, list(columns)] = False
    return standing


def opened(ram):
    """Tunnels at both sides and in the middle, some bricks gone elsewhere, the ball above."""
    standing = without([0, 8, 9, 17])
    standing[3:, 4] = standing[5, 10:14] = False
    return table.with_ball(table.with_bricks(ram, standing), 40, 60)


@cache
def played() -> RawFrames:
    return play_raw("BreakoutNoFrameskip-v4", 1200, seed=5, policy=follow_ball)


@cache
def edited() -> RawFrames:
    return play_raw("BreakoutNoFrameskip-v4", 600, seed=6, policy=follow_ball, edit=opened)


@cache
def idle() -> RawFrames:
    return play_raw("BreakoutNoFrameskip-v4", 60, seed=7, policy=lambda ram: 0)


class TestPlayed(GameConformance):
    game = table.GAME

    def frames(self) -> RawFrames:
        return played()


class TestEdited(TestPlayed):
    # a ball that touches a brick of its colour cannot be told from it
    overlap: ClassVar = {"ball": 0.85}

    def frames(self) -> RawFrames:
        return edited()


def red(frames):
    return (frames.screen == RED).all(-1)


def single_balls(frames):
    """Frames and upper left corners where the field's red is one block of 4 x 2, touching nothing.

    Looks below the wall and above the paddle, where the ball alone is red.
    """
    found = []
    for n, field in enumerate(red(frames)[:, 93:189, 8:152]):
        spots = np.argwhere(field)
        if len(spots) == 8 and (np.ptp(spots, axis=0) == (3, 1)).all():
            top, left = spots.min(axis=0)
            found.append((n, top + 93, left + 8))
    return np.array(found)


def test_ball_is_where_pixels_show_it():
    frames = played()
    frame, top, left = single_balls(frames).T
    boxes = table.ball_boxes(as_ram(frames.ram[frame]))[:, 0]
    expected = np.stack([top, left, top + 4, left + 2], axis=1)
    inner = (top > 93) & (top < 185)  # not cut by the wall above or the paddle below
    assert inner.sum() > 500
    assert (boxes == expected).all(axis=1)[inner].mean() >= 0.99


def test_ball_above_the_wall_and_in_a_tunnel_is_where_pixels_show_it():
    frames = edited()
    boxes = table.ball_boxes(as_ram(frames.ram))[:, 0]
    column, offset = np.divmod(boxes[:, 1] - 8, 8)
    free = np.isin(column, (0, 8, 9, 17)) & (offset < 7)  # nothing but the ball in its columns
    high = (boxes[:, 0] > 32) & (boxes[:, 2] <= 57)
    inside = (boxes[:, 0] >= 57) & (boxes[:, 0] < 93) & free
    assert high.sum() > 100
    assert inside.sum() > 10
    exact = []
    for n in np.flatnonzero(high | inside):
        top, left, bottom, right = boxes[n]
        end = 57 if high[n] else 189
        rows = np.flatnonzero(frames.screen[n, 32:end, left:right].all(axis=-1).all(axis=-1)) + 32
        exact.append(rows.tolist() == list(range(top, bottom)))
    assert np.mean(exact) >= 0.99


def test_no_ball_means_no_red_in_the_field():
    frames = idle()
    gone = frames.ram[:, 101] == 0
    assert gone.sum() > 10
    assert not red(frames)[gone][:, 93:189, 8:152].any()
    masks, _ = element_masks(table.GAME, frames.ram[gone][:, None].repeat(2, axis=1))
    assert not masks["ball"].any()


def test_paddle_is_where_pixels_show_it():
    frames = played()
    boxes = table.paddle_boxes(as_ram(frames.ram))[:, 0]
    low = table.ball_boxes(as_ram(frames.ram))[:, 0, 2] > 188  # a ball beside it looks like it
    rows = red(frames)[:, 189:193, 8:152].all(axis=1)
    first, last = rows.argmax(1) + 8, 152 - rows[:, ::-1].argmax(1)
    right = (boxes[:, 1] == first) & (boxes[:, 3] == last)
    assert (~low).sum() > 1000
    assert right[~low].mean() >= 0.99


@pytest.mark.parametrize("frames", [played, edited])
def test_each_brick_is_where_pixels_show_it(frames):
    frames = frames()
    wall = frames.screen[:, 57:93, 8:152].reshape(-1, 6, 6, 18, 8, 3).transpose(0, 1, 3, 2, 4, 5)
    shown = wall.any(-1).mean(axis=(3, 4)) > 0.5  # the ball covers 8 of 48 pixels, or fewer
    standing = table.bricks_standing(as_ram(frames.ram))
    assert 0 < standing.mean() < 1
    assert (shown == standing).mean() >= 0.999
    colours = np.array(table.ROW_COLOURS)[None, :, None, None, None]
    painted = (wall == colours).all(-1).all(axis=(3, 4))
    assert (painted == standing).mean() >= 0.999


def test_tunnels_are_the_columns_without_bricks():
    frames = edited()
    boxes = table.tunnel_boxes(as_ram(frames.ram))
    there = (boxes[:, :18, 2] > 0).all(axis=0)
    assert set(np.flatnonzero(there)) == {0, 8, 9, 17}
    assert (boxes[:, 18] == (32, 8, 57, 152)).all()
    field = frames.screen[:, 57:93, [8, 15, 72, 87, 144, 151]]
    dark = (~field.any(-1)).mean()
    assert dark > 0.98  # the ball passes through


def test_narrow_paddle_after_the_ceiling():
    ram = played().ram[:4].copy()
    ram[:, 108] = [8, 6, 8, 6]
    boxes = table.paddle_boxes(as_ram(ram))[:, 0]
    assert (boxes[:, 3] - boxes[:, 1]).tolist() == [16, 12, 16, 12]


def test_display_holds_all_that_is_written():
    frames = played()
    written = (frames.screen[:, :17] == 142).all(-1)
    assert written.any(axis=(1, 2)).all()
    masks, _ = element_masks(table.GAME, frames.ram[:8][:, None].repeat(2, axis=1))
    assert masks["display"][:, :6].all()
    assert not masks["display"][:, 7:].any()  # 17 rows of 2.5 a pixel end in row 6


def test_corners_stand_beside_the_disjoint_elements():
    masks, outside = element_masks(table.GAME, played().ram[:2][:, None].repeat(2, axis=1))
    assert set(outside) == {"corners"}
    assert (outside["corners"] & masks["bricks"]).any()
    assert (outside["corners"] == outside["corners"][:, :, ::-1]).all()


@pytest.mark.parametrize("name", ["ball", "paddle", "tunnel", "bricks"])
def test_a_table_that_is_three_pixels_off_does_not_conform(name):
    def shifted(element):
        boxes = element.boxes
        moved = boxes if element.name != name else lambda ram: boxes(ram) + 3
        return Element(element.name, moved, element.colours)

    class Wrong(TestEdited):
        game = replace(table.GAME, elements=tuple(map(shifted, table.GAME.elements)))

    with pytest.raises(AssertionError, match=name):
        Wrong().test_elements_match_pixels()


def test_editing_bricks_leaves_the_rest_alone():
    ram = played().ram[-1]
    standing = np.random.default_rng(0).random((6, 18)) < 0.5
    changed = table.with_bricks(ram, standing)
    assert (table.bricks_standing(as_ram(changed[None]))[0] == standing).all()
    untouched = np.setdiff1d(np.arange(128), np.arange(36))
    assert (changed[untouched] == ram[untouched]).all()
    moved = table.ball_boxes(as_ram(table.with_ball(ram, 100, 77)[None]))[0, 0]
    assert moved.tolist() == [100, 77, 104, 79]


@pytest.mark.parametrize(
    "env_id",
    [
        "BreakoutNoFrameskip-v4",
        "ALE/Breakout-v5",
        "Breakout-v4",
        "BreakoutDeterministic-v0",
        "breakout",
    ],
)
def test_game_of_knows_every_form_of_the_id(env_id):
    assert game_of(env_id) is table.GAME


@pytest.mark.parametrize("env_id", ["CartPole-v1", "ALE/Breakouts-v5", "a b", ""])
def test_game_of_is_none_for_what_has_no_table(env_id):
    assert game_of(env_id) is None
