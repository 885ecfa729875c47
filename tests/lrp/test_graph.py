"""Networks that are no chains: against torch's forward pass, gradient times input and zennit."""

import copy

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import graphs, peers
from oracles.graphs import GRAPHS, settled
from oracles.networks import PIXELS, Frames, Impala, pixels, seeded
from stable_baselines3 import DQN
from torch import nn
from torch.nn import functional

from rlmonitor.errors import ObservationError, UnsupportedLayerError
from rlmonitor.lrp import (
    COMPOSITES,
    Composite,
    Convolution,
    Dense,
    Scale,
    attribute,
    attribute_targets,
    constants,
    mixing,
    network_of,
)
from rlmonitor.lrp.rules import epsilon
from rlmonitor.round import conservation_error


def graph(name, seed=0, norms=nn):
    with torch.random.fork_rng():
        return settled(seeded(GRAPHS[name](norms), seed), seed).double()


def frames(n_frames=3, seed=0, shape=(2, 9, 8)):
    generator = torch.Generator().manual_seed(seed)
    value = torch.rand(n_frames, *shape, generator=generator).double()
    return value * (value > 0.3)


def near(ours, theirs, tolerance=1e-10):
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().max()) <= tolerance * float(theirs.abs().max())


def gradient_times_input(module, value, action):
    leaf = value.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(module(leaf)[:, action].sum(), leaf)
    return gradient * value


LRP_0 = Composite("lrp-0", (((Dense, Convolution, Scale), epsilon(0)),))


@pytest.mark.parametrize("name", GRAPHS)
class TestEveryGraph:
    def test_forward(self, name):
        module = graph(name)
        near(network_of(module).forward(frames()), module(frames()).detach(), 1e-12)

    @pytest.mark.parametrize("seed", range(3))
    def test_without_stabilisers_it_is_gradient_times_input(self, name, seed, monkeypatch):
        """With rectifiers R_j = x_j df/dx_j passes every layer unchanged, biases or not."""
        monkeypatch.setattr(mixing, "STABILISER", 0.0)
        monkeypatch.setattr(constants, "STABILISER", 0.0)
        module, value = graph(name, seed), frames(seed=seed)
        ours = attribute(network_of(module), value, 1, LRP_0).map
        near(ours, gradient_times_input(graph(name, seed, graphs), value, 1))

    def test_advantage_is_the_difference_to_the_mean(self, name, monkeypatch):
        monkeypatch.setattr(mixing, "STABILISER", 0.0)
        monkeypatch.setattr(constants, "STABILISER", 0.0)
        module = graph(name)
        ours = attribute(network_of(module), frames(), "advantage", LRP_0, action=2)
        all_actions = [attribute(network_of(module), frames(), a, LRP_0).map for a in range(3)]
        near(ours.map, all_actions[2] - sum(all_actions) / 3, 1e-9)

    @pytest.mark.parametrize("composite", COMPOSITES)
    def test_nothing_is_lost(self, name, composite):
        network = network_of(graph(name))
        for relevance in attribute_targets(network, frames(), composite=composite).values():
            assert conservation_error(relevance) <= 1e-9

    def test_nothing_is_touched(self, name):
        module, value = graph(name).train(), frames()
        before, kept = peers.all_tensors(module), value.clone()
        states = [vars(layer).copy() for layer in module.modules()]
        attribute_targets(network_of(module), value)
        network_of(module).randomised(0).forward(value)
        assert peers.same_tensors(module, before)
        assert [vars(layer) for layer in module.modules()] == states
        assert torch.equal(value, kept)

    @pytest.mark.parametrize("mode", [torch.inference_mode, torch.enable_grad])
    def test_grad_modes_make_no_difference(self, name, mode):
        network = network_of(graph(name))
        expected = attribute(network, frames()).map
        with mode():
            assert torch.equal(attribute(network, frames()).map, expected)


WIDE = {
    "maximum": lambda norms: nn.MaxPool2d(3, 2, padding=1),
    "adaptive maximum": lambda norms: nn.AdaptiveMaxPool2d((3, 2)),
    "average": lambda norms: nn.AvgPool2d(3, 2, padding=1),
    "adaptive average": lambda norms: nn.AdaptiveAvgPool2d((2, 3)),
    "batch normalisation": lambda norms: nn.Sequential(nn.ReLU(), nn.BatchNorm2d(20)),
    "group normalisation": lambda norms: norms.GroupNorm(4, 20),
    "layer normalisation": lambda norms: norms.LayerNorm((20, 7, 6)),
    "shape": lambda norms: nn.Sequential(nn.Unflatten(1, (4, 5)), nn.Flatten(2, 3)),
}
"""Layers on enough channels that the engine puts these last in memory."""


@pytest.mark.parametrize("name", WIDE)
def test_channels_last_make_no_difference(name, monkeypatch):
    monkeypatch.setattr(mixing, "STABILISER", 0.0)

    def made(norms):
        with torch.random.fork_rng():
            body = nn.Sequential(nn.Conv2d(2, 20, 3), WIDE[name](norms)).eval()
            n_features = body(torch.zeros(1, 2, 9, 8)).numel()
            module = nn.Sequential(body, nn.Flatten(), nn.Linear(n_features, 3))
        return settled(seeded(module)).double()

    ours = attribute(network_of(made(nn)), frames(), 1, LRP_0)
    near(ours.map, gradient_times_input(made(graphs), frames(), 1))


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(GRAPHS)), seed=st.integers(0, 9999), n_frames=st.integers(1, 4))
def test_nothing_is_lost_in_single_precision(name, seed, n_frames):
    module, value = graph(name, seed).float(), frames(n_frames, seed).float()
    for relevance in attribute_targets(network_of(module), value).values():
        assert conservation_error(relevance) <= 1e-3


class Adder(nn.Module):
    """A sum as zennit knows it: of a stack, in a module of its own."""

    def __init__(self):
        super().__init__()
        self.sum = peers.zennit.layer.Sum()

    def forward(self, one, other):
        return self.sum(torch.stack([one, other], -1))


SMALL = spaces.Box(0, 255, (4, 13, 12), np.uint8)


class TestAgainstZennit:
    """On modules in which zennit sees every sum."""

    @pytest.mark.parametrize("composite", COMPOSITES)
    def test_residual_additions_and_max_pooling(self, composite):
        with torch.random.fork_rng():
            parts = Impala(SMALL, (6, 4), 16), nn.Linear(16, 3)
            module = seeded(nn.Sequential(*parts)).double()
        twin = copy.deepcopy(module)
        for layer in twin.modules():
            if hasattr(layer, "add"):
                layer.add = Adder()
        value = frames(2, shape=(4, 13, 12))
        ours = attribute(network_of(module), value, composite=composite)
        recipe = peers.ZENNIT_COMPOSITES[composite]()
        near(ours.map, peers.zennit_map(twin, value, peers.greedy_seed, recipe))

    @pytest.mark.parametrize("composite", COMPOSITES)
    @pytest.mark.parametrize(
        "pool", [nn.AvgPool2d(3, 2, padding=1), nn.AdaptiveAvgPool2d((3, 2)), nn.MaxPool2d(2)]
    )
    def test_pooling(self, pool, composite):
        with torch.random.fork_rng():
            first = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 2), nn.ELU(), pool)
            n_features = first(torch.zeros(1, 2, 9, 8)).numel()
            module = seeded(nn.Sequential(first, nn.Flatten(), nn.Linear(n_features, 3))).double()
        ours = attribute(network_of(module), frames(), composite=composite)
        recipe = peers.ZENNIT_COMPOSITES[composite]()
        near(ours.map, peers.zennit_map(module, frames(), peers.greedy_seed, recipe))

    @pytest.mark.parametrize("composite", COMPOSITES)
    @pytest.mark.parametrize(
        "kind", [nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Tanh]
    )
    def test_activations(self, kind, composite):
        with torch.random.fork_rng():
            layers = nn.Conv2d(2, 4, 3), kind(), nn.Conv2d(4, 5, 2), kind(), nn.Flatten()
            module = nn.Sequential(*layers, nn.Linear(150, 6), kind(), nn.Linear(6, 3))
        module = seeded(module).double()
        ours = attribute(network_of(module), frames(), composite=composite)
        recipe = peers.ZENNIT_COMPOSITES[composite]()
        near(ours.map, peers.zennit_map(module, frames(), peers.greedy_seed, recipe))

    @pytest.mark.parametrize("composite", COMPOSITES)
    def test_batch_normalisation_on_layers_that_torch_has_fused(self, composite):
        with torch.random.fork_rng():
            one, two = nn.Conv2d(2, 4, 3, bias=False), nn.Conv2d(4, 6, 3)
            norms = nn.BatchNorm2d(4), nn.BatchNorm2d(6)
            dense, last = (nn.Linear(120, 5), nn.BatchNorm1d(5)), nn.Linear(5, 3)
        middle = nn.Sequential(one, norms[0], nn.ReLU(), two, norms[1], nn.ReLU(), nn.Flatten())
        module = settled(seeded(nn.Sequential(middle, *dense, nn.ReLU(), last))).double()
        fused = [torch.nn.utils.fusion.fuse_conv_bn_eval(*pair) for pair in ((one, norms[0]),)]
        fused += [torch.nn.utils.fusion.fuse_conv_bn_eval(two, norms[1])]
        fused += [torch.nn.utils.fusion.fuse_linear_bn_eval(*dense)]
        relus = nn.ReLU(), nn.ReLU(), nn.ReLU()
        twin = nn.Sequential(
            *(fused[0], relus[0], fused[1], relus[1], nn.Flatten()), *(fused[2], relus[2], last)
        )
        ours = attribute(network_of(module), frames(), composite=composite)
        recipe = peers.ZENNIT_COMPOSITES[composite]()
        near(ours.map, peers.zennit_map(twin, frames(), peers.greedy_seed, recipe))


class TestByHand:
    """Single layers in numbers that can be followed on paper."""

    def shares(self, layer, relevance, *values):
        values = [torch.tensor(value, dtype=torch.float64) for value in values]
        relevance = torch.tensor(relevance, dtype=torch.float64)
        return mixing.share_out(layer, relevance, values, layer.forward(*values))

    def test_a_sum_shares_in_proportion(self):
        (one, other), absorbed = self.shares(mixing.Sum((1.0, 1.0)), [[8.0]], [[3.0]], [[1.0]])
        assert float(one) == pytest.approx(6 * 4 / (4 + 1e-6), rel=1e-12)
        assert float(other) == pytest.approx(2 * 4 / (4 + 1e-6), rel=1e-12)
        assert float(absorbed) == pytest.approx(8e-6 / (4 + 1e-6), rel=1e-9)

    def test_what_is_subtracted_counts_against(self):
        (one, other), _ = self.shares(mixing.Sum((1.0, -1.0)), [[2.0, 4.0]], [[3.0, 5.0]], [[1.0]])
        torch.testing.assert_close(one.flatten().tolist(), [3.0, 5.0], rtol=1e-5, atol=0)
        torch.testing.assert_close(float(other), -1.0 - 1.0, rtol=1e-5, atol=0)

    def test_normalisation_follows_ali_et_al(self):
        """Equation 9: R_i = sum_j x_i (delta_ij - 1/D) / (x_j - mean x) R_j."""
        x, up = [1.0, 2.0, -4.0, 6.0], [0.5, -2.0, 1.0, 3.0]
        mean, size = sum(x) / 4, range(4)
        expected = [
            sum(x[i] * ((i == j) - 0.25) / (x[j] - mean) * up[j] for j in size) for i in size
        ]
        (ours,), _ = self.shares(mixing.Centring(1, 1e-5), [up], [x])
        torch.testing.assert_close(ours[0].tolist(), expected, rtol=1e-5, atol=1e-5)

    def test_the_first_of_equal_values_wins(self):
        layer = network_of(nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1, 1))).nodes[0]
        value = torch.tensor([[[[1.0, 3.0], [3.0, 2.0]]]])
        below = layer.layer.backward(torch.tensor([[[[5.0]]]]), value)
        assert below.flatten().tolist() == [0, 5, 0, 0]

    def test_a_batch_normalisation_alone_absorbs_its_shift(self):
        norm = settled(seeded(nn.BatchNorm1d(3))).double()
        module = nn.Sequential(norm, seeded(nn.Linear(3, 1)).double())
        value = torch.tensor([[0.5, -1.0, 2.0]], dtype=torch.float64)
        ours = attribute(network_of(module), value, 0, "epsilon")
        scale = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach()
        shift = norm.bias.detach() - scale * norm.running_mean
        y, weight = scale * value + shift, module[1].weight.detach()
        quotient = ours.explained / (ours.explained + 1e-6 * ours.explained.sign())
        upper = y * weight * quotient
        near(ours.map, scale * value * upper / (y + 1e-6 * y.sign()))


class Views(nn.Module):
    def forward(self, value):
        flat = value.flatten(1)
        return functional.relu(flat, inplace=True) + value.reshape(value.size(0), -1)


class MixesFrames(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function, self.head = function, nn.Linear(4, 2)

    def forward(self, value):
        return self.head(self.function(value))


class TestWhatIsNotCovered:
    @pytest.mark.parametrize(
        ("function", "said"),
        [
            (Views(), "in place on a view of a tensor in use at function.relu"),
            (lambda value: value + torch.nan, r"add \(with nan; only finite numbers, buffers and"),
            (lambda value: value * 0, r"mul \(with 0; only other constants are supported\)"),
            (lambda value: 1 / value, "only tensors can be divided"),
            (lambda value: torch.cat([value, value]), "along axis 0"),
            (lambda value: value.mean(0), "over axis 0"),
            (lambda value: value.view(1, -1), r"to \(1, -1\); only to \(N, numbers\)"),
            (lambda value: value.view(-1, value.size(1)), "only to"),
            (lambda value: value[:2], "of slice.None, 2, None.; only of other axes than the batch"),
            (lambda value: value[:, [0, 2]], "only of numbers, slices, None and"),
            (lambda value: value.chunk(2)[0], "along axis 0; only of other axes than the batch"),
        ],
    )
    def test_is_named_when_the_network_is_read(self, function, said):
        with pytest.raises(UnsupportedLayerError, match=said):
            network_of(MixesFrames(function))

    @pytest.mark.parametrize(
        ("function", "said"),
        [
            (lambda value: value.transpose(0, -1), r"permuting axes to \[1, 0\] moves the batch"),
            (lambda value: value.mean(-2), "averaging over the batch"),
            (lambda value: value.reshape(-1, 2), r"reshape: shape '\[3, 2\]' is invalid"),
            (lambda value: value.unsqueeze(0), r"reshaping to \[1, 3, 4\] mixes frames"),
            (lambda value: torch.cat([value, value], -2), "concatenating along the batch"),
            (lambda value: value.unsqueeze(1), "a Linear layer takes"),
            (lambda value: value[..., :4, :], "selecting frames"),
            (lambda value: value.chunk(2, -2)[0], "splitting the batch"),
        ],
    )
    def test_is_named_when_frames_would_mix(self, function, said):
        network = network_of(MixesFrames(function))
        with pytest.raises(ObservationError, match=said):
            network.forward(torch.zeros(3, 4))

    def test_a_layer_norm_of_other_axes(self):
        module = nn.Sequential(nn.LayerNorm(4), nn.Flatten(), nn.Linear(12, 2))
        said = r"a LayerNorm of \[4\] takes \[N, ..., 4\]|\[2, 3, 5\] does not fit 0"
        with pytest.raises(ObservationError, match=said):
            network_of(module).forward(torch.zeros(2, 3, 5))

    def test_a_constant_that_changes_the_shape(self):
        class Spread(nn.Module):
            def __init__(self):
                super().__init__()
                self.head = nn.Linear(4, 2)
                self.register_buffer("rows", torch.ones(3, 4))

            def forward(self, value):
                return self.head(value - self.rows)

        with pytest.raises(ObservationError, match=r"must not change the shape: it gives \[3, 4\]"):
            network_of(Spread()).forward(torch.zeros(1, 4))


@pytest.fixture(scope="module")
def model():
    kwargs = {"features_extractor_class": Impala, "net_arch": []}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return DQN("CnnPolicy", Frames(PIXELS), buffer_size=10, policy_kwargs=kwargs)


class TestImpala:
    def test_forward_is_the_policys(self, model):
        ours = network_of(model).forward(pixels(2))
        theirs = model.policy.q_net(torch.from_numpy(pixels(2))).detach()
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)

    def test_paths(self, model):
        names = [node.name for node in network_of(model).nodes]
        assert "q_net.features_extractor.cnn.2.first" in names
        assert "q_net.features_extractor.cnn.2.add" in names

    @pytest.mark.parametrize("composite", ["epsilon-gamma-box", "epsilon-plus-flat"])
    def test_nothing_is_lost(self, model, composite):
        found = attribute_targets(network_of(model), pixels(2), composite=composite)
        for relevance in found.values():
            assert relevance.map.shape == (2, 4, 84, 84)
            assert conservation_error(relevance) <= 1e-4


class TestRandomised:
    def test_normalisations_start_as_torch_starts_them(self):
        with torch.random.fork_rng():
            convolution = nn.Conv2d(2, 4, 3)
            layers = nn.BatchNorm2d(4), nn.ReLU(), nn.GroupNorm(2, 4), nn.Flatten()
            module = nn.Sequential(convolution, *layers, nn.Linear(168, 2))
            torch.manual_seed(3)
            fresh = nn.Sequential(nn.Conv2d(2, 4, 3), *copy.deepcopy(layers), nn.Linear(168, 2))
        value = frames().float()
        ours = network_of(settled(seeded(module))).randomised(3).forward(value)
        torch.testing.assert_close(ours, fresh.eval()(value).detach(), rtol=1e-5, atol=1e-6)
