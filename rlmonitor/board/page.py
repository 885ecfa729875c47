"""Writes a round for the Strategies page, beside what TensorBoard's own tabs show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
from rlmonitor.strategy.embedding import Embedding
from rlmonitor.strategy.events import Event


@dataclass(frozen=True)
class Page:
    """A round as the page gets it.

    Attributes:
        parts: tag to byte strings.
        record: the numbers, as JSON.
    """

    parts: Mapping[str, list[bytes]]
    record: str


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
    show_page(writer, found.timestep, page_of(found, drawn, how=how, phases=phases))


def page_of(
    found: Round,
    drawn: Embedding | None,
    *,
    how: Mapping[str, Any],
    phases: Sequence[str] | None = None,
) -> Page:
    """Numbers and pictures of a round, ready to be written; arguments as above."""
    step, parts = found.timestep, {PARTS["clip"]: clip_part(found)}
    if found.probe is not None:
        parts[PARTS["probe"]] = probe_part(found.probe, step, phases)
    parts[PARTS["play"]] = play_part(found.play, step, found.strategies, drawn)
    return Page(parts, record_of(found, how=how))


def record_of(found: Round, *, how: Mapping[str, Any]) -> str:
    """Numbers of a round, as JSON; arguments as above."""
    return dump(round_record(found, how))


def show_page(writer: BoardWriter, step: int, page: Page) -> None:
    """Write what `page_of` made.

    Raises:
        StoreError: the event file cannot be written.
    """
    for tag, blobs in page.parts.items():
        writer.part(tag, blobs, step)
    # last, so that whoever sees the round finds its pictures
    writer.record(ROUND, page.record, step)


def show_events(writer: BoardWriter, timestep: int, events: Iterable[Event]) -> None:
    """Write those of some events that are of a timestep.

    Raises:
        StoreError: the event file cannot be written.
    """
    own = [event for event in events if event.timestep == timestep]
    writer.record(EVENTS, dump(events_record(timestep, own)), timestep)
    writer.flush()
