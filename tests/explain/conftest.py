"""A small network of images, in double precision, and frames for it."""

from importlib.resources import files

import numpy as np
import pytest
import torch
from oracles.networks import seeded
from torch import nn

from rlmonitor.lrp import network_of
from rlmonitor.replay.checkpoints import load_checkpoint, q_network


class Small(nn.Module):
    """Three convolutions, the last one with padding, and two dense layers."""

    def __init__(self):
        super().__init__()
        self.convolutions = nn.Sequential(
            *(nn.Conv2d(2, 4, 4, stride=2), nn.ReLU(), nn.Conv2d(4, 6, 2), nn.ReLU()),
            *(nn.Conv2d(6, 5, 3, padding=1, stride=2), nn.ReLU()),
        )
        self.head = nn.Sequential(nn.Linear(20, 8), nn.ReLU(), nn.Linear(8, 3))

    def forward(self, value):
        return self.head(self.convolutions(value).flatten(1))


@pytest.fixture(scope="session")
def module():
    return seeded(Small().double())


@pytest.fixture(scope="session")
def network(module):
    return network_of(module)


@pytest.fixture(scope="session")
def frames():
    """Five frames ``[5, 2, 12, 11]`` in [0, 1], a third of it black."""
    rng = np.random.default_rng(0)
    shape = 5, 2, 12, 11
    return torch.from_numpy(rng.random(shape) * (rng.random(shape) > 1 / 3))


@pytest.fixture(scope="session")
def trained():
    """The network of Breakout that ships with the package."""
    path = files("rlmonitor").joinpath("data/breakout.safetensors")
    return network_of(q_network(load_checkpoint(str(path))))
