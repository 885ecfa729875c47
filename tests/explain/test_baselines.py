"""Each baseline against captum or its published formula; and all under one interface."""

import cv2
import numpy as np
import pytest
import torch
from captum.attr import InputXGradient, IntegratedGradients, Occlusion, Saliency
from oracles import literal, peers
from oracles.networks import dqn, pixels, seeded
from scipy.ndimage import gaussian_filter
from torch import nn

from rlmonitor.errors import (
    ConfigurationError,
    NonFiniteError,
    ObservationError,
    UnknownNameError,
)
from rlmonitor.explain import METHODS, Method, explain
from rlmonitor.lrp import COMPOSITES, DEFAULT_COMPOSITE, TARGETS, attribute, network_of

ALL = [*METHODS, DEFAULT_COMPOSITE]
IMAGES_ONLY = ("blur", "edges")
EXACT = {"rtol": 1e-9, "atol": 1e-12}


def greedy(module, frames):
    return module(frames).argmax(1)


class TestAgainstCaptum:
    def test_gradient(self, module, network, frames):
        leaf = frames.clone().requires_grad_()
        theirs = Saliency(module).attribute(leaf, greedy(module, frames), abs=False)
        torch.testing.assert_close(explain(network, frames, "q", "gradient").map, theirs, **EXACT)

    def test_gradient_x_input(self, module, network, frames):
        leaf = frames.clone().requires_grad_()
        theirs = InputXGradient(module).attribute(leaf, greedy(module, frames)).detach()
        ours = explain(network, frames, "q", "gradient-x-input").map
        torch.testing.assert_close(ours, theirs, **EXACT)

    def test_integrated_gradients(self, module, network, frames):
        theirs = IntegratedGradients(module).attribute(
            frames, target=greedy(module, frames), n_steps=50, method="riemann_middle"
        )
        ours = explain(network, frames, "q", "integrated-gradients").map
        # captum holds the steps in single precision
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-6, atol=1e-8)

    def test_smoothgrad(self, module, network, frames):
        rng, sums = np.random.default_rng(3), torch.zeros_like(frames)
        spread = frames.flatten(1).amax(1) - frames.flatten(1).amin(1)
        action = greedy(module, frames)
        for _ in range(50):
            noise = torch.from_numpy(rng.normal(size=frames.shape[1:]))
            noisy = frames + 0.15 * spread[:, None, None, None] * noise
            sums += Saliency(module).attribute(noisy.requires_grad_(), action, abs=False)
        ours = explain(network, frames, "q", "smoothgrad", seed=3).map
        torch.testing.assert_close(ours, sums / 50, **EXACT)

    def test_occlusion(self, module, network, frames):
        ground = frames.flatten(2).median(2).values[..., None, None]
        theirs = Occlusion(module).attribute(
            *(frames, (2, 6, 6), (2, 6, 6), ground.expand_as(frames).clone()),
            target=greedy(module, frames),
        )
        area = torch.ones(12, 11).double()
        area[:, :6], area[:, 6:] = 2 * 6 * 6, 2 * 6 * 5
        ours = explain(network, frames, "q", "occlusion").map
        # captum counts in single precision
        torch.testing.assert_close(ours * area, theirs.double(), rtol=1e-5, atol=1e-6)


def greydanus(function, frame):
    """The published code, for one stack ``[C, H, W]`` and one number: r = 5, d = 5."""
    size = frame.shape[1:]
    scores = np.zeros([(side - 1) // 5 + 1 for side in size])
    for i in range(0, size[0], 5):
        for j in range(0, size[1], 5):
            y, x = np.ogrid[-i : size[0] - i, -j : size[1] - j]
            mask = np.zeros(size)
            mask[x * x + y * y <= 1] = 1
            mask = gaussian_filter(mask, sigma=5)
            mask = mask / mask.max()
            changed = np.stack(
                [plane * (1 - mask) + gaussian_filter(plane, sigma=3) * mask for plane in frame]
            )
            scores[i // 5, j // 5] = 0.5 * (function(frame) - function(changed)) ** 2
    large = cv2.resize(scores, size[::-1], interpolation=cv2.INTER_LINEAR)
    return scores.max() * large / large.max()


def test_blur_is_the_published_formula(module, network, frames):
    found = explain(network, frames, "advantage", "blur", action=2)
    for frame, ours in zip(frames, found.map, strict=True):

        def advantage(stack):
            outputs = module(torch.from_numpy(stack)[None])[0].detach().numpy()
            return outputs[2] - outputs.mean()

        theirs = greydanus(advantage, frame.numpy())
        np.testing.assert_allclose(ours.sum(0).numpy(), theirs, rtol=1e-6, atol=1e-12)
        assert torch.equal(ours[0], ours[1])


class TestSimpleTaylor:
    def test_is_complete_where_the_function_is_linear(self):
        module = seeded(nn.Linear(6, 2).double())
        frames = torch.from_numpy(np.random.default_rng(1).random((4, 6)))
        found = explain(network_of(module), frames, 1, "simple-taylor")
        weight = module.weight[1].detach()
        expected = found.explained[:, None] * weight**2 / weight.square().sum()
        torch.testing.assert_close(found.map, expected, **EXACT)
        torch.testing.assert_close(found.absorbed, torch.zeros(4).double(), rtol=0, atol=1e-9)

    def test_finds_a_root(self, module, network, frames):
        found = explain(network, frames, 1, "simple-taylor").map
        gradients = []
        for frame, one in zip(frames, found, strict=True):
            (root, slope) = rebuilt(module, frame, one)
            ahead, before = module(torch.stack([root, frame])).detach()[:, 1]
            assert abs(float(ahead)) < 0.02 * abs(float(before))
            gradients.append(slope)
        assert torch.stack(gradients).abs().sum() > 0


def rebuilt(module, frame, one):
    """The root that a map ``g (x - r)`` was taken at, by the same steps written for one frame."""

    def at(point):
        leaf = point.detach().clone().requires_grad_()
        value = module(leaf[None])[0, 1]
        return value.detach(), torch.autograd.grad(value, leaf)[0]

    root, pace = frame, 1.0
    value, slope = at(root)
    for _ in range(20):
        trial = root - pace * value * slope / slope.square().sum()
        ahead = at(trial)
        if abs(ahead[0]) < abs(value):
            root, (value, slope), pace = trial, ahead, 1.0
        else:
            pace /= 2
    torch.testing.assert_close(slope * (frame - root), one, **EXACT)
    return root, slope


def literal_argmax(module, frame, action):
    """The rule in loops, layer by layer, for one frame."""
    layers = [*module.convolutions, nn.Flatten(0), *module.head]
    inside = [frame]
    for layer in layers:
        inside.append(
            layer(inside[-1][None])[0] if isinstance(layer, nn.Conv2d) else layer(inside[-1])
        )
    relevance = np.zeros(3)
    relevance[action] = inside[-1].detach()[action]
    for number, layer in reversed(list(enumerate(layers))):
        x = inside[number].detach().numpy()
        if isinstance(layer, nn.Linear):
            weight, connected = layer.weight.detach().numpy(), None
        elif isinstance(layer, nn.Conv2d):
            sizes = layer.stride, layer.padding, layer.dilation, layer.groups
            kernel = layer.weight.detach().numpy()
            weight, connected, _ = literal.convolution_matrix(kernel, x.shape, *sizes)
        else:
            continue
        relevance = relevance.reshape(-1)
        if isinstance(layer, nn.Linear) or number == 0:
            nothing = np.zeros(len(relevance))
            relevance, _ = literal.z_plus(x.reshape(-1), weight, connected, nothing, relevance)
            continue
        below = np.zeros(x.size)
        for k, amount in enumerate(relevance):
            contributions = np.where(connected[k], weight[k] * x.reshape(-1), -np.inf)
            below[contributions.argmax()] += amount
        relevance = below
    return relevance.reshape(frame.shape)


def test_argmax_is_the_literal_rule(module, network, frames):
    ours = explain(network, frames, "q", "lrp-argmax").map
    for frame, one in zip(frames, ours, strict=True):
        theirs = literal_argmax(module, frame, int(greedy(module, frame[None])))
        np.testing.assert_allclose(one.numpy(), theirs, rtol=1e-9, atol=1e-12)


def test_argmax_with_groups_and_dilation():
    module = nn.Sequential(nn.Conv2d(2, 4, 2), nn.ReLU(), nn.Conv2d(4, 4, 2, 1, 1, 2, 2), nn.ReLU())
    layers = nn.Module()
    layers.convolutions, layers.head = (
        seeded(module.double()),
        seeded(nn.Sequential(nn.Linear(64, 3)).double()),
    )
    frame = torch.from_numpy(np.random.default_rng(2).random((2, 5, 5)))
    whole = nn.Sequential(layers.convolutions, nn.Flatten(), layers.head)
    ours = explain(network_of(whole), frame[None], 1, "lrp-argmax").map[0]
    np.testing.assert_allclose(
        ours.numpy(), literal_argmax(layers, frame, 1), rtol=1e-9, atol=1e-12
    )


def test_edges_are_zero_on_flat_ground_and_one_on_a_slope(network):
    slope = torch.arange(11.0).double().expand(1, 2, 12, 11)
    found = explain(network, slope, "q", "edges").map
    torch.testing.assert_close(found[..., 1:-1], torch.ones(1, 2, 12, 9).double(), **EXACT)
    flat = explain(network, torch.ones(1, 2, 12, 11).double(), "q", "edges").map
    assert float(flat.abs().max()) < 1e-12


@pytest.mark.parametrize("method", ALL)
class TestInterface:
    def test_result_has_the_shapes_of_attribute(self, network, frames, method):
        ours = explain(network, frames, "advantage", method, action=[0, 1, 2, 0, 1])
        theirs = attribute(network, frames, "advantage", action=[0, 1, 2, 0, 1])
        assert ours.map.shape == theirs.map.shape
        assert ours.map.dtype == theirs.map.dtype
        assert ours.composite == method
        assert ours.target == "advantage"
        torch.testing.assert_close(ours.explained, theirs.explained, **EXACT)
        torch.testing.assert_close(ours.outputs, theirs.outputs, **EXACT)
        assert torch.equal(ours.action, theirs.action)
        total = ours.map.flatten(1).sum(1) + ours.absorbed
        torch.testing.assert_close(total, ours.explained, rtol=1e-7, atol=1e-7)

    def test_a_frame_alone_has_the_map_that_it_has_among_others(self, network, frames, method):
        together = explain(network, frames, "q", method).map
        torch.testing.assert_close(explain(network, frames[:1], "q", method).map, together[:1])

    def test_chunks_make_no_difference(self, network, frames, method):
        many = explain(network, frames.repeat(8, 1, 1, 1), "q", method).map
        if method == "random":
            assert not torch.equal(many[:5], many[35:])
        else:
            torch.testing.assert_close(many[35:], many[:5])

    def test_the_seed_decides(self, network, frames, method):
        first, again, other = (explain(network, frames, "q", method, seed=s).map for s in (1, 1, 2))
        assert torch.equal(first, again)
        assert torch.equal(first, other) == (method not in ("random", "smoothgrad"))

    def test_every_target(self, network, frames, method):
        for target in (*TARGETS, 1, (0, 2)):
            found = explain(network, frames[:2], target, method)
            expected = attribute(network, frames[:2], target).explained
            torch.testing.assert_close(found.explained, expected, **EXACT)
            assert torch.isfinite(found.map).all()

    def test_nothing_of_the_module_changes(self, module, frames, method):
        own = peers.copy.deepcopy(module).train()
        before, torch_state = peers.all_tensors(own), torch.random.get_rng_state()
        explain(network_of(own), frames[:2], "q", method)
        assert peers.same_tensors(own, before)
        assert all(one.requires_grad and one.grad is None for one in own.parameters())
        assert own.training
        assert torch.equal(torch.random.get_rng_state(), torch_state)

    def test_whatever_the_caller_switched_off(self, network, frames, method):
        expected = explain(network, frames[:2], "q", method).map
        with torch.no_grad():
            torch.testing.assert_close(explain(network, frames[:2], "q", method).map, expected)
        with torch.inference_mode():
            inside = explain(network, frames[:2].clone(), "q", method).map
        torch.testing.assert_close(inside, expected)

    def test_vectors(self, method):
        network = network_of(seeded(nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 2))))
        vectors = torch.rand(3, 6, generator=torch.Generator().manual_seed(0))
        if method in IMAGES_ONLY:
            with pytest.raises(ConfigurationError, match=method):
                explain(network, vectors, "q", method)
        else:
            assert explain(network, vectors, "q", method).map.shape == (3, 6)

    def test_bad_observations(self, network, method):
        for bad in (
            torch.zeros(0, 2, 12, 11),
            torch.full((1, 2, 12, 11), torch.nan),
            torch.zeros(1, 2, 3, 3),
            torch.zeros(2, dtype=torch.int64),
        ):
            with pytest.raises(ObservationError):
                explain(network, bad, "q", method)

    def test_bad_targets_and_actions(self, network, frames, method):
        with pytest.raises(UnknownNameError, match="advantage"):
            explain(network, frames, "advantge", method)
        with pytest.raises(ObservationError, match="action"):
            explain(network, frames, "q", method, action=3)

    def test_weights_with_nan(self, module, frames, method):
        broken = peers.copy.deepcopy(module)
        with torch.no_grad():
            broken.head[0].weight[0, 0] = torch.nan
        with pytest.raises(NonFiniteError, match=r"head\.0"):
            explain(network_of(broken), frames, "q", method)


def test_composites_are_reached_by_name(network, frames):
    for composite in COMPOSITES:
        ours = explain(network, frames, "q", composite)
        assert torch.equal(ours.map, attribute(network, frames, "q", composite).map)


def test_an_unknown_method_names_the_nearest():
    with pytest.raises(UnknownNameError, match="smoothgrad"):
        explain(network_of(nn.Linear(2, 2)), torch.ones(1, 2), "q", "smothgrad")


def test_a_method_of_ones_own(network, frames):
    double = Method("double", "twice the frame", lambda question: (2 * question.values[0],))
    found = explain(network, frames, "q", double)
    torch.testing.assert_close(found.map, 2 * frames)
    assert found.composite == "double"


def test_a_method_that_overflows_is_named(network, frames):
    broken = Method("broken", "infinity", lambda question: (question.values[0] / 0,))
    with pytest.raises(NonFiniteError, match="broken"):
        explain(network, frames, "q", broken)


def test_integrated_gradients_are_complete(network, frames):
    """Sundararajan et al. 2017, proposition 1: the sum is f(x) - f(black)."""
    found = explain(network, frames, "q", "integrated-gradients")
    black = explain(network, torch.zeros_like(frames), "q", "gradient", action=found.action)
    total = found.map.flatten(1).sum(1)
    torch.testing.assert_close(total, found.explained - black.explained, rtol=0.02, atol=0.02)


def test_gradients_of_pixels_are_per_grey_level():
    model = dqn()
    frames = pixels(2)
    found = explain(network_of(model), frames, "q", "gradient").map
    value = torch.from_numpy(frames).float().requires_grad_()
    q_values = model.q_net.q_net(model.q_net.features_extractor(value / 255))
    (expected,) = torch.autograd.grad(q_values.amax(1).sum(), value)
    torch.testing.assert_close(found, expected)
