"""Observations without some elements: what belongs to them is painted as what is behind them.

The game goes on as it was; only the policy is shown less. Delfosse et al. 2024 ('Interpretable
Concept Bottlenecks to Align Reinforcement Learning Agents', section 4) hide Pong's enemy so.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import ObservationError, UnknownNameError
from rlmonitor.games.pixels import Screens
from rlmonitor.games.screen import REST, Game, pixel_masks


def without(game: Game, elements: Collection[str], grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Screens on which elements are not to be seen.

    An element is where the game's table of pixels finds it in each screen. What is behind it is the
    table's empty screen, or what the element itself says: behind an open tunnel are its bricks.

    Args:
        game: the table.
        elements: names of elements that pixels tell of.
        grey: ``[N, H, W]``, single frames; of a stack give each frame.

    Raises:
        UnknownNameError: an element that the game has not, or pixels do not tell of.
        ObservationError: frames of another shape or type.
    """
    if grey.ndim != 3 or grey.dtype != np.uint8:
        raise ObservationError(
            f"frames {grey.dtype}{list(grey.shape)}, expected uint8[N, H, W] of single frames"
        )
    require_hideable(game, elements)
    masks, _ = pixel_masks(game, grey)
    screens, shown = Screens(grey, game.empty, game.screen), grey
    for element in game.elements:
        if element.name in elements:
            behind = screens.nothing if element.behind is None else element.behind(screens)
            shown = np.where(masks[element.name], behind, shown)
    return shown


def require_hideable(game: Game, elements: Collection[str]) -> None:
    """Check that pixels tell where the elements are.

    Raises:
        UnknownNameError: with the names of those that can be hidden.
    """
    known = [each.name for each in game.elements if each.pixels is not None and each.name != REST]
    for name in elements:
        if name not in known:
            raise UnknownNameError(f"element of {game.name}", name, known)
