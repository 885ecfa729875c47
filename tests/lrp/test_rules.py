"""Each rule against its literal twin and against zennit, layer by layer; and deep Taylor."""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import literal, peers
from torch import nn

from rlmonitor.errors import ConfigurationError, ObservationError
from rlmonitor.lrp import RULES, Convolution, Dense, Rule
from rlmonitor.lrp.distribution import Lens
from rlmonitor.lrp.rules import alpha_beta, epsilon, gamma, z_box, z_plus

BOUNDS = -1.0, 2.0
"""All inputs below lie in this box."""


@st.composite
def convolutions(draw):
    """A small convolution, some of its units dead, and an input of either or one sign."""
    groups = draw(st.integers(1, 2))
    channels = groups * draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    square = draw(st.booleans())
    stride = (draw(st.integers(1, 4)),) * 2 if square else (draw(st.integers(1, 3)), 1)
    module = nn.Conv2d(
        channels,
        groups * draw(st.integers(1, 3)),
        kernel,
        stride,
        draw(st.tuples(st.integers(0, 2), st.integers(0, 2))),
        draw(st.sampled_from([(1, 1), (1, 1), (2, 1)])),
        groups,
        bias=draw(st.booleans()),
    ).double()
    size = 8 + draw(st.integers(0, 3)), 7 + draw(st.integers(0, 3))
    return filled(module, rng), entering(draw(st.booleans()), rng, (2, channels, *size))


@st.composite
def dense_layers(draw):
    """The same for a dense layer."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    module = nn.Linear(draw(st.integers(1, 12)), draw(st.integers(1, 8)), draw(st.booleans()))
    return filled(module.double(), rng), entering(draw(st.booleans()), rng, (3, module.in_features))


def filled(module, rng):
    """Weights from numpy, so that torch's global generator stays out; the first unit is dead."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.from_numpy(rng.normal(size=tuple(parameter.shape))))
            parameter[0] = 0
    return module


def entering(signed, rng, shape):
    """Inputs, a fifth of them 0."""
    values = rng.uniform(*(BOUNDS if signed else (0, 2)), shape) * (rng.random(shape) > 0.2)
    return torch.from_numpy(values)


def lens_of(module, rule):
    if isinstance(module, nn.Linear):
        layer = Dense(module)
    else:
        layer = Convolution(module, module.stride, module.padding, module.dilation, module.groups)
    bias = None if module.bias is None else module.bias.detach()
    return Lens(layer, rule, module.weight.detach(), bias, BOUNDS, name="layer")


def distributed(module, value, rule):
    """``(relevance of the outputs, of the inputs, absorbed)``; a third of the outputs gets none."""
    output = module(value).detach()
    rng = np.random.default_rng(7)
    mask = rng.random(tuple(output.shape)) > 1 / 3
    relevance = torch.from_numpy(rng.normal(size=tuple(output.shape)) * mask)
    return relevance, *lens_of(module, rule).at(value, output).distribute(relevance)


def twin(name, module, value, relevance):
    """The literal rule on a batch: inputs' relevance, absorbed."""
    weight = module.weight.detach().numpy()
    connected, outputs = np.ones_like(weight, dtype=bool), weight.shape[:1]
    if isinstance(module, nn.Conv2d):
        weight, connected, outputs = literal.convolution_matrix(
            weight, value.shape[1:], module.stride, module.padding, module.dilation, module.groups
        )
    bias = np.zeros(outputs[0]) if module.bias is None else module.bias.detach().numpy()
    bias = np.repeat(bias, math.prod(outputs[1:]))
    rule, frames = literal.TWINS[name], range(len(value))
    rows = [(value[n].numpy().ravel(), relevance[n].numpy().ravel()) for n in frames]
    results = [rule(x, weight, connected, bias, up) for x, up in rows]
    received, absorbed = zip(*results, strict=True)
    return np.stack(received).reshape(value.shape), np.array(absorbed)


def assert_equal(ours, theirs, tolerance=1e-10):
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert np.abs(ours - theirs).max() <= tolerance * max(1.0, np.abs(theirs).max())


def test_every_rule_has_oracles():
    assert set(RULES) == set(literal.TWINS) == set(peers.ZENNIT_RULES)


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=40, deadline=None)
@given(case=st.one_of(convolutions(), dense_layers()))
def test_rule_equals_its_literal_twin(name, case):
    module, value = case
    relevance, received, absorbed = distributed(module, value, RULES[name]())
    expected, expected_absorbed = twin(name, module, value, relevance)
    assert_equal(received, expected)
    assert_equal(absorbed, expected_absorbed)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_rule_in_single_precision(name, signed, seed):
    """Epsilon divides by sums whose parts may cancel."""
    rng = np.random.default_rng(seed)
    for module, shape in ((nn.Conv2d(3, 4, 3, 2, 1), (2, 3, 9, 8)), (nn.Linear(9, 6), (4, 9))):
        module, value = filled(module.double(), rng), entering(signed, rng, shape)
        relevance, expected, _ = distributed(module, value, RULES[name]())
        single = copy.deepcopy(module).float()
        site = lens_of(single, RULES[name]()).at(value.float(), single(value.float()).detach())
        received, _ = site.distribute(relevance.float())
        tolerance = 2e-3 if name == "epsilon" else 1e-5
        error = (received.double() - expected).abs().max() / expected.abs().max()
        assert float(error) <= tolerance


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=25, deadline=None)
@given(case=st.one_of(convolutions(), dense_layers()))
def test_rule_equals_zennit(name, case):
    module, value = case
    relevance, received, _ = distributed(module, value, RULES[name]())
    theirs = peers.zennit_layer(module, value, relevance, peers.ZENNIT_RULES[name]())
    assert_equal(received, theirs)


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=25, deadline=None)
@given(case=st.one_of(convolutions(), dense_layers()))
def test_what_arrives_is_received_or_absorbed(name, case):
    module, value = case
    relevance, received, absorbed = distributed(module, value, RULES[name]())
    arrived = relevance.flatten(1).sum(1)
    size = torch.maximum(arrived.abs(), received.abs().flatten(1).sum(1))
    assert ((received.flatten(1).sum(1) + absorbed - arrived).abs() <= 1e-9 * size + 1e-9).all()


@pytest.mark.parametrize("name", RULES)
def test_stabiliser_zero_absorbs_empty_denominators(name):
    module = filled(nn.Linear(6, 4, bias=False).double(), np.random.default_rng(0))
    value = torch.zeros(2, 6, dtype=torch.float64)
    rule = RULES[name]()
    relevance, received, absorbed = distributed(module, value, type(rule)("0", rule.parts, 0.0))
    assert received.isfinite().all()
    arrived = relevance.sum(1)
    torch.testing.assert_close(received.sum(1) + absorbed, arrived)


def test_alpha_one_beta_zero_is_z_plus():
    module = filled(nn.Conv2d(2, 3, 3, padding=1).double(), np.random.default_rng(1))
    value = entering(True, np.random.default_rng(2), (2, 2, 6, 6))
    _, one, _ = distributed(module, value, alpha_beta(1, 0))
    _, other, _ = distributed(module, value, z_plus())
    torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_gamma_zero_is_epsilon_and_large_gamma_tends_to_z_plus():
    module = filled(nn.Linear(9, 5, bias=False).double(), np.random.default_rng(3))
    value = entering(False, np.random.default_rng(4), (4, 9))
    output = module(value).detach()
    relevance = output.clamp(min=0)
    at = {
        rule.name: lens_of(module, rule).at(value, output).distribute(relevance)[0]
        for rule in (gamma(0), epsilon(), gamma(1e9, stabiliser=0), z_plus(stabiliser=0))
    }
    torch.testing.assert_close(at["gamma(0)"], at["epsilon(1e-06)"], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(at["gamma(1e+09)"], at["z_plus"], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: epsilon(-1.0), "must be finite and >= 0"),
        (lambda: gamma(math.nan), "gamma must be finite"),
        (lambda: alpha_beta(2, 2), "alpha - beta = 1"),
        (lambda: alpha_beta(0.5, -0.5), "beta >= 0"),
        (lambda: Rule("twice", z_plus().parts * 2), r"of twice must add up to 1, got \[1"),
    ],
)
def test_settings_that_cannot_work_say_so(make, said):
    with pytest.raises(ConfigurationError, match=said):
        make()


def test_z_box_refuses_inputs_outside_its_box():
    module = nn.Linear(3, 2).double()
    value = torch.full((1, 3), 200.0, dtype=torch.float64)
    with pytest.raises(ObservationError, match="from -1 to 2, but they go from 200 to 200"):
        distributed(module, value, z_box())


def test_z_box_needs_finite_bounds():
    module, value = nn.Linear(3, 2).double(), torch.ones(1, 3, dtype=torch.float64)
    lens = lens_of(module, z_box())
    lens.bounds = (-math.inf, math.inf)
    with pytest.raises(ConfigurationError, match="finite low bound"):
        lens.at(value, module(value).detach()).distribute(torch.ones(1, 2, dtype=torch.float64))


class TestDeepTaylor:
    """Montavon et al. 2017 and 2019: rules as first-order Taylor expansions at root points.

    A unit's relevance is locally its activation times a constant, ``R_k(a) = c_k max(0, w_k a)``,
    and is expanded at a root point on a segment: gradient there times the way to the input.
    """

    @pytest.fixture
    def unit(self):
        rng = np.random.default_rng(5)
        value = torch.from_numpy(rng.uniform(0, 1, 8))
        weight = torch.from_numpy(rng.normal(size=8))
        weight *= torch.sign(weight @ value)
        return value, weight, 1.7

    def expansion(self, unit, root):
        """The first-order terms; at the origin the gradient is taken from inside the segment."""
        value, weight, relevance = unit
        constant = relevance / (weight @ value)
        at = (root + 1e-9 * (value - root)).requires_grad_()
        (gradient,) = torch.autograd.grad(constant * torch.relu(weight @ at), at)
        return gradient * (value - root)

    def lrp(self, unit, rule):
        value, weight, relevance = unit
        module = nn.Linear(8, 1, bias=False).double()
        with torch.no_grad():
            module.weight.copy_(weight[None])
        site = lens_of(module, rule).at(value[None], module(value[None]).detach())
        return site.distribute(torch.full((1, 1), relevance, dtype=torch.float64))[0][0]

    def test_root_zero_is_lrp_0(self, unit):
        expected = self.expansion(unit, torch.zeros(8, dtype=torch.float64))
        torch.testing.assert_close(self.lrp(unit, epsilon(0)), expected, rtol=1e-12, atol=1e-12)

    @pytest.mark.parametrize("t", [0.25, 0.5, 0.9])
    def test_root_on_the_way_to_zero_is_lrp_epsilon(self, unit, t):
        value, weight, _ = unit
        expected = self.expansion(unit, value - t * value)
        rule = epsilon((1 / t - 1) * float(weight @ value))
        torch.testing.assert_close(self.lrp(unit, rule), expected, rtol=1e-12, atol=1e-12)

    def test_root_along_positive_weights_is_z_plus(self, unit):
        value, weight, _ = unit
        direction = value * (weight > 0)
        # The step at which the unit's output is 0, where the expansion is complete.
        t = float(weight @ value) / float(weight @ direction)
        expected = self.expansion(unit, value - t * direction)
        torch.testing.assert_close(
            self.lrp(unit, z_plus(stabiliser=0)), expected, rtol=1e-12, atol=1e-12
        )
