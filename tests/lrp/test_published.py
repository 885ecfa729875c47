"""Cases that others have published, and autolrp on residual additions."""

import pytest
import torch
from oracles import peers
from oracles.networks import seeded
from torch import nn

from rlmonitor.lrp import Composite, Convolution, Dense, attribute, network_of
from rlmonitor.lrp.rules import epsilon, gamma, z_plus


def linear(*rows, bias=None):
    """A linear layer with these weights."""
    layer = nn.Linear(len(rows[0]), len(rows), bias=bias is not None)
    layer.weight.data = torch.tensor(rows, dtype=torch.float32)
    if bias is not None:
        layer.bias.data = torch.tensor(bias)
    return layer


def one_convolution():
    convolution = nn.Conv2d(1, 2, 3)
    convolution.weight.data.fill_(1.0)
    convolution.bias.data = torch.tensor([-50.0, -75.0])
    dense = linear(*[[1.0] * 5 + [-1.0] * 3] * 4, bias=[0.0] * 4)
    return nn.Sequential(convolution, nn.ReLU(), nn.Flatten(), dense, nn.ReLU())


def simple(first=2.0, *, inplace=False):
    body = linear([first, 2.0, 2.0], [2.0] * 3, [2.0] * 3)
    return nn.Sequential(body, nn.ReLU(inplace), linear([3.0] * 3), nn.Dropout(0.01))


def with_tanh():
    return nn.Sequential(linear(*[[0.1] * 3] * 3), nn.Tanh(), linear([0.1] * 3))


class Skip(nn.Module):
    """The published network, with a head that changes nothing."""

    def __init__(self):
        super().__init__()
        self.linear, self.head = linear([5.0, 5.0], [5.0, 5.0]), linear([1.0, 0.0], [0.0, 1.0])

    def forward(self, value):
        return self.head(self.linear(value) + value)


def largest():
    return nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), linear([1.0]))


def many_layers():
    first = linear([1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0], bias=[0.0] * 3)
    second = linear(*[[1.0] * 3] * 4, bias=[-10.0, 1.0, 1.0, 1.0])
    return nn.Sequential(first, second, nn.ReLU(), linear([1.0] * 4, [1.0] * 4, bias=[-1.0, 1.0]))


BOTH = Dense, Convolution
EPSILON = Composite("epsilon", ((BOTH, epsilon(1e-9)),))
GAMMA = Composite("gamma", ((BOTH, gamma(0.25, 1e-9)),), first=((BOTH, gamma(1.0, 1e-9)),))
ALPHA1_BETA0 = Composite("alpha1-beta0", ((BOTH, z_plus(1e-9)),))
PICTURE = [[[0.0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]]

CAPTUM = {
    "basic": (
        *(one_convolution(), PICTURE, 0, EPSILON),
        [[[0.0, 1, 2, 3], [0, 5, 6, 7], [0, 9, 10, 11], [0, 0, 0, 0]]],
    ),
    "simple": (simple(), [1.0, 2, 3], 0, EPSILON, [18.0, 36, 54]),
    "simple, a larger input": (simple(), [3.0, 6, 9], 0, EPSILON, [54.0, 108, 162]),
    "simple, ReLU in place": (simple(inplace=True), [1.0, 2, 3], 0, EPSILON, [18.0, 36, 54]),
    "tanh": (with_tanh(), [1.0, 2, 3], 0, EPSILON, [0.0269, 0.0537, 0.0806]),
    "gamma": (simple(-2.0), [1.0, 2, 3], 0, GAMMA, [28 / 3, 104 / 3, 52.0]),
    "alpha beta": (simple(-2.0), [1.0, 2, 3], 0, ALPHA1_BETA0, [12.0, 33.6, 50.4]),
    "skip connection": (Skip(), [2.0, 3.0], 1, EPSILON, [10.0, 18.0]),
    "max pooling": (largest(), [[[1.0, 2.0], [5.0, 6.0]]], 0, EPSILON, [[[0.0, 0.0], [0.0, 6.0]]]),
    "many layers": (many_layers(), [4.0, 8, 12], 0, EPSILON, [16.0, 32, 48]),
}
"""Network, input, target, rules, relevance: from captum's tests/attr/test_lrp.py (BSD licence).

Left out: pooling over one and three axes, which is not covered here, rules that only captum has,
and checks of its own interface. The published input of "many layers" comes as two summands, each of
which captum gives the whole relevance of their sum.
"""


@pytest.mark.parametrize("name", CAPTUM)
def test_captums_published_cases(name):
    module, value, target, composite, expected = CAPTUM[name]
    network = network_of(module.eval())
    ours = attribute(network, torch.tensor([value]), target, composite).map[0]
    tolerance = 1e-4 if name == "tanh" else 1e-4 * torch.tensor(expected).abs().max()
    assert float((ours - torch.tensor(expected)).abs().max()) <= tolerance


class Residual(nn.Module):
    """Two residual blocks without biases, whose summands are not negative."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 5, 3, bias=False)
        self.first, self.second = (nn.Conv2d(5, 5, 3, padding=1, bias=False) for _ in range(2))
        self.pool, self.head = nn.MaxPool2d(2), nn.Linear(45, 3, bias=False)

    def forward(self, value):
        value = torch.relu(self.stem(value))
        value = value + torch.relu(self.first(value))
        value = self.pool(value)
        return self.head((value + torch.relu(self.second(value))).flatten(1))


@pytest.mark.parametrize("target", range(3))
def test_residual_additions_are_autolrps(target):
    """It shares by magnitudes, leaves biases out, and explains 1 in place of the output."""
    with torch.random.fork_rng():
        module = seeded(Residual(), 4).double()
    value = torch.rand(1, 2, 8, 8, generator=torch.Generator().manual_seed(2)).double()
    ours = attribute(network_of(module), value, target, "epsilon")
    theirs = peers.autolrp_epsilon(module, value, target) * ours.explained
    assert float((ours.map - theirs).abs().max()) <= 1e-5 * float(theirs.abs().max())
