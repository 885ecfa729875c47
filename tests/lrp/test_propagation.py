"""Whole networks: against zennit and captum, conservation, and what must not be touched."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import peers
from oracles.networks import NETWORKS, dqn, pixels, plain, seeded
from torch import nn

from rlmonitor.errors import (
    ConfigurationError,
    NonFiniteError,
    ObservationError,
    UnknownNameError,
)
from rlmonitor.lrp import (
    COMPOSITES,
    RULES,
    TARGETS,
    Composite,
    Convolution,
    Dense,
    attribute,
    attribute_targets,
    network_of,
    propagation,
)

SINGLE = 2e-3
"""Relative tolerance in single precision: epsilon is ill-conditioned where z is near 0."""

FIRST_ONLY = ("z_box", "w_square", "flat")


@pytest.fixture(scope="module", params=NETWORKS)
def model(request):
    return dqn(request.param)


@pytest.fixture(scope="module")
def nips():
    return dqn("nips")


def spread(tensor):
    """Sum for each frame."""
    return tensor.flatten(1).sum(1)


def assert_conserved(relevance, tolerance=1e-4):
    error = (spread(relevance.map) + relevance.absorbed - relevance.explained).abs()
    size = torch.maximum(relevance.explained.abs(), spread(relevance.map.abs()))
    # where a bias takes nearly all of a value, what remains is rounded as coarsely as the outputs
    rounding = 8 * torch.finfo(size.dtype).eps * relevance.outputs.abs().amax(1)
    assert (error <= tolerance * size + rounding + 1e-30).all()


def assert_near(ours, theirs, tolerance):
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().max()) <= tolerance * float(theirs.abs().max())


@pytest.mark.parametrize("composite", COMPOSITES)
class TestAgainstZennit:
    def test_in_double_precision(self, model, composite):
        module = seeded(plain(model).double())
        value = torch.from_numpy(pixels(2) / 255)
        ours = attribute(network_of(module), value, composite=composite)
        recipe = peers.ZENNIT_COMPOSITES[composite]()
        theirs = peers.zennit_map(module, value, peers.greedy_seed, recipe)
        assert ours.map.dtype == torch.float64
        assert_near(ours.map, theirs, 1e-10)

    def test_in_single_precision(self, model, composite):
        ours = attribute(network_of(model), pixels(2), composite=composite)
        recipe = peers.ZENNIT_COMPOSITES[composite]()
        value = torch.from_numpy(pixels(2) / 255)
        theirs = peers.zennit_map(plain(model).double(), value, peers.greedy_seed, recipe)
        assert ours.map.dtype == torch.float32
        assert_near(ours.map.double(), theirs, SINGLE)

    def test_advantage_is_the_q_of_a_contrast_head(self, model, composite):
        module = seeded(plain(model).double())
        value = torch.from_numpy(pixels(2) / 255)
        ours = attribute(network_of(module), value, "advantage", composite, action=1)
        head = list(module.modules())[-1]
        with torch.no_grad():
            head.weight -= head.weight.mean(0)
            head.bias -= head.bias.mean()
        recipe = peers.ZENNIT_COMPOSITES[composite]()
        chosen = torch.nn.functional.one_hot(torch.tensor([1, 1]), 4)
        theirs = peers.zennit_map(module, value, lambda outputs: chosen * outputs, recipe)
        assert_near(ours.map, theirs, 1e-10)


def test_every_composite_has_an_oracle():
    assert set(COMPOSITES) == set(peers.ZENNIT_COMPOSITES)


class Plain(nn.Module):
    """captum takes no Flatten module."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(2, 5, 3, stride=2), nn.Conv2d(5, 6, 2, padding=1)
        self.three, self.four = nn.Linear(96, 7), nn.Linear(7, 3)
        self.relus = nn.ModuleList(nn.ReLU() for _ in range(3))

    def forward(self, value):
        hidden = self.relus[1](self.two(self.relus[0](self.one(value))))
        return self.four(self.relus[2](self.three(hidden.flatten(1))))


@pytest.mark.parametrize("action", [0, 2])
def test_epsilon_equals_captum(action):
    module = seeded(Plain().double())
    value = torch.rand(3, 2, 8, 8, generator=torch.Generator().manual_seed(0)).double()
    ours = attribute(network_of(module), value, action, "epsilon")
    assert_near(ours.map, peers.captum_epsilon(module, value, action), 1e-6)


SHAPES = st.fixed_dictionaries(
    {
        "groups": st.integers(1, 2),
        "stride": st.integers(1, 4),
        "padding": st.integers(0, 2),
        "dilation": st.integers(1, 2),
        "kernel": st.integers(1, 4),
        "then": st.integers(1, 2),
        "bias": st.booleans(),
        "activation": st.sampled_from([nn.ReLU, nn.LeakyReLU, nn.ELU]),
        "seed": st.integers(0, 10_000),
    }
)


def network(groups, stride, padding, dilation, kernel, then, bias, activation, seed):
    """Two convolutions and two dense layers, with dead units; and frames, one of them black."""
    first = nn.Conv2d(2, 4, kernel, stride, padding, dilation, groups, bias=bias)
    second = nn.Conv2d(4, 6, 2, stride=then, groups=groups, bias=bias)
    features = second(first(torch.zeros(1, 2, 13, 12))).numel()
    dense = nn.Linear(features, 5, bias=bias), nn.Linear(5, 3, bias=bias)
    middle = activation(), second, activation(), nn.Flatten()
    module = seeded(nn.Sequential(first, *middle, dense[0], nn.ReLU(), dense[1]), seed)
    for layer in (first, second, dense[0]):
        layer.weight.data[0] = 0
    value = torch.rand(3, 2, 13, 12, generator=torch.Generator().manual_seed(seed))
    value[0] = 0
    return module, value


def everywhere(name):
    """The rule in all layers, or in the first one where it has no meaning elsewhere."""
    rule, both = RULES[name](), (Convolution, Dense)
    if name in FIRST_ONLY:
        return Composite(name, ((both, RULES["epsilon"]()),), first=((both, rule),))
    return Composite(name, ((both, rule),))


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=25, deadline=None)
@given(shape=SHAPES, target=st.sampled_from(["q", "advantage", 1]))
def test_nothing_is_lost(rule, shape, target):
    module, value = network(**shape)
    assert_conserved(attribute(network_of(module), value, target, everywhere(rule)))


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=10, deadline=None)
@given(shape=SHAPES, target=st.sampled_from(["q", "advantage"]))
def test_nothing_is_lost_in_double_precision(rule, shape, target):
    module, value = network(**shape)
    relevance = attribute(network_of(module.double()), value.double(), target, everywhere(rule))
    assert_conserved(relevance, 1e-9)


@pytest.mark.parametrize("composite", COMPOSITES)
def test_nothing_is_lost_on_atari_networks(model, composite):
    for relevance in attribute_targets(network_of(model), pixels(), composite=composite).values():
        assert_conserved(relevance)


def test_conservation_holds_where_an_activation_ends_the_network():
    module = seeded(nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3), nn.Tanh()))
    value = torch.rand(5, 4, generator=torch.Generator().manual_seed(1))
    for relevance in attribute_targets(network_of(module), value).values():
        assert_conserved(relevance)
    torch.testing.assert_close(
        relevance.explained, relevance.outputs.max(1).values - relevance.outputs.mean(1)
    )


class TestTargets:
    def test_what_is_explained(self, nips):
        network = network_of(nips)
        outputs = network.forward(pixels())
        results = attribute_targets(network, pixels(), ("q", "advantage", 2))
        greedy = outputs.max(1)
        for relevance in results.values():
            torch.testing.assert_close(relevance.outputs, outputs)
        assert torch.equal(results["q"].action, greedy.indices)
        torch.testing.assert_close(results["q"].explained, greedy.values)
        torch.testing.assert_close(
            results["advantage"].explained, greedy.values - outputs.mean(1), atol=1e-7, rtol=1e-5
        )
        assert results[2].action.tolist() == [2, 2, 2]
        torch.testing.assert_close(results[2].explained, outputs[:, 2])

    def test_together_and_alone_are_alike(self, nips):
        network = network_of(nips)
        together = attribute_targets(network, pixels(), ("q", "advantage", 0))
        for target, relevance in together.items():
            alone = attribute(network, pixels(), target)
            torch.testing.assert_close(relevance.map, alone.map, rtol=0, atol=0)
            torch.testing.assert_close(relevance.absorbed, alone.absorbed, rtol=0, atol=0)
            assert (relevance.target, relevance.composite) == (target, "epsilon-gamma-box")

    @pytest.mark.parametrize("action", [[3, 0, 1], np.array([3, 0, 1]), torch.tensor([3, 0, 1])])
    def test_actions_frame_by_frame(self, nips, action):
        network = network_of(nips)
        relevance = attribute(network, pixels(), "q", action=np.asarray(action))
        for frame, one in enumerate((3, 0, 1)):
            alone = attribute(network, pixels()[frame : frame + 1], one)
            assert_near(relevance.map[frame], alone.map[0], SINGLE)

    def test_advantages_of_all_actions_cancel(self, nips):
        """Epsilon on the dense layers keeps the contrast linear, but for the stabiliser."""
        network = network_of(nips)
        maps = [attribute(network, pixels(), "advantage", action=a).map for a in range(4)]
        assert float(sum(maps).abs().max()) <= 1e-2 * float(maps[0].abs().max())

    @pytest.mark.parametrize("target", TARGETS)
    def test_black_frames_are_finite(self, nips, target):
        black = np.zeros((2, 4, 84, 84), np.uint8)
        for composite in COMPOSITES:
            assert_conserved(attribute(network_of(nips), black, target, composite))


class TestBatches:
    def test_chunks_make_no_difference(self, nips, monkeypatch):
        network, frames = network_of(nips), pixels(7)
        whole = attribute_targets(network, frames, action=np.arange(7) % 4)
        monkeypatch.setattr(propagation, "CHUNK", 3)
        chunked = attribute_targets(network, frames, action=np.arange(7) % 4)
        for target, relevance in whole.items():
            assert relevance.map.shape == frames.shape
            assert_near(chunked[target].map, relevance.map, SINGLE)
            for name in ("explained", "absorbed", "outputs", "action"):
                torch.testing.assert_close(getattr(chunked[target], name), getattr(relevance, name))

    def test_layouts_and_types_make_no_difference(self, nips):
        network, frames = network_of(nips), pixels()
        expected = attribute(network, frames).map
        tensor = torch.from_numpy(frames)
        last = tensor.contiguous(memory_format=torch.channels_last)
        for same in (tensor, last, tensor.float(), tensor.double(), frames[:, :, ::-1][:, :, ::-1]):
            torch.testing.assert_close(attribute(network, same).map, expected, rtol=0, atol=0)

    def test_channels_last_modules(self, nips):
        module = peers.copy.deepcopy(nips.policy.q_net).to(memory_format=torch.channels_last)
        expected = attribute(network_of(nips), pixels()).map
        assert_near(attribute(network_of(module), pixels()).map, expected, SINGLE)

    def test_maps_are_plain_arrays(self, nips):
        relevance = attribute(network_of(nips), pixels())
        assert relevance.map.is_contiguous()
        assert relevance.map.numpy().dtype == np.float32

    def test_vectors(self):
        module = seeded(nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)).double())
        value = torch.randn(3, 4, generator=torch.Generator().manual_seed(0)).double()
        ours = attribute(network_of(module), value, composite="epsilon-plus-flat")
        recipe = peers.ZENNIT_COMPOSITES["epsilon"]()
        assert_near(ours.map, peers.zennit_map(module, value, peers.greedy_seed, recipe), 1e-10)


class TestNothingIsTouched:
    def generators(self):
        numbers = np.random.get_state()  # noqa: NPY002
        return torch.random.get_rng_state().tolist(), list(numbers[1]), random.getstate()

    @pytest.mark.parametrize("training", [True, False])
    def test_modules_and_generators(self, nips, training):
        q_net = peers.copy.deepcopy(nips.policy.q_net).train(training)
        before, generators = peers.all_tensors(q_net), self.generators()
        kept = [vars(module).copy() for module in q_net.modules()]
        attribute_targets(network_of(q_net), pixels(), ("q", "advantage", 1))
        network_of(q_net).randomised(5).forward(pixels())
        assert peers.same_tensors(q_net, before)
        assert [vars(module) for module in q_net.modules()] == kept
        assert all(parameter.grad is None for parameter in q_net.parameters())
        assert self.generators() == generators

    def test_gradients_that_are_there_stay(self, nips):
        q_net = peers.copy.deepcopy(nips.policy.q_net)
        q_net(torch.from_numpy(pixels())).sum().backward()
        before = [parameter.grad.clone() for parameter in q_net.parameters()]
        attribute(network_of(q_net), pixels())
        grads = [parameter.grad for parameter in q_net.parameters()]
        assert all(torch.equal(one, other) for one, other in zip(grads, before, strict=True))

    @pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
    def test_grad_modes_make_no_difference(self, nips, mode):
        expected = attribute(network_of(nips), pixels()).map
        with mode():
            relevance = attribute(network_of(nips), pixels())
        assert torch.equal(relevance.map, expected)
        assert not relevance.map.requires_grad

    def test_observations(self, nips):
        frames = pixels()
        before = frames.copy()
        floats = torch.rand(2, 4, 84, 84, generator=torch.Generator().manual_seed(0))
        kept, module = floats.clone(), plain(nips)
        attribute(network_of(nips), frames)
        attribute(network_of(module), floats)
        assert np.array_equal(frames, before)
        assert torch.equal(floats, kept)

    def test_weights_are_read_live(self, nips):
        q_net = peers.copy.deepcopy(nips.policy.q_net)
        network = network_of(q_net)
        before = attribute(network, pixels()).map
        for parameter in q_net.parameters():
            parameter.data.mul_(0.5)  # past the version counter, as SB3's polyak_update
        after = attribute(network, pixels()).map
        fresh = attribute(network_of(peers.copy.deepcopy(q_net)), pixels()).map
        assert torch.equal(after, fresh)
        assert not torch.allclose(before, after)


class TestErrors:
    @pytest.mark.parametrize(
        ("target", "error", "said"),
        [
            ("advantge", UnknownNameError, "did you mean 'advantage'"),
            (4, ObservationError, "4 is not one of 0 to 3"),
            (-1, ObservationError, "-1 is not one of 0 to 3"),
            (True, ConfigurationError, "name or an action's index, got True"),
            (1.5, ConfigurationError, "got 1.5"),
        ],
    )
    def test_targets(self, nips, target, error, said):
        with pytest.raises(error, match=said):
            attribute(network_of(nips), pixels(), target)

    @pytest.mark.parametrize(
        ("action", "said"),
        [
            (4, "0 to 3, got 4 to 4"),
            (np.array([0, 1, -2]), "0 to 3, got -2 to 1"),
            (np.array([0, 1]), r"one integer or \[3\], got \[2\]"),
            (np.array([0.0, 1, 2]), "must be integers"),
            (np.array([True, False, True]), "must be integers"),
        ],
    )
    def test_actions(self, nips, action, said):
        with pytest.raises(ObservationError, match=said):
            attribute(network_of(nips), pixels(), action=action)

    def test_composites(self, nips):
        with pytest.raises(UnknownNameError, match="composite"):
            attribute(network_of(nips), pixels(), composite="epsilon-plus")

    def test_images_that_were_not_scaled(self, nips):
        network = network_of(plain(nips))
        said = r"z_box at 0\.cnn\.0 explains inputs from 0 to 1"
        with pytest.raises(ObservationError, match=said):
            attribute(network, pixels())

    def test_infinity_that_a_relu_hides(self, nips):
        q_net = peers.copy.deepcopy(nips.policy.q_net)
        q_net.features_extractor.cnn[2].bias.data[0] = -torch.inf
        with pytest.raises(NonFiniteError, match=r"the bias of features_extractor\.cnn\.2"):
            attribute(network_of(q_net), pixels())
