"""``rlmonitor train``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from rlmonitor.commands.shared import (
    SEED,
    SIGNALLED,
    THREADS,
    Bar,
    Device,
    RunDir,
    say,
    tell_where,
)
from rlmonitor.errors import ConfigurationError


def train(
    agent: Annotated[Path, typer.Argument(help="What to train: an agent.toml.")],
    timesteps: Annotated[int | None, typer.Option(help="Where to end.", show_default=False)] = None,
    every: Annotated[
        int | None, typer.Option(help="Timesteps between rounds; 0: none.", show_default=False)
    ] = None,
    run_dir: RunDir = None,
    start: Annotated[
        Path | None,
        typer.Option(help="Weights to begin with: a network of a run.", show_default=False),
    ] = None,
    seed: Annotated[int | None, SEED] = None,
    threads: Annotated[int | None, THREADS] = None,
    device: Device = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
    progress: Bar = True,
) -> None:
    """Train a DQN on an Atari game and watch it in TensorBoard.

    What is not given stands in the agent.toml. A run keeps its settings; to try others from where
    one stands, begin a new run with --start.

    Example: rlmonitor train agents/breakout/agent.toml --timesteps 100000 --run-dir runs/breakout
    """
    from rlmonitor.configuration import load_configuration

    options = {
        "training.timesteps": timesteps,
        "monitor.every": every,
        "training.seed": seed,
        "training.threads": threads,
        "training.device": device,
    }
    configuration = load_configuration(agent).with_options(options)
    chosen = configuration.agent
    run_dir = run_dir or Path(
        "runs", f"{chosen.game}-{chosen.network}-{configuration.training.seed}"
    )
    if resume and start is not None:
        raise ConfigurationError("--resume has its own weights: leave --start away, or --resume")
    from rlmonitor.replay.checkpoints import load_checkpoint

    weights = None if start is None else load_checkpoint(start)
    tell_where(run_dir)
    from rlmonitor.training import train as run_training

    outcome = run_training(configuration, run_dir, resume=resume, start=weights, progress=progress)
    if outcome.signal is not None:
        say(f"Stopped at {outcome.timesteps:,} timesteps; all of it is saved. To go on:")
        say(_resume_command(agent, run_dir, options))
        raise typer.Exit(SIGNALLED + outcome.signal)
    say(f"{outcome.timesteps:,} timesteps done. Networks: {run_dir / 'checkpoints'}")


def _resume_command(agent: Path, run_dir: Path, options: Mapping[str, Any]) -> str:
    given = " ".join(
        f"--{name.partition('.')[2]} {value}"
        for name, value in options.items()
        if value is not None
    )
    command = f"rlmonitor train {agent} --run-dir {run_dir} --resume"
    return f"{command} {given}".strip()
