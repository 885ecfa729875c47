"""Where the elements of the screen are, ready to have maps summed over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import ObservationError

REST = "rest"

Masks = Mapping[str, NDArray[np.bool_]]

_FEW = 0.03
"""Part of all pixels up to which those of an element are picked out one by one."""


@dataclass(frozen=True)
class Places:
    """Where elements are in N frames, looked up once for the maps of several targets.

    Attributes:
        elements: names of the disjoint ones.
        masks: of all, element to ``[N, H, W]``.
        pixels: element to how many it has in each frame, ``[N]``.
        few: element to the flat indices of its pixels in all frames, where they are few.
    """

    elements: tuple[str, ...]
    masks: Masks
    pixels: Mapping[str, NDArray[np.int64]]
    few: Mapping[str, NDArray[np.int64]]


def places_of(masks: Masks, outside: Masks | None = None) -> Places:
    """Look elements up.

    Args:
        masks: element to ``[N, H, W]`` bool, disjoint, with ``rest`` covering the frame; may be
            empty.
        outside: masks beside the disjoint ones.

    Raises:
        ObservationError: masks of several shapes, that overlap, or that leave pixels out.
    """
    everything = {**masks, **(outside or {})}
    _check_masks(masks, everything)
    pixels = {name: np.count_nonzero(mask, axis=(1, 2)) for name, mask in everything.items()}
    few = {
        name: np.flatnonzero(mask)
        for name, mask in everything.items()
        if pixels[name].sum() <= _FEW * mask.size
    }
    return Places(tuple(masks), everything, pixels, few)


def check_shapes(masks: Masks, frame: tuple[int, ...]) -> None:
    """Masks of a shape.

    Raises:
        ObservationError: another shape, or not bool.
    """
    for name, mask in masks.items():
        if mask.shape != frame or mask.dtype != np.bool_:
            raise ObservationError(
                f"mask {name!r} is {mask.dtype}{list(mask.shape)}, expected bool{list(frame)}"
            )


def _check_masks(masks: Masks, everything: Masks) -> None:
    if not everything:
        return
    first, mask = next(iter(everything.items()))
    frame = mask.shape
    if len(frame) != 3:
        raise ObservationError(f"mask {first!r} is {list(frame)}, expected [N, H, W]")
    check_shapes(everything, frame)
    if masks and not (_count(masks, frame) == 1).all():
        raise ObservationError(
            f"the masks {', '.join(masks)} overlap or leave pixels out: elements must be disjoint, "
            f"with {REST!r} for all pixels that belong to none"
        )


def _count(masks: Masks, frame: tuple[int, ...]) -> NDArray[np.uint8]:
    """How many masks hold each pixel, ``[N, H, W]``; more than 254 count as so many."""
    count = np.zeros(frame, np.uint8)
    for mask in masks.values():
        np.add(count, mask, out=count, where=count < 255)
    return count
