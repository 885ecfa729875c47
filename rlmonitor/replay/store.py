"""Rounds on disk: ``<run>/rounds/<timestep>.zarr``, one zarr group a round, whole or absent.

A run lies on a disk or on an object store, see `rlmonitor.replay.folders`. No pickle anywhere:
arrays and JSON attributes only, so plain zarr reads it; `rlmonitor.replay.packing` has the layout.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from rlmonitor.errors import StoreError
from rlmonitor.recording import Recording
from rlmonitor.replay.files import Location, write_files
from rlmonitor.replay.folders import DiskFolder, ObjectFolder, folder_at
from rlmonitor.replay.opening import names_in, open_group, read_array, read_arrays, reading
from rlmonitor.replay.packing import (
    PLAIN,
    PackedRound,
    packed,
    packed_probe,
)
from rlmonitor.round import Analysis, Round
from rlmonitor.strategy.pooling import pool, pool_frames
from rlmonitor.strategy.timeline import Timeline
from rlmonitor.strategy.timeline_state import from_arrays

_PROBE = "probe"


def rounds_folder(run: Location) -> DiskFolder | ObjectFolder:
    """Where a run keeps its rounds."""
    return folder_at(run, "rounds")


def write_round(
    run: Location, found: Round, attributes: Mapping[str, Any] | None = None
) -> Location:
    """Write one round; a round of the same timestep is replaced.

    Args:
        run: the run's directory, or its URL.
        found: the round.
        attributes: further JSON attributes (env id, seed, settings).

    Returns:
        Where zarr finds the round.

    Raises:
        StoreError: the folder cannot be written, or the disk is full; nothing is left behind.
    """
    return write_packed(run, packed(found, attributes))


def write_packed(run: Location, whole: PackedRound) -> Location:
    """Write a round that `packed` made, as `write_round` does.

    Raises:
        StoreError: the folder cannot be written, or the disk is full; nothing is left behind.
    """
    try:
        return rounds_folder(run).write(
            _name(whole.timestep), lambda place: write_files(place, whole.files)
        )
    except OSError as error:
        raise StoreError(
            f"a round could not be written to {run}: {error}; free space or name another run_dir"
        ) from error


def write_probe(run: Location, probe: Recording) -> None:
    """Keep the frames that every round of a run explains.

    Raises:
        StoreError: the folder cannot be written.
    """
    try:
        folder_at(run).write(_PROBE, lambda place: write_files(place, packed_probe(probe)))
    except OSError as error:
        raise StoreError(f"the probe could not be written to {run}: {error}") from error


def read_probe(run: Location) -> Recording | None:
    """What `write_probe` kept, None where there is none.

    Raises:
        StoreError: another format.
    """
    path = folder_at(run).groups().get(_PROBE)
    return None if path is None else read_recording(path, "probe")


def sweep(run: Location) -> None:
    """Remove what processes that are no more have left half-written."""
    folder_at(run).sweep()
    rounds_folder(run).sweep()


def rounds(run: Location) -> dict[int, Location]:
    """The rounds of a run, by timestep in ascending order."""
    groups = rounds_folder(run).groups()
    return dict(sorted((int(name), place) for name, place in groups.items() if name.isdecimal()))


def keep_latest(run: Location, keep: int) -> None:
    """Delete all but the latest ``keep`` rounds."""
    for step in list(rounds(run))[: -keep or None]:
        rounds_folder(run).remove(_name(step))


def discard_after(run: Location, timestep: int) -> None:
    """Delete the rounds past a timestep: what a resumed training is going to make anew."""
    for step in rounds(run):
        if step > timestep:
            rounds_folder(run).remove(_name(step))


@reading
def read_recording(path: Location, part: str = "play", frames: slice = slice(None)) -> Recording:
    """The frames of one part (``play``, ``clip`` or ``probe``) of a round on disk.

    Args:
        path: of the round.
        part: of it.
        frames: which ones; of the others, no more is read than shares a chunk with these.

    Raises:
        StoreError: no such round or part, or another format.
    """
    group = open_group(path, part)
    plain: dict[str, Any] = {name: read_array(group, name, frames) for name in PLAIN}
    return Recording(
        **plain,
        masks=read_arrays(group, "masks", frames),
        outside=read_arrays(group, "outside", frames),
        ram=read_array(group, "ram", frames) if "ram" in group else None,
        env_id=str(group.attrs["env_id"]),
        action_meanings=tuple(names_in(group.attrs["action_meanings"])),
        channels_last=bool(group.attrs["channels_last"]),
        colours=_colours(group),
        elements_from=str(group.attrs.get("elements_from", "")),
    )


def _colours(group: zarr.Group) -> int:
    found = group.attrs.get("colours", 1)
    if found not in (1, 3):
        raise StoreError(f"{group.name}: frames of {found!r} colours, expected 1 or 3")
    return 1 if found == 1 else 3


@reading
def read_described(path: Location, part: str = "play") -> dict[str, Any]:
    """Environment, elements, observations and memory of a part, from its description alone.

    Raises:
        StoreError: no such round or part, or another format.
    """
    group = open_group(path, part)
    observation = group["observation"]
    return {
        "env": str(group.attrs.get("env_id", "")),
        "observation": list(getattr(observation, "shape", ()))[1:],
        "elements": names_in(group["masks"].attrs.get("order")),
        "elements_from": str(group.attrs.get("elements_from", "")),
        "memory": "ram" in group,
    }


@reading
def count_frames(path: Location, part: str = "play") -> int:
    """How many frames a part of a round or recording has.

    Raises:
        StoreError: no such round or part, or another format.
    """
    action = open_group(path, part)["action"]
    return int(action.shape[0]) if isinstance(action, zarr.Array) else 0


@reading
def read_relevance(path: Location, part: str = "clip") -> dict[str, NDArray[np.float32]]:
    """Target to the maps ``[N, C, H, W]`` of one part of a round on disk.

    Raises:
        StoreError: no such round or part, or another format.
    """
    group = open_group(path, part)
    scale = read_arrays(group, "scale")
    return {
        target: relevance.astype(np.float32) * scale[target][:, None, None, None]
        for target, relevance in read_arrays(group, "relevance").items()
    }


@reading
def read_analysis(path: Location, part: str = "clip") -> Analysis:
    """One part of a round on disk, its maps pooled again.

    Of play and probe the maps are sums over the stack, and the statistics those of the sums.

    Raises:
        StoreError: no such round or part, or another format.
    """
    group = open_group(path, part)
    recording, relevance = read_recording(path, part), read_relevance(path, part)
    pooled = {t: pool_frames(m, recording.masks, recording.outside) for t, m in relevance.items()}
    error: Any = group.attrs["conservation_error"]
    return Analysis(
        recording=recording,
        relevance=relevance,
        explained=read_arrays(group, "explained"),
        outputs=read_array(group, "outputs"),
        pooled=pooled,
        statistics={target: pool(frames) for target, frames in pooled.items()},
        conservation_error=float(error),
    )


@reading
def read_parts(path: Location) -> tuple[str, ...]:
    """Names of the parts of a round on disk.

    Raises:
        StoreError: no such round, or another format.
    """
    return tuple(sorted(name for name, _ in open_group(path, "").groups()))


@reading
def read_timeline(path: Location) -> Timeline:
    """The strategies that were known after a round; none if the round has no clusters.

    Raises:
        StoreError: no such round, another format, or a timeline that cannot be read.
    """
    root = open_group(path, "")
    if "strategies" not in root:
        return Timeline()
    group = open_group(path, "strategies")
    if "exemplars" not in group:
        return Timeline()
    arrays = {name: read_array(group, name) for name in ("exemplars", "mean_maps")}
    return from_arrays(arrays, str(group.attrs["timeline"]))


@reading
def read_clusters(path: Location) -> tuple[str | None, NDArray[np.int64]]:
    """The clustered target of a round on disk, and each frame's strategy ``[N]``, −1 for none.

    None and no frames where the round has no clusters.

    Raises:
        StoreError: no such round, or another format.
    """
    if "strategies" not in read_parts(path):
        return None, np.empty(0, np.int64)
    group = open_group(path, "strategies")
    labels, listed = read_array(group, "labels"), group.attrs["ids"]
    ids = np.array([*(listed if isinstance(listed, list) else []), -1], np.int64)
    return str(group.attrs["target"]), ids[labels]


@reading
def read_attributes(path: Location) -> dict[str, Any]:
    """Composite, statistics, versions and settings of a round on disk."""
    return dict(open_group(path, "").attrs)


def _name(timestep: int) -> str:
    return f"{timestep:010d}"
