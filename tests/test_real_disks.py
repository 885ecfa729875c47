"""Disks that are really full or read-only: a mount of memory, in a namespace of the test's own.

What only a fault at the worst moment can show is simulated in test_callbacks and test_faults.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from catch import Catch
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.vec_env import DummyVecEnv
from test_callbacks import tiny_dqn
from test_faults import learn, monitor, steps_of

from rlmonitor.errors import StoreError
from rlmonitor.replay import store
from rlmonitor.replay.journal import read_events, read_history

MOUNTED = ["unshare", "--map-root-user", "--user", "--mount", "sh", "-ec"]
"""Root by a user namespace, which needs no privilege where the system allows it."""
SCRIPT = 'mount -t tmpfs -o size=96m tmpfs "$1"; exec "$2" -c "$3"'


def on_a_small_disk(disk, scenario):
    """What a scenario, a function of this module, tells of a run on a mount of 96 MB."""
    disk.mkdir()
    code = f"import test_real_disks as t; t.{scenario}(t.Path({str(disk)!r}))"
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [*MOUNTED, SCRIPT, "sh", str(disk), sys.executable, code],
        capture_output=True, text=True, timeout=300, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2_000:]
    return json.loads(done.stdout.splitlines()[-1])


def can_mount():
    if shutil.which("unshare") is None:
        return False
    tried = [*MOUNTED, "mount -t tmpfs tmpfs /mnt"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not can_mount(), reason="no mounts in namespaces of one's own here"),
]


class At(BaseCallback):
    """Does something to the disk at some timesteps."""

    def __init__(self, actions):
        super().__init__()
        self.actions = actions

    def _on_step(self):
        self.actions.get(self.num_timesteps, lambda: None)()
        return True


def trained(callback):
    """A digest of what is learnt in 240 timesteps, and the monitor's warnings."""
    model = tiny_dqn(DummyVecEnv([Catch]))
    warned = learn(model, callback, 240)
    tensors = model.policy.state_dict().values()
    return hashlib.sha256(b"".join(t.numpy().tobytes() for t in tensors)).hexdigest(), warned


def told(disk, actions):
    """Of a training with a round every 60 timesteps, to whose disk something happens."""
    alone, _ = trained(None)
    callback, run = monitor(every=60, run_dir=disk / "run"), disk / "run"
    digest, warned = trained(CallbackList([At(actions), callback]))
    found = {
        "same": digest == alone, "warned": warned,
        "faults": [(each.kind, each.timestep, each.text) for each in callback.events],
        "rounds": list(store.rounds(run)), "left": [p.name for p in (run / "rounds").glob(".*")],
        "history": [each.timestep for each in read_history(run).rounds],
        "curve": steps_of(run, "value/entropy"), "told": len(read_events(run)),
    }  # fmt: skip
    print(json.dumps(found))


def full(disk):
    """The disk is filled to the last byte, and freed later."""
    filler = disk / "filler"

    def fill():
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))
        with suppress(OSError), filler.open("ab", buffering=0) as file:
            while True:
                file.write(b"x")
        assert shutil.disk_usage(disk).free == 0

    told(disk, {90: fill, 150: filler.unlink})


def command(*words):
    subprocess.run(list(map(str, words)), check=True)


def close(folder):
    """Make a folder read-only: mounted once more, because files in it are open."""
    command("mount", "--bind", folder, folder)
    command("mount", "-o", "remount,bind,ro", folder)


def read_only(disk):
    """The run's folder becomes read-only, and writable later."""
    run = disk / "run"
    told(disk, {90: lambda: close(run), 150: lambda: command("umount", run)})


def read_only_from_the_start(disk):
    close(disk)
    try:
        trained(monitor(run_dir=disk / "run"))
    except StoreError as error:
        print(json.dumps(str(error)))


@pytest.mark.parametrize(
    ("scenario", "words"), [("full", "no space left"), ("read_only", "cannot be written any more")]
)
def test_a_disk_that_takes_nothing_costs_the_rounds_of_that_time(tmp_path, scenario, words):
    found = on_a_small_disk(tmp_path / "disk", scenario)
    assert found["same"]
    assert [(kind, timestep) for kind, timestep, _ in found["faults"]] == [("fault", 120)]
    assert words in found["faults"][0][2]
    assert any(words in text for text in found["warned"])
    assert len(found["warned"]) <= 2, found["warned"]
    assert found["rounds"] == found["curve"] == found["history"] == [0, 60, 180, 240]
    assert found["left"] == []


def test_a_read_only_disk_is_refused_before_the_training_begins(tmp_path):
    told = on_a_small_disk(tmp_path / "disk", "read_only_from_the_start")
    assert "Read-only file system" in told
    assert "run" in told
