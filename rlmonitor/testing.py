"""For whoever adds a game: hold its table against the pixels of real frames.

::

    class TestPong(GameConformance):
        game = pong.GAME
        minimum = {"ball": 0.95}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import ale_py
import cv2
import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from rlmonitor.games.screen import (
    REST,
    Game,
    as_ram,
    element_masks,
    pixel_masks,
    rasterise,
    readings,
)

Policy = Callable[[NDArray[np.uint8]], int]
"""The emulator's memory ``[128]`` to an action."""


@dataclass(frozen=True)
class RawFrames:
    """N raw frames of the emulator, and what it says of them itself.

    Attributes:
        ram: ``[N, 128]`` uint8.
        screen: ``[N, 210, 160, 3]`` uint8.
        score: ``[N]``, sum of this game's rewards.
        lives: ``[N]``.
    """

    ram: NDArray[np.uint8]
    screen: NDArray[np.uint8]
    score: NDArray[np.float64]
    lives: NDArray[np.int64]


def play_raw(
    env_id: str,
    n: int,
    seed: int,
    policy: Policy | None = None,
    edit: Callable[[NDArray[np.uint8]], NDArray[np.uint8]] | None = None,
) -> RawFrames:
    """Play N raw frames without frame skip; game follows game.

    Args:
        env_id: an ALE environment.
        n: frames to record.
        seed: of the environment and of the random actions.
        policy: chooses the action four frames in five (a quarter of the rest is random all the
            same); without one, every action is random and held for some frames.
        edit: changes the memory of each new game, after its first 60 frames.
    """
    gym.register_envs(ale_py)
    env = gym.make(env_id, frameskip=1, repeat_action_probability=0.0, disable_env_checker=True)
    ale = env.unwrapped.ale  # type: ignore[attr-defined]
    rng = np.random.default_rng(seed)
    held = _Held(rng, int(env.action_space.n), policy)  # type: ignore[attr-defined]
    rows: list[tuple[Any, ...]] = []
    over, age, score = True, 0, 0.0
    while len(rows) < n:
        if over:
            env.reset(seed=int(rng.integers(2**31)))
            age, score = 0, 0.0
        screen, reward, terminated, truncated, _ = env.step(held.action(ale.getRAM()))
        over, age, score = terminated or truncated, age + 1, score + float(reward)
        if edit is not None and age == 60:
            set_memory(ale, edit(ale.getRAM()))
        # score and lives follow an edit within two frames
        if edit is None or age > 62:
            rows.append((ale.getRAM(), screen, score, ale.lives()))
    env.close()
    return RawFrames(*(np.array(column) for column in zip(*rows, strict=True)))


def set_memory(ale: Any, ram: NDArray[np.uint8]) -> None:
    """Write the whole memory ``[128]`` of an ``ALEInterface``; the screen follows in a frame."""
    for place, value in enumerate(ram):
        ale.setRAM(place, int(value))


class _Held:
    """Actions that last a few frames, as a hand on a joystick makes them."""

    def __init__(self, rng: np.random.Generator, n_actions: int, policy: Policy | None) -> None:
        self._rng, self._n_actions, self._policy = rng, n_actions, policy
        self._left = 0
        self._random: int | None = None

    def action(self, ram: NDArray[np.uint8]) -> int:
        if self._left == 0:
            self._left = int(self._rng.integers(1, 9))
            own = self._policy is not None and self._rng.random() < 0.8
            self._random = None if own else int(self._rng.integers(self._n_actions))
        self._left -= 1
        if self._random is None and self._policy is not None:
            return self._policy(ram)
        return self._random or 0


def element_agreement(
    game: Game, ram: NDArray[np.uint8], screen: NDArray[np.uint8]
) -> dict[str, float]:
    """How often an element's pixels have its colours.

    Args:
        game: the table; elements without colours are left out.
        ram: ``[N, 128]``.
        screen: ``[N, 210, 160, 3]``, at the same raw frames.

    Returns:
        Name to the share of the frames with the element in which every pixel of its boxes has one
        of its colours, pixels of elements before it left aside; NaN where no frame has it.
    """
    code = _coded(screen)
    taken = np.zeros(code.shape, np.bool_)
    shares = {}
    for element in game.elements:
        mask = rasterise(element.boxes(as_ram(ram)), game.screen, game.screen)
        there = np.asarray(mask.any(axis=(1, 2)))
        visible = mask & ~taken
        taken |= mask
        if element.colours:
            own = np.isin(code[visible], [_coded(np.array(c)) for c in element.colours])
            wrong = np.unique(visible.nonzero()[0][~own])
            right = 1 - len(wrong) / there.sum() if there.any() else float("nan")
            shares[element.name] = float(right)
    return shares


def outline_agreement(
    game: Game, ram: NDArray[np.uint8], screen: NDArray[np.uint8]
) -> dict[str, float]:
    """How often nothing of an element sticks out of its boxes.

    Args:
        game: the table; elements without colours, or with the background's only, are left out.
        ram: ``[N, 128]``.
        screen: ``[N, 210, 160, 3]``, at the same raw frames.

    Returns:
        Name to the share of the frames with the element in which no pixel beside its boxes has one
        of its colours, background and pixels of other elements left aside; NaN where no frame has
        it.
    """
    code = _coded(screen)
    background = np.bincount(code[0].ravel()).argmax()
    masks = {
        e.name: rasterise(e.boxes(as_ram(ram)), game.screen, game.screen) for e in game.elements
    }
    taken = np.logical_or.reduce(list(masks.values()))
    shares = {}
    for element in game.elements:
        mask = masks[element.name]
        there = np.asarray(mask.any(axis=(1, 2)))
        own = [c for c in (_coded(np.array(c)) for c in element.colours) if c != background]
        if own:
            beside = _grown(mask) & ~taken
            out = np.unique(beside.nonzero()[0][np.isin(code[beside], own)])
            right = 1 - len(out) / there.sum() if there.any() else float("nan")
            shares[element.name] = float(right)
    return shares


def pixel_agreement(
    game: Game,
    ram: NDArray[np.uint8],
    screen: NDArray[np.uint8],
    shape: tuple[int, int] = (84, 84),
) -> dict[str, float]:
    """How well pixels alone tell where elements are, against memory.

    Args:
        game: the table.
        ram: ``[N, 128]``.
        screen: ``[N, 210, 160, 3]``, consecutive raw frames.
        shape: of the observations, each the maximum of two raw frames as a policy sees it.

    Returns:
        Name, of elements that pixels tell of, to the intersection over union of both masks, a mean
        over the frames in which either has the element; NaN where none has.
    """
    grey = np.stack([_observed(*pair, shape) for pair in pairwise(screen)])
    known, beside = element_masks(game, np.stack([ram[:-1], ram[1:]], axis=1), shape)
    told, told_beside = pixel_masks(game, grey)
    ours, theirs = told | told_beside, known | beside
    return {name: _overlap(ours[name], theirs[name]) for name in ours if name != REST}


def _observed(
    older: NDArray[np.uint8], newer: NDArray[np.uint8], shape: tuple[int, int]
) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(np.maximum(older, newer), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _overlap(ours: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> float:
    """Mean intersection over union ``[N, H, W]`` where there is a union."""
    union = (ours | theirs).sum(axis=(1, 2))
    both = (ours & theirs).sum(axis=(1, 2))
    there = union > 0
    return float(np.mean(both[there] / union[there])) if there.any() else float("nan")


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Masks ``[N, H, W]`` with the pixels above, below and beside."""
    grown = mask.copy()
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    grown[:, :, 1:] |= mask[:, :, :-1]
    grown[:, :, :-1] |= mask[:, :, 1:]
    return grown


def _coded(colour: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    """One number for an RGB colour ``[..., 3]``."""
    red, green, blue = np.moveaxis(colour, -1, 0).astype(np.int32)
    return np.asarray(red << 16 | green << 8 | blue)


class GameConformance:
    """A test class to derive from: a game's table against real frames.

    Attributes:
        game: the table.
        minimum: element to the agreement with pixels that it must reach, 0.99 where not named.
        outline: the share of frames in which nothing of an element may stick out of its boxes;
            things of one colour touch at times.
        regions: elements whose boxes end where nothing on the screen does.
        overlap: element to the intersection over union that its masks from pixels must reach with
            those from memory, 0.9 where not named.
    """

    game: ClassVar[Game]
    minimum: ClassVar[Mapping[str, float]] = {}
    outline: ClassVar[float] = 0.9
    regions: ClassVar[frozenset[str]] = frozenset({"display"})
    overlap: ClassVar[Mapping[str, float]] = {}

    def frames(self) -> RawFrames:
        """At least 1,000 real frames; override it to bring rarer elements onto the screen."""
        return play_raw(self.game.env_id, 1000, seed=0)

    def test_elements_match_pixels(self) -> None:
        """Every element is on the screen at times, in its place and with its colours."""
        frames = self.frames()
        shares = element_agreement(self.game, frames.ram, frames.screen)
        low = {
            name: share
            for name, share in shares.items()
            if not share >= self.minimum.get(name, 0.99)  # NaN, never seen, is too low as well
        }
        assert shares
        assert not low, f"agreement with pixels: {low}, expected {dict(self.minimum)} or 0.99"

    def test_nothing_sticks_out_of_an_element(self) -> None:
        """Boxes are not too small: beside them there is none of the element's colours."""
        frames = self.frames()
        few = slice(None, None, -(-len(frames.ram) // 400))
        shares = outline_agreement(self.game, frames.ram[few], frames.screen[few])
        low = {
            name: share
            for name, share in shares.items()
            if name not in self.regions and not share >= self.outline
        }
        assert not low, f"part of it is beside its boxes: {low}, expected at least {self.outline}"

    def test_masks_cover_the_frame_once(self) -> None:
        """Each pixel of the observation belongs to exactly one element."""
        ram = self.frames().ram[:64]
        masks, _ = element_masks(self.game, np.stack([ram, ram], axis=1))
        assert tuple(masks) == self.game.element_names
        assert (np.sum(list(masks.values()), axis=0) == 1).all()

    def test_pixels_tell_what_memory_tells(self) -> None:
        """Elements that pixels tell of are where memory has them."""
        if not self.game.empty:
            assert not any(each.pixels for each in self.game.elements), "a table without `empty`"
            return
        frames = self.frames()
        shares = pixel_agreement(self.game, frames.ram, frames.screen)
        low = {
            name: share
            for name, share in shares.items()
            if not share >= self.overlap.get(name, 0.9) and not np.isnan(share)
        }
        assert shares
        assert not low, f"overlap of pixels and memory: {low}, expected {dict(self.overlap)} or 0.9"

    def test_score_and_lives_are_the_emulators(self) -> None:
        """The display's numbers are the rewards' sum and the lives that ALE reports."""
        frames = self.frames()
        memory = as_ram(frames.ram)
        assert (frames.score != 0).any()
        assert (self.game.score(memory) == frames.score).mean() >= 0.99
        assert (self.game.lives(memory) == frames.lives).mean() >= 0.99

    def test_readings_are_one_number_a_frame(self) -> None:
        """Every reading has a name of its own and a number in each frame."""
        ram = self.frames().ram
        found = readings(self.game, ram)
        assert len(found) == 2 + len(self.game.readings)
        for name, numbers in found.items():
            assert numbers.shape == (len(ram),), name
