"""How fast the Strategies tab is on a long run, and what memory it takes.

Writes a run of 300 rounds of Breakout, every one with a clip and the maps of its play and of the
probe, as a monitored training does; the rounds are those of the shipped networks, over and over.
Then opens it in Chromium beside a real ``tensorboard`` process: the time from the click on the tab
to the first picture, frames a second while a clip is scrubbed, the time until a new round is seen,
and memory of browser and server. Needs what ``make test-web`` needs. Writes
``results/strategies_page.md``::

    python benchmarks/strategies_page.py
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import torch

from rlmonitor.board import tags
from rlmonitor.board.embedding import drawn_strategies
from rlmonitor.board.overview import strategy_overview
from rlmonitor.board.page import show_round
from rlmonitor.board.report import read_run, write_report
from rlmonitor.board.round_clips import play_clip, probe_clip
from rlmonitor.board.scalars import round_scalars
from rlmonitor.board.writer import BoardWriter
from rlmonitor.lrp import network_of
from rlmonitor.monitor import UNTRAINED_SEED
from rlmonitor.monitor_settings import MonitorSettings
from rlmonitor.probe import load_probe, probe_phases
from rlmonitor.replay.checkpoints import load_checkpoint, q_network
from rlmonitor.replay.playing import play
from rlmonitor.round import Round, analyse, follow, run_round
from rlmonitor.strategy.timeline import Timeline

HERE = Path(__file__).parent
CHECKPOINTS = HERE.parent / "agents" / "breakout-short" / "checkpoints"
ENV = "BreakoutNoFrameskip-v4"
EVERY = 20_000
"""Timesteps between two rounds."""

MORE = 60
"""Rounds that are added at a time for the growth of memory: as many as have pictures, and as a
report has."""
TIMES = 3


@dataclass(frozen=True)
class Shown:
    """A round with what costs most to draw of it, which is drawn once."""

    found: Round
    play: bytes
    probe: bytes
    overview: bytes | None


def rounds() -> list[Shown]:
    """The shipped networks, each with a round of its own."""
    probe, phases = load_probe("breakout"), probe_phases("breakout")
    shown, timeline, random = [], Timeline(), None
    for path in sorted(CHECKPOINTS.glob("*.safetensors")):
        network = network_of(q_network(load_checkpoint(path)))
        if random is None:
            untrained = network.randomised(UNTRAINED_SEED)
            random = analyse(untrained, probe, composite="epsilon-gamma-box")
        played = play(network, ENV, MonitorSettings()).recording
        made = run_round(
            network, played, timestep=int(path.stem), probe=probe, random=random, timeline=timeline
        )
        if made.strategies is not None:
            timeline = made.strategies.timeline
        assert made.probe is not None
        gifs = play_clip(made), probe_clip(made.probe, made, phases)
        shown.append(Shown(made, *gifs, strategy_overview(made)))
    return shown


class Run:
    """A run's folder that rounds are appended to."""

    def __init__(self, folder: Path, shown: Sequence[Shown]) -> None:
        self.written = sum(len(read_run(folder)[0].rounds) for _ in folder.glob("*tfevents*"))
        self._writer, self._shown = BoardWriter.open(None, folder), shown
        self._timeline, self._phases = Timeline(), probe_phases("breakout")

    def append(self) -> int:
        """Write the next round; its timestep."""
        own, step = self._shown[self.written % len(self._shown)], self.written * EVERY
        found = follow(replace(own.found, timestep=step), self._timeline)
        if found.strategies is not None:
            self._timeline = found.strategies.timeline
        writer = self._writer
        writer.scalars(round_scalars(found), step)
        writer.clip(tags.RELEVANCE_PLAY, own.play, step)
        writer.clip(tags.RELEVANCE_PROBE, own.probe, step)
        if own.overview is not None:
            writer.picture(tags.STRATEGY_OVERVIEW, own.overview, step)
        how = {"composite": found.composite, "seed": 0, "versions": {}}
        drawn = drawn_strategies(found.strategies)
        show_round(writer, found, drawn, how=how, phases=self._phases)
        writer.flush()
        self.written += 1
        return step


def written(folder: Path, shown: Sequence[Shown], n_rounds: int) -> Run:
    """A run of so many rounds at least."""
    run = Run(folder, shown)
    while run.written < n_rounds:
        run.append()
    return run


@contextmanager
def tensorboard(logdir: Path) -> Iterator[tuple[str, int]]:
    """Address and process of a TensorBoard, once it knows the run's rounds."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir)]
    command += ["--port", str(port), "--host", "127.0.0.1"]
    board = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        yield address, board.pid
    finally:
        board.terminate()
        board.wait()


def wait_for(address: str, timestep: int, seconds: float = 240) -> float:
    """Seconds until the tab's server knows a round."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            runs = json.load(urlopen(f"{address}/data/plugin/rlmonitor/runs"))["runs"]
            if runs and _last(address, runs[0]["name"]) >= timestep:
                return time.monotonic() - began
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"TensorBoard has not shown the round at {timestep:,} in {seconds} s")


def _last(address: str, run: str) -> int:
    index = json.load(urlopen(f"{address}/data/plugin/rlmonitor/run?run={run}"))
    return max(index["timesteps"], default=-1)


def memory(pid: int) -> float:
    """MiB of a process and all that it started."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,rss="], capture_output=True, text=True)
    rows = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    own = {pid}
    for _ in rows:
        own |= {child for child, parent, _ in rows if parent in own}
    return sum(rss for each, _, rss in rows if each in own) / 1024


def browse(address: str, run: Run) -> dict[str, Any]:
    """What a browser measures; a round is appended when it asks for one."""
    script = HERE / "strategies_page.mjs"
    node = subprocess.Popen(
        ["node", str(script), address, str(run.written)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert node.stdin is not None
    assert node.stdout is not None
    found: dict[str, Any] = {}
    for line in node.stdout:
        message = json.loads(line)
        if message == "append":
            node.stdin.write(f"{run.append()}\n")
            node.stdin.flush()
        else:
            found |= message
    if node.wait():
        raise SystemExit("the browser's part failed, see above")
    return found


def grown(address: str, pid: int, run: Run) -> float:
    """MiB of TensorBoard's processes once they have read so many rounds more."""
    for _ in range(MORE):
        last = run.append()
    wait_for(address, last)
    return memory(pid)


def table(rows: dict[str, Any], n_rounds: int) -> str:
    """The numbers as Markdown."""
    lines = [
        "# The Strategies tab on a long run",
        "",
        f"`benchmarks/strategies_page.py`: {n_rounds} rounds of Breakout, every one with "
        "pictures, of which TensorBoard keeps 60; Chromium without a graphics card.",
        "",
        "| | |",
        "| --- | --- |",
        f"| from the click on the tab to the first picture | {rows['seen']:.2f} s |",
        f"| until all of the page answers | {rows['usable']:.2f} s |",
        f"| the same in TensorBoard opened there | {rows['opened']:.2f} s |",
        f"| another round's clip, median of {rows['n_jumps']} jumps | {rows['jump']:.2f} s |",
        f"| scrubbing through a clip | {rows['fps']:.0f} frames/s |",
        f"| a new round is seen after | {rows['live']:.1f} s |",
        f"| JavaScript heap, after the first picture | {rows['heap']:.0f} MiB |",
        f"| JavaScript heap, after {rows['n_jumps']} more | {rows['heap_after']:.0f} MiB |",
        f"| TensorBoard's processes | {rows['server']:.0f} MiB |",
        f"| the same when {', '.join(str(MORE * (i + 1)) for i in range(TIMES))} more rounds were "
        f"read | {', '.join(f'{each:.0f}' for each in rows['server_after'])} MiB |",
        f"| TensorBoard reads the run ({rows['event_file']:.0f} MB) in | {rows['loading']:.0f} s |",
        f"| report of 60 rounds | {rows['report']:.1f} MB |",
    ]
    return "\n".join([*lines, ""])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--keep", type=Path, help="folder that keeps the runs for another time")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the table")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    shown = rounds()
    with tempfile.TemporaryDirectory() as name:
        folder = args.keep or Path(name)
        written(folder / "short" / "breakout", shown, MORE)
        report = Path(name) / "report.html"
        write_report([folder / "short" / "breakout"], report)
        found: dict[str, Any] = {"report": report.stat().st_size / 1e6}
        run = written(folder / "runs" / "breakout", shown, args.rounds)
        events = (folder / "runs" / "breakout").glob("events*")
        found["event_file"] = sum(path.stat().st_size for path in events) / 1e6
        with tensorboard(folder / "runs") as (address, pid):
            found["loading"] = wait_for(address, (run.written - 1) * EVERY)
            found["server"] = memory(pid)
            found |= browse(address, run)
            found["server_after"] = [grown(address, pid, run) for _ in range(TIMES)]
    text = table(found, args.rounds)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "strategies_page.md").write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
