"""``rlmonitor doctor``."""

from __future__ import annotations

import json

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rlmonitor.commands.shared import SOME_BROKEN, AsJson


def doctor(as_json: AsJson = False) -> None:
    """Try each part of the installation, and say what to do where one does not work.

    Versions, extras, the emulator, relevance on a shipped network, event files, the Strategies tab
    and the device.

    Exit code: 0 all works, 1 something does not.
    """
    from rlmonitor import installation

    parts = installation.examine_installation()
    broken = [part for part in parts if part.state is installation.State.BROKEN]
    if as_json:
        typer.echo(json.dumps([vars(part) | {"state": part.state.value} for part in parts]))
    else:
        table = Table("", "", "", box=SIMPLE_HEAD, show_header=False)
        for part in parts:
            colour = {"works": "green", "optional": "yellow", "broken": "bold red"}
            told = part.found + (f" → {part.remedy}" if part.remedy else "")
            table.add_row(
                part.name,
                Text(part.state.value, colour[part.state.value]),
                Text(told, overflow="fold"),
            )
        Console().print(table)
        typer.echo(f"{len(broken)} of {len(parts)} parts do not work." if broken else "All works.")
    if broken:
        raise typer.Exit(SOME_BROKEN)
