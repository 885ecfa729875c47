"""The monitor's quick look: its parts, what it notices, and bad input."""

import numpy as np
import pytest
import torch
from oracles.networks import dqn, pixels
from torch import nn

from rlmonitor import load_probe
from rlmonitor.errors import ObservationError, UnknownNameError
from rlmonitor.explain import explain, pixel_flipping, spot_check
from rlmonitor.explain.faithfulness import spot_checks
from rlmonitor.explain.similarity import cosine
from rlmonitor.lrp import COMPOSITES, Composite, attribute, attribute_targets, network_of


def test_parts_are_those_of_the_full_tests(network, frames):
    relevance = attribute(network, frames, "q")
    found = spot_check(network, frames, relevance, patch=3, n_frames=9)
    assert found.frames == 5
    flipped = pixel_flipping(network, frames, relevance, patch=3, n_patches=10, n_random=2)
    assert found.pixel_flipping == pytest.approx(np.median(flipped.relative_area))
    assert found.conservation_error < 1e-9
    rows, others = (
        one.map.flatten(1).numpy()
        for one in (relevance, attribute(network, frames, composite="epsilon-plus-flat"))
    )
    assert found.rule_agreement == pytest.approx(cosine(rows, others).mean())
    random = attribute(network.randomised(0), frames, action=relevance.action)
    alike = np.abs(cosine(rows, random.map.flatten(1).numpy()))
    assert found.random_network == pytest.approx(alike.mean())


def test_several_targets_are_checked_as_each_alone(network, frames):
    maps = attribute_targets(network, frames, ("q", "advantage"))
    found = spot_checks(network, frames, maps, patch=3)
    assert found == {target: spot_check(network, frames, maps[target], patch=3) for target in maps}


def test_frames_are_spread_over_all(network, frames):
    many = torch.cat([frames, frames, frames])
    relevance = attribute(network, many)
    chosen = [0, 7, 14]
    few = spot_check(network, many[chosen], attribute(network, many[chosen]))
    found = spot_check(network, many, relevance, n_frames=3)
    assert found.pixel_flipping == pytest.approx(few.pixel_flipping)
    assert found.random_network == pytest.approx(few.random_network)
    assert found.frames == few.frames == 3


@pytest.mark.parametrize("composite", COMPOSITES)
def test_every_composite(network, frames, composite):
    found = spot_check(network, frames, attribute(network, frames, "advantage", composite))
    assert found.conservation_error < 1e-9
    assert found.rule_agreement < 1 - 1e-6  # with another one, never with itself


def test_a_composite_of_ones_own(network, frames):
    own = Composite("own", COMPOSITES["epsilon"].rules)
    relevance = attribute(network, frames, composite=own)
    with pytest.raises(UnknownNameError, match="own"):
        spot_check(network, frames, relevance)
    assert spot_check(network, frames, relevance, composite=own).frames == 5


def test_wrong_maps_are_noticed(network, frames):
    relevance = attribute(network, frames)
    right = spot_check(network, frames, relevance, patch=3)
    relevance.maps["observation"].neg_()
    wrong = spot_check(network, frames, relevance, patch=3)
    assert wrong.pixel_flipping < right.pixel_flipping
    assert wrong.conservation_error > 0.1
    assert wrong.rule_agreement == pytest.approx(-right.rule_agreement)


def test_one_frame_that_throws_the_network_off_does_not_condemn_the_maps():
    """Planted: pixel 0 earns 1; in the last frame pixel 1 cries out without it."""
    body, head = nn.Linear(9, 2), nn.Linear(2, 1)
    with torch.no_grad():
        for layer in (body, head):
            layer.weight.zero_()
            layer.bias.zero_()
        body.weight[0, 0] = 1
        body.weight[1, :2] = torch.tensor([-1.0, 1.0])
        head.weight[0] = torch.tensor([1.0, 100.0])
    network = network_of(nn.Sequential(nn.Flatten(), body, nn.ReLU(), head).eval())
    frames = torch.zeros(5, 1, 3, 3)
    frames[1:, 0, 0, 0] = torch.tensor([1.0, 2.0, 3.0, 4.0])
    frames[4, 0, 0, 1] = 4.0
    relevance = attribute(network, frames)
    flipped = pixel_flipping(network, frames, relevance, patch=1, replacement="black")
    assert flipped.relative_area.mean() < -1
    assert spot_check(network, frames, relevance, patch=1, replacement="black").pixel_flipping > 0.2


def test_a_policy_of_pixels_under_no_grad():
    network, frames = network_of(dqn()), pixels(4)
    with torch.inference_mode():
        found = spot_check(network, frames, attribute(network, frames))
    assert np.isfinite([found.pixel_flipping, found.random_network, found.rule_agreement]).all()


def test_a_trained_agents_maps_beat_random_ones(trained):
    frames = load_probe("breakout").observation[::40]
    relevance = attribute(trained, frames)
    right = pixel_flipping(trained, frames, relevance, n_patches=12).relative_area.mean()
    noise = explain(trained, frames, "q", "random")
    random = pixel_flipping(trained, frames, noise, n_patches=12)
    assert right > 0.3
    assert right > random.relative_area.mean() + 0.2


def test_bad_input(network, frames):
    with pytest.raises(ObservationError, match="frames that the map explains"):
        spot_check(network, frames[:4], attribute(network, frames))
    with pytest.raises(ObservationError, match="at least 3 frames"):
        spot_check(network, frames[:2], attribute(network, frames[:2]))
