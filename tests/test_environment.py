"""The monitor's environment: like the training's, apart from it, and fit for the policy."""

from __future__ import annotations

import random
import sys
import types
from functools import partial

import ale_py
import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation
from stable_baselines3.common.atari_wrappers import AtariWrapper, EpisodicLifeEnv
from stable_baselines3.common.env_util import is_wrapped, make_atari_env
from stable_baselines3.common.envs import FakeImageEnv
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import (
    DummyVecEnv,
    SubprocVecEnv,
    VecEnvWrapper,
    VecFrameStack,
    VecMonitor,
    VecNormalize,
    VecTransposeImage,
)

from rlmonitor.emulator import insert_tap
from rlmonitor.environment import (
    Preprocessing,
    describe,
    make_monitor_env,
    require_opencv,
)
from rlmonitor.errors import ConfigurationError, DependencyError, ObservationError, UnknownNameError
from rlmonitor.native_env import NativeAtariVecEnv
from rlmonitor.preprocessing import differences, wrapper_names

gym.register_envs(ale_py)
BREAKOUT = "BreakoutNoFrameskip-v4"


def atari(vec_env_cls=DummyVecEnv, env_id=BREAKOUT, **wrapper):
    """What a stable-baselines3 model trains in: four frames, channels first."""
    vec_env = make_atari_env(
        partial(in_worker, env_id), seed=0, vec_env_cls=vec_env_cls, wrapper_kwargs=wrapper
    )
    return VecTransposeImage(VecFrameStack(vec_env, n_stack=4))


def in_worker(env_id):
    gym.register_envs(ale_py)
    return gym.make(env_id)


def no_monitor():
    return AtariWrapper(in_worker(BREAKOUT), screen_size=42)


def gymnasium_env():
    gym.register_envs(ale_py)
    env = gym.make("ALE/Breakout-v5", frameskip=1, repeat_action_probability=0.25)
    env = AtariPreprocessing(env, noop_max=7, terminal_on_life_loss=True)
    return Monitor(FrameStackObservation(env, 4))


def gymnasium_stack(vec_env_cls=DummyVecEnv):
    return vec_env_cls([gymnasium_env])


class Squares(gym.Env):
    """An image environment that is not ALE's."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012  # gymnasium's own way
    observation_space = spaces.Box(0, 255, (20, 24, 1), np.uint8)
    action_space = spaces.Discrete(3)

    def __init__(self, side=3, render_mode=None):
        self.side, self.render_mode = side, render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self._image(), {}

    def step(self, action):
        return self._image(), float(action), bool(self.np_random.random() < 0.1), False, {}

    def _image(self):
        image = np.zeros((20, 24, 1), np.uint8)
        top, left = self.np_random.integers(0, 20 - self.side, 2)
        image[top : top + self.side, left : left + self.side] = 255
        return image

    def render(self):
        return np.full((40, 48, 3), 7, np.uint8)


@pytest.fixture
def squares_id():
    gym.register("Squares-v0", entry_point=Squares, kwargs={"side": 5})
    yield "Squares-v0"
    gym.registry.pop("Squares-v0")


class Locked(Squares):
    def __deepcopy__(self, memo):
        raise TypeError("a window handle cannot be copied")


def observations(vec_env, seed, n=60):
    vec_env.seed(seed)
    seen = [vec_env.reset()]
    actions = np.random.default_rng(1).integers(0, 3, n)
    return np.array(seen + [vec_env.step([action])[0] for action in actions])


# --- like the training's


@pytest.mark.parametrize(
    "training",
    [
        atari,
        lambda: atari(terminal_on_life_loss=False, frame_skip=3, noop_max=0, screen_size=64),
        lambda: atari(env_id="ALE/Breakout-v5"),
        lambda: VecMonitor(VecFrameStack(DummyVecEnv([no_monitor]), 2, "last")),
        gymnasium_stack,
        lambda: DummyVecEnv([lambda: gym.make("ALE/Breakout-v5")]),
        lambda: VecFrameStack(DummyVecEnv([lambda: Monitor(Squares())]), 4),
    ],
)
def test_derived_env_shows_what_the_training_env_would(training):
    vec_env = training()
    vec_env.reset()
    derived = make_monitor_env(None, vec_env, seed=11)
    assert derived.observation_space == vec_env.observation_space
    assert (observations(derived, 3) == observations(training(), 3)).all()


@pytest.mark.parametrize("training", [atari, gymnasium_stack])
def test_derived_from_other_processes(training):
    vec_env = training(SubprocVecEnv)
    try:
        vec_env.reset()
        described = describe(vec_env)
        derived = make_monitor_env(None, vec_env, seed=11)
        assert described == describe(training())
        assert (observations(derived, 3, 20) == observations(training(), 3, 20)).all()
        # the worker is alive and well
        assert vec_env.step(np.array([0]))[0].shape == (1, 4, 84, 84)
    finally:
        vec_env.close()


def test_derived_from_the_native_env_keeps_whole_games():
    native = NativeAtariVecEnv("breakout", 2)
    try:
        derived = make_monitor_env(None, native, seed=0)
    finally:
        native.close()
    assert derived.observation_space == native.observation_space
    assert not is_wrapped(derived.unwrapped.envs[0], EpisodicLifeEnv)
    assert differences(describe(native), describe(derived)) == ()


def test_life_rules_follow_the_training():
    for rule in (True, False):
        derived = make_monitor_env(None, atari(terminal_on_life_loss=rule), seed=0)
        assert is_wrapped(derived.unwrapped.envs[0], EpisodicLifeEnv) is rule


def test_registered_env_is_made_anew_with_its_arguments(squares_id):
    training = DummyVecEnv([lambda: Monitor(gym.make(squares_id, render_mode="rgb_array"))])
    derived = make_monitor_env(None, training, seed=0)
    assert derived.get_attr("side") == [5]
    assert derived.render_mode == "rgb_array"
    assert derived.unwrapped.envs[0].unwrapped is not training.envs[0].unwrapped


def test_normalisation_is_shared_and_frozen():
    training = VecNormalize(DummyVecEnv([Squares]), norm_reward=False)
    training.reset()
    derived = make_monitor_env(None, training, seed=0)
    before = training.obs_rms.mean.copy()
    derived.reset()
    derived.step(np.array([0]))
    assert derived.obs_rms is training.obs_rms
    assert (training.obs_rms.mean == before).all()


def test_unknown_vector_wrapper_is_named():
    class Halved(VecEnvWrapper):
        def reset(self):
            return self.venv.reset() // 2

        def step_wait(self):
            return self.venv.step_wait()

    with pytest.warns(UserWarning, match=r"training's Halved is not in the monitor's"):
        make_monitor_env(None, Halved(DummyVecEnv([Squares])), seed=0)


@pytest.mark.parametrize("vec_env_cls", [DummyVecEnv, SubprocVecEnv])
def test_what_cannot_be_derived_asks_for_a_factory(vec_env_cls):
    training = vec_env_cls([Locked])
    try:
        with pytest.raises(ConfigurationError, match="pass env=factory"):
            make_monitor_env(None, training, seed=0)
    finally:
        training.close()


# --- given by the user


@pytest.mark.parametrize("name", [BREAKOUT, "ALE/Breakout-v5", "breakout"])
def test_env_by_id_has_the_policys_shape(name):
    derived = make_monitor_env(name, seed=0)
    assert derived.observation_space.shape == (4, 84, 84)
    assert insert_tap(derived).unwrapped.ale.getRAM().shape == (128,)


def test_env_by_id_without_training_takes_the_policys_size():
    space = spaces.Box(0, 255, (2, 64, 48), np.uint8)
    assert make_monitor_env(BREAKOUT, None, space, seed=0).observation_space.shape == (2, 64, 48)


def test_env_by_id_takes_the_trainings_preprocessing():
    training = atari(screen_size=64, frame_skip=3)
    derived = make_monitor_env(BREAKOUT, training, seed=0)
    assert differences(describe(training), describe(derived)) == ()


def test_env_by_id_that_is_not_ales(squares_id):
    training = VecFrameStack(DummyVecEnv([Squares]), 4)
    derived = make_monitor_env(squares_id, training, seed=0)
    assert derived.observation_space == training.observation_space


@pytest.mark.parametrize(
    "source",
    [
        lambda: make_atari_env(BREAKOUT, wrapper_kwargs={"clip_reward": False}),
        lambda: make_atari_env(BREAKOUT).envs[0],
        lambda: VecFrameStack(make_atari_env(BREAKOUT), 4),
    ],
)
def test_users_env_is_fitted_to_the_policy(source):
    training = atari()
    for given in (source, source()):
        assert make_monitor_env(given, training, seed=0).observation_space.shape == (4, 84, 84)


def test_differences_are_named_with_both_values():
    def factory():
        wrapper = {"terminal_on_life_loss": False, "frame_skip": 2, "clip_reward": False}
        return make_atari_env(BREAKOUT, wrapper_kwargs=wrapper)

    with pytest.warns(UserWarning, match="not the training's") as caught:
        make_monitor_env(factory, atari(), seed=0)
    (warning,) = caught
    assert "frame_skip: 4 in training, 2 in the monitor" in str(warning.message)
    assert "terminal_on_life_loss: True in training, False in the monitor" in str(warning.message)
    assert "clip_reward" not in str(warning.message)


def test_another_game_is_named():
    training = NativeAtariVecEnv("pong", 1)
    training.close()
    with pytest.warns(UserWarning, match="game: 'pong' in training, 'breakout' in"):
        make_monitor_env(lambda: make_atari_env(BREAKOUT), _with_actions(training, 4), seed=0)


def _with_actions(vec_env, n):
    vec_env.action_space = spaces.Discrete(n)
    return vec_env


def test_other_actions_are_an_error():
    with pytest.raises(ConfigurationError, match=r"Discrete\(4\).*Discrete\(3\)"):
        make_monitor_env(BREAKOUT, VecFrameStack(DummyVecEnv([Squares]), 4), seed=0)


def test_env_in_another_process_is_out_of_reach():
    vec_env = gymnasium_stack(SubprocVecEnv)
    try:
        with pytest.warns(UserWarning, match="no element statistics"):
            made = make_monitor_env(vec_env, seed=0)
        assert insert_tap(made) is None
    finally:
        vec_env.close()


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("BrekoutNoFrameskip-v4", BREAKOUT),
        ("brakout", "breakout"),
        ("ALE/Breakut-v5", "Breakout-v5"),
    ],
)
def test_unknown_id_names_the_nearest(name, nearest):
    with pytest.raises(UnknownNameError, match=nearest):
        make_monitor_env(name, seed=0)


def test_shapes_that_do_not_fit_are_named():
    space = spaces.Box(0, 255, (4, 100, 100), np.uint8)
    with pytest.raises(ObservationError, match=r"\(84, 84, 1\).*\(4, 100, 100\)"):
        make_monitor_env(lambda: make_atari_env(BREAKOUT), None, space, seed=0)


def test_nothing_given():
    with pytest.raises(ConfigurationError, match="name one"):
        make_monitor_env(None, seed=0)


@pytest.mark.parametrize("source", [3, lambda: "breakout"])
def test_something_else_given(source):
    with pytest.raises(ConfigurationError, match="expected an environment's id"):
        make_monitor_env(source, seed=0)


def test_several_envs_are_one_too_many():
    with pytest.raises(ConfigurationError, match="the one given has 2"):
        make_monitor_env(make_atari_env(BREAKOUT, n_envs=2), seed=0)


def test_the_trainings_own_env_is_refused():
    training = atari()
    inner = training.unwrapped.envs[0]
    for source in (training, training.unwrapped, lambda: inner):
        with pytest.raises(ConfigurationError, match="the training's own"):
            make_monitor_env(source, training, seed=0)
    assert "EmulatorTap" not in str(inner)


# --- nothing else is touched


@pytest.mark.parametrize("training", [atari, lambda: DummyVecEnv([Squares])])
def test_training_and_global_random_states_are_untouched(training):
    def careless():
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002
        torch.manual_seed(1)
        return training().unwrapped.envs[0]

    vec_env = training()
    vec_env.reset()
    env = vec_env.unwrapped.envs[0].unwrapped

    def states():
        ram = env.ale.getRAM().tolist() if hasattr(env, "ale") else None
        return (
            random.getstate(),
            np.random.get_state()[1].tolist(),  # noqa: NPY002
            torch.get_rng_state().tolist(),
            env.np_random.bit_generator.state,
            vec_env.action_space.np_random.bit_generator.state,
            ram,
        )

    before = states()
    for source in (None, careless):
        monitor = make_monitor_env(source, vec_env, seed=5)
        monitor.reset()
        monitor.step(np.array([1]))
    assert states() == before


def test_seed_decides_what_is_seen():
    def first(seed):
        monitor = make_monitor_env(BREAKOUT, seed=seed)
        monitor.reset()
        return np.array([monitor.step(np.array([1]))[0] for _ in range(12)])

    assert (first(1) == first(1)).all()
    assert (first(1) != first(2)).any()


# --- reading the preprocessing


def test_describe_reads_stable_baselines3():
    wrapper = {"noop_max": 9, "frame_skip": 2, "screen_size": 50, "action_repeat_probability": 0.2}
    assert describe(atari(**wrapper)) == Preprocessing(
        env_id=BREAKOUT,
        frame_skip=2,
        screen_size=(50, 50),
        noop_max=9,
        terminal_on_life_loss=True,
        repeat_action_probability=0.2,
    )


def test_describe_reads_gymnasium():
    assert describe(gymnasium_stack()) == Preprocessing(
        env_id="ALE/Breakout-v5",
        noop_max=7,
        fire_reset=False,
        terminal_on_life_loss=True,
        clip_reward=False,
        repeat_action_probability=0.25,
        wrappers="gymnasium",
    )


def test_describe_reads_the_bare_emulator():
    described = describe(DummyVecEnv([lambda: gym.make("ALE/Breakout-v5", mode=4)]))
    assert described.emulator_frame_skip == 4
    assert described.frame_skip == described.n_stack == 1
    assert described.screen_size is None
    assert described.mode == 4


def test_describe_names_an_env_without_an_id():
    env = ale_py.AtariEnv("video_pinball", frameskip=1)
    assert describe(DummyVecEnv([lambda: env])).env_id == "ALE/VideoPinball-v5"


class Flipped(gym.ObservationWrapper):
    def observation(self, observation):
        return observation[:, ::-1]


@pytest.mark.parametrize(
    "env",
    [
        lambda: Flipped(gym.make(BREAKOUT)),
        lambda: gym.make(BREAKOUT, obs_type="grayscale"),
        lambda: gym.make("CartPole-v1"),
        FakeImageEnv,
    ],
)
def test_describe_is_none_where_it_cannot_know(env):
    assert describe(DummyVecEnv([env])) is None


def test_wrappers_of_an_env_with_a_name_of_its_own():
    class Named(Squares):
        def __str__(self):
            return "squares"

    assert wrapper_names(DummyVecEnv([Named])) is None
    assert wrapper_names(DummyVecEnv([Squares])) == ("Squares", "")


# --- OpenCV


@pytest.mark.parametrize("broken", [None, types.ModuleType("cv2")])
def test_opencv_that_does_not_work_says_what_to_do(monkeypatch, broken):
    monkeypatch.setitem(sys.modules, "cv2", broken)
    with pytest.raises(DependencyError, match="pip install opencv-python-headless"):
        make_monitor_env(BREAKOUT, seed=0)


def test_opencv_works_here():
    require_opencv()


def test_what_cannot_be_compared_is_said():
    class Odd(gym.ObservationWrapper):
        def observation(self, observation):
            return observation

    training = DummyVecEnv([lambda: Odd(AtariWrapper(gym.make("BreakoutNoFrameskip-v4")))])
    with pytest.warns(UserWarning, match="cannot be compared"):
        make_monitor_env("BreakoutNoFrameskip-v4", training).close()
    training.close()


def test_an_env_that_logs_episodes_to_a_file_can_be_copied(tmp_path):
    class Nameless(gym.Env):
        observation_space = gym.spaces.Box(0, 255, (1, 36, 36), np.uint8)
        action_space = gym.spaces.Discrete(2)

        def reset(self, *, seed=None, options=None):
            return np.zeros((1, 36, 36), np.uint8), {}

        def step(self, action):
            return np.zeros((1, 36, 36), np.uint8), 0.0, True, False, {}

    training = DummyVecEnv([lambda: Monitor(Nameless(), str(tmp_path / "episodes"))])
    before = (tmp_path / "episodes.monitor.csv").read_bytes()
    env = make_monitor_env(None, training)
    env.reset()
    env.step(np.array([0]))
    env.close()
    assert (tmp_path / "episodes.monitor.csv").read_bytes() == before
    training.close()
