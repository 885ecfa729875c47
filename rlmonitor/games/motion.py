"""What moves, for games without a table: the element `MOVING`, from the observation alone.

A pixel has changed if it differs from the frame before. Changed pixels that touch, corners and
gaps of one pixel included, make a component; a component that is too large is no thing that moves
but a scene that changes or scrolls, and is left out.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import NonFiniteError, ObservationError
from rlmonitor.games.screen import Masks, disjoint

MOVING = "moving"

LARGEST = 0.25
"""Of the frame's pixels."""


def moving_masks(
    observation: NDArray[Any],
    continues: NDArray[np.bool_] | None = None,
    *,
    rgb: bool = False,
) -> Masks:
    """Where something moves in each frame.

    Where an observation holds a stack, its newest two frames are compared; else it is compared
    with the observation before it.

    Args:
        observation: ``[N, C, H, W]``, oldest frame first.
        continues: ``[N]`` bool, whether a frame follows the one before it in the same game; None
            if all but the first do. Used where there is no stack.
        rgb: whether a frame has three channels.

    Returns:
        `MOVING` and ``rest``, disjoint masks ``[N, H, W]``. Where nothing moves, `MOVING` is empty.

    Raises:
        ObservationError: another shape.
        NonFiniteError: NaN or infinity.
    """
    channels = 3 if rgb else 1
    if observation.ndim != 4 or observation.shape[1] % channels or not observation.size:
        raise ObservationError(
            f"observations of shape {list(observation.shape)}, expected [N, C, H, W], none of "
            f"them 0, and {channels} channels a frame"
        )
    if not np.isfinite(observation).all():
        raise NonFiniteError("observations hold NaN or infinity: nothing can be said of motion")
    changed = _changed(observation, continues, channels)
    n, height, width = changed.shape
    moving = np.stack([_without_scenery(each, LARGEST * height * width) for each in changed])
    return disjoint({MOVING: moving}, (n, height, width))


def _changed(
    observation: NDArray[Any], continues: NDArray[np.bool_] | None, channels: int
) -> NDArray[np.bool_]:
    """Which pixels differ from the frame before, ``[N, H, W]``."""
    newest = observation[:, -channels:]
    if observation.shape[1] > channels:
        before = observation[:, -2 * channels : -channels]
        return np.asarray((newest != before).any(axis=1))
    follows = np.ones(len(newest), np.bool_) if continues is None else continues.copy()
    follows[0] = False
    change = newest != np.concatenate([newest[:1], newest[:-1]])
    return np.asarray(change.any(axis=1) & follows[:, None, None])


def _without_scenery(changed: NDArray[np.bool_], largest: float) -> NDArray[np.bool_]:
    """The components of one frame ``[H, W]`` of at most so many pixels."""
    joined = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    _, component, statistics, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    small = statistics[:, cv2.CC_STAT_AREA] <= largest
    small[0] = False  # the background
    return np.asarray(small[component])
