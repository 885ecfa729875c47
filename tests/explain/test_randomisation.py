"""Cascading randomisation, similarities and agreement: literal twins and planted truths."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracles.networks import seeded
from scipy import stats
from torch import nn

from rlmonitor.errors import ConfigurationError, ObservationError
from rlmonitor.explain import (
    METHODS,
    Method,
    agreement,
    cascading_randomisation,
    explain,
    rule_agreement,
    target_sensitivity,
)
from rlmonitor.explain.randomisation import cascade
from rlmonitor.explain.similarity import cosine, rank_correlation, structural_similarity
from rlmonitor.lrp import COMPOSITES, attribute, network_of

ROWS = hnp.arrays(np.float64, (3, 8), elements=st.floats(-1e3, 1e3).map(lambda v: round(v, 3)))
BLIND = ("edges", "random")
"""Methods that do not look at the network."""


class TestSimilarity:
    @given(ROWS, ROWS)
    @settings(max_examples=50, deadline=None)
    def test_equals_numpy_and_scipy(self, one, other):
        for a, b, c, r in zip(
            one, other, cosine(one, other), rank_correlation(one, other), strict=True
        ):
            if a.any() and b.any():
                assert c == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b), abs=1e-9)
            if np.ptp(a) and np.ptp(b):
                assert r == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-9)

    @given(ROWS, ROWS, st.floats(0.1, 10))
    @settings(max_examples=50, deadline=None)
    def test_laws(self, one, other, factor):
        for measure in (cosine, rank_correlation):
            np.testing.assert_allclose(measure(one, one), 1, atol=1e-9)
            np.testing.assert_allclose(measure(one, other), measure(other, one), atol=1e-12)
            assert (np.abs(measure(one, other)) <= 1 + 1e-9).all()
        np.testing.assert_allclose(cosine(one * factor, other), cosine(one, other), atol=1e-9)

    def test_maps_without_direction(self):
        zero, one = np.zeros((1, 4)), np.arange(4.0)[None]
        for measure in (cosine, rank_correlation):
            assert measure(zero, zero) == 1
            assert measure(zero, one) == measure(one, zero) == 0
        blank, picture = np.zeros((1, 1, 8, 8)), np.arange(64.0).reshape(1, 1, 8, 8)
        assert structural_similarity(blank, blank) == 1
        assert structural_similarity(blank, picture) < 0.1

    def test_structure_is_the_published_formula(self):
        rng = np.random.default_rng(0)
        one, other = rng.normal(size=(2, 1, 1, 9, 8))
        a, b = (maps[0, 0] / np.abs(maps).max() for maps in (one, other))
        span = max(a.max(), b.max()) - min(a.min(), b.min())
        c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
        found = []
        for y in range(3):
            for x in range(2):
                p, q = (image[y : y + 7, x : x + 7].ravel() for image in (a, b))
                (vp, cov), (_, vq) = np.cov(p, q)
                above = (2 * p.mean() * q.mean() + c1) * (2 * cov + c2)
                found.append(above / ((p.mean() ** 2 + q.mean() ** 2 + c1) * (vp + vq + c2)))
        assert structural_similarity(one, other)[0] == pytest.approx(np.mean(found))
        np.testing.assert_allclose(structural_similarity(one, 5 * one), 1)

    def test_bad_shapes(self):
        for measure in (cosine, rank_correlation, structural_similarity):
            with pytest.raises(ObservationError, match="same frames"):
                measure(np.ones((2, 3)), np.ones((2, 4)))
        with pytest.raises(ConfigurationError, match="at least 7 x 7"):
            structural_similarity(np.ones((1, 1, 6, 9)), np.ones((1, 1, 6, 9)))


class TestCascade:
    def test_layers_are_randomised_from_the_output_down(self, network):
        stages = cascade(network, seed=1)
        assert list(stages) == [
            *("head.2", "head.0", "convolutions.4", "convolutions.2", "convolutions.0"),
        ]
        own, fresh = network.weights(), network.randomised(1).weights()
        for changed, stage in enumerate(stages.values(), start=1):
            weights = list(stage.weights().items())
            for index, (weight, _) in weights[:-changed]:
                assert torch.equal(weight, own[index][0])
            for index, (weight, _) in weights[-changed:]:
                assert torch.equal(weight, fresh[index][0])

    @pytest.mark.parametrize("method", [*METHODS, *COMPOSITES])
    def test_only_blind_methods_stay_the_same(self, network, frames, method):
        found = cascading_randomisation(network, frames, "q", method)
        for measure in (found.cosine, found.rank, found.structure):
            assert measure.shape == (5, 5)
        if method in BLIND:
            for measure in (found.cosine, found.rank, found.structure):
                np.testing.assert_allclose(measure, 1)
        else:
            assert found.cosine[-1].mean() < 0.9
            assert (found.cosine[-1] < 0.999).all()

    def test_the_last_stage_is_the_untrained_network(self, network, frames):
        found = cascading_randomisation(network, frames, "q", seed=4)
        before = attribute(network, frames)
        after = attribute(network.randomised(4), frames, action=before.action)
        expected = np.abs(cosine(*(one.map.flatten(1).numpy() for one in (before, after))))
        np.testing.assert_allclose(found.cosine[-1], expected)

    def test_vectors_have_no_structure(self):
        network = network_of(seeded(nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2))))
        vectors = torch.rand(3, 5, generator=torch.Generator().manual_seed(0))
        found = cascading_randomisation(network, vectors)
        assert found.structure is None
        assert found.rank.shape == (2, 3)


class TestAgreement:
    def test_pairs(self, network, frames):
        found = rule_agreement(network, frames, "q", ("epsilon", "gradient-x-input", "random"))
        assert found.methods == ("epsilon", "gradient-x-input", "random")
        assert found.cosine.shape == (3, 3, 5)
        np.testing.assert_allclose(found.cosine[0, 1], 1, atol=1e-3)  # LRP-0 in ReLU networks
        np.testing.assert_allclose(np.diagonal(found.cosine), 1)
        expected = (found.cosine[0, 1] + found.cosine[0, 2] + found.cosine[1, 2]) / 3
        np.testing.assert_allclose(found.mean, expected)

    def test_composites_agree_more_than_random_maps(self, network, frames):
        composites = rule_agreement(network, frames)
        assert composites.methods == tuple(COMPOSITES)
        noise = rule_agreement(network, frames, "q", ("epsilon", "random"))
        assert composites.mean.mean() > np.abs(noise.mean).mean()

    def test_bad_input(self, network, frames):
        with pytest.raises(ConfigurationError, match="at least 2"):
            rule_agreement(network, frames, "q", ("epsilon",))
        with pytest.raises(ObservationError, match="same frames"):
            agreement([attribute(network, frames), attribute(network, frames[:2])])


class TestTargetSensitivity:
    def test_of_a_linear_network(self):
        module = seeded(nn.Linear(6, 3, bias=False).double())
        vectors = torch.from_numpy(np.random.default_rng(0).random((4, 6)))
        found = target_sensitivity(network_of(module), vectors, "q", "gradient")
        assert found.pairs == ((0, 1), (0, 2), (1, 2))
        weight = module.weight.detach()
        expected = [torch.cosine_similarity(weight[a], weight[b], 0) for a, b in found.pairs]
        np.testing.assert_allclose(found.cosine, np.outer(expected, np.ones(4)))
        np.testing.assert_allclose(found.mean, np.mean(expected))

    @pytest.mark.parametrize("method", BLIND)
    def test_of_methods_that_see_no_action(self, network, frames, method):
        np.testing.assert_allclose(target_sensitivity(network, frames, "q", method).cosine, 1)

    def test_advantages_of_two_actions_are_opposites(self):
        module = seeded(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2)).double())
        vectors = torch.from_numpy(np.random.default_rng(0).random((4, 6)))
        found = target_sensitivity(network_of(module), vectors, "advantage", "gradient")
        np.testing.assert_allclose(found.cosine, -1)

    @pytest.mark.parametrize("target", ["value", 1, (0, 1)])
    def test_targets_of_one_action(self, network, frames, target):
        with pytest.raises(ConfigurationError, match="compares actions"):
            target_sensitivity(network, frames, target)


def test_methods_of_ones_own_are_compared_too(network, frames):
    own = Method("own", "", lambda question: question.gradient(question.values))
    found = agreement([explain(network, frames, "q", one) for one in (own, "gradient")])
    assert found.methods == ("own", "gradient")
    np.testing.assert_allclose(found.mean, 1)
