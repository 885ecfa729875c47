"""Policies of stable-baselines3 built for tensors that a file holds, whoever wrote it.

``torch.save(model.policy.state_dict(), path)`` keeps a whole policy: the online and the target
network of a DQN, or the features, actions and values of an actor-critic. The names tell which, a
named architecture the rest; hidden layers behind the features are refused, since nothing tells what
lies between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.dqn.policies import DQNPolicy
from torch import Tensor, nn

from rlmonitor.errors import CheckpointError
from rlmonitor.networks import NETWORKS
from rlmonitor.replay.checkpoints import SCREEN, first_difference

_FIRST = "features_extractor.cnn.0.weight"
_HEADS: Mapping[str, tuple[type[BasePolicy], str]] = {
    "q_net.q_net.0.weight": (DQNPolicy, f"q_net.{_FIRST}"),
    "action_net.weight": (ActorCriticPolicy, _FIRST),
}
"""The layer with a row for each action, to the kind of policy and the name of its first layer."""

_OWN = ("q_net.", "features_extractor.", "action_net.")
"""How the names begin of what gives the outputs: no target network, no critic, nothing twice."""


def is_policy(names: Mapping[str, Any]) -> bool:
    """Whether tensors of these names are a whole policy that is known."""
    return any(head in names and first in names for head, (_, first) in _HEADS.items())


def own_part(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Of a policy's tensors those that give its outputs."""
    return {name: shape for name, shape in shapes.items() if name.startswith(_OWN)}


def policy_of(architecture: str, state: Mapping[str, Tensor], where: str) -> BasePolicy:
    """A policy of a named architecture with the tensors of its state dict.

    Args:
        architecture: a key of `rlmonitor.networks.NETWORKS`.
        state: of the whole policy, see `is_policy`.
        where: the file's name, for messages.

    Raises:
        CheckpointError: tensors that are not the architecture's.
    """
    head, (kind, first) = next((h, of) for h, of in _HEADS.items() if h in state and of[1] in state)
    rows, channels = tuple(state[head].shape), tuple(state[first].shape)
    if len(rows) != 2 or len(channels) != 4 or not rows[0] or not channels[1]:
        raise CheckpointError(
            f"{where} is no {architecture!r} network: {head} has shape {rows}, {first} {channels}"
        )
    space = spaces.Box(0, 255, (channels[1], *SCREEN), np.uint8)
    kwargs = NETWORKS[architecture].policy_kwargs()
    if kind is ActorCriticPolicy:
        kwargs |= {"ortho_init": False, "share_features_extractor": _is_shared(state)}
    policy = weightless(kind, (space, spaces.Discrete(rows[0]), no_rate), kwargs)
    fill(policy, state, where)
    policy.set_training_mode(False)
    return policy


def _is_shared(state: Mapping[str, Tensor]) -> bool:
    """Whether actor and critic have the same features, which a state dict then holds thrice."""
    own = {name: tensor for name, tensor in state.items() if name.startswith("features_extractor.")}
    critic = {name: state.get(f"vf_{name}") for name in own}
    return all(other is not None and torch.equal(own[n], other) for n, other in critic.items())


def weightless(
    kind: type[BasePolicy], arguments: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> BasePolicy:
    """A policy whose weights are on no device yet: whatever sizes a file declares cost nothing."""
    meta = torch.device("meta")
    # stable-baselines3 moves networks to the policy's device while it builds them
    shell: Any = type(kind.__name__, (kind,), {"device": meta})
    settings = {**kwargs, "optimizer_class": NoOptimizer}
    with torch.random.fork_rng(devices=[]), meta:
        policy = shell(*arguments, **settings)
    policy.__class__ = kind
    return cast(BasePolicy, policy)


class NoOptimizer:
    """Stands where a policy keeps its optimizer; what is read from a file is never trained.

    A real one imports torch's compiler when it is made, which torch 2.6 cannot do on its ``meta``
    device.
    """

    def __init__(self, *_: object, **__: object) -> None:
        """Takes what an optimizer takes."""


def fill(module: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Give a module, on torch's ``meta`` device or not, its tensors.

    Raises:
        CheckpointError: the file's tensors are others than the module's.
    """
    expected = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if found != expected:
        raise CheckpointError(f"{where}: {first_difference(found, expected)}")
    single = {name: one.float() if one.dtype in _HALF else one for name, one in state.items()}
    module.load_state_dict(single, assign=True)


_HALF = (torch.float16, torch.bfloat16)


def no_rate(_: float) -> float:
    """A learning rate for an optimizer that never steps."""
    return 0.0
