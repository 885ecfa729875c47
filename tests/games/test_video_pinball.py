"""VideoPinball's table against pixels, read here in another way than the table does."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import ClassVar

import ale_py
import gymnasium as gym
import numpy as np
import pytest
from ale_py import ALEInterface, roms

from rlmonitor.errors import ObservationError
from rlmonitor.games import as_ram, game_of, readings
from rlmonitor.games import video_pinball as table
from rlmonitor.testing import GameConformance, RawFrames, play_raw

GOLD = (210, 164, 74)
NUDGES = {"nudge_up": 6, "nudge_right": 7, "nudge_left": 8}
"""Each meter with its action: a direction and FIRE."""


def without_flashes(frames):
    """Frames in their usual colours: for some frames after a bonus the whole table flashes."""
    usual = (frames.screen[:, 20, 80] == table.PURPLE).all(-1)
    return RawFrames(*(each[usual] for each in vars(frames).values()))


def some_lit(ram):
    """A target hit, two logos won, the special target lit."""
    edited = ram.copy()
    edited[[72, 113]] = 0
    edited[[84, 85, 92, 94]] = 115
    edited[82], edited[27] = 123, 4
    return edited


@cache
def played() -> RawFrames:
    """Every fourth of 4,000 frames."""
    return without_flashes(
        RawFrames(
            *(e[::4] for e in vars(play_raw("VideoPinballNoFrameskip-v4", 4000, seed=1)).values())
        )
    )


class TestVideoPinball(GameConformance):
    game = table.GAME
    # the frame after it hits something the ball is drawn up to 2 px from where memory has it
    minimum: ClassVar = {"ball": 0.96}
    regions = frozenset({"display", "plunger"})
    # the ball in a lane, before a target or on the plunger is taken for these
    overlap: ClassVar = {"ball": 0.85}

    def frames(self) -> RawFrames:
        return played()


def moving_purple(frames):
    """Where purple comes and goes: the ball, what walls hide of it left aside."""
    purple = (frames.screen == table.PURPLE).all(-1)
    return purple & (purple.mean(axis=0) < 0.5)


def test_ball_is_where_pixels_show_it():
    frames = played()
    shown = moving_purple(frames)
    whole = shown.sum(axis=(1, 2)) == 8
    rows, columns = shown.any(axis=2), shown.any(axis=1)
    whole &= (rows.sum(axis=1) == 4) & (columns.sum(axis=1) == 2)
    top, left = rows.argmax(1), columns.argmax(1)
    expected = np.stack([top, left, top + 4, left + 2], axis=1)[whole]
    assert whole.sum() > 800
    assert (table.ball_boxes(as_ram(frames.ram))[whole, 0] == expected).all(axis=1).mean() >= 0.999


def test_ball_touches_its_box_wherever_it_is_seen():
    frames = played()
    shown = moving_purple(frames)
    boxes = table.ball_boxes(as_ram(frames.ram))[:, 0]
    near = [
        frame[max(0, top - 2) : bottom + 2, max(0, left - 2) : right + 2].sum() == frame.sum()
        for frame, (top, left, bottom, right) in zip(shown, boxes, strict=True)
    ]
    assert np.mean(near) >= 0.999


def test_flippers_are_where_pixels_show_them():
    frames = played()
    white = (frames.screen == table.WHITE).all(-1)
    boxes = table.flipper_boxes(as_ram(frames.ram))
    assert len({tuple(box) for box in boxes[:, 0]}) == len({tuple(box) for box in boxes[:, 1]}) == 4
    for side, columns in enumerate((slice(56, 80), slice(80, 104))):
        rows, spread = (
            white[:, 170:196, columns].any(axis=2),
            white[:, 170:196, columns].any(axis=1),
        )
        top, bottom = rows.argmax(1) + 170, 196 - rows[:, ::-1].argmax(1)
        left, right = spread.argmax(1) + columns.start, columns.stop - spread[:, ::-1].argmax(1)
        shown = np.stack([top, left, bottom, right], axis=1)
        assert (boxes[:, side] == shown).all(axis=1).mean() >= 0.98  # the ball may hide a corner


@pytest.mark.parametrize(
    ("boxes", "index"),
    [(table.target_boxes, i) for i in range(3)]
    + [(table.logo_boxes, i) for i in range(3)]
    + [(table.special_boxes, 0)],
)
def test_lights_are_lit_when_memory_says_so(boxes, index):
    gold = [(f.screen == GOLD).all(-1) for f in (played(), lit())]
    there = [boxes(as_ram(f.ram))[:, index, 2] > 0 for f in (played(), lit())]
    top, left, bottom, right = np.concatenate(
        [boxes(as_ram(f.ram))[:, index] for f in (played(), lit())]
    ).max(axis=0)
    inside = np.concatenate([g[:, top:bottom, left:right] for g in gold])
    exists = np.concatenate(there)
    assert 0 < exists.mean() < 1
    assert (inside.sum(axis=(1, 2)) > 15)[exists].mean() >= 0.99
    assert inside[~exists].any(axis=(1, 2)).mean() <= 0.01  # a hit shows a frame later
    rows, columns = inside[exists].any(axis=(0, 2)), inside[exists].any(axis=(0, 1))
    assert rows.all() and columns.all()  # noqa: PT018


@cache
def lit() -> RawFrames:
    return without_flashes(play_raw("VideoPinballNoFrameskip-v4", 300, seed=4, edit=some_lit))


def test_lanes_and_bumpers_end_where_pixels_do():
    purple = (played().screen == table.PURPLE).all(-1).mean(axis=0) > 0.9
    elements = {each.name: each for each in table.GAME.elements}
    for name in ("rollovers", "bumpers"):
        for top, left, bottom, right in elements[name].boxes(as_ram(played().ram[:1]))[0]:
            assert purple[top:bottom, [left, right - 1]].all()
            assert not purple[top:bottom, [left - 1, right]].any()
            assert not purple[[top - 1, bottom], left:right].any()


def test_ball_number_and_lives():
    frames = play_raw("VideoPinballNoFrameskip-v4", 200, seed=4, edit=with_ball(3))
    found = readings(table.GAME, frames.ram)
    assert set(found["ball_number"]) == {3}
    assert (found["lives"] == frames.lives).all()
    owed = play_raw("VideoPinballNoFrameskip-v4", 200, seed=4, edit=with_ball(2, extra=1))
    assert (readings(table.GAME, owed.ram)["lives"] == owed.lives).all()
    assert set(owed.lives) == {3}


def with_ball(number, extra=0):
    def edit(ram):
        edited = ram.copy()
        edited[25], edited[40] = number, extra
        return edited

    return edit


@pytest.mark.parametrize(("meter", "action"), NUDGES.items())
def test_a_nudge_that_is_held_fills_its_meter_and_tilts_the_table(meter, action):
    gym.register_envs(ale_py)
    env = gym.make("VideoPinballNoFrameskip-v4", frameskip=1, repeat_action_probability=0.0)
    env.reset(seed=0)
    for launch in [5] * 40 + [1] * 3 + [0] * 90:  # DOWN pulls the plunger, FIRE lets it go
        env.step(launch)
    ram = []
    for _ in range(45):
        env.step(action)
        ram.append(env.unwrapped.ale.getRAM())
    env.close()
    found = readings(table.GAME, np.array(ram))
    assert found[meter][0] <= 1
    assert found[meter].max() == 8
    assert not any(found[other].any() for other in NUDGES if other != meter)
    assert found["tilt"][0] == 0
    full = (found[meter] == 8).argmax()
    assert 0 < full <= found["tilt"].argmax() <= full + 8


@pytest.mark.parametrize(("bonus", "sets"), [(2, 0), (18, 1), (99, 3)])
def test_a_lost_ball_pays_the_bonus_that_memory_holds(bonus, sets):
    ale = ALEInterface()
    ale.setFloat("repeat_action_probability", 0.0)
    ale.setInt("random_seed", 1)
    ale.loadROM(roms.get_rom_path("video_pinball"))
    for launch in [5] * 40 + [1] * 3 + [0] * 90:
        ale.act(launch)
    ale.setRAM(38, bonus)
    for place in (44, 45):
        ale.setRAM(place, sets)
    while ale.getRAM()[67] < table.PLUNGER[1]:  # a lost ball goes there at once
        held, paid = ale.getRAM(), [ale.act(0)]
    paid += [ale.act(0) for _ in range(16 * 110)]
    found = readings(table.GAME, held[None])
    assert found["bonus"] >= bonus  # the ball may cross the lane meanwhile
    assert found["bumper_value"] > sets
    pays = [points for points in paid if points]
    assert pays == [1000 * int(found["bumper_value"][0])] * int(found["bonus"][0])
    assert readings(table.GAME, ale.getRAM()[None])["bonus"] == 0


def test_readings_of_memory_of_a_wrong_shape():
    with pytest.raises(ObservationError, match="of a recording take"):
        readings(table.GAME, np.zeros((4, 2, 128), np.uint8))


@pytest.mark.parametrize("name", ["flippers", "targets", "spinners", "logos"])
def test_a_table_that_is_a_few_pixels_off_does_not_conform(name):
    def shifted(element):
        boxes = element.boxes
        if element.name != name:
            return element
        return replace(element, boxes=lambda ram: boxes(ram) + 3 * (boxes(ram) > 0))

    class Wrong(TestVideoPinball):
        game = replace(table.GAME, elements=tuple(map(shifted, table.GAME.elements)))

    with pytest.raises(AssertionError, match=name):
        Wrong().test_nothing_sticks_out_of_an_element()


def test_game_of_knows_it():
    assert game_of("ALE/VideoPinball-v5") is table.GAME
