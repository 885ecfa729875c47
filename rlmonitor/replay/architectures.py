"""Bare state dicts: what their tensors compute, once somebody names the architecture."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from rlmonitor.errors import CheckpointError, ConfigurationError, UnknownNameError
from rlmonitor.networks import NETWORKS
from rlmonitor.replay.checkpoints import SCREEN, first_difference, untrained
from rlmonitor.replay.sb3_policies import fill, is_policy, own_part, policy_of

_LAYER = re.compile(r"(?P<layer>.+)\.(?P<part>weight|bias)")


def named_module(architecture: str, state: Mapping[str, Tensor], where: str) -> nn.Module:
    """A network of a named architecture with the tensors of a state dict.

    Args:
        architecture: a key of `rlmonitor.networks.NETWORKS`, or ``module:Class``, a torch module
            that is made without arguments.
        state: its tensors, or those of a whole policy of stable-baselines3. For the architectures
            with names, the tensors' own names do not matter otherwise: each layer is the one whose
            weight has its shape.
        where: the file's name, for messages.

    Raises:
        UnknownNameError: no such architecture.
        ConfigurationError: a ``module:Class`` that cannot be imported or made.
        CheckpointError: tensors that are not the architecture's.
    """
    if ":" in architecture:
        made = _called(imported(architecture), architecture)
        fill(made, state, where)
        return made.eval()
    if architecture not in NETWORKS:
        raise UnknownNameError("architecture", architecture, (*NETWORKS, "module:Class"))
    if is_policy(state):
        return policy_of(architecture, state, where)
    layers = _layers(state, where)
    n_actions, n_channels = _ends(layers, architecture, where)
    network = untrained(architecture, (n_channels, *SCREEN), n_actions)
    fill(network, _renamed(state, layers, network, where), where)
    return network.eval()


def fitting(shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, ...]:
    """Architectures with a name whose tensors have these shapes, for a hint."""
    found = []
    own = own_part(shapes) if is_policy(shapes) else shapes
    weights = sorted(shape for name, shape in own.items() if name.endswith("weight"))
    for name in NETWORKS:
        first = [shape for shape in weights if len(shape) == 4 and shape[2:] == (8, 8)]
        for n_channels, n_actions in {(f[1], w[0]) for f in first for w in weights if len(w) == 2}:
            made = untrained(name, (n_channels, *SCREEN), n_actions).state_dict()
            if weights == sorted(tuple(t.shape) for k, t in made.items() if k.endswith("weight")):
                found.append(name)
    return tuple(found)


def imported(architecture: str) -> Any:
    """What ``module:Class`` names, looked for in the working directory too.

    Raises:
        ConfigurationError: there is none.
    """
    module, _, name = architecture.partition(":")
    try:
        with _here():
            return getattr(importlib.import_module(module), name)
    except Exception as error:  # a module is a program: anything may happen in it
        raise ConfigurationError(
            f"--architecture {architecture}: {type(error).__name__}: {error}; expected "
            "module:Class, as in 'from module import Class'"
        ) from error


def extractor_class(architecture: str) -> type[BaseFeaturesExtractor]:
    """The features extractor that ``--architecture`` names for an agent of stable-baselines3.

    Raises:
        ConfigurationError: it names something else.
    """
    if architecture in NETWORKS:
        return NETWORKS[architecture].features_extractor
    if ":" not in architecture:
        raise UnknownNameError("architecture", architecture, (*NETWORKS, "module:Class"))
    found = imported(architecture)
    if not isinstance(found, type) or not issubclass(found, BaseFeaturesExtractor):
        raise ConfigurationError(
            f"--architecture {architecture} is no features extractor of stable-baselines3: for an "
            "agent's zip expected a subclass of BaseFeaturesExtractor"
        )
    return found


@contextmanager
def _here() -> Iterator[None]:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)


def _called(found: Any, architecture: str) -> nn.Module:
    try:
        made = found()
    except Exception as error:  # a class is a program: anything may happen in it
        raise ConfigurationError(
            f"--architecture {architecture} cannot be made without arguments: "
            f"{type(error).__name__}: {error}; name a class or function that can"
        ) from error
    if not isinstance(made, nn.Module):
        raise ConfigurationError(
            f"--architecture {architecture} gives a {type(made).__name__}, expected a torch module"
        )
    return made


def _layers(state: Mapping[str, Tensor], where: str) -> dict[tuple[int, ...], str]:
    """The layers' names by the shapes of their weights."""
    layers: dict[tuple[int, ...], str] = {}
    for name, tensor in state.items():
        match = _LAYER.fullmatch(name)
        if match is None or tuple(tensor.shape) in layers:
            raise CheckpointError(
                f"{where}: tensor {name[:80]!r} belongs to no layer of one of the architectures "
                f"{', '.join(NETWORKS)}; save the network that gives the Q-values alone"
            )
        if match["part"] == "weight":
            layers[tuple(tensor.shape)] = match["layer"]
    return layers


def _ends(layers: Mapping[tuple[int, ...], str], architecture: str, where: str) -> tuple[int, int]:
    """Actions and stacked frames, as the last and the first layer tell them."""
    features = NETWORKS[architecture].features_dim
    heads = [shape[0] for shape in layers if len(shape) == 2 and shape[1] == features]
    firsts = [shape[1] for shape in layers if len(shape) == 4 and shape[2:] == (8, 8)]
    if len(heads) != 1 or len(firsts) != 1:
        shapes = ", ".join(str(list(shape)) for shape in layers)
        raise CheckpointError(
            f"{where} is no {architecture!r} network: its weights have shapes {shapes[:200]}"
        )
    return heads[0], firsts[0]


def _renamed(
    state: Mapping[str, Tensor],
    layers: Mapping[tuple[int, ...], str],
    network: nn.Module,
    where: str,
) -> dict[str, Tensor]:
    """The tensors under the network's own names."""
    own = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    renamed: dict[str, Tensor] = {}
    for name in own:
        layer, _, part = name.rpartition(".")
        theirs = layers.get(own[f"{layer}.weight"], "")
        tensor = state.get(f"{theirs}.{part}")
        if tensor is None:
            found = {key: tuple(each.shape) for key, each in state.items()}
            raise CheckpointError(
                f"{where}: no layer has a weight {list(own[f'{layer}.weight'])} with a bias, the "
                f"architecture's {name}: {first_difference(found, own)}"
            )
        renamed[name] = tensor
    if len(renamed) != len(state):
        raise CheckpointError(f"{where} has {len(state)} tensors, expected {len(own)}")
    return renamed
