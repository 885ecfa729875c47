"""Videos of a game's screen, made into what a network takes; decoded by PyAV (extra ``video``).

A step of the agent is as many frames of the video as the frame skip says, and its observation the
maximum of the last two, as in training (Mnih et al. 2015). A video that holds only every fourth
frame has a skip of 1, and no second frame to take the maximum with. Compression changes pixels.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import CheckpointError, ConfigurationError
from rlmonitor.extras import require
from rlmonitor.recording import Recording
from rlmonitor.replay.files import is_remote, on_disk
from rlmonitor.replay.screens import Shape, channels_first, grey, has_channels_last, stacked
from rlmonitor.rollout import shrunk

SUFFIXES = (".mp4", ".gif", ".webm", ".mkv", ".avi", ".mov")

SMALLEST, LARGEST = 32, 2048
"""Pixels along a side of a game's screen."""

KEPT = 16
"""Steps that are remembered, for the stack of the next one that is asked for."""

MOST_SKIPPED = 60
"""Frames of a step."""


@dataclass(frozen=True)
class Video:
    """What a video is.

    Attributes:
        frames: how many there are.
        height: in pixels.
        width: in pixels.
        rate: frames a second; 0 if it does not say.
        codec: such as ``h264``.
    """

    frames: int
    height: int
    width: int
    rate: float
    codec: str

    def steps(self, frame_skip: int) -> int:
        """Steps of the agent."""
        return self.frames // frame_skip


@lru_cache(maxsize=8)
def look_at_video(path: str) -> Video:
    """Find out what a video is, without decoding its frames.

    Raises:
        CheckpointError: it is broken, none, empty, or of a size that no game's screen has.
        DependencyError: the extra ``video`` is missing.
    """
    with _opened(path) as (container, stream):
        size = stream.codec_context.height, stream.codec_context.width
        if not SMALLEST <= min(size) <= max(size) <= LARGEST:
            raise CheckpointError(
                f"{path} has frames of {size[0]} x {size[1]} pixels, expected a game's screen of "
                f"{SMALLEST} to {LARGEST}"
            )
        n = sum(packet.size > 0 for packet in container.demux(stream))
        rate = float(stream.average_rate or 0)
        codec = str(stream.codec_context.name)
    if not n:
        raise CheckpointError(f"{path} holds no frames")
    return Video(n, *size, rate, codec)


def read_video(path: str, index: NDArray[np.int64], shape: Shape, frame_skip: int) -> Recording:
    """Some steps of a video, without elements; actions and rewards are unknown, and 0.

    Args:
        path: of the file.
        index: ``[N]``, steps in ascending order.
        shape: of the observations that the network takes.
        frame_skip: frames of the video in a step.

    Raises:
        CheckpointError: it is broken, or shorter than it says.
    """
    n, height, width = channels_first(shape)
    first, last = max(0, int(index[0]) - n + 1), int(index[-1])
    wanted = set(index.tolist())
    seen, screens = [], []
    for step, (older, newer) in _cursor(path, frame_skip).steps(first, last):
        seen.append(grey(np.maximum(older, newer)[None], (height, width))[0])
        if step in wanted:
            screens.append(shrunk(newer))
    if len(screens) != len(index):
        raise CheckpointError(f"{path} is torn: step {first + len(seen)} cannot be decoded")
    zeros = np.zeros(len(index), np.float32)
    return Recording(
        observation=stacked(np.stack(seen), index - first, n),
        screen=np.stack(screens),
        action=np.zeros(len(index), np.int64),
        reward=zeros,
        score=zeros,
        done=np.zeros(len(index), np.bool_),
        step=index,
        channels_last=has_channels_last(shape),
    )


def checked_skip(frame_skip: int) -> int:
    """The frame skip.

    Raises:
        ConfigurationError: none that can be.
    """
    if not 1 <= frame_skip <= MOST_SKIPPED:
        raise ConfigurationError(f"--frame-skip {frame_skip}: expected 1 to {MOST_SKIPPED}")
    return frame_skip


Frame = NDArray[np.uint8]


Step = tuple[int, tuple[Frame, Frame]]
"""A step's number and its last two frames, RGB; the same one twice if a step has one."""


class _Cursor:
    """A place in a video, from which whoever reads it in order goes on."""

    def __init__(self, path: str, frame_skip: int) -> None:
        self._path, self._skip = path, frame_skip
        self._passed = -1
        self._restart()

    def steps(self, first: int, last: int) -> Iterator[Step]:
        """Decode steps, the last one included; fewer if the video ends before."""
        if first <= self._passed and (not self._kept or first < self._kept[0][0]):
            self._restart()
        yield from [each for each in self._kept if first <= each[0] <= last]
        while self._passed < last:
            try:
                step = next(self._ahead, None)
            except Exception:
                self._restart()
                raise
            if step is None:
                self._restart()
                return
            self._kept.append(step)
            self._passed = step[0]
            if step[0] >= first:
                yield step

    def _restart(self) -> None:
        self._ahead = _decoded(self._path, self._skip)
        self._kept: deque[Step] = deque(maxlen=KEPT)
        self._passed = -1


_cursor = lru_cache(maxsize=1)(_Cursor)


def _decoded(path: str, frame_skip: int) -> Iterator[Step]:
    older: Any = None
    with _opened(path) as (container, stream):
        for i, frame in enumerate(container.decode(stream)):
            step, place = divmod(i, frame_skip)
            if place < frame_skip - 2:
                continue
            newer = frame.to_ndarray(format="rgb24")
            if place == frame_skip - 1:
                yield step, (newer if frame_skip == 1 else older, newer)
            older = newer


class _opened:
    """A video's container and its first stream of pictures; any fault of it is one sentence."""

    def __init__(self, path: str) -> None:
        self._av: Any = require("av", "video", "a video")
        self._path = path
        if is_remote(path) or not on_disk(path).is_file():
            raise CheckpointError(f"{path} is no file on this machine: expected a video")

    def __enter__(self) -> tuple[Any, Any]:
        try:
            self._container = self._av.open(str(on_disk(self._path)))
        except (self._av.FFmpegError, OSError, ValueError) as error:
            raise CheckpointError(f"{self._path} is no video: {error}") from error
        if not self._container.streams.video:
            self._container.close()
            raise CheckpointError(f"{self._path} holds no moving pictures")
        return self._container, self._container.streams.video[0]

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self._container.close()
        if isinstance(error, self._av.FFmpegError):
            raise CheckpointError(f"{self._path} is torn: {error}") from error
