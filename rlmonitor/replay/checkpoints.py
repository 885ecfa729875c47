"""Q-networks on disk: safetensors with the network's name, the game and the timestep; no pickle.

Keys are those of stable-baselines3's ``q_net``: ``features_extractor.cnn.0.weight``, … ,
``q_net.0.bias``. Half precision on disk is allowed; in memory everything is float32.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from gymnasium import spaces
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from stable_baselines3.dqn import DQN
from stable_baselines3.dqn.policies import QNetwork
from torch import Tensor, nn

from rlmonitor.errors import MALFORMED, CheckpointError, StoreError, UnknownNameError
from rlmonitor.networks import NETWORKS
from rlmonitor.replay.files import is_remote, opened

SCREEN = (84, 84)
"""Height and width of the observations that the networks of :data:`NETWORKS` are made for."""

LARGEST_HEADER = 4 << 20
"""Bytes; a network with a thousand tensors has 0.1 MB."""

_FIRST, _LAST = "features_extractor.cnn.0.weight", "q_net.0.weight"


@dataclass(frozen=True)
class Checkpoint:
    """A Q-network at one timestep of its training.

    Attributes:
        state: tensors by stable-baselines3's names, float32, on the CPU.
        network: name of the architecture, a key of :data:`rlmonitor.networks.NETWORKS`.
        game: name of the ROM.
        timesteps: how long it had been trained.
    """

    state: Mapping[str, Tensor]
    network: str
    game: str
    timesteps: int

    @property
    def observation_shape(self) -> tuple[int, int, int]:
        """``(C, H, W)`` of the observations."""
        return (self.state[_FIRST].shape[1], *SCREEN)

    @property
    def n_actions(self) -> int:
        """Number of Q-values."""
        return self.state[_LAST].shape[0]


def save_checkpoint(
    path: str | Path,
    network_or_state: nn.Module | Mapping[str, Tensor],
    *,
    network: str,
    game: str,
    timesteps: int,
    half: bool = False,
) -> Path:
    """Write a Q-network; the file is whole or absent, whatever happens meanwhile.

    Args:
        path: a ``.safetensors`` file; its folder is made.
        network_or_state: stable-baselines3's ``q_net``, or its state dict.
        network: name of the architecture.
        game: name of the ROM.
        timesteps: how long it has been trained.
        half: keep half precision, in half the space. The median frame's map changes by about 0.1 %;
            single ones by more, where a unit is at its threshold or two actions are valued alike.

    Raises:
        UnknownNameError: no such architecture.
        StoreError: the file cannot be written.
    """
    if network not in NETWORKS:
        raise UnknownNameError("network", network, NETWORKS)
    state = (
        network_or_state.state_dict()
        if isinstance(network_or_state, nn.Module)
        else network_or_state
    )
    kind = torch.float16 if half else torch.float32
    metadata = {"network": network, "game": game, "timesteps": str(timesteps)}
    return write_tensors(path, {key: t.to(kind) for key, t in state.items()}, metadata)


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Read a Q-network and check that it is what it says.

    Raises:
        CheckpointError: no such file, a torn or foreign one, an unknown architecture, or tensors
            that are not the architecture's.
    """
    tensors, metadata = read_tensors(path)
    missing = {"network", "game", "timesteps"} - metadata.keys()
    if missing:
        raise CheckpointError(
            f"{path} holds no {', '.join(sorted(missing))} in its metadata: expected a file "
            "made by rlmonitor.replay.checkpoints.save_checkpoint"
        )
    if metadata["network"] not in NETWORKS:
        unknown = UnknownNameError("network", metadata["network"], NETWORKS)
        raise CheckpointError(f"{path}: {unknown}")
    if not metadata["timesteps"].isdigit():
        raise CheckpointError(f"{path}: timesteps = {metadata['timesteps']!r} is no whole number")
    state = {key: tensor.float() for key, tensor in tensors.items()}
    checkpoint = Checkpoint(
        state, metadata["network"], metadata["game"], int(metadata["timesteps"])
    )
    _check_tensors(checkpoint, path)
    return checkpoint


def q_network(checkpoint: Checkpoint) -> QNetwork:
    """Rebuild the network as stable-baselines3 has it: ``[N, C, H, W]`` uint8 to ``[N, A]``.

    Global random states are left as they were.
    """
    network = untrained(checkpoint.network, checkpoint.observation_shape, checkpoint.n_actions)
    network.load_state_dict(dict(checkpoint.state))
    network.set_training_mode(False)
    return network


def load_into(model: DQN, checkpoint: Checkpoint) -> None:
    """Give a DQN the checkpoint's weights, online and target network alike.

    Raises:
        CheckpointError: the DQN has another network.
    """
    own = {key: tuple(t.shape) for key, t in model.q_net.state_dict().items()}
    theirs = {key: tuple(t.shape) for key, t in checkpoint.state.items()}
    if own != theirs:
        raise CheckpointError(
            f"the checkpoint's {checkpoint.network!r} network with {checkpoint.n_actions} actions "
            f"does not fit the model: {first_difference(theirs, own)}"
        )
    for network in (model.q_net, model.q_net_target):
        network.load_state_dict(dict(checkpoint.state))


def write_tensors(
    path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> Path:
    """Write safetensors under a temporary name, sync, rename: whole or absent, even on power cuts.

    Raises:
        StoreError: the file cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    ready = {key: t.detach().cpu().contiguous() for key, t in tensors.items()}
    content = _in_order(save(ready, {**metadata}))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StoreError(f"{path} cannot be written: {error}") from error
    return path


def _in_order(content: bytes) -> bytes:
    """The file with its metadata in order, which safetensors shuffles: equal ones would differ."""
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[start:]


def read_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file.

    Raises:
        CheckpointError: no such file, or a torn or foreign one.
    """
    header = read_header(path)
    try:
        if is_remote(path):
            with opened(path) as file:
                return load(file.read()), dict(header.metadata)
        with safe_open(path, "pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, dict(header.metadata)  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise _torn(path, error) from error


@dataclass(frozen=True)
class Header:
    """What a safetensors file says of itself.

    Attributes:
        metadata: strings by name.
        shapes: sizes of the tensors by name.
    """

    metadata: Mapping[str, str]
    shapes: Mapping[str, tuple[int, ...]]


def read_header(path: str | Path) -> Header:
    """The beginning of a safetensors file; the tensors are not read.

    Raises:
        CheckpointError: no such file, a torn or foreign one, or a header that is too large.
    """
    with opened(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= min(size - 8, LARGEST_HEADER):
            raise _torn(path, f"a header of {length:,} bytes in a file of {size:,}")
        content = file.read(length)
    try:
        told = json.loads(content)
        metadata = told.pop("__metadata__", {})
        shapes = {name: tuple(map(int, one["shape"])) for name, one in told.items()}
        ends = [int(one["data_offsets"][1]) for one in told.values()]
        metadata = {str(key): str(value) for key, value in metadata.items()}
    except MALFORMED as error:
        raise _torn(path, error) from error
    if 8 + length + max(ends, default=0) != size:
        raise _torn(path, f"{size:,} bytes, expected {8 + length + max(ends, default=0):,}")
    return Header(metadata, shapes)


def _torn(path: str | Path, error: object) -> CheckpointError:
    return CheckpointError(
        f"{path} is torn, or no safetensors file: {error}; take an earlier checkpoint"
    )


def _sync_folder(folder: Path) -> None:
    """A rename is on disk once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_tensors(checkpoint: Checkpoint, path: str | Path) -> None:
    state = checkpoint.state
    found = {key: tuple(tensor.shape) for key, tensor in state.items()}
    if len(found.get(_FIRST, ())) != 4 or len(found.get(_LAST, ())) != 2:
        raise CheckpointError(
            f"{path} is no Q-network: expected {_FIRST} [out, in, height, width] and {_LAST} "
            f"[actions, features]; it has {', '.join(sorted(found)) or 'no tensors'}"
        )
    network = untrained(checkpoint.network, checkpoint.observation_shape, checkpoint.n_actions)
    expected = {key: tuple(t.shape) for key, t in network.state_dict().items()}
    if found != expected:
        raise CheckpointError(
            f"{path} is no {checkpoint.network!r} network: {first_difference(found, expected)}"
        )


def first_difference(
    found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]
) -> str:
    """The first tensor, by name, that is not as it should be."""
    key = min(k for k in found.keys() | expected.keys() if found.get(k) != expected.get(k))
    return f"{key} has shape {found.get(key, 'none')}, expected {expected.get(key, 'none')}"


def untrained(network: str, observation_shape: tuple[int, int, int], n_actions: int) -> QNetwork:
    """A fresh network; making one draws from torch's global generator, which is given back."""
    architecture = NETWORKS[network]
    space = spaces.Box(0, 255, observation_shape, np.uint8)
    with torch.random.fork_rng(devices=[]):
        extractor = architecture.features_extractor(space, architecture.features_dim)
        return QNetwork(
            space, spaces.Discrete(n_actions), extractor, architecture.features_dim, net_arch=[]
        )
