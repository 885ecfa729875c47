"""Prioritized replay against the paper's formulas, written out for each transition."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_double_dqn import model
from test_replay_buffer import GAMES, ROWS, filled

from rlmonitor.double_dqn import double_q_target
from rlmonitor.prioritized_replay import Draw, PrioritizedAtariReplayBuffer


def prioritized(rows: int, n_steps: int = 3) -> PrioritizedAtariReplayBuffer:
    buffer = filled(PrioritizedAtariReplayBuffer, rows, n_steps=n_steps, gamma=0.9)
    assert isinstance(buffer, PrioritizedAtariReplayBuffer)
    return buffer


def whole(rows: int, n_steps: int) -> list[int]:
    """Positions whose n steps have all been stored, and are not overwritten."""
    oldest = max(0, rows - ROWS) + (rows >= ROWS)
    return [step % ROWS for step in range(oldest, rows - n_steps + 1)]


@pytest.mark.parametrize("rows", [13, ROWS, 33])
@pytest.mark.parametrize("n_steps", [1, 3])
def test_transitions_are_drawn_by_their_priority_and_weighted_against_it(
    rows: int, n_steps: int
) -> None:
    buffer, rng = prioritized(rows, n_steps), np.random.default_rng(1)
    known = whole(rows, n_steps)
    errors = rng.uniform(-1.5, 1.5, (ROWS, GAMES))
    stored = errors[:rows]
    steps, games = np.indices(stored.shape).reshape(2, -1)
    buffer.update(Draw(steps, games, np.empty(0, np.float32)), stored.ravel())
    priority = {
        (step, game): (min(abs(errors[step, game]), 1) + 0.01) ** 0.6
        for step in known
        for game in range(GAMES)
    }
    chance = {key: value / sum(priority.values()) for key, value in priority.items()}
    n = 20_000
    np.random.seed(0)  # noqa: NPY002  # SB3's buffers draw from it
    _, drawn = buffer.draw(n, 0.5)
    pairs = list(zip(drawn.steps.tolist(), drawn.games.tolist(), strict=True))
    assert set(pairs) == set(chance)
    for key, expected in chance.items():  # stratified: one part more or less at either end
        assert pairs.count(key) == pytest.approx(n * expected, abs=2)
    weight = {key: (len(chance) * each) ** -0.5 for key, each in chance.items()}
    largest = max(weight.values())
    np.testing.assert_allclose(drawn.weights, [weight[k] / largest for k in pairs], rtol=1e-5)


def test_what_is_drawn_is_what_the_uniform_buffer_holds_there() -> None:
    buffer = prioritized(33)
    found, drawn = buffer.draw(64, 1.0)
    expected = buffer.transitions(drawn.steps, drawn.games)
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_the_newest_come_first_until_they_have_been_seen() -> None:
    buffer = prioritized(13)
    steps, games = np.indices((13, GAMES)).reshape(2, -1)
    buffer.update(Draw(steps, games, np.empty(0, np.float32)), np.zeros(26))
    image = np.zeros((GAMES, *buffer.obs_shape), np.uint8)
    for _ in range(3):
        buffer.add(image, image, np.zeros(GAMES), np.zeros(GAMES), np.zeros(GAMES), [{}, {}])
    _, drawn = buffer.draw(1000, 1.0)
    newest = drawn.steps == 13  # the one of the three whose three steps are known
    unseen, seen = 2 * 1.01**0.6, 26 * 0.01**0.6
    assert newest.mean() == pytest.approx(unseen / (unseen + seen), abs=0.01)


@given(n=st.integers(1, 40), beta=st.floats(0, 1), rows=st.integers(4, 45), seed=st.integers(0, 99))
def test_weights_are_at_most_one_and_undo_all_at_beta_one(
    n: int, beta: float, rows: int, seed: int
) -> None:
    buffer = prioritized(rows)
    np.random.seed(seed)  # noqa: NPY002
    _, drawn = buffer.draw(n, beta)
    assert drawn.weights.max() == 1
    assert (drawn.weights > 0).all()
    assert np.isin(drawn.steps, whole(rows, 3)).all()


def trained(**settings: Any) -> torch.Tensor:
    ours = model(double=True, **settings)
    ours.learn(64)
    return torch.cat([each.detach().flatten() for each in ours.q_net.parameters()])


def test_a_double_dqn_learns_by_priority_from_the_errors_that_it_makes() -> None:
    ours = model(double=True, prioritized=True, batch_size=16, n_steps=2)
    ours.learn(64)
    buffer = ours.replay_buffer
    assert isinstance(buffer, PrioritizedAtariReplayBuffer)
    unseen = 1.01**0.6
    stored = buffer._priorities[buffer._priorities > 0]
    assert (stored == unseen).any()
    assert (stored < unseen).any()
    assert torch.equal(trained(prioritized=True), trained(prioritized=True))
    assert not torch.equal(trained(prioritized=True), trained())


def test_errors_count_in_the_loss_by_their_weights() -> None:
    ours = model(double=True, prioritized=True, batch_size=16, n_steps=2)
    ours.learn(64)
    ours.max_grad_norm = 1e9
    ours._current_progress_remaining = 0.5  # beta is halfway from 0.4 to 1
    buffer, twin = ours.replay_buffer, copy.deepcopy(ours.q_net)
    assert isinstance(buffer, PrioritizedAtariReplayBuffer)
    before = buffer._priorities.copy()
    np.random.seed(3)  # noqa: NPY002  # SB3's buffers draw from it
    ours.train(1, batch_size=16)
    buffer._priorities = before
    np.random.seed(3)  # noqa: NPY002
    batch, drawn = buffer.draw(16, 0.7)
    assert drawn.weights.min() < 0.9  # else all count alike
    chosen = twin(batch.observations).gather(1, batch.actions.long())
    goal = double_q_target(twin, ours.q_net_target, batch, 0.99)
    losses = torch.nn.functional.huber_loss(chosen, goal, reduction="none")[:, 0]
    (losses * torch.as_tensor(drawn.weights)).mean().backward()
    for mine, theirs in zip(ours.q_net.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-3, atol=1e-6)
