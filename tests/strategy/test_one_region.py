"""Networks whose weights read one region of the screen only: relevance must lie there."""

import numpy as np
import pytest

from rlmonitor.demo import shipped_checkpoint
from rlmonitor.lrp import COMPOSITES, attribute, network_of
from rlmonitor.probe import load_probe
from rlmonitor.replay.checkpoints import q_network
from rlmonitor.strategy.pooling import pool_frames

FEATURES = slice(3, 6)
"""Of the 9 x 9 places of the second convolution, along each side."""

PIXELS = slice(3 * 8, 5 * 8 + 20)
"""What they see: strides 4 and 2, kernels 8 and 4, so 20 pixels every 8."""


@pytest.fixture(scope="module")
def observation():
    return load_probe("breakout").policy_observation[::20]


def share_of_the_region(model, observation, target, composite):
    """Smallest share over the frames."""
    maps = attribute(network_of(model), observation, target=target, composite=composite).map
    region = np.zeros((len(observation), 84, 84), np.bool_)
    region[:, PIXELS, PIXELS] = True
    shares = pool_frames(maps.numpy(), {"region": region, "rest": ~region}, {}).share
    return shares["region"].min()


@pytest.mark.parametrize("target", ["q", "advantage", 1])
@pytest.mark.parametrize("composite", sorted(COMPOSITES))
def test_relevance_lies_where_the_weights_read(observation, target, composite):
    model = q_network(shipped_checkpoint())
    assert share_of_the_region(model, observation, target, composite) < 0.8, "it reads all"
    weight = model.features_extractor.linear[0].weight.data
    places = weight.view(256, 32, 9, 9)
    kept = places[:, :, FEATURES, FEATURES].clone()
    weight.zero_()
    places[:, :, FEATURES, FEATURES] = kept
    assert share_of_the_region(model, observation, target, composite) >= 0.95
