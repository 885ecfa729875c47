"""What prepares the observation: the first layer's rule must not depend on how it is written."""

import copy

import numpy as np
import pytest
import torch
from gymnasium import spaces
from oracles import peers
from oracles.graphs import settled
from oracles.networks import Frames, seeded
from stable_baselines3 import DQN
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from rlmonitor.errors import ConfigurationError, ObservationError
from rlmonitor.lrp import (
    COMPOSITES,
    Composite,
    Convolution,
    Dense,
    Scale,
    attribute,
    network_of,
)
from rlmonitor.lrp.rules import alpha_beta, epsilon, flat, w_square, z_box
from rlmonitor.round import conservation_error


def near(ours, theirs, tolerance=1e-10):
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().max()) <= tolerance * float(theirs.abs().max())


def frames(n_frames=3, high=1.0):
    value = torch.rand(n_frames, 3, 9, 8, generator=torch.Generator().manual_seed(0)).double()
    return value * (value > 0.3) * high


class Prepared(nn.Module):
    """A function of the observation before two convolutions and two dense layers."""

    def __init__(self, prepare, channels=3, padding=0):
        super().__init__()
        self.prepare = prepare
        self.first = nn.Conv2d(channels, 4, 3, padding=padding)
        self.second, self.third = nn.Conv2d(4, 5, 2), nn.LazyLinear(6)
        self.head, self.norm = nn.Linear(6, 3), nn.BatchNorm2d(3)
        self.register_buffer("mean", torch.tensor([0.2, 0.5, 0.6]).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.3, 0.1, 0.5]).view(3, 1, 1))
        self.register_buffer(
            "picture", torch.rand(9, 8, generator=torch.Generator().manual_seed(1))
        )

    def forward(self, value):
        value = torch.relu(self.first(self.prepare(self, value)))
        value = torch.relu(self.second(value)).flatten(1)
        return self.head(torch.relu(self.third(value)))


def made(prepare, channels=3, padding=0, given=3):
    with torch.random.fork_rng():
        module = Prepared(prepare, channels, padding).eval()
        module(torch.zeros(1, given, 9, 8))
    with torch.no_grad():
        deviation = module.deviation.clone()
        module = settled(seeded(module)).double()
        module.norm.weight.copy_(torch.tensor([0.8, -1.3, 0.4]))
    assert torch.equal(module.deviation, deviation.double())
    return module


def folded(module, scale, shift):
    """The same network with ``scale x + shift``, ``[C]`` each, inside of its first convolution."""
    twin = copy.deepcopy(module)
    twin.prepare = lambda m, x: x
    weight = module.first.weight.detach()
    with torch.no_grad():
        twin.first.weight.copy_(weight * scale.view(1, -1, 1, 1))
        twin.first.bias.add_((weight * shift.view(1, -1, 1, 1)).sum((1, 2, 3)))
    return twin


def batch_norm(module):
    norm = module.norm
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return scale.detach(), (norm.bias - scale * norm.running_mean).detach()


def statistics(module):
    scale = 1 / module.deviation.flatten()
    return scale, -module.mean.flatten() * scale


def numbers(scale, shift):
    return lambda module: torch.tensor([[scale] * 3, [shift] * 3], dtype=torch.float64)


AFFINE = {
    "batch normalisation": (lambda m, x: m.norm(x), batch_norm, 1),
    "mean and deviation": (lambda m, x: (x - m.mean) / m.deviation, statistics, 1),
    "from -1 to 1": (lambda m, x: x * 2 - 1, numbers(2.0, -1.0), 1),
    "mirrored": (lambda m, x: 1 - x, numbers(-1.0, 1.0), 1),
    "bytes, centred": (lambda m, x: x / 255 - 0.5, numbers(1 / 255, -0.5), 255),
    "bytes, from -1 to 1": (lambda m, x: x / 127.5 - 1.0, numbers(1 / 127.5, -1.0), 255),
}
"""A function of the observation, its scale and shift for each channel, its largest input."""


@pytest.mark.parametrize("name", AFFINE)
class TestFolded:
    """Unpadded convolutions absorb what stands before them exactly."""

    @pytest.mark.parametrize("composite", sorted(set(COMPOSITES) - {"epsilon-gamma-square"}))
    def test_it_makes_no_difference(self, name, composite):
        prepare, parameters, high = AFFINE[name]
        module, value = made(prepare), frames(high=high)
        twin = folded(module, *parameters(module))
        ours = attribute(network_of(module), value, 1, composite)
        theirs = attribute(network_of(twin, bounds=(0.0, float(high))), value, 1, composite)
        near(ours.explained, theirs.explained)
        tolerance = 1e-10 if "box" in composite or "flat" in composite else 5e-3
        near(ours.map, theirs.map, tolerance)
        assert conservation_error(ours) <= 1e-9

    def test_nothing_is_lost_where_weights_are_squared(self, name):
        """w_square looks at the weights as they are written, so it is not the folded network's."""
        prepare, _, high = AFFINE[name]
        ours = attribute(network_of(made(prepare)), frames(high=high), 1, "epsilon-gamma-square")
        assert conservation_error(ours) <= 1e-9

    def test_the_box_is_that_of_zennit_on_the_folded_network(self, name):
        prepare, parameters, high = AFFINE[name]
        module, value = made(prepare), frames(high=high)
        twin = folded(module, *parameters(module))
        recipe = peers.zennit.composites.EpsilonGammaBox(0.0, float(high))
        layers = nn.Sequential(
            *(twin.first, nn.ReLU(), twin.second, nn.ReLU(), nn.Flatten()),
            *(twin.third, nn.ReLU(), twin.head),
        )
        ours = attribute(network_of(module), value)
        near(ours.map, peers.zennit_map(layers, value, peers.greedy_seed, recipe))

    @pytest.mark.parametrize("padding", [0, 2])
    def test_without_stabilisers_it_is_gradient_times_input(self, name, padding, monkeypatch):
        monkeypatch.setattr("rlmonitor.lrp.constants.STABILISER", 0.0)
        prepare, _, high = AFFINE[name]
        module = made(prepare, padding=padding)
        leaf = frames(high=high).requires_grad_()
        (gradient,) = torch.autograd.grad(module(leaf)[:, 2].sum(), leaf)
        near(attribute(network_of(module), leaf, 2, LRP_0).map, (gradient * leaf).detach(), 1e-9)


LRP_0 = Composite("lrp-0", (((Dense, Convolution, Scale), epsilon(0)),))


class TestFirstLayer:
    @pytest.mark.parametrize("rule", [flat(), z_box(), w_square()], ids=lambda rule: rule.name)
    def test_black_pixels_get_their_part(self, rule):
        """Whatever stands before: with epsilon there they would get exactly nothing."""
        composite = Composite(
            "x", (((Dense, Convolution), epsilon()),), first=(((Convolution,), rule),)
        )
        for prepare, _, _ in AFFINE.values():
            black = torch.zeros(2, 3, 9, 8).double()
            relevance = attribute(network_of(made(prepare)), black, 0, composite)
            assert bool((relevance.map != 0).any(3).all())
            assert float(relevance.map.abs().max()) <= 10 * float(relevance.explained.abs().max())

    def test_padding_stays_in_the_box(self):
        """Borders see zeros that the shift did not move: against loops over the prepared input."""
        module, value = made(AFFINE["mean and deviation"][0], padding=1), frames(1)
        composite = Composite(
            "x", (((Dense, Convolution), epsilon()),), first=(((Convolution,), z_box()),)
        )
        ours = attribute(network_of(module), value, 1, composite)
        scale, shift = statistics(module)
        scale, shift = scale.view(3, 1, 1), shift.view(3, 1, 1)
        prepared = (value[0] * scale + shift).detach()
        twin = made(lambda m, x: x, padding=1)
        twin.load_state_dict(module.state_dict())
        first = attribute(
            network_of(Behind(twin)), twin.first(prepared[None]).detach(), 1, LRP_BEHIND
        )
        expected = boxed_by_hand(twin.first, prepared, shift, scale + shift, first.map[0])
        near(ours.map[0], expected, 1e-8)

    def test_two_first_layers(self):
        """A residual pair on the prepared input: one shift, handed through once for both."""

        class Two(nn.Module):
            def __init__(self):
                super().__init__()
                self.one, self.two = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)
                self.head = nn.Linear(168, 3)

            def forward(self, value):
                value = value * 2 - 1
                return self.head(torch.relu(self.one(value) + self.two(value)).flatten(1))

        module = seeded(Two()).double()
        for composite in COMPOSITES:
            relevance = attribute(network_of(module), frames(), composite=composite)
            assert conservation_error(relevance) <= 1e-9

    def test_rules_of_products_leave_the_shift_its_part(self):
        composite = Composite("x", (((Dense, Convolution), alpha_beta(2, 1)),))
        module = made(AFFINE["mirrored"][0])
        relevance = attribute(network_of(module), frames(), 1, composite)
        assert bool((relevance.map[frames() == 0] == 0).all())
        assert conservation_error(relevance) <= 1e-9

    def test_a_picture_of_means(self):
        """Bounds differ from pixel to pixel."""
        module = made(lambda m, x: x - m.picture)
        relevance = attribute(network_of(module), frames(), 1)
        assert bool((relevance.map != 0).any(3).all())
        assert conservation_error(relevance) <= 1e-9

    def test_buffers_are_read_live(self):
        module = made(AFFINE["mean and deviation"][0])
        network = network_of(module)
        before = attribute(network, frames(), 1).map
        scaling = [node.layer for node in network.nodes[:2]]
        fixed = [layer.fixed() for layer in scaling]
        kept = [layer.forward(frames()) for layer in fixed]
        module.mean.mul_(0.5)
        module.deviation.mul_(2)
        after = attribute(network, frames(), 1).map
        assert torch.equal(after, attribute(network_of(module), frames(), 1).map)
        assert not torch.allclose(before, after)
        for layer, one, live in zip(fixed, kept, scaling, strict=True):
            assert torch.equal(layer.forward(frames()), one)
            assert not torch.allclose(live.forward(frames()), one)

    def test_channels_that_are_sliced_away_get_nothing(self):
        module = made(lambda m, x: (x / 255)[:, :2] - 0.5, channels=2)
        relevance = attribute(network_of(module), frames(high=255.0), 1)
        assert not relevance.map[:, 2].any()
        twin = made(lambda m, x: x / 255 - 0.5, channels=2, given=2)
        theirs = attribute(network_of(twin), frames(high=255.0)[:, :2], 1)
        near(relevance.map[:, :2], theirs.map)

    @pytest.mark.parametrize("names", [(0, 1, 2), (2, 0)])
    def test_chunks_side_by_side(self, names):
        def shuffled(m, x):
            parts = x.split(1, dim=1)
            return torch.cat([parts[k] * (k + 1) for k in names], 1)

        module = made(shuffled, channels=len(names))
        relevance = attribute(network_of(module), frames(), 1)
        twin = made(lambda m, x: x, channels=len(names), given=len(names))
        with torch.no_grad():
            for position, k in enumerate(names):
                twin.first.weight[:, position] *= k + 1
        theirs = attribute(network_of(twin), frames()[:, list(names)], 1)
        near(relevance.map[:, list(names)], theirs.map)
        assert not relevance.map[:, [k for k in range(3) if k not in names]].any()

    def test_pooled_and_joined_observations(self):
        def joined(m, x):
            pooled = nn.functional.avg_pool2d(x, 3, 1, padding=1)
            return torch.cat([x - 1, (pooled - x) * 3], 1)

        relevance = attribute(network_of(made(joined, channels=6)), frames(), 1)
        assert conservation_error(relevance) <= 1e-9

    def test_a_norm_in_front_has_no_box(self):
        module = made(lambda m, x: nn.functional.relu(x) - m.mean)
        module.norm = nn.GroupNorm(1, 3).double()
        module.prepare = lambda m, x: m.norm(x)
        with pytest.raises(ConfigurationError, match="z_box at first needs a finite low bound"):
            attribute(network_of(module), frames())
        relevance = attribute(network_of(module), frames(), composite="epsilon-plus-flat")
        assert conservation_error(relevance) <= 1e-9
        assert float(relevance.map.abs().max()) <= 10 * float(relevance.explained.abs().max())


class Behind(nn.Module):
    """What follows the first convolution."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, value):
        value = torch.relu(self.module.second(torch.relu(value)))
        return self.module.head(torch.relu(self.module.third(value.flatten(1))))


LRP_BEHIND = Composite("x", (((Dense, Convolution), epsilon()),))


def boxed_by_hand(convolution, value, low, high, relevance):
    """z_box as loops over outputs and what they look at; padding is no input."""
    weight, (_, height, width) = convolution.weight.detach(), value.shape
    low, high = low.expand_as(value), high.expand_as(value)
    found = torch.zeros_like(value)
    for o, r, c in np.ndindex(*relevance.shape):
        rows, columns = slice(max(r - 1, 0), r + 2), slice(max(c - 1, 0), c + 2)
        w = weight[o][:, max(1 - r, 0) : height + 1 - r, max(1 - c, 0) : width + 1 - c]
        at = slice(None), rows, columns
        parts = w * value[at] - w.clamp(min=0) * low[at] - w.clamp(max=0) * high[at]
        found[at] += parts / (parts.sum() + 1e-6) * relevance[o, r, c]
    return found


class OwnScaling(BaseFeaturesExtractor):
    """Divides by 255 itself, as extractors for ``normalize_images=False`` do."""

    def __init__(self, space):
        super().__init__(space, 12)
        self.first = nn.Conv2d(3, 4, 3)
        self.dense = nn.Linear(168, 12)

    def forward(self, value):
        return torch.relu(self.dense(torch.relu(self.first(value / 255 - 0.5)).flatten(1)))


class TestBounds:
    def test_an_extractor_that_scales(self):
        space = spaces.Box(0, 255, (3, 9, 8), np.uint8)
        kwargs = {
            "features_extractor_class": OwnScaling,
            "normalize_images": False,
            "net_arch": [],
        }
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = DQN("CnnPolicy", Frames(space), buffer_size=10, policy_kwargs=kwargs)
        pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 9, 8), np.uint8)
        network = network_of(model)
        q_values = model.policy.q_net(torch.from_numpy(pixels)).detach()
        torch.testing.assert_close(network.forward(pixels), q_values, rtol=1e-5, atol=1e-6)
        fixed = Composite(
            "fixed",
            COMPOSITES["epsilon-gamma-box"].rules,
            first=(((Convolution,), z_box(-0.5, 0.5)),),
        )
        near(attribute(network, pixels).map, attribute(network, pixels, composite=fixed).map, 1e-5)

    @pytest.mark.parametrize("bounds", [(1.0, 1.0), (2, -1)])
    def test_that_are_none(self, bounds):
        with pytest.raises(ConfigurationError, match=r"must be \(smallest, largest\)"):
            network_of(nn.Linear(2, 2), bounds=bounds)

    def test_of_policies_are_their_own(self):
        with torch.random.fork_rng():
            model = DQN("MlpPolicy", "CartPole-v1", buffer_size=10)
        with pytest.raises(ConfigurationError, match="for plain modules only"):
            network_of(model, bounds=(0, 1))

    def test_what_lies_outside_says_so(self):
        network = network_of(made(AFFINE["mean and deviation"][0]))
        said = (
            "z_box at first explains inputs from -5 to 5, but they go from .*network_of a module's"
        )
        with pytest.raises(ObservationError, match=said):
            attribute(network, frames(high=255.0))
