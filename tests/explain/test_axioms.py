"""The axioms where their answers are known in closed form, and equivalent networks."""

import numpy as np
import pytest
import torch
from oracles.networks import Residual, seeded
from torch import nn

from rlmonitor.errors import (
    ConfigurationError,
    ObservationError,
    UnknownNameError,
    UnsupportedLayerError,
)
from rlmonitor.explain import (
    METHODS,
    Method,
    boundedness,
    conservation,
    continuity,
    explain,
    implementation_invariance,
)
from rlmonitor.explain.equivalence import CHANGES, equivalent
from rlmonitor.lrp import COMPOSITES, attribute, network_of

GRADIENTS = ("gradient", "gradient-x-input", "simple-taylor", "integrated-gradients", "smoothgrad")
"""Invariant to the implementation by their definition."""

PERTURBATIONS = ("occlusion", "blur")
"""Invariant because they look at outputs only; null methods do not even do that."""


@pytest.fixture
def linear():
    """f = w x, without a bias, and vectors of both signs."""
    module = seeded(nn.Linear(6, 2, bias=False).double())
    vectors = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 6)))
    return module, network_of(module), vectors


class TestConservation:
    def test_of_a_linear_network(self, linear):
        module, network, vectors = linear
        found = conservation(attribute(network, vectors, 1, "epsilon"))
        assert found.error < 1e-5  # the stabiliser
        assert found.accounting_error < 1e-12
        gradient = conservation(explain(network, vectors, 1, "gradient"))
        explained = (vectors @ module.weight[1]).detach().numpy()
        missing = np.abs(module.weight[1].detach().sum().numpy() - explained)
        np.testing.assert_allclose(gradient.missing, missing)
        np.testing.assert_allclose(gradient.explained, np.abs(explained))
        assert gradient.error == pytest.approx(missing.mean() / np.abs(explained).mean())

    def test_what_biases_absorb_is_missing_but_accounted_for(self, network, frames):
        relevance = attribute(network, frames, 1)
        found = conservation(relevance)
        np.testing.assert_allclose(found.missing, relevance.absorbed.abs(), rtol=1e-6)
        assert found.accounting_error < 1e-9
        assert found.error > 0.05

    def test_a_wrong_engine_is_seen(self, network, frames):
        relevance = attribute(network, frames, 1)
        relevance.maps["observation"][2] *= 2
        assert conservation(relevance).accounting_error > 0.1


class TestBoundedness:
    def test_positive_conserving_maps_stay_within(self):
        module = nn.Linear(4, 1, bias=False).double()
        nn.init.constant_(module.weight, 0.5)
        vectors = torch.rand(3, 4, generator=torch.Generator().manual_seed(0)).double()
        assert boundedness(attribute(network_of(module), vectors, 0, "epsilon")).excess < 1e-6

    def test_parts_that_cancel_exceed(self, linear):
        module, network, vectors = linear
        found = boundedness(attribute(network, vectors, 1, "epsilon"))
        parts = (vectors * module.weight[1]).detach().numpy()
        largest = [max(row[row > 0].sum(), -row[row < 0].sum()) for row in parts]
        np.testing.assert_allclose(found.largest, largest, rtol=1e-4)
        expected = np.mean(largest) / np.abs(parts.sum(1)).mean() - 1
        assert found.excess == pytest.approx(expected, rel=1e-4)

    def test_no_subset_of_inputs_has_more(self, linear):
        _, network, vectors = linear
        relevance = attribute(network, vectors, 1, "epsilon")
        subsets = np.array(list(np.ndindex(*[2] * 6)))
        brute = np.abs(relevance.map.numpy() @ subsets.T).max(1)
        np.testing.assert_allclose(boundedness(relevance).largest, brute)


class TestContinuity:
    def test_of_linear_maps(self, linear):
        """R = w x changes by w dx: no more than |w| for each step, and a gradient not at all."""
        module, network, vectors = linear
        weight = module.weight[1].detach()
        product = continuity(network, vectors, 1, "gradient-x-input")
        assert (product.slope <= float(weight.norm()) + 1e-9).all()  # Cauchy and Schwarz
        assert (product.slope > 0).all()
        assert (product.function <= float(weight.norm()) + 1e-9).all()
        gradient = continuity(network, vectors, 1, "gradient")
        np.testing.assert_allclose(gradient.slope, 0, atol=1e-12)
        np.testing.assert_allclose(gradient.function, product.function)

    def test_a_jump_is_seen(self):
        """The shattered gradient of a steep zigzag jumps where the function hardly moves."""
        network = network_of(seeded(nn.Sequential(nn.Linear(6, 2, bias=False).double())))
        vectors = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 6)))
        zigzag = Method(
            "zigzag", "", lambda question: (torch.sign(torch.sin(1e4 * question.values[0])),)
        )
        smooth = continuity(network, vectors, 1, "gradient-x-input").relative
        assert (continuity(network, vectors, 1, zigzag).relative > 10 * smooth).all()

    def test_relative_jumps_do_not_depend_on_units(self, network, frames):
        one = Method("one", "", lambda question: (question.values[0] ** 2,))
        thousand = Method("thousand", "", lambda question: (1e3 * question.values[0] ** 2,))
        first, other = (continuity(network, frames, 1, method) for method in (one, thousand))
        np.testing.assert_allclose(first.relative, other.relative)
        np.testing.assert_allclose(1e3 * first.slope, other.slope)

    def test_frames_that_do_not_vary(self, network):
        found = continuity(network, torch.ones(2, 2, 12, 11).double(), 1)
        np.testing.assert_array_equal(found.slope, 0)
        np.testing.assert_array_equal(found.relative, 0)

    @pytest.mark.parametrize("options", [{"size": 0}, {"n_changes": 0}])
    def test_bad_numbers(self, network, frames, options):
        with pytest.raises(ConfigurationError, match=next(iter(options))):
            continuity(network, frames, **options)


@pytest.mark.parametrize("change", CHANGES)
class TestEquivalentNetworks:
    def test_same_outputs_from_other_weights(self, network, frames, change):
        other = equivalent(network, change, seed=3)
        torch.testing.assert_close(other.forward(frames), network.forward(frames))
        before, after = (list(one.weights().values()) for one in (network, other))
        assert all(not torch.equal(a[0], b[0]) for a, b in zip(before, after, strict=True))
        doubled = change in ("split", "cancelling")
        assert len(after[0][0]) == len(before[0][0]) * (1 + doubled)

    def test_residual_networks_keep_their_outputs(self, frames, change):
        module = seeded(
            nn.Sequential(
                nn.Conv2d(2, 4, 3), Residual(4), nn.ReLU(), nn.Flatten(), nn.Linear(360, 2)
            )
        ).double()
        other = equivalent(network_of(module), change)
        torch.testing.assert_close(other.forward(frames), module(frames).detach())


@pytest.mark.parametrize("method", [*METHODS, *COMPOSITES])
def test_who_is_invariant(network, frames, method):
    distance = implementation_invariance(network, frames, 1, method).distance
    assert set(distance) == set(CHANGES)
    assert all(one.shape == (5,) and np.isfinite(one).all() for one in distance.values())
    assert (distance["permuted"] < 1e-6).all()
    if method in (*GRADIENTS, *PERTURBATIONS, "edges", "random"):
        assert all((one < 1e-6).all() for one in distance.values())
    elif method == "epsilon":  # up to the stabiliser
        assert all((one < 1e-3).all() for one in distance.values())
    elif method == "lrp-argmax":  # a unit in two halves wins less often
        assert (distance["split"] > 1e-3).any()
    else:  # positive and negative contributions are told apart: Montavon 2019
        assert (distance["split"] < 1e-3).all()
        assert (distance["rescaled"] < 1e-3).all()
        assert (distance["cancelling"] > 1e-3).any()


def test_networks_that_cannot_be_changed():
    vectors = torch.rand(2, 4, generator=torch.Generator().manual_seed(0)).double()
    with pytest.raises(UnsupportedLayerError, match="no hidden layer"):
        equivalent(network_of(nn.Linear(4, 2)), "split")
    module = seeded(nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)).double())
    with pytest.raises(UnsupportedLayerError, match="positively"):
        implementation_invariance(network_of(module), vectors, 0, "gradient")
    found = implementation_invariance(
        network_of(module), vectors, 0, "gradient", changes=("permuted", "split")
    )
    assert set(found.distance) == {"permuted", "split"}


def test_bad_input(network, frames):
    with pytest.raises(UnknownNameError, match="permuted"):
        equivalent(network, "permutted")
    with pytest.raises(ObservationError, match="empty"):
        continuity(network, frames[:0])
