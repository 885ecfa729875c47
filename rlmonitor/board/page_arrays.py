"""Frames and maps as small byte strings, from which the page composes its pictures.

Screens become numbers of colours, maps signed steps of their scale; both are deflated. Opacity,
colours and sign stay the reader's choice, because nothing is drawn here.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rlmonitor.board.overlay import relevance_scale

LEVELS, COARSE_LEVELS = 31, 15
"""Steps of relevance on each side of zero: of the maps summed over the stack, and of its frames."""
LARGEST_SCREEN = 240
"""Pixels along the longer side of a screen; larger ones are shrunk. An Atari screen has 210."""


@dataclass(frozen=True)
class Packed:
    """An array as the page gets it.

    Attributes:
        about: its entry in the header's ``arrays``.
        data: a zlib stream.
    """

    about: dict[str, Any]
    data: bytes


def pack_indices(name: str, frames: NDArray[np.uint8]) -> Packed:
    """Frames ``[N, ...]`` of small numbers that change little from one to the next."""
    changes = frames.copy()
    changes[1:] ^= frames[:-1]
    about = {"name": name, "shape": list(frames.shape), "type": "uint8", "delta": True}
    return Packed(about, _deflated(changes))


def pack_relevance(name: str, maps: NDArray[np.float32], levels: int = LEVELS) -> Packed:
    """Signed maps ``[N, ..., H, W]``, in steps of one scale, so that frames compare."""
    scale = relevance_scale(maps)
    steps = np.rint(np.clip(maps / scale, -1, 1) * levels).astype(np.int8)
    about = {
        "name": name,
        "shape": list(steps.shape),
        "type": "int8",
        "delta": False,
        "levels": levels,
        "scale": float(f"{scale:.6g}"),
    }
    return Packed(about, _deflated(steps))


def with_levels(packed: Packed, levels: int) -> Packed:
    """The same maps in fewer steps, which take less room."""
    raw = np.frombuffer(zlib.decompress(packed.data), np.int8)
    steps = np.rint(raw * (levels / packed.about["levels"])).astype(np.int8)
    return Packed({**packed.about, "levels": levels}, _deflated(steps))


def _deflated(numbers: NDArray[Any]) -> bytes:
    """A zlib stream of runs and single numbers.

    Maps hold nothing that comes again at a distance: looking for it takes six times as long, for a
    tenth of the size.
    """
    stream = zlib.compressobj(strategy=zlib.Z_RLE)
    return stream.compress(numbers.tobytes()) + stream.flush()


def halved(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means over blocks of 2 x 2 pixels; an odd row or column is filled up with zeros."""
    height, width = maps.shape[-2:]
    margins = [(0, 0)] * (maps.ndim - 2) + [(0, height % 2), (0, width % 2)]
    even = np.pad(maps, margins) if height % 2 or width % 2 else maps
    rows = even[..., 0::2, :] + even[..., 1::2, :]
    return np.asarray((rows[..., 0::2] + rows[..., 1::2]) / 4, np.float32)


def element_numbers(masks: dict[str, NDArray[np.bool_]]) -> NDArray[np.uint8]:
    """Disjoint masks ``[N, H, W]`` as one array of their places in the order of the names."""
    first = next(iter(masks.values()))
    numbers = np.zeros(first.shape, np.uint8)
    for place, mask in enumerate(masks.values()):
        numbers[mask] = place
    return numbers


def shrunk(screens: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Screens ``[N, h, w, 3]`` that are at most `LARGEST_SCREEN` pixels high and wide."""
    height, width = screens.shape[1:3]
    scale = LARGEST_SCREEN / max(height, width)
    if scale >= 1:
        return screens
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.stack([cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in screens])
