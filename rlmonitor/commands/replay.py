"""``rlmonitor replay``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from rlmonitor.board.page_data import KEPT, PICTURES
from rlmonitor.commands.shared import (
    SEED,
    SIGNALLED,
    SOME_BROKEN,
    AsJson,
    Bar,
    say,
    tell_where,
)

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rlmonitor.replay.jobs import Job
    from rlmonitor.replay.sources import Sources
    from rlmonitor.replay.sweep import Outcome
    from rlmonitor.replay.workers import Workers

INTERRUPT = 2


class Action(StrEnum):
    """Which action is explained."""

    greedy = "greedy"
    taken = "taken"


def replay(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Checkpoints, recordings, replay buffers, Minari datasets, videos, folders of "
            "them, or URLs."
        ),
    ],
    out: Annotated[
        str,
        typer.Option(
            "--out", "--run-dir", help="Where the run goes, folder or URL; the same goes on."
        ),
    ],
    env: Annotated[
        str | None, typer.Option(help="What the checkpoints play.", show_default=False)
    ] = None,
    probe: Annotated[
        str, typer.Option(help="Frames of every round: auto, none, a game's, a recording.")
    ] = "auto",
    action: Annotated[Action, typer.Option(help="Which action is explained.")] = Action.greedy,
    composite: Annotated[
        str | None, typer.Option(help="Which LRP rule for which layer.", show_default="the usual")
    ] = None,
    frames: Annotated[
        int,
        typer.Option(
            help="Frames of a round that are kept; of buffers and datasets the explained ones."
        ),
    ] = 128,
    game: Annotated[
        str | None,
        typer.Option(
            help="What buffers and videos show, such as breakout.", show_default="the checkpoints'"
        ),
    ] = None,
    games: Annotated[
        int, typer.Option(help="Trial games of each kind in a round, with --env; 0: none.")
    ] = 1,
    frame_skip: Annotated[
        int, typer.Option(help="Frames of a video in a step: 1 if it has only every 4th.")
    ] = 4,
    pictures: Annotated[
        int,
        typer.Option(help="Rounds that are drawn, spread, the last among them; export draws more."),
    ] = KEPT[PICTURES],
    workers: Annotated[int, typer.Option(help="Processes on this machine.")] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(help="A Dask cluster that you trust: tcp://HOST:PORT.", show_default=False),
    ] = None,
    shard: Annotated[int, typer.Option(help="Frames of a recording that one task reads.")] = 1024,
    architecture: Annotated[
        str | None,
        typer.Option(help="nips, nature or module:Class, for bare tensors.", show_default=False),
    ] = None,
    trust: Annotated[
        bool,
        typer.Option("--trust", help="Unpickle checkpoints and buffers: runs what they say."),
    ] = False,
    seed: Annotated[int, SEED] = 0,
    as_json: AsJson = False,
    progress: Bar = True,
) -> None:
    """Analyse checkpoints as if their training had been monitored.

    Example: rlmonitor replay checkpoints/ --env BreakoutNoFrameskip-v4 --out runs/replayed

    Exit code: 0 all is well, 1 some files were broken or refused and are left out, 2 wrong use, 130
    stopped by Ctrl-C.
    """
    from rlmonitor.lrp import DEFAULT_COMPOSITE
    from rlmonitor.monitor_settings import MonitorSettings
    from rlmonitor.probe import PROBES
    from rlmonitor.replay.jobs import job_of
    from rlmonitor.replay.sources import find_sources
    from rlmonitor.replay.workers import workers as hired

    settings = MonitorSettings(
        n_frames=frames,
        probe=None if probe == "none" else probe,
        composite=composite or DEFAULT_COMPOSITE,
        games=games,
        seed=seed,
    )
    found = find_sources(sources, trust=trust, game=game, frame_skip=frame_skip)
    if env is None and not found.recordings and probe not in {"auto", "none", *PROBES}:
        # nothing else shows what to explain
        found = find_sources([*sources, probe], trust=trust, game=game, frame_skip=frame_skip)
    job = job_of(
        found,
        settings,
        env_id=env,
        shard=shard,
        taken=action is Action.taken,
        architecture=architecture,
        trust=trust,
        pictures=pictures,
    )
    notes = {each.path: each.notes for each in found.recordings if each.notes}
    for path, own in notes.items():
        for note in own:
            say(f"Note: {path}: {note}.", error=True)
    if not as_json:
        tell_where(out)
    outcome = _made(found, job, out, hired(workers, scheduler), progress=progress)
    _tell(outcome, out, notes, as_json=as_json)
    if outcome.problems:
        raise typer.Exit(SOME_BROKEN)


def _made(
    found: Sources, job: Job, out: str, hired: AbstractContextManager[Workers], *, progress: bool
) -> Outcome:
    """Make the rounds; Ctrl-C ends the command, and what is whole is kept."""
    from rlmonitor.progress import stages
    from rlmonitor.replay.mirror import run_folder
    from rlmonitor.replay.sweep import replay as run_replay

    try:
        with (
            run_folder(out) as place,
            hired as at_work,
            stages(len(found.checkpoints), shown=progress) as advance,
        ):
            return run_replay(found, job, place, at_work, advance=advance)
    except KeyboardInterrupt:
        say("Stopped; whole rounds are saved, and the same command goes on from there.")
        raise typer.Exit(SIGNALLED + INTERRUPT) from None


def _tell(outcome: Outcome, out: str, notes: Mapping[str, Sequence[str]], *, as_json: bool) -> None:
    for problem in outcome.problems:
        named = problem.what.startswith(problem.path)
        say(f"Left out: {'' if named else f'{problem.path}: '}{problem.what}", error=True)
    if as_json:
        document = {
            "run": out,
            "made": outcome.made,
            "kept": outcome.kept,
            "events": outcome.events,
            "elements_from": outcome.elements_from,
            "notes": notes,
            "problems": [{"path": p.path, "what": p.what} for p in outcome.problems],
        }
        typer.echo(json.dumps(document))
    else:
        n, kept = len(outcome.made), len(outcome.kept)
        before = f", {kept} stood from before" if kept else ""
        told = f" Elements from: {outcome.elements_from}." if outcome.elements_from else ""
        made = "1 round" if n == 1 else f"{n} rounds"
        say(f"{made} made{before}; {outcome.events} events.{told} Run: {out}")
