"""The Q-networks that ``rlmonitor train`` knows: the two of the DQN papers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, NatureCNN
from torch import nn


class NipsCNN(BaseFeaturesExtractor):
    """The features of Mnih et al. 2013, 'Playing Atari with Deep Reinforcement Learning'.

    Observation ``[N, C, H, W]`` in [0, 1] -> convolution 16 @ 8 x 8 stride 4 -> ReLU ->
    convolution 32 @ 4 x 4 stride 2 -> ReLU -> flatten -> linear -> ReLU -> ``[N, features_dim]``.
    A third of NatureCNN's cost a sample.

    Args:
        observation_space: channel-first images.
        features_dim: units of the linear layer.
    """

    def __init__(self, observation_space: spaces.Box, features_dim: int = 256) -> None:
        super().__init__(observation_space, features_dim)
        channels, height, width = observation_space.shape
        self.cnn = nn.Sequential(
            nn.Conv2d(channels, 16, kernel_size=8, stride=4),
            nn.ReLU(),
            nn.Conv2d(16, 32, kernel_size=4, stride=2),
            nn.ReLU(),
            nn.Flatten(),
        )
        n_flat = 32 * _side(height) * _side(width)
        self.linear = nn.Sequential(nn.Linear(n_flat, features_dim), nn.ReLU())

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Features ``[N, features_dim]`` of observations ``[N, C, H, W]``."""
        features: torch.Tensor = self.linear(self.cnn(observations))
        return features


def _side(pixels: int) -> int:
    """Side of the last feature map over an image with a side of so many pixels."""
    return ((pixels - 8) // 4 + 1 - 4) // 2 + 1


@dataclass(frozen=True)
class Architecture:
    """A Q-network's features extractor; one linear layer from its features to the Q-values."""

    features_extractor: type[BaseFeaturesExtractor]
    features_dim: int

    def policy_kwargs(self) -> dict[str, Any]:
        """Keyword arguments that give stable-baselines3's ``CnnPolicy`` this network."""
        return {
            "features_extractor_class": self.features_extractor,
            "features_extractor_kwargs": {"features_dim": self.features_dim},
            "net_arch": [],
        }


NETWORKS: Mapping[str, Architecture] = MappingProxyType(
    {"nips": Architecture(NipsCNN, 256), "nature": Architecture(NatureCNN, 512)}
)
"""Networks by name: ``nips`` (Mnih et al. 2013) and ``nature`` (Mnih et al. 2015)."""
