"""``rlmonitor evaluate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rlmonitor.commands.shared import SEED, THREADS, AsJson, Bar, set_threads


def evaluate(
    checkpoints: Annotated[
        list[Path], typer.Argument(help="Networks of one game: .safetensors files.")
    ],
    env: Annotated[str, typer.Option(help="The game, such as BreakoutNoFrameskip-v4.")],
    frames: Annotated[
        int | None, typer.Option(help="Frames to explain.", show_default="48; quick: 24")
    ] = None,
    methods: Annotated[
        str | None, typer.Option(help="Names with commas between them.", show_default="all")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(help="Names with commas between them.", show_default="all")
    ] = None,
    target: Annotated[str, typer.Option(help="q or advantage.")] = "q",
    out: Annotated[
        Path | None, typer.Option(help="Folder for CSV, JSON, Markdown, PNG.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer frames, methods, metrics.")] = False,
    seed: Annotated[int, SEED] = 0,
    threads: Annotated[int, THREADS] = 1,
    progress: Bar = True,
) -> None:
    """Measure how far the maps of checkpoints may be believed, by which method.

    Example: rlmonitor evaluate agents/breakout-short/checkpoints/0800000.safetensors --env
    BreakoutNoFrameskip-v4 --quick
    """
    from rlmonitor import evaluation, evaluation_report

    set_threads(threads)
    settings = evaluation.settings_of(
        env, frames=frames, methods=methods, metrics=metrics, target=target, quick=quick, seed=seed
    )
    report = evaluation.run_evaluation(checkpoints, settings, progress=progress)
    if as_json:
        typer.echo(json.dumps(evaluation_report.as_json(report)))
    else:
        evaluation_report.show(report, Console())
    if out is not None:
        for path in evaluation_report.write_report(report, out):
            typer.echo(f"Written: {path}", err=as_json)
