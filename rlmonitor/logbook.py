"""What rounds leave behind in a run's folder: curves, clips, strategies, events, the round itself.

Whoever makes rounds, a training's monitor or a replay, hands them over here in ascending order of
their timesteps.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlmonitor.board.page import show_events
from rlmonitor.board.sheet import Sheet, drawn, numbers, show_sheet
from rlmonitor.board.writer import BoardWriter
from rlmonitor.errors import StoreError
from rlmonitor.replay import packing, store
from rlmonitor.replay.files import Location
from rlmonitor.replay.journal import (
    append_event,
    append_round,
    cut_journals,
    read_events,
    read_history,
)
from rlmonitor.round import Round
from rlmonitor.round_summary import summary_of
from rlmonitor.strategy.detectors import detect
from rlmonitor.strategy.events import Event
from rlmonitor.strategy.history import History, RoundSummary
from rlmonitor.strategy.timeline import Timeline

RESERVE = 64 << 20
"""Bytes of a disk that the monitor does not touch; a round and its clips take some 10 MB."""

SMALL_RESERVE = 2 << 20
"""The same for an event or two numbers."""


class Logbook:
    """Writes the rounds of one run, and knows those of before.

    Args:
        run_dir: the run's folder: rounds go to ``run_dir/rounds``.
        writer: where curves, clips and events go; by default an event file of its own in
            ``run_dir``.
        seed: of the picture of the strategies.
        keep: how many rounds stay on disk, the latest ones; None keeps all, 0 writes none.
        rounds: whose ``rounds`` they go to, a folder or a URL; by default ``run_dir``.

    Attributes:
        timeline: the strategies so far.

    Raises:
        StoreError: ``run_dir`` cannot be written.
    """

    def __init__(
        self,
        run_dir: str | os.PathLike[str],
        writer: BoardWriter | None = None,
        *,
        seed: int = 0,
        keep: int | None = None,
        rounds: Location | None = None,
    ) -> None:
        self.run_dir = writable(Path(run_dir))
        self._rounds = self.run_dir if rounds is None else rounds
        store.sweep(self._rounds)
        self._seed, self._keep = seed, keep
        self._history = read_history(self.run_dir)
        self.timeline = _known_strategies(self._rounds)
        self._first = True
        self.writer = writer or BoardWriter.open(None, self.run_dir)

    def write(
        self,
        found: Round,
        *,
        phases: Sequence[str] | None = None,
        attributes: Mapping[str, Any] | None = None,
        pictures: bool = True,
    ) -> None:
        """Show a round in TensorBoard and put it on disk.

        Args:
            found: the round.
            phases: a name for each frame of the probe.
            attributes: how the round was made, besides its seed: settings and the like, as JSON.
            pictures: whether there are any; clips can also be drawn later, from the round on disk.

        Raises:
            StoreError: the round could not be written to disk; TensorBoard has it all the same.
        """
        if found.strategies is not None:
            self.timeline = found.strategies.timeline
        about = {"seed": self._seed, **(attributes or {})}
        try:
            require_space(self.writer.directory)
            self._show(_drawn(found, about, phases, pictures=pictures))
        finally:
            if self._keep != 0:
                require_space(self.run_dir)
                self._store(packing.packed(found, about))

    def put(self, written: Written) -> None:
        """Show and store a round that was drawn and compressed elsewhere, see `written_of`.

        The strategies so far are then its maker's, not ours.

        Raises:
            StoreError: as in `write`.
        """
        try:
            require_space(self.writer.directory)
            self._show(written.sheet)
        finally:
            require_space(self.run_dir)
            self._store(written.packed)

    def notice(self, summary: RoundSummary) -> tuple[Event, ...]:
        """Add a round to the run's history, and say what begins with it.

        Args:
            summary: of the round.

        Raises:
            StoreError: the history could not be written.
        """
        require_space(self.run_dir, SMALL_RESERVE)
        earlier = tuple(r for r in self._history.rounds if r.timestep < summary.timestep)
        if len(earlier) < len(self._history.rounds):  # a round made anew
            cut_journals(self.run_dir, summary.timestep - 1)
        append_round(self.run_dir, summary)
        self._history = History((*earlier, summary))
        return detect(self._history)

    def tell(self, event: Event) -> None:
        """Write an event to TensorBoard and to ``events.jsonl``.

        Raises:
            StoreError: it could not be written.
        """
        require_space(self.writer.directory, SMALL_RESERVE)
        self.writer.event(event.text, event.timestep, event.evidence)
        self.writer.flush()
        append_event(self.run_dir, event)
        show_events(self.writer, event.timestep, read_events(self.run_dir))

    def has(self, timestep: int) -> bool:
        """Whether the round of a timestep came to its end, in this process or one before."""
        return any(each.timestep == timestep for each in self._history.rounds)

    @property
    def n_rounds(self) -> int:
        """How many rounds of this run came to their end."""
        return len(self._history.rounds)

    def untold(self) -> tuple[Event, ...]:
        """What a process noticed with the last round, and was ended before it could tell.

        Raises:
            StoreError: the events so far cannot be read.
        """
        told = {(each.kind, each.timestep, each.text) for each in read_events(self.run_dir)}
        found = detect(self._history) if self._history.rounds else ()
        return tuple(e for e in found if (e.kind, e.timestep, e.text) not in told)

    @property
    def n_events(self) -> int:
        """How many events have been told in this run."""
        return len(read_events(self.run_dir))

    def close(self) -> None:
        """Close the event file if it is our own."""
        self.writer.close()

    def _show(self, sheet: Sheet) -> None:
        show_sheet(self.writer, sheet, first=self._first)
        self._first = False

    def _store(self, packed: packing.PackedRound) -> None:
        store.write_packed(self._rounds, packed)
        if self._keep is not None:
            store.keep_latest(self._rounds, self._keep)


@dataclass(frozen=True)
class Written:
    """A round as it goes to TensorBoard, to disk and into the history.

    Attributes:
        sheet: for TensorBoard.
        packed: for the disk.
        summary: for the history.
    """

    sheet: Sheet
    packed: packing.PackedRound
    summary: RoundSummary


def written_of(
    found: Round,
    about: Mapping[str, Any],
    phases: Sequence[str] | None = None,
    *,
    pictures: bool = True,
) -> Written:
    """Draw and compress a round, wherever there is time for it.

    Args:
        found: the round, its strategies followed.
        about: how it was made, as JSON: its seed, settings and the like.
        phases: a name for each frame of the probe.
        pictures: whether there are any; clips can also be drawn later, from the round on disk.
    """
    sheet = _drawn(found, about, phases, pictures=pictures)
    return Written(sheet, packing.packed(found, about), summary_of(found))


def _drawn(
    found: Round, about: Mapping[str, Any], phases: Sequence[str] | None, *, pictures: bool
) -> Sheet:
    how = {**about, "versions": packing.versions()}
    return drawn(found, how, phases) if pictures else numbers(found, how)


def require_space(folder: Path, reserve: int = RESERVE) -> None:
    """Leave the last of a disk to the training, and a disk alone that takes nothing.

    A disk that fills up or becomes read-only while TensorBoard's writer is at work ends that writer
    for good, and with the writer the training that shares it.

    Raises:
        StoreError: less than ``reserve`` bytes are free, or nothing can be written.
    """
    if not os.access(folder, os.W_OK):
        why = "is read-only, or belongs to somebody else" if folder.exists() else "is gone"
        raise StoreError(
            f"{folder} cannot be written any more: it {why}; "
            "the monitor writes again as soon as it can be"
        )
    if shutil.disk_usage(folder).free < reserve:
        raise StoreError(
            f"no space left for the monitor: the disk of {folder} has less than "
            f"{reserve >> 20} MB free, which is left to the training; free some, or lower keep"
        )


def writable(folder: Path) -> Path:
    """The folder, made and tried out.

    Raises:
        StoreError: nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StoreError(
            f"the run directory {folder} cannot be written ({error}); name another run_dir"
        ) from error
    return folder


def _known_strategies(run_dir: Location) -> Timeline:
    """Those of the latest round on disk, so that a resumed run goes on with their numbers."""
    latest = list(store.rounds(run_dir).values())[-1:]
    return store.read_timeline(latest[0]) if latest else Timeline()
