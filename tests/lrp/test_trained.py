"""A trained Breakout network on real frames: what the literature says of its maps must be seen."""

from importlib.resources import files

import pytest
import torch
from oracles import peers
from oracles.networks import PIXELS, Nips
from safetensors.torch import load
from torch import nn

from rlmonitor import load_probe
from rlmonitor.lrp import COMPOSITES, attribute, attribute_targets, network_of


@pytest.fixture(scope="module")
def module():
    """The network that ships with the package, on pixels in [0, 1], in double precision."""
    tensors = load(files("rlmonitor").joinpath("data/breakout.safetensors").read_bytes())
    with torch.random.fork_rng():
        extractor, head = Nips(PIXELS), nn.Sequential(nn.Linear(256, 4))
    prefix = "features_extractor."
    own = {name.removeprefix(prefix): t for name, t in tensors.items() if prefix in name}
    extractor.load_state_dict(own)
    head.load_state_dict(
        {name.removeprefix("q_net."): t for name, t in tensors.items() if "q_net" in name}
    )
    return nn.Sequential(extractor, head).double()


@pytest.fixture(scope="module")
def frames():
    return torch.from_numpy(load_probe("breakout").observation[::24] / 255)


def mean_cosine(maps):
    """Between the maps of all pairs of actions, over frames."""
    flat = [one.flatten(1) for one in maps]
    pairs = [(one, other) for k, one in enumerate(flat) for other in flat[:k]]
    return float(torch.stack([torch.cosine_similarity(*pair) for pair in pairs]).mean())


@pytest.mark.parametrize("composite", COMPOSITES)
def test_equals_zennit(module, frames, composite):
    ours = attribute(network_of(module), frames, composite=composite).map
    recipe = peers.ZENNIT_COMPOSITES[composite]()
    theirs = peers.zennit_map(module, frames, peers.greedy_seed, recipe)
    assert float((ours - theirs).abs().max()) <= 1e-10 * float(theirs.abs().max())


@pytest.mark.parametrize("composite", COMPOSITES)
def test_advantage_tells_actions_apart_and_q_does_not(module, frames, composite):
    """Q is a large V plus a small A; independent maps that sum to 0 over 4 actions have -1/3."""
    network = network_of(module)
    found = {
        target: mean_cosine(
            [attribute(network, frames, target, composite, action=a).map for a in range(4)]
        )
        for target in ("q", "advantage")
    }
    assert found["q"] > 0.9
    assert -0.34 < found["advantage"] < -0.2


def test_biases_absorb_a_notable_part(module, frames):
    relevance = attribute_targets(network_of(module), frames)["q"]
    assert 0.05 < float((relevance.absorbed / relevance.explained).abs().median()) < 2


@pytest.mark.parametrize("composite", COMPOSITES)
def test_maps_depend_on_the_dense_layers(module, frames, composite):
    """Sixt et al. 2020: randomised dense layers must change the map (z_plus there: .79 to .87)."""
    randomised = peers.copy.deepcopy(module)
    fresh = network_of(module).randomised(0).nodes
    with torch.no_grad():
        for name, parameter in randomised.named_parameters():
            path, kind = name.rsplit(".", 1)
            if "cnn" not in path:
                (node,) = (node for node in fresh if node.name == path)
                parameter.copy_(getattr(node.layer.parameters, kind))
    one = attribute(network_of(module), frames, composite=composite)
    other = attribute(network_of(randomised), frames, composite=composite, action=one.action)
    alike = torch.cosine_similarity(one.map.flatten(1), other.map.flatten(1)).abs().mean()
    assert float(alike) < 0.5
