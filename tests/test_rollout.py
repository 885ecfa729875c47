"""The player and its recordings, on real frames and on environments made for the test."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import fields

import cv2
import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import (
    DummyVecEnv,
    VecEnvWrapper,
    VecFrameStack,
    VecTransposeImage,
)

from rlmonitor.emulator import insert_tap
from rlmonitor.environment import make_monitor_env
from rlmonitor.errors import ConfigurationError, NonFiniteError, ObservationError
from rlmonitor.games import as_ram, breakout
from rlmonitor.recording import Recording, busiest, spread
from rlmonitor.rollout import Player

BREAKOUT = "BreakoutNoFrameskip-v4"


class FollowsBall:
    """Q-values that move the paddle under the newest pixel of the ball, and serve without one."""

    def __call__(self, observation):
        assert observation.shape == (1, 4, 84, 84)
        field, paddle = observation[0, 3, 38:74, 5:79], observation[0, 3, 76, 5:79]
        ball = np.flatnonzero(field.any(axis=0))
        if not len(ball):
            return np.array([[0, 1, 0, 0]], np.float32)
        offset = ball.mean() - np.flatnonzero(paddle).mean()
        return np.array([[0, 0, offset, -offset]], np.float32)


@pytest.fixture(scope="module")
def player():
    """Whoever plays first plays from the start."""
    return Player(make_monitor_env(BREAKOUT, seed=3), seed=3)


@pytest.fixture(scope="module")
def recording(player):
    return player.play(FollowsBall(), 500)


class Counter(gym.Env):
    """Images whose bright column counts the steps; an episode lasts seven of them."""

    action_space = spaces.Discrete(2)

    def __init__(self, shape=(12, 10, 1), dtype=np.uint8, render_mode=None):
        self.render_mode = render_mode
        high = 255 if dtype == np.uint8 else 1
        self.observation_space = spaces.Box(0, high, shape, dtype)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.count = 0
        return self._image(), {}

    def step(self, action):
        self.count += 1
        return self._image(), 10.0 + action, self.count == 7, False, {}

    def _image(self):
        space = self.observation_space
        image = np.zeros(space.shape, space.dtype)
        image[..., self.count, :] = space.high.max()
        return image

    def render(self):
        return np.full((30, 40, 3), self.count, np.uint8)


def first_action(observation):
    return np.array([[1.0, 0.0]])


# --- what a recording holds


def test_shapes_and_types(recording):
    n = 500
    assert len(recording) == n
    expected = {
        "observation": ((n, 4, 84, 84), np.uint8),
        "screen": ((n, 210, 160, 3), np.uint8),
        "action": ((n,), np.int64),
        "reward": ((n,), np.float32),
        "score": ((n,), np.float32),
        "done": ((n,), np.bool_),
        "step": ((n,), np.int64),
        "ram": ((n, 2, 128), np.uint8),
    }
    found = {name: getattr(recording, name) for name in expected}
    assert {k: (v.shape, v.dtype.type) for k, v in found.items()} == expected
    assert recording.env_id == BREAKOUT
    assert recording.action_meanings == ("NOOP", "FIRE", "RIGHT", "LEFT")
    assert recording.step.tolist() == list(range(n))


def test_score_is_the_one_on_display(recording):
    shown = breakout.score(as_ram(recording.ram[:, 1]))
    assert recording.score.max() > 3
    assert (shown == recording.score).all()


def test_rewards_add_up_to_the_score(recording):
    same_game = ~recording.done[:-1]
    gained = np.diff(recording.score)
    assert (gained == recording.reward[:-1])[same_game].all()
    assert (recording.score[1:][~same_game] == 0).all()
    assert recording.reward.max() >= 1


def test_a_game_ends_with_its_last_life_only():
    def serve(observation):
        return np.array([[0, 1, 0, 0]], np.float32)

    def training():
        return VecFrameStack(make_atari_env(BREAKOUT), 4)

    # with EpisodicLifeEnv the vector environment says done at every lost life
    player = Player(make_monitor_env(training, seed=0), epsilon=0.0)
    played = player.play(serve, 400)
    lives = breakout.lives(as_ram(played.ram[:, 1]))
    ends = np.flatnonzero(played.done)
    assert len(ends) >= 1
    assert (lives[ends] == 1).all()
    assert (lives[ends[ends < 399] + 1] == 5).all()
    assert (np.diff(lives) == -1).sum() >= 4


def test_masks_lie_on_what_the_observation_shows(recording):
    """Below the wall and above the paddle all that shines is the ball, in both raw frames."""
    newest, ball = recording.observation[:, 3, 38:74, 5:79] > 0, recording.masks["ball"]
    ball = ball[:, 38:74, 5:79]
    there = ball.any(axis=(1, 2))
    assert there.sum() > 100
    assert (newest & ~ball).sum() <= 0.001 * newest.sum()
    # outward rounding takes in pixels that the ball hardly touches, which round to black
    assert (newest & ball).sum() >= 0.8 * ball.sum()


def test_memory_is_that_of_the_two_frames_in_the_observation():
    """Where the ball moved between them, the observation shows both of its places."""
    played = Player(make_monitor_env(BREAKOUT, seed=5)).play(FollowsBall(), 60)
    boxes = breakout.ball_boxes(as_ram(played.ram.reshape(-1, 128))).reshape(60, 2, 4)
    checked = 0
    for n in range(60):
        if not (boxes[n, :, 0] > 95).all() or not (boxes[n, :, 2] < 188).all():
            continue
        raw = np.zeros((210, 160), np.uint8)
        for top, left, bottom, right in boxes[n]:
            raw[top:bottom, left:right] = 110  # the ball's red in grey
        expected = cv2.resize(raw, (84, 84), interpolation=cv2.INTER_AREA)[39:74, 5:79]
        difference = np.abs(expected.astype(int) - played.observation[n, 3, 39:74, 5:79])
        assert difference.max() <= 2
        checked += (boxes[n, 0] != boxes[n, 1]).any()
    assert checked > 10


def test_screen_is_the_newest_raw_frame(recording):
    paddle = breakout.paddle_boxes(as_ram(recording.ram[:, 1]))[:, 0]
    red = (recording.screen[:, 190] == (200, 72, 72)).all(-1)
    for row, (_, left, _, right) in zip(red, paddle, strict=True):
        assert row[left:right].all()


def test_one_raw_frame_a_step_has_one_memory():
    def factory():
        return make_atari_env(BREAKOUT, wrapper_kwargs={"frame_skip": 1})

    played = Player(make_monitor_env(factory, seed=0)).play(FollowsBall(), 20)
    assert (played.ram[:, 0] == played.ram[:, 1])[1:].all()


# --- how it is played


def test_play_goes_on_from_call_to_call():
    whole = Player(make_monitor_env(BREAKOUT, seed=8), seed=8).play(FollowsBall(), 90)
    parts = Player(make_monitor_env(BREAKOUT, seed=8), seed=8)
    first, second = parts.play(FollowsBall(), 40), parts.play(FollowsBall(), 50)
    for name in ("observation", "action", "reward", "score", "done", "step", "ram", "screen"):
        joined = np.concatenate([getattr(first, name), getattr(second, name)])
        assert (joined == getattr(whole, name)).all(), name


@pytest.mark.parametrize(("epsilon", "low", "high"), [(0.0, 0, 0), (1.0, 80, 120), (0.5, 30, 70)])
def test_epsilon_is_the_chance_of_a_random_action(epsilon, low, high):
    player = Player(DummyVecEnv([Counter]), epsilon=epsilon, seed=1)
    assert low <= player.play(first_action, 200).action.sum() <= high


def test_global_random_states_are_untouched():
    def states():
        numpy = np.random.get_state()[1].tolist()  # noqa: NPY002
        return random.getstate(), numpy, torch.get_rng_state().tolist()

    def careless(observation):
        np.random.random()  # noqa: NPY002
        random.random()
        torch.rand(1)
        return np.array([[1.0, 0, 0, 0]])

    before = states()
    player = Player(make_monitor_env(BREAKOUT, seed=0), seed=0)
    player.play(careless, 10)
    assert states() == before


def test_q_values_that_are_not_numbers_are_an_error():
    player = Player(DummyVecEnv([Counter]))
    with pytest.raises(NonFiniteError, match="at step 0"):
        player.play(lambda observation: np.array([[np.nan, 0.0]]), 3)


def test_q_values_of_another_environment_are_an_error():
    player = Player(DummyVecEnv([Counter]))
    with pytest.raises(ObservationError, match=r"\(1, 3\), expected \(1, 2\)"):
        player.play(lambda observation: np.zeros((1, 3)), 3)


def test_no_steps_are_an_error():
    with pytest.raises(ConfigurationError, match="n_steps=0"):
        Player(DummyVecEnv([Counter])).play(first_action, 0)


# --- environments that are not ALE's


def test_another_image_environment():
    player = Player(DummyVecEnv([Counter]), epsilon=0.0)
    played = player.play(first_action, 16)
    assert player.game is None
    assert played.ram is None
    assert list(played.masks) == ["moving", "rest"]
    assert played.channels_last
    assert played.observation.shape == (16, 1, 12, 10)
    assert played.policy_observation.shape == (16, 12, 10, 1)
    assert np.flatnonzero(played.done).tolist() == [6, 13]
    assert played.score.tolist() == [*range(0, 70, 10), *range(0, 70, 10), 0, 10]
    assert played.action_meanings == ("0", "1")
    # the observation, as grey
    assert played.screen.shape == (16, 12, 10, 3)
    assert [frame[0].argmax(axis=0).tolist() for frame in played.screen[:3]] == [
        [n, n, n] for n in range(3)
    ]


def test_layouts_reach_the_policy_as_they_are():
    seen = []

    def forward(observation):
        seen.append(observation.shape)
        return first_action(observation)

    for shape in [(12, 10, 1), (1, 12, 10)]:
        Player(DummyVecEnv([lambda shape=shape: Counter(shape)])).play(forward, 1)
    assert seen == [(1, 12, 10, 1), (1, 1, 12, 10)]


def test_float_observations_stay_float():
    played = Player(DummyVecEnv([lambda: Counter(dtype=np.float32)])).play(first_action, 3)
    assert played.observation.dtype == np.float32
    assert played.screen.dtype == np.uint8
    assert played.screen.max() == 255


def test_colour_frames_are_shown_in_colour():
    class Red(Counter):
        def _image(self):
            return super()._image() * np.array([1, 0, 0], np.uint8)

    vec_env = VecFrameStack(DummyVecEnv([lambda: Red((12, 10, 3))]), 2)
    played = Player(vec_env).play(first_action, 2)
    assert played.observation.shape == (2, 6, 12, 10)
    assert (played.screen[1, 0, 1] == (255, 0, 0)).all()


def test_what_the_environment_draws_is_the_screen():
    played = Player(DummyVecEnv([lambda: Counter(render_mode="rgb_array")])).play(first_action, 3)
    assert played.screen.shape == (3, 30, 40, 3)
    assert played.screen[:, 0, 0, 0].tolist() == [0, 1, 2]


# --- elements


def left_half(observation):
    mask = np.zeros(observation.shape[1:], bool)
    mask[:, :42] = True
    return mask


def test_the_games_table_is_taken_by_itself(recording):
    assert list(recording.masks) == ["ball", "paddle", "tunnel", "bricks", "display", "rest"]
    assert list(recording.outside) == ["corners"]


def test_users_elements_are_made_disjoint_in_order():
    elements = {"left": left_half, "bright": lambda observation: observation[3] > 0}
    player = Player(make_monitor_env(BREAKOUT, seed=0), elements=elements)
    played = player.play(FollowsBall(), 5)
    assert list(played.masks) == ["left", "bright", "rest"]
    assert (sum(mask.astype(int) for mask in played.masks.values()) == 1).all()
    assert played.masks["left"][:, :, :42].all()
    assert (played.masks["bright"] == (played.observation[:, 3] > 0))[:, :, 42:].all()


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (
            np.zeros((84, 80), bool),
            r"shape \(84, 80\) and dtype bool, expected \(84, 84\) and bool",
        ),
        (np.zeros((84, 84)), "dtype float64"),
        (True, r"shape \(\)"),
    ],
)
def test_masks_of_another_shape_are_an_error(mask, message):
    player = Player(make_monitor_env(BREAKOUT, seed=0), elements={"odd": lambda observation: mask})
    with pytest.raises(ObservationError, match=message):
        player.play(FollowsBall(), 2)


def test_rest_is_no_name_for_an_element():
    with pytest.raises(ConfigurationError, match="'rest'"):
        Player(DummyVecEnv([Counter]), elements={"rest": left_half})


def test_a_table_needs_an_emulator():
    with pytest.raises(ConfigurationError, match=r"the table of 'breakout' needs .* memory"):
        Player(DummyVecEnv([Counter]), elements=breakout.GAME)


def test_vectors_are_no_images():
    with pytest.raises(ObservationError, match=r"\(4,\), float32\), expected images"):
        Player(DummyVecEnv([lambda: gym.make("CartPole-v1")]))


def test_actions_must_be_discrete():
    class Steered(Counter):
        action_space = spaces.Box(-1, 1, (2,))

    with pytest.raises(ConfigurationError, match="discrete"):
        Player(DummyVecEnv([Steered]))


def test_the_tap_is_inserted_once():
    vec_env = make_monitor_env(BREAKOUT, seed=0)
    assert insert_tap(vec_env) is insert_tap(vec_env)
    bare = DummyVecEnv([Counter])
    assert insert_tap(bare) is insert_tap(bare)
    assert str(bare.envs[0]) == "<EmulatorTap<Counter instance>>"


# --- parts of a recording


def small(n, reward=None, done=None, step=None, ball=None):
    mask = np.zeros((n, 2, 2), bool)
    mask[:, 0, 0] = np.zeros(n, bool) if ball is None else ball
    return Recording(
        observation=np.arange(n * 4, dtype=np.uint8).reshape(n, 1, 2, 2),
        screen=np.zeros((n, 2, 2, 3), np.uint8),
        action=np.zeros(n, np.int64),
        reward=np.zeros(n, np.float32) if reward is None else np.array(reward, np.float32),
        score=np.zeros(n, np.float32),
        done=np.zeros(n, bool) if done is None else np.array(done, bool),
        step=np.arange(n) if step is None else np.array(step),
        masks={"ball": mask, "rest": ~mask},
        env_id="x",
    )


@pytest.mark.parametrize("index", [slice(2, 5), [4, 0], np.array([1])])
def test_select_takes_every_part(recording, index):
    part = recording.select(index)
    for each in fields(Recording):
        whole, own = getattr(recording, each.name), getattr(part, each.name)
        if isinstance(whole, Mapping):
            assert all((own[name] == whole[name][index]).all() for name in whole)
        elif isinstance(whole, np.ndarray):
            assert (own == whole[index]).all()
        else:
            assert own == whole


def test_select_without_memory():
    assert small(4).select([1, 2]).ram is None


@given(st.integers(1, 60), st.integers(1, 80))
def test_spread_is_even(total, n):
    steps = spread(small(total), n).step
    assert len(steps) == min(n, total)
    if n > 1:
        assert steps[0] == 0
        assert steps[-1] == total - 1
    gaps = np.diff(steps)
    assert (gaps >= 1).all()
    assert len(gaps) == 0 or gaps.max() - gaps.min() <= 1


def literal_busiest(recording, length):
    """Every window in turn."""
    best = None
    for start in range(len(recording) - length + 1):
        window = range(start, start + length)
        whole = all(
            recording.step[i + 1] == recording.step[i] + 1 and not recording.done[i]
            for i in window[:-1]
        )
        reward = sum(abs(recording.reward[i]) for i in window)
        seen = sum(recording.masks["ball"][i].any() for i in window)
        value = (whole, reward, seen)
        if best is None or value > best[0]:
            best = (value, start)
    return best[1]


@settings(deadline=None)
@given(st.data())
def test_busiest_is_the_best_of_all_windows(data):
    n = data.draw(st.integers(2, 14))
    length = data.draw(st.integers(1, n - 1))

    def column(values):
        return data.draw(st.lists(values, min_size=n, max_size=n))

    recording = small(
        n,
        reward=column(st.sampled_from([0, 0, 1, 4, -1])),
        done=column(st.sampled_from([False, False, False, True])),
        step=np.cumsum(column(st.sampled_from([1, 1, 1, 5]))),
        ball=column(st.booleans()),
    )
    start = literal_busiest(recording, length)
    found = busiest(recording, length)
    assert found.observation.tolist() == recording.observation[start : start + length].tolist()


def test_busiest_of_a_short_recording_is_all_of_it():
    assert len(busiest(small(3), 64)) == 3


def test_busiest_without_elements():
    recording = Recording(**{**vars(small(6, reward=[0, 0, 0, 0, 9, 0])), "masks": {}})
    assert busiest(recording, 2).step.tolist() == [3, 4]


class Cropped(gym.ObservationWrapper):
    """The middle of the screen only: positions in memory mean nothing here."""

    def __init__(self, env):
        super().__init__(env)
        self.observation_space = gym.spaces.Box(0, 255, (160, 160, 3), np.uint8)

    def observation(self, observation):
        return observation[34:194]


def test_a_wrapper_that_may_crop_the_screen_means_no_table_and_a_word():
    env = make_monitor_env(lambda: Cropped(gym.make("BreakoutNoFrameskip-v4")))
    with pytest.warns(UserWarning, match="the only element is 'moving'"):
        player = Player(env)
    assert player.game is None
    recording = player.play(lambda _: np.zeros((1, 4)), 2)
    assert list(recording.masks) == ["moving", "rest"]
    assert recording.ram is not None
    player.close()


def test_large_screens_are_recorded_smaller():
    class Wide(Counter):
        def render(self):
            return np.zeros((600, 900, 3), np.uint8)

    player = Player(DummyVecEnv([lambda: Wide(render_mode="rgb_array")]))
    assert player.play(first_action, 2).screen.shape == (2, 200, 300, 3)
    player.close()


class Coloured(gym.Env):
    """Frames ``[8, 9, 3]`` whose colours count 100, 101, 102 and one more with each step."""

    observation_space = gym.spaces.Box(0, 255, (8, 9, 3), np.uint8)
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return self.seen(), {}

    def step(self, action):
        self.steps += 1
        return self.seen(), 0.0, False, False, {}

    def seen(self):
        return np.full((8, 9, 3), np.array([100, 101, 102]) + self.steps, np.uint8)


@pytest.mark.parametrize("channels_last", [True, False])
def test_the_colours_of_a_frame_are_no_frames_of_the_stack(channels_last):
    vec_env = VecFrameStack(DummyVecEnv([Coloured]), 2)
    player = Player(vec_env if channels_last else VecTransposeImage(vec_env))
    recording = player.play(first_action, 3)
    player.close()
    assert recording.colours == 3
    # an observation is a map too: of each frame of the stack, the sum of its colours
    frames = recording.frame_maps(recording.policy_observation.astype(np.float64))
    assert frames.shape == (3, 2, 8, 9)
    assert frames[2, :, 0, 0].tolist() == [3 * 101 + 3, 3 * 101 + 6]


def test_grey_frames_of_a_coloured_game_are_frames():
    class Grey(VecEnvWrapper):
        def __init__(self, venv):
            super().__init__(venv, gym.spaces.Box(0, 255, (8, 9, 1), np.uint8))

        def reset(self):
            return self.venv.reset()[..., :1]

        def step_wait(self):
            observation, *rest = self.venv.step_wait()
            return observation[..., :1], *rest

    player = Player(Grey(DummyVecEnv([Coloured])))
    assert player.play(first_action, 1).colours == 1
    player.close()


def test_three_channels_first_are_taken_for_grey_frames():
    class Stacked(Coloured):
        observation_space = gym.spaces.Box(0, 255, (3, 8, 9), np.uint8)

        def seen(self):
            return np.moveaxis(super().seen(), -1, 0)

    player = Player(DummyVecEnv([Stacked]))
    assert player.play(first_action, 1).colours == 1
    player.close()
