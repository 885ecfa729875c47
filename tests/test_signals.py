"""A monitored training is interrupted or ended from outside, at any moment of a round."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from catch import Catch
from test_faults import dqn, learn, monitor, steps_of

from rlmonitor.replay import store
from rlmonitor.replay.journal import read_history

CHILD = "import test_signals as t; t.child(t.Path({folder!r}))"


class Slow(Catch):
    """Tells of its 50th step, and takes its time from then on."""

    told = Path()

    def step(self, action):
        if self.steps >= 50:
            self.told.touch()
            time.sleep(0.05)
        return super().step(action)


def child(folder):
    """A training whose second round is slow."""
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # shells let jobs in the back ignore it
    Slow.told = folder / "told"
    dqn(folder).learn(10_000, callback=monitor(env=Slow))


def interrupted(folder, signals, pause):
    """The exit code of a training that gets signals in the midst of a round, and its errors."""
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD.format(folder=str(folder))],
        env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while not (folder / "told").exists():
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.02)
        for number in signals:
            process.send_signal(number)
            time.sleep(pause)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, errors


@pytest.mark.slow
@pytest.mark.parametrize(
    ("signals", "pause"),
    [([signal.SIGINT] * 2, 0.003), ([signal.SIGINT] * 2, 0.05), ([signal.SIGTERM], 0)],
)
def test_what_ends_a_training_leaves_whole_rounds_and_a_run_that_goes_on(tmp_path, signals, pause):
    code, errors = interrupted(tmp_path, signals, pause)
    assert code == -signals[0], errors
    run = tmp_path / "DQN_1"
    assert list(store.rounds(run)) == [each.timestep for each in read_history(run).rounds] == [0]
    store.read_analysis(store.rounds(run)[0], "play")
    assert steps_of(run, "value/entropy") == [0]
    assert not learn(dqn(tmp_path), monitor(), 60, reset_num_timesteps=False)
    assert list(store.rounds(run)) == [0, 50, 60]
