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

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from numcodecs.zstd import compress
from numpy.typing import NDArray

from rlmonitor.recording import Recording
from rlmonitor.round import Analysis, Round, Strategies
from rlmonitor.strategy.timeline_state import to_arrays

FORMAT = 1
LEVEL = 1
"""Of the compression: higher ones take twice as long, and relevance hardly shrinks."""
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
    return PackedRound(found.timestep, _files(found, attributes or {}))


def packed_probe(probe: Recording) -> dict[str, bytes]:
    """Compress the frames that every round of a run explains."""
    return {
        **group("", {"format": FORMAT}),
        **group("probe", described(probe)),
        **_recording_files("probe", probe),
    }


def _files(found: Round, attributes: Mapping[str, Any]) -> dict[str, bytes]:
    parts = {"play": found.play, "clip": found.clip, "probe": found.probe}
    everything = {
        **attributes,
        "format": FORMAT,
        "timestep": found.timestep,
        "composite": found.composite,
        "random_similarity": dict(found.random_similarity),
        "versions": versions(),
    }
    files = group("", everything)
    if found.strategies is not None:
        files |= _strategy_files(found.strategies)
    for name, part in parts.items():
        if part is not None:
            files |= _part_files(name, part, whole_stack=name == "clip")
    return files


def _strategy_files(strategies: Strategies) -> dict[str, bytes]:
    known, text = to_arrays(strategies.timeline)
    moment = strategies.moment
    attributes: dict[str, Any] = {
        "timeline": text,
        "target": strategies.target,
        "ids": list(moment.ids),
        "eigenvalues": list(strategies.found.eigenvalues),
        "changes": [asdict(change) for change in moment.changes],
        "not_enough": strategies.found.not_enough,
    }
    whole = {name: array for name, array in known.items() if array.size}
    found = whole | {"labels": strategies.found.labels}
    return group("strategies", attributes) | arrays("strategies", found)


def _part_files(name: str, part: Analysis, *, whole_stack: bool) -> dict[str, bytes]:
    scaled = {
        target: _scaled(maps if whole_stack else maps.sum(axis=1, keepdims=True))
        for target, maps in part.relevance.items()
    }
    attributes = {
        **described(part.recording),
        "conservation_error": part.conservation_error,
        "statistics": {t: asdict(s) for t, s in part.statistics.items()},
    }
    return {
        **group(name, attributes),
        **_recording_files(name, part.recording),
        **arrays(name, {"outputs": part.outputs}),
        **_named(f"{name}/relevance", {t: relevance for t, (relevance, _) in scaled.items()}),
        **_named(f"{name}/scale", {t: scale for t, (_, scale) in scaled.items()}),
        **_named(f"{name}/explained", part.explained),
    }


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


def _recording_files(name: str, recording: Recording) -> dict[str, bytes]:
    """The frames of a part, with their masks."""
    return {
        **arrays(name, plain_arrays(recording)),
        **_named(f"{name}/masks", recording.masks),
        **_named(f"{name}/outside", recording.outside),
    }


def _named(path: str, found: Mapping[str, NDArray[Any]]) -> dict[str, bytes]:
    return group(path, {"order": list(found)}) | arrays(path, found)


def group(path: str, attributes: Mapping[str, Any]) -> dict[str, bytes]:
    """The file of a zarr group."""
    told = {"attributes": attributes, "zarr_format": 3, "node_type": "group"}
    return {f"{path}/zarr.json".lstrip("/"): json.dumps(told).encode()}


def arrays(path: str, found: Mapping[str, NDArray[Any]]) -> dict[str, bytes]:
    """The files of zarr arrays within a group, one chunk each: a round is read and written whole.

    As zarr writes them; its own way through tasks and threads takes seven times as long.
    """
    files: dict[str, bytes] = {}
    for name, array in found.items():
        place, chunk = f"{path}/{name}", "/".join(["c", *"0" * array.ndim])
        files[f"{place}/zarr.json"] = json.dumps(_description(array)).encode()
        if array.any():  # what is not there is the fill value
            little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
            files[f"{place}/{chunk}"] = compress(little, LEVEL)
    return files


def _description(array: NDArray[Any]) -> dict[str, Any]:
    """An array's ``zarr.json``, by the core specification of zarr 3."""
    bytes_codec: dict[str, Any] = {"name": "bytes"}
    if array.itemsize > 1:
        bytes_codec["configuration"] = {"endian": "little"}
    zero = array.dtype.type(0).item()
    return {
        "shape": list(array.shape),
        "data_type": array.dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(array.shape)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": zero,
        "codecs": [
            bytes_codec,
            {"name": "zstd", "configuration": {"level": LEVEL, "checksum": False}},
        ],
        "attributes": {},
        "zarr_format": 3,
        "node_type": "array",
        "storage_transformers": [],
    }


def _scaled(maps: NDArray[np.float32]) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
    """Maps in half precision, each divided by its largest |relevance|: small ones would vanish."""
    scale = np.abs(maps).max(axis=(1, 2, 3))
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    part = torch.from_numpy(maps / scale[:, None, None, None])
    return part.half().numpy(), scale  # to the bit as NumPy, in a quarter of the time
