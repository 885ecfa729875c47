"""RecurrentPPO: forward against the policy, relevance against Arras' formulas step by step."""

import copy
import functools

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import literal, peers
from oracles.policies import BOTH, IMAGE, POLICY, VECTOR, Discrete, assert_conserved
from sb3_contrib import RecurrentPPO
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from torch import nn

from rlmonitor.errors import NonFiniteError, ObservationError, UnsupportedLayerError
from rlmonitor.lrp import (
    COMPOSITES,
    Windows,
    attribute,
    attribute_targets,
    network_of,
    propagation,
    recurrent,
)

SPACES = {"screen": IMAGE, "state": VECTOR, "both": BOTH}
SMALL = {"screen": {"features_dim": 12}, "state": {}, "both": {"cnn_output_dim": 12}}
VARIANTS = {
    "separate": {},
    "shared": {"shared_lstm": True, "enable_critic_lstm": False},
    "actor alone": {"enable_critic_lstm": False},
    "two layers": {"n_lstm_layers": 2, "lstm_kwargs": {"dropout": 0.3}},
    "two extractors": {"share_features_extractor": False, "lstm_kwargs": {"bias": False}},
}
N, T, UNITS = 3, 5, 6


@functools.cache
def made(observation="state", variant="separate"):
    """A policy with random weights; copy it before you change it."""
    kwargs = {"features_extractor_kwargs": SMALL[observation], "lstm_hidden_size": UNITS}
    kwargs |= VARIANTS[variant] | {"net_arch": [7]}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        policy = POLICY[observation].replace("Policy", "LstmPolicy")
        env = Discrete(SPACES[observation])
        model = RecurrentPPO(policy, env, policy_kwargs=kwargs, n_steps=8, device="cpu")
        for parameter in model.policy.parameters():
            nn.init.normal_(
                parameter, std=0.3 if parameter.ndim < 2 else parameter[0].numel() ** -0.5
            )
    return model


def windows(observation="state", n=N, t=T, seed=0):
    rng = np.random.default_rng(seed)
    found = {
        "screen": rng.integers(0, 256, (n, t, *IMAGE.shape), np.uint8),
        "state": rng.uniform(-3, 3, (n, t, *VECTOR.shape)).astype(np.float32),
    }
    return found if observation == "both" else found[observation]


def states(n_layers, n=N, seed=1):
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=(n_layers, n, UNITS)).astype(np.float32) for _ in range(2))


STARTS = np.array([[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [1, 0, 0, 0, 1]], np.float32)


def full(observation, variant):
    """Windows with everything that they may have."""
    n_layers = 2 if variant == "two layers" else 1
    actor, critic = states(n_layers, seed=1), states(n_layers, seed=2)
    return Windows(windows(observation), STARTS, actor, critic)


def answers(model, given):
    """Log-probabilities and values of the last steps, by the policy's own methods."""
    policy, tensors = model.policy, given.observation
    tensors = tensors if isinstance(tensors, dict) else {"": tensors}
    rows = {key: torch.from_numpy(one).flatten(0, 1) for key, one in tensors.items()}
    rows = rows if len(rows) > 1 else rows[""]
    actor = tuple(map(torch.from_numpy, given.actor_state))
    critic = (
        actor if policy.lstm_critic is None else tuple(map(torch.from_numpy, given.critic_state))
    )
    starts = torch.from_numpy(given.episode_starts).flatten()
    policy.set_training_mode(False)
    with torch.no_grad():
        distribution, _ = policy.get_distribution(rows, actor, starts)
        values = policy.predict_values(rows, critic, starts)
    logits = distribution.distribution.logits
    return logits.reshape(N, T, -1)[:, -1], values.reshape(N, T)[:, -1]


@pytest.mark.parametrize("observation", POLICY)
@pytest.mark.parametrize("variant", VARIANTS)
class TestEveryPolicy:
    def test_outputs_and_value(self, observation, variant):
        model, given = made(observation, variant), full(observation, variant)
        network, (logits, values) = network_of(model), answers(model, given)
        outputs = network.forward(given)
        torch.testing.assert_close(outputs - outputs.logsumexp(1, keepdim=True), logits)
        torch.testing.assert_close(attribute(network, given, "value").explained, values)

    def test_nothing_is_lost(self, observation, variant):
        network, given = network_of(made(observation, variant)), full(observation, variant)
        for relevance in attribute_targets(network, given, (*network.targets, (0, 2))).values():
            assert_conserved(relevance)
            shapes = [tuple(one.shape[:2]) for one in relevance.maps.values()]
            assert shapes == [(N, T)] * len(shapes)

    def test_episodes_that_start_cut_the_memory(self, observation, variant):
        network, given = network_of(made(observation, variant)), full(observation, variant)
        for target in ("logit", "value"):
            for one in attribute(network, given, target).maps.values():
                assert not one[1, :2].any()
                assert one[1, -1].any()
                assert not one[2, :4].any()
        one = next(iter(attribute(network, given, "logit").maps.values()))
        assert one[0, :4].flatten(1).abs().sum(1).all()  # it goes through all steps otherwise

    def test_nothing_is_touched(self, observation, variant):
        policy = made(observation, variant).policy.train()
        before, generator = peers.all_tensors(policy), torch.random.get_rng_state()
        network = network_of(policy)
        attribute_targets(network, full(observation, variant), network.targets)
        network.randomised(0).forward(windows(observation))
        assert peers.same_tensors(policy, before)
        assert torch.equal(torch.random.get_rng_state(), generator)
        assert policy.training


@pytest.mark.parametrize("composite", COMPOSITES)
def test_composites(composite):
    network = network_of(made("screen"))
    for relevance in attribute_targets(network, windows("screen"), ("logit",), composite).values():
        assert_conserved(relevance)


def doubled(variant):
    policy = copy.deepcopy(made("state", variant).policy).double()
    policy.set_training_mode(False)
    return policy


class TestArras:
    """Against a loop over time steps, layer by layer, in numpy."""

    @pytest.mark.parametrize("variant", VARIANTS)
    @pytest.mark.parametrize("target", [0, "value"])
    def test_maps(self, variant, target):
        policy, given = doubled(variant), full("state", variant)
        ours = attribute(network_of(policy), given, target)
        if target == "value" and variant == "actor alone":
            assert not ours.map[:, :-1].any()
            return
        own = target == "value" and policy.lstm_critic is not None
        module = policy.lstm_critic if own else policy.lstm_actor
        state = given.critic_state if own else given.actor_state
        extractor = policy.mlp_extractor
        head = (
            (extractor.value_net, policy.value_net)
            if target == "value"
            else (
                extractor.policy_net,
                policy.action_net,
            )
        )
        for n in range(N):
            steps = given.observation[n].astype(np.float64)
            memory = [one[:, n].astype(np.float64) for one in state]
            run = literal.Lstm(module, steps, *memory, given.episode_starts[n])
            latent = torch.from_numpy(run.hidden[-1][-1])[None]
            above = attribute(network_of(nn.Sequential(*head)), latent, 0)
            expected, before, absorbed = run.relevance(above.map[0].numpy())
            np.testing.assert_allclose(ours.map[n].numpy(), expected, rtol=1e-9, atol=1e-11)
            lost = float(above.absorbed[0]) + before + absorbed
            assert float(ours.absorbed[n]) == pytest.approx(lost, rel=1e-8, abs=1e-10)

    def test_the_published_sanity_check(self):
        """With bias and stabiliser shared out (bias_factor 1), inputs and memory get everything."""
        policy, steps = doubled("separate"), windows().astype(np.float64)
        zeros = np.zeros((1, UNITS))
        run = literal.Lstm(policy.lstm_actor, steps[0], zeros, zeros, np.zeros(T))
        above = np.linspace(-1, 2, UNITS)
        received, before, absorbed = run.relevance(above, bias_factor=1.0)
        assert received.sum() + before == pytest.approx(above.sum(), rel=1e-9)
        received, before, absorbed = run.relevance(above)
        assert received.sum() + before + absorbed == pytest.approx(above.sum(), rel=1e-9)

    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 999), st.integers(1, 6), st.integers(1, 2), st.booleans())
    def test_the_layer(self, seed, n_steps, n_layers, bias):
        rng = np.random.default_rng(seed)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            module = nn.LSTM(4, 3, n_layers, bias=bias).double()
        steps, above = rng.normal(size=(2, n_steps, 4)), rng.normal(size=(2, 3))
        starts = (rng.random((2, n_steps)) < 0.2).astype(float)
        state = rng.normal(size=(2, n_layers, 2, 3))
        memory = np.concatenate([state[0], state[1]]).transpose(1, 0, 2).reshape(2, -1)
        entering = [torch.from_numpy(one) for one in (steps.reshape(-1, 4), starts, memory)]
        layer = recurrent.lstm(module)
        latent = layer.forward(*entering)
        (below, _, first), absorbed = layer.backward(torch.from_numpy(above), *entering)
        for n in range(2):
            run = literal.Lstm(module, steps[n], *state[:, :, n], starts[n])
            received, before, lost = run.relevance(above[n])
            np.testing.assert_allclose(latent[n], run.hidden[-1][-1], rtol=1e-10)
            size = np.abs(received).max() + abs(before) + abs(lost)
            difference = below.reshape(2, n_steps, 4)[n].numpy() - received
            assert np.abs(difference).max() <= 1e-9 * size
            assert abs(float(first[n].sum()) - before) <= 1e-9 * size
            assert abs(float(absorbed[n]) - lost) <= 1e-9 * size


class TestWindows:
    def test_zeros_and_no_starts_are_the_default(self):
        network, given = network_of(made()), windows()
        zeros = np.zeros((1, N, UNITS))
        same = Windows(given, np.zeros((N, T), bool), (zeros, zeros), (zeros, zeros))
        assert torch.equal(network.forward(given), network.forward(same))

    def test_one_window_goes_on_where_the_last_one_ended(self):
        model, given = made(), windows()
        network = network_of(model)
        _, state = model.predict(given[:, 0], deterministic=True)
        for t in range(1, T - 1):
            _, state = model.predict(given[:, t], state, np.zeros(N), deterministic=True)
        rest = Windows(given[:, -1:], actor_state=state)
        torch.testing.assert_close(network.forward(rest), network.forward(given))
        whole, part = (attribute(network, one, 1) for one in (given, rest))
        torch.testing.assert_close(whole.map[:, -1], part.map[:, 0], rtol=1e-3, atol=1e-5)
        assert_conserved(part)

    def test_chunks_make_no_difference(self, monkeypatch):
        network, given = network_of(made("both")), windows("both", 7)
        whole = attribute(network, given, "value")
        monkeypatch.setattr(propagation, "CHUNK", 2 * T)
        chunked = attribute(network, given, "value")
        for key, one in whole.maps.items():
            torch.testing.assert_close(chunked.maps[key], one, rtol=1e-3, atol=1e-5)
        torch.testing.assert_close(chunked.absorbed, whole.absorbed, rtol=1e-3, atol=1e-5)

    def test_categories(self):
        space = spaces.Dict({"lives": spaces.Discrete(3), "state": VECTOR})
        with torch.random.fork_rng():
            model = RecurrentPPO("MultiInputLstmPolicy", Discrete(space), n_steps=8, device="cpu")
        given = {"lives": np.array([[0, 1, 2, 1, 0]] * N), "state": windows()}
        relevance = attribute(network_of(model), given, "logit")
        assert relevance.maps["lives"].shape == (N, T, 3)
        assert_conserved(relevance)

    def test_weights_are_read_live(self):
        policy = copy.deepcopy(made().policy)
        network = network_of(policy)
        before = network.forward(windows())
        policy.lstm_actor.weight_hh_l0.data.mul_(2)
        names = [node.name for node in network.nodes]
        fixed = network.nodes[names.index("lstm_actor")].layer.fixed().read()
        after = network.forward(windows())
        assert not torch.allclose(before, after)
        assert torch.equal(after, network_of(copy.deepcopy(policy)).forward(windows()))
        kept = fixed[0].memory.clone()
        policy.lstm_actor.weight_hh_l0.data.mul_(2)
        assert torch.equal(fixed[0].memory, kept)

    def test_randomised(self):
        network = network_of(made())
        one, other = network.randomised(0), network.randomised(1)
        assert not torch.equal(one.forward(windows()), other.forward(windows()))
        assert torch.equal(one.forward(windows()), network.randomised(0).forward(windows()))
        names = [node.name for node in one.nodes]
        (cell,) = one.nodes[names.index("lstm_actor")].layer.read()
        assert float(cell.input.abs().max()) <= UNITS**-0.5
        assert float(cell.bias.abs().max()) <= 2 * UNITS**-0.5

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            (windows()[0], r"windows of time steps \[N, T, 5\], got \[5, 5\]"),
            (windows()[:0], r"\[N, T, 5\], got \[0, 5, 5\]"),
            (windows()[:, :0], r"\[N, T, 5\], got \[3, 0, 5\]"),
            (windows()[..., :3], r"takes \[N, 5\], got \[15, 3\]"),
            (windows() * np.nan, "NaN or infinity"),
            (windows().astype(np.uint8), "built for float observations, got uint8"),
            ([1.0], r"\[N, T, 5\], got \[\]"),
            (Windows(windows(), STARTS[:, :2]), r"episode starts must be \[3, 5\], got \[3, 2\]"),
            (Windows(windows(), STARTS * 2), "episode starts must be 0 or 1"),
            (Windows(windows(), actor_state=states(2)), r"actor's LSTM states must be \[1, 3, 6\]"),
            (Windows(windows(), actor_state=states(1)[0]), r"actor's state must be a pair"),
            (
                Windows(windows(), critic_state=tuple(np.nan * one for one in states(1))),
                "critic's LSTM states must be finite",
            ),
        ],
    )
    def test_what_does_not_fit_says_so(self, given, said):
        with pytest.raises(ObservationError, match=said):
            network_of(made()).forward(given)

    def test_dicts_that_do_not_fit(self):
        network, given = network_of(made("both")), windows("both")
        for change, said in (
            ({"state": given["state"][:, :2]}, r"same for all keys, got screen: \[3, 5\], state"),
            ({"screen": given["screen"][0]}, r"\[N, T, 2, 36, 36\], got \[5, 2, 36, 36\] for 'sc"),
            ({"more": given["state"]}, "takes a dict of screen, state, got"),
        ):
            with pytest.raises(ObservationError, match=said):
                network.forward(given | change)

    def test_windows_for_a_network_without_memory(self):
        with pytest.raises(ObservationError, match="numpy array or a tensor, got Windows"):
            network_of(nn.Linear(5, 2)).forward(Windows(windows()))

    @pytest.mark.parametrize("name", ["weight_ih_l0", "bias_hh_l0"])
    def test_weights_that_are_not_finite(self, name):
        policy = copy.deepcopy(made().policy)
        getattr(policy.lstm_actor, name).data[0] = torch.nan
        with pytest.raises(NonFiniteError, match="weight or bias of lstm_actor holds NaN"):
            network_of(policy).forward(windows())


class Doubled(RecurrentActorCriticPolicy):
    @staticmethod
    def _process_sequence(features, lstm_states, episode_starts, lstm):
        return RecurrentActorCriticPolicy._process_sequence(
            2 * features, lstm_states, episode_starts, lstm
        )


class TestWhatIsNotCovered:
    def built(self, policy, env, **kwargs):
        with torch.random.fork_rng():
            return RecurrentPPO(policy, env, n_steps=8, device="cpu", policy_kwargs=kwargs)

    def test_own_computations(self):
        with pytest.raises(UnsupportedLayerError, match=r"Doubled overrides .*_process_sequence"):
            network_of(self.built(Doubled, Discrete(VECTOR)))

    def test_continuous_actions(self):
        model = self.built("MlpLstmPolicy", gym.make("Pendulum-v1"))
        with pytest.raises(UnsupportedLayerError, match="actions in Box are not supported"):
            network_of(model)

    def test_other_lstms(self):
        policy = copy.deepcopy(made().policy)
        policy.lstm_actor = nn.LSTM(5, UNITS, proj_size=2)
        with pytest.raises(UnsupportedLayerError, match="lstm_actor: an LSTM with proj_size; only"):
            network_of(policy)

    @pytest.mark.parametrize("layer", [nn.LSTM(3, 3), nn.GRU(3, 3)])
    def test_plain_modules_say_where(self, layer):
        class Plain(nn.Module):
            def __init__(self):
                super().__init__()
                self.memory, self.head = layer, nn.Linear(3, 2)

            def forward(self, value):
                return self.head(self.memory(value)[0][:, -1])

        with pytest.raises(UnsupportedLayerError, match=f"{type(layer).__name__} at memory"):
            network_of(Plain())
