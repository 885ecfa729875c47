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
* *Nothing to take away.* Where an element never goes away and looks as the ground does, as does the
  space above a wall, frames stay as they are; what it shares with an open column closes with that.
* *Regions* outside all elements get their own plain median over time: there is no telling what
  stands there, but what a shortcut reads must change, or it would say nothing. Frames that show the
  median there already do not count: nothing was taken away. Fewer than `LEAST_CHANGED` others say
  nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import ObservationError
from rlmonitor.recording import Recording
from rlmonitor.strategy.background import UNKNOWN, Views, fill, grown, stack_sources, still_part
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


class Backdrop:
    """A recording with what is behind each of its elements, however many of its frames change.

    Args:
        play: N consecutive frames; the more, the better the background.
        sources: what `rlmonitor.strategy.background.stack_sources` says of them, if it is known.
    """

    def __init__(self, play: Recording, sources: NDArray[np.int64] | None = None) -> None:
        self.play = play
        self.sources = stack_sources(play.observation, play.step) if sources is None else sources
        self._covers: dict[str, tuple[NDArray[np.bool_], NDArray[Any]]] = {}

    def without(self, elements: Sequence[str], index: NDArray[np.integer[Any]]) -> Counterfactuals:
        """Some frames without each element.

        Args:
            elements: names of the recording's.
            index: ``[M]`` frames whose past is known.

        Raises:
            ObservationError: a recording without elements, a mask that does not fit, or a frame
                whose past is not in the recording.
        """
        at, seen = self._past(index), self.play.observation
        filled = {
            name: fill(seen, mask, index, at, behind)
            for name in elements
            for mask, behind in (self._cover(name),)
        }
        return Counterfactuals(
            observation=seen[index],
            without={name: frames for name, (frames, _) in filled.items()},
            exists={name: there for name, (_, there) in filled.items()},
            channels_last=self.play.channels_last,
        )

    def without_regions(
        self, masks: Mapping[str, NDArray[np.bool_]], index: NDArray[np.integer[Any]]
    ) -> Counterfactuals:
        """Some frames without each region, filled with the median over all frames.

        A frame that shows the median already has nothing to take away.

        Args:
            masks: region to ``[N, H, W]``, where it is in the newest frame of each observation.
            index: as for `without`, as are the errors.
        """
        at, seen = self._past(index), self.play.observation
        before = seen[index]
        without = {
            name: fill(seen, mask, index, at, self._views.behind(mask, np.ones_like(mask)))[0]
            for name, mask in masks.items()
        }
        exists = {name: (after != before).any(axis=(1, 2, 3)) for name, after in without.items()}
        return Counterfactuals(before, without, exists, self.play.channels_last)

    def _cover(self, name: str) -> tuple[NDArray[np.bool_], NDArray[Any]]:
        """Where an element is, with its edges, and what is behind it."""
        if name not in self._covers:
            before = list(self._elements)[: list(self._elements).index(name)]
            mask = grown(self._elements[name], [self._still[other] for other in before])
            free = ~mask & ~in_front(name, self._elements)
            bare = mask & self._views.bare(mask, free)
            # What the bare part shares with what was there before changes with that.
            self._covers[name] = grown(mask & ~bare, [bare]), self._views.behind(mask, free)
        return self._covers[name]

    @cached_property
    def _elements(self) -> dict[str, NDArray[np.bool_]]:
        return {name: mask for name, mask in self.play.masks.items() if name != REST}

    @cached_property
    def _still(self) -> dict[str, NDArray[np.bool_]]:
        return {name: still_part(mask) for name, mask in self._elements.items()}

    @cached_property
    def _views(self) -> Views:
        channels = self.play.observation.shape[1] // self.sources.shape[1]
        return Views(self.play.observation, channels, self.play.masks[REST])

    def _past(self, index: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """What the stacks of some frames show, ``[M, S]``."""
        if REST not in self.play.masks:
            raise ObservationError(
                f"the recording has no mask {REST!r} of what belongs to no element: give one with "
                "elements"
            )
        at: NDArray[np.int64] = self.sources[index]
        if (at == UNKNOWN).any():
            raise ObservationError(
                "the frames before some observations are not in the recording, so it is not known "
                "where the elements were: give consecutive frames"
            )
        return at


def remove_elements(backdrop: Backdrop, n_frames: int = CHANGED) -> Removal | None:
    """Take every element away; None where nothing is known of elements or of frames' pasts.

    Args:
        backdrop: the frames, and what is behind their elements.
        n_frames: frames that are changed, spread over those whose past is in the recording.

    Raises:
        ObservationError: ``n_frames`` below 1.
    """
    if n_frames < 1:
        raise ObservationError(f"n_frames={n_frames}: expected at least 1")
    known = np.flatnonzero((backdrop.sources != UNKNOWN).all(axis=1))
    elements = [name for name in backdrop.play.masks if name != REST]
    if not len(known) or not elements:
        return None
    index = known[np.unique(np.linspace(0, len(known) - 1, n_frames).round().astype(np.int64))]
    return Removal(index, backdrop.sources, backdrop.without(elements, index))


def in_front(name: str, masks: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Where elements are that come before one in order: they hide it, and what is behind it."""
    order = list(masks)
    hidden = np.zeros_like(next(iter(masks.values())))
    for other in order[: order.index(name)] if name in masks else ():
        hidden |= masks[other]
    return hidden
