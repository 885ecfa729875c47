"""Small networks for tests, and the two that Atari agents use."""

import copy

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import DQN
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn


class Frames(gym.Env):
    """An env of random frames that never ends."""

    action_space = spaces.Discrete(4)

    def __init__(self, space):
        self.observation_space = space

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), 0.0, False, False, {}


class Nips(BaseFeaturesExtractor):
    """The network of Mnih et al. 2013."""

    def __init__(self, space):
        super().__init__(space, 256)
        self.cnn = nn.Sequential(
            nn.Conv2d(4, 16, 8, 4), nn.ReLU(), nn.Conv2d(16, 32, 4, 2), nn.ReLU(), nn.Flatten()
        )
        self.linear = nn.Sequential(nn.Linear(32 * 9 * 9, 256), nn.ReLU())

    def forward(self, observation):
        return self.linear(self.cnn(observation))


SEED = 77
"""Of the weights that ``dqn`` starts with."""

PIXELS = spaces.Box(0, 255, (4, 84, 84), np.uint8)

NETWORKS = {
    "nature": {"policy_kwargs": {}},
    "nips": {"policy_kwargs": {"features_extractor_class": Nips}},
    "deep head": {"policy_kwargs": {"features_extractor_class": Nips, "net_arch": [32, 16]}},
}


def dqn(name="nips", space=PIXELS, policy="CnnPolicy"):
    """A tiny stable-baselines3 DQN with random weights; torch's generator stays as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        kwargs = NETWORKS[name]["policy_kwargs"]
        return DQN(policy, Frames(space), buffer_size=10, policy_kwargs=kwargs)


def pixels(n_frames=3, seed=0, shape=(4, 84, 84)):
    """Frames with much black in them, as games have."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n_frames, *shape), np.uint8) * (
        rng.random((n_frames, *shape)) > 0.6
    )


def plain(model):
    """A copy of the module that maps a DQN's scaled pixels to Q-values."""
    parts = model.policy.q_net.features_extractor, model.policy.q_net.q_net
    return copy.deepcopy(nn.Sequential(*parts))


def seeded(module, seed=0):
    """The module with weights from a generator of its own, biases well away from 0."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            scale = parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.3
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
    return module


def added(one, other):
    """What a residual addition is in most networks."""
    return one + other


class Residual(nn.Module):
    """A block of IMPALA's network, Espeholt et al. 2018."""

    def __init__(self, channels, add=added):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.relus, self.add = nn.ModuleList([nn.ReLU(), nn.ReLU()]), add

    def forward(self, value):
        inside = self.second(self.relus[1](self.first(self.relus[0](value))))
        return self.add(inside, value)


class Impala(BaseFeaturesExtractor):
    """The residual network of Espeholt et al. 2018, as a features extractor."""

    def __init__(self, space, widths=(16, 32, 32), n_features=256, add=added):
        super().__init__(space, n_features)
        channels, height, width = space.shape
        layers = []
        for n_out in widths:
            layers += [nn.Conv2d(channels, n_out, 3, padding=1), nn.MaxPool2d(3, 2, padding=1)]
            layers += [Residual(n_out, add), Residual(n_out, add)]
            channels, height, width = n_out, (height + 1) // 2, (width + 1) // 2
        self.cnn = nn.Sequential(*layers, nn.ReLU(), nn.Flatten())
        self.linear = nn.Sequential(nn.Linear(channels * height * width, n_features), nn.ReLU())

    def forward(self, observation):
        return self.linear(self.cnn(observation))
