"""All that TensorBoard gets of a round: drawn anywhere, written by whoever has the event file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rlmonitor.board import tags
from rlmonitor.board.embedding import drawn_strategies, projected_strategies
from rlmonitor.board.overview import strategy_overview
from rlmonitor.board.page import Page, page_of, record_of, show_page
from rlmonitor.board.projector import write_files
from rlmonitor.board.round_clips import play_clip, probe_clip
from rlmonitor.board.scalars import round_scalars
from rlmonitor.board.writer import BoardWriter
from rlmonitor.round import Round


@dataclass(frozen=True)
class Sheet:
    """What TensorBoard gets of one round, encoded.

    Attributes:
        timestep: of the round.
        elements: names of what is on the screen, the ones outside the disjoint ones last.
        stack: frames of an observation.
        scalars: tag to value.
        page: for the Strategies page.
        clips: tag to GIF.
        overview: of the strategies, as a PNG; None where there are none.
        embedding: the projector's files; none where there is no embedding.
    """

    timestep: int
    elements: tuple[str, ...]
    stack: int
    scalars: Mapping[str, float]
    page: Page
    clips: Mapping[str, bytes] = field(default_factory=dict)
    overview: bytes | None = None
    embedding: Mapping[str, bytes] = field(default_factory=dict)


def drawn(found: Round, about: Mapping[str, Any], phases: Sequence[str] | None = None) -> Sheet:
    """Draw a round.

    Args:
        found: the round.
        about: how it was made and by which versions, as JSON; its ``seed`` is also that of the
            picture of the strategies.
        phases: a name for each frame of the probe.
    """
    clips = {tags.RELEVANCE_PLAY: play_clip(found)}
    if found.probe is not None:
        clips[tags.RELEVANCE_PROBE] = probe_clip(found.probe, found, phases)
    plane = drawn_strategies(found.strategies, seed=about["seed"])
    return replace(
        numbers(found, about),
        clips=clips,
        overview=strategy_overview(found),
        embedding=projected_strategies(found, plane),
        page=page_of(found, plane, how=about, phases=phases),
    )


def numbers(found: Round, about: Mapping[str, Any]) -> Sheet:
    """A round without its pictures, which take most of the time; arguments as above."""
    play = found.play.recording
    return Sheet(
        timestep=found.timestep,
        elements=(*play.masks, *play.outside),
        stack=play.observation.shape[1] // play.colours,
        scalars=round_scalars(found),
        page=Page({}, record_of(found, how=about)),
    )


def show_sheet(writer: BoardWriter, sheet: Sheet, *, first: bool = False) -> None:
    """Write a drawn round.

    Args:
        writer: where to.
        sheet: the round.
        first: whether it is the first one of this writer, which groups the curves.

    Raises:
        StoreError: the event file cannot be written.
        OSError: the folder of the embeddings cannot be written.
    """
    if first:
        writer.layout(sheet.elements, sheet.stack)
    writer.scalars(sheet.scalars, sheet.timestep)
    for tag, gif in sheet.clips.items():
        writer.clip(tag, gif, sheet.timestep)
    if sheet.overview is not None:
        writer.picture(tags.STRATEGY_OVERVIEW, sheet.overview, sheet.timestep)
    if sheet.embedding:
        write_files(writer.directory, sheet.timestep, sheet.embedding)
    show_page(writer, sheet.timestep, sheet.page)
    writer.flush()
