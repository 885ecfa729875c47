"""From the policies of stable-baselines3 and sb3-contrib to networks.

Their preprocessing happens outside of torch modules and their ``forward`` samples actions, so the
networks are put together from the modules that compute Q-values, logits and values.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy, BaseModel
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import nn

from rlmonitor.errors import ConfigurationError, UnsupportedLayerError
from rlmonitor.lrp.assembly import Assembly, check_own
from rlmonitor.lrp.constants import Rescale
from rlmonitor.lrp.layers import Dense
from rlmonitor.lrp.network import POLICY_TARGETS, Network, is_first, width
from rlmonitor.lrp.observations import Input
from rlmonitor.lrp.parameters import MeanOfQuantiles
from rlmonitor.lrp.recurrent_policies import recurrent_network
from rlmonitor.lrp.tracing import Node, trace

_ACTOR_CRITIC_METHODS = (
    *("forward", "extract_features", "get_distribution", "predict_values", "_predict"),
    "_get_action_dist_from_latent",
)

SUPPORTED_POLICIES = (
    "stable-baselines3's DQN, PPO and A2C, sb3-contrib's QRDQN, TRPO, MaskablePPO and "
    "RecurrentPPO, their policies, and plain torch modules"
)
"""For error messages."""


def network_of(
    policy: BaseAlgorithm | nn.Module, *, bounds: tuple[float, float] | None = None
) -> Network:
    """The network of a policy, as LRP needs it.

    Weights are read whenever the network is used, so it stays valid while training goes on. Layers
    work as they do when the agent acts: no dropout, batch normalisation by running statistics.

    Args:
        policy: an algorithm of stable-baselines3 (``DQN``, ``PPO``, ``A2C``) or sb3-contrib
            (``QRDQN``, ``TRPO``, ``MaskablePPO``, ``RecurrentPPO``) with discrete actions, its
            policy, a ``QNetwork`` or ``QuantileNetwork``, or any torch module that maps
            ``[N, C, H, W]`` or ``[N, D]`` to ``[N, A]`` with covered layers. Modules that are not
            stable-baselines3's get inputs as they are.
        bounds: smallest and largest value of what a plain module takes, for rules that need them;
            by default 0 and 1, or 0 and 255 where the module divides by a hundred or more.
            Policies have the bounds of their observation space.

    Raises:
        ConfigurationError: bounds that are none, or for a policy.
        UnsupportedLayerError: a layer, a policy class, an observation or action space that is not
            covered.
    """
    if isinstance(policy, BaseAlgorithm):
        policy = policy.policy
    if bounds is not None and (isinstance(policy, BaseModel) or not bounds[0] < bounds[1]):
        raise ConfigurationError(
            f"bounds {bounds} must be (smallest, largest), and for plain modules only: policies "
            "have those of their observation space"
        )
    if isinstance(policy, DQNPolicy):
        return _q_network(policy.q_net, "q_net.")
    if isinstance(policy, QNetwork):
        return _q_network(policy, "")
    if isinstance(policy, _contrib("qrdqn.policies", "QRDQNPolicy")):
        return _quantile_network(policy.quantile_net, "quantile_net.")
    if isinstance(policy, _contrib("qrdqn.policies", "QuantileNetwork")):
        return _quantile_network(policy, "")
    if isinstance(policy, _contrib(*_RECURRENT)):
        return recurrent_network(policy)
    actor_critics: tuple[type[Any], ...] = (ActorCriticPolicy, *_contrib(*_MASKABLE))
    for kind in actor_critics:
        if isinstance(policy, kind):
            return _actor_critic(policy, kind)
    if isinstance(policy, BaseModel) or not isinstance(policy, nn.Module):
        raise UnsupportedLayerError(
            f"cannot explain {type(policy).__name__}; supported: {SUPPORTED_POLICIES}"
        )
    nodes = tuple(trace(policy, ""))
    last = len(nodes) - 1
    low, high = bounds or (0.0, _usual_maximum(nodes))
    taken = Input(low=low, high=high)
    return Network(nodes, width(nodes, last), (taken,), last, targets=("q", *POLICY_TARGETS))


def _usual_maximum(nodes: Sequence[Node]) -> float:
    """What images for a module go up to: 255 where it divides them by that, or about that."""
    layers = [node.layer for index, node in enumerate(nodes) if is_first(nodes, index)]
    factors = [layer.factor for layer in layers if isinstance(layer, Rescale) and layer.factor]
    return 255.0 if any(abs(factor) <= 0.01 for factor in factors) else 1.0


_RECURRENT = "common.recurrent.policies", "RecurrentActorCriticPolicy"
_MASKABLE = "common.maskable.policies", "MaskableActorCriticPolicy"


def _contrib(module: str, name: str) -> tuple[type[Any], ...]:
    """A class of sb3-contrib; nothing before somebody has imported it, who could make one."""
    found = sys.modules.get(f"sb3_contrib.{module}")
    return () if found is None else (getattr(found, name),)


def _q_network(q_net: QNetwork, prefix: str) -> Network:
    check_own(q_net, QNetwork, ("forward", "extract_features"))
    assembly = Assembly(q_net, prefix)
    features = assembly.add("features_extractor", assembly.source)
    return assembly.network(assembly.add("q_net", features))


def _quantile_network(quantile_net: Any, prefix: str) -> Network:
    """Q-values are means over quantiles: the last layer with the mean of their weights."""
    (kind,) = _contrib("qrdqn.policies", "QuantileNetwork")
    check_own(quantile_net, kind, ("forward", "extract_features"))
    assembly = Assembly(quantile_net, prefix)
    features = assembly.add("features_extractor", assembly.source)
    last = assembly.add("quantile_net", features)
    head = assembly.nodes[last]
    if not isinstance(head.layer, Dense):
        raise UnsupportedLayerError(
            f"a quantile network must end in a Linear layer, not in {head.name}"
        )
    mean = MeanOfQuantiles(head.layer.parameters, quantile_net.n_quantiles)
    assembly.nodes[last] = Node(head.name, Dense(mean), head.inputs)
    return assembly.network(last)


def _actor_critic(policy: Any, kind: type[Any]) -> Network:
    check_own(policy, kind, _ACTOR_CRITIC_METHODS)
    if not isinstance(policy.action_space, spaces.Discrete):
        raise UnsupportedLayerError(
            f"actions in {type(policy.action_space).__name__} are not supported; only Discrete is"
        )
    assembly, shared = Assembly(policy, ""), policy.share_features_extractor
    actor = "features_extractor" if shared else "pi_features_extractor"
    features = assembly.add(actor, assembly.source)
    latent = assembly.add("mlp_extractor", features, "forward_actor")
    output = assembly.add("action_net", latent)
    if not shared:
        features = assembly.add("vf_features_extractor", assembly.source)
    latent = assembly.add("mlp_extractor", features, "forward_critic")
    return assembly.network(output, assembly.add("value_net", latent))
