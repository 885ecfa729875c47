"""What there is to analyse: checkpoints and recordings, found and read without running anything.

Looking at a file reads its table of contents and its JSON, never its tensors or frames. A file that
is broken or refused becomes a `Problem`, and the others go on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rlmonitor.errors import (
    CheckpointError,
    ConfigurationError,
    RlmonitorError,
    UnknownNameError,
)
from rlmonitor.games import GAMES
from rlmonitor.lrp import Network, network_of
from rlmonitor.probe import load_probe
from rlmonitor.recording import Recording
from rlmonitor.replay import architectures, checkpoints
from rlmonitor.replay.buffers import open_buffer, read_buffer
from rlmonitor.replay.datasets import is_dataset, open_dataset, read_dataset
from rlmonitor.replay.files import exists, inside, is_folder, natural, opened
from rlmonitor.replay.sb3_zip import look_at_agent, trusted_policy
from rlmonitor.replay.screens import USUAL_SHAPE, Shape, with_elements
from rlmonitor.replay.store import count_frames, read_attributes, read_recording
from rlmonitor.replay.training_state import is_training_state, saved_timesteps
from rlmonitor.replay.videos import SUFFIXES, checked_skip, look_at_video, read_video
from rlmonitor.replay.weights import look_at_state, trusted_state

FRAME_SKIP = 4
"""Frames of a video in a step, as in training on Atari games (Mnih et al. 2015)."""

DEEPEST = 4
"""Folders within folders that are looked into."""

AGENT, OURS, STATE, TRAINING = "stable-baselines3", "rlmonitor", "state dict", "training state"
"""Kinds of checkpoints: an agent's zip, a Q-network of `rlmonitor.replay.checkpoints`, tensors, and
what a training goes on from (`rlmonitor.replay.training_state`)."""

RECORDING, ROUND, PROBE = "recording", "round", "probe"
"""Kinds of recordings: of ``rlmonitor record``, the play of a round, the frames of all rounds."""

BUFFER, DATASET, VIDEO, PROBE_FILE = "replay buffer", "Minari dataset", "video", "probe file"
"""Kinds of others' recordings, and a probe as one ``.npz`` file."""

SPREAD = frozenset({BUFFER, DATASET})
"""Kinds of which only a sample is explained: they may hold millions of frames."""


@dataclass(frozen=True)
class CheckpointFile:
    """A network at one moment of its training.

    Attributes:
        path: of the file, or its URL.
        timestep: how long it had been trained, as the file says, else the last number in its name;
            None if there is none.
        kind: ``AGENT``, ``OURS``, ``STATE`` or ``TRAINING``.
        game: that it was trained on, as the file says; empty if it does not.
    """

    path: str
    timestep: int | None
    kind: str
    game: str = ""


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


@dataclass(frozen=True)
class Problem:
    """A file that is left out.

    Attributes:
        path: of the file.
        what: why, in one line.
    """

    path: str
    what: str


@dataclass(frozen=True)
class Sources:
    """What was found.

    Attributes:
        checkpoints: by their timesteps; those without one last, in the order of their names.
        recordings: in the order given, within a folder by name.
        problems: what is broken or refused.
    """

    checkpoints: tuple[CheckpointFile, ...]
    recordings: tuple[RecordingFile, ...]
    problems: tuple[Problem, ...]


def find_sources(
    paths: Sequence[str],
    *,
    trust: bool = False,
    game: str | None = None,
    frame_skip: int = FRAME_SKIP,
) -> Sources:
    """Find the checkpoints and recordings that paths lead to.

    Args:
        paths: files, folders of them, runs, or URLs of these.
        trust: take files that can only be unpickled, which may run anything.
        game: what buffers and videos show; by default what the checkpoints were trained on, if they
            tell and agree.
        frame_skip: frames of a video in a step of the agent.

    Raises:
        UnknownNameError: no game of that name.
        ConfigurationError: a path that leads nowhere, a folder that cannot be listed, or a frame
            skip that cannot be.
    """
    if game is not None and game not in GAMES:
        raise UnknownNameError("game", game, GAMES)
    checked_skip(frame_skip)
    found: list[CheckpointFile | RecordingFile | Problem] = []
    for path in paths:
        if not exists(path):
            raise ConfigurationError(f"{path} does not exist: expected a file or a folder")
        found += _found(path, trust=trust, asked=True, depth=0)
    unique = list(dict.fromkeys(found))
    own = [each for each in unique if isinstance(each, CheckpointFile)]
    own.sort(key=lambda each: (each.timestep is None, each.timestep or 0, natural(each.path)))
    known = {each.game for each in own if each.game}
    shown = game or (known.pop() if len(known) == 1 else "")
    told = [
        _told(each, shown, frame_skip) for each in unique if not isinstance(each, CheckpointFile)
    ]
    return Sources(
        tuple(own),
        tuple(each for each in told if isinstance(each, RecordingFile)),
        tuple(each for each in told if isinstance(each, Problem)),
    )


def _told(found: RecordingFile | Problem, game: str, frame_skip: int) -> RecordingFile | Problem:
    """A recording with what was said of it."""
    if isinstance(found, Problem) or found.kind not in (BUFFER, DATASET, VIDEO):
        return found
    found = replace(found, game=found.game or game)
    if found.kind != VIDEO:
        return found
    steps = found.frames // frame_skip
    if not steps:
        return Problem(
            found.path, f"{found.frames} frames are no step of {frame_skip}, see --frame-skip"
        )
    return replace(found, frames=steps, frame_skip=frame_skip)


def load_network(
    checkpoint: CheckpointFile | str, *, architecture: str | None = None, trust: bool = False
) -> Network:
    """The network of a checkpoint; nothing is unpickled unless the file is trusted.

    A pure function of one file with arguments that can be sent to other processes.

    Args:
        checkpoint: or its path.
        architecture: ``nips``, ``nature`` or ``module:Class``, for tensors that do not tell what
            they compute. Of an agent's zip it is the class of the features extractor.
        trust: let stable-baselines3 or torch unpickle what cannot be read otherwise.

    Raises:
        CheckpointError: it is broken, foreign or refused.
        UnknownNameError: no such architecture.
        ConfigurationError: a ``module:Class`` that does not fit.
        UnsupportedLayerError: a layer that cannot be explained.
    """
    path = checkpoint if isinstance(checkpoint, str) else checkpoint.path
    kind = checkpoint.kind if isinstance(checkpoint, CheckpointFile) else look(path, trust).kind
    if kind == AGENT:
        return _agent_network(path, architecture, trust)
    if kind == OURS and architecture is None:
        return network_of(checkpoints.q_network(checkpoints.load_checkpoint(path)))
    if kind == TRAINING:
        raise CheckpointError(
            f"{path} is what a training goes on from, with rlmonitor train --resume: expected a "
            "network, such as those in the folder checkpoints beside it"
        )
    if kind not in (OURS, STATE):
        raise CheckpointError(f"{path} is a {kind}, expected a checkpoint")
    if architecture is None:
        raise CheckpointError(f"{path} {_BARE}{_hint(path)}")
    state = _state(path, trust)
    return network_of(architectures.named_module(architecture, state, path))


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

_BARE = (
    "holds tensors alone, which do not tell what they compute: name the network with "
    "--architecture nips, nature or module:Class"
)


def look(path: str, trust: bool = False) -> CheckpointFile | RecordingFile:
    """What a file is, from its first bytes and its table of contents.

    Raises:
        CheckpointError: it is broken, foreign or refused.
    """
    if is_dataset(path):
        return _look_at_dataset(path)
    suffix = _suffix(path)
    if suffix not in _LOOKS:
        raise CheckpointError(
            f"{path} is of no kind that can be analysed: expected {', '.join(_LOOKS)}"
        )
    return _LOOKS[suffix](path, trust)


def _found(
    path: str, *, trust: bool, asked: bool, depth: int
) -> list[CheckpointFile | RecordingFile | Problem]:
    """What one path leads to; files of other kinds are a problem only if they were asked for."""
    if _suffix(path) in _LOOKS or is_dataset(path) or (asked and not is_folder(path)):
        try:
            return [look(path, trust)]
        except RlmonitorError as error:
            return [Problem(path, str(error))]
    if not is_folder(path) or depth > DEEPEST:
        return []
    found = []
    for each in inside(path):
        if each.rpartition("/")[2] not in _NOT_SOURCES:
            found += _found(each, trust=trust, asked=False, depth=depth + 1)
    return found


_NOT_SOURCES = frozenset({"training.safetensors"})
"""What a run keeps to go on from: the same network as its last checkpoint."""


def _suffix(path: str) -> str:
    name = path.rstrip("/").rpartition("/")[2]
    return "." + name.rpartition(".")[2].lower() if "." in name else ""


def _look_at_zip(path: str, trust: bool) -> CheckpointFile:
    with opened(path) as file:
        try:
            timesteps = look_at_agent(file, path).timesteps
        except CheckpointError:
            if not trust:
                raise
            return CheckpointFile(path, _number_in(path), AGENT)
    return CheckpointFile(path, timesteps, AGENT)


def _look_at_safetensors(path: str, trust: bool) -> CheckpointFile:
    metadata = checkpoints.read_header(path).metadata
    if is_training_state(metadata):
        return CheckpointFile(path, saved_timesteps(metadata, path), TRAINING)
    is_ours = {"network", "game", "timesteps"} <= metadata.keys()
    told = metadata.get("timesteps", "")
    timestep = int(told) if told.isdecimal() and len(told) < 20 else _number_in(path)
    game = metadata["game"] if is_ours else ""
    return CheckpointFile(path, timestep, OURS if is_ours else STATE, game)


def _look_at_state(path: str, trust: bool) -> CheckpointFile:
    if not trust:
        with opened(path) as file:
            look_at_state(file, path)
    return CheckpointFile(path, _number_in(path), STATE)


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


def _look_at_dataset(path: str) -> RecordingFile:
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


_LOOKS: Mapping[str, Callable[[str, bool], CheckpointFile | RecordingFile]] = {
    ".zip": _look_at_zip,
    ".safetensors": _look_at_safetensors,
    ".pth": _look_at_state,
    ".pt": _look_at_state,
    ".zarr": _look_at_zarr,
    ".pkl": _look_at_pickle,
    ".pickle": _look_at_pickle,
    ".npz": _look_at_probe,
    **dict.fromkeys(SUFFIXES, _look_at_video),
}
"""By the end of the name."""


def _number_in(path: str) -> int | None:
    """The last number in a file's name.

    >>> _number_in("run3/rl_model_50000_steps.pth")
    50000
    """
    numbers = re.findall(r"\d+", path.rpartition("/")[2].rpartition(".")[0])
    return int(numbers[-1]) if numbers and len(numbers[-1]) < 20 else None


def _agent_network(path: str, architecture: str | None, trust: bool) -> Network:
    extractor = None if architecture is None else architectures.extractor_class(architecture)
    with opened(path) as file:
        try:
            policy = look_at_agent(file, path).policy(extractor)
        except CheckpointError:
            if not trust:
                raise
            policy = trusted_policy(file, path)
    return network_of(policy)


def _state(path: str, trust: bool) -> dict[str, Tensor]:
    if _suffix(path) == ".safetensors":
        return checkpoints.read_tensors(path)[0]
    with opened(path) as file:
        try:
            return look_at_state(file, path).load()
        except CheckpointError:
            if not trust:
                raise
            return trusted_state(file, path)


def _hint(path: str) -> str:
    """Which architectures would fit."""
    if _suffix(path) == ".safetensors":
        shapes: Mapping[str, tuple[int, ...]] = checkpoints.read_header(path).shapes
    else:
        with opened(path) as file:
            shapes = look_at_state(file, path).shapes
    names = architectures.fitting(shapes)
    return f" (its shapes are those of {' and '.join(names)})" if names else ""
