"""Kills a monitored training with SIGKILL at random moments, resumes it, and looks at what is left.

After every kill, before anything mends it: checkpoints, rounds, journals, the projector's files and
every curve must be readable; no round may be ahead of the checkpoint; no curve may have a point
twice or go back, in TensorBoard's slow loader, which here forgets nothing by itself, and in its
fast one (asked after every fourth kill and at the end). At the end the run must have every point
and every round, once. Writes a table::

    python benchmarks/kills.py --kills 40
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from google.protobuf import text_format
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from rlmonitor import StrategyMonitorCallback
from rlmonitor.configuration import Configuration, parse_configuration
from rlmonitor.replay import store
from rlmonitor.replay.checkpoints import load_checkpoint
from rlmonitor.replay.journal import read_events, read_history
from rlmonitor.replay.training_state import load_training_state
from rlmonitor.run_directory import LOCK, MONITOR_LOCK, STATE, checkpoint_path
from rlmonitor.training import train

HERE = Path(__file__).parent
EVERY, LOG_EVERY = 64, 16
"""Timesteps between checkpoints, each with a round, and between points of the training's curves."""

USUAL = 8.0
"""Seconds from the start of a process to its first checkpoint, where none has been seen."""

LOCKS = (LOCK, MONITOR_LOCK)
"""Files that stay; the system takes the locks on them back."""

Steps = Mapping[str, Sequence[int]]


def configuration(timesteps: int) -> Configuration:
    """A small DQN on Breakout, with all parts of a round."""
    training = {
        "timesteps": timesteps, "n_envs": 2, "batch_size": 4, "buffer_size": 256,
        "learning_starts": 8, "train_freq": 2, "gradient_steps": 1, "target_update_interval": 16,
        "refill": 16, "checkpoint_every": EVERY, "log_every": LOG_EVERY,
    }  # fmt: skip
    monitor = {"every": EVERY, "n_frames": 4, "probe": "none", "games": 0}
    return parse_configuration({"training": training, "monitor": monitor}, "kills")


def start(run_dir: Path, timesteps: int) -> int:
    """Begin or resume the training in a fork, which spares the import of torch; its process."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            warnings.simplefilter("ignore")
            # short clips, so that a part comes past several checkpoints
            cast(Any, StrategyMonitorCallback.__init__).__kwdefaults__["clip_frames"] = 8
            resume = (run_dir / STATE).exists()
            train(configuration(timesteps), run_dir, resume=resume, progress=False)
            code = 0
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", flush=True)
        finally:
            os._exit(code)
    return process


def slow_steps(run_dir: Path) -> Steps:
    """Tag to the steps of a curve as they stand in the files."""
    loader = EventAccumulator(str(run_dir), {"scalars": 0}, purge_orphaned_data=False).Reload()
    return {tag: [event.step for event in loader.Scalars(tag)] for tag in loader.Tags()["scalars"]}


FAST = """
import json, sys, time
from tensorboard.data import server_ingester
from tensorboard.data.provider import RunTagFilter
from tensorboard.util.grpc_util import ChannelCredsType
folder, run, expected = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
ingester = server_ingester.SubprocessServerDataIngester(
    server_ingester.get_server_binary(), folder, reload_interval=1,
    channel_creds_type=ChannelCredsType.LOCAL, samples_per_plugin={"scalars": 0},
)
ingester.start()
steps, deadline = None, time.monotonic() + 30
while steps != expected and time.monotonic() < deadline:
    found = ingester.data_provider.read_scalars(
        None, experiment_id="", plugin_name="scalars", downsample=1_000_000,
        run_tag_filter=RunTagFilter(runs=[run]),
    )
    steps = {tag: [each.step for each in data] for tag, data in found.get(run, {}).items()}
    time.sleep(0.1)
print(json.dumps(steps))
"""


def fast_steps(run_dir: Path, expected: Steps) -> Steps:
    """The same by the loader that ``tensorboard --load_fast=true`` takes.

    It reads in the background: it is asked again until it tells what is expected, or has had time.
    In a process of its own, because its connections and forks do not go together.
    """
    command = [sys.executable, "-c", FAST, str(run_dir.parent), run_dir.name, json.dumps(expected)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    steps: Steps = json.loads(told.stdout)
    return steps


def faults(run_dir: Path, *, fast_too: bool = True) -> list[str]:
    """What is wrong with a run directory, in which a training may have ended in any way."""
    if not (run_dir / STATE).exists():
        left = [path.name for path in run_dir.iterdir()] if run_dir.exists() else []
        ours = [name for name in left if name not in LOCKS and not name.startswith(".training")]
        return [f"{ours} without a checkpoint"] if ours else []
    at = load_training_state(run_dir / STATE).timesteps
    found = []
    for path in (run_dir / "checkpoints").glob("0*.safetensors"):
        load_checkpoint(path)
    for timestep, place in store.rounds(run_dir).items():
        if timestep > at or not checkpoint_path(run_dir, timestep).exists():
            found.append(f"round {timestep} is there before its checkpoint; the last is {at}")
        for part in ("play", "clip"):
            store.read_analysis(place, part)
        store.read_timeline(place)
    history = [each.timestep for each in read_history(run_dir).rounds]
    read_events(run_dir)
    config = run_dir / "projector_config.pbtxt"
    if config.exists():
        for embedding in text_format.Parse(config.read_text(), ProjectorConfig()).embeddings:
            for name in (embedding.tensor_path, embedding.metadata_path):
                (run_dir / name).read_text()
    slow = slow_steps(run_dir)
    fast = fast_steps(run_dir, slow) if fast_too else slow
    if fast != slow:
        found.append("the loaders tell different curves")
    for loader, steps in (("slow", slow), ("fast", fast)):
        curves = {f"{loader} {tag}": each for tag, each in steps.items()} | {"history": history}
        found += [f"{tag}: {each}" for tag, each in curves.items() if not ascends(each)]
    return found


def ascends(steps: Sequence[int]) -> bool:
    """Whether no step is there twice and none goes back."""
    return all(a < b for a, b in pairwise(steps))


def holes(run_dir: Path, timesteps: int) -> list[str]:
    """What a run that came to its end lacks."""
    rounds = list(range(0, timesteps + 1, EVERY))
    points = list(range(LOG_EVERY, timesteps + 1, LOG_EVERY))
    found = {"rounds": (list(store.rounds(run_dir)), rounds)}
    found["history"] = ([each.timestep for each in read_history(run_dir).rounds], rounds)
    steps = slow_steps(run_dir)  # which `faults` has compared with the fast loader's
    found["time/fps"] = (list(steps.get("time/fps", ())), points)
    for tag in ("value/entropy", "play/score_rate"):
        found[tag] = (list(steps.get(tag, ())), rounds)
    return [
        f"{what}: {have}, expected {want}" for what, (have, want) in found.items() if have != want
    ]


def moment(run_dir: Path) -> str:
    """At what work the process was ended, as far as its traces tell."""
    if not (run_dir / STATE).exists():
        return "before the first checkpoint"
    if any(run_dir.glob(".*.tmp")) or any((run_dir / "checkpoints").glob(".*.tmp")):
        return "while a checkpoint or a file's new version was written"
    if any((run_dir / "rounds").glob(".*")) or (run_dir / "projector" / ".new").exists():
        return "while a round was stored"
    at = load_training_state(run_dir / STATE).timesteps
    done = at in {each.timestep for each in read_history(run_dir).rounds}
    return "between rounds" if done else "between a checkpoint and the end of its round"


def wait_for_moment(run_dir: Path, process: int, checkpoints: int, part: float) -> None:
    """Let a process write so many checkpoints, and then a part of the time to the next one.

    So that the moment is as random on a busy machine; before the first checkpoint of a process, the
    time counts from its start.
    """
    state, began, passed = run_dir / STATE, time.monotonic(), USUAL
    version = _version(state)
    while (
        checkpoints > 0
        and os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    ):
        time.sleep(0.01)
        if _version(state) != version:
            now, version = time.monotonic(), _version(state)
            began, passed, checkpoints = now, now - began, checkpoints - 1
    time.sleep(part * passed)


def _version(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.exists() else None


def kill_and_resume(run_dir: Path, kills: int, seed: int = 0) -> dict[str, Any]:
    """Kill a training again and again, let it end, and say what was found."""
    rng = np.random.default_rng(seed)
    torch.set_num_threads(1)
    began = time.monotonic()
    moments, found, reached = Counter[str](), list[str](), [0]
    for kill in range(kills):
        process = start(run_dir, 1_000_000)
        wait_for_moment(run_dir, process, int(rng.integers(4)), float(rng.random()))
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        if not os.WIFSIGNALED(status):
            found.append(f"kill {kill}: the training had ended by itself")
        moments[moment(run_dir)] += 1
        found += [f"kill {kill}: {fault}" for fault in faults(run_dir, fast_too=kill % 4 == 0)]
        if (run_dir / STATE).exists():
            reached.append(load_training_state(run_dir / STATE).timesteps)
        print(f"kill {kill}: {reached[-1]} {moments} {found}", flush=True)
    end = reached[-1] + EVERY
    _, status = os.waitpid(start(run_dir, end), 0)
    if status:
        found.append(f"the last part ended with status {status}")
    found += faults(run_dir) + holes(run_dir, end)
    left = [str(p.relative_to(run_dir)) for p in run_dir.rglob(".*") if p.name not in LOCKS]
    if left:
        found.append(f"left behind: {left}")
    advanced = sum(a < b for a, b in pairwise(reached))
    return {
        "kills": kills, "moments": dict(moments), "faults": found, "timesteps": end,
        "advanced": advanced, "seconds": time.monotonic() - began,
    }  # fmt: skip


def report(result: Mapping[str, Any]) -> str:
    """The table as Markdown."""
    rows = "\n".join(f"| {what} | {n} |" for what, n in sorted(result["moments"].items()))
    faults = "\n".join(f"- {fault}" for fault in result["faults"]) or "None."
    told = (
        f"{result['kills']} times SIGKILL at random moments of a monitored DQN on Breakout (a "
        f"checkpoint and a round every {EVERY} timesteps), each time resumed from its last "
        f"checkpoint; {result['advanced']} of the parts reached a later one. The run ended at "
        f"{result['timesteps']:,} timesteps, after {result['seconds']:.0f} s. What was checked "
        "after each kill, in both of TensorBoard's loaders, stands in `benchmarks/kills.py`."
    )
    table = f"| the process was ended | times |\n| --- | --- |\n{rows}"
    return f"# A training killed and resumed\n\n{told}\n\n{table}\n\nFaults found: {faults}\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "kills.md")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        result = kill_and_resume(Path(folder) / "run", given.kills, given.seed)
    text = report(result)
    print(text)
    given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
