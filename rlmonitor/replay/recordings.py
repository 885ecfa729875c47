"""Recordings on disk: what an agent did and saw, one zarr group, whole or absent, no pickle.

The group has the layout of a round's part ``play`` (`rlmonitor.replay.store`), with the Q-values or
logits of each frame as ``outputs``, in chunks of `SHARD` frames, so that a shard is read alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from gymnasium import spaces
from numpy.typing import NDArray

from rlmonitor.environment import make_monitor_env
from rlmonitor.errors import ConfigurationError, StoreError
from rlmonitor.lrp import Network
from rlmonitor.recording import Recording
from rlmonitor.replay.folders import SUFFIX, folder_at
from rlmonitor.replay.packing import FORMAT, described, plain_arrays, versions
from rlmonitor.rollout import Player

SHARD = 128
"""Frames that are played, written and read at once."""

KIND = "recording"

Shard = tuple[Recording, NDArray[np.float32]]
"""Consecutive frames, and the network's outputs ``[N, A]`` for them."""


def write_recording(
    place: Path,
    shards: Iterable[Shard],
    n_frames: int,
    attributes: Mapping[str, Any] | None = None,
) -> Path:
    """Write a recording shard by shard; the folder is whole or absent, whatever happens meanwhile.

    Args:
        place: a ``.zarr`` folder.
        shards: of `SHARD` frames each but the last.
        n_frames: of all shards together.
        attributes: further JSON attributes.

    Raises:
        ConfigurationError: another ending, or something is there already.
        StoreError: it cannot be written, or the shards hold another number of frames.
    """
    if place.suffix != SUFFIX:
        raise ConfigurationError(f"--out {place}: a recording is a folder that ends in {SUFFIX}")
    if place.exists():
        raise ConfigurationError(f"{place} is there already: name another --out")

    def write(temporary: Any) -> None:
        root = zarr.create_group(
            temporary,
            attributes={
                **(attributes or {}), "format": FORMAT, "kind": KIND, "versions": versions(),
            },
        )  # fmt: skip
        written = _write_shards(root, shards, n_frames)
        if written != n_frames:
            raise StoreError(f"{place}: {written} frames came, expected {n_frames}")

    try:
        folder_at(place.parent).write(place.stem, write)
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(f"{place} cannot be written: {error}; free space") from error
    return place


def played(
    network: Network,
    env_id: str,
    n_frames: int,
    *,
    epsilon: float = 0.05,
    seed: int = 0,
    progress: Callable[[int], None] = lambda n: None,
) -> Iterator[Shard]:
    """What a network does in an environment, shard by shard.

    Args:
        network: whose largest output is the action.
        env_id: the environment.
        n_frames: steps of the agent.
        epsilon: chance of a random action.
        seed: of the environment and the random actions.
        progress: called with the number of frames after each shard.

    Raises:
        ConfigurationError: no frames, or an environment that cannot be made.
        ObservationError: the environment does not fit the network.
    """
    if n_frames < 1:
        raise ConfigurationError(f"--frames {n_frames}: expected 1 or more")
    env = make_monitor_env(env_id, observation_space=observation_space(network), seed=seed)
    answers: list[NDArray[np.float32]] = []

    def forward(observation: NDArray[Any]) -> NDArray[np.float32]:
        answers.append(network.forward(observation).float().cpu().numpy())
        return answers[-1]

    with closing(Player(env, epsilon=epsilon, seed=seed)) as player:
        for start in range(0, n_frames, SHARD):
            answers.clear()
            recording = player.play(forward, min(SHARD, n_frames - start))
            yield recording, np.concatenate(answers)
            progress(start + len(recording))


def observation_space(network: Network) -> spaces.Box:
    """The images that a network takes, as an environment's space.

    Raises:
        ConfigurationError: it takes something else than images, or nobody knows of what size.
    """
    (taken, *others) = network.inputs
    if others or taken.shape is None or len(taken.shape) != 3:
        raise ConfigurationError(
            f"the network takes {taken.shape}, expected images [C, H, W] of a known size"
        )
    if taken.dtype == "uint8":
        return spaces.Box(0, 255, taken.shape, np.uint8)
    low, high = (bound * taken.divisor for bound in (taken.low, taken.high))
    return spaces.Box(low, high, taken.shape, np.float32)


def _write_shards(root: zarr.Group, shards: Iterable[Shard], n_frames: int) -> int:
    start, group = 0, None
    for recording, outputs in shards:
        arrays = _arrays(recording, outputs)
        if group is None:
            group = root.create_group("play", attributes=described(recording))
            for name, masks in (("masks", recording.masks), ("outside", recording.outside)):
                group.create_group(name, attributes={"order": list(masks)})
            for name, array in arrays.items():
                shape = (n_frames, *array.shape[1:])
                group.create_array(
                    name, shape=shape, dtype=array.dtype, chunks=(SHARD, *array.shape[1:])
                )
        for name, array in arrays.items():
            group[name][start : start + len(array)] = array  # type: ignore[index]
        start += len(recording)
    return start


def _arrays(recording: Recording, outputs: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    masks = {f"masks/{name}": mask for name, mask in recording.masks.items()}
    outside = {f"outside/{name}": mask for name, mask in recording.outside.items()}
    return {**plain_arrays(recording), "outputs": outputs, **masks, **outside}
