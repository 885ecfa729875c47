"""Where a game's elements are in observations that come without the console's memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlmonitor.games.motion import MOVING, moving_masks
from rlmonitor.games.pixels import LOSSLESS, Screens
from rlmonitor.games.screen import Game, Masks, pixel_masks

MEMORY, PIXELS = "console memory", "pixels"
"""Where elements come from, besides `MOVING`."""


@dataclass(frozen=True)
class Located:
    """Where elements are.

    Attributes:
        masks: name to ``[N, H, W]``, disjoint, ``rest`` last.
        outside: masks beside them.
        elements_from: `PIXELS` or `MOVING`.
    """

    masks: Masks
    outside: Masks
    elements_from: str


def locate(
    game: Game | None,
    observation: NDArray[Any],
    continues: NDArray[np.bool_] | None = None,
    *,
    rgb: bool = False,
    tolerance: int = LOSSLESS,
) -> Located:
    """Find elements by the game's table of pixels where it has one that fits, else what moves.

    Args:
        game: the table; None where there is none.
        observation: ``[N, C, H, W]``, oldest frame first.
        continues: ``[N]`` bool, see `moving_masks`.
        rgb: whether a frame has three channels.
        tolerance: see `rlmonitor.games.pixels`.

    Raises:
        ObservationError: another shape.
        NonFiniteError: NaN or infinity.
    """
    newest = observation[:, -1] if observation.ndim == 4 else observation
    if game is not None and looks_like(game, newest, rgb=rgb, tolerance=tolerance):
        masks, outside = pixel_masks(game, newest, tolerance=tolerance)
        return Located(masks, outside, PIXELS)
    return Located(moving_masks(observation, continues, rgb=rgb), {}, MOVING)


def looks_like(
    game: Game, newest: NDArray[Any], *, rgb: bool = False, tolerance: int = LOSSLESS
) -> bool:
    """Whether grey frames ``[N, H, W]`` are whole screens of a game that pixels tell of."""
    grey = not rgb and newest.ndim == 3 and newest.dtype == np.uint8
    return bool(grey and game.empty and Screens(newest, game.empty, game.screen, tolerance).fit)
