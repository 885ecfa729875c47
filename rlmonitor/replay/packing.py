"""A round as zarr's files: arrays and JSON attributes, no pickle. Layout of a group::

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

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.storage import MemoryStore

from rlmonitor.recording import Recording
from rlmonitor.round import Analysis, Round, Strategies
from rlmonitor.strategy.timeline_state import to_arrays

FORMAT = 1
PACKAGES = ("rlmonitor", "torch", "stable-baselines3", "gymnasium", "ale-py", "numpy")

PLAIN = ("observation", "screen", "action", "reward", "score", "done", "step")
"""Arrays of every recording."""


@cache
def versions() -> dict[str, str]:
    """Package to its version, of those that decide what a round finds."""
    return {package: version(package) for package in PACKAGES}


@dataclass(frozen=True)
class PackedRound:
    """A round as the files that zarr reads, ready to be written anywhere.

    Attributes:
        timestep: of the round.
        files: path inside the group to content.
    """

    timestep: int
    files: Mapping[str, bytes]


def packed(found: Round, attributes: Mapping[str, Any] | None = None) -> PackedRound:
    """Compress a round.

    Args:
        found: the round.
        attributes: further JSON attributes (env id, seed, settings).
    """
    files: dict[str, Any] = {}
    _write(MemoryStore(files), found, attributes or {})
    return PackedRound(found.timestep, {path: each.to_bytes() for path, each in files.items()})


def _write(place: MemoryStore, found: Round, attributes: Mapping[str, Any]) -> None:
    parts = {"play": found.play, "clip": found.clip, "probe": found.probe}
    present = {name: part for name, part in parts.items() if part is not None}
    everything = {
        **attributes,
        "format": FORMAT,
        "timestep": found.timestep,
        "composite": found.composite,
        "random_similarity": dict(found.random_similarity),
        "versions": versions(),
    }
    root = zarr.create_group(place, attributes=everything)
    if found.strategies is not None:
        _put_strategies(root, found.strategies)
    for name, part in present.items():
        group = root.create_group(
            name,
            attributes={
                **described(part.recording),
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
    put_recording(group, part.recording)
    _put(group, {"outputs": part.outputs})
    _put_group(group, "relevance", {t: relevance for t, (relevance, _) in scaled.items()})
    _put_group(group, "scale", {t: scale for t, (_, scale) in scaled.items()})
    _put_group(group, "explained", part.explained)


def described(recording: Recording) -> dict[str, Any]:
    """What belongs to a recording as a whole, as JSON attributes."""
    return {
        "env_id": recording.env_id,
        "action_meanings": list(recording.action_meanings),
        "channels_last": recording.channels_last,
        "colours": recording.colours,
        "elements_from": recording.elements_from,
    }


def plain_arrays(recording: Recording) -> dict[str, NDArray[Any]]:
    """What a recording has for each frame, but its masks."""
    plain = {name: getattr(recording, name) for name in PLAIN}
    return plain if recording.ram is None else plain | {"ram": recording.ram}


def put_recording(group: zarr.Group, recording: Recording) -> None:
    """Write the frames of a part, with their masks."""
    _put(group, plain_arrays(recording))
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
