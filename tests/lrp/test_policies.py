"""Policies of stable-baselines3 and sb3-contrib against their own forward passes and gradients."""

import copy

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from oracles import peers
from oracles.policies import (
    ALGORITHMS,
    IMAGE,
    POLICY,
    VECTOR,
    Discrete,
    answers,
    assert_conserved,
    joined,
    made,
    observations,
    scaled,
)
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import nn

from rlmonitor.errors import (
    ConfigurationError,
    NonFiniteError,
    ObservationError,
    UnknownNameError,
    UnsupportedLayerError,
)
from rlmonitor.lrp import (
    COMPOSITES,
    Composite,
    Convolution,
    Dense,
    attribute,
    attribute_targets,
    network_of,
)
from rlmonitor.lrp.rules import epsilon

LRP_0 = Composite("lrp-0", (((Dense, Convolution), epsilon(0)),))


def near(ours, theirs, tolerance=1e-10):
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().max()) <= tolerance * float(theirs.abs().max())


@pytest.mark.parametrize("observation", POLICY)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
class TestEveryPolicy:
    def test_outputs_and_value(self, algorithm, observation):
        ours = made(algorithm, observation)
        network, given = network_of(ours), observations(observation)
        with torch.no_grad():
            outputs, value = answers(ours, joined(observation, scaled(observation, torch.float32)))
        torch.testing.assert_close(network.forward(given), outputs, rtol=1e-5, atol=1e-6)
        found = attribute_targets(network, given, network.targets)
        for name, relevance in found.items():
            torch.testing.assert_close(relevance.outputs, outputs, rtol=1e-5, atol=1e-6)
            assert relevance.target == name
        greedy = outputs.max(1).values
        torch.testing.assert_close(found[network.targets[0]].explained, greedy)
        torch.testing.assert_close(found["advantage"].explained, greedy - outputs.mean(1))
        if value is not None:
            torch.testing.assert_close(found["value"].explained, value[:, 0])

    def test_the_policy_acts_so(self, algorithm, observation):
        ours = made(algorithm, observation)
        actions, _ = ours.predict(observations(observation), deterministic=True)
        greedy = network_of(ours).forward(observations(observation)).argmax(1)
        assert greedy.tolist() == actions.tolist()

    def test_without_stabilisers_it_is_gradient_times_input(self, algorithm, observation):
        ours = copy.deepcopy(made(algorithm, observation))
        ours.policy.double()
        leaves = {
            key: tensor.requires_grad_()
            for key, tensor in scaled(observation, torch.float64).items()
        }
        outputs, value = answers(ours, joined(observation, leaves))
        network, given = network_of(ours), observations(observation)
        explained = {1: outputs[:, 1], (2, 0): outputs[:, 2] - outputs[:, 0]}
        explained |= {} if value is None else {"value": value[:, 0]}
        found = attribute_targets(network, given, tuple(explained), LRP_0)
        for target, number in explained.items():
            gradients = torch.autograd.grad(number.sum(), [*leaves.values()], retain_graph=True)
            maps = found[target].maps
            for one, gradient, leaf in zip(maps.values(), gradients, leaves.values(), strict=True):
                near(one, (gradient * leaf).detach())

    @pytest.mark.parametrize("composite", COMPOSITES)
    def test_nothing_is_lost(self, algorithm, observation, composite):
        network = network_of(made(algorithm, observation))
        targets = (*network.targets, 0, (0, 2))
        found = attribute_targets(network, observations(observation), targets, composite)
        for relevance in found.values():
            assert_conserved(relevance)

    def test_nothing_is_touched(self, algorithm, observation):
        policy = made(algorithm, observation).policy
        before, states = peers.all_tensors(policy), torch.random.get_rng_state()
        attribute_targets(network_of(policy), observations(observation), network_of(policy).targets)
        network_of(policy).randomised(0).forward(observations(observation))
        assert peers.same_tensors(policy, before)
        assert torch.equal(torch.random.get_rng_state(), states)


class TestAgainstZennit:
    """On the modules that an actor of tanh layers consists of; biases of logits among them."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def cart_pole(cls):
        with torch.random.fork_rng():
            torch.manual_seed(1)
            cls.model = PPO("MlpPolicy", "CartPole-v1", n_steps=8, batch_size=8, device="cpu")
        cls.model.policy.double()
        cls.value = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 4)))

    def twin(self, head):
        extractor = copy.deepcopy(self.model.policy.mlp_extractor.policy_net)
        return nn.Sequential(extractor, copy.deepcopy(head))

    def test_logits(self):
        ours = attribute(network_of(self.model), self.value, "logit")
        recipe = peers.ZENNIT_COMPOSITES["epsilon"]()
        twin = self.twin(self.model.policy.action_net)
        near(ours.map, peers.zennit_map(twin, self.value, peers.greedy_seed, recipe))

    def test_contrast_of_two_actions(self):
        head = copy.deepcopy(self.model.policy.action_net)
        with torch.no_grad():
            head.weight -= head.weight[0].clone()
            head.bias -= head.bias[0].clone()
        ours = attribute(network_of(self.model), self.value, (1, 0))
        recipe = peers.ZENNIT_COMPOSITES["epsilon"]()
        seed = torch.tensor([[0.0, 1.0]])
        theirs = peers.zennit_map(self.twin(head), self.value, lambda out: seed * out, recipe)
        near(ours.map, theirs)
        assert ours.action.tolist() == [1] * 6
        logits = network_of(self.model).forward(self.value)
        near(ours.explained, logits[:, 1] - logits[:, 0])

    @pytest.mark.parametrize("algorithm", ["PPO", "PPO, separate", "A2C"])
    @pytest.mark.parametrize("target", [1, (2, 0), "value"])
    def test_actor_and_critic_on_images(self, algorithm, target):
        policy = copy.deepcopy(made(algorithm, "screen").policy).double()
        actor = copy.deepcopy([policy.pi_features_extractor, policy.mlp_extractor.policy_net])
        critic = copy.deepcopy([policy.vf_features_extractor, policy.mlp_extractor.value_net])
        head = copy.deepcopy(policy.action_net)
        if target == (2, 0):
            with torch.no_grad():
                head.weight[2] -= head.weight[0]
                head.bias[2] -= head.bias[0]
        twin = nn.Sequential(*actor, head)
        chosen = torch.eye(3)[target if isinstance(target, int) else 2]
        if target == "value":
            twin, chosen = nn.Sequential(*critic, policy.value_net), torch.ones(1)
        pixels = scaled("screen", torch.float64)["screen"]
        recipe = peers.ZENNIT_COMPOSITES["epsilon-gamma-box"]()
        theirs = peers.zennit_map(twin, pixels, lambda outputs: chosen * outputs, recipe)
        near(attribute(network_of(policy), observations("screen"), target).map, theirs)

    def test_quantiles(self):
        ours = copy.deepcopy(made("QRDQN", "state"))
        net = ours.policy.quantile_net.double()
        *body, last = copy.deepcopy(net.quantile_net)
        head = nn.Linear(last.in_features, 3).double()
        with torch.no_grad():
            head.weight.copy_(sum(last.weight[k * 3 : k * 3 + 3] for k in range(5)) / 5)
            head.bias.copy_(sum(last.bias[k * 3 : k * 3 + 3] for k in range(5)) / 5)
        value = torch.from_numpy(observations("state")).double()
        recipe = peers.ZENNIT_COMPOSITES["epsilon"]()
        twin = nn.Sequential(*body, head)
        theirs = peers.zennit_map(twin, value, peers.greedy_seed, recipe)
        near(attribute(network_of(ours), value, "q").map, theirs)


class TestTargets:
    @pytest.mark.parametrize(
        ("algorithm", "target", "error", "said"),
        [
            ("PPO", "q", ConfigurationError, "no target 'q'; it has logit, advantage, value"),
            ("DQN", "value", ConfigurationError, "no target 'value'; it has q, advantage, an"),
            ("DQN", "logit", ConfigurationError, "no target 'logit'"),
            ("PPO", "logits", UnknownNameError, "did you mean 'logit'"),
            ("PPO", (1, 1), ConfigurationError, r"two different actions, got \(1, 1\)"),
            ("PPO", (0, 3), ObservationError, "3 is not one of 0 to 2"),
            ("PPO", (0, 1, 2), ConfigurationError, r"got \(0, 1, 2\)"),
            ("PPO", (0, "q"), ConfigurationError, "got 'q'"),
        ],
    )
    def test_what_a_network_does_not_have_says_so(self, algorithm, target, error, said):
        network = network_of(made(algorithm, "state"))
        with pytest.raises(error, match=said):
            attribute(network, observations("state"), target)

    def test_plain_modules_have_q_values_or_logits(self):
        network = network_of(nn.Sequential(nn.Linear(3, 2)))
        one, other = (attribute(network, torch.ones(1, 3), name) for name in ("q", "logit"))
        assert torch.equal(one.map, other.map)

    def test_the_critic_is_left_alone_until_it_is_asked_for(self):
        ours = copy.deepcopy(made("PPO", "state"))
        ours.policy.value_net.weight.data.fill_(torch.nan)
        network, given = network_of(ours), observations("state")
        assert network.forward(given).isfinite().all()
        assert attribute(network, given, "logit").map.isfinite().all()
        with pytest.raises(NonFiniteError, match="the weight of value_net"):
            attribute(network, given, "value")


class OwnNetworks(nn.Module):
    """Networks for actor and critic as stable-baselines3's documentation shows them."""

    def __init__(self):
        super().__init__()
        self.latent_dim_pi, self.latent_dim_vf = 6, 4
        self.actor, self.critic = nn.Linear(5, 6), nn.Linear(5, 4)

    def forward(self, features):
        return self.forward_actor(features), self.forward_critic(features)

    def forward_actor(self, features):
        return torch.relu(self.actor(features))

    def forward_critic(self, features):
        return torch.relu(self.critic(features))


class OwnPolicy(ActorCriticPolicy):
    def _build_mlp_extractor(self):
        self.mlp_extractor = OwnNetworks()


class Doubled(ActorCriticPolicy):
    def _get_action_dist_from_latent(self, latent_pi):
        return super()._get_action_dist_from_latent(2 * latent_pi)


class DuelingHead(nn.Module):
    """Wang et al. 2016, on a features extractor of stable-baselines3."""

    def __init__(self):
        super().__init__()
        self.value, self.advantage = nn.Linear(12, 1), nn.Linear(12, 3)

    def forward(self, features):
        advantage = self.advantage(features)
        return self.value(features) + (advantage - advantage.mean(1, keepdim=True))


class TestCustomPolicies:
    def test_a_dueling_head(self):
        ours = copy.deepcopy(made("DQN", "screen"))
        with torch.random.fork_rng():
            ours.policy.q_net.q_net = DuelingHead()
        network, given = network_of(ours), observations("screen")
        expected = ours.policy.q_net(torch.from_numpy(given)).detach()
        torch.testing.assert_close(network.forward(given), expected, rtol=1e-5, atol=1e-6)
        for relevance in attribute_targets(network, given).values():
            assert_conserved(relevance, 1e-3)

    def made(self, policy, env):
        with torch.random.fork_rng():
            return PPO(policy, env, n_steps=8, batch_size=8, device="cpu")

    def test_own_networks(self):
        ours = self.made(OwnPolicy, Discrete(VECTOR))
        network, given = network_of(ours), observations("state")
        outputs, _ = answers(ours, torch.from_numpy(given))
        torch.testing.assert_close(network.forward(given), outputs.detach(), rtol=1e-5, atol=1e-6)
        assert "mlp_extractor.actor" in [node.name for node in network.nodes]

    def test_what_computes_otherwise_is_refused(self):
        said = r"Doubled overrides ActorCriticPolicy\._get_action_dist_from_latent"
        with pytest.raises(UnsupportedLayerError, match=said):
            network_of(self.made(Doubled, Discrete(VECTOR)))

    def test_continuous_actions_are_refused(self):
        ours = self.made("MlpPolicy", gym.make("Pendulum-v1"))
        with pytest.raises(UnsupportedLayerError, match="actions in Box are not supported; only"):
            network_of(ours)

    def test_other_observations_are_refused_by_key(self):
        space = spaces.Dict({"screen": IMAGE, "lives": spaces.Discrete(3, start=1)})
        ours = self.made("MultiInputPolicy", Discrete(space))
        with pytest.raises(UnsupportedLayerError, match=r"in Discrete.* \(key 'lives'\) are not"):
            network_of(ours)

    def test_paths(self):
        names = [node.name for node in network_of(made("PPO, separate", "both")).nodes]
        assert "pi_features_extractor.extractors.screen.cnn.0" in names
        assert "vf_features_extractor.extractors.screen.cnn.0" in names
        assert {"preprocess_obs.screen", "action_net", "value_net"} <= set(names)

    def test_algorithm_policy_and_network_are_alike(self):
        ours, given = made("QRDQN", "state"), observations("state")
        sources = ours, ours.policy, ours.policy.quantile_net
        first, *others = [network_of(source).forward(given) for source in sources]
        assert all(torch.equal(first, other) for other in others)
