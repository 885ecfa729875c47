"""Events that end a training, in real trainings."""

import pytest
from catch import Catch
from stable_baselines3 import DQN
from stable_baselines3.common.vec_env import DummyVecEnv

import rlmonitor.monitor as monitor_module
from rlmonitor import StrategyMonitorCallback
from rlmonitor.callbacks import MonitorWarning
from rlmonitor.errors import ConfigurationError, StoreError, UnknownNameError
from rlmonitor.replay import store
from rlmonitor.stop_training import StopTrainingOnEvent
from rlmonitor.strategy.events import Event


def learn(run_dir, on_event, timesteps=120):
    """A tiny training with a round every 30 timesteps."""
    model = DQN(
        "CnnPolicy",
        DummyVecEnv([Catch]),
        buffer_size=200,
        learning_starts=1000,
        seed=0,
        policy_kwargs={"net_arch": [8]},
    )
    monitor = StrategyMonitorCallback(
        every=30, n_frames=4, clip_frames=4, run_dir=run_dir, on_event=on_event
    )
    model.learn(timesteps, callback=monitor)
    return model.num_timesteps


def break_round(monkeypatch, at):
    """Make the monitor's rounds fail from a timestep on: the easiest event to bring about."""
    run_round = monitor_module.run_round

    def broken(*args, timestep, **settings):
        if timestep >= at:
            raise StoreError("planted")
        return run_round(*args, timestep=timestep, **settings)

    monkeypatch.setattr(monitor_module, "run_round", broken)


def test_the_training_ends_with_the_step_of_the_event(run_dir, monkeypatch, capsys):
    break_round(monkeypatch, at=60)
    stop = StopTrainingOnEvent("shortcut", "fault", verbose=1)
    with pytest.warns(MonitorWarning, match="planted"):
        assert learn(run_dir, stop) == 60
    assert stop.event.kind == "fault"
    assert stop.event.timestep == 60
    assert "Stopping training at 60 timesteps: " in capsys.readouterr().out


def test_an_event_before_the_first_step_ends_it_at_once(run_dir, monkeypatch):
    break_round(monkeypatch, at=0)
    with pytest.warns(MonitorWarning, match="planted"):
        assert learn(run_dir, StopTrainingOnEvent("fault")) == 1


@pytest.mark.parametrize("on_event", [StopTrainingOnEvent("exploit"), lambda event: None, None])
def test_other_events_end_nothing(run_dir, monkeypatch, on_event):
    break_round(monkeypatch, at=60)
    with pytest.warns(MonitorWarning, match="planted"):
        assert learn(run_dir, on_event) == 120


def test_without_events_it_goes_on_to_the_end(run_dir):
    stop = StopTrainingOnEvent("fault")
    assert learn(run_dir, stop, timesteps=60) == 60
    assert stop.event is None
    assert list(store.rounds(run_dir)) == [0, 30, 60]


def test_the_first_event_is_kept():
    stop = StopTrainingOnEvent("collapse", "shift")
    first, second = (Event("shift", step, "Shifted.") for step in (1, 2))
    assert stop(Event("onset", 0, "Begun."))
    assert not stop(first)
    assert not stop(second)
    assert stop.event is first


def test_kinds_that_do_not_exist_name_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'collapse'"):
        StopTrainingOnEvent("colapse")
    with pytest.raises(ConfigurationError, match="name one"):
        StopTrainingOnEvent()
