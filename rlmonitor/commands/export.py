"""``rlmonitor export``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from rlmonitor.commands.shared import AsJson, Bar


def export(
    runs: Annotated[
        list[str], typer.Argument(help="Folder or URL of a run; for curves also of more.")
    ],
    csv: Annotated[
        Path | None, typer.Option(help="Every curve: run,timestep,tag,value.", show_default=False)
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option(help="The same as Parquet (extra: export).", show_default=False)
    ] = None,
    clip: Annotated[
        tuple[str, Path] | None,
        typer.Option(
            help="A clip as .mp4 (extra: video) or .gif.",
            metavar="TAG[@TIMESTEP] FILE",
            show_default=False,
        ),
    ] = None,
    virelay: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="A project of ViRelAy (extra: export).", show_default=False
        ),
    ] = None,
    at: Annotated[
        int | None, typer.Option(help="Timestep of ViRelAy's round.", show_default="all rounds")
    ] = None,
    as_json: AsJson = False,
    progress: Bar = True,
) -> None:
    """Hand curves, clips, maps and clusters of a run to other programs.

    Example: rlmonitor export runs/DQN_1 --csv curves.csv --clip relevance/play play.gif
    """
    from rlmonitor.replay import exports

    written = exports.export(
        runs,
        exports.Wanted(csv=csv, parquet=parquet, clip=clip, virelay=virelay, timestep=at),
        progress=progress,
    )
    if as_json:
        typer.echo(json.dumps([{**each, "path": str(each["path"])} for each in written]))
        return
    for each in written:
        typer.echo(f"Written: {each['path']} ({each['what']})")
