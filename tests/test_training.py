"""The training loop: what a run leaves, and that a resumed one goes on as if nothing had been."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.callbacks import BaseCallback
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor

from rlmonitor.configuration import Configuration, parse_configuration
from rlmonitor.demo import shipped_checkpoint
from rlmonitor.errors import CheckpointError, ConfigurationError, StoreError
from rlmonitor.native_env import NativeAtariVecEnv
from rlmonitor.replay import store
from rlmonitor.replay.checkpoints import load_checkpoint, read_tensors, write_tensors
from rlmonitor.replay.training_state import (
    load_training_state,
    restore_training_state,
    save_training_state,
)
from rlmonitor.run_directory import FREE_TO_CHANGE, STATE, checkpoint_path, locked
from rlmonitor.training import (
    make_env,
    make_model,
    play_in,
    require_device,
    train,
)
from rlmonitor.training_callbacks import AfterCheckpoint, ProgressBar, StopSignals


def tiny(*, every: int = 0, **training: Any) -> Configuration:
    """A DQN that trains from its eighth step on, two games, checkpoints every 32 timesteps."""
    settings = {
        "timesteps": 96, "n_envs": 2, "batch_size": 4, "buffer_size": 128, "learning_starts": 8,
        "train_freq": 2, "gradient_steps": 1, "target_update_interval": 16, "refill": 24,
        "exploration_timesteps": 64, "checkpoint_every": 32, "log_every": 16,
    }  # fmt: skip
    monitor = {"every": every, "n_frames": 4, "probe": "none"}
    return parse_configuration({"training": settings | training, "monitor": monitor}, "tiny")


class At(BaseCallback):
    """Calls a function once, at a timestep."""

    def __init__(self, timestep: int, action: Any) -> None:
        super().__init__()
        self._timestep, self._action = timestep, action

    def _on_step(self) -> bool:
        if self.num_timesteps == self._timestep:
            self._action()
        return True


class PowerCut(Exception):
    """Nothing is saved any more."""


def power_cut() -> None:
    raise PowerCut


@pytest.fixture(scope="module")
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with monitor that ended without warning at 60 of 96; its last checkpoint is at 32."""
    run_dir = tmp_path_factory.mktemp("runs") / "cut"
    with pytest.raises(PowerCut):
        train(tiny(every=40), run_dir, callback=At(60, power_cut), progress=False)
    return run_dir


def curves(run_dir: Path) -> dict[str, list[int]]:
    """Tag to the steps of its points, in the order of the files."""
    loader = EventAccumulator(str(run_dir), purge_orphaned_data=False).Reload()
    return {tag: [e.step for e in loader.Scalars(tag)] for tag in loader.Tags()["scalars"]}


def weights(run_dir: Path) -> dict[str, Tensor]:
    return dict(load_training_state(run_dir / STATE).tensors)


def assert_same(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    for key, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[key], rtol=0, atol=0, msg=key)


def test_a_run_cut_off_leaves_checkpoints_curves_and_rounds(cut_off: Path) -> None:
    found = sorted(path.stem for path in (cut_off / "checkpoints").iterdir())
    assert found == ["0000000", "0000032"]
    assert load_training_state(cut_off / STATE).timesteps == 32
    assert list(store.rounds(cut_off)) == [0, 40]
    steps = curves(cut_off)
    assert steps["time/fps"] == [16, 32, 48]
    assert steps["monitor/seconds"] == [0, 40]
    assert steps["train/loss"] == [16, 32, 48]


def test_resuming_goes_on_with_the_same_curves_and_is_deterministic(
    cut_off: Path, tmp_path: Path
) -> None:
    watched, unwatched = tmp_path / "watched", tmp_path / "unwatched"
    for run_dir, every in ((watched, 1_000), (unwatched, 0)):
        shutil.copytree(cut_off, run_dir)
        outcome = train(tiny(every=every), run_dir, resume=True, progress=False)
        assert (outcome.timesteps, outcome.signal) == (96, None)
        assert curves(run_dir)["time/fps"] == [16, 32, 48, 64, 80, 96]  # no gap, no overlap
        found = sorted(path.stem for path in (run_dir / "checkpoints").iterdir())
        assert found == ["0000000", "0000032", "0000064", "0000096"]
    assert curves(watched)["monitor/seconds"] == [0, 32, 96]  # at the start and the end
    assert list(store.rounds(watched)) == [0, 32, 96]
    assert list(store.rounds(unwatched)) == [0]
    assert_same(weights(watched), weights(unwatched))
    counters = load_training_state(watched / STATE).counters
    assert counters["num_timesteps"] == 96
    assert counters["_n_calls"] == 48
    assert counters["_n_updates"] == 22  # after every 4 timesteps past the eighth


def test_a_restored_model_learns_on_bit_by_bit(tmp_path: Path) -> None:
    """With the old model's replay buffer, both take the same gradient steps: Adam's state is back.

    Nothing here goes through `train`: the comparison is with a model that never stopped.
    """
    configuration = tiny()
    env = make_env(configuration)
    model = make_model(configuration, env)
    model.learn(64)
    path = save_training_state(tmp_path / "s.safetensors", model, configuration.flat())
    other = make_model(configuration.with_options({"training.seed": 5}), env)
    restore_training_state(other, load_training_state(path))
    other.replay_buffer, other._logger = model.replay_buffer, model.logger
    draws = []
    for each in (model, other):
        restore_training_state(each, load_training_state(path))  # both draw the same batches
        each.train(gradient_steps=3, batch_size=4)
        draws.append((np.random.rand(), torch.rand(1).item(), each.action_space.sample()))  # noqa: NPY002
    assert_same(model.policy.state_dict(), other.policy.state_dict())
    assert draws[0] == draws[1]
    assert other._n_updates == model._n_updates
    assert other.num_timesteps == 64
    assert other.ep_info_buffer == model.ep_info_buffer
    for p, q in zip(model.q_net.parameters(), other.q_net.parameters(), strict=True):
        ours, theirs = model.policy.optimizer.state[p], other.policy.optimizer.state[q]
        assert_same(ours, theirs)
        assert theirs["exp_avg"].stride() == q.stride()
    env.close()


def test_the_buffer_is_refilled_without_a_trace_in_the_counters() -> None:
    configuration = tiny()
    env = make_env(configuration)
    model = make_model(configuration, env)
    buffer = model.replay_buffer
    assert buffer is not None
    play_in(model, 30, StopSignals(), ProgressBar(1, shown=False))
    assert buffer.pos == 15
    assert (model.num_timesteps, model._n_calls, model._n_updates) == (0, 0, 0)
    assert not model.ep_info_buffer
    frames = buffer.observations[:15, 0, -1]
    assert all(not np.array_equal(a, b) for a, b in pairwise(frames))
    signals = StopSignals()
    signals.received = signal.SIGINT
    play_in(model, 30, signals, ProgressBar(1, shown=False))
    assert buffer.pos == 15
    env.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_everything_where_it_came(number: signal.Signals, run_dir: Path) -> None:
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    stop = At(42, lambda: os.kill(os.getpid(), number))
    outcome = train(
        tiny(checkpoint_every=1_000, log_every=4), run_dir, callback=stop, progress=False
    )
    assert outcome.signal == number
    assert outcome.timesteps == 44  # the end of the rollout of four timesteps that it came in
    assert load_training_state(run_dir / STATE).timesteps == 44
    assert checkpoint_path(run_dir, 44).exists()
    assert curves(run_dir)["time/fps"] == [4 * n for n in range(1, 12)]  # the last one once
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_signal_during_the_refill_leaves_the_run_as_it_was(
    cut_off: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dir = tmp_path / "run"
    shutil.copytree(cut_off, run_dir)
    before = weights(run_dir)
    monkeypatch.setattr(
        "rlmonitor.training.play_in", lambda *_: os.kill(os.getpid(), signal.SIGTERM)
    )
    outcome = train(tiny(), run_dir, resume=True, progress=False)
    assert (outcome.timesteps, outcome.signal) == (32, signal.SIGTERM)
    after = weights(run_dir)
    for part in ("q_net.", "q_net_target.", "optimizer."):
        assert_same(*({k: t for k, t in w.items() if k.startswith(part)} for w in (before, after)))
    assert curves(run_dir)["time/fps"] == [16, 32]


def test_training_begins_with_the_weights_and_games_of_a_checkpoint(run_dir: Path) -> None:
    start = shipped_checkpoint()
    train(tiny(timesteps=4, learning_starts=40), run_dir, start=start, progress=False)
    first, state = (
        load_checkpoint(checkpoint_path(run_dir, 0)),
        load_training_state(run_dir / STATE),
    )
    assert_same(first.state, start.state)
    moved = [not torch.equal(state.tensors[f"q_net.{key}"], t) for key, t in start.state.items()]
    assert all(moved)  # one gradient step, with a buffer of its own play


def test_settings_that_shape_the_run_cannot_change_midway(cut_off: Path) -> None:
    for changed in ({"gamma": 0.9}, {"seed": 1}, {"n_envs": 3}):
        ((name, value),) = changed.items()
        with pytest.raises(
            ConfigurationError, match=rf"training\.{name} = {value}: the run in .* has"
        ):
            train(tiny(every=40, **changed), cut_off, resume=True, progress=False)
    assert "training.timesteps" in FREE_TO_CHANGE
    assert Configuration().flat().keys() >= FREE_TO_CHANGE


def test_a_run_of_a_version_that_lacked_a_setting_goes_on_with_its_default(
    cut_off: Path, tmp_path: Path
) -> None:
    run_dir = shutil.copytree(cut_off, tmp_path / "run")
    tensors, metadata = read_tensors(run_dir / STATE)
    ((key, text),) = metadata.items()
    state = json.loads(text)
    del state["configuration"]["training.n_steps"], state["configuration"]["monitor.games"]
    write_tensors(run_dir / STATE, tensors, {key: json.dumps(state)})
    with pytest.raises(ConfigurationError, match=r"training\.n_steps = 2: the run in .* has 1"):
        train(tiny(every=40, n_steps=2), run_dir, resume=True, progress=False)
    assert train(tiny(every=40), run_dir, resume=True, progress=False).timesteps == 96


def test_more_timesteps_lengthen_a_run_that_is_done(run_dir: Path) -> None:
    train(tiny(timesteps=16), run_dir, progress=False)
    assert train(tiny(timesteps=16), run_dir, resume=True, progress=False).timesteps == 16
    assert train(tiny(timesteps=24), run_dir, resume=True, progress=False).timesteps == 24
    assert curves(run_dir)["time/fps"] == [16, 24]


def test_folders_that_are_not_free_are_refused(cut_off: Path, run_dir: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds a run already: go on with --resume, or"):
        train(tiny(), cut_off, progress=False)
    with pytest.raises(ConfigurationError, match="holds no checkpoint to resume from"):
        train(tiny(), run_dir, resume=True, progress=False)
    with locked(run_dir), pytest.raises(ConfigurationError, match=rf"process \({os.getpid()}\)"):
        train(tiny(), run_dir, progress=False)
    (run_dir / "notes.txt").touch()
    with pytest.raises(ConfigurationError, match=r"something \(notes\.txt, …\) already: name"):
        train(tiny(), run_dir, progress=False)
    with pytest.raises(StoreError, match="cannot be written"):
        train(tiny(), run_dir / "notes.txt", progress=False)


def test_a_torn_state_says_so(run_dir: Path) -> None:
    run_dir.mkdir()
    (run_dir / STATE).write_bytes(b"\x10\0\0")
    with pytest.raises(CheckpointError, match="is torn"):
        train(tiny(), run_dir, resume=True, progress=False)
    shutil.copy(Path(__file__).parents[1] / "rlmonitor/data/breakout.safetensors", run_dir / STATE)
    with pytest.raises(CheckpointError, match="is no training state of this version"):
        train(tiny(), run_dir, resume=True, progress=False)


def test_a_full_disk_costs_a_checkpoint_not_the_training(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def full_once(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == 1:
            raise StoreError("no space left")
        save_training_state(*arguments)

    monkeypatch.setattr("rlmonitor.training_callbacks.save_training_state", full_once)
    with pytest.warns(UserWarning, match="no space left; the training goes on"):
        outcome = train(tiny(timesteps=48), run_dir, progress=False)
    assert outcome.timesteps == 48
    assert load_training_state(run_dir / STATE).timesteps == 48


def test_the_dqn_is_as_configured() -> None:
    configuration = tiny()
    env = NativeAtariVecEnv("breakout", 2)
    model = make_model(configuration, env)
    updates = []
    model.q_net_target.register_forward_hook(lambda *_: updates.append(None))
    assert model.buffer_size == 128
    assert model.replay_buffer is not None
    assert model.replay_buffer.buffer_size == 64  # steps of two games
    model._total_timesteps = 96
    rates = []
    for timestep in (0, 32, 64, 96):
        model._current_progress_remaining = 1 - timestep / 96
        rates.append(model.exploration_schedule(model._current_progress_remaining))
    np.testing.assert_allclose(rates, [1, 0.505, 0.01, 0.01])
    last = model.q_net.q_net[0]
    assert isinstance(last, torch.nn.Linear)
    assert (last.in_features, last.out_features, len(model.q_net.q_net)) == (256, 4, 1)
    env.close()


@pytest.mark.skipif(torch.cuda.is_available(), reason="asks for a GPU that is not there")
def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"device = 'cuda:1': torch finds 0 .* \"cpu\""):
        require_device("cuda:1")
    require_device("cpu")
    require_device("auto")


class Order(AfterCheckpoint):
    """Notes which checkpoints are there when a round begins."""

    def __init__(self, monitor: Any) -> None:
        super().__init__(monitor)
        self.seen: list[tuple[int, int, bool]] = []

    def _on_rollout_start(self) -> None:
        run_dir = self._monitor.run_dir  # type: ignore[attr-defined]
        before = set(store.rounds(run_dir))
        super()._on_rollout_start()
        for timestep in set(store.rounds(run_dir)) - before:
            state = load_training_state(run_dir / STATE).timesteps
            self.seen.append((timestep, state, checkpoint_path(run_dir, timestep).exists()))


def test_a_checkpoint_is_on_disk_before_its_round(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Order] = []

    def ordered(monitor: Any) -> Order:
        found.append(Order(monitor))
        return found[0]

    monkeypatch.setattr("rlmonitor.training.AfterCheckpoint", ordered)
    train(tiny(every=32), run_dir, progress=False)
    assert found[0].seen == [(0, 0, True), (32, 32, True), (64, 64, True)]
    assert list(store.rounds(run_dir)) == [0, 32, 64, 96]


def test_a_run_that_ended_before_its_first_rollout_can_be_resumed(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rlmonitor.training._refill", lambda *_: power_cut())
    with pytest.raises(PowerCut):
        train(tiny(), run_dir, progress=False)
    monkeypatch.undo()
    assert train(tiny(timesteps=16), run_dir, resume=True, progress=False).timesteps == 16
    found = sorted(path.stem for path in (run_dir / "checkpoints").iterdir())
    assert found == ["0000000", "0000016"]
