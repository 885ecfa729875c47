"""Where an element was in the stack, and what is behind it, on screens made by hand."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlmonitor.errors import ObservationError
from rlmonitor.strategy.background import (
    BLANK,
    UNKNOWN,
    Views,
    fill,
    grown,
    stack_sources,
    still_part,
)

SIZE = 12


def screens(n, seed=0, channels=1):
    return np.random.default_rng(seed).integers(1, 256, (n, channels, SIZE, SIZE), dtype=np.uint8)


def stacked(frames, depth, padding):
    """Observations of a game from its beginning, with zeros or the first frame before it."""
    first = np.zeros_like(frames[0]) if padding == "zeros" else frames[0]
    padded = [first] * (depth - 1) + list(frames)
    return np.stack([np.concatenate(padded[i : i + depth]) for i in range(len(frames))])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_a_stack_shows_the_frames_before_it(depth, channels):
    observation = stacked(screens(9, channels=channels), depth, "zeros")
    sources = stack_sources(observation, np.arange(9))
    expected = np.arange(9)[:, None] + np.arange(1 - depth, 1)
    assert (sources == np.where(expected < 0, BLANK, expected)).all()


def test_a_reset_that_repeats_the_first_frame():
    observation = stacked(screens(6), 4, "first")
    sources = stack_sources(observation, np.arange(6))
    assert sources.tolist() == np.maximum(np.arange(6)[:, None] + np.arange(-3, 1), 0).tolist()


def test_games_one_after_another_do_not_mix():
    games = [stacked(screens(5, seed), 4, "zeros") for seed in (0, 1)]
    sources = stack_sources(np.concatenate(games), np.arange(10))
    assert sources[5].tolist() == [BLANK, BLANK, BLANK, 5]
    assert sources[9].tolist() == [6, 7, 8, 9]


def test_what_is_not_in_the_recording_is_unknown():
    observation = stacked(screens(12), 4, "zeros")[4:]
    sources = stack_sources(observation, np.arange(4, 12))
    assert sources[0].tolist() == [UNKNOWN, UNKNOWN, UNKNOWN, 0]
    assert (sources[3:] >= 0).all()
    picked = observation[::3]
    assert (stack_sources(picked, np.arange(4, 12)[::3])[:, :-1] == UNKNOWN).all()


def ball_over(ground, places, depth=2):
    """A 3 x 3 ball that moves over a ground, its masks, and the game without it."""
    frames, masks = [], []
    for top, left in places:
        mask = np.zeros((SIZE, SIZE), bool)
        mask[top : top + 3, left : left + 3] = True
        frames.append(np.where(mask, 250, ground).astype(np.uint8)[None])
        masks.append(mask)
    empty = stacked(np.stack([ground[None]] * len(places)), depth, "zeros")
    return stacked(np.stack(frames), depth, "zeros"), np.stack(masks), empty


@given(st.integers(0, 99), st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_behind_a_moving_ball_is_the_ground(seed, depth):
    ground = screens(1, seed)[0, 0]
    places = [(i % 9, 4 * (i % 3)) for i in range(9)]
    observation, mask, empty = ball_over(ground, places, depth)
    sources = stack_sources(observation, np.arange(9))
    index = np.arange(9)
    behind = Views(observation, 1, ground=~mask).behind(mask, free=~mask)
    filled, there = fill(observation, mask, index, sources, behind)
    np.testing.assert_array_equal(filled, empty)
    assert there.all()
    assert not np.array_equal(observation, filled)


@pytest.mark.parametrize(
    ("box", "inside", "outside"),
    [((0, 0, 17, 160), 60, 142), ((57, 8, 93, 152), 110, 0), ((33, 21, 80, 99), 90, 200)],
)
def test_of_pixels_on_a_border_only_the_elements_part_is_replaced(box, inside, outside):
    top, left, bottom, right = box
    raw = np.full((210, 160), outside, np.uint8)
    cover = np.zeros((210, 160), np.float32)
    cover[top:bottom, left:right] = 1
    with_it, without = raw.copy(), raw.copy()
    with_it[top:bottom, left:right] = inside
    without[top:bottom, left:right] = 7  # the ground elsewhere
    shape = {"dsize": (84, 84), "interpolation": cv2.INTER_AREA}
    mask = (cv2.resize(cover, **shape) > 1e-4)[None]
    ground = np.zeros_like(mask)
    observation = np.stack([cv2.resize(with_it, **shape)])[None]
    expected = cv2.resize(without, **shape)
    observation[0, 0, 50, 0] = 7
    ground[0, 50, 0] = True  # the one pixel that says what the ground is
    expected[50, 0] = 7
    behind = Views(observation, 1, ground).behind(mask, free=~mask)
    filled, _ = fill(observation, mask, np.array([0]), np.array([[0]]), behind)
    difference = np.abs(filled[0, 0].astype(int) - expected)
    assert (difference[mask[0]] > 2).sum() <= 4  # the corners, where four colours could meet
    assert (difference[~mask[0]] == 0).all()


@given(st.integers(0, 99), st.sampled_from([np.uint8, np.float32]))
@settings(max_examples=20, deadline=None)
def test_bare_is_what_never_goes_away_and_always_looks_as_the_ground_does(seed, kind):
    rng = np.random.default_rng(seed)
    frames = np.zeros((12, 1, SIZE, SIZE), kind)
    frames[:, :, 4:8] = 9  # a wall, with what a pixel's height of it leaves in the row above
    frames[:, :, 3] = 2
    frames[6:, :, 3:8, 2:5] = 0  # a gap opens in it
    at = tuple(rng.integers(0, [3, SIZE]))
    frames[rng.integers(0, 12), 0, *at] = 5  # something is shown above it once
    mask = np.zeros((12, SIZE, SIZE), bool)
    mask[:, :4] = True
    mask[6:, 4:8, 2:5] = True
    bare = Views(frames, 1, ground=~mask & (frames[:, 0] == 0)).bare(mask, free=~mask)
    row, column = at
    expected = np.zeros((SIZE, SIZE), bool)
    expected[:4] = True
    expected[at] = False
    beside = slice(max(column - 1, 0), column + 2)
    if row == 2:  # the edge beside it may show some of it
        expected[3, beside] = False
    np.testing.assert_array_equal(bare, expected)


def test_a_mask_grows_into_what_stands_still_and_not_into_what_passes():
    mask = np.zeros((4, 5, 5), bool)
    mask[:, 2:, :] = True
    region, ball = np.zeros_like(mask), np.zeros_like(mask)
    region[:, :2, :] = True
    ball[1, 1, 3], region[1, 1, 3] = True, False
    whole = grown(mask, [still_part(each) for each in (region, ball)])
    assert whole[:, 1].sum() == 4 * 5 - 1
    assert not whole[1, 1, 3]
    assert not whole[:, 0].any()


@pytest.mark.parametrize("steps", [0, 3])
def test_shapes_that_do_not_fit_name_themselves(steps):
    with pytest.raises(ObservationError, match="steps"):
        stack_sources(screens(2), np.arange(steps))
    with pytest.raises(ObservationError, match="mask"):
        Views(screens(2), 1, np.ones((2, 12, 12), bool)).behind(*np.ones((2, 2, 3, 3), bool))
