"""How fast a replay is, against workers and against checkpoints, and what memory a worker needs.

Explains recorded Breakout frames in copies of a checkpoint. Every measurement is a replay in a new
folder and a new process; times are wall times of the whole replay, without the start of Python and
of the workers. Beside it stands the time of the arithmetic alone, forward pass and LRP of both
targets for the same frames, in as many processes at once. Writes a table and a plot::

    python benchmarks/replay.py              # all of it, some 6 minutes
    python benchmarks/replay.py --row 0      # a single measurement, kept in results/replay.json
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
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
from rlmonitor.replay.jobs import job_of
from rlmonitor.replay.recordings import write_recording
from rlmonitor.replay.shards import BLOCK
from rlmonitor.replay.sources import find_sources
from rlmonitor.replay.workers import DaskWorkers, Task, ThisProcess, workers

HERE = Path(__file__).parent
CHECKPOINT = HERE.parent / "agents" / "breakout-short" / "checkpoints" / "0800000.safetensors"
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


class Timed(ThisProcess):
    """Computes in this process, and knows how long each function took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def submit(self, function: Callable[..., Any], *arguments: Any, soon: bool = False) -> Task:
        """As in `ThisProcess`."""

        def timed(*values: Any) -> Any:
            began = time.perf_counter()
            found = function(*values)
            took = time.perf_counter() - began
            self.seconds[function.__name__] = self.seconds.get(function.__name__, 0) + took
            return found

        return super().submit(timed, *arguments, soon=soon)


def measure(n_checkpoints: int, n_frames: int, n_workers: int, pictures: int) -> dict[str, Any]:
    """One replay: seconds, by parts where one process does it all, and the largest memory in MiB.

    Its arithmetic is measured right before, in one process and in as many as there are workers.
    """
    blocks = n_checkpoints * n_frames / FRAMES
    alone = arithmetic_at_once(1)
    together = alone if n_workers == 1 else arithmetic_at_once(n_workers)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "sources"
        folder.mkdir()
        recordings(folder, n_frames)
        checkpoints(folder, n_checkpoints)
        sources = find_sources([str(folder)])
        job = job_of(sources, MonitorSettings(probe=None), pictures=pictures)
        with workers(n_workers) as hired:
            at_work = hired if isinstance(hired, DaskWorkers) else Timed()
            if isinstance(at_work, DaskWorkers):
                at_work._client.run(_warm)
            busy, own, began = _busy(), _own(at_work), time.perf_counter()
            sweep.replay(sources, job, Path(name) / "run", at_work)
            seconds = time.perf_counter() - began
            own, busy = _own(at_work) - own, _busy() - busy
            memory = _memory(at_work)
        size = _bytes(Path(name) / "run" / "rounds")
    return {
        "checkpoints": n_checkpoints,
        "frames": n_frames,
        "workers": n_workers,
        "pictures": min(pictures, n_checkpoints),
        "seconds": seconds,
        "cpu": own,
        "others": max(0.0, busy - own),
        "arithmetic": together * blocks / n_workers,
        "arithmetic_alone": alone * blocks,
        "frames_per_second": n_checkpoints * n_frames / seconds,
        "mib": memory,
        "driver_mib": _peak(),
        "bytes_per_round": size / n_checkpoints,
        "parts": at_work.seconds if isinstance(at_work, Timed) else {},
    }


def arithmetic() -> float:
    """Seconds of one forward pass and LRP of both targets, for 512 frames on one thread."""
    torch.set_num_threads(1)
    network = network_of(q_network(load_checkpoint(CHECKPOINT)))
    probe = load_probe("breakout")
    frames = probe.select([i % len(probe) for i in range(FRAMES)]).policy_observation
    blocks = range(0, FRAMES, BLOCK)
    attribute_targets(network, frames[:BLOCK])
    began = time.perf_counter()
    for _ in range(3):
        for start in blocks:
            attribute_targets(network, frames[start : start + BLOCK])
    return (time.perf_counter() - began) / 3


def arithmetic_at_once(n_processes: int) -> float:
    """The mean of so many processes that do it at the same time."""
    with multiprocessing.get_context("spawn").Pool(n_processes) as pool:
        waiting = [pool.apply_async(arithmetic) for _ in range(n_processes)]
        return sum(each.get() for each in waiting) / n_processes


def _warm() -> None:
    import rlmonitor.replay.sweep  # noqa: F401


def _busy() -> float:
    """CPU seconds that all processes of this machine have taken."""
    user, nice, system = (int(n) for n in Path("/proc/stat").read_text().split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def _own(at_work: object) -> float:
    """CPU seconds of this process and of the workers."""
    theirs = at_work._client.run(time.process_time) if isinstance(at_work, DaskWorkers) else {}
    return time.process_time() + float(sum(theirs.values()))


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


COLUMNS = (
    *("checkpoints", "frames each", "drawn", "workers", "seconds", "frames/s"),
    *("arithmetic in one process, seconds", "in all, seconds", "times the one", "times the other"),
    *("CPU, seconds", "of others", "worker, MiB", "driver, MiB", "round on disk, MB"),
)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The numbers as Markdown."""
    lines = [
        "# Replay: NIPS network, Breakout frames, both targets, one thread a worker",
        "",
        "Arithmetic is forward pass and LRP of the same frames, alone: in one process, and in as "
        "many at once as there are workers, each with its part. Drawn are the rounds with pictures "
        "(`--pictures`). CPU is that of driver and workers; of others is what ran beside on the "
        "machine, which makes a row slower than it is. Memory is the largest resident size of any "
        "worker; where one process does it all, of that process.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + " --- |" * len(COLUMNS),
    ]
    lines += [
        f"| {row['checkpoints']} | {row['frames']:,} | {row['pictures']} | {row['workers']} "
        f"| {row['seconds']:.1f} | {row['frames_per_second']:,.0f} "
        f"| {row['arithmetic_alone']:.1f} | {row['arithmetic']:.1f} "
        f"| {row['seconds'] / row['arithmetic_alone']:.2f} "
        f"| {row['seconds'] / row['arithmetic']:.2f} | {row['cpu']:.1f} | {row['others']:.1f} "
        f"| {row['mib']:.0f} | {row['driver_mib']:.0f} "
        f"| {row['bytes_per_round'] / 1e6:.1f} |"
        for row in rows
    ]
    told = [row for row in rows if row["workers"] == 1 and row["checkpoints"] == 20]
    return "\n".join([*lines, *(line for row in told for line in _parts(row))]) + "\n"


def _parts(row: dict[str, Any]) -> list[str]:
    """Where a checkpoint's time goes."""
    n, took, drawn = row["checkpoints"], row["parts"], row["pictures"]
    arithmetic = row["arithmetic"]
    named = {
        "forward pass and LRP of all frames": arithmetic,
        "reading and pooling them": took["explain_shard"] - arithmetic,
        "clip, spot checks, effects, clusters of the round": took["examine"],
        f"drawing ({drawn} of {n} rounds), compressing the round": took["write"],
        "driver: following strategies, writing": row["seconds"] - sum(took.values()),
    }
    lines = ["", f"One checkpoint of {row['frames']} frames in one process, on average of {n}:"]
    lines += ["", "| part | seconds |"]
    lines += ["| --- | --- |"]
    return lines + [f"| {name} | {seconds / n:.2f} |" for name, seconds in named.items()]


def draw(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Frames a second, times the arithmetic, and a worker's memory."""
    mpl.use("Agg")
    from matplotlib import pyplot

    figure, (speed, ratio, memory) = pyplot.subplots(1, 3, figsize=(11, 4.2), layout="constrained")
    labels = [f"{r['checkpoints']} x {r['frames']:,}, {_drawn(r)}\n{_workers(r)}" for r in rows]
    colours = ["#0072b2" if row["workers"] == 1 else "#d55e00" for row in rows]
    for axes, title, values in (
        (speed, "frames/s", [row["frames_per_second"] for row in rows]),
        (ratio, "times its arithmetic, all cores", [r["seconds"] / r["arithmetic"] for r in rows]),
        (memory, "largest worker, MiB", [row["mib"] for row in rows]),
    ):
        bars = axes.barh(labels, values, color=colours)
        axes.bar_label(bars, fmt="{:,.3g}" if axes is ratio else "{:,.0f}", padding=3)
        axes.set(title=title, xlim=(0, 1.2 * max(values)))
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)
    ratio.set_yticklabels([])
    memory.set_yticklabels([])
    speed.set_ylabel("checkpoints x frames each")
    figure.savefig(path, dpi=150)


def _workers(row: dict[str, Any]) -> str:
    count: int = row["workers"]
    return f"{count} worker" + "s" * (count > 1)


def _drawn(row: dict[str, Any]) -> str:
    return "drawn" if row["pictures"] == row["checkpoints"] else f"{row['pictures']} drawn"


ALL = 60
PLAN = (
    *((5, 512, 1, ALL), (5, 512, 2, ALL), (20, 512, 1, ALL), (20, 512, 2, ALL)),
    *((20, 512, 1, 1), (20, 512, 2, 1), (5, 2048, 1, 1), (5, 2048, 2, 1)),
)
"""Checkpoints, frames of each, workers, rounds with pictures."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write table and plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--one", nargs=4, type=int, help="as in the plan; JSON")
    parser.add_argument("--row", nargs="+", type=int, help="of the plan; others are kept")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the results")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if args.one:
        print(json.dumps(measure(*args.one)))
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    args.out.mkdir(parents=True, exist_ok=True)
    kept = args.out / "replay.json"
    found = json.loads(kept.read_text()) if args.row and kept.exists() else {}
    for number in args.row or range(len(PLAN)):
        found[str(number)] = apart(*PLAN[number])
        kept.write_text(json.dumps(found, indent=1), encoding="utf-8")
    rows = [found[key] for key in sorted(found, key=int)]
    draw(rows, args.out / "replay.png")
    text = table(rows)
    (args.out / "replay.md").write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
