"""Agents with a known strategy: networks that read one element of the screen and nothing else.

What an agent looks at is known only if somebody made it so. Here small Q-networks learn by
regression, on real frames, Q-values that depend on the pixels of one element alone (the ball, the
paddle, the display ...). For training the frames are taken apart: each element is left, taken away
or put in from another frame, each by its own chance, so that no element says anything of another.
Whether it worked is measured by intervention on untouched frames, see `effects`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.dqn.policies import QNetwork
from torch import nn

from rlmonitor.errors import ConfigurationError, ObservationError
from rlmonitor.games import REST
from rlmonitor.lrp import Network, network_of
from rlmonitor.networks import NipsCNN
from rlmonitor.recording import Recording

Stacked = Mapping[str, NDArray[np.bool_]]
"""Element to ``[N, C, H, W]``: where it is in each frame of the stack."""

REGIONS = (2, 2)
"""Rows and columns of the regions that stand for elements on a screen that no table knows."""

LEFT, AWAY = 0.4, 0.25
"""Chance that an element of a training frame is left, is taken away; else it is another frame's."""

WAVES = 1
"""Highest spatial frequency at which a planted agent reads, in half periods over the screen."""

LEARNT = 0.1
"""Part of the readings' variance that may stay unexplained when training ends early."""

SEEN = 0.02
"""Standard deviation over frames, of values from 0 to 1, from which a pixel is seen to change."""

BATCH, LEARNING_RATE = 32, 1e-3


@dataclass(frozen=True)
class Scenes:
    """Frames whose elements can be taken away.

    Attributes:
        observation: ``[N, C, H, W]`` uint8, a stack of grey frames.
        masks: element to ``[N, C, H, W]`` bool, disjoint.
        background: ``[H, W]`` uint8, what is seen where no element is.
        game: ``[N]`` int64, number of the game that a frame was played in.
    """

    observation: NDArray[np.uint8]
    masks: Stacked
    background: NDArray[np.uint8]
    game: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.observation)

    def without(self, element: str) -> NDArray[np.uint8]:
        """The observations with the background where the element was."""
        return np.where(self.masks[element], self.background, self.observation)

    def select(self, index: NDArray[np.int64]) -> Scenes:
        """The scenes at an index."""
        masks = {name: mask[index] for name, mask in self.masks.items()}
        return Scenes(self.observation[index], masks, self.background, self.game[index])


@dataclass(frozen=True)
class Planted:
    """A network whose strategy is known.

    Attributes:
        element: all that it reads.
        network: ready to be explained.
        effects: element to what taking it away does, see `effects`.
    """

    element: str
    network: Network
    effects: Mapping[str, float]

    @property
    def strongest_other(self) -> float:
        """The largest effect of an element that it should not read."""
        return max((e for name, e in self.effects.items() if name != self.element), default=0.0)


def scenes_of(recording: Recording) -> Scenes:
    """The frames of a play whose whole stack is in it, with each element's place in each frame.

    Without masks of elements, regions of the screen stand for them.

    Args:
        recording: consecutive frames with grey stacks, uint8.

    Raises:
        ObservationError: other observations, or no frame whose stack was played in one go.
    """
    observation = recording.observation
    if observation.dtype != np.uint8 or observation.ndim != 4:
        raise ObservationError(
            f"planted agents read uint8 frames [N, C, H, W], got {observation.dtype} "
            f"{list(observation.shape)}"
        )
    depth = observation.shape[1]
    at = _with_whole_stack(recording, depth)
    if not len(at):
        raise ObservationError(
            f"no frame's stack of {depth} was played in one go: give consecutive frames, such as "
            "Player.play records, not a probe"
        )
    masks = recording.masks or _regions(observation)
    past = at[:, None] - np.arange(depth)[::-1]  # [N, C], oldest first
    stacked = {name: mask[past] for name, mask in masks.items() if name != REST}
    game = np.asarray(np.cumsum(recording.done) - recording.done, np.int64)
    background = _background(recording, masks)
    return Scenes(np.asarray(observation[at], np.uint8), stacked, background, game[at])


def _with_whole_stack(recording: Recording, depth: int) -> NDArray[np.int64]:
    """Indices of the frames whose ``depth`` last frames are in the recording, of one game."""
    gap = (np.diff(recording.step, prepend=recording.step[0] - 1) != 1) | np.roll(recording.done, 1)
    gap[0] = True
    since = np.arange(len(recording)) - np.maximum.accumulate(np.where(gap, np.arange(len(gap)), 0))
    return np.asarray(np.flatnonzero(since >= depth - 1), np.int64)


def _regions(observation: NDArray[np.generic]) -> dict[str, NDArray[np.bool_]]:
    """Masks ``[N, H, W]`` of a grid over the screen."""
    n, _, height, width = observation.shape
    rows = np.arange(height) * REGIONS[0] // height
    columns = np.arange(width) * REGIONS[1] // width
    return {
        f"region-{row + 1}-{column + 1}": np.broadcast_to(
            (rows == row)[:, None] & (columns == column), (n, height, width)
        )
        for row in range(REGIONS[0])
        for column in range(REGIONS[1])
    }


def _background(recording: Recording, masks: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.uint8]:
    """``[H, W]``: what each pixel mostly shows when no element is there.

    Where an element always is, it is the commonest value of the screen.
    """
    some = np.linspace(0, len(recording) - 1, min(200, len(recording))).astype(np.int64)
    newest = recording.observation[some, -1]
    covered = np.any([mask[some] for name, mask in masks.items() if name != REST], axis=0)
    commonest = int(np.bincount(newest.ravel().astype(np.int64), minlength=256).argmax())
    # covered places sort behind all values, so the median of the free ones is in the middle of them
    ordered = np.sort(np.where(covered, 256, newest.astype(np.int16)), axis=0)
    n_free = (~covered).sum(axis=0)
    middle = np.take_along_axis(ordered, np.maximum(n_free - 1, 0)[None] // 2, axis=0)[0]
    return np.asarray(np.where(n_free > 0, middle, commonest), np.uint8)


def readable(scenes: Scenes) -> tuple[str, ...]:
    """The elements whose pixels differ from the background and from frame to frame."""
    return tuple(
        name
        for name, mask in scenes.masks.items()
        if _contrast(scenes.observation, mask, scenes.background).std(axis=0).max() > SEEN
    )


def plant(
    scenes: Scenes,
    elements: Sequence[str] | None = None,
    *,
    copies: int = 2,
    n_actions: int = 4,
    n_train: int = 2048,
    epochs: int = 12,
    features: int = 64,
    seed: int = 0,
    progress: Callable[[], None] = lambda: None,
) -> tuple[Planted, ...]:
    """Train agents that read one element each.

    All copies of a strategy read the same element, each in another way and from other initial
    weights: what they have in common is the strategy.

    Args:
        scenes: real frames.
        elements: what to read; None takes all that can be read.
        copies: agents for each element.
        n_actions: Q-values.
        n_train: frames made from the scenes for training; all agents have the same.
        epochs: passes over them at most; an agent that has learnt stops earlier.
        features: units of the hidden dense layer.
        seed: of everything random.
        progress: called after each agent.

    Returns:
        ``copies`` agents for each element, one element after the other.

    Raises:
        ConfigurationError: fewer than two elements, or one that is not on the screen.
    """
    names = readable(scenes) if elements is None else tuple(elements)
    unknown = set(names) - set(scenes.masks)
    if unknown or len(set(names)) < 2:
        raise ConfigurationError(
            f"planted agents need two or more elements of {', '.join(scenes.masks)} that can be "
            f"seen to change, got {', '.join(names) or 'none'}"
        )
    rng = np.random.default_rng(seed)
    frames, masks = _taken_apart(scenes, n_train, rng)
    agents = []
    for element in names:
        for _ in range(copies):
            wanted = _readings(scenes, frames, masks[element], n_actions, rng)
            q_net = _trained(frames, wanted, epochs, features, rng)
            network = network_of(q_net)
            agents.append(Planted(element, network, effects(network, scenes)))
            progress()
    return tuple(agents)


def effects(network: Network, scenes: Scenes, *, n_frames: int = 200) -> dict[str, float]:
    """What taking an element away from untouched frames does to the Q-values.

    Returns:
        Element to the root mean square of Q(frame) - Q(frame without it), over frames and actions,
        divided by the standard deviation of Q over frames. 0 is no effect, 1 is as much as frames
        differ.
    """
    spread = np.linspace(0, len(scenes) - 1, min(n_frames, len(scenes))).round().astype(np.int64)
    some = scenes.select(spread)
    q = network.forward(some.observation)
    scale = float(q.std(0).square().mean().sqrt())
    return {
        name: float((q - network.forward(some.without(name))).square().mean().sqrt())
        / max(scale, 1e-12)
        for name in some.masks
    }


def _taken_apart(
    scenes: Scenes, n: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.bool_]]]:
    """``n`` frames put together from elements that know nothing of each other, and their masks."""
    base = rng.integers(len(scenes), size=n)
    frames = scenes.observation[base]
    for mask in scenes.masks.values():
        frames = np.where(mask[base], scenes.background, frames)
    placed: dict[str, NDArray[np.bool_]] = {}
    # the first elements are in front: they are put in last
    for name in reversed(tuple(scenes.masks)):
        chance = rng.random(n)
        source = np.where(chance < LEFT, base, rng.integers(len(scenes), size=n))
        away = (chance >= LEFT) & (chance < LEFT + AWAY)
        mask = scenes.masks[name][source] & ~away[:, None, None, None]
        frames = np.where(mask, scenes.observation[source], frames)
        placed = {other: before & ~mask for other, before in placed.items()} | {name: mask}
    return frames, placed


def _contrast(
    frames: NDArray[np.uint8], mask: NDArray[np.bool_], background: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """``[N, H, W]``: how an element differs from the background, in the newest frame."""
    difference = (frames[:, -1].astype(np.float32) - background) / 255
    return np.asarray(difference * mask[:, -1], np.float32)


def _readings(
    scenes: Scenes,
    frames: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    n_actions: int,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """``[N, A]`` Q-values: an element's pixels weighed by a smooth field for each action.

    Standardised, so that no strategy is told by the height of its Q-values.
    """
    height, width = frames.shape[2:]
    fields = np.stack([_field(height, width, rng) for _ in range(n_actions)])
    contrast = _contrast(frames, mask, scenes.background)
    values = np.einsum("nhw,ahw->na", contrast, fields, optimize=True)
    scale = values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(scale > 0, scale, 1), np.float32)


def _field(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """``[H, W]``: a random sum of low cosines."""
    rows = np.cos(np.pi * np.outer(np.arange(WAVES + 1), (np.arange(height) + 0.5) / height))
    columns = np.cos(np.pi * np.outer(np.arange(WAVES + 1), (np.arange(width) + 0.5) / width))
    weights = rng.standard_normal((WAVES + 1, WAVES + 1))
    return np.asarray(rows.T @ weights @ columns)


def _trained(
    frames: NDArray[np.uint8],
    wanted: NDArray[np.float32],
    epochs: int,
    features: int,
    rng: np.random.Generator,
) -> QNetwork:
    """A Q-network, NIPS features in small, fitted to the wanted Q-values."""
    space = spaces.Box(0, 255, frames.shape[1:], np.uint8)
    inputs, targets = torch.from_numpy(frames), torch.from_numpy(wanted)
    kept = len(inputs) // 8  # to see when it has learnt
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(int(rng.integers(2**31)))
        n_actions = spaces.Discrete(targets.shape[1])
        q_net = QNetwork(space, n_actions, NipsCNN(space, features), features, net_arch=[])
        optimizer = torch.optim.Adam(q_net.parameters(), lr=LEARNING_RATE)
        for _ in range(epochs):
            for chosen in (torch.randperm(len(inputs) - kept) + kept).split(BATCH):
                loss = nn.functional.mse_loss(q_net(inputs[chosen]), targets[chosen])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                error = nn.functional.mse_loss(q_net(inputs[:kept]), targets[:kept])
            if float(error) < LEARNT:
                break
    q_net.set_training_mode(False)
    return q_net
