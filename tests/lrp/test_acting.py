"""Outputs for moves against the policy's own modules and against the network's forward pass."""

import numpy as np
import pytest
import torch
from oracles.networks import NETWORKS, PIXELS, Frames, dqn, pixels
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv
from torch import nn

from rlmonitor.errors import NonFiniteError, ObservationError
from rlmonitor.lrp import Network, network_of
from rlmonitor.lrp.acting import outputs_for_moves


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-5, atol=1e-6)


@pytest.fixture
def no_way_round(monkeypatch):
    monkeypatch.setattr(Network, "forward", None)


@pytest.mark.usefixtures("no_way_round")
@pytest.mark.parametrize("n_frames", [1, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_are_the_policys(name, n_frames):
    policy, seen = dqn(name).policy, pixels(n_frames)
    close(outputs_for_moves(network_of(policy))(seen), policy.q_net(torch.from_numpy(seen)))


@pytest.mark.usefixtures("no_way_round")
@pytest.mark.parametrize("rest", [0, 1, 2])
def test_convolutions_that_are_explained_over_blocks_are_what_they_were_before(rest):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        module = nn.Sequential(
            nn.Conv2d(2, 20, (6, 3), 3),
            nn.ReLU(),
            nn.Conv2d(20, 5, 3, 2, padding=1),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.LazyLinear(3),
        )
        seen = torch.randn(2, 2, 30 + rest, 24 + rest)
        expected = module(seen)
    close(outputs_for_moves(network_of(module))(seen.numpy()), expected)


class Scaled(nn.Module):
    """Pixels that are scaled before a convolution, or before it and something else."""

    def __init__(self, scale, beside, padding):
        super().__init__()
        self.convolution = nn.Conv2d(2, 6, 3, 3, padding=padding)
        self.head, self.skip = nn.LazyLinear(3), nn.LazyLinear(3)
        self.scale, self.beside = scale, beside

    def forward(self, seen):
        scaled = self.scale(seen)
        found = self.head(torch.relu(self.convolution(scaled)).flatten(1))
        return found + self.skip(scaled.flatten(1)) if self.beside else found


@pytest.mark.usefixtures("no_way_round")
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize(
    "scale",
    [
        lambda seen: seen / 255,
        lambda seen: seen * 0.5,
        lambda seen: seen / 255 * 3,
        lambda seen: (seen / 255 - 0.4) / 0.2,
    ],
)
def test_scaled_pixels_are_scaled_once(scale, beside, padding):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        module = Scaled(scale, beside, padding)
        seen = 255 * torch.rand(2, 2, 12, 12)
        expected = module(seen)
    close(outputs_for_moves(network_of(module))(seen.numpy()), expected)


@pytest.mark.usefixtures("no_way_round")
def test_logits_come_without_what_only_the_value_needs():
    env = DummyVecEnv([lambda: Frames(PIXELS)])
    model = PPO("CnnPolicy", env, n_steps=8, batch_size=8, device="cpu")
    seen = pixels(2)
    logits = model.policy.get_distribution(torch.from_numpy(seen)).distribution.logits
    found = outputs_for_moves(network_of(model))(seen)
    close(found - found.mean(1, keepdims=True), logits - logits.mean(1, keepdim=True))


def test_weights_are_those_at_the_time_of_the_call():
    model = dqn()
    network = network_of(model)
    outputs = outputs_for_moves(network)
    before = outputs(pixels())
    with torch.no_grad():
        model.q_net.q_net[0].weight.mul_(2)
    assert np.array_equal(outputs(pixels()), before)
    assert not np.array_equal(outputs_for_moves(network)(pixels()), before)


def test_what_is_wrong_is_told_as_the_network_tells_it():
    model = dqn()
    with pytest.raises(ObservationError, match=r"takes \[N, 4, 84, 84\]"):
        outputs_for_moves(network_of(model))(pixels()[:, :3])
    with torch.no_grad():
        model.q_net.features_extractor.cnn[2].weight[0, 0] = torch.nan
    with pytest.raises(NonFiniteError, match=r"weight of .*cnn\.2 holds NaN"):
        outputs_for_moves(network_of(model))(pixels())
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(32, 2))
    with pytest.raises(ObservationError, match="does not fit"):
        outputs_for_moves(network_of(module))(np.ones((1, 1, 9, 9), np.float32))
