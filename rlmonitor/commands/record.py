"""``rlmonitor record``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from rlmonitor.commands.shared import (
    SEED,
    THREADS,
    Architecture,
    AsJson,
    Bar,
    Trust,
    say,
    set_threads,
)


def record(
    checkpoint: Annotated[str, typer.Argument(help="A network: .zip, .safetensors or .pth.")],
    env: Annotated[str, typer.Option(help="The game, such as BreakoutNoFrameskip-v4.")],
    frames: Annotated[int, typer.Option(help="Steps of the agent.")] = 1_000,
    out: Annotated[
        Path | None,
        typer.Option(help="A .zarr folder.", show_default="the checkpoint's name"),
    ] = None,
    epsilon: Annotated[float, typer.Option(help="Chance of a random action.")] = 0.05,
    architecture: Architecture = None,
    trust: Trust = False,
    seed: Annotated[int, SEED] = 0,
    threads: Annotated[int, THREADS] = 1,
    as_json: AsJson = False,
    progress: Bar = True,
) -> None:
    """Let an agent play, and keep what it saw and did.

    Kept are observations, screens, the console's memory, actions, rewards, Q-values and where the
    elements were. Nothing in it is pickled.

    Example: rlmonitor record model.zip --env BreakoutNoFrameskip-v4 --out play.zarr
    """
    from rlmonitor.progress import stages
    from rlmonitor.replay.recordings import SHARD, played, write_recording
    from rlmonitor.replay.sources import load_network

    set_threads(threads)
    network = load_network(checkpoint, architecture=architecture, trust=trust).snapshot()
    place = out or Path(f"{checkpoint.rstrip('/').rpartition('/')[2].rpartition('.')[0]}.zarr")
    told = {"checkpoint": checkpoint, "env": env, "seed": seed, "epsilon": epsilon}
    with stages(-(-frames // SHARD) + 1, shown=progress, first="loading") as advance:
        advance("playing")
        shards = played(
            network,
            env,
            frames,
            epsilon=epsilon,
            seed=seed,
            progress=lambda done: advance(f"{done:,} frames"),
        )
        write_recording(place, shards, frames, told)
    if as_json:
        typer.echo(json.dumps({"recording": str(place), "frames": frames, **told}))
    else:
        say(f"Recording: {place} ({frames:,} frames)")
