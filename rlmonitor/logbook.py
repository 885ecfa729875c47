"""What rounds leave behind in a run's folder: curves, clips, strategies, events, the round itself.

Whoever makes rounds, a training's monitor or a replay, hands them over here in ascending order of
their timesteps.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rlmonitor.board import tags
from rlmonitor.board.embedding import drawn_strategies, show_strategies
from rlmonitor.board.overview import strategy_overview
from rlmonitor.board.page import show_events, show_round
from rlmonitor.board.round_clips import play_clip, probe_clip
from rlmonitor.board.scalars import round_scalars
from rlmonitor.board.writer import BoardWriter
from rlmonitor.errors import StoreError
from rlmonitor.replay import store
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
from rlmonitor.strategy.history import History
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
    ) -> None:
        """Show a round in TensorBoard and put it on disk.

        Args:
            found: the round.
            phases: a name for each frame of the probe.
            attributes: how the round was made, besides its seed: settings and the like, as JSON.

        Raises:
            StoreError: the round could not be written to disk; TensorBoard has it all the same.
        """
        if found.strategies is not None:
            self.timeline = found.strategies.timeline
        try:
            self._show(found, phases, attributes or {})
        finally:
            self._store(found, attributes or {})

    def notice(self, found: Round) -> tuple[Event, ...]:
        """Add a round to the run's history, and say what begins with it.

        Raises:
            StoreError: the history could not be written.
        """
        require_space(self.run_dir, SMALL_RESERVE)
        summary = summary_of(found)
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

    def _show(
        self, found: Round, phases: Sequence[str] | None, attributes: Mapping[str, Any]
    ) -> None:
        require_space(self.writer.directory)
        play = found.play
        if self._first:
            elements = [*play.recording.masks, *play.recording.outside]
            self.writer.layout(
                elements, play.recording.observation.shape[1] // play.recording.colours
            )
            self._first = False
        self.writer.scalars(round_scalars(found), found.timestep)
        self.writer.clip(tags.RELEVANCE_PLAY, play_clip(found), found.timestep)
        if found.probe is not None:
            gif = probe_clip(found.probe, found, phases)
            self.writer.clip(tags.RELEVANCE_PROBE, gif, found.timestep)
        overview = strategy_overview(found)
        if overview is not None:
            self.writer.picture(tags.STRATEGY_OVERVIEW, overview, found.timestep)
        drawn = drawn_strategies(found.strategies, seed=self._seed)
        show_strategies(self.writer.directory, found, drawn)
        how = {**attributes, "seed": self._seed, "versions": store.versions()}
        show_round(self.writer, found, drawn, how=how, phases=phases)
        self.writer.flush()

    def _store(self, found: Round, attributes: Mapping[str, Any]) -> None:
        if self._keep == 0:
            return
        require_space(self.run_dir)
        store.write_round(self._rounds, found, {"seed": self._seed, **attributes})
        if self._keep is not None:
            store.keep_latest(self._rounds, self._keep)


def require_space(folder: Path, reserve: int = RESERVE) -> None:
    """Leave the last of a disk to the training.

    A disk that fills up while TensorBoard's writer is at work ends that writer for good, and with
    the writer the training that shares it.

    Raises:
        StoreError: less than ``reserve`` bytes are free.
    """
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
