"""What there is to analyse: checkpoints and recordings, found and read without running anything.

Looking at a file reads its table of contents and its JSON, never its tensors or frames. A file that
is broken or refused becomes a `Problem`, and the others go on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from rlmonitor.errors import (
    CheckpointError,
    ConfigurationError,
    RlmonitorError,
    UnknownNameError,
)
from rlmonitor.games import GAMES
from rlmonitor.lrp import Network, network_of
from rlmonitor.replay import architectures, checkpoints
from rlmonitor.replay.datasets import is_dataset
from rlmonitor.replay.files import exists, inside, is_folder, natural, opened
from rlmonitor.replay.frames import (
    BUFFER,
    DATASET,
    LOOKS,
    ON_REQUEST,
    VIDEO,
    RecordingFile,
    look_at_dataset,
)
from rlmonitor.replay.sb3_zip import look_at_agent, trusted_policy
from rlmonitor.replay.training_state import is_training_state, saved_timesteps
from rlmonitor.replay.videos import checked_skip
from rlmonitor.replay.weights import look_at_state, trusted_state

FRAME_SKIP = 4
"""Frames of a video in a step, as in training on Atari games (Mnih et al. 2015)."""

DEEPEST = 4
"""Folders within folders that are looked into."""

AGENT, OURS, STATE, TRAINING = "stable-baselines3", "rlmonitor", "state dict", "training state"
"""Kinds of checkpoints: an agent's zip, a Q-network of `rlmonitor.replay.checkpoints`, tensors, and
what a training goes on from (`rlmonitor.replay.training_state`)."""


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
        paths: files, folders of them, runs, or URLs of these. Videos and ``.npz`` files are taken
            where they are named, not out of folders.
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
        return look_at_dataset(path)
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
    known = _suffix(path) in _LOOKS and (asked or _suffix(path) not in ON_REQUEST)
    if known or is_dataset(path) or (asked and not is_folder(path)):
        try:
            return [look(path, trust)]
        except RlmonitorError as error:
            return [Problem(path, str(error))]
    if not is_folder(path) or depth > DEEPEST:
        return []
    found: list[CheckpointFile | RecordingFile | Problem] = []
    for each in inside(path):
        if each.rpartition("/")[2] not in _NOT_SOURCES:
            found += _found(each, trust=trust, asked=False, depth=depth + 1)
    if asked and not found:
        return [Problem(path, f"{path} holds no checkpoint and no recording")]
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


_LOOKS: Mapping[str, Callable[[str, bool], CheckpointFile | RecordingFile]] = {
    ".zip": _look_at_zip,
    ".safetensors": _look_at_safetensors,
    ".pth": _look_at_state,
    ".pt": _look_at_state,
    **LOOKS,
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
