"""Pixel flipping: planted truths, a literal twin, and bad input."""

import numpy as np
import pytest
import torch
from oracles.networks import seeded
from torch import nn

from rlmonitor.errors import ConfigurationError, ObservationError, UnknownNameError
from rlmonitor.explain import (
    REPLACEMENTS,
    Method,
    bootstrap_interval,
    explain,
    pixel_flipping,
)
from rlmonitor.explain.flipping import relative_areas
from rlmonitor.lrp import attribute, network_of

SIDE = 3
"""Of the patches: 4 x 4 of them in 12 x 11 pixels, the last column narrower."""


def literal(module, frames, maps, action, substitute, n_patches):
    """Most relevant patches first, one frame, one patch at a time: ``[N, K + 1]``, twice."""
    explained, survival = [], []
    for frame, one, a, instead in zip(frames, maps, action, substitute, strict=True):
        corners = [(y, x) for y in range(0, 12, SIDE) for x in range(0, 11, SIDE)]
        sums = [float(one[:, y : y + SIDE, x : x + SIDE].sum()) for y, x in corners]
        current, outputs = frame.clone(), [module(frame[None])[0].detach()]
        for index in np.argsort(-np.array(sums))[:n_patches]:
            y, x = corners[index]
            here = slice(None), slice(y, y + SIDE), slice(x, x + SIDE)
            current[here] = instead[here]
            outputs.append(module(current[None])[0].detach())
        explained.append([float(q[a]) for q in outputs])
        survival.append([float(q.argmax() == outputs[0].argmax()) for q in outputs])
    return np.array(explained), np.array(survival)


SUBSTITUTES = {
    "black": torch.zeros_like,
    "background": lambda frames: torch.from_numpy(np.median(frames, 0)).expand_as(frames),
    "mean": lambda frames: frames.mean((2, 3), keepdim=True).expand_as(frames),
}


@pytest.mark.parametrize("replacement", SUBSTITUTES)
def test_curves_are_the_literal_ones(module, network, frames, replacement):
    actions = [1, 0, 2, 1, 0]
    relevance = attribute(network, frames, "q", "epsilon", action=np.array(actions))
    found = pixel_flipping(
        network, frames, relevance, patch=SIDE, n_patches=9, replacement=replacement
    )
    substitute = SUBSTITUTES[replacement](frames)
    explained, survival = literal(module, frames, relevance.map, actions, substitute, 9)
    np.testing.assert_allclose(found.most.explained, explained, rtol=1e-9)
    np.testing.assert_array_equal(found.most.survival, survival)
    turned = literal(module, frames, -relevance.map, actions, substitute, 9)[0]
    np.testing.assert_allclose(found.least.explained, turned, rtol=1e-9)
    gap = (found.random.explained - explained)[:, 1:].mean(axis=1)
    np.testing.assert_allclose(found.area, gap, rtol=1e-9)
    np.testing.assert_allclose(found.relative_area, gap / np.abs(explained[:, 0]).mean())


def test_areas_of_several_maps_are_those_of_each(network, frames):
    settings = {"patch": SIDE, "n_patches": 9, "replacement": "black", "n_random": 3, "seed": 0}
    value = attribute(network, frames, "q", action=np.array([1, 0, 2, 1, 0]))
    choice = attribute(network, frames, "advantage", action=np.array([2, 2, 0, 1, 1]))
    for maps in ([value, choice], [choice, value, choice]):
        for area, one in zip(relative_areas(network, frames, maps, **settings), maps, strict=True):
            alone = pixel_flipping(network, frames, one, **settings).relative_area
            np.testing.assert_allclose(area, alone, rtol=1e-9)


def test_a_linear_network_has_closed_curves():
    """f = w x: without the k largest contributions, f is the sum of the others."""
    module = seeded(nn.Linear(8, 2, bias=False).double())
    vectors = torch.from_numpy(np.random.default_rng(0).random((4, 8)))
    relevance = attribute(network_of(module), vectors, 1, "epsilon")
    found = pixel_flipping(
        network_of(module), vectors, relevance, n_patches=8, replacement="black", n_random=400
    )
    parts = np.sort((module.weight[1].detach() * vectors).numpy(), axis=1)[:, ::-1]
    left = parts.sum(1, keepdims=True) - np.cumsum(parts, axis=1)
    np.testing.assert_allclose(found.most.explained[:, 1:], left, atol=1e-9)
    np.testing.assert_allclose(found.most.explained[:, -1], 0, atol=1e-9)
    # at random, each number is left after k steps in 1 - k / 8 of the orders
    line = found.most.explained[:, :1] * (1 - np.arange(9) / 8)
    np.testing.assert_allclose(found.random.explained, line, atol=0.15)
    assert (found.area > 0).all()
    assert (found.least_area > 0).all()


class OneRegion(nn.Module):
    """Reads rows 3 to 5, columns 6 to 8, and nothing else."""

    def __init__(self):
        super().__init__()
        self.flatten, self.head = nn.Flatten(), nn.Linear(2 * 12 * 11, 2).double()
        with torch.no_grad():
            weight = torch.zeros(2, 2, 12, 11)
            weight[0, :, 3:6, 6:9] = 1
            self.head.weight.copy_(weight.flatten(1))
            self.head.bias.copy_(torch.tensor([0.0, 0.5]))

    def forward(self, value):
        return self.head(self.flatten(value))


@pytest.mark.parametrize("replacement", ["black", "background", "mean", "blurred"])
def test_a_map_of_the_only_region_beats_random(replacement):
    network = network_of(OneRegion())
    frames = torch.rand(6, 2, 12, 11, generator=torch.Generator().manual_seed(0)).double() / 4
    frames[torch.arange(6), :, 3:6, 6:9] += torch.arange(6).double().reshape(-1, 1, 1, 1) + 1
    relevance = attribute(network, frames, 0, "epsilon")
    keep = [5] if replacement == "background" else range(6)  # the median frame has nothing to lose
    found = pixel_flipping(
        network, frames, relevance, patch=SIDE, n_patches=4, replacement=replacement
    )
    assert (found.area[keep] > 0).all()
    np.testing.assert_allclose(
        found.most.explained[:, 1:], found.most.explained[:, 1:2] @ [[1] * 4]
    )
    if replacement == "black":  # all is lost with the first patch, and the greedy action with it
        np.testing.assert_allclose(found.most.explained[:, 1], 0, atol=1e-9)
        assert (found.survival_area > 0).all()
        assert (found.most.survival[:, 1:] == 0).all()
    wrong = Method("turned", "", lambda question: (-question.values[0],))
    turned = explain(network, frames, 0, wrong)
    other = pixel_flipping(
        network, frames, turned, patch=SIDE, n_patches=4, replacement=replacement
    )
    assert other.area.mean() < 0


@pytest.mark.parametrize("method", ["random", "constant"])
def test_a_map_without_information_gets_nothing(network, frames, method):
    """Equal relevance must not count as an order from the upper left.

    Patches of one pixel, because the smaller ones at the edge have less of a constant map.
    """
    many = frames.repeat(30, 1, 1, 1)
    constant = Method("constant", "", lambda question: (torch.ones_like(question.values[0]),))
    relevance = explain(network, many, "q", "random" if method == "random" else constant)
    found = pixel_flipping(network, many, relevance, patch=1, replacement="black", n_random=5)
    for area in (found.area, found.least_area, found.survival_area):
        interval = bootstrap_interval(area, confidence=0.99)
        assert interval.low <= 0 <= interval.high


def test_order_by_absolute_relevance(network, frames):
    relevance = attribute(network, frames, "q", "epsilon")
    turned = Method("turned", "", lambda question: (-relevance.map,))
    options = {"patch": 1, "replacement": "black", "n_patches": 20}
    signed = [
        pixel_flipping(network, frames, one, **options, absolute=absolute).most.explained
        for absolute in (True, False)
        for one in (relevance, explain(network, frames, "q", turned))
    ]
    np.testing.assert_array_equal(signed[0], signed[1])
    assert not np.array_equal(signed[2], signed[3])


@pytest.mark.parametrize("replacement", REPLACEMENTS)
def test_shapes_seeds_and_laws(network, frames, replacement):
    relevance = attribute(network, frames, "advantage")
    found, again = (
        pixel_flipping(network, frames, relevance, patch=4, n_patches=99, replacement=replacement)
        for _ in range(2)
    )
    assert found.replacement == replacement
    for curves in (found.most, found.least, found.random):
        assert curves.explained.shape == curves.survival.shape == (5, 10)  # 3 x 3 patches
        np.testing.assert_allclose(curves.explained[:, 0], relevance.explained, rtol=1e-9)
        assert (curves.survival[:, 0] == 1).all()
        assert ((curves.survival >= 0) & (curves.survival <= 1)).all()
    # in the end everything is replaced, in whatever order
    np.testing.assert_allclose(found.most.explained[:, -1], found.least.explained[:, -1])
    np.testing.assert_allclose(found.most.explained[:, -1], found.random.explained[:, -1])
    np.testing.assert_array_equal(found.area, again.area)


def test_dicts_of_observations_are_flipped_input_by_input():
    from gymnasium import spaces
    from oracles.networks import dqn

    space = spaces.Dict(
        {"near": spaces.Box(-1, 1, (3,), np.float32), "far": spaces.Box(-1, 1, (2,), np.float32)}
    )
    network = network_of(dqn("nature", space, "MultiInputPolicy"))
    rng = np.random.default_rng(0)
    frames = {
        key: rng.uniform(-1, 1, (4, d)).astype(np.float32) for key, d in (("near", 3), ("far", 2))
    }
    relevance = attribute(network, frames)
    found = pixel_flipping(network, frames, relevance, replacement="black")
    assert found.most.explained.shape == (4, 6)
    np.testing.assert_allclose(found.most.explained[:, -1], found.least.explained[:, -1], rtol=1e-4)


class TestBadInput:
    def test_other_frames(self, network, frames):
        with pytest.raises(ObservationError, match="the frames that the map explains"):
            pixel_flipping(network, frames[:3], attribute(network, frames))

    def test_unknown_replacement(self, network, frames):
        with pytest.raises(UnknownNameError, match="background"):
            pixel_flipping(network, frames, attribute(network, frames), replacement="backgruond")

    def test_too_few_frames_for_a_background(self, network, frames):
        with pytest.raises(ObservationError, match="at least 3 frames, got 2"):
            pixel_flipping(network, frames[:2], attribute(network, frames[:2]))

    def test_a_blurred_vector(self):
        network = network_of(seeded(nn.Linear(4, 2)))
        vectors = torch.rand(3, 4, generator=torch.Generator().manual_seed(0))
        with pytest.raises(ConfigurationError, match="images"):
            pixel_flipping(network, vectors, attribute(network, vectors), replacement="blurred")

    @pytest.mark.parametrize("name", ["patch", "n_patches", "n_random"])
    def test_numbers_that_must_be_positive(self, network, frames, name):
        with pytest.raises(ConfigurationError, match=name):
            pixel_flipping(network, frames, attribute(network, frames), **{name: 0})
