"""Runs on disk whose agents look where they are told to."""

from pathlib import Path

import numpy as np

from rlmonitor.recording import Recording
from rlmonitor.replay.journal import append_round
from rlmonitor.replay.store import write_round
from rlmonitor.round import Analysis, Round
from rlmonitor.round_summary import summary_of
from rlmonitor.strategy.pooling import pool, pool_frames

SIZE = 12


def recording(n=24, games=12, seed=0):
    """Frames of several games, with a ball, a paddle and the rest."""
    rng = np.random.default_rng(seed)
    masks = {name: np.zeros((n, SIZE, SIZE), bool) for name in ("ball", "paddle")}
    for frame in range(n):
        row, column = rng.integers(0, SIZE - 4, 2)
        masks["ball"][frame, row : row + 2, column : column + 2] = True
    masks["paddle"][:, -1, 3:8] = True
    masks["rest"] = ~(masks["ball"] | masks["paddle"])
    return Recording(
        observation=rng.integers(0, 256, (n, 2, SIZE, SIZE), dtype=np.uint8),
        screen=rng.integers(0, 256, (n, 2 * SIZE + 1, 2 * SIZE - 1, 3), dtype=np.uint8) // 64 * 64,
        action=rng.integers(0, 3, n),
        reward=np.zeros(n, np.float32),
        score=np.arange(n, dtype=np.float32),
        done=np.zeros(n, bool),
        step=np.tile(np.arange(n // games), games) * 7,
        masks=masks,
        env_id="Planted-v0",
        action_meanings=("NOOP", "LEFT", "RIGHT"),
    )


def analysis(frames, ball, rng):
    """Maps with about that part of their relevance on the ball."""
    part = np.clip(ball + 0.02 * rng.normal(size=(len(frames), 1, 1)), 0.01, 0.9)
    on = frames.masks["ball"]
    picture = np.where(on, part / on.sum(axis=(1, 2), keepdims=True), 0)
    noise = rng.random(picture.shape) * ~on
    picture = picture + noise / noise.sum(axis=(1, 2), keepdims=True) * (1 - part)
    maps = np.repeat(picture[:, None], 2, axis=1).astype(np.float32)
    maps[..., ::2] *= -1  # signed, alike in both frames of the stack
    relevance = {"q": maps, "advantage": maps[:, :, ::-1].copy()}
    pooled = {t: pool_frames(m, frames.masks, frames.outside) for t, m in relevance.items()}
    return Analysis(
        recording=frames,
        relevance=relevance,
        explained={t: m.sum(axis=(1, 2, 3)) for t, m in relevance.items()},
        outputs=rng.random((len(frames), 3)).astype(np.float32),
        pooled=pooled,
        statistics={t: pool(p) for t, p in pooled.items()},
        conservation_error=1e-7,
    )


def a_round(timestep, ball, seed, *, probe_seed=0, composite="epsilon-plus-flat"):
    rng = np.random.default_rng([seed, timestep])
    return Round(
        timestep=timestep,
        composite=composite,
        play=analysis(recording(seed=seed + 100), ball, rng),
        clip=analysis(recording(n=6, games=1, seed=seed + 200), ball, rng),
        probe=analysis(recording(seed=probe_seed), ball, rng),
        random=None,
        random_similarity={},
        behaviour={"play/score_rate": float(timestep + seed)},
        scores=(float(seed), float(seed + 2)),
    )


def write_run(path: Path, ball=0.2, seed=0, timesteps=(0, 100, 200), **settings):
    """A run whose agent puts that part of its relevance on the ball."""
    path.mkdir(parents=True, exist_ok=True)
    for timestep in timesteps:
        found = a_round(timestep, ball, seed, **settings)
        if timestep == timesteps[-1]:  # as a run that keeps the latest round alone
            write_round(path, found)
        append_round(path, summary_of(found))
    return path
