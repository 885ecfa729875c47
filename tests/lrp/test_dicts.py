"""Observations in a Dict, with a map for each key, and observations that are categories."""

import copy

import numpy as np
import pytest
import torch
from gymnasium import spaces
from oracles.networks import Frames
from oracles.policies import IMAGE, Discrete, assert_conserved, made, observations
from stable_baselines3 import A2C, DQN
from stable_baselines3.common.preprocessing import preprocess_obs
from torch import nn

from rlmonitor.errors import ConfigurationError, ObservationError
from rlmonitor.lrp import attribute, attribute_targets, network_of


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


CATEGORIES = spaces.Dict(
    {
        "screen": IMAGE,
        "lives": spaces.Discrete(4),
        "inventory": spaces.MultiDiscrete([3, 2, 5]),
        "switches": spaces.MultiBinary(6),
    }
)


def sampled(space, n_frames=5):
    """Observations as an env and a replay buffer give them."""
    space.seed(0)
    each = [space.sample() for _ in range(n_frames)]
    if not isinstance(space, spaces.Dict):
        return np.stack(each)
    return {key: np.stack([one[key] for one in each]) for key in space.spaces}


def tensors(given):
    if not isinstance(given, dict):
        return torch.from_numpy(given)
    return {key: torch.from_numpy(value) for key, value in given.items()}


class TestCategories:
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            kwargs = {"features_extractor_kwargs": {"cnn_output_dim": 12}}
            env = Discrete(CATEGORIES)
            return A2C("MultiInputPolicy", env, policy_kwargs=kwargs, n_steps=8, device="cpu")

    def test_outputs_and_maps(self, model):
        given, network = sampled(CATEGORIES), network_of(model)
        with torch.no_grad():
            logits = model.policy.get_distribution(tensors(given)).distribution.logits
            values = model.policy.predict_values(tensors(given))[:, 0]
        found = attribute_targets(network, given, ("logit", "value"))
        outputs = found["logit"].outputs
        torch.testing.assert_close(outputs - outputs.logsumexp(1, keepdim=True), logits)
        torch.testing.assert_close(found["value"].explained, values)
        for relevance in found.values():
            assert_conserved(relevance)
        maps = found["logit"].maps
        assert {key: tuple(one.shape) for key, one in maps.items()} == {
            "inventory": (5, 10),
            "lives": (5, 4),
            "screen": (5, 2, 36, 36),
            "switches": (5, 6),
        }
        encoded = preprocess_obs(tensors(given), CATEGORIES)
        for key in ("inventory", "lives", "switches"):  # what is absent gets nothing
            assert not maps[key][encoded[key] == 0].any()
            assert maps[key][encoded[key] == 1].any()

    def test_columns_and_types_make_no_difference(self, model):
        given, network = sampled(CATEGORIES), network_of(model)
        expected = network.forward(given)
        columns = given | {"lives": given["lives"][:, None].astype(np.float32)}
        booleans = given | {"switches": given["switches"].astype(bool)}
        numbers = given | {"inventory": tensors(given)["inventory"].to(torch.int32)}
        for same in (columns, booleans, numbers, tensors(booleans)):
            assert torch.equal(network.forward(same), expected)

    @pytest.mark.parametrize(
        "space",
        [spaces.Discrete(5), spaces.MultiDiscrete([3, 4]), spaces.MultiBinary(4)],
        ids=lambda space: type(space).__name__,
    )
    def test_without_a_dict(self, space):
        with torch.random.fork_rng():
            model = DQN("MlpPolicy", Frames(space), buffer_size=10)
        given, network = sampled(space), network_of(model)
        q_values = model.policy.q_net(tensors(given)).detach()
        torch.testing.assert_close(network.forward(given), q_values, rtol=1e-5, atol=1e-6)
        relevance = attribute(network, given)
        assert relevance.map.shape == (5, *network.observation_shape)
        assert_conserved(relevance)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"lives": np.full(5, 4)}, "'lives': category 0 must be 0 to 3, got 4 to 4"),
            ({"lives": np.full(5, -1)}, "must be 0 to 3, got -1"),
            ({"lives": np.full(5, 0.5)}, "categories must be integers"),
            ({"lives": np.full(5, np.nan)}, "categories must be integers"),
            ({"lives": np.zeros((5, 4), int)}, r"takes integers \[N\], got \[5, 4\]"),
            ({"lives": np.zeros(0, int)}, "the batch is empty"),
            ({"inventory": np.zeros((5, 2), int)}, r"integers \[N, 3\], got \[5, 2\]"),
            ({"inventory": np.full((5, 3), 2)}, "category 1 must be 0 to 1, got 2 to 2"),
            ({"switches": np.full((5, 6), 2)}, "observations must be 0 to 1, got 2 to 2"),
            ({"switches": np.zeros((5, 5), int)}, r"takes \[N, 6\], got \[5, 5\]"),
            ({"screen": np.zeros((5, 2, 36, 36), int)}, "'screen': .*must be uint8 or float"),
        ],
    )
    def test_what_does_not_fit_says_so(self, model, change, said):
        with pytest.raises(ObservationError, match=said):
            network_of(model).forward(sampled(CATEGORIES) | change)
