"""``rlmonitor compare``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rlmonitor.commands.shared import SEED, AsJson, Bar


def compare(
    runs: Annotated[list[str], typer.Argument(help="Folders or URLs of two runs or more.")],
    groups: Annotated[
        str | None,
        typer.Option(help="Prefixes of the runs' names with commas between.", show_default=False),
    ] = None,
    png: Annotated[
        Path | None, typer.Option(help="Where the sheet of curves goes.", show_default=False)
    ] = None,
    at: Annotated[
        int | None,
        typer.Option(help="Timestep to compare at.", show_default="the last that all reached"),
    ] = None,
    measure: Annotated[str, typer.Option(help="Of the elements: relative or share.")] = "relative",
    elements: Annotated[
        str | None, typer.Option(help="Names with commas between them.", show_default="all")
    ] = None,
    as_json: AsJson = False,
    seed: Annotated[int, SEED] = 0,
    progress: Bar = True,
) -> None:
    """Lay runs side by side, and test where their strategies differ.

    Groups of runs are compared by relabelling the runs, two runs by the frames of their probe.

    Example: rlmonitor compare runs/dqn-0 runs/dqn-1 runs/ppo-0 runs/ppo-1 --groups dqn,ppo --png
    sheet.png
    """
    from rlmonitor.progress import stages
    from rlmonitor.replay import comparison

    with stages(4 if png else 3, shown=progress) as advance:
        found = comparison.compare_runs(
            runs,
            groups=_names(groups),
            timestep=at,
            measure=measure,
            elements=_names(elements),
            seed=seed,
            progress=advance,
        )
        if png is not None:
            advance("picture")
            comparison.save_sheet(found, png)
    if as_json:
        typer.echo(json.dumps(comparison.as_json(found)))
    else:
        comparison.show(found, Console())
    if png is not None:
        typer.echo(f"Written: {png}", err=as_json)


def _names(listed: str | None) -> tuple[str, ...]:
    """Names between commas, each once."""
    names = (name.strip() for name in (listed or "").split(","))
    return tuple(dict.fromkeys(name for name in names if name))
