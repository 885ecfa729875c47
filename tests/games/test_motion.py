"""What moves: planted things that move, and those that do not."""

from __future__ import annotations

import numpy as np
import pytest
from catch import Catch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from stable_baselines3.common.vec_env import DummyVecEnv

from rlmonitor.environment import make_monitor_env
from rlmonitor.errors import NonFiniteError, ObservationError
from rlmonitor.games import MOVING, moving_masks
from rlmonitor.rollout import Player
from rlmonitor.strategy.pooling import pool, pool_frames


def walk(n=6, stack=4):
    """A 2 x 2 thing on a patterned ground, 3 px to the right each frame: ``[n, stack, 30, 30]``."""
    ground = np.random.default_rng(0).integers(0, 100, (30, 30), np.uint8)
    frames = np.repeat(ground[None], n + stack, axis=0)
    for i, frame in enumerate(frames):
        frame[10:12, 2 * i : 2 * i + 2] = 255
    return np.stack([frames[i + 1 : i + 1 + stack] for i in range(n)])


def test_it_is_where_the_thing_is_and_where_it_was():
    masks = moving_masks(walk())
    for i, mask in enumerate(masks[MOVING]):
        newest = 2 * (i + 4)
        expected = np.zeros((30, 30), bool)
        expected[10:12, newest - 2 : newest + 2] = True
        assert (mask == expected).all()


def test_without_a_stack_it_is_told_from_the_frame_before():
    single = walk()[:, -1:]
    stacked = moving_masks(walk())[MOVING]
    assert (moving_masks(single)[MOVING][1:] == stacked[1:]).all()
    assert not moving_masks(single)[MOVING][0].any()
    continues = np.array([False, True, False, True, True, True])
    cut = moving_masks(single, continues)[MOVING]
    assert cut.any(axis=(1, 2)).tolist() == continues.tolist()


def test_a_thing_of_another_colour_moves_too():
    rgb = np.repeat(walk(), 3, axis=1)
    rgb[:, 0::3], rgb[:, 2::3] = 7, 7
    assert (moving_masks(rgb, rgb=True)[MOVING] == moving_masks(walk())[MOVING]).all()


def test_a_scene_that_changes_is_left_out_and_what_moves_apart_from_it_is_not():
    frames = walk(n=1)
    frames[:, -1, 20:] += 100
    assert (moving_masks(frames)[MOVING] == moving_masks(walk(n=1))[MOVING]).all()


@settings(max_examples=40, deadline=None)
@given(arrays.arrays(np.uint8, (3, 2, 9, 7), elements=st.sampled_from([0, 255])))
def test_moving_and_rest_cover_every_frame_once(observation):
    masks = moving_masks(observation)
    assert list(masks) == ["moving", "rest"]
    assert (masks["moving"] ^ masks["rest"]).all()
    changed = observation[:, 1] != observation[:, 0]
    assert not masks["moving"][~changed.any(axis=(1, 2))].any()


def test_where_nothing_moves_no_statistic_is_made_up():
    masks = moving_masks(np.zeros((5, 4, 12, 12), np.uint8))
    assert not masks["moving"].any()
    found = pool(pool_frames(np.ones((5, 4, 12, 12), np.float32), masks))
    assert found.share == {"moving": 0.0, "rest": 1.0}
    assert set(found.relative) == {"rest"}
    assert found.context is None


@pytest.mark.parametrize("shape", [(0, 4, 8, 8), (3, 8, 8), (2, 4, 0, 8)])
def test_observations_of_a_wrong_shape(shape):
    with pytest.raises(ObservationError, match="expected \\[N, C, H, W\\]"):
        moving_masks(np.zeros(shape, np.uint8))


def test_channels_that_make_no_frames():
    with pytest.raises(ObservationError, match="3 channels a frame"):
        moving_masks(np.zeros((2, 4, 8, 8), np.uint8), rgb=True)


def test_observations_that_are_not_numbers():
    frames = walk().astype(np.float32)
    frames[2, 0, 0, 0] = np.nan
    with pytest.raises(NonFiniteError, match="nothing can be said"):
        moving_masks(frames)


def test_a_game_without_a_table_has_what_moves():
    player = Player(make_monitor_env("SeaquestNoFrameskip-v4", seed=0), epsilon=1.0)
    recording = player.play(lambda _: np.zeros((1, 18)), 40)
    player.close()
    assert list(recording.masks) == ["moving", "rest"]
    share = recording.masks["moving"].mean(axis=(1, 2))
    assert (share > 0).mean() > 0.9
    assert share.max() < 0.3


class Blank(Catch):
    def _observation(self):
        return super()._observation() * 0


def test_a_blank_game_has_no_element_and_says_so_once():
    player = Player(DummyVecEnv([Blank]))
    with pytest.warns(UserWarning, match="nothing moves in 20 frames"):
        recording = player.play(lambda _: np.zeros((1, 3)), 20)
    player.play(lambda _: np.zeros((1, 3)), 20)  # warnings are errors in tests
    assert not recording.masks["moving"].any()
    player.close()
