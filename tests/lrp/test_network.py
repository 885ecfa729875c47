"""Networks against the modules they were made from."""

import copy

import numpy as np
import pytest
import torch
from gymnasium import spaces
from oracles import peers
from oracles.networks import NETWORKS, PIXELS, SEED, dqn, pixels, seeded
from stable_baselines3 import TD3
from stable_baselines3.common.torch_layers import FlattenExtractor, NatureCNN
from stable_baselines3.dqn.policies import QNetwork
from torch import nn
from torch.nn import functional

from rlmonitor.errors import NonFiniteError, ObservationError, UnsupportedLayerError
from rlmonitor.lrp import network, network_of


@pytest.fixture(scope="module")
def model():
    return dqn()


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_forward_is_the_policys(name):
    policy = dqn(name).policy
    close(network_of(policy).forward(pixels()), policy.q_net(torch.from_numpy(pixels())))


def test_algorithm_policy_and_q_network_are_alike(model):
    networks = [network_of(source) for source in (model, model.policy, model.policy.q_net)]
    first, *others = [network.forward(pixels()) for network in networks]
    assert all(torch.equal(first, other) for other in others)
    assert networks[0].nodes[1].name == "q_net.features_extractor.cnn.0"
    assert networks[2].nodes[1].name == "features_extractor.cnn.0"
    assert networks[0].observation_shape == (4, 84, 84)
    assert networks[0].n_outputs == 4


@pytest.mark.parametrize(
    ("space", "normalize_images", "bounds"),
    [
        (PIXELS, True, (0, 1)),
        (PIXELS, False, (0, 255)),
        (spaces.Box(0, 1, (4, 84, 84), np.float32), False, (0, 1)),
        (spaces.Box(-3, 2, (4, 84, 84), np.float32), False, (-3, 2)),
    ],
)
def test_images_are_scaled_as_the_policy_does(space, normalize_images, bounds):
    space.seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        extractor = NatureCNN(space, 16, normalized_image=True)
        q_net = QNetwork(space, spaces.Discrete(3), extractor, 16, [], nn.ReLU, normalize_images)
    network, observation = network_of(q_net), space.sample()[None]
    close(network.forward(observation), q_net(torch.from_numpy(observation)))
    (one,) = network.inputs
    assert (one.low, one.high) == bounds


def test_vectors():
    space = spaces.Box(-np.inf, np.inf, (6,), np.float32)
    q_net = QNetwork(space, spaces.Discrete(2), FlattenExtractor(space), 6, [8, 8], nn.Tanh)
    observation = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    close(network_of(q_net).forward(observation), q_net(torch.from_numpy(observation)))


class Functional(nn.Module):
    """A plain Q-network as people write them by hand, CleanRL's scaling included."""

    def __init__(self, reshape):
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 3, 3, stride=2)
        self.drop, self.head, self.reshape = nn.Dropout(0.5), nn.Linear(27, 2), reshape

    def forward(self, observation):
        hidden = functional.relu(self.first(observation.float() / 255.0), inplace=True)
        hidden = functional.leaky_relu(self.second(hidden), 0.2)
        hidden = functional.dropout(self.drop(self.reshape(hidden)), training=self.training)
        return self.head(torch.tanh(hidden))


@pytest.mark.parametrize(
    "reshape",
    [
        lambda value: value.flatten(1),
        lambda value: torch.flatten(value, start_dim=1),
        lambda value: value.view(value.size(0), -1),
        lambda value: value.reshape(value.shape[0], -1),
        lambda value: value.reshape((-1, 27)),
    ],
)
def test_functional_forms(reshape):
    module = seeded(Functional(reshape))
    observation = pixels(4, shape=(2, 7, 7))
    ours = network_of(module).forward(observation)  # in training mode: dropout must not act
    close(ours, module.eval()(torch.from_numpy(observation)))


ACTIVATIONS = [
    nn.ReLU(inplace=True),
    nn.ReLU6(),
    nn.LeakyReLU(0.3, inplace=True),
    nn.ELU(0.5),
    nn.CELU(0.7),
    nn.SELU(),
    nn.GELU("tanh"),
    nn.SiLU(),
    nn.Tanh(),
    nn.Softsign(),
    nn.Identity(),
]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda module: type(module).__name__)
def test_activations_keep_their_settings(activation):
    module = seeded(nn.Sequential(nn.Linear(3, 5), activation, nn.Linear(5, 2)))
    value = 3 * torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    close(network_of(module).forward(value), module(value))


@pytest.mark.parametrize(
    "convolution",
    [
        nn.Conv2d(2, 4, 3, stride=2, padding=1, dilation=2, groups=2, bias=False),
        nn.Conv2d(2, 20, (3, 2), stride=(2, 1), padding=(0, 1)),
        nn.Conv2d(2, 3, 3, padding="same"),
        nn.Conv2d(2, 3, 4, padding="valid"),
    ],
)
def test_convolutions(convolution):
    value = torch.randn(2, 2, 9, 9, generator=torch.Generator().manual_seed(0))
    features = convolution(value).flatten(1).shape[1]
    module = seeded(nn.Sequential(convolution, nn.Flatten(), nn.Linear(features, 2)))
    close(network_of(module).forward(value), module(value))


class TestUnsupported:
    class Gated(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = nn.Linear(3, 3)

        def forward(self, value):
            return value * self.block(value)

    class Branching(nn.Module):
        def forward(self, value):
            return value if value.sum() > 0 else -value

    class TwoInputs(nn.Module):
        def forward(self, value, other):
            return value * other

    class Own(nn.Conv2d):
        """A subclass may compute anything."""

    @pytest.mark.parametrize(
        ("layer", "said"),
        [
            (nn.Sigmoid(), r"Sigmoid at 1\. Supported: Conv2d, Linear"),
            (nn.BatchNorm1d(3, track_running_stats=False), "BatchNorm1d .without running stat"),
            (nn.MaxPool2d(2, return_indices=True), "MaxPool2d .with return_indices"),
            (nn.LSTM(3, 3), "LSTM at 1"),
            (Gated(), r"covers mul \(with _0; only finite numbers.* at 1\.mul"),
            (Branching(), "cannot be traced"),
            (TwoInputs(), "cannot be traced"),
            (nn.Conv2d(3, 3, 3, padding=1, padding_mode="circular"), "padding_mode 'circular'"),
            (nn.Conv2d(3, 3, 2, padding="same"), "even kernel"),
            (nn.Flatten(0), "from axis 0 to -1"),
            (Own(3, 3, 3), "Own at 1"),
        ],
    )
    def test_layer_is_named(self, layer, said):
        with pytest.raises(UnsupportedLayerError, match=said):
            network_of(nn.Sequential(nn.Linear(3, 3), layer, nn.Linear(3, 2)))

    def test_path_inside_a_policy(self):
        model = dqn()
        model.policy.q_net.features_extractor.cnn[3] = nn.LPPool2d(2, 2)
        with pytest.raises(
            UnsupportedLayerError, match=r"LPPool2d at q_net\.features_extractor\.cnn\.3"
        ):
            network_of(model)

    def test_a_network_must_end_dense(self):
        with pytest.raises(UnsupportedLayerError, match=r"must end in a Linear .* not in 1"):
            network_of(nn.Sequential(nn.Conv2d(1, 1, 1), nn.Flatten()))

    def test_other_algorithms_and_objects(self):
        model = TD3("MlpPolicy", "Pendulum-v1", buffer_size=10, device="cpu")
        with pytest.raises(UnsupportedLayerError, match="TD3Policy; supported"):
            network_of(model)
        with pytest.raises(UnsupportedLayerError, match="cannot explain str"):
            network_of("model")

    def test_overridden_forward(self):
        class Dueling(QNetwork):
            def forward(self, obs):
                return super().forward(obs) * 2

        q_net = Dueling(PIXELS, spaces.Discrete(2), NatureCNN(PIXELS, 8), 8, [])
        with pytest.raises(UnsupportedLayerError, match=r"Dueling overrides QNetwork\.forward"):
            network_of(q_net)

    def test_other_spaces(self):
        q_net = QNetwork(spaces.Discrete(3, start=1), spaces.Discrete(2), nn.Identity(), 3, [])
        with pytest.raises(UnsupportedLayerError, match=r"observations in Discrete\(3, start=1\)"):
            network_of(q_net)


class TestObservations:
    @pytest.mark.parametrize(
        ("observation", "said"),
        [
            (pixels(1)[0], r"needs a batch axis"),
            (pixels(2).transpose(0, 2, 3, 1), "channels come first"),
            (pixels(2)[:, :3], r"takes \[N, 4, 84, 84\], got \[2, 3, 84, 84\]"),
            (pixels(2)[:0], "batch is empty"),
            (pixels(2).astype(np.int64), "uint8 or float, got int64"),
            (torch.zeros(1, 4, 84, 84, dtype=torch.int32), r"got torch\.int32"),
            (pixels(2) / np.float32(255), "images from 0 to 255"),
            (np.full((1, 4, 84, 84), np.nan, np.float32), "NaN or infinity"),
            ([[1.0]], "numpy array or a tensor, got list"),
        ],
    )
    def test_what_does_not_fit_says_so(self, model, observation, said):
        with pytest.raises(ObservationError, match=said):
            network_of(model).forward(observation)

    def test_bytes_where_floats_are_due(self):
        space = spaces.Box(0, 1, (4, 84, 84), np.float32)
        extractor = NatureCNN(space, 16, normalized_image=True)
        q_net = QNetwork(space, spaces.Discrete(3), extractor, 16, [], nn.ReLU, False)
        with pytest.raises(ObservationError, match="built for float observations, got uint8"):
            network_of(q_net).forward(pixels())

    def test_a_plain_module_names_the_layer_that_does_not_fit(self):
        network = network_of(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)))
        with pytest.raises(ObservationError, match=r"\[2, 5\] does not fit 0"):
            network.forward(torch.zeros(2, 5))

    def test_layouts_and_types_make_no_difference(self, model):
        network, frames = network_of(model), pixels()
        read_only = frames.copy()
        read_only.flags.writeable = False
        expected = network.forward(frames)
        reversed_twice = np.ascontiguousarray(frames[:, :, ::-1])[:, :, ::-1]
        for same in (
            read_only,
            reversed_twice,
            frames.astype(np.float64),
            torch.from_numpy(frames),
        ):
            torch.testing.assert_close(network.forward(same), expected, rtol=0, atol=0)


def test_chunks_make_no_difference(model, monkeypatch):
    whole = network_of(model).forward(pixels(5))
    monkeypatch.setattr(network, "FORWARD_CHUNK", 2)
    close(network_of(model).forward(pixels(5)), whole)


class TestWeights:
    def test_are_read_live(self, model):
        own = copy.deepcopy(model.policy)
        network = network_of(own)
        before = network.forward(pixels())
        for parameter in own.q_net.parameters():
            parameter.data.mul_(1.1)  # as polyak_update does, past the version counter
        close(network.forward(pixels()), own.q_net(torch.from_numpy(pixels())))
        assert not torch.allclose(before, network.forward(pixels()))

    def test_half_precision_computes_in_single(self, model):
        own = copy.deepcopy(model.policy.q_net).half()
        outputs = network_of(own).forward(pixels())
        assert outputs.dtype == torch.float32
        close(outputs, copy.deepcopy(own).float()(torch.from_numpy(pixels())))

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_non_finite_ones_are_named(self, model, value):
        own = copy.deepcopy(model.policy)
        own.q_net.features_extractor.cnn[2].weight.data[0, 0, 0, 0] = value
        said = r"the weight of q_net\.features_extractor\.cnn\.2 holds NaN or infinity"
        with pytest.raises(NonFiniteError, match=said):
            network_of(own).forward(pixels())

    def test_overflow_is_named(self):
        module = seeded(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)))
        module[2].weight.data.fill_(3e38)
        with pytest.raises(NonFiniteError, match="output of 2 overflows"):
            network_of(module).forward(torch.ones(1, 2) * 10)


class TestRandomised:
    def test_has_torchs_initialisation(self):
        module = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(12, 5, bias=False))
        fresh = network_of(module).randomised(3)
        state = torch.random.get_rng_state()
        torch.manual_seed(3)
        expected = [nn.Conv2d(2, 3, 3), nn.Linear(12, 5, bias=False)]
        torch.random.set_rng_state(state)
        for node, layer in zip((fresh.nodes[0], fresh.nodes[2]), expected, strict=True):
            torch.testing.assert_close(node.layer.parameters.weight, layer.weight.detach())
            if layer.bias is not None:
                torch.testing.assert_close(node.layer.parameters.bias, layer.bias.detach())

    def test_is_what_stable_baselines3_starts_with(self, model):
        network = network_of(model)
        close(network.randomised(SEED).forward(pixels()), network.forward(pixels()))

    def test_depends_on_the_seed_alone_and_leaves_the_original(self, model):
        network = network_of(model)
        before = peers.all_tensors(model.policy)
        one, again, other = (network.randomised(seed).forward(pixels()) for seed in (1, 1, 2))
        assert torch.equal(one, again)
        assert not torch.allclose(one, other)
        assert not torch.allclose(one, network.forward(pixels()))
        assert peers.same_tensors(model.policy, before)

    def test_keeps_the_precision(self):
        module = nn.Sequential(nn.Linear(2, 2)).double()
        assert (
            network_of(module).randomised(0).nodes[0].layer.parameters.weight.dtype == torch.float64
        )
