"""The replay buffer beside stable-baselines3's, which keeps every observation twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import NStepReplayBuffer, ReplayBuffer
from stable_baselines3.common.type_aliases import ReplayBufferSamples

from rlmonitor.replay_buffer import NStepAtariReplayBuffer

IMAGES = spaces.Box(0, 255, (4, 6, 5), np.uint8)
ACTIONS = spaces.Discrete(4)
ROWS, GAMES = 20, 2


def filled(kind: type[ReplayBuffer], rows: int, **kwargs: Any) -> ReplayBuffer:
    """A ring of 20 rows after so many rows of play, where each fourth step ends an episode."""
    buffer = kind(ROWS * GAMES, IMAGES, ACTIONS, n_envs=GAMES, **kwargs)
    rng = np.random.default_rng(0)
    observation = rng.integers(0, 256, (GAMES, *IMAGES.shape), np.uint8)
    for _ in range(rows):
        following = rng.integers(0, 256, observation.shape, np.uint8)
        action, reward = rng.integers(0, 4, GAMES), rng.normal(size=GAMES)
        buffer.add(observation, following, action, reward, rng.random(GAMES) < 0.25, [{}, {}])
        observation = following
    return buffer


def samples(buffer: ReplayBuffer, rows: np.ndarray[Any, Any]) -> ReplayBufferSamples:
    np.random.seed(0)  # noqa: NPY002  # SB3 draws the game by the global generator
    return buffer._get_samples(rows)


@pytest.mark.parametrize("n_steps", [1, 2, 3, 5])
@pytest.mark.parametrize("rows", [13, ROWS, 33])
def test_returns_are_those_of_stable_baselines3(n_steps: int, rows: int) -> None:
    ours = filled(NStepAtariReplayBuffer, rows, n_steps=n_steps, gamma=0.9)
    theirs = filled(NStepReplayBuffer, rows, n_steps=n_steps, gamma=0.9)
    oldest = max(0, rows - ROWS)
    whole = np.arange(oldest + (rows >= ROWS), rows - n_steps + 1) % ROWS
    whole = np.repeat(whole, 8)  # with either game
    found, expected = samples(ours, whole), samples(theirs, whole)
    going_on = expected.dones.squeeze(1) == 0  # what follows a last step is never looked at
    assert 0 < going_on.sum() < len(whole)
    for name in ("observations", "actions", "rewards", "dones", "discounts"):
        torch.testing.assert_close(getattr(found, name), getattr(expected, name), msg=name)
    torch.testing.assert_close(
        found.next_observations[going_on], expected.next_observations[going_on]
    )
    assert found.rewards.dtype == found.discounts.dtype == torch.float32


@pytest.mark.parametrize("n_steps", [1, 3])
@pytest.mark.parametrize("rows", [3, 13, ROWS, 33])
def test_only_whole_returns_are_drawn(
    n_steps: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer = filled(NStepAtariReplayBuffer, rows, n_steps=n_steps)
    drawn: list[int] = []
    take = NStepAtariReplayBuffer._get_samples

    def noted(self: NStepAtariReplayBuffer, rows: Any, env: Any = None) -> ReplayBufferSamples:
        drawn.extend(rows)
        return take(self, rows, env)

    monkeypatch.setattr(NStepAtariReplayBuffer, "_get_samples", noted)
    buffer.sample(1_000)
    oldest = max(0, rows - ROWS) + (rows >= ROWS)
    assert set(drawn) == {row % ROWS for row in range(oldest, rows - n_steps + 1)}


def test_images_lie_with_their_channel_innermost() -> None:
    found = filled(NStepAtariReplayBuffer, 13).sample(8)
    for images in (found.observations, found.next_observations):
        assert images.shape == (8, *IMAGES.shape)
        assert images.is_contiguous(memory_format=torch.channels_last)
