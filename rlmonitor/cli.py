"""The ``rlmonitor`` command. Torch is imported only by the commands that need it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from rlmonitor import __version__
from rlmonitor.board.watch import watch_command
from rlmonitor.errors import RlmonitorError

WRONG_USE, SIGNALLED = 2, 128
"""Exit codes: what was asked cannot work; ended by signal n (128 + n, as shells have it)."""

app = typer.Typer(
    help="See what a reinforcement-learning agent looks at while it learns.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

RunDir = Annotated[Path | None, typer.Option(help="Where the run goes.", show_default=False)]
SEED = typer.Option(help="Of everything random.", show_default=False)
THREADS = typer.Option(help="CPU threads.", show_default=False)
Device = Annotated[
    str | None, typer.Option(help="auto, cpu, cuda, cuda:0 or mps.", show_default=False)
]
Bar = Annotated[bool, typer.Option("--progress/--no-progress", help="Show a progress bar.")]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; an error of ours is one line, not a traceback."""
    try:
        app(args=arguments, prog_name="rlmonitor")
    except RlmonitorError as error:
        _say(f"Error: {error}", error=True)
        sys.exit(WRONG_USE)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"rlmonitor {__version__}")
        raise typer.Exit


@app.callback()
def _rlmonitor(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="And exit.")
    ] = False,
) -> None:
    """See what a reinforcement-learning agent looks at while it learns."""


@app.command()
def train(
    agent: Annotated[Path, typer.Argument(help="What to train: an agent.toml.")],
    timesteps: Annotated[int | None, typer.Option(help="Where to end.", show_default=False)] = None,
    every: Annotated[
        int | None, typer.Option(help="Timesteps between rounds; 0: none.", show_default=False)
    ] = None,
    run_dir: RunDir = None,
    seed: Annotated[int | None, SEED] = None,
    threads: Annotated[int | None, THREADS] = None,
    device: Device = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
    progress: Bar = True,
) -> None:
    """Train a DQN on an Atari game and watch it in TensorBoard."""
    from rlmonitor.configuration import load_configuration

    options = {
        "training.timesteps": timesteps,
        "monitor.every": every,
        "training.seed": seed,
        "training.threads": threads,
        "training.device": device,
    }
    configuration = load_configuration(agent).with_options(options)
    chosen = configuration.agent
    run_dir = run_dir or Path(
        "runs", f"{chosen.game}-{chosen.network}-{configuration.training.seed}"
    )
    _tell_where(run_dir)
    from rlmonitor.training import train as run_training

    outcome = run_training(configuration, run_dir, resume=resume, progress=progress)
    if outcome.signal is not None:
        _say(f"Stopped at {outcome.timesteps:,} timesteps; all of it is saved. To go on:")
        _say(_resume_command(agent, run_dir, options))
        raise typer.Exit(SIGNALLED + outcome.signal)
    _say(f"{outcome.timesteps:,} timesteps done. Networks: {run_dir / 'checkpoints'}")


@app.command()
def demo(
    checkpoint: Annotated[
        Path | None, typer.Option(help="Network to begin with.", show_default="the one we ship")
    ] = None,
    timesteps: Annotated[int, typer.Option(help="Where to end; four rounds on the way.")] = 20_000,
    run_dir: RunDir = None,
    seed: Annotated[int, SEED] = 0,
    threads: Annotated[int, THREADS] = 1,
    progress: Bar = True,
) -> None:
    """Watch a half-trained Breakout agent learn for some minutes."""
    from rlmonitor.demo import run_demo

    run_dir = run_dir or Path("runs", datetime.now().strftime("demo-%Y-%m-%d-%H%M%S"))
    _tell_where(run_dir)
    outcome = run_demo(
        run_dir,
        checkpoint=checkpoint,
        timesteps=timesteps,
        seed=seed,
        threads=threads,
        progress=progress,
    )
    if outcome.signal is not None:
        raise typer.Exit(SIGNALLED + outcome.signal)


@app.command()
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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, no table.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer frames, methods, metrics.")] = False,
    seed: Annotated[int, SEED] = 0,
    threads: Annotated[int, THREADS] = 1,
    progress: Bar = True,
) -> None:
    """Measure how far the maps of checkpoints may be believed, by which method."""
    from rlmonitor import evaluation

    evaluation.set_threads(threads)
    settings = evaluation.settings_of(
        env, frames=frames, methods=methods, metrics=metrics, target=target, quick=quick, seed=seed
    )
    report = evaluation.run_evaluation(checkpoints, settings, progress=progress)
    if as_json:
        typer.echo(json.dumps(evaluation.as_json(report)))
    else:
        evaluation.show(report, Console())
    if out is not None:
        for path in evaluation.write_report(report, out):
            typer.echo(f"Written: {path}", err=as_json)


def _tell_where(run_dir: Path) -> None:
    _say(f"Run: {run_dir} · watch it: {watch_command(run_dir)}")


def _resume_command(agent: Path, run_dir: Path, options: Mapping[str, Any]) -> str:
    given = " ".join(
        f"--{name.partition('.')[2]} {value}"
        for name, value in options.items()
        if value is not None
    )
    command = f"rlmonitor train {agent} --run-dir {run_dir} --resume"
    return f"{command} {given}".strip()


def _say(text: str, *, error: bool = False) -> None:
    """One line, however narrow the terminal is; nothing in it is markup."""
    style = "bold red" if error else None
    Console(stderr=error).print(text, style=style, markup=False, highlight=False, soft_wrap=True)
