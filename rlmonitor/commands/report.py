"""``rlmonitor report``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from rlmonitor.commands.shared import AsJson, Bar, say


def report(
    runs: Annotated[
        list[str], typer.Argument(help="Folders or URLs of runs, with their event files.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file.")] = Path("report.html"),
    as_json: AsJson = False,
    progress: Bar = True,
) -> None:
    """Write the Strategies page of some runs as one HTML file, for whoever has no TensorBoard.

    Example: rlmonitor report runs/DQN_1 -o report.html
    """
    from rlmonitor.board.report import write_report
    from rlmonitor.progress import stages
    from rlmonitor.replay.mirror import fetched

    with stages(len(runs) + 1, shown=progress) as advance, fetched(runs, "*tfevents*") as folders:
        size = write_report([each.path for each in folders], out, progress=advance)
    if as_json:
        typer.echo(json.dumps({"report": str(out), "bytes": size, "runs": runs}))
        return
    say(f"Written: {out} ({size / 1e6:.1f} MB). Open it in any browser; it needs no network.")
