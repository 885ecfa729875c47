"""Replays: checkpoints after the fact, with the curves, clips and events of a monitored training.

Each checkpoint is examined by itself (`rlmonitor.replay.examination`), anywhere and in any order.
Then one pass over the timesteps, in this process, follows strategies from round to round, has the
rounds drawn and compressed where they were examined, writes what comes back, and tells events.
Rounds that stand from an earlier try are kept, as far as checkpoints, settings and order are still
the same.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from rlmonitor.board.projector import discard_embeddings_after
from rlmonitor.errors import CheckpointError, ConfigurationError, RlmonitorError, StoreError
from rlmonitor.logbook import Logbook, Written
from rlmonitor.replay import store
from rlmonitor.replay.curves import cut_curves
from rlmonitor.replay.examination import (
    Clusters,
    Failed,
    Fixed,
    clusters_of,
    digest,
    examine,
    explain_shard,
    network_at,
    one_thread,
    prepare,
    write,
)
from rlmonitor.replay.files import Location
from rlmonitor.replay.jobs import Job, described
from rlmonitor.replay.journal import cut_journals, read_history
from rlmonitor.replay.mirror import RunFolder
from rlmonitor.replay.sources import CheckpointFile, Problem, Sources
from rlmonitor.replay.workers import Task, Workers
from rlmonitor.round import Strategies, followed
from rlmonitor.run_directory import LOCK, locked
from rlmonitor.strategy.timeline import Timeline

SETTINGS = "replay.json"

Advance = Callable[[str], None]
"""Told before each checkpoint which one it is."""


@dataclass(frozen=True)
class Outcome:
    """What a replay did.

    Attributes:
        made: timesteps of the rounds that were made.
        kept: of those that stood from an earlier try.
        problems: what was left out, and why.
        events: how many are told now, in all.
        elements_from: what told where the elements are, as `rlmonitor.recording.Recording` has it;
            empty if there is no round.
    """

    made: tuple[int, ...]
    kept: tuple[int, ...]
    problems: tuple[Problem, ...]
    events: int
    elements_from: str = ""


def replay(
    sources: Sources,
    job: Job,
    out: Path | RunFolder,
    workers: Workers,
    *,
    advance: Advance = lambda _: None,
) -> Outcome:
    """Make the rounds of all checkpoints in a run's folder.

    Args:
        sources: the checkpoints, by their timesteps.
        job: what is computed of each.
        out: the run's folder, see `rlmonitor.replay.mirror` for one at a URL.
        workers: who computes.
        advance: told of each checkpoint, kept ones too.

    Raises:
        ConfigurationError: no checkpoint, two of one timestep, a folder that is in use or holds
            something else.
        CheckpointError: none of the checkpoints can be read.
        StoreError: the folder cannot be written.
    """
    checkpoints, problems = _in_order(sources)
    place = RunFolder(out, out) if isinstance(out, Path) else out
    with locked(place.path):
        _claim(place, job)
        kept, broken = _standing(place, checkpoints, job)
        last = kept[-1] if kept else -1
        _cut(place, last)
        logbook = Logbook(place.path, seed=job.settings.seed, rounds=place.rounds)
        try:
            for event in logbook.untold():
                logbook.tell(event)
            for checkpoint in checkpoints:
                if (checkpoint.timestep or 0) <= last:
                    advance(checkpoint.path)
            left = [each for each in checkpoints if (each.timestep or 0) > last]
            made, more = _sweep(job, left, logbook, workers, advance, place.saved)
            told = (*problems, *broken, *more)
            return Outcome(made, kept, told, logbook.n_events, _elements_from(place.rounds))
        finally:
            logbook.close()


def _sweep(
    job: Job,
    checkpoints: Sequence[CheckpointFile],
    logbook: Logbook,
    workers: Workers,
    advance: Advance,
    saved: Callable[[], None],
) -> tuple[tuple[int, ...], tuple[Problem, ...]]:
    """Examine what is left, and write it in order."""
    made, problems = [], []
    task, left, broken = _first(job, checkpoints, workers)
    problems += broken
    for problem in broken:
        advance(problem.path)
    if task is None:
        return (), tuple(problems)
    for checkpoint, found in _rounds(job, left, task, logbook.timeline, workers, advance):
        if isinstance(found, Failed):
            problems.append(Problem(checkpoint.path, found.why))
            continue
        logbook.put(found)
        for event in logbook.notice(found.summary):
            logbook.tell(event)
        made.append(found.summary.timestep)
        saved()
    return tuple(made), tuple(problems)


def _rounds(
    job: Job,
    checkpoints: Sequence[CheckpointFile],
    fixed: Task,
    timeline: Timeline,
    workers: Workers,
    advance: Advance,
) -> Iterator[tuple[CheckpointFile, Written | Failed]]:
    """Rounds in order, their strategies followed here; drawn where they were examined."""
    drawing: deque[tuple[CheckpointFile, Task | Failed]] = deque()
    for checkpoint, examined in _examinations(job, checkpoints, fixed, workers):
        advance(checkpoint.path)
        own = workers.submit(clusters_of, examined, soon=True).result()
        if isinstance(own, Failed):
            drawing.append((checkpoint, own))
        else:
            strategies = _followed(own, timeline)
            timeline = strategies.timeline if strategies is not None else timeline
            given = (job, checkpoint, fixed, examined, strategies)
            drawing.append((checkpoint, workers.submit(write, *given, soon=True)))
        del examined  # or its round would stay where it was made
        while len(drawing) > workers.behind:
            yield _waited(*drawing.popleft())
    while drawing:
        yield _waited(*drawing.popleft())


def _waited(
    checkpoint: CheckpointFile, found: Task | Failed
) -> tuple[CheckpointFile, Written | Failed]:
    return checkpoint, found if isinstance(found, Failed) else found.result()


def _followed(own: Clusters, timeline: Timeline) -> Strategies | None:
    if own.strategies is None:
        return None
    with one_thread():
        return followed(own.strategies, own.shares, own.timestep, timeline)


def _first(
    job: Job, checkpoints: Sequence[CheckpointFile], workers: Workers
) -> tuple[Task | None, Sequence[CheckpointFile], list[Problem]]:
    """The task of what is fixed, made with the first checkpoint that can be read."""
    problems: list[Problem] = []
    for i, checkpoint in enumerate(checkpoints):
        task = workers.submit(prepare, job, checkpoint)
        found = task.result()
        if isinstance(found, Fixed):
            return task, checkpoints[i:], problems
        problems.append(Problem(checkpoint.path, found.why))
    return None, (), problems


def _examinations(
    job: Job, checkpoints: Sequence[CheckpointFile], fixed: Task, workers: Workers
) -> Iterator[tuple[CheckpointFile, Task]]:
    """Tasks in the order of the checkpoints, some handed over ahead."""
    waiting: deque[tuple[CheckpointFile, Task]] = deque()
    for checkpoint in checkpoints:
        parts = [workers.submit(explain_shard, job, checkpoint, shard) for shard in job.shards]
        waiting.append((checkpoint, workers.submit(examine, job, checkpoint, fixed, *parts)))
        if len(waiting) >= workers.ahead:
            yield waiting.popleft()
    yield from waiting


def _elements_from(out: Location) -> str:
    """What told where the elements are in the latest round."""
    places = list(store.rounds(out).values())
    return str(store.read_described(places[-1])["elements_from"]) if places else ""


def _in_order(sources: Sources) -> tuple[list[CheckpointFile], list[Problem]]:
    """Checkpoints with a timestep, ascending; those without one are a problem."""
    checkpoints, problems = [], list(sources.problems)
    for each in sources.checkpoints:
        if each.timestep is None:
            why = "tells no timestep, nor does its name: put a number into the name"
            problems.append(Problem(each.path, why))
        else:
            checkpoints.append(each)
    if not checkpoints and not problems:
        raise ConfigurationError("no checkpoint among the sources: give a checkpoint or a folder")
    checkpoints.sort(key=lambda each: each.timestep or 0)
    for one, other in pairwise(checkpoints):
        if one.timestep == other.timestep:
            raise ConfigurationError(
                f"{one.path} and {other.path} are both of timestep {one.timestep:,}: replay one "
                "training at a time, each into a folder of its own"
            )
    return checkpoints, problems


def _claim(place: RunFolder, job: Job) -> None:
    """Take an empty folder, or that of the same replay.

    Raises:
        ConfigurationError: the folder holds something else.
        StoreError: it cannot be read or written.
    """
    path, wanted, out = place.path / SETTINGS, described(job), place.rounds
    try:
        if path.exists():
            _require_same(json.loads(path.read_text(encoding="utf-8")), wanted, out)
            return
        found = sorted(each.name for each in place.path.iterdir() if each.name != LOCK)
        if found:
            raise ConfigurationError(
                f"{out} holds something else ({found[0]}): name another folder with --out"
            )
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.write_text(json.dumps(wanted, indent=1), encoding="utf-8")
        os.replace(temporary, path)
    except (OSError, ValueError) as error:
        if isinstance(error, RlmonitorError):
            raise
        raise StoreError(f"{path} cannot be read or written: {error}") from error


def _require_same(old: Mapping[str, Any], new: Mapping[str, Any], out: Location) -> None:
    for name in new:
        if (old.get(name) or None) != (new[name] or None):
            raise ConfigurationError(
                f"{out} holds a replay with {name} = {old.get(name)!r}, this one has "
                f"{new[name]!r}: curves of both do not compare; name another folder with --out"
            )


def _standing(
    place: RunFolder, checkpoints: Sequence[CheckpointFile], job: Job
) -> tuple[tuple[int, ...], tuple[Problem, ...]]:
    """The rounds that need not be made again: all up to the first that is not as it would be.

    And the checkpoints among them that have no round, because they are broken.
    """
    known = [each.timestep for each in read_history(place.path).rounds]
    rounds, kept, broken = store.rounds(place.rounds), list[int](), list[Problem]()
    for checkpoint in checkpoints:
        if len(kept) == len(known):
            break
        expected = known[len(kept)]
        if checkpoint.timestep == expected and _is_of(rounds.get(expected), checkpoint):
            kept.append(expected)
        elif (checkpoint.timestep or 0) < expected and (why := _fault_of(checkpoint, job)):
            broken.append(Problem(checkpoint.path, why))
        else:
            break
    last = kept[-1] if kept else -1
    left_out = {each.path for each in checkpoints if (each.timestep or 0) < last}
    return tuple(kept), tuple(each for each in broken if each.path in left_out)


def _is_of(place: Location | None, checkpoint: CheckpointFile) -> bool:
    """Whether a round on disk was made of just this checkpoint."""
    if place is None:
        return False
    try:
        return bool(store.read_attributes(place)["checkpoint_sha256"] == digest(checkpoint))
    except (CheckpointError, StoreError, KeyError):
        return False


def _fault_of(checkpoint: CheckpointFile, job: Job) -> str:
    """Why a checkpoint cannot be read; empty if it can."""
    try:
        network_at(checkpoint, job.architecture, job.trust)
    except RlmonitorError as error:
        return str(error)
    return ""


def _cut(place: RunFolder, last: int) -> None:
    """Drop what is going to be made anew."""
    cut_curves(place.path, last)
    store.discard_after(place.rounds, last)
    discard_embeddings_after(place.path, last)
    cut_journals(place.path, last)
