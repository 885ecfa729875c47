"""The demo, small: it learns, and says what it found."""

from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from rlmonitor.board.watch import watch_command
from rlmonitor.cli import main
from rlmonitor.demo import demo_configuration, shipped_checkpoint
from rlmonitor.native_env import NativeAtariVecEnv
from rlmonitor.replay import store
from rlmonitor.replay.training_state import load_training_state
from rlmonitor.run_directory import STATE


def test_the_demos_settings_fit_a_small_machine() -> None:
    found = demo_configuration(shipped_checkpoint(), timesteps=20_000, seed=0, threads=1)
    training = found.training
    assert training.buffer_size * 4 * 84 * 84 < 1e9
    # rounds at 0, 5,000, …, 20,000: the end falls on a rollout's end, so there is no sixth
    assert training.timesteps % found.monitor.every == 0
    assert training.timesteps % (training.n_envs * training.train_freq) == 0
    assert training.timesteps / found.monitor.every == 4


@pytest.mark.slow
def test_the_demo_ends_with_what_it_found(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["demo", "--timesteps", "32", "--run-dir", str(run_dir), "--no-progress"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == watch_command(run_dir)
    assert list(store.rounds(run_dir)) == [0, 32]  # at the ends of rollouts
    for text in ("at 0 timesteps", "at 32 timesteps", "what it values: ball", "highest score",
                 "what it decides by: paddle", "conservation error"):  # fmt: skip
        assert text in said
    assert load_training_state(run_dir / STATE).counters["_n_updates"] == 1
    board = EventAccumulator(str(run_dir)).Reload()
    ball = [point.value for point in board.Scalars("probe_value/relative/ball")]
    row = next(line for line in said.splitlines() if "what it values: ball" in line)
    assert f"{ball[0]:.1f} ×" in row
    assert f"{ball[-1]:.1f} ×" in row


def test_a_torn_checkpoint_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"no network")
    with pytest.raises(SystemExit) as end:
        main(["demo", "--checkpoint", str(path), "--run-dir", str(tmp_path / "run")])
    assert end.value.code == 2
    assert "a.safetensors is torn, or no safetensors file" in capsys.readouterr().err


def test_the_demo_plays_what_its_network_was_trained_on() -> None:
    start = shipped_checkpoint()
    env = NativeAtariVecEnv(start.game, 1)
    assert env.observation_space.shape == start.observation_shape
    assert getattr(env.action_space, "n", 0) == start.n_actions
    env.close()
