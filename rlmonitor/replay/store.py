"""Rounds on disk: ``<run>/rounds/<timestep>.zarr``, one zarr group a round, whole or absent.

A round is written under a temporary name beside its place and then renamed. No pickle anywhere:
arrays and JSON attributes only, so plain zarr reads it. Layout of a group::

    attributes: format, timestep, composite, versions, statistics, conservation_error, …
    play/, clip/, probe/
        observation, screen, action, reward, score, done, step, ram, outputs
        masks/<element>, outside/<element>
        relevance/<target>   float16 [N, C, H, W], each frame divided by its scale
        scale/<target>       float32 [N], so that map = relevance * scale
        explained/<target>   float32 [N]
    strategies/
        labels               int64 [N], cluster of each frame of play, −1 for none
        exemplars, mean_maps of all strategies so far; the rest as JSON in ``timeline``

The clip keeps the whole stack; play and probe keep the sum over the stack (C = 1), which is a
quarter of the size; their statistics were made from the whole.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from rlmonitor.errors import StoreError
from rlmonitor.recording import Recording
from rlmonitor.round import Analysis, Round, Strategies
from rlmonitor.strategy.timeline import Timeline
from rlmonitor.strategy.timeline_state import from_arrays, to_arrays

FORMAT = 1
PACKAGES = ("rlmonitor", "torch", "stable-baselines3", "gymnasium", "ale-py", "numpy")

_PROBE = "probe.zarr"
_ROUND = re.compile(r"(\d+)\.zarr")
_PLAIN = ("observation", "screen", "action", "reward", "score", "done", "step")


def rounds_directory(run: Path) -> Path:
    """Where a run keeps its rounds."""
    return run / "rounds"


def write_round(run: Path, found: Round, attributes: Mapping[str, Any] | None = None) -> Path:
    """Write one round; a round of the same timestep is replaced.

    Args:
        run: the run's directory.
        found: the round.
        attributes: further JSON attributes (env id, seed, settings).

    Returns:
        The path of the round.

    Raises:
        StoreError: the folder cannot be written, or the disk is full; nothing is left behind.
    """
    place = rounds_directory(run) / f"{found.timestep:010d}.zarr"
    temporary = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(temporary, ignore_errors=True)
        _write(temporary, found, attributes or {})
        _replace(temporary, place)
    except OSError as error:
        raise StoreError(
            f"a round could not be written to {place.parent}: {error}; free space or name "
            "another run_dir"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return place


def write_probe(run: Path, probe: Recording) -> None:
    """Keep the frames that every round of a run explains.

    Raises:
        StoreError: the folder cannot be written.
    """
    place = run / _PROBE
    temporary = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        root = zarr.create_group(temporary, attributes={"format": FORMAT})
        group = root.create_group("probe", attributes=_described(probe))
        _put_recording(group, probe)
        _replace(temporary, place)
    except OSError as error:
        raise StoreError(f"the probe could not be written to {run}: {error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read_probe(run: Path) -> Recording | None:
    """What `write_probe` kept, None where there is none.

    Raises:
        StoreError: another format.
    """
    path = run / _PROBE
    return read_recording(path, "probe") if path.exists() else None


def sweep(run: Path) -> None:
    """Remove what processes that are no more have left half-written."""
    for folder in (run, rounds_directory(run)):
        for path in folder.glob(".*.zarr.*") if folder.is_dir() else ():
            if not _is_running(path.suffix[1:]):
                shutil.rmtree(path, ignore_errors=True)


def _is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True


def rounds(run: Path) -> dict[int, Path]:
    """The rounds of a run, by timestep in ascending order."""
    folder = rounds_directory(run)
    names = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    found = {int(m[1]): folder / m[0] for m in map(_ROUND.fullmatch, names) if m}
    return dict(sorted(found.items()))


def keep_latest(run: Path, keep: int) -> None:
    """Delete all but the latest ``keep`` rounds."""
    for path in list(rounds(run).values())[: -keep or None]:
        _remove(path)


def discard_after(run: Path, timestep: int) -> None:
    """Delete the rounds past a timestep: what a resumed training is going to make anew."""
    for step, path in rounds(run).items():
        if step > timestep:
            _remove(path)


def read_recording(path: Path, part: str = "play") -> Recording:
    """The frames of one part (``play``, ``clip`` or ``probe``) of a round on disk.

    Raises:
        StoreError: no such round or part, or another format.
    """
    group = _open(path, part)
    plain: dict[str, Any] = {name: _array(group, name) for name in _PLAIN}
    return Recording(
        **plain,
        masks=_arrays(group, "masks"),
        outside=_arrays(group, "outside"),
        ram=_array(group, "ram") if "ram" in group else None,
        env_id=str(group.attrs["env_id"]),
        action_meanings=tuple(_sequence(group.attrs["action_meanings"])),
        channels_last=bool(group.attrs["channels_last"]),
    )


def read_relevance(path: Path, part: str = "clip") -> dict[str, NDArray[np.float32]]:
    """Target to the maps ``[N, C, H, W]`` of one part of a round on disk.

    Raises:
        StoreError: no such round or part, or another format.
    """
    group = _open(path, part)
    scale = _arrays(group, "scale")
    return {
        target: relevance.astype(np.float32) * scale[target][:, None, None, None]
        for target, relevance in _arrays(group, "relevance").items()
    }


def read_timeline(path: Path) -> Timeline:
    """The strategies that were known after a round; none if the round has no clusters.

    Raises:
        StoreError: no such round, another format, or a timeline that cannot be read.
    """
    root = _open(path, "")
    if "strategies" not in root:
        return Timeline()
    group = _open(path, "strategies")
    if "exemplars" not in group:
        return Timeline()
    arrays = {name: _array(group, name) for name in ("exemplars", "mean_maps")}
    return from_arrays(arrays, str(group.attrs["timeline"]))


def read_attributes(path: Path) -> dict[str, Any]:
    """Composite, statistics, versions and settings of a round on disk."""
    return dict(_open(path, "").attrs)


def _open(path: Path, part: str) -> zarr.Group:
    try:
        root = zarr.open_group(path, mode="r")
        if root.attrs.get("format") != FORMAT:
            raise StoreError(
                f"{path} has format {root.attrs.get('format')!r}; this version reads {FORMAT}"
            )
        group = root[part] if part else root
    except (OSError, KeyError) as error:
        raise StoreError(f"{path} is no round with a part {part!r}: {error}") from error
    if not isinstance(group, zarr.Group):
        raise StoreError(f"{path}: {part!r} is no group")
    return group


def _array(group: zarr.Group, name: str) -> NDArray[Any]:
    return np.asarray(group[name][...])  # type: ignore[index]  # a group's child may be a group


def _arrays(group: zarr.Group, name: str) -> dict[str, NDArray[Any]]:
    child = group[name]
    assert isinstance(child, zarr.Group)
    return {key: _array(child, key) for key in _sequence(child.attrs["order"])}


def _sequence(value: object) -> list[str]:
    return [str(v) for v in value] if isinstance(value, list) else []


def _write(path: Path, found: Round, attributes: Mapping[str, Any]) -> None:
    parts = {"play": found.play, "clip": found.clip, "probe": found.probe}
    present = {name: part for name, part in parts.items() if part is not None}
    everything = {
        **attributes,
        "format": FORMAT,
        "timestep": found.timestep,
        "composite": found.composite,
        "random_similarity": dict(found.random_similarity),
        "versions": {package: version(package) for package in PACKAGES},
    }
    root = zarr.create_group(path, attributes=everything)
    if found.strategies is not None:
        _put_strategies(root, found.strategies)
    for name, part in present.items():
        group = root.create_group(
            name,
            attributes={
                **_described(part.recording),
                "conservation_error": part.conservation_error,
                "statistics": {t: asdict(s) for t, s in part.statistics.items()},
            },
        )
        _write_part(group, part, whole_stack=name == "clip")


def _put_strategies(root: zarr.Group, strategies: Strategies) -> None:
    arrays, text = to_arrays(strategies.timeline)
    moment = strategies.moment
    attributes: dict[str, Any] = {
        "timeline": text,
        "target": strategies.target,
        "ids": list(moment.ids),
        "eigenvalues": list(strategies.found.eigenvalues),
        "changes": [asdict(change) for change in moment.changes],
        "not_enough": strategies.found.not_enough,
    }
    group = root.create_group("strategies", attributes=attributes)
    whole = {name: array for name, array in arrays.items() if array.size}
    _put(group, whole | {"labels": strategies.found.labels})


def _write_part(group: zarr.Group, part: Analysis, *, whole_stack: bool) -> None:
    scaled = {
        target: _scaled(maps if whole_stack else maps.sum(axis=1, keepdims=True))
        for target, maps in part.relevance.items()
    }
    _put_recording(group, part.recording)
    _put(group, {"outputs": part.outputs})
    _put_group(group, "relevance", {t: relevance for t, (relevance, _) in scaled.items()})
    _put_group(group, "scale", {t: scale for t, (_, scale) in scaled.items()})
    _put_group(group, "explained", part.explained)


def _described(recording: Recording) -> dict[str, Any]:
    return {
        "env_id": recording.env_id,
        "action_meanings": list(recording.action_meanings),
        "channels_last": recording.channels_last,
    }


def _put_recording(group: zarr.Group, recording: Recording) -> None:
    plain = {name: getattr(recording, name) for name in _PLAIN}
    _put(group, plain if recording.ram is None else plain | {"ram": recording.ram})
    _put_group(group, "masks", recording.masks)
    _put_group(group, "outside", recording.outside)


def _put_group(group: zarr.Group, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    _put(group.create_group(name, attributes={"order": list(arrays)}), arrays)


def _put(group: zarr.Group, arrays: Mapping[str, NDArray[Any]]) -> None:
    for name, array in arrays.items():
        # one chunk an array: a round is read and written whole
        group.create_array(name, data=np.ascontiguousarray(array), chunks=array.shape)


def _scaled(maps: NDArray[np.float32]) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
    """Maps in half precision, each divided by its largest |relevance|: small ones would vanish."""
    scale = np.abs(maps).max(axis=(1, 2, 3))
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    return (maps / scale[:, None, None, None]).astype(np.float16), scale


def _replace(temporary: Path, place: Path) -> None:
    """Put a folder in its place; whoever looks sees the old round, none, or the new one, whole."""
    if place.exists():
        _remove(place)
    os.rename(temporary, place)


def _remove(path: Path) -> None:
    # renamed first, so that a reader never finds half a round under a round's name
    doomed = path.with_name(f".{path.name}.removed.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        os.rename(path, doomed)
    shutil.rmtree(doomed, ignore_errors=True)
