"""Double DQN against the formula written out, transition by transition."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from stable_baselines3.dqn import DQN
from torch import Tensor, nn

from rlmonitor.configuration import parse_configuration
from rlmonitor.demo import shipped_checkpoint
from rlmonitor.double_dqn import DoubleDQN, double_q_target, q_values
from rlmonitor.replay.checkpoints import q_network
from rlmonitor.training import DTYPES, make_env, make_model

NETWORK = q_network(shipped_checkpoint())


class Table(nn.Module):
    """Q-values looked up: the state is the number of its row."""

    def __init__(self, values: list[list[float]]) -> None:
        super().__init__()
        self.values = torch.tensor(values)

    def forward(self, state: Tensor) -> Tensor:
        return self.values[state]


def batch(discounts: Tensor | None = None) -> ReplayBufferSamples:
    column = torch.tensor([[1.0], [0.0], [-1.0]])
    return ReplayBufferSamples(
        observations=torch.tensor([0, 0, 0]),
        actions=torch.zeros(3, 1),
        next_observations=torch.tensor([0, 1, 1]),
        dones=torch.tensor([[0.0], [0.0], [1.0]]),
        rewards=column,
        discounts=discounts,
    )


def test_the_online_network_chooses_and_the_target_network_values() -> None:
    online, target = Table([[1.0, 2.0], [3.0, 0.0]]), Table([[10.0, 5.0], [7.0, 20.0]])
    # chosen by the online network: action 1, 0, 0; the target's own maxima are 10, 20, 20
    expected = [[1 + 0.5 * 5.0], [0 + 0.5 * 7.0], [-1.0]]
    assert double_q_target(online, target, batch(), 0.5).tolist() == expected
    own = torch.tensor([[0.1], [0.2], [0.3]])
    np.testing.assert_allclose(
        double_q_target(online, target, batch(own), 0.5).numpy(), [[1.5], [1.4], [-1.0]], rtol=1e-6
    )


def model(**training: Any) -> DQN:
    settings = {
        "timesteps": 64, "n_envs": 2, "batch_size": 8, "buffer_size": 128, "learning_starts": 8,
        "train_freq": 2, "gradient_steps": 1, "target_update_interval": 64,
        "exploration_timesteps": 8,
    }  # fmt: skip
    configuration = parse_configuration({"training": settings | training}, "x")
    return make_model(configuration, make_env(configuration))


def test_its_gradients_are_those_of_the_loss_written_out() -> None:
    ours = model(double=True)
    assert isinstance(ours, DoubleDQN)
    ours.learn(32)
    torch.nn.init.normal_(ours.q_net_target.q_net[0].weight)  # the two networks disagree
    twin = copy.deepcopy(ours.q_net)
    assert ours.replay_buffer is not None
    np.random.seed(3)  # noqa: NPY002  # SB3's buffers draw from it
    ours.train(1, batch_size=8)
    np.random.seed(3)  # noqa: NPY002
    drawn = ours.replay_buffer.sample(8)
    assert drawn.discounts is not None
    losses = []
    for i in range(8):
        chosen = int(twin(drawn.next_observations[i : i + 1]).argmax())
        value = ours.q_net_target(drawn.next_observations[i : i + 1])[0, chosen].detach()
        goal = drawn.rewards[i, 0] + (1 - drawn.dones[i, 0]) * drawn.discounts[i, 0] * value
        error = twin(drawn.observations[i : i + 1])[0, int(drawn.actions[i])] - goal
        losses.append(error**2 / 2 if abs(error) < 1 else abs(error) - 0.5)
    twin.zero_grad()
    torch.stack(losses).mean().backward()
    torch.nn.utils.clip_grad_norm_(twin.parameters(), ours.max_grad_norm)
    for mine, theirs in zip(ours.q_net.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-3, atol=1e-6)


def test_features_in_bfloat16_give_nearly_the_gradients_of_single_precision() -> None:
    gradients = {}
    for precision in ("single", "bfloat16"):
        ours = model(double=True, precision=precision)
        ours.learn(32)
        for network in (ours.q_net, ours.q_net_target):
            network.load_state_dict(NETWORK.state_dict())
        np.random.seed(3)  # noqa: NPY002  # SB3's buffers draw from it
        ours.max_grad_norm = 1e9
        ours.train(1, batch_size=64)
        gradients[precision] = [each.grad for each in ours.q_net.parameters()]
        assert all(each.dtype is torch.float32 for each in ours.q_net.parameters())
    for exact, near in zip(*gradients.values(), strict=True):
        assert exact is not None
        assert near is not None
        assert near.dtype is torch.float32
        # errors of the Q-values' size, of which the gradients are small differences
        assert 0 < torch.linalg.norm(near - exact) < 0.2 * torch.linalg.norm(exact)


def test_q_values_are_not_rounded_to_bfloat16() -> None:
    images = torch.rand(64, 4, 84, 84, generator=torch.Generator().manual_seed(0))
    single, reduced = (q_values(NETWORK, images.to(dtype)) for dtype in DTYPES.values())
    torch.testing.assert_close(single, NETWORK.q_net(NETWORK.features_extractor(images)))
    assert reduced.dtype is torch.float32
    assert (reduced.bfloat16().float() != reduced).any()
    torch.testing.assert_close(reduced, single, rtol=0.01, atol=0.01)


def test_the_learning_rate_falls_where_it_is_told_to() -> None:
    falling = model(learning_rate=1e-3, learning_rate_final=1e-4)
    rates = [falling.lr_schedule(left) for left in (1.0, 0.5, 0.0)]
    np.testing.assert_allclose(rates, [1e-3, 5.5e-4, 1e-4])
    assert not isinstance(falling, DoubleDQN)
    assert model(learning_rate=1e-3).lr_schedule(0.0) == 1e-3
