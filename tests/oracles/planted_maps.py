"""Relevance maps with a bright spot at a known place."""

import numpy as np

SIDE = 24
PLACES = {"left": (12, 4), "right": (12, 20), "top": (3, 12), "bottom": (21, 12)}


def spots(place, n, seed=0, jitter=0.5):
    """``[n, 2, 24, 24]`` signed maps with their spot near a place ``(y, x)``."""
    rng = np.random.default_rng(seed)
    at = np.asarray(place) + rng.normal(0, jitter, (n, 2))
    line = np.arange(SIDE)
    bumps = np.exp(-((line - at[:, :, None]) ** 2) / 8)
    picture = bumps[:, 0, :, None] * bumps[:, 1, None, :]
    picture = picture + 0.02 * rng.random((n, SIDE, SIDE))
    return np.stack([0.7 * picture, -0.3 * picture], axis=1).astype(np.float32)


def heap(counts, seed=0, jitter=0.5):
    """Maps of several places, shuffled, with the place of each: ``{"left": 40, …}``."""
    maps = [spots(PLACES[name], n, seed + i, jitter) for i, (name, n) in enumerate(counts.items())]
    truth = np.repeat(np.arange(len(counts)), list(counts.values()))
    order = np.random.default_rng(seed).permutation(len(truth))
    return np.concatenate(maps)[order], truth[order]
