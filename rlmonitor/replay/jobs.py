"""What a replay computes of each checkpoint, and what of it decides what a round finds."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from rlmonitor.board import page_data
from rlmonitor.errors import ConfigurationError
from rlmonitor.monitor_settings import MonitorSettings
from rlmonitor.replay.frames import VIDEO
from rlmonitor.replay.shards import Shard, shards_of
from rlmonitor.replay.sources import Sources

FORMAT = 1

PICTURES = page_data.KEPT[page_data.PICTURES]
"""Rounds that are drawn: as many as TensorBoard shows. The clips of all others can be drawn later,
see `rlmonitor.replay.clip_export`."""


@dataclass(frozen=True)
class Job:
    """What a replay computes of each checkpoint.

    Attributes:
        settings: as of a monitor; the probe is a name, a recording's path, ``"auto"`` or None.
        env_id: what every checkpoint plays; None explains the shards instead.
        shards: recorded frames to explain.
        taken: explain the actions that were taken instead of the greedy ones.
        architecture: for checkpoints that do not tell, see `load_network`.
        trust: let checkpoints be unpickled.
        drawn: timesteps of the rounds that get pictures; None draws all.
        name: of this replay alone, so that a worker that goes on to another one reads anew.
    """

    settings: MonitorSettings
    env_id: str | None = None
    shards: tuple[Shard, ...] = ()
    taken: bool = False
    architecture: str | None = None
    trust: bool = False
    drawn: frozenset[int] | None = field(default=None, compare=False)
    name: str = field(default_factory=lambda: secrets.token_hex(8), compare=False)


def job_of(
    sources: Sources,
    settings: MonitorSettings,
    *,
    env_id: str | None = None,
    shard: int = 1024,
    taken: bool = False,
    architecture: str | None = None,
    trust: bool = False,
    pictures: int = PICTURES,
) -> Job:
    """What is computed of each checkpoint: it plays, or it explains the recordings.

    Args:
        sources: the checkpoints and recordings.
        settings: as of a monitor.
        env_id: what the checkpoints play.
        shard: frames of a recording that one task reads.
        taken: explain the actions that were taken.
        architecture: for checkpoints that do not tell.
        trust: let checkpoints be unpickled.
        pictures: how many rounds are drawn, spread over all, the last one among them.

    Raises:
        ConfigurationError: nothing to explain, or two things; fewer than no pictures.
    """
    if pictures < 0:
        raise ConfigurationError(f"pictures = {pictures}: expected a number of rounds, 0 or more")
    recordings = sources.recordings
    if env_id is not None and recordings:
        raise ConfigurationError(
            f"{recordings[0].path} is a recording, and --env lets the checkpoints play: give "
            "recordings or --env, or the recording as --probe"
        )
    if env_id is None and not recordings:
        left_out = "".join(f"; left out: {problem.what}" for problem in sources.problems)
        raise ConfigurationError(
            f"nothing to explain: give --env, which the checkpoints play, or a recording{left_out}"
        )
    if taken and any(recording.kind == VIDEO for recording in recordings):
        raise ConfigurationError("--action taken: a video does not tell which actions were taken")
    shards = shards_of(recordings, shard, settings.n_frames)
    drawn = _spread([each.timestep for each in sources.checkpoints], pictures)
    return Job(settings, env_id, shards, taken, architecture, trust, drawn)


def _spread(timesteps: Sequence[int | None], count: int) -> frozenset[int]:
    """So many of the timesteps at equal distances, counted back from the last one."""
    known = sorted({each for each in timesteps if each is not None})
    last = len(known) - 1
    places = np.linspace(last, 0, min(count, len(known))).round().astype(np.int64)
    return frozenset(known[i] for i in places)


def described(job: Job) -> dict[str, Any]:
    """All that decides what a round finds, as JSON has it."""
    own = job.settings
    recordings: dict[str, int] = {}
    for shard in job.shards:
        recordings[shard.recording.path] = shard.recording.frames
    games = sorted({shard.recording.game for shard in job.shards} - {""})
    composite = own.composite if isinstance(own.composite, str) else own.composite.name
    plain = {"n_frames", "clip_frames", "spacing", "epsilon", "seed", "probe"}
    plain |= {"games"} if job.env_id is not None else set()
    described = {each.name: getattr(own, each.name) for each in fields(own) if each.name in plain}
    return {
        "format": FORMAT,
        "env": job.env_id,
        "composite": composite,
        "action": "taken" if job.taken else "greedy",
        "architecture": job.architecture,
        "recordings": recordings,
        "game": ", ".join(games),
        "shard": max((each.stop - each.start for each in job.shards), default=0),
        **described,
    }
