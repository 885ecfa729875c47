"""RecurrentPPO's policies: networks that take windows of time steps.

What is explained is the last step of each window; its relevance goes back through time to the
frames of all steps (:mod:`rlmonitor.lrp.recurrent`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from gymnasium import spaces
from torch import Tensor, nn

from rlmonitor.errors import ObservationError, UnsupportedLayerError
from rlmonitor.lrp.assembly import Assembly, check_own
from rlmonitor.lrp.network import POLICY_TARGETS, Network, width
from rlmonitor.lrp.observations import SINGLE, Array, Observation, State, Windows, checked
from rlmonitor.lrp.recurrent import EachStep, LastStep, lstm


@dataclass(frozen=True)
class RecurrentNetwork(Network):
    """A network over windows ``[N, T, ...]``, whose outputs are those of the last step.

    Beside the observation, its nodes take the episode starts ``[N, T]`` and the states of actor
    and critic before the windows, ``[N, 2 L H]``.

    Attributes:
        state_shapes: layers and units, (L, H), of the LSTM of actor and critic.
    """

    state_shapes: tuple[tuple[int, int], tuple[int, int]] = ((1, 1), (1, 1))

    def checked(self, observation: Observation | Windows) -> tuple[Tensor, ...]:
        """Observations, episode starts and states as tensors.

        Raises:
            ObservationError: something does not fit; the message tells what would.
        """
        windows = observation if isinstance(observation, Windows) else Windows(observation)
        shape = self._shape(windows.observation)
        frames = checked(self.inputs, _frames(windows.observation))
        tensors = [one.reshape(*shape, *one.shape[1:]) for one in frames]
        starts = _starts(windows.episode_starts, shape)
        given = (windows.actor_state, windows.critic_state)
        names = "actor", "critic"
        states = [
            _state(state, shape[0], sizes, name)
            for state, sizes, name in zip(given, self.state_shapes, names, strict=True)
        ]
        return (*tensors, starts, *states)

    def n_steps(self, tensors: Sequence[Tensor]) -> int:
        """T, the length of the windows."""
        return tensors[0].shape[1]

    def _shape(self, observation: Observation) -> tuple[int, int]:
        """N and T, the same for all keys."""
        given = observation if isinstance(observation, Mapping) else {SINGLE: observation}
        shapes = {key: tuple(getattr(one, "shape", ())) for key, one in given.items()}
        for one in self.inputs:
            frame = one.shape or ()
            shape = shapes.get(one.key, ())
            least = 2 if one.categories else 2 + len(frame)
            if one.key in shapes and (len(shape) < least or 0 in shape[:2]):
                wanted = ", ".join(["N", "T", *map(str, () if one.categories else frame)])
                raise ObservationError(
                    f"the network takes windows of time steps [{wanted}], got {list(shape)}"
                    + ("" if one.key == SINGLE else f" for {one.key!r}")
                )
        heads = {shape[:2] for shape in shapes.values()}
        if len(heads) != 1 or len(next(iter(heads))) != 2:
            sizes = ", ".join(f"{key}: {list(shape[:2])}" for key, shape in shapes.items())
            raise ObservationError(
                f"windows must be [N, T, ...], the same for all keys, got {sizes}"
            )
        (head,) = heads
        return head


def _frames(observation: Observation) -> Observation:
    """The frames of all windows in a row."""
    if isinstance(observation, Mapping):
        return {key: _in_a_row(one) for key, one in observation.items()}
    return _in_a_row(observation)


def _in_a_row(array: Array) -> Array:
    return array.reshape(-1, *array.shape[2:])


def _floats(array: Array, shape: tuple[int, ...], name: str) -> Tensor:
    tensor = torch.as_tensor(array).detach().to(torch.float64)
    if tuple(tensor.shape) != shape:
        raise ObservationError(f"{name} must be {list(shape)}, got {list(tensor.shape)}")
    if not bool(torch.isfinite(tensor).all()):
        raise ObservationError(f"{name} must be finite, they hold NaN or infinity")
    return tensor


def _starts(starts: Array | None, shape: tuple[int, int]) -> Tensor:
    if starts is None:
        return torch.zeros(shape)
    tensor = _floats(starts, shape, "episode starts")
    if not bool(((tensor == 0) | (tensor == 1)).all()):
        raise ObservationError("episode starts must be 0 or 1, or booleans")
    return tensor


def _state(state: State | None, n_windows: int, sizes: tuple[int, int], name: str) -> Tensor:
    """Both states as ``[N, 2 L H]``."""
    n_layers, n_units = sizes
    if state is None:
        return torch.zeros(n_windows, 2 * n_layers * n_units)
    if not isinstance(state, tuple | list) or len(state) != 2:
        raise ObservationError(f"the {name}'s state must be a pair (hidden, cell), [L, N, H] each")
    shape = (n_layers, n_windows, n_units)
    both = [_floats(one, shape, f"the {name}'s LSTM states") for one in state]
    return torch.cat([one.transpose(0, 1).flatten(1) for one in both], 1)


_METHODS = (
    *("forward", "extract_features", "get_distribution", "predict_values", "_predict"),
    *("_process_sequence", "_get_action_dist_from_latent"),
)


class _RecurrentAssembly(Assembly):
    """Frames of windows, one by one; then the LSTMs over what features they have."""

    def entering(self, index: int) -> int:
        """The windows of an input as single frames."""
        return self.place("windows", EachStep(), index)

    def remember(self, name: str, features: int, number: int) -> int:
        """Append an LSTM of the policy; ``number`` says whose state it starts from."""
        try:
            layer = lstm(getattr(self._model, name))
        except ValueError as error:
            raise UnsupportedLayerError(f"{self._prefix}{name}: an LSTM {error}") from error
        return self.place(name, layer, features, self._starts, self._starts - 1 - number)

    def last(self, features: int) -> int:
        """The features of the last frames."""
        return self.place("last_step", LastStep(), features, self._starts)

    @property
    def _starts(self) -> int:
        """The episode starts follow the observations; then come the states."""
        return -1 - len(self.inputs)


def recurrent_network(policy: Any) -> RecurrentNetwork:
    """The network of a policy of sb3-contrib's ``RecurrentPPO``.

    Raises:
        UnsupportedLayerError: a layer, a subclass' own computation or a space that is not covered.
    """
    from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy

    check_own(policy, RecurrentActorCriticPolicy, _METHODS)
    if not isinstance(policy.action_space, spaces.Discrete):
        raise UnsupportedLayerError(
            f"actions in {type(policy.action_space).__name__} are not supported; only Discrete is"
        )
    assembly, shared = _RecurrentAssembly(policy, ""), policy.share_features_extractor
    actor = "features_extractor" if shared else "pi_features_extractor"
    features = assembly.add(actor, assembly.source)
    latent = assembly.remember("lstm_actor", features, 0)
    output = assembly.add("action_net", assembly.add("mlp_extractor", latent, "forward_actor"))
    if not shared:
        features = assembly.add("vf_features_extractor", assembly.source)
    if policy.lstm_critic is not None:
        latent = assembly.remember("lstm_critic", features, 1)
    elif not policy.shared_lstm:
        latent = assembly.add("critic", assembly.last(features))
    latent = assembly.add("mlp_extractor", latent, "forward_critic")
    value = assembly.add("value_net", latent)
    nodes = tuple(assembly.nodes)
    critic = policy.lstm_critic or policy.lstm_actor
    return RecurrentNetwork(
        nodes,
        width(nodes, output),
        tuple(assembly.inputs),
        output,
        value,
        (*POLICY_TARGETS, "value"),
        state_shapes=(_size(policy.lstm_actor), _size(critic)),
    )


def _size(module: nn.LSTM) -> tuple[int, int]:
    return module.num_layers, module.hidden_size
