"""How fast a replay is, against workers and against checkpoints, and what memory a worker needs.

Explains recorded Breakout frames in copies of a checkpoint. Every measurement is a replay in a new
folder; times are wall times of the whole replay, without the start of Python and of the workers.
Beside it stands the time of the arithmetic alone: forward pass and LRP of both targets. Writes a
table and a plot::

    python benchmarks/replay.py
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch

from rlmonitor.lrp import attribute_targets, network_of
from rlmonitor.monitor_settings import MonitorSettings
from rlmonitor.probe import load_probe
from rlmonitor.replay import sweep
from rlmonitor.replay.checkpoints import load_checkpoint, q_network, save_checkpoint
from rlmonitor.replay.recordings import write_recording
from rlmonitor.replay.sources import find_sources
from rlmonitor.replay.workers import DaskWorkers, workers

HERE = Path(__file__).parent
CHECKPOINT = HERE.parent / "agents" / "breakout" / "checkpoints" / "0800000.safetensors"
FRAMES = 512


def recordings(folder: Path, frames: int) -> None:
    """Recordings of at most 512 frames each: the shipped probe over and over."""
    probe, n = load_probe("breakout"), 0
    while n < frames:
        own = [(n + i) % len(probe) for i in range(min(FRAMES, frames - n))]
        shown = probe.select(own)
        place = folder / f"frames{n:09d}.zarr"
        write_recording(place, [(shown, np.zeros((len(own), 4), np.float32))], len(own))
        n += len(own)


def checkpoints(folder: Path, count: int) -> None:
    """Copies of a network under ascending timesteps, each a little different."""
    shipped = load_checkpoint(CHECKPOINT)
    for i in range(count):
        state = {key: tensor * (1 + i / 1000) for key, tensor in shipped.state.items()}
        path = folder / f"{i + 1:05d}.safetensors"
        save_checkpoint(path, state, network="nips", game="breakout", timesteps=i + 1)


def measure(n_checkpoints: int, n_frames: int, n_workers: int) -> dict[str, Any]:
    """One replay: seconds, frames a second and the largest memory of a worker, in MiB."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "sources"
        folder.mkdir()
        recordings(folder, n_frames)
        checkpoints(folder, n_checkpoints)
        sources = find_sources([str(folder)])
        job = sweep.job_of(sources, MonitorSettings(probe=None))
        with workers(n_workers) as at_work:
            if isinstance(at_work, DaskWorkers):
                at_work._client.run(_warm)
            began = time.perf_counter()
            sweep.replay(sources, job, Path(name) / "run", at_work)
            seconds = time.perf_counter() - began
            memory = _memory(at_work)
        size = _bytes(Path(name) / "run" / "rounds")
    return {
        "checkpoints": n_checkpoints,
        "frames": n_frames,
        "workers": n_workers,
        "seconds": seconds,
        "frames_per_second": n_checkpoints * n_frames / seconds,
        "mib": memory,
        "bytes_per_round": size / n_checkpoints,
    }


def arithmetic(n_frames: int = FRAMES) -> float:
    """Seconds of one forward pass and LRP of both targets, for all frames, on one thread."""
    network = network_of(q_network(load_checkpoint(CHECKPOINT)))
    probe = load_probe("breakout")
    frames = probe.select([i % len(probe) for i in range(n_frames)]).policy_observation
    attribute_targets(network, frames[:64])
    began = time.perf_counter()
    attribute_targets(network, frames)
    return time.perf_counter() - began


def _warm() -> None:
    import rlmonitor.replay.sweep  # noqa: F401


def _peak() -> float:
    """Largest resident memory of this process, MiB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _memory(at_work: object) -> float:
    if isinstance(at_work, DaskWorkers):
        return float(max(at_work._client.run(_peak).values()))
    return _peak()


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def apart(*arguments: int) -> dict[str, Any]:
    """`measure` in a process of its own, so that its peak of memory is its own."""
    command = [sys.executable, __file__, "--one", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(rows: Sequence[dict[str, Any]], seconds: float) -> str:
    """The numbers as Markdown."""
    lines = [
        "# Replay: NIPS network, Breakout frames, both targets, one thread a worker",
        "",
        f"Arithmetic alone: {FRAMES / seconds:,.0f} frames/s on one thread.",
        "",
        "| checkpoints | frames each | workers | seconds | frames/s | times the arithmetic | "
        "largest worker, MiB | round on disk, MB |",
        "| --- " * 8 + "|",
    ]
    for row in rows:
        ideal = row["checkpoints"] * row["frames"] / FRAMES * seconds / row["workers"]
        lines.append(
            f"| {row['checkpoints']} | {row['frames']:,} | {row['workers']} | {row['seconds']:.1f} "
            f"| {row['frames_per_second']:,.0f} | {row['seconds'] / ideal:.2f} | {row['mib']:.0f} "
            f"| {row['bytes_per_round'] / 1e6:.1f} |"
        )
    return "\n".join(lines) + "\n"


def draw(rows: Sequence[dict[str, Any]], seconds: float, path: Path) -> None:
    """Frames a second against frames of each checkpoint, and a worker's memory."""
    mpl.use("Agg")
    from matplotlib import pyplot

    figure, (speed, memory) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for n, colour in ((1, "#0072b2"), (2, "#d55e00")):
        own = [row for row in rows if row["workers"] == n]
        own.sort(key=lambda row: (row["frames"], row["checkpoints"]))
        sizes = [row["checkpoints"] * row["frames"] for row in own]
        label = f"{n} worker" + "s" * (n > 1)
        speed.plot(sizes, [r["frames_per_second"] for r in own], "o", color=colour, label=label)
        memory.plot(sizes, [r["mib"] for r in own], "o", color=colour, label=label)
        speed.axhline(n * FRAMES / seconds, color=colour, linestyle=":", linewidth=1)
    speed.plot([], [], ":", color="black", label="arithmetic alone")
    speed.set(title="frames/s", xlabel="checkpoints x frames", xscale="log", ylim=(0, None))
    memory.set(
        title="largest worker, MiB", xlabel="checkpoints x frames", xscale="log", ylim=(0, None)
    )
    for axes in (speed, memory):
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.savefig(path, dpi=150)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write table and plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--one", nargs=3, type=int, help="checkpoints, frames, workers; as JSON")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the results")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if args.one:
        print(json.dumps(measure(*args.one)))
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    seconds = min(arithmetic() for _ in range(3))
    plan = [(2, 512, 1), (4, 512, 1), (4, 512, 2), (1, 4096, 1)]
    rows = [apart(*each) for each in plan]
    args.out.mkdir(parents=True, exist_ok=True)
    draw(rows, seconds, args.out / "replay.png")
    text = table(rows, seconds)
    (args.out / "replay.md").write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
