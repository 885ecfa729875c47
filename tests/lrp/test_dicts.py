"""Observations in a Dict: a map for each key."""

import copy

import numpy as np
import pytest
from oracles.policies import assert_conserved, made, observations
from torch import nn

from rlmonitor.errors import ConfigurationError, ObservationError
from rlmonitor.lrp import attribute, network_of


def near(ours, theirs, tolerance):
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().max()) <= tolerance * float(theirs.abs().max())


class TestDicts:
    def test_maps_by_key(self):
        relevance = attribute(network_of(made("PPO", "both")), observations("both"), "logit")
        assert {key: one.shape for key, one in relevance.maps.items()} == {
            "screen": (3, 2, 36, 36),
            "state": (3, 5),
        }
        with pytest.raises(ConfigurationError, match="a map for each of screen, state; take"):
            _ = relevance.map

    def test_other_observations_have_one_map(self):
        relevance = attribute(network_of(made("DQN", "screen")), observations("screen"))
        assert list(relevance.maps) == ["observation"]
        assert relevance.map is relevance.maps["observation"]

    def test_a_key_without_influence_gets_nothing(self):
        class Half(nn.Module):
            features_dim = 5

            def forward(self, observation):
                return observation["state"].flatten(1)

        ours = copy.deepcopy(made("PPO", "both"))
        policy = ours.policy
        policy.features_extractor = policy.pi_features_extractor = Half()
        policy.mlp_extractor.policy_net[0] = nn.Linear(5, 64)
        policy.mlp_extractor.value_net[0] = nn.Linear(5, 64)
        relevance = attribute(network_of(ours), observations("both"), "logit")
        assert not relevance.maps["screen"].any()
        assert relevance.maps["state"].any()
        assert_conserved(relevance)

    def test_chunks_make_no_difference(self):
        network = network_of(made("A2C", "both"))
        many = {key: np.concatenate([one] * 13) for key, one in observations("both").items()}
        few = attribute(network, observations("both"), "value").maps
        for key, one in attribute(network, many, "value").maps.items():
            near(one[-3:], few[key], 2e-3)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda given: given["screen"], "takes a dict of screen, state, got ndarray"),
            (lambda given: {"screen": given["screen"]}, "of screen, state, got screen"),
            (lambda given: given | {"x": 0}, "got screen, state, x"),
            (lambda given: given | {"state": given["state"][:2]}, "screen: 3, state: 2"),
            (lambda given: given | {"screen": given["screen"][0]}, "'screen': .* needs a batch"),
            (lambda given: given | {"state": [1.0]}, "'state': .* got list"),
        ],
    )
    def test_what_does_not_fit_says_so(self, change, said):
        with pytest.raises(ObservationError, match=said):
            network_of(made("DQN", "both")).forward(change(observations("both")))

    def test_a_dict_where_a_tensor_is_due(self):
        with pytest.raises(ObservationError, match="numpy array or a tensor, got dict"):
            network_of(made("DQN", "screen")).forward(observations("both"))
