"""Recordings cut into shards, and what a network shows on each, to be merged in any order.

A shard bounds the memory of whoever explains it, whatever the size of the recording. What it leaves
is small: exact sums of the statistics over all of its frames (`rlmonitor.strategy.exact`), and the
maps of the few that belong to the sample, which is spread evenly over all shards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import ConfigurationError, ObservationError
from rlmonitor.lrp import Composite, Network
from rlmonitor.recording import Recording
from rlmonitor.replay.frames import SPREAD, RecordingFile
from rlmonitor.round import Analysis, analyse
from rlmonitor.strategy.exact import PooledSums, merged, statistics_of, sums
from rlmonitor.strategy.pooling import PooledFrames, concatenate, pool, select

BLOCK = 128
"""Frames whose maps are held at once."""


@dataclass(frozen=True)
class Shard:
    """Consecutive frames of one recording.

    Attributes:
        recording: where they are.
        start: the first one.
        stop: one past the last.
        sample: which of them, counted from ``start``, belong to the sample.
    """

    recording: RecordingFile
    start: int
    stop: int
    sample: tuple[int, ...]


@dataclass(frozen=True)
class ShardAnalysis:
    """What a network shows on one shard.

    Attributes:
        sums: target to the sums over all frames.
        sample: the frames of the sample with their maps, or None if none is in this shard.
        reward: Σ |reward|, by which the clip's shard is chosen.
        conservation_error: the largest of all frames.
    """

    sums: Mapping[str, PooledSums]
    sample: Analysis | None
    reward: float
    conservation_error: float


def shards_of(recordings: Sequence[RecordingFile], size: int, n_sample: int) -> tuple[Shard, ...]:
    """Cut recordings into shards of at most ``size`` frames.

    Of replay buffers and datasets only the shards with frames of the sample are kept, and of these
    only the sample is explained.

    Args:
        recordings: in order; a shard never holds frames of two.
        size: frames that one task reads.
        n_sample: frames of the sample, spread evenly over all recordings.

    Raises:
        ConfigurationError: no frames in a shard.
    """
    if size < 1:
        raise ConfigurationError(f"shard = {size}: expected frames, 1 or more")
    total = sum(recording.frames for recording in recordings)
    if not total:
        return ()
    chosen = np.unique(np.linspace(0, total - 1, min(n_sample, total)).round().astype(np.int64))
    shards, offset = [], 0
    for recording in recordings:
        for start in range(0, recording.frames, size):
            stop = min(start + size, recording.frames)
            own = chosen[(chosen >= offset + start) & (chosen < offset + stop)] - offset - start
            if recording.kind in SPREAD and not len(own):
                continue
            shards.append(Shard(recording, start, stop, tuple(int(i) for i in own)))
        offset += recording.frames
    return tuple(shards)


def explain_frames(
    network: Network,
    recording: Recording,
    sample: Sequence[int],
    *,
    composite: str | Composite,
    taken: bool = False,
) -> ShardAnalysis:
    """Explain every frame, a block at a time; keep the maps of the sample only.

    Raises:
        ObservationError: the recording does not fit the network.
        NonFiniteError: weights, outputs or relevance with NaN or infinity.
    """
    parts, kept, worst = [], [], 0.0
    for start in range(0, len(recording), BLOCK):
        frames = recording.select(slice(start, start + BLOCK))
        found = analyse(network, frames, composite=composite, taken=taken)
        parts.append({target: sums(pooled) for target, pooled in found.pooled.items()})
        worst = max(worst, found.conservation_error)
        own = [i - start for i in sample if start <= i < start + BLOCK]
        if own:
            kept.append(_at(found, np.array(own)))
    return ShardAnalysis(
        sums={target: merged([part[target] for part in parts]) for target in parts[0]},
        sample=_joined(kept) if kept else None,
        reward=float(np.abs(recording.reward).sum(dtype=np.float64)),
        conservation_error=worst,
    )


def busiest_shard(parts: Sequence[ShardAnalysis]) -> int:
    """The shard with most reward of either sign, the first of equals."""
    return int(np.argmax([part.reward for part in parts]))


def merge(parts: Sequence[ShardAnalysis]) -> Analysis:
    """What a network shows on all shards: statistics of every frame, maps of the sample.

    Args:
        parts: in the order of the shards.

    Raises:
        ObservationError: recordings with different elements.
    """
    sample = _joined([part.sample for part in parts if part.sample is not None])
    totals = {t: merged([part.sums[t] for part in parts]) for t in parts[0].sums}
    return Analysis(
        recording=sample.recording,
        relevance=sample.relevance,
        explained=sample.explained,
        outputs=sample.outputs,
        pooled=sample.pooled,
        statistics={target: statistics_of(total) for target, total in totals.items()},
        conservation_error=max(part.conservation_error for part in parts),
    )


def _at(found: Analysis, index: NDArray[np.int64]) -> Analysis:
    return Analysis(
        recording=found.recording.select(index),
        relevance={target: maps[index] for target, maps in found.relevance.items()},
        explained={target: values[index] for target, values in found.explained.items()},
        outputs=found.outputs[index],
        pooled={target: select(pooled, index) for target, pooled in found.pooled.items()},
        statistics={},
        conservation_error=found.conservation_error,
    )


def _joined(parts: Sequence[Analysis]) -> Analysis:
    first = parts[0]
    pooled: dict[str, PooledFrames] = {
        target: concatenate([part.pooled[target] for part in parts]) for target in first.pooled
    }
    return Analysis(
        recording=_one_recording([part.recording for part in parts]),
        relevance={t: np.concatenate([p.relevance[t] for p in parts]) for t in first.relevance},
        explained={t: np.concatenate([p.explained[t] for p in parts]) for t in first.explained},
        outputs=np.concatenate([part.outputs for part in parts]),
        pooled=pooled,
        statistics={target: pool(frames) for target, frames in pooled.items()},
        conservation_error=max(part.conservation_error for part in parts),
    )


def _one_recording(parts: Sequence[Recording]) -> Recording:
    first = parts[0]
    for part in parts:
        if (list(part.masks), list(part.outside)) != (list(first.masks), list(first.outside)):
            raise ObservationError(
                f"recordings with the elements {', '.join(part.masks)} and "
                f"{', '.join(first.masks)} do not go together: replay them one by one"
            )

    def whole(values: Sequence[Any]) -> Any:
        if isinstance(values[0], np.ndarray) and all(each is not None for each in values):
            return np.concatenate(values)
        if isinstance(values[0], Mapping):
            return {name: np.concatenate([each[name] for each in values]) for name in values[0]}
        return None if any(each is None for each in values) else values[0]

    joined = {e.name: whole([getattr(p, e.name) for p in parts]) for e in fields(Recording)}
    origins = dict.fromkeys(part.elements_from for part in parts)
    return Recording(**joined | {"elements_from": ", ".join(filter(None, origins))})
