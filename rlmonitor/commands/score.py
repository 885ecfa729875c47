"""``rlmonitor score``."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from rlmonitor.commands.shared import SEED, THREADS, AsJson, Bar, set_threads

if TYPE_CHECKING:
    from rlmonitor.scores import Results


def score(
    checkpoints: Annotated[list[Path], typer.Argument(help="Networks: .safetensors files.")],
    games: Annotated[int, typer.Option(help="Games of each network.")] = 20,
    epsilon: Annotated[
        float, typer.Option(help="Chance of a random action; 1: a random agent.")
    ] = 0.01,
    hide: Annotated[
        str | None,
        typer.Option(
            help="Elements that the agent is not shown, with commas.", show_default="none"
        ),
    ] = None,
    as_json: AsJson = False,
    seed: Annotated[int, SEED] = 0,
    threads: Annotated[int, THREADS] = 1,
    progress: Bar = True,
) -> None:
    """Say what checkpoints score in whole games, with all in sight or with something hidden.

    Games start with up to 30 frames without action and are cut off after 108,000 frames; points are
    unclipped. Example: rlmonitor score agents/pong/checkpoints/*.safetensors --hide enemy
    """
    from rlmonitor.lrp import network_of
    from rlmonitor.progress import stages
    from rlmonitor.replay.checkpoints import load_checkpoint, q_network
    from rlmonitor.scores import play_games

    set_threads(threads)
    hidden = [] if hide is None else [name.strip() for name in hide.split(",")]
    networks = {path: load_checkpoint(path) for path in checkpoints}
    rows = []
    with stages(len(networks) * games, shown=progress, first="playing") as advance:
        for path, checkpoint in networks.items():
            network = network_of(q_network(checkpoint))
            found = play_games(
                network, checkpoint.game, games=games, epsilon=epsilon, hide=hidden, seed=seed,
                advance=partial(advance, path.name),
            )  # fmt: skip
            rows.append(_row(path, checkpoint.timesteps, found))
    how = {"games": games, "epsilon": epsilon, "hidden": hidden, "seed": seed}
    if as_json:
        typer.echo(json.dumps(how | {"checkpoints": rows}))
    else:
        Console().print(_table(rows))


def _row(path: Path, timesteps: int, found: Results) -> dict[str, Any]:
    scores = found.scores
    return {
        "checkpoint": str(path),
        "timesteps": timesteps,
        "mean": float(scores.mean()),
        "deviation": float(scores.std(ddof=1)) if len(scores) > 1 else None,
        "cut_off": int(found.cut_off.sum()),
        "scores": scores.tolist(),
        "steps": found.steps.tolist(),
    }


def _table(rows: list[dict[str, Any]]) -> Table:
    """Scores of seven digits fit into 80 columns; whatever is too long goes on below."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("checkpoint", overflow="fold")
    for name in ("timesteps", "mean", "deviation", "least", "most", "steps", "cut off"):
        table.add_column(name, justify="right", overflow="fold")
    for row in rows:
        table.add_row(
            Path(row["checkpoint"]).stem, f"{row['timesteps']:,}", _points(row["mean"]),
            "" if row["deviation"] is None else _points(row["deviation"]),
            f"{min(row['scores']):,.0f}", f"{max(row['scores']):,.0f}",
            f"{sum(row['steps']) / len(row['steps']):,.0f}", str(row["cut_off"]),
        )  # fmt: skip
    return table


def _points(score: float) -> str:
    return f"{score:,.0f}" if abs(score) >= 1000 else f"{score:,.1f}"
