"""From the policies of stable-baselines3 and sb3-contrib to networks.

Their preprocessing happens outside of torch modules and their ``forward`` samples actions, so the
networks are put together from the modules that compute Q-values, logits and values.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy, BaseModel
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import nn

from rlmonitor.errors import ConfigurationError, UnsupportedLayerError
from rlmonitor.lrp.constants import Rescale, rescale
from rlmonitor.lrp.layers import Dense
from rlmonitor.lrp.network import POLICY_TARGETS, Network, is_first, width
from rlmonitor.lrp.observations import SINGLE, Input
from rlmonitor.lrp.parameters import MeanOfQuantiles
from rlmonitor.lrp.tracing import Node, Source, trace

_ACTOR_CRITIC_METHODS = (
    *("forward", "extract_features", "get_distribution", "predict_values", "_predict"),
    "_get_action_dist_from_latent",
)

SUPPORTED_POLICIES = (
    "stable-baselines3's DQN, PPO and A2C, sb3-contrib's QRDQN, TRPO and MaskablePPO, their "
    "policies, and plain torch modules"
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
            (``QRDQN``, ``TRPO``, ``MaskablePPO``) with discrete actions, its policy, a ``QNetwork``
            or ``QuantileNetwork``, or any torch module that maps ``[N, C, H, W]`` or ``[N, D]`` to
            ``[N, A]`` with covered layers. Modules that are not stable-baselines3's get inputs as
            they are.
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


_MASKABLE = "common.maskable.policies", "MaskableActorCriticPolicy"


def _contrib(module: str, name: str) -> tuple[type[Any], ...]:
    """A class of sb3-contrib; nothing before somebody has imported it, who could make one."""
    found = sys.modules.get(f"sb3_contrib.{module}")
    return () if found is None else (getattr(found, name),)


def _q_network(q_net: QNetwork, prefix: str) -> Network:
    _check_own(q_net, QNetwork, ("forward", "extract_features"))
    assembly = _Assembly(q_net, prefix)
    features = assembly.add("features_extractor", assembly.source)
    return assembly.network(assembly.add("q_net", features))


def _quantile_network(quantile_net: Any, prefix: str) -> Network:
    """Q-values are means over quantiles: the last layer with the mean of their weights."""
    (kind,) = _contrib("qrdqn.policies", "QuantileNetwork")
    _check_own(quantile_net, kind, ("forward", "extract_features"))
    assembly = _Assembly(quantile_net, prefix)
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
    _check_own(policy, kind, _ACTOR_CRITIC_METHODS)
    if not isinstance(policy.action_space, spaces.Discrete):
        raise UnsupportedLayerError(
            f"actions in {type(policy.action_space).__name__} are not supported; only Discrete is"
        )
    assembly, shared = _Assembly(policy, ""), policy.share_features_extractor
    actor = "features_extractor" if shared else "pi_features_extractor"
    features = assembly.add(actor, assembly.source)
    latent = assembly.add("mlp_extractor", features, "forward_actor")
    output = assembly.add("action_net", latent)
    if not shared:
        features = assembly.add("vf_features_extractor", assembly.source)
    latent = assembly.add("mlp_extractor", features, "forward_critic")
    return assembly.network(output, assembly.add("value_net", latent))


def _check_own(module: nn.Module, kind: type[Any], methods: Sequence[str]) -> None:
    for method in methods:
        if getattr(type(module), method) is not getattr(kind, method):
            raise UnsupportedLayerError(
                f"{type(module).__name__} overrides {kind.__name__}.{method}; only the library's "
                "own is supported: give the torch module that it calls instead"
            )


class _Assembly:
    """Nodes of a model's modules, behind stable-baselines3's preprocessing."""

    def __init__(self, model: BaseModel, prefix: str) -> None:
        self.nodes: list[Node] = []
        self.inputs: list[Input] = []
        self._model, self._prefix = model, prefix
        space = model.observation_space
        self.source: Source = (
            {key: self._take(one, key) for key, one in space.spaces.items()}
            if isinstance(space, spaces.Dict)
            else self._take(space, SINGLE)
        )

    def add(self, name: str, source: Source, method: str = "forward") -> int:
        """Append what a module of the model computes; where its output is to be found."""
        module = getattr(self._model, name)
        first = len(self.nodes)
        path = self._prefix + name
        self.nodes += trace(module, path, first, source, method, shared=True)
        if len(self.nodes) > first:
            return len(self.nodes) - 1
        assert isinstance(source, int)  # trace refuses what returns a dict
        return source

    def network(self, output: int, value: int | None = None) -> Network:
        """The network with the given heads."""
        nodes, inputs = tuple(self.nodes), tuple(self.inputs)
        n_outputs = width(nodes, output)
        if value is None:
            return Network(nodes, n_outputs, inputs, output)
        targets = (*POLICY_TARGETS, "value")
        return Network(nodes, n_outputs, inputs, output, value, targets)

    def _take(self, space: spaces.Space[Any], key: str) -> int:
        """Add an input, with the division by 255 where there is one; the index of its node."""
        self.inputs.append(_input(space, key, normalize_images=self._model.normalize_images))
        index = -len(self.inputs)
        divisor = self.inputs[-1].divisor
        if divisor == 1:
            return index
        name = f"{self._prefix}preprocess_obs" + ("" if key == SINGLE else f".{key}")
        self.nodes.append(Node(name, rescale(operator.truediv, divisor), (index,)))
        return len(self.nodes) - 1


def _input(space: spaces.Space[Any], key: str, *, normalize_images: bool) -> Input:
    """What stable-baselines3's ``preprocess_obs`` makes of an observation in a space."""
    if isinstance(space, spaces.Box):
        divisor = 255.0 if normalize_images and is_image_space(space) else 1.0
        low, high = float(space.low.min()) / divisor, float(space.high.max()) / divisor
        kind = "uint8" if space.dtype == np.uint8 else "float"
        return Input(key, space.shape, kind, low, high, divisor)
    if isinstance(space, spaces.MultiBinary):
        return Input(key, space.shape, "integer")
    if isinstance(space, spaces.Discrete) and space.start == 0:
        sizes: tuple[int, ...] = (int(space.n),)
        return Input(key, sizes, "integer", categories=sizes)
    if isinstance(space, spaces.MultiDiscrete) and space.nvec.ndim == 1 and not space.start.any():
        sizes = tuple(map(int, space.nvec))
        return Input(key, (sum(sizes),), "integer", categories=sizes)
    where = "" if key == SINGLE else f" (key {key!r})"
    raise UnsupportedLayerError(
        f"observations in {space}{where} are not supported; Box, Discrete and MultiDiscrete from 0 "
        "on, MultiBinary and a Dict of them are"
    )
