"""``rlmonitor demo``: a half-trained Breakout agent learns on for some minutes, watched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import zarr
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from rlmonitor.board.watch import watch_command
from rlmonitor.configuration import Configuration, parse_configuration
from rlmonitor.replay.checkpoints import Checkpoint, load_checkpoint
from rlmonitor.replay.files import Location
from rlmonitor.replay.store import rounds
from rlmonitor.training import Outcome, train

ROUNDS = 4
"""Rounds of the monitor after the one at the start."""

QUESTIONS = {"q": "what it values", "advantage": "what it decides by"}
ELEMENTS = ("ball", "paddle", "tunnel", "display")


def demo_configuration(
    checkpoint: Checkpoint, *, timesteps: int, seed: int, threads: int
) -> Configuration:
    """Settings that teach a half-trained network on, within 0.8 GB and some minutes.

    The learning rate is below a training's, because Adam starts without its moments.
    """
    settings = {
        "agent": {"game": checkpoint.game, "network": checkpoint.network},
        "training": {
            "timesteps": timesteps,
            "seed": seed,
            "threads": threads,
            "buffer_size": 25_000,
            "learning_starts": min(5_000, timesteps),
            "learning_rate": 1e-4,
            "train_freq": 2,
            "gradient_steps": 1,
            "target_update_interval": 2_000,
            "exploration_initial": 0.05,
            "exploration_final": 0.01,
            "exploration_timesteps": timesteps,
            "checkpoint_every": max(timesteps // ROUNDS, 1),
            "log_every": max(timesteps // 20, 1),
        },
        "monitor": {"every": max(timesteps // ROUNDS, 1)},
    }
    return parse_configuration(settings, "the demo's options")


def run_demo(
    run_dir: Path,
    *,
    checkpoint: Path | None = None,
    timesteps: int = 20_000,
    seed: int = 0,
    threads: int = 1,
    progress: bool = True,
) -> Outcome:
    """Train on from a checkpoint, then say what the monitor found.

    Args:
        run_dir: a new or empty folder.
        checkpoint: a network to begin with; None takes the Breakout network that we ship.
        timesteps: of training.
        seed: of everything random.
        threads: of the CPU.
        progress: show a bar.

    Raises:
        CheckpointError: the checkpoint cannot be read.
        ConfigurationError: an option cannot work, or the folder is not empty.
        StoreError: the folder cannot be written.
    """
    start = load_checkpoint(checkpoint) if checkpoint is not None else shipped_checkpoint()
    configuration = demo_configuration(start, timesteps=timesteps, seed=seed, threads=threads)
    outcome = train(configuration, run_dir, start=start, progress=progress)
    console = Console()
    if rounds(run_dir):
        console.print(summary(run_dir))
    for event in outcome.events:
        console.print(f"{event.timestep:,}: {event.text}", markup=False)
    console.print("See the videos and curves:")
    # one line to copy, however narrow the terminal
    console.print(watch_command(run_dir), markup=False, soft_wrap=True)
    return outcome


def shipped_checkpoint() -> Checkpoint:
    """The Breakout network in the package: 800,000 timesteps old, half-trained."""
    with as_file(files("rlmonitor") / "data" / "breakout.safetensors") as path:
        return load_checkpoint(path)


def summary(run_dir: Path) -> Table:
    """What the first and the last of a run's rounds on disk found, side by side.

    Elements are compared on the probe, whose frames are the same in every round.
    """
    found = rounds(run_dir)
    table = Table(title=f"What the monitor found in {len(found)} rounds", box=SIMPLE_HEAD)
    table.add_column("")
    ends = {step: _read(found[step]) for step in sorted({min(found), max(found)})}
    for step in ends:
        table.add_column(f"at {step:,} timesteps", justify="right")
    for name, text in (("score", "highest score in its play"), ("error", "conservation error")):
        table.add_row(text, *(f"{end[name]:.2g}" for end in ends.values()))
    for target, question in QUESTIONS.items():
        table.add_section()
        for element in _elements(ends.values(), target):
            cells = [_cell(end["statistics"][target], element) for end in ends.values()]
            table.add_row(f"{question}: {element}", *cells)
    table.caption = "× how much more relevance than an average place · % of all relevance"
    return table


def _elements(ends: Iterable[Mapping[str, Any]], target: str) -> list[str]:
    known = {name for end in ends for name in end["statistics"][target]["share"]}
    return [element for element in ELEMENTS if element in known]


def _cell(statistics: Mapping[str, Any], element: str) -> str:
    relative, share = statistics["relative"].get(element), statistics["share"].get(element)
    return "not seen" if relative is None or share is None else f"{relative:.1f} ×  {share:4.0%}"


def _read(path: Location) -> dict[str, Any]:
    root = zarr.open_group(path, mode="r")
    play, fixed = root["play"], root["probe" if "probe" in root else "play"]
    assert isinstance(play, zarr.Group)
    return {
        "score": float(play["score"][...].max()),  # type: ignore[index, union-attr]
        "statistics": fixed.attrs["statistics"],
        "error": fixed.attrs["conservation_error"],
    }
