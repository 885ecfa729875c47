"""``rlmonitor inspect``."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from rlmonitor.commands.shared import SOME_BROKEN, AsJson, Bar, Trust


def inspect(
    files: Annotated[list[str], typer.Argument(help="Files, folders, runs, or URLs of these.")],
    trust: Trust = False,
    as_json: AsJson = False,
    progress: Bar = True,
) -> None:
    """Say what files are and whether they are safe to read; nothing in them is executed.

    It knows checkpoints, recordings, rounds, probes, replay buffers, Minari datasets, videos and
    training states. A replay buffer is a pickle, and what it holds is told with --trust only.

    Example: rlmonitor inspect model.zip play.zarr runs/DQN_1

    Exit code: 0 all can be read, 1 some are broken or refused, 2 wrong use.
    """
    from rlmonitor.replay import inspection

    found = inspection.inspect_files(files, trust=trust, progress=progress)
    if as_json:
        typer.echo(json.dumps(inspection.as_json(found)))
    else:
        console = Console(highlight=False)
        for paragraph in inspection.as_text(found):
            console.print(paragraph)
    if any(one.problem for one in found):
        raise typer.Exit(SOME_BROKEN)
