"""A round as clips: its play, and frames of its probe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rlmonitor.board.clip import PROBE_INTERVAL, render_clip
from rlmonitor.games import game_of
from rlmonitor.recording import Recording
from rlmonitor.round import Analysis, Round

PROBE_FRAMES = 24
"""Frames of the probe that its clip shows, of all that its statistics count."""


def play_clip(found: Round) -> bytes:
    """The clip of a round's play, as a GIF."""
    clip = found.clip
    return render_clip(
        clip.recording,
        _shown(clip.relevance),
        outputs=clip.outputs,
        composite=found.composite,
        timestep=found.timestep,
        title=title_of(clip.recording),
        taken=clip.recording.action,
        shares=_shares(clip),
        logits=has_logits(clip),
    )


def probe_clip(probe: Analysis, found: Round, phases: Sequence[str] | None = None) -> bytes:
    """Some frames of the probe, one after the other, as a GIF; phases name each of all frames."""
    index = shown_of_probe(probe)
    recording = probe.recording.select(index)
    return render_clip(
        recording,
        {target: maps[index] for target, maps in _shown(probe.relevance).items()},
        outputs=probe.outputs[index],
        composite=found.composite,
        timestep=found.timestep,
        title=f"{title_of(recording)}, probe",
        shares={t: {e: s[index] for e, s in by.items()} for t, by in _shares(probe).items()},
        captions=None if phases is None else [phases[i] for i in index],
        interval=PROBE_INTERVAL,
        logits=has_logits(probe),
    )


def shown_of_probe(probe: Analysis) -> NDArray[np.int64]:
    """Which frames of a probe are shown: evenly spread over all of them."""
    count = len(probe.recording)
    return np.linspace(0, count - 1, min(PROBE_FRAMES, count)).round().astype(np.int64)


def title_of(recording: Recording) -> str:
    """The game's name in words, the environment's id where it has no table."""
    game = game_of(recording.env_id)
    return game.name.replace("_", " ").title() if game is not None else recording.env_id or "Play"


def _shown(maps: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """The first two targets: a clip has two panels."""
    return dict(list(maps.items())[:2])


def has_logits(analysis: Analysis) -> bool:
    """Whether a policy was explained, whose targets are the logits and the critic's value."""
    return not analysis.relevance.keys().isdisjoint({"value", "logit"})


def _shares(analysis: Analysis) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Per frame, of the elements that add up to 1; empty where there are none."""
    names = analysis.recording.masks
    if not names:
        return {}
    return {t: {e: p.share[e] for e in names} for t, p in analysis.pooled.items()}
