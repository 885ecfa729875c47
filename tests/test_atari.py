"""The monitor's Atari environment against stable-baselines3's own wrappers, and a lone one."""

import ale_py
import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common import atari_wrappers as sb3
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack, VecTransposeImage

from rlmonitor.atari import LoneEnv, atari_env
from rlmonitor.emulator import EmulatorTap, insert_tap
from rlmonitor.environment import make_monitor_env
from rlmonitor.preprocessing import Preprocessing, describe

gym.register_envs(ale_py)
SPEC = gym.spec("BreakoutNoFrameskip-v4")


def stable_baselines(how: Preprocessing) -> gym.Env:
    """The same preprocessing, by stable-baselines3's wrappers alone."""
    env = sb3.NoopResetEnv(
        gym.make(SPEC, disable_env_checker=True, max_num_frames_per_episode=how.max_frames),
        noop_max=how.noop_max,
    )
    env = sb3.MaxAndSkipEnv(env, skip=how.frame_skip)
    if how.terminal_on_life_loss:
        env = sb3.EpisodicLifeEnv(env)
    env = sb3.FireResetEnv(env)
    return env if how.screen_size is None else sb3.WarpFrame(env)


@pytest.mark.parametrize(
    "how",
    [
        Preprocessing(SPEC.id, max_frames=303),  # a game may end with any of the skipped frames
        Preprocessing(SPEC.id, max_frames=601, terminal_on_life_loss=True, frame_skip=3),
        Preprocessing(SPEC.id, screen_size=None, frame_skip=2, max_frames=202),
    ],
)
def test_environment_equals_that_of_stable_baselines3(how: Preprocessing) -> None:
    ours = LoneEnv([lambda: atari_env(SPEC, how)])
    theirs = DummyVecEnv([lambda: stable_baselines(how)])
    taps = [insert_tap(env) for env in (ours, theirs)]
    draw, ends = np.random.default_rng(0), 0
    for env in (ours, theirs):
        env.seed(5)
    np.testing.assert_array_equal(ours.reset(), theirs.reset())
    for step in range(360):
        for tap in taps:
            tap.begin()
        action = draw.integers(0, 4, 1)
        one, other = ours.step(action), theirs.step(action)
        for a, b in zip(one[:3], other[:3], strict=True):
            assert a.dtype == b.dtype, step
            np.testing.assert_array_equal(a, b, err_msg=str(step))
        assert one[3][0].keys() == other[3][0].keys()
        ends += bool(one[2][0])
        if one[2][0]:
            ending = [each[3][0]["terminal_observation"] for each in (one, other)]
            np.testing.assert_array_equal(*ending)
        assert_same_seen(*taps)
    assert ends >= 3


def assert_same_seen(ours: EmulatorTap, theirs: EmulatorTap) -> None:
    """Screen, memory and score of two taps."""
    np.testing.assert_array_equal(ours.screen, theirs.screen)
    np.testing.assert_array_equal(ours.ram, theirs.ram)
    same = [(t.score, t.earned, t.game_over) for t in (ours, theirs)]
    assert same[0] == same[1]


def test_stack_of_moved_frames_equals_moved_stack() -> None:
    how = Preprocessing(SPEC.id, max_frames=303)
    training = VecTransposeImage(VecFrameStack(DummyVecEnv([lambda: stable_baselines(how)]), 4))
    ours = make_monitor_env(None, training, seed=3)
    assert describe(ours) == describe(training)
    training.seed(3)
    np.testing.assert_array_equal(ours.reset(), training.reset())
    for action in np.random.default_rng(1).integers(0, 4, 200):
        one, other = ours.step([action]), training.step([action])
        np.testing.assert_array_equal(one[0], other[0])
        assert one[2] == other[2]
        if one[2][0]:
            ending = [each[3][0]["terminal_observation"] for each in (one, other)]
            np.testing.assert_array_equal(*ending)


class Reused(gym.Env):
    """Gives one array, one dict of observations and one info again and again."""

    def __init__(self, *, as_dict: bool = False) -> None:
        box = spaces.Box(0, 255, (2, 3), np.float32)
        self.observation_space = spaces.Dict(seen=box) if as_dict else box
        self.action_space = spaces.Discrete(2)
        self.seen, self.info, self.count = np.zeros((2, 3)), {}, 0
        self.given = {"seen": self.seen} if as_dict else self.seen

    def reset(self, *, seed=None, options=None):
        self.seen[:], self.count = 0, 0
        return self.given, self.info

    def step(self, action):
        self.count += 1
        self.seen += 1
        return self.given, 0.1, self.count == 3, False, self.info


@pytest.mark.parametrize("as_dict", [False, True])
def test_lone_environment_equals_dummy_vec_env_and_hands_out_copies(as_dict: bool) -> None:
    pair = [kind([lambda: Reused(as_dict=as_dict)]) for kind in (LoneEnv, DummyVecEnv)]
    seen = [[env.reset()] for env in pair]
    for _ in range(7):
        steps = [env.step([0]) for env in pair]
        for kept, (observation, reward, done, _) in zip(seen, steps, strict=True):
            kept += [observation, reward, done]
    for one, other in zip(*seen, strict=True):
        one, other = (x["seen"] if isinstance(x, dict) else x for x in (one, other))
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    assert pair[0].envs[0].info == {}
