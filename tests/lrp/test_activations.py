"""Explaining a forward pass that was made before."""

import pytest
import torch
from oracles.networks import dqn, pixels

from rlmonitor.errors import NonFiniteError, ObservationError
from rlmonitor.lrp import COMPOSITES, attribute, attribute_targets, network_of, propagation


@pytest.fixture
def policy():
    return dqn("nips").policy


@pytest.fixture
def network(policy):
    return network_of(policy)


@pytest.mark.parametrize("composite", COMPOSITES)
def test_maps_are_those_of_the_observation(network, composite):
    seen = network.activate(pixels())
    ours = attribute_targets(seen.network, seen, composite=composite)
    for target, expected in attribute_targets(network, pixels(), composite=composite).items():
        assert torch.equal(ours[target].map, expected.map)
        assert torch.equal(ours[target].absorbed, expected.absorbed)
    torch.testing.assert_close(seen.outputs, network.forward(pixels()))


def test_training_in_between_changes_nothing(policy, network):
    before = attribute(network, pixels())
    seen = network.activate(pixels())
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.data.mul_(-2)
    assert torch.equal(attribute(seen.network, seen).map, before.map)
    assert not torch.equal(attribute(network, pixels()).map, before.map)


def test_one_snapshot_serves_many_calls(network):
    frozen = network.snapshot()
    assert frozen.snapshot() is frozen
    assert frozen.activate(pixels()).network is frozen


def test_chunks_make_no_difference(network, monkeypatch):
    seen = network.activate(pixels(5))
    whole = attribute(seen.network, seen, action=[0, 1, 2, 3, 0])
    monkeypatch.setattr(propagation, "CHUNK", 2)
    parts = attribute(seen.network, seen, action=[0, 1, 2, 3, 0])
    torch.testing.assert_close(parts.map, whole.map, rtol=1e-4, atol=1e-6)
    assert torch.equal(parts.action, whole.action)
    assert torch.equal(parts.outputs, whole.outputs)


def test_live_network_refuses_activations(network):
    with pytest.raises(ObservationError, match=r"activations\.network"):
        attribute(network, network.activate(pixels()))


def test_bad_input_is_named(policy, network):
    with pytest.raises(ObservationError, match=r"the network takes \[N, 4, 84, 84\]"):
        network.activate(pixels()[0])
    with torch.no_grad():
        policy.q_net.q_net[0].bias[0] = float("nan")
    with pytest.raises(NonFiniteError, match="bias"):
        network.activate(pixels())
