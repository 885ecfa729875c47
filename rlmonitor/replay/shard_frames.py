"""The frames of a shard as a network takes them; the last shard that was read is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rlmonitor.errors import ObservationError
from rlmonitor.lrp import Network
from rlmonitor.recording import Recording
from rlmonitor.replay.frames import SPREAD, VIDEO, RecordingFile, read_frames, read_some
from rlmonitor.replay.jobs import Job
from rlmonitor.replay.screens import USUAL_SHAPE, Shape, named_actions
from rlmonitor.replay.shards import BLOCK, Shard
from rlmonitor.strategy.counterfactuals import Backdrop, Removal, remove_elements


def explained(job: Job, shard: Shard, network: Network) -> tuple[Recording, Sequence[int]]:
    """The frames of a shard that are explained, and which of them belong to the sample."""
    if shard.recording.kind not in SPREAD:
        return neighbours(job, shard, network), shard.sample
    index = shard.start + np.array(shard.sample, np.int64)
    return _for(network, read_some(shard.recording, index, shape_of(network))), range(len(index))


def neighbours(job: Job, shard: Shard, network: Network) -> Recording:
    """All frames of a shard."""
    found = _read(job, shard, shape_of(network))
    if shard.recording.kind == VIDEO:
        blocks = range(0, len(found), BLOCK)
        seen = found.policy_observation
        greedy = [network.forward(seen[i : i + BLOCK]).argmax(1).cpu().numpy() for i in blocks]
        found = replace(found, action=np.concatenate(greedy).astype(np.int64))
    return _for(network, found)


def removal_of(job: Job, shard: Shard, frames: Recording) -> Removal | None:
    """A shard's frames without its elements, which are the same for every network.

    Args:
        job: the replay.
        shard: where the frames are.
        frames: from `neighbours`.
    """
    key = (job.name, shard.recording, shard.start, shard.stop, frames.observation.shape[1:])
    if key not in _removal:
        _removal.clear()
        _removal[key] = remove_elements(Backdrop(frames))
    return _removal[key]


Key = tuple[str, RecordingFile, int, int, tuple[int, ...]]

_latest: dict[Key, Recording] = {}
"""The shard that this process read last, at most one: the next checkpoint often needs it too."""

_removal: dict[Key, Removal | None] = {}
"""Of the shard that a clip was last taken of, at most one."""


def _read(job: Job, shard: Shard, shape: Shape) -> Recording:
    """All frames of a shard as they are stored; kept until another shard or replay comes."""
    key = (job.name, shard.recording, shard.start, shard.stop, shape)
    if key not in _latest:
        _latest.clear()  # first, so that no more than one shard is held
        _latest[key] = read_frames(shard.recording, shard.start, shard.stop, shape)
    return _latest[key]


def _for(network: Network, recording: Recording) -> Recording:
    """A recording with names for the network's actions, if it has none."""
    if recording.action_meanings:
        return recording
    return named_actions(recording, network.n_outputs)


def shape_of(network: Network) -> Shape:
    """Of the images that a network takes.

    Raises:
        ObservationError: it takes something else.
    """
    shape = network.observation_shape or USUAL_SHAPE
    if len(shape) != 3:
        raise ObservationError(f"the network takes {list(shape)}, expected images [C, H, W]")
    return (shape[0], shape[1], shape[2])
