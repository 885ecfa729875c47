"""``rlmonitor demo``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from rlmonitor.commands.shared import SEED, SIGNALLED, THREADS, Bar, RunDir, tell_where


def demo(
    checkpoint: Annotated[
        Path | None, typer.Option(help="Network to begin with.", show_default="the one we ship")
    ] = None,
    timesteps: Annotated[int, typer.Option(help="Where to end; four rounds on the way.")] = 20_000,
    run_dir: RunDir = None,
    seed: Annotated[int, SEED] = 0,
    threads: Annotated[int, THREADS] = 1,
    progress: Bar = True,
) -> None:
    """Watch a half-trained Breakout agent learn for some minutes.

    Example: rlmonitor demo --timesteps 5000
    """
    from rlmonitor.demo import run_demo

    run_dir = run_dir or Path("runs", datetime.now().strftime("demo-%Y-%m-%d-%H%M%S"))
    tell_where(run_dir)
    outcome = run_demo(
        run_dir,
        checkpoint=checkpoint,
        timesteps=timesteps,
        seed=seed,
        threads=threads,
        progress=progress,
    )
    if outcome.signal is not None:
        raise typer.Exit(SIGNALLED + outcome.signal)
