"""Frames as they would be without an element, whatever network is going to look at them.

Where and with what a pixel is filled decides what the change of an output means:

* *All frames of the stack.* A ball that stays in the three older frames is still there. Masks are
  known for the newest frame of each observation, so a frame of the stack takes the mask of the
  moment at which it was the newest; observations whose past is not in the recording are left out.
* *Background.* A pixel gets the median of what the recording shows there while neither the element
  nor anything before it in order is there: behind the ball the wall, behind a brick the black that
  it leaves, behind an open tunnel its bricks. The plain median over time would keep what seldom
  moves (bricks, lives, a paddle at rest), and what lies around is wrong for what has a ground of
  its own (the display, black above a grey wall). A pixel that the element never frees gets the
  median of ``rest``, which in these games is the screen's ground.
* *Edges.* A mask holds every pixel to which the area resize gave anything of the element, in either
  of the two raw frames that the observation is the maximum of. Where an element never moves, only
  its part of a pixel on the edge is replaced: of a wall that meets the display in the middle of a
  pixel nothing is taken, and of a brick nothing is left in a pixel that counts as the space above.
  This matters: a faint line left of the bricks moves the advantage more than all bricks do.
* *Regions* outside all elements get their own plain median over time: there is no telling what
  stands there, but what a shortcut reads must change, or it would say nothing. Frames that show the
  median there already do not count: nothing was taken away. Fewer than `LEAST_CHANGED` others say
  nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import ObservationError
from rlmonitor.recording import Recording
from rlmonitor.strategy.background import UNKNOWN, fill, grown, stack_sources, still_part
from rlmonitor.strategy.places import REST

Observations = NDArray[np.uint8] | NDArray[np.float32]

CHANGED = 32
"""Frames of a round that are changed."""

LEAST_CHANGED = 4
"""Frames in which taking a region away must change a pixel, for the region to have an effect."""


@dataclass(frozen=True)
class Counterfactuals:
    """M frames as they were, and as they would be without each element.

    Attributes:
        observation: ``[M, C, H, W]``.
        without: element to ``[M, C, H, W]``.
        exists: element to ``[M]`` bool: it is somewhere in the stack, so there is something to
            take away.
        channels_last: whether the policy takes ``[M, H, W, C]``.
    """

    observation: Observations
    without: Mapping[str, Observations]
    exists: Mapping[str, NDArray[np.bool_]]
    channels_last: bool = False


@dataclass(frozen=True)
class Removal:
    """Some frames of a play without each of its elements.

    Attributes:
        index: ``[M]``, which frames.
        sources: what `rlmonitor.strategy.background.stack_sources` says of the play.
        changed: the frames without each element.
    """

    index: NDArray[np.int64]
    sources: NDArray[np.int64]
    changed: Counterfactuals


def remove_elements(play: Recording, n_frames: int = CHANGED) -> Removal | None:
    """Take every element away; None where nothing is known of elements or of frames' pasts.

    Args:
        play: consecutive frames; the more, the better the background.
        n_frames: frames that are changed, spread over those whose past is in the recording.

    Raises:
        ObservationError: ``n_frames`` below 1.
    """
    if n_frames < 1:
        raise ObservationError(f"n_frames={n_frames}: expected at least 1")
    sources = stack_sources(play.observation, play.step)
    known = np.flatnonzero((sources != UNKNOWN).all(axis=1))
    elements = {name: mask for name, mask in play.masks.items() if name != REST}
    if not len(known) or not elements:
        return None
    index = known[np.unique(np.linspace(0, len(known) - 1, n_frames).round().astype(np.int64))]
    return Removal(index, sources, take_away(play, elements, index, sources))


def take_away(
    play: Recording,
    masks: Mapping[str, NDArray[np.bool_]],
    index: NDArray[np.integer[Any]],
    sources: NDArray[np.int64] | None = None,
    *,
    plain: bool = False,
) -> Counterfactuals:
    """Some frames of a recording without each element, filled from the background.

    Args:
        play: N consecutive frames.
        masks: element to ``[N, H, W]``, where it is in the newest frame of each observation.
        index: ``[M]`` frames whose past is known.
        sources: what `rlmonitor.strategy.background.stack_sources` says of the recording.
        plain: fill with the median over all frames rather than over those without the element; a
            frame that shows it already has nothing to take away.

    Raises:
        ObservationError: a recording without elements, a mask that does not fit, or a frame whose
            past is not in the recording.
    """
    if REST not in play.masks:
        raise ObservationError(
            f"the recording has no mask {REST!r} of what belongs to no element: give one with "
            "elements"
        )
    at = (stack_sources(play.observation, play.step) if sources is None else sources)[index]
    if (at == UNKNOWN).any():
        raise ObservationError(
            "the frames before some observations are not in the recording, so it is not known "
            "where the elements were: give consecutive frames"
        )
    ground = play.masks[REST]
    known = {name: mask for name, mask in play.masks.items() if name != REST}
    still = {name: still_part(mask) for name, mask in known.items()}
    without, exists = {}, {}
    for name, mask in masks.items():
        if plain:
            whole, free = mask, np.ones_like(mask)
        else:
            whole = grown(mask, [other for of, other in still.items() if of != name])
            free = ~whole & ~in_front(name, known)
        without[name], exists[name] = fill(
            play.observation, whole, index, at, free=free, ground=ground
        )
        if plain:
            exists[name] = (without[name] != play.observation[index]).any(axis=(1, 2, 3))
    return Counterfactuals(play.observation[index], without, exists, play.channels_last)


def in_front(name: str, masks: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Where elements are that come before one in order: they hide it, and what is behind it."""
    order = list(masks)
    hidden = np.zeros_like(next(iter(masks.values())))
    for other in order[: order.index(name)] if name in masks else ():
        hidden |= masks[other]
    return hidden
