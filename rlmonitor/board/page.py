"""Writes a round for the Strategies page, beside what TensorBoard's own tabs show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rlmonitor.board.page_data import EVENTS, PARTS, ROUND, dump
from rlmonitor.board.page_round import (
    clip_part,
    events_record,
    play_part,
    probe_part,
    round_record,
)
from rlmonitor.board.writer import BoardWriter
from rlmonitor.round import Round
from rlmonitor.strategy.events import Event
from rlmonitor.strategy.spray import Embedding


def show_round(
    writer: BoardWriter,
    found: Round,
    drawn: Embedding | None,
    *,
    how: Mapping[str, Any],
    phases: Sequence[str] | None = None,
) -> None:
    """Write numbers and pictures of a round.

    Args:
        writer: where to.
        found: the round.
        drawn: the maps of its play on a plane.
        how: JSON of how it was made: settings, versions, seed.
        phases: a name for each frame of the probe.

    Raises:
        StoreError: the event file cannot be written.
    """
    step = found.timestep
    writer.part(PARTS["clip"], clip_part(found), step)
    if found.probe is not None:
        writer.part(PARTS["probe"], probe_part(found.probe, step, phases), step)
    writer.part(PARTS["play"], play_part(found.play, step, found.strategies, drawn), step)
    # last, so that whoever sees the round finds its pictures
    writer.record(ROUND, dump(round_record(found, how)), step)


def show_events(writer: BoardWriter, timestep: int, events: Iterable[Event]) -> None:
    """Write those of some events that are of a timestep.

    Raises:
        StoreError: the event file cannot be written.
    """
    own = [event for event in events if event.timestep == timestep]
    writer.record(EVENTS, dump(events_record(timestep, own)), timestep)
    writer.flush()
