"""Animated GIF from frames that are palette indices already.

Pillow's own ``save_all`` merges equal frames and chooses palettes by itself. Here nothing is
quantised and no frame is lost: one palette for the whole clip, each frame holds only the rectangle
that changed, and in it whatever did not change is transparent (GIF89a, disposal 1: leave in place),
which compresses to almost nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image

from rlmonitor.board.canvas import Palette
from rlmonitor.errors import ConfigurationError

TRANSPARENT = 0
"""The palette index that frames must not use: it stands for 'as in the frame before'."""

_HEADER = struct.Struct("<6sHHBBB")
_LOOP_FOREVER = b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
_GLOBAL_TABLE_OF_256 = 0xF7


def encode_gif(
    frames: Iterable[NDArray[np.uint8]], palette: Palette, durations: Sequence[int]
) -> bytes:
    """Encode frames of palette indices as an endless animation.

    Args:
        frames: as many as ``durations``, each ``[height, width]`` uint8 without the index 0.
        palette: their colours, complete before the first frame is taken.
        durations: milliseconds for each frame, multiples of 10 (the format counts in 10 ms) and at
            least 20 (browsers slow down what is faster).

    Returns:
        The file's content, beginning with ``GIF89a``; it has exactly one image a frame.

    Raises:
        ConfigurationError: no frames, or a duration that the format cannot hold.
    """
    if not durations or any(d % 10 or d < 20 or d > 655_350 for d in durations):
        raise ConfigurationError(
            f"durations of a GIF are multiples of 10 ms from 20 to 655350, at least one; "
            f"got {list(durations)}"
        )
    chunks: list[bytes] = []
    for box, patch, duration in _patches(frames, durations):
        if not chunks:
            height, width = patch.shape
            chunks += [_HEADER.pack(b"GIF89a", width, height, _GLOBAL_TABLE_OF_256, 0, 0)]
            chunks += [palette.table(), _LOOP_FOREVER]
        chunks += GifImagePlugin.getdata(
            Image.fromarray(patch), box, duration=duration, disposal=1, transparency=TRANSPARENT
        )
    return b"".join([*chunks, b";"])


def _patches(
    frames: Iterable[NDArray[np.uint8]], durations: Sequence[int]
) -> Iterator[tuple[tuple[int, int], NDArray[np.uint8], int]]:
    """The first frame whole, then what changed from frame to frame: offset, indices, duration."""
    before: NDArray[np.uint8] | None = None
    for frame, duration in zip(frames, durations, strict=True):
        if before is None:
            yield (0, 0), frame, duration
        else:
            yield *_patch(before, frame), duration
        before = frame


def _patch(
    before: NDArray[np.uint8], frame: NDArray[np.uint8]
) -> tuple[tuple[int, int], NDArray[np.uint8]]:
    """The smallest rectangle that holds all changes (one pixel where there are none)."""
    changed = np.not_equal(before, frame).view(np.uint8)
    left, top, width, height = cv2.boundingRect(changed)
    there = slice(top, top + max(height, 1)), slice(left, left + max(width, 1))
    return (left, top), frame[there] * changed[there]  # 0 is what is transparent
