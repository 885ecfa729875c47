"""The command as people run it: one line for an error, a way on after Ctrl-C and after kill -9."""

from __future__ import annotations

import inspect
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import typer
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import rlmonitor
from rlmonitor.board.watch import watch_command
from rlmonitor.cli import COMMANDS, app, main
from rlmonitor.replay.checkpoints import load_checkpoint
from rlmonitor.replay.training_state import load_training_state
from rlmonitor.run_directory import STATE, checkpoint_path

TINY = """
[training]
timesteps = 1_000_000
n_envs = 2
batch_size = 4
buffer_size = 256
learning_starts = 8
train_freq = 2
gradient_steps = 1
target_update_interval = 16
refill = 16
checkpoint_every = 8
log_every = 4
[monitor]
every = 0
"""


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    path = tmp_path / "agent.toml"
    path.write_text(TINY)
    return path


def run(*arguments: object) -> int:
    """Exit code of the command in this process."""
    with pytest.raises(SystemExit) as end:
        main([str(each) for each in arguments])
    assert isinstance(end.value.code, int)
    return end.value.code


def started(agent: Path, run_dir: Path) -> subprocess.Popen[str]:
    """The command in a process of its own, some checkpoints after its start."""
    command = [sys.executable, "-m", "rlmonitor", "train", str(agent), "--run-dir", str(run_dir)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while len(list((run_dir / "checkpoints").glob("0*"))) < 5:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def steps(run_dir: Path) -> list[int]:
    loader = EventAccumulator(str(run_dir), purge_orphaned_data=False).Reload()
    return [event.step for event in loader.Scalars("time/fps")]


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out == f"rlmonitor {rlmonitor.__version__}\n"
    assert run("train", "--help") == 0
    shown = capsys.readouterr().out
    for option in ("--timesteps", "--every", "--run-dir", "--seed", "--threads", "--device",
                   "--resume", "--no-progress"):  # fmt: skip
        assert option in shown


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.__name__ != "doctor"])
def test_the_example_of_each_command_is_one_that_it_takes(command) -> None:
    (written,) = re.findall(
        r"Example: (rlmonitor .*?)(?:\n\n|\Z)", inspect.getdoc(command) or "", re.S
    )
    name, *arguments = shlex.split(written)[1:]
    parser = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    assert name == command.__name__
    parser.make_context(name, arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.toml"], "Error: nowhere.toml cannot be read"),
        (["{agent}", "--seed", "-1"], "[training] seed = -1: expected a whole number"),
        (["{agent}", "--device", "cud"], "device = 'cud': expected one of"),
        (["{agent}", "--run-dir", "{agent}"], "agent.toml cannot be written"),
        (["{agent}", "--run-dir", "{empty}", "--resume"], "holds no checkpoint to resume from"),
    ],
)
def test_an_error_is_one_line_that_says_what_would_work(
    arguments: list[str],
    said: str,
    agent: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    filled = [each.format(agent=agent, empty=tmp_path / "empty") for each in arguments]
    assert run("train", *filled) == 2
    lines = capsys.readouterr().err.splitlines()
    assert said in lines[-1]
    assert lines[-1].startswith("Error: ")
    assert len(lines) <= 2  # the run's place may have been told before


def test_training_and_going_on(
    agent: Path, run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = ["train", agent, "--run-dir", run_dir]
    assert run(*shared, "--timesteps", 16) == 0
    assert watch_command(run_dir) in capsys.readouterr().out
    assert run(*shared, "--timesteps", 16) == 2
    assert "go on with --resume" in capsys.readouterr().err
    assert run(*shared, "--timesteps", 24, "--resume", "--no-progress") == 0
    assert load_training_state(run_dir / STATE).timesteps == 24
    assert steps(run_dir) == [4, 8, 12, 16, 20, 24]


def test_other_settings_are_tried_from_where_a_run_stands(
    agent: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert run("train", agent, "--run-dir", first, "--timesteps", 16) == 0
    other = tmp_path / "other.toml"
    other.write_text(TINY.replace("[training]", "[training]\ngamma = 0.9"))
    assert run("train", other, "--run-dir", first, "--timesteps", 24, "--resume") == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "gamma = 0.9: the run in" in said
    assert "--start from one of the networks in" in said
    stands = checkpoint_path(first, 16)
    shared = ["train", other, "--run-dir", second, "--timesteps", 8, "--start", stands]
    assert run(*shared) == 0
    before, begun = load_checkpoint(stands), load_checkpoint(checkpoint_path(second, 0))
    assert before.state.keys() == begun.state.keys()
    assert all(torch.equal(tensor, begun.state[key]) for key, tensor in before.state.items())
    assert run(*shared, "--resume") == 2
    assert "--resume has its own weights" in capsys.readouterr().err
    assert run("train", other, "--run-dir", tmp_path / "third", "--start", agent) == 2
    assert "Error: " in capsys.readouterr().err
    assert not (tmp_path / "third").exists()


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_go_on(agent: Path, run_dir: Path) -> None:
    process = started(agent, run_dir)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    told = re.search(r"Stopped at ([\d,]+) timesteps", said)
    assert told
    timesteps = int(told[1].replace(",", ""))
    assert load_training_state(run_dir / STATE).timesteps == timesteps
    assert steps(run_dir)[-1] == timesteps
    assert f"rlmonitor train {agent} --run-dir {run_dir} --resume" in said
    assert "Traceback" not in errors


@pytest.mark.slow
def test_kill_9_loses_no_more_than_the_steps_since_the_last_checkpoint(
    agent: Path, run_dir: Path
) -> None:
    process = started(agent, run_dir)
    process.kill()
    process.communicate()
    at = load_training_state(run_dir / STATE).timesteps
    reached = max(int(p.stem) for p in (run_dir / "checkpoints").glob("0*.safetensors"))
    assert 0 <= reached - at <= 8
    assert run("train", agent, "--run-dir", run_dir, "--resume", "--timesteps", at + 8) == 0
    found = steps(run_dir)
    assert found == list(range(4, at + 9, 4))  # every point once, in order
    assert load_training_state(run_dir / STATE).timesteps == at + 8
