"""What the commands share: options, exit codes, one-line messages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rlmonitor.board.watch import watch_command
from rlmonitor.errors import ConfigurationError

SOME_BROKEN, WRONG_USE, SIGNALLED = 1, 2, 128
"""Exit codes: some files were broken or refused, the others are done; what was asked cannot work;
ended by signal n (128 + n, as shells have it)."""

RunDir = Annotated[Path | None, typer.Option(help="Where the run goes.", show_default=False)]
SEED = typer.Option(help="Of everything random.", show_default=False)
THREADS = typer.Option(help="CPU threads.", show_default=False)
Device = Annotated[
    str | None, typer.Option(help="auto, cpu, cuda, cuda:0 or mps.", show_default=False)
]
Bar = Annotated[bool, typer.Option("--progress/--no-progress", help="Show a progress bar.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, no table.")]

Architecture = Annotated[
    str | None,
    typer.Option(help="nips, nature or module:Class, for bare tensors.", show_default=False),
]
Trust = Annotated[
    bool, typer.Option("--trust", help="Unpickle what cannot be read safely: runs what it says.")
]


def tell_where(run_dir: Path | str) -> None:
    """Say where a run goes and, if it is a folder of this machine, how to watch it."""
    if "://" in str(run_dir):
        say(f"Run: {run_dir}")
    else:
        say(f"Run: {run_dir} · watch it: {watch_command(Path(run_dir))}")


def say(text: str, *, error: bool = False) -> None:
    """One line, however narrow the terminal is; nothing in it is markup."""
    style = "bold red" if error else None
    Console(stderr=error).print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def set_threads(threads: int) -> None:
    """Let torch use that many CPU threads.

    Raises:
        ConfigurationError: fewer than one.
    """
    import torch

    if threads < 1:
        raise ConfigurationError(f"threads = {threads}: expected 1 or more")
    torch.set_num_threads(threads)
