"""The callback in real trainings: what it writes, that it disturbs nothing, and how it fails."""

import copy
import hashlib
import io
import random
import shutil
import sys
import warnings

import gymnasium as gym
import numpy as np
import pytest
import torch
from catch import Catch, bar, pellet
from stable_baselines3 import DQN
from stable_baselines3.common.atari_wrappers import AtariWrapper
from stable_baselines3.common.callbacks import (
    BaseCallback,
    CallbackList,
    EvalCallback,
    EveryNTimesteps,
)
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.logger import configure
from stable_baselines3.common.monitor import Monitor as EpisodeMonitor
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecFrameStack
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from rlmonitor import StrategyMonitorCallback, logbook
from rlmonitor.callbacks import MonitorWarning
from rlmonitor.errors import (
    ConfigurationError,
    ObservationError,
    StoreError,
    UnknownNameError,
    UnsupportedLayerError,
)
from rlmonitor.replay import store
from rlmonitor.replay.journal import read_events

ELEMENTS = {"pellet": pellet, "bar": bar}
QUICK = {"n_frames": 8, "clip_frames": 4}


def tiny_dqn(env, log=None, **settings):
    defaults = {
        "buffer_size": 200,
        "learning_starts": 10,
        "batch_size": 4,
        "train_freq": 1,
        "seed": 0,
        "policy_kwargs": {"net_arch": [8]},
        "tensorboard_log": None if log is None else str(log),
    }
    return DQN("CnnPolicy", env, **(defaults | settings))


def catch_envs(n=1, **settings):
    return DummyVecEnv([lambda: Catch(**settings)] * n)


def quick_monitor(**settings):
    return StrategyMonitorCallback(**(QUICK | {"every": 50, "elements": ELEMENTS} | settings))


def fingerprint(model):
    digest = hashlib.sha256()
    for name, tensor in sorted(model.policy.state_dict().items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()


def curves(folder):
    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
    accumulator.Reload()
    return accumulator


def steps_of(folder, tag):
    return [event.step for event in curves(folder).Scalars(tag)]


# --- what it writes -----------------------------------------------------------------------------


def test_curves_clips_and_rounds_stand_at_num_timesteps(tmp_path):
    callback = quick_monitor()
    model = tiny_dqn(catch_envs(), tmp_path)
    model.learn(120, callback=callback)
    folder = tmp_path / "DQN_1"
    assert callback.run_dir == folder
    assert steps_of(folder, "value/share/pellet") == [0, 50, 100, 120]
    assert steps_of(folder, "probe_choice/relative/bar") == [0, 50, 100, 120]
    assert list(store.rounds(folder)) == [0, 50, 100, 120]
    assert len(list(folder.glob("events.out.tfevents.*"))) == 1
    found = curves(folder)
    for tag in ("relevance/play", "relevance/probe"):
        images = found.Images(tag)
        assert [i.step for i in images] == [0, 50, 100, 120]
        assert all(i.encoded_image_string.startswith(b"GIF89a") for i in images)
    shares = [found.Scalars(f"choice/share/{e}")[-1].value for e in ("pellet", "bar", "rest")]
    assert sum(shares) == pytest.approx(1, abs=1e-5)
    assert found.Scalars("faithfulness/conservation_error")[-1].value < 1e-4
    assert 0 < found.Scalars("monitor/overhead")[-1].value <= 1
    assert 0 <= found.Scalars("faithfulness/random_network")[-1].value <= 1


@pytest.mark.parametrize("envs", [3, 8])
def test_every_counts_timesteps_whatever_the_number_of_envs(tmp_path, envs):
    model = tiny_dqn(catch_envs(envs), tmp_path)
    model.learn(240, callback=quick_monitor(every=48))
    due = {0, 48, 96, 144, 192, 240}
    assert set(store.rounds(tmp_path / "DQN_1")) == due


def test_after_some_rounds_one_of_so_many_is_full_and_the_last_one(tmp_path, monkeypatch):
    monkeypatch.setattr("rlmonitor.monitor.ALL_FULL", 2)
    model, all_rounds = tiny_dqn(catch_envs(), tmp_path), [*range(0, 201, 20)]
    folder, drawn = tmp_path / "DQN_1", [0, 20, 60, 120, 180, 200]

    def pictures():
        return [image.step for image in curves(folder).Images("relevance/play")]

    model.learn(200, callback=quick_monitor(every=20))
    assert pictures() == drawn
    assert steps_of(folder, "value/share/pellet") == all_rounds
    assert [*store.rounds(folder)] == all_rounds
    assert steps_of(folder, "play/own_starts") == [0, 120]
    assert steps_of(folder, "play/other_starts") == [20, 60, 180, 200]
    # a training that goes on counts on
    model.learn(65, callback=quick_monitor(every=20), reset_num_timesteps=False)
    assert pictures() == [*drawn, 240, 265]


def test_it_runs_where_nobody_says_how_long_the_training_is(tmp_path):
    model, callback = tiny_dqn(catch_envs()), quick_monitor(every=None, run_dir=tmp_path)
    model.set_logger(configure(str(tmp_path), ["tensorboard"]))
    callback.init_callback(model)
    for total in ("many", None):
        callback.locals["total_timesteps"] = total
        model.num_timesteps += 1
        assert callback.on_step()
    callback.on_training_end()
    assert not callback.events
    assert [*store.rounds(tmp_path)] == [1, 2]


def test_every_goes_on_across_resumes(tmp_path):
    model = tiny_dqn(catch_envs(), tmp_path)
    model.learn(70, callback=quick_monitor())
    model.learn(70, callback=quick_monitor(), reset_num_timesteps=False)
    rounds = store.rounds(tmp_path / "DQN_1")
    assert list(rounds) == [0, 50, 70, 100, 140]
    first, last = (store.read_recording(p, "probe") for p in (rounds[0], rounds[140]))
    np.testing.assert_array_equal(first.observation, last.observation)


def test_every_none_runs_on_each_call_beside_an_eval_callback(tmp_path):
    model = tiny_dqn(catch_envs(), tmp_path)
    evaluation = EvalCallback(EpisodeMonitor(Catch()), eval_freq=60, n_eval_episodes=1, verbose=0)
    monitor = quick_monitor(every=None)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Training and eval env")
        model.learn(100, callback=CallbackList([evaluation, EveryNTimesteps(40, monitor)]))
    assert list(store.rounds(tmp_path / "DQN_1")) == [0, 40, 80]


def test_under_eval_callback_it_runs_on_each_new_best(tmp_path):
    class Always(EvalCallback):
        """Each evaluation is the best so far."""

        def _on_step(self):
            self.best_mean_reward = -np.inf
            return super()._on_step()

    evaluation = Always(
        EpisodeMonitor(Catch()),
        eval_freq=40,
        n_eval_episodes=1,
        verbose=0,
        callback_on_new_best=quick_monitor(every=None),
    )
    model = tiny_dqn(catch_envs(), tmp_path)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Training and eval env")
        model.learn(100, callback=evaluation)
    assert list(store.rounds(tmp_path / "DQN_1")) == [40, 80]


def test_the_probe_stays_the_same_though_no_round_is_kept(tmp_path):
    model = tiny_dqn(catch_envs(), tmp_path)
    first, second = quick_monitor(keep=0), quick_monitor(keep=0, seed=5)
    model.learn(60, callback=first)
    model.learn(60, callback=second, reset_num_timesteps=False)
    np.testing.assert_array_equal(
        first.last_round.probe.recording.observation, second.last_round.probe.recording.observation
    )


def test_a_new_training_does_not_mix_with_anothers_rounds(tmp_path, run_dir):
    model = tiny_dqn(catch_envs(), tmp_path)
    model.learn(120, callback=quick_monitor(run_dir=run_dir))
    with pytest.raises(ConfigurationError, match="another training"):
        model.learn(60, callback=quick_monitor(run_dir=run_dir))
    # taken up from an earlier state, what came after is made anew
    model.num_timesteps = 60
    model.learn(20, callback=quick_monitor(run_dir=run_dir), reset_num_timesteps=False)
    assert list(store.rounds(run_dir)) == [0, 50, 60, 80]


def test_without_a_tensorboard_log_it_writes_its_own(tmp_path, run_dir):
    tiny_dqn(catch_envs()).learn(20, callback=quick_monitor(run_dir=run_dir))
    assert steps_of(run_dir, "value/share/pellet") == [0, 20]


def test_keep_bounds_what_stays_on_disk(tmp_path):
    tiny_dqn(catch_envs(), tmp_path).learn(200, callback=quick_monitor(keep=2))
    assert list(store.rounds(tmp_path / "DQN_1")) == [150, 200]
    tiny_dqn(catch_envs(), tmp_path).learn(60, callback=quick_monitor(keep=0))
    assert not store.rounds(tmp_path / "DQN_2")


def test_the_last_round_tells_what_it_found(tmp_path):
    callback = quick_monitor()
    tiny_dqn(catch_envs(), tmp_path).learn(20, callback=callback)
    found = callback.last_round
    assert found.timestep == 20
    assert len(found.play.recording) == 8
    assert found.play.relevance["q"].shape == (8, 1, 36, 36)
    assert set(found.play.statistics["advantage"].share) == {"pellet", "bar", "rest"}


# --- kinds of training --------------------------------------------------------------------------


class DeepExtractor(BaseFeaturesExtractor):
    """A sequential extractor of a user's own."""

    def __init__(self, space):
        super().__init__(space, 20)
        self.net = nn.Sequential(
            nn.Conv2d(space.shape[0], 4, 5, stride=3, padding=2),
            nn.ReLU(),
            nn.Conv2d(4, 4, 3, stride=2, dilation=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64, 20),
            nn.ReLU(),
        )

    def forward(self, observation):
        return self.net(observation)


@pytest.mark.parametrize(
    ("env", "policy"),
    [
        (lambda: catch_envs(2, channel_last=True, channels=3), {}),
        (lambda: VecFrameStack(catch_envs(channel_last=True), 4), {"net_arch": []}),
        (lambda: VecFrameStack(catch_envs(), 4), {"net_arch": [8, 8, 8]}),
        (lambda: Catch(channels=2), {"features_extractor_class": DeepExtractor}),
    ],
    ids=["channel-last", "stacked-last", "stacked-first", "own-extractor"],
)
def test_layouts_and_networks(tmp_path, env, policy):
    model = tiny_dqn(env(), tmp_path, policy_kwargs={"net_arch": [8]} | policy)
    callback = quick_monitor()
    model.learn(20, callback=callback)
    assert not callback.events
    play, (channels, *size) = callback.last_round.play, model.observation_space.shape
    assert play.relevance["q"].shape[1:] == (channels // play.recording.colours, *size)
    assert set(callback.last_round.play.statistics["q"].relative) == {"pellet", "bar", "rest"}


def test_an_env_without_elements_gets_what_moves_and_all_else(tmp_path):
    tiny_dqn(catch_envs(), tmp_path).learn(20, callback=quick_monitor(elements=None))
    found = curves(tmp_path / "DQN_1").Tags()
    assert "value/entropy" in found["scalars"]
    assert "relevance/play" in found["images"]
    shares = {tag for tag in found["scalars"] if tag.startswith(("value/share/", "choice/share/"))}
    assert shares == {f"{s}/share/{e}" for s in ("value", "choice") for e in ("moving", "rest")}


def breakout(n_envs=1, **settings):
    env = make_atari_env("BreakoutNoFrameskip-v4", n_envs=n_envs, seed=0, **settings)
    return VecFrameStack(env, n_stack=4)


@pytest.mark.parametrize("source", [None, "BreakoutNoFrameskip-v4"])
def test_breakout_elements_come_from_memory(tmp_path, source):
    callback = StrategyMonitorCallback(source, every=500, **QUICK)
    tiny_dqn(breakout(2), tmp_path).learn(24, callback=callback)
    assert not callback.events
    statistics = callback.last_round.probe.statistics
    for target in ("q", "advantage"):
        assert set(statistics[target].share) >= {"ball", "paddle", "tunnel", "bricks", "display"}
    assert len(callback.last_round.probe.recording) >= 128


def breakout_in_a_process():
    import ale_py  # noqa: F401  (a fresh process has registered no game yet)

    return AtariWrapper(gym.make("BreakoutNoFrameskip-v4"))


def test_a_subprocess_training_env_is_derived_too(tmp_path):
    env = VecFrameStack(SubprocVecEnv([breakout_in_a_process] * 2), 4)
    callback = StrategyMonitorCallback(every=500, **QUICK)
    tiny_dqn(env, tmp_path).learn(16, callback=callback)
    env.close()
    assert not callback.events
    assert "ball" in callback.last_round.play.statistics["q"].share


# --- it never disturbs training -----------------------------------------------------------------


def states():
    numpy = np.random.get_state()  # noqa: NPY002
    return (
        random.getstate(),
        numpy[1].tobytes(),
        numpy[2:],
        torch.get_rng_state().numpy().tobytes(),
    )


def trained(env, timesteps, callback, **settings):
    model = tiny_dqn(env, **settings)
    model.learn(timesteps, callback=callback)
    env.close()
    return (
        fingerprint(model),
        states(),
        copy.deepcopy(model.action_space.np_random.bit_generator.state),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_envs", "policy"),
    [(1, {"net_arch": []}), (4, {"net_arch": [16]})],
    ids=["NatureCNN on one env", "several envs"],
)
def test_weights_and_random_states_are_bit_identical(tmp_path, n_envs, policy):
    settings = {
        "policy_kwargs": policy,
        "buffer_size": 1000,
        "learning_starts": 200,
        "train_freq": 4,
    }
    callback = StrategyMonitorCallback(every=600, run_dir=tmp_path, **QUICK)
    alone = trained(breakout(n_envs), 3000, None, **settings)
    watched = trained(breakout(n_envs), 3000, callback, **settings)
    assert len(store.rounds(tmp_path)) >= 5
    assert not callback.events
    assert watched == alone


# --- faults stay inside -------------------------------------------------------------------------


def learn_with_fault(tmp_path, callback, timesteps=120, env=None, before=None):
    """Train beside a fault; returns the warnings of the monitor and the timesteps trained."""
    model = tiny_dqn(env or catch_envs(), tmp_path)
    if before is not None:
        before(model)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.learn(timesteps, callback=callback)
    assert model.num_timesteps == timesteps
    return [str(w.message) for w in caught if issubclass(w.category, MonitorWarning)]


def events_text(folder):
    found = curves(folder)
    tag = next(t for t in found.Tags()["tensors"] if t.startswith("events"))
    return [(e.step, e.tensor_proto.string_val[0].decode()) for e in found.Tensors(tag)]


def test_an_env_that_crashes_is_one_warning_and_an_event_a_round(tmp_path):
    callback = quick_monitor(env=lambda: Catch(crash_at=40))
    warned = learn_with_fault(tmp_path, callback)
    assert len(warned) <= 2
    assert "the emulator has crashed" in warned[0]
    assert {e.kind for e in callback.events} == {"fault"}
    for number, event in enumerate(callback.events, start=1):
        known = dict(event.evidence)
        assert (known.pop("exception"), known.pop("faults")) == ("RuntimeError", number)
        assert "the emulator has crashed" in known.pop("message")
        assert known.pop("round") == 1 + event.timestep // 50 + (event.timestep % 50 > 0)
        assert known.get("last_whole_round", 0) <= event.timestep
    assert read_events(tmp_path / "DQN_1") == tuple(callback.events)
    assert "RuntimeError" in events_text(tmp_path / "DQN_1")[-1][1]
    assert any("emulator has crashed" in text for _, text in events_text(tmp_path / "DQN_1"))


def test_nan_weights_are_told_once_and_curves_stay_free_of_nan(tmp_path):
    def poison(model):
        with torch.no_grad():
            model.q_net.q_net[0].weight[0, 0] = float("nan")

    callback = quick_monitor()
    warned = learn_with_fault(tmp_path, callback, before=poison)
    assert 1 <= len(warned) <= 2  # the first layer to blame changes as NaN spreads
    assert "NaN" in warned[0]
    assert len(callback.events) == 4
    assert "value/share/pellet" not in curves(tmp_path / "DQN_1").Tags()["scalars"]


def test_the_last_of_a_disk_is_left_to_the_training(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=30 << 20)
    monkeypatch.setattr(logbook.shutil, "disk_usage", lambda _: usage)
    callback = quick_monitor()
    warned = learn_with_fault(tmp_path, callback)
    assert len(warned) == 1
    assert "less than 64 MB free" in warned[0]
    assert len(callback.events) == 4
    assert not store.rounds(tmp_path / "DQN_1")
    found = curves(tmp_path / "DQN_1").Tags()
    assert found["images"] == []
    assert "monitor/seconds" in found["scalars"]  # two numbers always fit
    usage = usage._replace(free=1 << 20)
    learn_with_fault(tmp_path, quick_monitor())
    assert not [t for t in curves(tmp_path / "DQN_2").Tags()["scalars"] if "monitor" in t]


def test_a_disk_that_fills_while_a_round_is_stored_costs_the_round(tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "write_files", full)
    warned = learn_with_fault(tmp_path, quick_monitor(probe=None))
    assert len(warned) == 1
    assert "No space left on device" in warned[0]
    assert not store.rounds(tmp_path / "DQN_1")
    assert steps_of(tmp_path / "DQN_1", "value/share/pellet") == [0, 50, 100, 120]


def test_warnings_as_errors_do_not_end_the_training(tmp_path, capsys):
    model = tiny_dqn(catch_envs(), tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", MonitorWarning)
        model.learn(60, callback=quick_monitor(env=lambda: Catch(crash_at=5)))
    assert model.num_timesteps == 60
    assert "the emulator has crashed" in capsys.readouterr().err


def test_an_env_that_exits_does_not_take_the_training_along(tmp_path):
    class Exit(Catch):
        def step(self, action):
            if self.steps == 20:
                raise SystemExit(3)
            return super().step(action)

    callback = quick_monitor(env=Exit)
    assert "SystemExit: 3" in learn_with_fault(tmp_path, callback)[0]


def test_what_an_env_factory_changes_is_given_back(tmp_path):
    def factory():
        torch.set_num_threads(2)
        torch.set_default_dtype(torch.float64)
        np.seterr(all="raise")
        return Catch()

    before = torch.get_num_threads(), torch.get_default_dtype(), np.geterr()
    learn_with_fault(tmp_path, quick_monitor(env=factory))
    assert (torch.get_num_threads(), torch.get_default_dtype(), np.geterr()) == before


def test_strict_numpy_errors_are_the_users_and_not_ours(tmp_path):
    callback = quick_monitor()
    with np.errstate(all="raise"):
        learn_with_fault(tmp_path, callback)
    assert not callback.events


def test_a_closed_stdout_does_not_end_the_training(tmp_path, monkeypatch):
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError(32, "Broken pipe")

    model = tiny_dqn(catch_envs(), tmp_path)
    monkeypatch.setattr(sys, "stdout", Closed())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MonitorWarning)
        model.learn(60, callback=quick_monitor(verbose=1))
    assert list(store.rounds(tmp_path / "DQN_1")) == [0, 50, 60]


def test_a_logger_replaced_in_mid_run_gets_the_later_rounds(tmp_path):
    class NewLogger(BaseCallback):
        def _on_step(self):
            if self.num_timesteps == 60:
                self.model.logger.close()
                self.model.set_logger(configure(str(tmp_path / "other"), ["tensorboard"]))
            return True

    callback = quick_monitor(run_dir=tmp_path / "rounds of the run")
    model = tiny_dqn(catch_envs(), tmp_path)
    model.learn(120, callback=CallbackList([NewLogger(), callback]))
    assert not callback.events
    assert steps_of(tmp_path / "DQN_1", "value/share/pellet") == [0, 50]
    assert steps_of(tmp_path / "other", "value/share/pellet") == [100, 120]
    assert list(store.rounds(callback.run_dir)) == [0, 50, 100, 120]


def test_a_fault_in_an_element_restarts_the_games_and_not_the_same_ones(tmp_path):
    calls = []

    def fragile(observation):
        calls.append(observation.copy())
        if len(calls) == 30:
            raise IndexError("no pellet")
        return pellet(observation)

    callback = quick_monitor(elements={"pellet": fragile})
    learn_with_fault(tmp_path, callback)
    assert [e.timestep for e in callback.events] == [0]
    assert list(store.rounds(tmp_path / "DQN_1")) == [50, 100, 120]
    # the first frame of all, and the first one after the 30 that led to the fault
    assert (calls[0] != calls[30]).any()


def test_an_env_that_is_the_users_own_is_left_open(tmp_path):
    env = catch_envs()
    closed = []
    env.close = lambda: closed.append(True)
    callback = quick_monitor(env=env)
    model = tiny_dqn(catch_envs(), tmp_path)
    model.learn(60, callback=callback)
    model.learn(60, callback=callback, reset_num_timesteps=False)
    assert list(store.rounds(tmp_path / "DQN_1")) == [0, 50, 60, 100, 120]
    assert not closed


def test_elements_cannot_write_into_the_recording(tmp_path):
    def scribbler(observation):
        observation[:] = 0
        return pellet(observation)

    with pytest.raises(ValueError, match="read-only"):
        tiny_dqn(catch_envs(), tmp_path).learn(
            20, callback=quick_monitor(elements={"pellet": scribbler})
        )


def test_on_event_may_fail(tmp_path):
    seen = []

    def on_event(event):
        seen.append(event)
        raise KeyError("my own bug")

    callback = quick_monitor(env=lambda: Catch(crash_at=5), on_event=on_event)
    warned = learn_with_fault(tmp_path, callback)
    assert seen == callback.events
    assert any("my own bug" in text for text in warned)


def test_a_policy_replaced_in_mid_run_is_the_one_explained(tmp_path):
    class Swap(StrategyMonitorCallback):
        def _on_step(self):
            if self.num_timesteps == 30:
                other = tiny_dqn(catch_envs(), seed=7)
                self.model.policy = other.policy
                self.model.q_net = other.q_net
            return super()._on_step()

    callback = Swap(every=50, elements=ELEMENTS, **QUICK)
    model = tiny_dqn(catch_envs(), tmp_path, learning_starts=1000)
    model.learn(60, callback=callback)
    observation = torch.as_tensor(callback.last_round.play.recording.observation)
    with torch.no_grad():
        expected = model.q_net(observation).numpy()
    np.testing.assert_allclose(callback.last_round.play.outputs, expected, atol=1e-5)


# --- budget -------------------------------------------------------------------------------------


def test_a_budget_stretches_the_interval_and_says_so(tmp_path):
    callback = quick_monitor(every=10, budget=0.3)
    tiny_dqn(catch_envs(), tmp_path).learn(1500, callback=callback)
    steps = list(store.rounds(tmp_path / "DQN_1"))
    assert steps[0] == 0
    assert steps[-1] == 1500
    assert len(steps) < 150
    kinds = {e.kind for e in callback.events}
    assert "budget" in kinds
    assert "fault" not in kinds
    between = curves(tmp_path / "DQN_1").Scalars("monitor/overhead")[1:-1]
    assert all(event.value <= 0.4 for event in between)  # a round may cost more than the last did
    assert any("no more than 30.0%" in text for _, text in events_text(tmp_path / "DQN_1"))


def test_a_budget_that_no_round_fits_is_told_at_the_end(tmp_path):
    callback = quick_monitor(every=10, budget=0.001)
    tiny_dqn(catch_envs(), tmp_path).learn(60, callback=callback)
    assert list(store.rounds(tmp_path / "DQN_1")) == [0, 60]
    assert [(e.kind, e.timestep) for e in callback.events] == [("budget", 60)]


# --- what can never work raises at once ---------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"every": 0}, ConfigurationError, "every=0"),
        ({"budget": 2}, ConfigurationError, "budget=2"),
        ({"keep": -1}, ConfigurationError, "keep=-1"),
        ({"n_frames": 0}, ConfigurationError, "n_frames=0"),
        ({"epsilon": 1.5}, ConfigurationError, "epsilon=1.5"),
        ({"every": "5e4"}, ConfigurationError, "every='5e4'"),
        ({"every": True}, ConfigurationError, "every=True"),
        ({"budget": "2%"}, ConfigurationError, "budget='2%'.*such as 0.02"),
        ({"time_limit": "3"}, ConfigurationError, "time_limit='3'"),
        ({"seed": "a"}, ConfigurationError, "seed='a'"),
        ({"games": 1.5}, ConfigurationError, r"games=1\.5"),
        ({"targets": 0}, UnknownNameError, "unknown target 0; known"),
        ({"composite": 3}, ConfigurationError, "composite=3.*epsilon-plus-box"),
        ({"probe": np.zeros((4, 4))}, ConfigurationError, "probe=.*ndarray.*'?Recording"),
        ({"elements": "ball"}, ConfigurationError, "elements='ball'.*dict of functions"),
        ({"elements": {"ball": 3}}, ConfigurationError, "elements={'ball': 3}"),
        ({"on_event": 3}, ConfigurationError, "on_event=3.*function"),
        ({"run_dir": 3}, ConfigurationError, "run_dir=3.*folder"),
        ({"run_dir": "s3://bucket/run"}, ConfigurationError, "s3://bucket/run.*this machine"),
        ({"n_frames": 8.0}, ConfigurationError, "n_frames=8.0"),
        ({"targets": "advantege"}, UnknownNameError, "did you mean 'advantage'"),
        ({"targets": ()}, ConfigurationError, "targets is empty"),
        ({"targets": ("advantege",)}, UnknownNameError, "did you mean 'advantage'"),
        ({"composite": "epsilon-gama-box"}, UnknownNameError, "did you mean 'epsilon-gamma-box'"),
    ],
)
def test_settings_are_refused_when_given(settings, error, words):
    with pytest.raises(error, match=words):
        StrategyMonitorCallback(**settings)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"env": "BreakoutNoFrameskip-v5"}, ConfigurationError, "did you mean"),
        ({"env": lambda: Catch(channels=3)}, ObservationError, r"3, 36, 36"),
        ({"probe": "brekout"}, UnknownNameError, "did you mean 'breakout'"),
        ({"probe": "breakout"}, ConfigurationError, r"4, 84, 84"),
        ({"elements": {"a/b": pellet}}, ConfigurationError, "'a/b'"),
        ({"elements": {"..": pellet}}, ConfigurationError, r"'\.\.'"),
        ({"elements": {"pellet": lambda o: o == 255}}, ObservationError, r"\(1, 36, 36\)"),
    ],
)
def test_what_does_not_fit_is_refused_when_learning_starts(tmp_path, settings, error, words):
    model = tiny_dqn(catch_envs(), tmp_path)
    with pytest.raises(error, match=words):
        model.learn(20, callback=quick_monitor(**settings))


def test_observations_in_parts_are_refused_by_the_names_of_the_parts(tmp_path):
    class InParts(gym.ObservationWrapper):
        def __init__(self):
            super().__init__(Catch())
            self.observation_space = gym.spaces.Dict(view=self.env.observation_space)

        def observation(self, observation):
            return {"view": observation}

    model = DQN("MultiInputPolicy", DummyVecEnv([InParts]), buffer_size=100)
    with pytest.raises(ObservationError, match="the parts view, expected images"):
        model.learn(20, callback=quick_monitor(run_dir=tmp_path))


def test_a_folder_that_cannot_be_written_is_refused_when_learning_starts(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file"):
        tiny_dqn(catch_envs()).learn(20, callback=quick_monitor(run_dir=tmp_path / "file" / "run"))


def test_an_unsupported_layer_is_refused_by_its_path(tmp_path):
    class Strange(BaseFeaturesExtractor):
        def __init__(self, space):
            super().__init__(space, 36 * 36)
            self.net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Hardswish(), nn.Flatten())

        def forward(self, observation):
            return self.net(observation)

    model = tiny_dqn(catch_envs(), tmp_path, policy_kwargs={"features_extractor_class": Strange})
    with pytest.raises(UnsupportedLayerError, match=r"Hardswish.*net\.1|net\.1.*Hardswish"):
        model.learn(20, callback=quick_monitor())


def test_vectors_are_refused_with_the_way_out(tmp_path):
    model = DQN("MlpPolicy", gym.make("CartPole-v1"))
    with pytest.raises(ObservationError, match="images"):
        model.learn(20, callback=StrategyMonitorCallback(run_dir=tmp_path))


def test_numbers_of_numpy_are_numbers():
    callback = quick_monitor(every=np.int64(40), seed=np.uint8(3), games=np.int32(0))
    assert type(callback.every) is int
    settings = callback.settings
    assert (type(settings.seed), settings.seed) == (int, 3)
