"""Any clip of a run as a file: as it stands in the event file, or drawn again from its round."""

from __future__ import annotations

from pathlib import Path

from rlmonitor.board import tags
from rlmonitor.board.mp4 import write_mp4
from rlmonitor.board.round_clips import play_clip, probe_clip
from rlmonitor.errors import ConfigurationError, UnknownNameError
from rlmonitor.probe import phases_of
from rlmonitor.replay.event_files import clips
from rlmonitor.replay.files import Location
from rlmonitor.replay.runs import Run
from rlmonitor.replay.store import read_analysis, read_attributes, read_parts
from rlmonitor.replay.whole_file import whole_file
from rlmonitor.round import Round

PARTS = {tags.RELEVANCE_PLAY: "clip", tags.RELEVANCE_PROBE: "probe"}
"""Clips that a round on disk holds all of, and the part that it is drawn from."""
SUFFIXES = (".mp4", ".gif")


def export_clip(run: Run, wanted: str, path: Path) -> int:
    """Write a clip as MP4, or as the GIF that it is.

    Args:
        run: whose.
        wanted: ``TAG`` for its latest, or ``TAG@TIMESTEP``, such as ``relevance/play@50000``.
        path: a name that ends in ``.mp4`` or ``.gif``.

    Returns:
        The clip's timestep.

    Raises:
        ConfigurationError: another suffix, or no clip at that timestep.
        UnknownNameError: no clip of that tag.
        DependencyError: the extra ``video`` is missing.
        StoreError: it cannot be read or written.
    """
    if path.suffix not in SUFFIXES:
        raise ConfigurationError(f"{path}: a clip's file ends in {' or '.join(SUFFIXES)}")
    gif, timestep = find_clip(run, *parse_clip(wanted))
    with whole_file(path) as temporary:
        if path.suffix == ".gif":
            temporary.write_bytes(gif)
        else:
            write_mp4(gif, temporary)
    return timestep


def parse_clip(wanted: str) -> tuple[str, int | None]:
    """Tag and timestep.

    >>> parse_clip("relevance/play@50000"), parse_clip("relevance/probe")
    (('relevance/play', 50000), ('relevance/probe', None))

    Raises:
        ConfigurationError: what stands behind the @ is no timestep.
    """
    tag, at, step = wanted.rpartition("@")
    if not at:
        return wanted, None
    if not step.isdecimal():
        raise ConfigurationError(f"{wanted}: expected TAG or TAG@TIMESTEP, as relevance/play@50000")
    return tag, int(step)


def find_clip(run: Run, tag: str, timestep: int | None) -> tuple[bytes, int]:
    """The GIF of a clip, and its timestep: the latest one unless it is given.

    Raises:
        UnknownNameError: no clip of that tag.
        ConfigurationError: none at that timestep.
        StoreError: it cannot be read.
    """
    stored = clips(run.path)
    drawable = {
        (each, step)
        for step, path in run.rounds.items()
        for each, part in PARTS.items()
        if part in read_parts(path)
    }
    known = {step for each, step in stored.keys() | drawable if each == tag}
    if not known:
        raise UnknownNameError("clip", tag, {each for each, _ in stored.keys() | drawable})
    chosen = max(known) if timestep is None else timestep
    if chosen not in known:
        listed = ", ".join(map(str, sorted(known)))
        raise ConfigurationError(f"no clip {tag} at timestep {chosen} in {run.name}; at: {listed}")
    if (tag, chosen) in stored:
        return stored[tag, chosen], chosen
    return render_again(run.rounds[chosen], tag), chosen


def render_again(path: Location, tag: str) -> bytes:
    """Draw a clip from the maps of a round on disk, which have half precision.

    Raises:
        StoreError: the round cannot be read.
    """
    part = read_analysis(path, PARTS[tag])
    attributes = read_attributes(path)
    found = Round(
        timestep=int(attributes["timestep"]),
        composite=str(attributes["composite"]),
        play=part,
        clip=part,
        probe=part,
        random=None,
        random_similarity={},
    )
    if tag == tags.RELEVANCE_PLAY:
        return play_clip(found)
    return probe_clip(part, found, phases_of(part.recording))
