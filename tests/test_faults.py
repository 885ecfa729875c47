"""What can go wrong around a monitor: each costs at most its round, and is said in one sentence."""

import os
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
import torch
from catch import Catch, bar, pellet
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from test_callbacks import tiny_dqn

from rlmonitor import StrategyMonitorCallback, memory
from rlmonitor import monitor as monitor_module
from rlmonitor.callbacks import MonitorWarning
from rlmonitor.errors import ConfigurationError, RunInUseError
from rlmonitor.replay import store
from rlmonitor.replay.journal import read_events, read_history
from rlmonitor.run_directory import claim, release


def dqn(folder=None, env=None, **settings):
    return tiny_dqn(env or DummyVecEnv([Catch]), folder, **settings)


def monitor(**settings):
    quick = {"n_frames": 8, "clip_frames": 4, "every": 50}
    return StrategyMonitorCallback(
        **(quick | {"elements": {"pellet": pellet, "bar": bar}} | settings)
    )


def learn(model, callback, timesteps=120, **settings):
    """The monitor's warnings of a training that comes to its end."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.learn(timesteps, callback=callback, **settings)
    return [str(w.message) for w in caught if issubclass(w.category, MonitorWarning)]


def steps_of(folder, tag):
    loader = EventAccumulator(str(folder), {"scalars": 0}, purge_orphaned_data=False).Reload()
    return [event.step for event in loader.Scalars(tag)]


# --- environments that hang or change -----------------------------------------------------------


class Hanging(Catch):
    """Sleeps for a minute at its 40th step, and shrugs off what is raised meanwhile."""

    def step(self, action):
        if self.steps == 40:
            try:
                time.sleep(60)
            except Exception:
                time.sleep(60)
        return super().step(action)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "limit"), [(Hanging, 1), (lambda: SubprocVecEnv([Hanging], "fork"), 4)]
)
def test_an_env_that_hangs_costs_the_round(tmp_path, source, limit, monkeypatch):
    monkeypatch.setattr(monitor_module, "CLOSING", 0.2)
    callback = monitor(env=source, time_limit=limit, n_frames=16, every=100, games=0)
    model = dqn(tmp_path)
    began = time.monotonic()
    warned = learn(model, callback, 20)
    assert time.monotonic() - began < 50
    assert model.num_timesteps == 20
    said = f"the monitor's environment took longer than time_limit={limit} seconds"
    assert any(said in each for each in warned)
    assert {event.evidence["exception"] for event in callback.events} == {"TimeLimitError"}


class Growing(Catch):
    """From its 40th step on, one pixel larger."""

    def _observation(self):
        seen = super()._observation()
        return np.pad(seen, ((0, 0), (0, 1), (0, 1))) if self.steps >= 40 else seen


def test_an_env_that_changes_its_shape_is_told_with_both_shapes(tmp_path):
    callback = monitor(env=Growing)
    model = dqn(tmp_path)
    warned = learn(model, callback)
    assert model.num_timesteps == 120
    assert len(warned) == 1
    assert "(1,36,36)" in warned[0]
    assert "(1,37,37)" in warned[0]


# --- weights and policies -----------------------------------------------------------------------


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_no_numbers_are_told(tmp_path, value):
    model, callback = dqn(tmp_path, learning_starts=1_000), monitor()
    with torch.no_grad():
        model.q_net.q_net[0].weight[0, 0] = value
    warned = learn(model, callback)
    assert len(warned) == 1
    assert "NonFiniteError" in warned[0]
    assert len(callback.events) == 4


def test_a_policy_of_another_architecture_in_mid_run_is_the_one_explained(tmp_path):
    class Swap(BaseCallback):
        def _on_step(self):
            if self.num_timesteps == 60:
                other = dqn(seed=7, policy_kwargs={"net_arch": [6, 5]})
                self.model.policy, self.model.q_net = other.policy, other.q_net
                self.model.q_net_target = other.q_net_target
            return True

    callback = monitor()
    model = dqn(tmp_path, learning_starts=1_000)
    assert not learn(model, CallbackList([Swap(), callback]))
    assert not callback.events
    observation = torch.as_tensor(callback.last_round.play.recording.observation)
    with torch.no_grad():
        expected = model.q_net(observation).numpy()
    np.testing.assert_allclose(callback.last_round.play.outputs, expected, atol=1e-5)


# --- clocks, folders, memory --------------------------------------------------------------------


def test_a_clock_that_goes_backwards_changes_no_step(tmp_path, monkeypatch):
    now = iter(range(2_000_000_000, 0, -3_600))
    monkeypatch.setattr(time, "time", lambda: float(next(now)))
    callback = monitor()
    assert not learn(dqn(tmp_path), callback)
    monkeypatch.undo()
    assert not callback.events
    assert steps_of(tmp_path / "DQN_1", "value/entropy") == [0, 50, 100, 120]
    seconds = EventAccumulator(str(tmp_path / "DQN_1")).Reload().Scalars("monitor/seconds")
    assert all(0 < each.value < 60 for each in seconds)


CLAIM = """
import fcntl, os, sys
file = open(sys.argv[1] + "/.monitor.lock", "w")
fcntl.lockf(file, fcntl.LOCK_EX)
print(os.getpid(), file=file, end="", flush=True)
print("mine", flush=True)
sys.stdin.read()
"""


def test_two_trainings_do_not_write_into_one_folder(run_dir):
    run_dir.mkdir()
    command = [sys.executable, "-c", CLAIM, str(run_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"mine\n"
        with pytest.raises(RunInUseError, match=rf"\(process {other.pid}\) writes to .*run;"):
            dqn().learn(20, callback=monitor(run_dir=run_dir))
        other.stdin.close()
    assert os.listdir(run_dir) == [".monitor.lock"]
    assert not learn(dqn(), monitor(run_dir=run_dir), 20)


def test_a_folder_that_two_trainings_share_by_chance_has_the_monitor_of_one(tmp_path, monkeypatch):
    def taken(folder):
        raise RunInUseError(f"the monitor of another training (process 7) writes to {folder}")

    monkeypatch.setattr("rlmonitor.callbacks.claim", taken)
    callback, model = monitor(), dqn(tmp_path)
    (warned,) = learn(model, callback)
    assert "process 7" in warned
    assert "goes on without a monitor" in warned
    assert model.num_timesteps == 120
    assert callback.last_round is None


def test_a_folder_may_be_claimed_again_by_its_process(run_dir):
    claim(run_dir)
    claim(run_dir)
    release(run_dir)
    release(run_dir)
    assert os.listdir(run_dir) == [".monitor.lock"]


def test_observations_that_would_fill_the_memory_are_refused_with_numbers(monkeypatch, run_dir):
    monkeypatch.setattr(memory, "free_memory", lambda: 4_000_000)
    with pytest.raises(ConfigurationError, match=r"n_frames=128.* 0.0 MB .* lower n_frames"):
        dqn().learn(20, callback=monitor(n_frames=128, run_dir=run_dir))
    assert not learn(dqn(), monitor(n_frames=8, run_dir=run_dir), 20)


def test_the_free_memory_is_known_here():
    found = memory.free_memory()
    assert 1 << 20 < found < 1 << 50


# --- programs that change their directory -------------------------------------------------------


class MovesAway(BaseCallback):
    """Changes the program's directory, as a user's code may do at any step."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def _on_step(self):
        if self.num_timesteps == 60:
            os.chdir(self.folder)
        return True


@pytest.mark.parametrize(("log", "run_dir"), [("log", "rounds of the run"), (None, None)])
def test_relative_folders_stay_where_they_were_when_the_directory_changes(
    tmp_path, monkeypatch, log, run_dir
):
    away = tmp_path / "away"
    away.mkdir()
    monkeypatch.chdir(tmp_path)
    callback, model = monitor(run_dir=run_dir), dqn(log)
    assert not learn(model, CallbackList([MovesAway(away), callback]), log_interval=1)
    assert not callback.events
    assert not list(away.iterdir())
    board = tmp_path / "log" / "DQN_1" if log else callback.run_dir
    assert steps_of(board, "value/entropy") == [0, 50, 100, 120]
    assert not log or steps_of(board, "time/fps")[-1] > 60  # stable-baselines3's own as well
    assert callback.run_dir == (tmp_path / run_dir if run_dir else board)
    assert list(store.rounds(callback.run_dir)) == [0, 50, 100, 120]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_log_folder_that_is_gone_is_told_and_left_to_the_training(tmp_path):
    class Removed(BaseCallback):
        def _on_step(self):
            if self.num_timesteps == 60:
                (tmp_path / "DQN_1").rename(tmp_path / "moved")
            return True

    callback = monitor(run_dir=tmp_path / "rounds of the run")
    model = dqn(tmp_path)
    warned = learn(model, CallbackList([Removed(), callback]), log_interval=1_000)
    assert len(warned) == 1
    assert "DQN_1 cannot be written any more: it is gone" in warned[0]
    assert model.num_timesteps == 120
    assert not (tmp_path / "DQN_1").exists()
    with pytest.raises(FileNotFoundError):  # as without a monitor
        model.logger.dump(120)
    for thread in threading.enumerate():  # TensorBoard's, which ends with the same error
        if type(thread).__name__ == "_AsyncWriterThread":
            thread.join(10)


# --- processes and other callbacks --------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_envs_in_other_processes_are_watched_however_they_began(tmp_path, method):
    env = SubprocVecEnv([Catch], start_method=method)
    callback = monitor(env=Catch)
    model = dqn(tmp_path, env)
    assert not learn(model, callback)
    env.close()
    assert not callback.events
    assert list(store.rounds(tmp_path / "DQN_1")) == [0, 50, 100, 120]


class Raising(BaseCallback):
    def _on_step(self):
        if self.num_timesteps == 70:
            raise RuntimeError("a callback of the user's own")
        return True


@pytest.mark.parametrize("first", [True, False])
def test_other_callbacks_that_raise_leave_a_run_that_goes_on(tmp_path, first):
    callback, model = monitor(), dqn(tmp_path)
    both = [Raising(), callback] if first else [callback, Raising()]
    with pytest.raises(RuntimeError, match="of the user's own"):
        model.learn(120, callback=CallbackList(both))
    folder = tmp_path / "DQN_1"
    assert list(store.rounds(folder)) == [0, 50]
    assert not learn(model, callback, 50, reset_num_timesteps=False)
    assert list(store.rounds(folder)) == [0, 50, 70, 100, 120]
    assert [each.timestep for each in read_history(folder).rounds] == [0, 50, 70, 100, 120]
    assert steps_of(folder, "value/entropy") == [0, 50, 70, 100, 120]


def test_ctrl_c_within_a_round_ends_the_training_and_leaves_whole_rounds(tmp_path):
    class Interrupted(Catch):
        def step(self, action):
            if self.steps == 60:
                raise KeyboardInterrupt
            return super().step(action)

    callback, model = monitor(env=Interrupted), dqn(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        model.learn(120, callback=callback)
    folder = tmp_path / "DQN_1"
    assert list(store.rounds(folder)) == [0]
    assert not list((folder / "rounds").glob(".*"))
    assert not learn(model, monitor(), 20, reset_num_timesteps=False)


def test_what_was_noticed_but_not_told_is_told_on_resume(tmp_path, monkeypatch):
    from rlmonitor.strategy.events import Event

    def noticed(history):
        latest = history.rounds[-1].timestep
        return (Event("onset", latest, "The ball matters now.", {}),) if latest == 50 else ()

    class Ended(BaseException):
        """What ends a process."""

    def ended(*_):
        raise Ended

    monkeypatch.setattr("rlmonitor.logbook.detect", noticed)
    callback, model = monitor(), dqn(tmp_path)
    callback._tell = ended
    with pytest.raises(Ended):
        model.learn(120, callback=callback)
    folder = tmp_path / "DQN_1"
    assert read_events(folder) == ()
    again = monitor()
    learn(model, again, 70, reset_num_timesteps=False)
    assert [(event.kind, event.timestep) for event in again.events] == [("onset", 50)]
    assert read_events(folder) == tuple(again.events)
