"""What is known about signs beforehand must change no number, and must be true."""

import pytest
import torch
from torch import nn

from rlmonitor.lrp import COMPOSITES, attribute, lenses, network_of
from rlmonitor.lrp.catalogue import MODULES
from rlmonitor.lrp.rules import RULES
from rlmonitor.lrp.signs import rectified_inputs, rectified_outputs


class Branching(nn.Module):
    """A ReLU that two layers read, a layer that is read without one, and max pooling."""

    def __init__(self):
        super().__init__()
        self.first, self.relu, self.pool = nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2)
        self.left, self.right = nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3)
        self.elu, self.flat, self.head = nn.ELU(), nn.Flatten(), nn.Linear(4 * 9, 3)

    def forward(self, value):
        shared = self.pool(self.relu(self.first(value)))
        return self.head(self.flat(self.elu(self.left(shared)) + self.right(shared)))


def rules_of(network, name):
    rule = RULES[name]()
    return {i: rule for i, node in enumerate(network.nodes) if hasattr(node.layer, "parameters")}


def names(network, indices):
    return {network.nodes[index].name for index in indices}


def test_what_is_known_of_a_branching_network():
    network = network_of(Branching())
    assert names(network, rectified_inputs(network.nodes)) == {"pool", "left", "right"}
    sharing_by_products = rules_of(network, "gamma")
    assert names(network, rectified_outputs(network.nodes, sharing_by_products)) == {"first"}
    # flat gives something to inputs that are 0, so relevance may come to any output.
    assert not rectified_outputs(network.nodes, rules_of(network, "flat"))


@pytest.mark.parametrize("composite", sorted(COMPOSITES))
@pytest.mark.parametrize("activation", [nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU])
def test_nothing_changes_where_signs_are_looked_up_instead(composite, activation, monkeypatch):
    torch.manual_seed(0)
    module = nn.Sequential(
        *(nn.Conv2d(4, 8, 8, 4), activation(), nn.Conv2d(8, 8, 3), activation(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(8 * 9, 6), activation(), nn.Linear(6, 3)),
    ).double()
    observation = torch.rand(5, 4, 36, 36, dtype=torch.float64)
    found = attribute(network_of(module), observation, composite=composite)
    nothing = lambda *_: frozenset()  # noqa: E731
    monkeypatch.setattr(lenses, "rectified_inputs", nothing)
    monkeypatch.setattr(lenses, "rectified_outputs", nothing)
    expected = attribute(network_of(module), observation, composite=composite)
    torch.testing.assert_close(found.map, expected.map, rtol=0, atol=0)
    torch.testing.assert_close(found.absorbed, expected.absorbed, rtol=0, atol=0)


def test_a_relu_is_known_as_one_however_it_is_written():
    relu = MODULES[nn.ReLU](nn.ReLU())
    assert relu.rectifies
    assert not MODULES[nn.LeakyReLU](nn.LeakyReLU()).rectifies
