"""Replay buffers of stable-baselines3: pickles, read only for those who trust them.

Unpickling runs whatever a file says. The arrays in it are not copied into memory, though: they stay
in the file, and only the frames that are asked for are read.
"""

from __future__ import annotations

import mmap
import os
import pickle
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO, ClassVar

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import CheckpointError
from rlmonitor.memory import free_memory
from rlmonitor.recording import Recording
from rlmonitor.replay.files import is_remote, on_disk
from rlmonitor.replay.screens import Shape, arranged, has_channels_last, newest

IN_PLACE = 1 << 16
"""Bytes from which on an array stays in the file."""

_COLUMNS = ("observations", "actions", "rewards", "dones")


@dataclass(frozen=True)
class Buffer:
    """A replay buffer of R rows and E environments, in order of time.

    Attributes:
        observations: ``[size, E, ...]``, in the file.
        rows: ``[R]``, those that hold a transition, the oldest first.
        action: ``[R, E]`` int64.
        reward: ``[R, E]`` float32, clipped if the training clipped it.
        done: ``[R, E]`` bool.
        score: ``[R, E]`` float32, rewards of the game before the action, as far as the buffer goes.
    """

    observations: NDArray[Any]
    rows: NDArray[np.int64]
    action: NDArray[np.int64]
    reward: NDArray[np.float32]
    done: NDArray[np.bool_]
    score: NDArray[np.float32]

    def __len__(self) -> int:
        """Number of frames, of all environments."""
        return int(self.action.size)


@lru_cache(maxsize=1)
def open_buffer(path: str) -> Buffer:
    """Unpickle a buffer, **which runs what the file says**; its observations stay in the file.

    Raises:
        CheckpointError: it cannot be unpickled, is no replay buffer of images, or is too large.
    """
    if is_remote(path):
        raise CheckpointError(f"{path} is a URL, and a replay buffer is read in place: copy it")
    found = _unpickled(path)
    columns = {name: getattr(found, name, None) for name in _COLUMNS}
    observations = columns["observations"]
    if isinstance(observations, dict):
        raise CheckpointError(f"{path} holds dicts of observations, expected images alone")
    if not all(isinstance(each, np.ndarray) for each in columns.values()):
        raise CheckpointError(
            f"{path} holds a {type(found).__name__}, expected a ReplayBuffer that "
            "model.save_replay_buffer wrote"
        )
    if observations is None or observations.ndim != 5 or not observations.size:
        shape = list(getattr(observations, "shape", ()))[2:]
        raise CheckpointError(f"{path} holds observations of shape {shape}, expected images")
    return _in_order(found, columns, path)


def read_buffer(path: str, index: NDArray[np.int64], shape: Shape) -> Recording:
    """Some frames of a buffer, without elements; one environment comes after the other.

    Args:
        path: of the pickle.
        index: ``[N]``, frames.
        shape: of the observations that the network takes.

    Raises:
        CheckpointError: see `open_buffer`.
        ObservationError: observations of another shape.
    """
    buffer = open_buffer(path)
    env, row = np.divmod(index, len(buffer.rows))
    observation = arranged(buffer.observations[buffer.rows[row], env], shape, path)
    return Recording(
        observation=np.ascontiguousarray(observation),
        screen=newest(observation),
        action=buffer.action[row, env],
        reward=buffer.reward[row, env],
        score=buffer.score[row, env],
        done=buffer.done[row, env],
        step=row + env * (len(buffer.rows) + 1),  # a gap between two environments
        channels_last=has_channels_last(shape),
    )


def _in_order(found: Any, columns: dict[str, Any], path: str) -> Buffer:
    size, n_envs = columns["observations"].shape[:2]
    position, full = int(getattr(found, "pos", 0)), bool(getattr(found, "full", False))
    if any(each.shape[:2] != (size, n_envs) for each in columns.values()) or position > size:
        raise CheckpointError(f"{path} is torn: its arrays have different lengths")
    rows = (position + np.arange(size)) % size if full else np.arange(position)
    if full and getattr(found, "optimize_memory_usage", False):
        rows = rows[1:]  # the oldest one's observation is the newest one's successor
    if not len(rows) or columns["actions"].reshape(size, n_envs, -1).shape[2] != 1:
        raise CheckpointError(f"{path} is empty, or its actions are not discrete")
    reward = np.asarray(columns["rewards"][rows], np.float32)
    done = np.asarray(columns["dones"][rows] > 0)
    return Buffer(
        observations=columns["observations"],
        rows=rows.astype(np.int64),
        action=columns["actions"][rows].reshape(len(rows), n_envs).astype(np.int64),
        reward=reward,
        done=done,
        score=scores(reward, done),
    )


def scores(reward: NDArray[np.float32], done: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Sum of the rewards of a game before each step, along the first axis.

    >>> scores(np.array([1, 2, 3, 4.0]), np.array([False, True, False, False])).tolist()
    [0.0, 1.0, 0.0, 3.0]
    """
    before = np.cumsum(reward, axis=0, dtype=np.float64) - reward
    starts = np.zeros(done.shape, np.bool_)
    starts[1:] = done[:-1]
    starts[0] = True
    start = np.maximum.accumulate(
        np.where(starts, np.arange(len(done)).reshape(-1, *[1] * (done.ndim - 1)), 0), axis=0
    )
    return np.asarray(before - np.take_along_axis(before, start, axis=0), np.float32)


class _InPlace(pickle._Unpickler):
    """Unpickles; large arrays become views of the file, which is mapped into memory."""

    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self._own = file
        self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def _bytearray(self) -> None:
        (length,) = struct.unpack("<Q", self.read(8))  # type: ignore[attr-defined]
        start = self._own.tell()
        if length < IN_PLACE or self._unframer.current_frame:  # type: ignore[attr-defined]
            content: Any = bytearray(self.read(length))  # type: ignore[attr-defined]
        else:
            if start + length > len(self._map):
                raise EOFError("the file is torn")
            self._own.seek(length, os.SEEK_CUR)
            content = memoryview(self._map)[start : start + length]
        self.append(content)  # type: ignore[attr-defined]

    def _bytes(self) -> None:
        (length,) = struct.unpack("<Q", self.read(8))  # type: ignore[attr-defined]
        if length > free_memory():
            raise MemoryError(
                f"an array of {length / 1e9:.1f} GB that cannot stay in the file, and "
                f"{free_memory() / 1e9:.1f} GB of memory are free"
            )
        self.append(self.read(length))  # type: ignore[attr-defined]

    dispatch[pickle.BYTEARRAY8[0]] = _bytearray
    dispatch[pickle.BINBYTES8[0]] = _bytes


def _unpickled(path: str) -> Any:
    if not on_disk(path).is_file():
        raise CheckpointError(f"{path} is no file: expected a replay buffer")
    with on_disk(path).open("rb") as file:
        try:
            return _InPlace(file).load()
        except Exception as error:  # unpickling may raise anything
            raise CheckpointError(f"{path} cannot be unpickled: {_line(error)}") from error


def _line(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0][:200] if text else ''}"
