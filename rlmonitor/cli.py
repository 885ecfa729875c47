"""The ``rlmonitor`` command; each command is a module of `rlmonitor.commands`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from rlmonitor import __version__
from rlmonitor.commands.compare import compare
from rlmonitor.commands.demo import demo
from rlmonitor.commands.doctor import doctor
from rlmonitor.commands.evaluate import evaluate
from rlmonitor.commands.export import export
from rlmonitor.commands.inspect import inspect
from rlmonitor.commands.record import record
from rlmonitor.commands.replay import replay
from rlmonitor.commands.report import report
from rlmonitor.commands.score import score
from rlmonitor.commands.shared import WRONG_USE, say
from rlmonitor.commands.train import train
from rlmonitor.errors import RlmonitorError

COMMANDS = (train, demo, score, evaluate, record, inspect, replay, compare, export, report, doctor)
"""In the order of ``--help``."""

app = typer.Typer(
    help="See what a reinforcement-learning agent looks at while it learns.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; an error of ours is one line, not a traceback."""
    try:
        app(args=arguments, prog_name="rlmonitor")
    except RlmonitorError as error:
        say(f"Error: {error}", error=True)
        sys.exit(WRONG_USE)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"rlmonitor {__version__}")
        raise typer.Exit


@app.callback()
def _rlmonitor(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """See what a reinforcement-learning agent looks at while it learns."""


for _command in COMMANDS:
    app.command()(_command)
