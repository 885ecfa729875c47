"""Recordings of every kind: what they are, found without reading their frames, and some frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import CheckpointError, ConfigurationError
from rlmonitor.probe import load_probe
from rlmonitor.recording import Recording
from rlmonitor.replay.buffers import open_buffer, read_buffer
from rlmonitor.replay.datasets import open_dataset, read_dataset
from rlmonitor.replay.screens import USUAL_SHAPE, Shape, with_elements
from rlmonitor.replay.store import count_frames, read_attributes, read_recording
from rlmonitor.replay.videos import SUFFIXES, look_at_video, read_video

RECORDING, ROUND, PROBE = "recording", "round", "probe"
"""Kinds of recordings: of ``rlmonitor record``, the play of a round, the frames of all rounds."""

BUFFER, DATASET, VIDEO, PROBE_FILE = "replay buffer", "Minari dataset", "video", "probe file"
"""Kinds of others' recordings, and a probe as one ``.npz`` file."""

SPREAD = frozenset({BUFFER, DATASET})
"""Kinds of which only a sample is explained: they may hold millions of frames."""


@dataclass(frozen=True)
class RecordingFile:
    """Frames that somebody recorded.

    Attributes:
        path: of the file or folder, or its URL.
        kind: ``RECORDING``, ``ROUND``, ``PROBE``, ``BUFFER``, ``DATASET``, ``VIDEO`` or
            ``PROBE_FILE``.
        frames: how many there are.
        game: whose elements pixels may tell of, a key of `rlmonitor.games.GAMES`; empty if nobody
            knows it.
        frame_skip: frames of a video in a step of the agent.
        compressed: whether the frames went through JPEG or a video.
        notes: what one should know before believing it.
    """

    path: str
    kind: str
    frames: int
    game: str = ""
    frame_skip: int = 1
    compressed: bool = False
    notes: tuple[str, ...] = ()


def read_frames(
    recording: RecordingFile, start: int, stop: int, shape: Shape = USUAL_SHAPE
) -> Recording:
    """Some frames of a recording; memory is bounded by these and by the file's chunks.

    Args:
        recording: as `find_sources` found it.
        start: the first frame.
        stop: past the last one.
        shape: of the observations that the network takes, for frames that must be made so.

    Raises:
        ConfigurationError: frames that the recording does not have.
        CheckpointError: somebody else's file that is broken.
        ObservationError: observations of another shape.
        StoreError: it cannot be read.
    """
    if not 0 <= start < stop <= recording.frames:
        raise ConfigurationError(
            f"frames {start} to {stop} of {recording.path}: expected a part of 0 to "
            f"{recording.frames}"
        )
    if recording.kind in _PARTS:
        return read_recording(recording.path, _PARTS[recording.kind], slice(start, stop))
    return read_some(recording, np.arange(start, stop), shape)


def read_some(
    recording: RecordingFile, index: NDArray[np.int64], shape: Shape = USUAL_SHAPE
) -> Recording:
    """Frames of somebody else's recording that need not be neighbours, in ascending order.

    Raises:
        CheckpointError: it is broken.
        ObservationError: observations of another shape.
    """
    if recording.kind == PROBE_FILE:
        return load_probe(recording.path).select(index)
    read = {BUFFER: read_buffer, DATASET: read_dataset}
    if recording.kind == VIDEO:
        found = read_video(recording.path, index, shape, recording.frame_skip)
    else:
        found = read[recording.kind](recording.path, index, shape)
    return with_elements(found, recording.game, compressed=recording.compressed)


_PARTS = {RECORDING: "play", ROUND: "play", PROBE: "probe"}


def _look_at_zarr(path: str, trust: bool) -> RecordingFile:
    attributes = read_attributes(path)
    if attributes.get("kind") == RECORDING:
        kind = RECORDING
    else:
        kind = ROUND if "timestep" in attributes else PROBE
    return RecordingFile(path, kind, count_frames(path, _PARTS[kind]))


def _look_at_pickle(path: str, trust: bool) -> RecordingFile:
    if not trust:
        raise CheckpointError(
            f"{path} is a pickle, such as a replay buffer of stable-baselines3: reading it would "
            "run what it says, so it is refused; --trust it if you know where it is from, or "
            "record the agent anew with rlmonitor record"
        )
    buffer = open_buffer(path)
    row = buffer.observations[0, 0].nbytes
    note = (
        f"of its {len(buffer):,} frames, {len(buffer) * row / 1e9:.2g} GB, only those that are "
        f"explained are read, {row:,} bytes each; its rewards are those that the training saw"
    )
    return RecordingFile(path, BUFFER, len(buffer), notes=(note,))


def look_at_dataset(path: str) -> RecordingFile:
    """A Minari dataset.

    Raises:
        CheckpointError: it is broken, or holds no images.
        DependencyError: the extra ``minari`` is missing.
    """
    dataset = open_dataset(path)
    notes: tuple[str, ...] = ()
    if dataset.jpeg:
        notes = (
            "its frames went through JPEG, which changes about a quarter of the values: maps and "
            "Q-values are near those of the game, not equal; write it with jpeg_encoding=False",
        )
    return RecordingFile(
        path, DATASET, len(dataset), dataset.game, compressed=dataset.jpeg, notes=notes
    )


def _look_at_video(path: str, trust: bool) -> RecordingFile:
    video = look_at_video(path)
    note = (
        "a video's compression changes pixels, so maps and Q-values are near those of the game, "
        "not equal; actions and rewards are unknown: the greedy action stands for both"
    )
    return RecordingFile(path, VIDEO, video.frames, compressed=True, notes=(note,))


def _look_at_probe(path: str, trust: bool) -> RecordingFile:
    return RecordingFile(path, PROBE_FILE, len(load_probe(path)))


LOOKS: Mapping[str, Callable[[str, bool], RecordingFile]] = {
    ".zarr": _look_at_zarr,
    ".pkl": _look_at_pickle,
    ".pickle": _look_at_pickle,
    ".npz": _look_at_probe,
    **dict.fromkeys(SUFFIXES, _look_at_video),
}
"""By the end of the name: path, and whether it is trusted, to what it is; a `CheckpointError` if it
is broken, foreign or refused."""

ON_REQUEST = frozenset({".npz", *SUFFIXES})
"""Ends of names that other programs put beside checkpoints: taken only where they are named."""
