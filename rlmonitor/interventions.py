"""The causal check in the emulator: take an element out of memory and let the console draw.

What stands behind an element is not guessed from other frames here: the game itself shows it. It
costs some emulator frames for each frame looked at, and only elements of
`rlmonitor.games.edits.EDITS` can be taken away.

All of it happens in an emulator of its own that runs copies of states. `clone_state` reads the
player's emulator and changes nothing there; restoring a state in the player's own would leave
another picture in its screen buffer, which is not part of a state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ale_py
import cv2
import numpy as np
from ale_py import ALEInterface, ALEState, roms
from numpy.typing import NDArray

from rlmonitor.errors import ConfigurationError, ObservationError, UnknownNameError
from rlmonitor.games.edits import EDITS, SETTLES, Edit, Gone
from rlmonitor.preprocessing import Preprocessing
from rlmonitor.strategy.counterfactuals import Counterfactuals
from rlmonitor.testing import set_memory

NOOP = 0


class SpareEmulator:
    """An emulator apart from all environments, which draws copies of their states.

    Args:
        game: the cartridge's name, as ``"breakout"``.

    Raises:
        UnknownNameError: no such cartridge.
    """

    def __init__(self, game: str) -> None:
        known = roms.get_all_rom_ids()
        path = roms.get_rom_path(game) if game in known else None
        if path is None:
            raise UnknownNameError("cartridge", game, known)
        ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
        self._ale = ALEInterface()
        self._ale.setFloat("repeat_action_probability", 0.0)
        self._ale.loadROM(path)
        self._memories: list[NDArray[np.uint8]] = []

    def draw(self, state: ALEState, edit: Edit | None = None) -> NDArray[np.uint8]:
        """The two raw frames ``[2, 210, 160, 3]`` after the screen has followed an edit.

        Without an edit, the same frames of the game as it is, to compare with.
        """
        self._ale.restoreState(state)
        screens, self._memories = [], []
        for _ in range(SETTLES + 1):
            if edit is not None:  # in each frame, or the game would write some of it back
                set_memory(self._ale, edit(self._ale.getRAM()))
            self._ale.act(NOOP)
            screens.append(self._ale.getScreenRGB())
            self._memories.append(self._ale.getRAM())
        return np.stack(screens[-2:])

    def stayed_away(self, gone: Gone) -> bool:
        """Whether memory was without an element after each frame drawn last."""
        return all(gone(ram) for ram in self._memories)


def counterfactuals(
    emulator: SpareEmulator,
    states: Sequence[Sequence[ALEState]],
    edits: Mapping[str, Edit],
    preprocessing: Preprocessing,
    *,
    gone: Mapping[str, Gone] | None = None,
    channels_last: bool = False,
) -> Counterfactuals:
    """Observations with and without each element, both drawn by the emulator.

    Both are `SETTLES` + 1 raw frames later than the states, without action, so the one differs from
    the other in the edit alone. Give them to `rlmonitor.strategy.causal.measure`.

    Args:
        emulator: of the same cartridge.
        states: ``[M][S]``, for each frame the states at the S frames of its stack, oldest first.
        edits: element to its edit.
        preprocessing: from raw frames to observations.
        gone: element to whether a memory is without it, where a game may put it back.
        channels_last: whether the policy takes ``[M, H, W, C]``.

    Raises:
        ObservationError: no frames, or stacks of another size than the policy's.
        ConfigurationError: a preprocessing that this cannot imitate.
    """
    depth = preprocessing.n_stack
    if not states or any(len(stack) != depth for stack in states):
        raise ObservationError(
            f"stacks of {[len(stack) for stack in states]} states: expected {depth} each, one for "
            "each frame of the stack, and at least one stack"
        )
    if preprocessing.emulator_frame_skip != 1:
        raise ConfigurationError(
            f"emulator_frame_skip={preprocessing.emulator_frame_skip}: such an emulator shows only "
            "every so many frames; take an environment that skips frames outside (NoFrameskip)"
        )

    def observations(edit: Edit | None, gone: Gone) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        drawn: dict[int, NDArray[np.uint8]] = {}  # consecutive stacks share most of their states
        away: dict[int, bool] = {}
        for state in (state for stack in states for state in stack):
            if id(state) not in drawn:
                drawn[id(state)] = _preprocessed(emulator.draw(state, edit), preprocessing)
                away[id(state)] = emulator.stayed_away(gone)
        seen = np.stack([np.concatenate([drawn[id(s)] for s in stack]) for stack in states])
        return seen, np.array([all(away[id(s)] for s in stack) for stack in states])

    control, _ = observations(None, _always)
    without, exists = {}, {}
    for name, edit in edits.items():
        without[name], away = observations(edit, (gone or {}).get(name, _always))
        exists[name] = (without[name] != control).any(axis=(1, 2, 3)) & away
    return Counterfactuals(control, without, exists, channels_last)


def _always(_ram: NDArray[np.uint8]) -> bool:
    return True


def edits_of(game: str) -> Mapping[str, Edit]:
    """The elements of a game that can be taken out of memory; empty where there are none."""
    return EDITS.get(game, {})


def _preprocessed(raw: NDArray[np.uint8], how: Preprocessing) -> NDArray[np.uint8]:
    """One frame of an observation ``[k, H, W]`` from two raw ones, as the wrappers make it."""
    frame: Any = raw.max(axis=0) if how.frame_skip > 1 else raw[-1]
    if how.grayscale:
        frame = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    if how.screen_size is not None:
        height, width = how.screen_size
        frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(frame[None] if frame.ndim == 2 else np.moveaxis(frame, -1, 0), np.uint8)
