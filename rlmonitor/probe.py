"""Probes: fixed sets of frames that every round explains, shipped with the package.

A change of policy changes which frames the agent sees; on the same frames, a change of relevance is
a change of attention. ``scripts/make_probe.py`` made the shipped one.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import StoreError, UnknownNameError
from rlmonitor.games import MEMORY, element_masks, game_of
from rlmonitor.recording import Recording, spread

PROBES = ("breakout",)
"""Games that a probe is shipped for."""

LEAST = 128
"""Frames of a shipped probe in a round, so that all phases of the game are among them."""

_ARRAYS = ("observation", "action", "reward", "score", "done", "step", "ram")


def load_probe(name: str | os.PathLike[str]) -> Recording:
    """A shipped probe by its name, or one that `save_probe` wrote by its path; with masks.

    Raises:
        UnknownNameError: neither a shipped probe nor a file.
        StoreError: a file that is no probe.
    """
    stored = _read(name)
    try:
        return _assembled(stored)
    except Exception as error:  # arrays of other shapes and kinds may fail anywhere
        raise StoreError(f"{name} is no probe: {error}") from error


def _assembled(stored: Mapping[str, NDArray[Any]]) -> Recording:
    arrays: dict[str, Any] = {key: stored[key] for key in _ARRAYS}
    recording = Recording(
        screen=stored["palette"][stored["screen"]],
        env_id=str(stored["env_id"]),
        action_meanings=tuple(str(meaning) for meaning in stored["action_meanings"]),
        **arrays,
    )
    game = game_of(recording.env_id)
    if game is None or recording.ram is None:
        return recording
    height, width = recording.observation.shape[2:]
    masks, outside = element_masks(game, recording.ram, (height, width))
    return replace(recording, masks=masks, outside=outside, elements_from=MEMORY)


def probe_phases(name: str | os.PathLike[str]) -> tuple[str, ...]:
    """The phase of the game that each frame of a probe stands for.

    Raises:
        UnknownNameError: neither a shipped probe nor a file.
        StoreError: a file that is no probe.
    """
    return tuple(str(phase) for phase in _read(name)["phase"])


def usual_probe(game: str, n_frames: int) -> Recording:
    """As many frames of a game's shipped probe as of a round's play, and no fewer than `LEAST`.

    Args:
        game: one of `PROBES`.
        n_frames: of the play; more than all there are take all.
    """
    return spread(load_probe(game), max(n_frames, LEAST))


def phases_of(recording: Recording) -> tuple[str, ...] | None:
    """The phases of frames of a game's shipped probe; None of any others."""
    game = game_of(recording.env_id)
    if game is None or game.name not in PROBES:
        return None
    shipped = load_probe(game.name).observation
    known = {
        frame.tobytes(): phase
        for frame, phase in zip(shipped, probe_phases(game.name), strict=True)
    }
    found = [known.get(frame.tobytes()) for frame in recording.observation]
    return None if None in found else tuple(phase for phase in found if phase is not None)


def save_probe(path: str | os.PathLike[str], recording: Recording, phases: Sequence[str]) -> None:
    """Write a probe: a compressed ``.npz`` without pickles, screens as indices into a palette.

    Args:
        path: the file to write.
        recording: N frames with the emulator's memory, of at most 256 colours.
        phases: N names.
    """
    pixels = recording.screen.reshape(-1, 3)
    palette, index = np.unique(pixels, axis=0, return_inverse=True)
    np.savez_compressed(
        path,
        palette=palette,
        screen=index.reshape(recording.screen.shape[:3]).astype(np.uint8),
        phase=np.array(phases),
        env_id=np.array(recording.env_id),
        action_meanings=np.array(recording.action_meanings),
        **{key: getattr(recording, key) for key in _ARRAYS},
    )


def _read(name: str | os.PathLike[str]) -> Mapping[str, NDArray[Any]]:
    shipped = Path(str(files("rlmonitor"))) / "data" / f"probe_{name}.npz"
    path = shipped if name in PROBES else Path(name)
    if not path.is_file():
        raise UnknownNameError("probe", str(name), PROBES)
    if not zipfile.is_zipfile(path):
        raise StoreError(f"{path} is no probe: it is torn, or no .npz archive")
    wanted = {*_ARRAYS, "palette", "screen", "phase", "env_id", "action_meanings"}
    try:
        # np.load leaves a file open that it opened itself and cannot read
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {key: stored[key] for key in wanted}
    except Exception as error:  # of zip, zlib or NumPy's own format
        raise StoreError(f"{path} is no probe: {error}") from error
