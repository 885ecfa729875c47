"""Small policies of stable-baselines3 and sb3-contrib, and their networks as plain functions."""

import functools

import numpy as np
import torch
from gymnasium import spaces
from oracles.networks import Frames
from sb3_contrib import QRDQN, TRPO, MaskablePPO
from stable_baselines3 import A2C, DQN, PPO
from torch import nn

IMAGE = spaces.Box(0, 255, (2, 36, 36), np.uint8)
VECTOR = spaces.Box(-3, 3, (5,), np.float32)
BOTH = spaces.Dict({"screen": IMAGE, "state": VECTOR})
POLICY = {"screen": "CnnPolicy", "state": "MlpPolicy", "both": "MultiInputPolicy"}
SPACES = {"screen": IMAGE, "state": VECTOR, "both": BOTH}

SMALL = {
    "screen": {"features_dim": 12},
    "state": {},
    "both": {"cnn_output_dim": 12},
}
"""Settings of the features extractors."""


class Discrete(Frames):
    """Frames for three actions."""

    action_space = spaces.Discrete(3)


def model(algorithm, observation, **policy_kwargs):
    """An untrained algorithm with random weights and biases away from 0."""
    settings = {"buffer_size": 10} if algorithm in (DQN, QRDQN) else {"n_steps": 8}
    if algorithm in (PPO, TRPO, MaskablePPO):
        settings["batch_size"] = 8
    policy_kwargs = {"features_extractor_kwargs": SMALL[observation], **policy_kwargs}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        env = Discrete(SPACES[observation])
        made = algorithm(
            POLICY[observation], env, policy_kwargs=policy_kwargs, device="cpu", **settings
        )
        for parameter in made.policy.parameters():
            nn.init.normal_(
                parameter, std=0.3 if parameter.ndim < 2 else parameter[0].numel() ** -0.5
            )
    return made


def observations(name, n_frames=3, seed=0):
    """A batch as the policy gets it."""
    rng = np.random.default_rng(seed)
    found = {
        "screen": rng.integers(0, 256, (n_frames, *IMAGE.shape), np.uint8),
        "state": rng.uniform(-3, 3, (n_frames, *VECTOR.shape)).astype(np.float32),
    }
    return found if name == "both" else found[name]


def scaled(name, dtype):
    """The same as tensors of a type, pixels divided by 255."""
    found = observations(name)
    values = found if name == "both" else {name: found}
    tensors = {key: torch.from_numpy(value).to(dtype) for key, value in values.items()}
    return {key: one / 255 if key == "screen" else one for key, one in tensors.items()}


def joined(name, tensors):
    """What the features extractor takes."""
    return tensors if name == "both" else tensors[name]


def answers(made, entering):
    """The outputs ``[N, A]`` and the value, from scaled tensors, with torch's own modules alone."""
    policy = made.policy
    if isinstance(made, DQN):
        return policy.q_net.q_net(policy.q_net.features_extractor(entering)), None
    if isinstance(made, QRDQN):
        net = policy.quantile_net
        quantiles = net.quantile_net(net.features_extractor(entering))
        return quantiles.view(-1, net.n_quantiles, 3).mean(1), None
    actor = policy.mlp_extractor.forward_actor(policy.pi_features_extractor(entering))
    critic = policy.mlp_extractor.forward_critic(policy.vf_features_extractor(entering))
    return policy.action_net(actor), policy.value_net(critic)


ALGORITHMS = {
    "DQN": (DQN, {"net_arch": [8]}),
    "QRDQN": (QRDQN, {"net_arch": [8], "n_quantiles": 5}),
    "PPO": (PPO, {"activation_fn": nn.ReLU}),
    "PPO, separate": (PPO, {"share_features_extractor": False, "activation_fn": nn.ReLU}),
    "A2C": (A2C, {"net_arch": {"pi": [8, 8], "vf": [6]}, "activation_fn": nn.ReLU}),
    "TRPO": (TRPO, {"net_arch": {"vf": [4]}, "activation_fn": nn.ReLU}),
    "MaskablePPO": (MaskablePPO, {"activation_fn": nn.ReLU}),
}
"""With rectifiers throughout, so that gradient times input is LRP-0."""


@functools.cache
def made(algorithm, observation):
    """One of the algorithms above; copy it before you change it."""
    kind, kwargs = ALGORITHMS[algorithm]
    return model(kind, observation, **kwargs)


def assert_conserved(relevance, tolerance=1e-4):
    """Nothing is lost: all maps and what was absorbed add up to what is explained."""
    maps = torch.cat([one.flatten(1) for one in relevance.maps.values()], 1)
    error = (maps.sum(1) + relevance.absorbed - relevance.explained).abs()
    size = torch.maximum(relevance.explained.abs(), maps.abs().sum(1))
    assert (error <= tolerance * size).all()
