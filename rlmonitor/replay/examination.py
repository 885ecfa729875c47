"""One checkpoint of a replay examined: pure functions of files, which run on any machine.

Nothing here depends on another checkpoint; what does, strategies through time and events, is the
driver's part (`rlmonitor.replay.sweep`). What fails is returned and not raised, so that one broken
file costs its own round only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from rlmonitor.errors import ConfigurationError, ObservationError, RlmonitorError
from rlmonitor.games import game_of
from rlmonitor.logbook import Written, written_of
from rlmonitor.lrp import Network
from rlmonitor.monitor import UNTRAINED_SEED
from rlmonitor.probe import PROBES, load_probe, phases_of, probe_phases, usual_probe
from rlmonitor.recording import Recording, spread
from rlmonitor.replay.files import opened, stamp
from rlmonitor.replay.frames import RecordingFile, read_frames
from rlmonitor.replay.jobs import Job
from rlmonitor.replay.playing import play
from rlmonitor.replay.shard_frames import explained, neighbours, removal_of, shape_of
from rlmonitor.replay.shards import (
    Shard,
    ShardAnalysis,
    busiest_shard,
    explain_frames,
    merge,
)
from rlmonitor.replay.sources import CheckpointFile, load_network, look
from rlmonitor.round import (
    Analysis,
    Round,
    Strategies,
    analyse,
    clustered_shares,
    complete,
    run_round,
)


@dataclass(frozen=True)
class Fixed:
    """What is the same for all checkpoints of a replay.

    Attributes:
        probe: frames that every round explains.
        random: what an untrained network finds on them.
        phases: a name for each of them.
    """

    probe: Recording | None = None
    random: Analysis | None = None
    phases: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Examined:
    """A round, but for what it shares with others.

    Attributes:
        found: the round, without strategies so far, the probe's frames and the untrained network.
        digest: SHA-256 of the checkpoint.
    """

    found: Round
    digest: str


@dataclass(frozen=True)
class Clusters:
    """What strategies through time are followed by.

    Attributes:
        timestep: of the round.
        strategies: its clusters.
        shares: element to its share of each clustered frame.
    """

    timestep: int
    strategies: Strategies | None
    shares: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Failed:
    """Why a checkpoint was left out, in one line."""

    why: str


def prepare(job: Job, first: CheckpointFile) -> Fixed | Failed:
    """Find the probe, and what an untrained network of the first one's kind makes of it."""
    try:
        with one_thread():
            network = network_at(first, job.architecture, job.trust)
            probe, phases = _probe(job, network)
            random = None
            if probe is not None:
                untrained = network.randomised(UNTRAINED_SEED)
                random = analyse(untrained, probe, composite=job.settings.composite)
            return Fixed(probe, random, phases)
    except RlmonitorError as error:
        return Failed(str(error))


def explain_shard(job: Job, checkpoint: CheckpointFile, shard: Shard) -> ShardAnalysis | Failed:
    """Explain the frames of one shard in one network."""
    try:
        with one_thread():
            network = network_at(checkpoint, job.architecture, job.trust)
            frames, sample = explained(job, shard, network)
            composite = job.settings.composite
            return explain_frames(network, frames, sample, composite=composite, taken=job.taken)
    except RlmonitorError as error:
        return Failed(str(error))


def examine(
    job: Job, checkpoint: CheckpointFile, fixed: Fixed, *parts: ShardAnalysis | Failed
) -> Examined | Failed:
    """The round of one checkpoint.

    Args:
        job: what is computed.
        checkpoint: the network.
        fixed: from `prepare`.
        parts: from `explain_shard`, in the order of ``job.shards``; none where the network plays.
    """
    whole = [part for part in parts if isinstance(part, ShardAnalysis)]
    failed = [part for part in parts if isinstance(part, Failed)]
    if failed:
        return failed[0]
    try:
        with one_thread():
            network = network_at(checkpoint, job.architecture, job.trust)
            found = _round(job, network, checkpoint.timestep or 0, fixed, whole)
            return Examined(_without_shared(found), digest(checkpoint))
    except RlmonitorError as error:
        return Failed(str(error))


def clusters_of(examined: Examined | Failed) -> Clusters | Failed:
    """The little of a round that the next one's strategies depend on."""
    if isinstance(examined, Failed):
        return examined
    found = examined.found
    return Clusters(found.timestep, found.strategies, clustered_shares(found))


def write(
    job: Job,
    checkpoint: CheckpointFile,
    fixed: Fixed,
    examined: Examined,
    strategies: Strategies | None,
) -> Written:
    """Draw and compress a round, which is most of the work of writing it.

    Args:
        job: what is computed.
        checkpoint: the network.
        fixed: from `prepare`.
        examined: from `examine`.
        strategies: the round's clusters, followed through time.
    """
    with one_thread():
        found = replace(_completed(examined, fixed), strategies=strategies)
        about = {
            "seed": job.settings.seed,
            "checkpoint": checkpoint.path,
            "checkpoint_sha256": examined.digest,
            "env_id": job.env_id or found.play.recording.env_id,
            "action": "taken" if job.taken else "greedy",
        }
        pictures = job.drawn is None or found.timestep in job.drawn
        return written_of(found, about, fixed.phases, pictures=pictures)


def _completed(examined: Examined, fixed: Fixed) -> Round:
    """The round with what it shares with others."""
    found = examined.found
    if found.probe is None or fixed.probe is None:
        return found
    return replace(found, probe=replace(found.probe, recording=fixed.probe), random=fixed.random)


def _without_shared(found: Round) -> Round:
    if found.probe is None:
        return found
    nothing = found.probe.recording.select(slice(0, 0))
    return replace(found, probe=replace(found.probe, recording=nothing), random=None)


def _round(
    job: Job, network: Network, timestep: int, fixed: Fixed, parts: list[ShardAnalysis]
) -> Round:
    settings = job.settings
    if job.env_id is not None:
        played = play(network, job.env_id, settings, timestep)
        made = run_round(
            network,
            played.recording,
            timestep=timestep,
            probe=fixed.probe,
            random=fixed.random,
            composite=settings.composite,
            n_frames=settings.n_frames,
            clip_frames=settings.clip_frames,
            taken=job.taken,
            trials=played.trials,
        )
        return replace(made, ram_effects=played.ram_effects)
    shard = job.shards[busiest_shard(parts)]
    around = neighbours(job, shard, network)
    return complete(
        network,
        merge(parts),
        around,
        timestep=timestep,
        probe=fixed.probe,
        random=fixed.random,
        composite=settings.composite,
        clip_frames=settings.clip_frames,
        taken=job.taken,
        removal=removal_of(job, shard, around),
    )


def digest(checkpoint: CheckpointFile) -> str:
    """SHA-256 of a checkpoint's file.

    Raises:
        CheckpointError: it cannot be read.
    """
    with opened(checkpoint.path) as file:
        return hashlib.sha256(file.read()).hexdigest()


def network_at(checkpoint: CheckpointFile, architecture: str | None, trust: bool) -> Network:
    """The network of a checkpoint, kept for the next shard; read anew if its file has changed.

    Raises:
        RlmonitorError: as `load_network`.
    """
    return _network_at(checkpoint, stamp(checkpoint.path), architecture, trust)


@lru_cache(maxsize=2)
def _network_at(
    checkpoint: CheckpointFile, _stamp: tuple[str, ...], architecture: str | None, trust: bool
) -> Network:
    return load_network(checkpoint, architecture=architecture, trust=trust)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread, so that sums have the same order on every machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1), torch.no_grad():
            yield
    finally:
        torch.set_num_threads(threads)


def _probe(job: Job, network: Network) -> tuple[Recording | None, tuple[str, ...] | None]:
    wanted = job.settings.probe
    if wanted is None:
        return None, None
    if wanted == "auto":
        return _automatic_probe(job, network)
    name = str(wanted)
    if name in PROBES:
        return load_probe(name), probe_phases(name)
    recording = look(name)
    if not isinstance(recording, RecordingFile):
        raise ConfigurationError(f"the probe {name} is a checkpoint, expected a recording")
    frames = read_frames(recording, 0, recording.frames, shape_of(network))
    network.checked(frames.policy_observation[:1])
    return frames, None


def _env_id(shard: Shard, network: Network) -> str:
    return read_frames(shard.recording, shard.start, shard.start + 1, shape_of(network)).env_id


def _automatic_probe(job: Job, network: Network) -> tuple[Recording | None, tuple[str, ...] | None]:
    """The game's shipped probe if it fits, else what the first checkpoint plays."""
    env_id = job.env_id or _env_id(job.shards[0], network)
    game = game_of(env_id)
    if game is not None and game.name in PROBES:
        shipped = usual_probe(game.name, job.settings.n_frames)
        try:
            network.checked(shipped.policy_observation[:1])
            return shipped, phases_of(shipped)
        except ObservationError:
            pass
    if job.env_id is None:  # the recordings themselves never change
        return None, None
    played = play(network, job.env_id, replace(job.settings, games=0))
    return spread(played.recording, job.settings.n_frames), None
