"""Elements of a game's screen: from the console's memory, or from pixels, to masks.

An element is data: a name and a function that turns the 128 bytes of memory into boxes in raw
screen pixels. Nothing there looks at pixels, so a table must be held against them by a test;
`rlmonitor.testing.GameConformance` does that. Where there is no memory, the elements that can be
told from pixels are (`rlmonitor.games.pixels`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlmonitor.errors import ObservationError
from rlmonitor.games.pixels import LOSSLESS, Detect, Painted, Redraw, Screens

Ram = NDArray[np.int64]
"""``[N, 128]`` bytes of memory, as integers that arithmetic cannot overflow."""

Boxes = NDArray[np.int64]
"""``[N, K, 4]`` top, left, bottom, right in raw pixels, ends exclusive; all zero where absent."""

Masks = dict[str, NDArray[np.bool_]]

Read = Callable[[Ram], NDArray[np.int64]]
"""Memory ``[N, 128]`` to a number in each frame, ``[N]``."""

REST = "rest"
"""The element that all others leave over; no table and no user may take the name."""


@dataclass(frozen=True)
class Element:
    """Something on the screen.

    Attributes:
        name: as it stands in tags and tables.
        boxes: memory ``[N, 128]`` to boxes ``[N, K, 4]``; the element is their union.
        colours: the RGB colours that its visible pixels take, for the test against pixels; empty
            where the boxes are a region that anything may cross.
        pixels: where it is on screens without memory; None if pixels do not tell.
        behind: screens to what they show where it is not, for hiding it; None if that is the
            game's empty screen.
    """

    name: str
    boxes: Callable[[Ram], Boxes]
    colours: frozenset[tuple[int, int, int]] = frozenset()
    pixels: Detect | None = None
    behind: Redraw | None = None


@dataclass(frozen=True)
class Reading:
    """A number that the memory holds in every frame, such as a meter.

    Attributes:
        name: as it stands in tags and tables.
        read: memory ``[N, 128]`` to the number ``[N]``.
    """

    name: str
    read: Read


def no_lives(ram: Ram) -> NDArray[np.int64]:
    """The lives of a game that counts none, as ALE tells them: 0 in each frame, ``[N]``."""
    return np.zeros(len(ram), np.int64)


@dataclass(frozen=True)
class Game:
    """A game's table.

    Attributes:
        name: snake case, as ALE names the cartridge: ``video_pinball``.
        env_id: the environment without frame skip, for whoever gives only the name.
        elements: in order of priority; a pixel belongs to the first that covers it.
        score: memory ``[N, 128]`` to the score on display ``[N]``.
        lives: memory ``[N, 128]`` to the lives left ``[N]``.
        outside: elements beside the disjoint ones, which may overlap them.
        readings: further numbers that memory holds, see `readings`.
        screen: height and width of the raw screen.
        empty: what the screen shows where nothing is, for telling elements from pixels.
    """

    name: str
    env_id: str
    elements: tuple[Element, ...]
    score: Read
    lives: Read = no_lives
    outside: tuple[Element, ...] = ()
    readings: tuple[Reading, ...] = ()
    screen: tuple[int, int] = (210, 160)
    empty: Painted = ()

    @property
    def element_names(self) -> tuple[str, ...]:
        """Names of the disjoint elements in order of priority, ``rest`` last."""
        return (*(element.name for element in self.elements), REST)


def readings(game: Game, ram: NDArray[np.uint8]) -> dict[str, NDArray[np.int64]]:
    """Everything that a game's memory counts: ``score``, ``lives`` and the table's own readings.

    Args:
        game: the table.
        ram: ``[N, 128]``; of a recording ``recording.ram[:, 1]``, the newer raw frame.

    Returns:
        Name to the number in each frame, ``[N]``.

    Raises:
        ObservationError: memory of another shape.
    """
    if ram.ndim != 2 or ram.shape[1] != 128:
        raise ObservationError(
            f"memory of shape {list(ram.shape)}, expected [N, 128]; of a recording take "
            "recording.ram[:, 1]"
        )
    memory = as_ram(ram)
    own = {each.name: each.read(memory) for each in game.readings}
    return {"score": game.score(memory), "lives": game.lives(memory)} | own


def as_ram(ram: NDArray[np.uint8]) -> Ram:
    """Memory as integers that arithmetic cannot overflow, ``[..., 128]``."""
    return ram.astype(np.int64)


def box(
    top: ArrayLike, left: ArrayLike, height: ArrayLike, width: ArrayLike, exists: ArrayLike = True
) -> Boxes:
    """Boxes ``[N, K, 4]`` from arrays that broadcast to ``[N, K]``; all zero where not ``exists``.

    >>> box([[10]], [[20]], 4, 2).tolist()
    [[[10, 20, 14, 22]]]
    """
    top, left, height, width = (np.asarray(each, np.int64) for each in (top, left, height, width))
    corners = np.broadcast_arrays(top, left, top + height, left + width, exists)
    return np.asarray(np.stack(corners[:4], axis=-1) * corners[4][..., None].astype(np.int64))


def clip(boxes: Boxes, top: int, left: int, bottom: int, right: int) -> Boxes:
    """The part of each box that lies within a field; all zero where nothing does."""
    low = np.maximum(boxes, np.array([top, left, top, left]))
    cut = np.minimum(low, np.array([bottom, right, bottom, right]))
    return np.asarray(cut * (cut[..., 2:] > cut[..., :2]).all(axis=-1, keepdims=True))


def fixed(*regions: tuple[int, int, int, int]) -> Callable[[Ram], Boxes]:
    """Boxes that stand still: ``(top, left, bottom, right)`` each."""
    boxes = np.array(regions, np.int64)
    return lambda ram: np.broadcast_to(boxes, (len(ram), *boxes.shape))


def decimal(ram: Ram, *places: int) -> NDArray[np.int64]:
    """A number ``[N]`` stored two decimal digits a byte (BCD), most significant byte first."""
    number = np.zeros(len(ram), np.int64)
    for place in places:
        number = number * 100 + (ram[:, place] >> 4) * 10 + (ram[:, place] & 15)
    return number


def byte(place: int) -> Read:
    """The number that a byte holds."""
    return lambda ram: ram[:, place]


def set_bits(place: int) -> Read:
    """How many of a byte's 8 bits are set, for meters that fill up bit by bit."""
    return lambda ram: np.bitwise_count(ram[:, place]).astype(np.int64)


def rasterise(boxes: Boxes, screen: tuple[int, int], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The union of each frame's boxes on a resized grid, rounded outward.

    A pixel of the resized image is set if any raw pixel that an area resize averages into it lies
    in a box.

    Args:
        boxes: ``[N, K, 4]`` in raw pixels.
        screen: height and width of the raw screen.
        shape: height H and width W of the resized image.

    Returns:
        ``[N, H, W]``.
    """
    height, width = shape
    # Walls and displays stand still over many frames: each constellation is painted once.
    first, constellation = _distinct(boxes)
    inside = clip(boxes[first], 0, 0, *screen)
    rows = _span(inside[..., 0], inside[..., 2], screen[0], height)
    columns = _span(inside[..., 1], inside[..., 3], screen[1], width)
    covered = np.matmul(rows.swapaxes(1, 2), columns) > 0
    return np.asarray(covered[constellation])


def element_masks(
    game: Game, ram: NDArray[np.uint8], shape: tuple[int, int] = (84, 84)
) -> tuple[Masks, Masks]:
    """Where each element of a game is.

    Args:
        game: the table.
        ram: ``[N, 2, 128]``, memory at the two raw frames that the observation takes the maximum
            of; an element is where it was in either.
        shape: height H and width W of the observation, an area resize of the whole screen.

    Returns:
        Two dicts of masks ``[N, H, W]``: the disjoint ones, which together with ``rest`` cover the
        frame exactly once, and those outside them.
    """
    memory = as_ram(ram)
    masks = {each.name: _mask(each, memory, game.screen, shape) for each in game.elements}
    outside = {each.name: _mask(each, memory, game.screen, shape) for each in game.outside}
    return disjoint(masks, (len(ram), *shape)), outside


def pixel_masks(
    game: Game, grey: NDArray[np.uint8], *, tolerance: int = LOSSLESS
) -> tuple[Masks, Masks]:
    """Where each element of a game is that pixels tell of.

    Args:
        game: the table.
        grey: ``[N, H, W]``, the newest frame of each observation, an area resize of the screen.
        tolerance: see `rlmonitor.games.pixels`.

    Returns:
        As `element_masks`, but for the elements that pixels do not tell of.
    """
    screens = Screens(grey, game.empty, game.screen, tolerance)
    masks = {each.name: each.pixels(screens) for each in game.elements if each.pixels}
    outside = {each.name: each.pixels(screens) for each in game.outside if each.pixels}
    height, width = grey.shape[1:]
    return disjoint(masks, (len(grey), height, width)), outside


def disjoint(masks: Mapping[str, NDArray[np.bool_]], shape: tuple[int, int, int]) -> Masks:
    """Masks ``[N, H, W]`` without overlap: a pixel goes to the first that has it, or to ``rest``.

    >>> first = np.array([[[True, False, False]]])
    >>> second = np.array([[[True, True, False]]])
    >>> apart = disjoint({"a": first, "b": second}, (1, 1, 3))
    >>> {name: mask.astype(int).ravel().tolist() for name, mask in apart.items()}
    {'a': [1, 0, 0], 'b': [0, 1, 0], 'rest': [0, 0, 1]}
    """
    free = np.ones(shape, bool)
    apart: Masks = {}
    for name, mask in masks.items():
        apart[name] = mask & free
        free &= ~mask
    return apart | {REST: free}


def _mask(
    element: Element, ram: Ram, screen: tuple[int, int], shape: tuple[int, int]
) -> NDArray[np.bool_]:
    boxes = element.boxes(ram.reshape(-1, ram.shape[-1]))
    return rasterise(boxes.reshape(len(ram), 2 * boxes.shape[1], 4), screen, shape)


def _distinct(boxes: Boxes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the frames that differ, and for each frame which of those it equals."""
    if not len(boxes):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    flat = np.ascontiguousarray(boxes.reshape(len(boxes), -1))
    as_bytes = flat.view(np.dtype((np.void, flat.shape[1] * flat.itemsize))).ravel()
    _, first, constellation = np.unique(as_bytes, return_index=True, return_inverse=True)
    return first, constellation


def _span(
    start: NDArray[np.int64], end: NDArray[np.int64], raw: int, resized: int
) -> NDArray[np.float32]:
    """Which resized pixels ``[N, K, resized]`` overlap the raw interval ``[start, end)``."""
    first, last = start * resized // raw, -(-end * resized // raw)
    pixel = np.arange(resized, dtype=np.int16)
    span = (pixel >= first.astype(np.int16)[..., None]) & (pixel < last.astype(np.int16)[..., None])
    return span.astype(np.float32)
