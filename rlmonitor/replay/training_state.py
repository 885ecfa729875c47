"""All that a DQN needs to go on learning where it stopped, but its replay buffer; no pickle."""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.dqn import DQN
from torch import Tensor

from rlmonitor.errors import MALFORMED, CheckpointError
from rlmonitor.replay.checkpoints import read_tensors, write_tensors

_COUNTERS = ("num_timesteps", "_episode_num", "_n_calls", "_n_updates")
_KEY = "rlmonitor.training_state.1"
"""The format's name and version, under which the file's metadata hold everything but tensors."""


@dataclass(frozen=True)
class TrainingState:
    """A DQN's state at one timestep.

    Attributes:
        tensors: ``q_net.…``, ``q_net_target.…``, ``optimizer.<parameter>.…``, ``random.…``.
        counters: timesteps, episodes, steps of the environments, gradient steps.
        episodes: scores and lengths of the last games, from which SB3 takes the mean.
        generators: states of Python's generator and of the action space's.
        configuration: the run's settings by their full names.
    """

    tensors: Mapping[str, Tensor]
    counters: Mapping[str, int]
    episodes: tuple[Mapping[str, float], ...]
    generators: Mapping[str, Any]
    configuration: Mapping[str, Any]

    @property
    def timesteps(self) -> int:
        """Where the training stood."""
        return self.counters["num_timesteps"]


def save_training_state(path: str | Path, model: DQN, configuration: Mapping[str, Any]) -> Path:
    """Write the state of a DQN; the file is whole or absent, whatever happens meanwhile.

    Call it between rollouts: within one, the counters do not agree with each other.

    Args:
        path: a ``.safetensors`` file.
        model: the DQN.
        configuration: settings by their full names, numbers and strings.

    Raises:
        StoreError: the file cannot be written.
    """
    rest = {
        "counters": {name: getattr(model, name) for name in _COUNTERS},
        "episodes": list(model.ep_info_buffer or ()),
        "generators": {
            "python": random.getstate(),
            "action_space": model.action_space.np_random.bit_generator.state,
        },
        "configuration": dict(configuration),
    }
    return write_tensors(path, _tensors_of(model), {_KEY: json.dumps(rest)})


def load_training_state(path: str | Path) -> TrainingState:
    """Read what :func:`save_training_state` wrote.

    Raises:
        CheckpointError: no such file, a torn or a foreign one.
    """
    tensors, metadata = read_tensors(path)
    if _KEY not in metadata:
        raise CheckpointError(f"{path} is no training state of this version ({_KEY})")
    try:
        rest = json.loads(metadata[_KEY])
        state = TrainingState(
            tensors,
            {name: int(rest["counters"][name]) for name in _COUNTERS},
            tuple(rest["episodes"]),
            dict(rest["generators"]),
            dict(rest["configuration"]),
        )
    except MALFORMED as error:
        raise CheckpointError(f"{path} is a torn training state: {error}") from error
    return state


def is_training_state(metadata: Mapping[str, str]) -> bool:
    """Whether a safetensors file with this metadata is one."""
    return _KEY in metadata


def saved_timesteps(metadata: Mapping[str, str], where: str | Path) -> int:
    """Where the training stood, from the file's metadata alone.

    Raises:
        CheckpointError: they do not tell.
    """
    try:
        return int(json.loads(metadata[_KEY])["counters"]["num_timesteps"])
    except MALFORMED as error:
        raise CheckpointError(f"{where} is a torn training state: {error}") from error


def restore_training_state(model: DQN, state: TrainingState) -> None:
    """Put a DQN, built with the same settings, where it stood, and the global generators with it.

    Raises:
        CheckpointError: the DQN has another network.
    """
    try:
        model.q_net.load_state_dict(_part(state.tensors, "q_net."))
        model.q_net_target.load_state_dict(_part(state.tensors, "q_net_target."))
    except RuntimeError as error:
        raise CheckpointError(f"the training state does not fit the network: {error}") from error
    _restore_optimizer(model, _part(state.tensors, "optimizer."))
    for name in _COUNTERS:
        setattr(model, name, state.counters[name])
    model.ep_info_buffer = deque(state.episodes, maxlen=model._stats_window_size)
    model.ep_success_buffer = deque(maxlen=model._stats_window_size)  # Atari knows no success
    _restore_generators(model, state)


def _tensors_of(model: DQN) -> dict[str, Tensor]:
    tensors = {f"q_net.{key}": t for key, t in model.q_net.state_dict().items()}
    tensors |= {f"q_net_target.{key}": t for key, t in model.q_net_target.state_dict().items()}
    for name, parameter in model.q_net.named_parameters():
        for key, value in model.policy.optimizer.state[parameter].items():
            tensors[f"optimizer.{name}.{key}"] = value
    _, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)  # noqa: NPY002
    tensors["random.numpy"] = torch.as_tensor(np.asarray(keys, np.int64))
    tensors["random.numpy_rest"] = torch.tensor([position, has_gauss, gauss], dtype=torch.float64)
    tensors["random.torch"] = torch.get_rng_state()
    if model.device.type == "cuda":
        tensors["random.cuda"] = torch.cuda.get_rng_state(model.device)
    return tensors


def _restore_optimizer(model: DQN, tensors: Mapping[str, Tensor]) -> None:
    optimizer = model.policy.optimizer
    for name, parameter in model.q_net.named_parameters():
        state = _part(tensors, f"{name}.")
        if state:
            # Adam counts its steps on the CPU; moments lie in memory as their parameter does
            optimizer.state[parameter] = {
                key: value if value.ndim == 0 else torch.empty_like(parameter).copy_(value)
                for key, value in state.items()
            }


def _restore_generators(model: DQN, state: TrainingState) -> None:
    version, internal, gauss = state.generators["python"]
    random.setstate((version, tuple(internal), gauss))
    model.action_space.np_random.bit_generator.state = state.generators["action_space"]
    position, has_gauss, cached = state.tensors["random.numpy_rest"].tolist()
    keys = state.tensors["random.numpy"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", keys, int(position), int(has_gauss), cached))  # noqa: NPY002
    torch.set_rng_state(state.tensors["random.torch"])
    if model.device.type == "cuda" and "random.cuda" in state.tensors:
        torch.cuda.set_rng_state(state.tensors["random.cuda"], model.device)


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
