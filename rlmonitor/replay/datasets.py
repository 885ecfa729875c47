"""Minari datasets: folders with ``data/metadata.json`` and episodes in HDF5 or Arrow files.

Read through minari itself (extra ``minari``). Nothing in a dataset is run: the spaces must stand in
its metadata, for minari would else make the environment that is named there.
"""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import CheckpointError
from rlmonitor.extras import require
from rlmonitor.games import game_of
from rlmonitor.recording import Recording
from rlmonitor.replay.buffers import scores
from rlmonitor.replay.files import is_remote, on_disk
from rlmonitor.replay.screens import (
    Shape,
    arranged,
    as_rgb,
    channels_first,
    grey,
    has_channels_last,
    is_single,
    newest,
    stacked,
)
from rlmonitor.rollout import shrunk

LARGEST_METADATA, LARGEST_EPISODE = 16 << 20, 4 << 30
"""Bytes; minari reads an episode whole."""

LARGEST_OBSERVATION = 1 << 24
"""Values."""

_METADATA, _HDF5 = "metadata.json", "main_data.hdf5"


@dataclass(frozen=True)
class Dataset:
    """A dataset of E episodes.

    Attributes:
        storage: minari's.
        starts: ``[E + 1]``, the first frame of each episode, and one past the last.
        shape: of one observation.
        jpeg: whether its frames went through JPEG.
        env_id: the environment, as the dataset says; empty if it does not.
        format: ``hdf5`` or ``arrow``.
    """

    storage: Any
    starts: NDArray[np.int64]
    shape: tuple[int, ...]
    jpeg: bool
    env_id: str
    format: str

    def __len__(self) -> int:
        """Number of frames: one for each action."""
        return int(self.starts[-1])

    @property
    def game(self) -> str:
        """The game's table, empty if there is none."""
        table = game_of(self.env_id)
        return "" if table is None else table.name


def is_dataset(path: str) -> bool:
    """Whether a folder is a Minari dataset, or the ``data`` folder of one."""
    return not is_remote(path) and _data(path) is not None


@lru_cache(maxsize=4)
def open_dataset(path: str) -> Dataset:
    """Look at a dataset: its metadata, and the lengths of its episodes.

    Raises:
        CheckpointError: it is broken, holds no images, or is too large.
        DependencyError: the extra ``minari`` is missing.
    """
    require("minari", "minari", "a Minari dataset")
    place = _data(path)
    if place is None:
        raise CheckpointError(f"{path} holds no {_METADATA}: expected a Minari dataset")
    metadata = _metadata(place)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _opened(place, metadata, path)
    except CheckpointError:
        raise
    except Exception as error:  # whatever minari, h5py or pyarrow say to a broken file
        raise CheckpointError(f"{path} cannot be read as a Minari dataset: {error}") from error


def read_dataset(path: str, index: NDArray[np.int64], shape: Shape) -> Recording:
    """Some frames of a dataset, without elements.

    Raw frames, grey or RGB, are made what the network takes: grey, resized, stacked within their
    episode. The maximum of two raw frames cannot be made anew.

    Args:
        path: of the folder.
        index: ``[N]``, frames in ascending order.
        shape: of the observations that the network takes.

    Raises:
        CheckpointError: see `open_dataset`.
        ObservationError: observations of another shape.
    """
    dataset = open_dataset(path)
    episode = np.searchsorted(dataset.starts, index, side="right") - 1
    parts = [
        _of_episode(path, int(i), index[episode == i] - dataset.starts[i], shape)
        for i in np.unique(episode)
    ]
    columns: dict[str, Any] = {
        name: np.concatenate([part[name] for part in parts]) for name in parts[0]
    }
    return Recording(
        **columns,
        step=index + episode,  # a gap between two episodes
        env_id=dataset.env_id,
        channels_last=has_channels_last(shape),
    )


def _of_episode(
    path: str, episode: int, moments: NDArray[np.int64], shape: Shape
) -> dict[str, NDArray[Any]]:
    found = _episode(path, episode)
    frames = found["observations"]
    if is_single(frames.shape[1:]) and frames.shape[1:] != tuple(shape):
        n, *size = channels_first(shape)
        first = max(0, int(moments[0]) - n + 1)
        small = grey(frames[first : moments[-1] + 1], (size[0], size[1]))
        observation = stacked(small, moments - first, n)
        screen = as_rgb(np.stack([shrunk(frames[moment]) for moment in moments]))
    else:
        observation = arranged(frames[moments], shape, path)
        screen = newest(observation)
    return {
        "observation": np.ascontiguousarray(observation),
        "screen": screen,
        "action": found["actions"][moments],
        "reward": found["rewards"][moments],
        "score": found["scores"][moments],
        "done": found["dones"][moments],
    }


@lru_cache(maxsize=1)
def _episode(path: str, episode: int) -> dict[str, NDArray[Any]]:
    dataset = open_dataset(path)
    try:
        if dataset.format == "hdf5":
            _check_size(dataset, episode, path)
        (found,) = dataset.storage.get_episodes([episode])
        reward = np.asarray(found["rewards"], np.float32).reshape(-1)
        done = np.asarray(found["terminations"], bool) | np.asarray(found["truncations"], bool)
        columns = {
            "observations": np.asarray(found["observations"]),
            "actions": np.asarray(found["actions"], np.int64).reshape(-1),
            "rewards": reward,
            "dones": done.reshape(-1),
            "scores": scores(reward, np.zeros(len(reward), np.bool_)),
        }
    except CheckpointError:
        raise
    except Exception as error:  # whatever h5py, pyarrow or Pillow say to a broken file
        raise CheckpointError(f"{path}: episode {episode} cannot be read: {error}") from error
    n = int(dataset.starts[episode + 1] - dataset.starts[episode])
    if columns["observations"].ndim < 3 or any(len(each) < n for each in columns.values()):
        raise CheckpointError(f"{path}: episode {episode} is torn, expected {n} steps")
    return columns


def _check_size(dataset: Dataset, episode: int, path: str) -> None:
    """Refuse an array that declares more than an episode may have; a file of HDF5 can be sparse."""
    import h5py

    with h5py.File(Path(dataset.storage.data_path) / _HDF5, "r") as file:
        for name, array in file[f"episode_{episode}"].items():
            declared = getattr(array, "nbytes", 0)
            if declared > LARGEST_EPISODE:
                raise CheckpointError(
                    f"{path}: {name[:80]} of episode {episode} declare {declared:,} bytes, "
                    f"expected at most {LARGEST_EPISODE:,}"
                )


def _data(path: str) -> Path | None:
    for place in (on_disk(path) / "data", on_disk(path)):
        if (place / _METADATA).is_file() and ((place / _HDF5).is_file() or (place / "0").is_dir()):
            return place
    return None


def _metadata(place: Path) -> dict[str, Any]:
    file = place / _METADATA
    try:
        if file.stat().st_size > LARGEST_METADATA:
            raise CheckpointError(f"{file} has more than {LARGEST_METADATA:,} bytes; refused")
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{file} cannot be read: {error}") from error
    if not isinstance(found, dict) or not {"observation_space", "action_space"} <= found.keys():
        raise CheckpointError(
            f"{file} does not tell the spaces of observations and actions: write the dataset anew "
            "with Minari 0.5 or newer"
        )
    _check_shape(found["observation_space"], file)
    return found


def _check_shape(space: object, file: Path) -> None:
    """Refuse a space whose bounds alone would fill the memory."""
    try:
        told = json.loads(space) if isinstance(space, str) else {}
        size = math.prod(map(int, told.get("shape", ())))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{file}: its space of observations is none: {error}") from error
    if size > LARGEST_OBSERVATION:
        raise CheckpointError(
            f"{file}: observations of {size:,} values, expected at most {LARGEST_OBSERVATION:,}"
        )


def _opened(place: Path, metadata: dict[str, Any], path: str) -> Dataset:
    from minari.dataset.minari_storage import MinariStorage, is_image_space

    storage = MinariStorage.read(place)
    space, actions = storage.observation_space, storage.action_space
    shape = tuple(space.shape or ())
    if type(space).__name__ != "Box" or not (is_single(shape) or len(shape) == 3):
        raise CheckpointError(f"{path} holds observations of {space}, expected images")
    if type(actions).__name__ != "Discrete":
        raise CheckpointError(f"{path} holds actions of {actions}, expected discrete ones")
    told = storage.get_episode_metadata(range(int(storage.total_episodes)))
    lengths = [int(each["total_steps"]) for each in told]
    if not sum(lengths) or min(lengths) < 0:
        raise CheckpointError(f"{path} holds no steps")
    needed = max(lengths) * math.prod(shape) * np.dtype(space.dtype).itemsize
    if needed > LARGEST_EPISODE:
        raise CheckpointError(
            f"{path}: an episode has {max(lengths):,} steps, {needed / 1e9:.1f} GB in memory, "
            f"expected at most {LARGEST_EPISODE / 1e9:.1f} GB: split the episode"
        )
    return Dataset(
        storage,
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        shape,
        jpeg=bool(metadata.get("jpeg_encoding", True)) and bool(is_image_space(space)),
        env_id=_env_id(metadata),
        format=str(metadata.get("data_format", "")),
    )


def _env_id(metadata: dict[str, Any]) -> str:
    try:
        told = json.loads(metadata.get("env_spec") or "{}")
        return str(told.get("id") or "")[:200]
    except (ValueError, TypeError, AttributeError):
        return ""
