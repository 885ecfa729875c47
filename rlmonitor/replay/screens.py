"""From what others recorded to what a network takes: grey, resized, stacked, with elements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rlmonitor.environment import action_names
from rlmonitor.errors import ObservationError
from rlmonitor.games import GAMES, locate
from rlmonitor.games.pixels import COMPRESSED, LOSSLESS
from rlmonitor.recording import Recording

Shape = tuple[int, int, int]
"""Of an observation as the network takes it: ``(C, H, W)`` or ``(H, W, C)``."""


USUAL_SHAPE: Shape = (4, 84, 84)
"""Of observations, where a network does not tell."""


def has_channels_last(shape: Sequence[int]) -> bool:
    """Whether the smallest axis, that of the channels, is the last one."""
    return int(np.argmin(shape)) == 2


def channels_first(shape: Shape) -> Shape:
    """The shape ``(C, H, W)``.

    >>> channels_first((84, 84, 4)), channels_first((4, 84, 84))
    ((4, 84, 84), (4, 84, 84))
    """
    return (shape[2], shape[0], shape[1]) if has_channels_last(shape) else shape


def arranged(observation: NDArray[Any], wanted: Shape, where: str) -> NDArray[Any]:
    """Whole observations ``[N, ...]`` as ``[N, C, H, W]``.

    Raises:
        ObservationError: they are no images of the wanted shape, in either order of the axes.
    """
    first, own = channels_first(wanted), observation.shape[1:]
    if own == first:
        return observation
    if own == (*first[1:], first[0]):
        return np.moveaxis(observation, -1, 1)
    raise ObservationError(
        f"{where} holds observations of shape {list(own)}, the network takes {list(wanted)}: "
        "expected what it was trained on"
    )


def is_single(shape: Sequence[int]) -> bool:
    """Whether an observation is one raw frame: ``(H, W)``, ``(H, W, 1)`` or ``(H, W, 3)``."""
    return len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3))


def grey(frames: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Frames ``[T, h, w]``, ``[T, h, w, 1]`` or RGB as ``[T, H, W]``, as `WarpFrame` makes them."""
    made = np.empty((len(frames), *size), np.uint8)
    for i, frame in enumerate(frames):
        single = frame.reshape(frame.shape[:2]) if frame.size == frame[..., 0].size else frame
        plain = frame if frame.ndim == 2 else single
        if plain.ndim == 3:
            plain = cv2.cvtColor(plain, cv2.COLOR_RGB2GRAY)
        made[i] = cv2.resize(plain, size[::-1], interpolation=cv2.INTER_AREA)
    return made


def stacked(frames: NDArray[np.uint8], index: NDArray[np.int64], n: int) -> NDArray[np.uint8]:
    """The last ``n`` frames at each of some moments, ``[N, n, H, W]``, oldest first.

    Before the first frame there is black, as in stable-baselines3's ``VecFrameStack``.

    Args:
        frames: ``[T, H, W]`` of one game, from its start.
        index: ``[N]``, moments.
        n: frames of a stack.
    """
    moments = index[:, None] + np.arange(1 - n, 1)
    stack = frames[np.maximum(moments, 0)]
    stack[moments < 0] = 0
    return np.asarray(stack)


def as_rgb(frames: NDArray[Any]) -> NDArray[np.uint8]:
    """Frames ``[N, h, w]``, ``[N, h, w, 1]`` or ``[N, h, w, 3]`` as RGB."""
    whole = frames if frames.ndim == 4 else frames[..., None]
    return np.asarray(np.broadcast_to(whole, (*whole.shape[:3], 3)), np.uint8)


def newest(observation: NDArray[Any]) -> NDArray[np.uint8]:
    """What a person sees of observations ``[N, C, H, W]``: the newest frame, as RGB."""
    frame = observation[:, -1]
    if frame.dtype != np.uint8:
        frame = np.clip(frame * (255 if frame.max(initial=0) <= 1 else 1), 0, 255)
    return as_rgb(frame)


def with_elements(recording: Recording, game: str, *, compressed: bool = False) -> Recording:
    """The recording with the elements that pixels tell of, or with what moves.

    Args:
        recording: without masks.
        game: a key of `rlmonitor.games.GAMES`, or empty if nobody knows.
        compressed: whether its frames went through JPEG or a video.
    """
    table = GAMES.get(game)
    tolerance = COMPRESSED if compressed else LOSSLESS
    rgb = recording.observation.shape[1] == 3
    continues = np.diff(recording.step, prepend=recording.step[0] - 2) == 1
    found = locate(table, recording.observation, continues, rgb=rgb, tolerance=tolerance)
    return replace(
        recording,
        masks=found.masks,
        outside=found.outside,
        env_id=recording.env_id or (table.env_id if table else ""),
        elements_from=found.elements_from,
    )


def named_actions(recording: Recording, n_actions: int) -> Recording:
    """The recording with a name for each action of a network."""
    if len(recording.action_meanings) == n_actions:
        return recording
    names = _meanings(recording.env_id)
    plain = tuple(str(action) for action in range(n_actions))
    return replace(recording, action_meanings=names if len(names) == n_actions else plain)


@lru_cache(maxsize=4)
def _meanings(env_id: str) -> tuple[str, ...]:
    return action_names(env_id) if any(env_id == game.env_id for game in GAMES.values()) else ()
