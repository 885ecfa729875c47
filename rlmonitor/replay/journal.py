"""What a run remembers from round to round: ``history.jsonl`` and ``events.jsonl``, a line each.

They outlive the rounds that ``keep`` deletes, so that detectors see all of a training whatever
stays on disk. A line is written in one piece; one that was torn by the end of a process is the last
one, and is left out and overwritten.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from rlmonitor.errors import StoreError
from rlmonitor.strategy import events, history
from rlmonitor.strategy.events import Event
from rlmonitor.strategy.history import History, RoundSummary

HISTORY, EVENTS = "history.jsonl", "events.jsonl"

Entry = TypeVar("Entry", Event, RoundSummary)


def append_round(run: Path, summary: RoundSummary) -> None:
    """Add a round to the history of a run.

    Raises:
        StoreError: the file cannot be written.
        ObservationError: a value that is not finite.
    """
    _append(run / HISTORY, history.to_json(summary))


def append_event(run: Path, event: Event) -> None:
    """Add an event to those of a run.

    Raises:
        StoreError: the file cannot be written.
    """
    _append(run / EVENTS, events.to_json(event))


def read_history(run: Path) -> History:
    """The history of a run; without rounds where there is none.

    Raises:
        StoreError: the file cannot be read, or a line that is no round.
        ObservationError: rounds out of order.
    """
    return History(tuple(_read(run / HISTORY, history.from_json)))


def read_events(run: Path) -> tuple[Event, ...]:
    """The events of a run.

    Raises:
        StoreError: the file cannot be read, or a line that is no event.
    """
    return tuple(_read(run / EVENTS, events.from_json))


def cut_journals(run: Path, last: int) -> None:
    """Drop what came after a timestep: a training that resumes from there makes it anew.

    Raises:
        StoreError: a file cannot be read or written.
    """
    _cut(run / HISTORY, history.from_json, history.to_json, last)
    _cut(run / EVENTS, events.from_json, events.to_json, last)


def _append(path: Path, line: str) -> None:
    try:
        with path.open("r+b" if path.exists() else "w+b") as file:
            whole = file.read().rfind(b"\n") + 1
            file.seek(whole)
            file.write(line.encode() + b"\n")
            file.truncate()
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error}; free space or name another"
        ) from error


def _read(path: Path, parse: Callable[[str], Entry]) -> list[Entry]:
    try:
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        return [parse(line.decode()) for line in lines]
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from error


def _cut(
    path: Path, parse: Callable[[str], Entry], write: Callable[[Entry], str], last: int
) -> None:
    if not path.exists():
        return
    kept = [write(entry) + "\n" for entry in _read(path, parse) if entry.timestep <= last]
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text("".join(kept), encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error}; free space") from error
