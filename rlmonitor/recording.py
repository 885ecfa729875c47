"""What an agent did and saw: the recording that every analysis starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Recording:
    """Frames with what the agent did, N of them, in order of time.

    Attributes:
        observation: ``[N, C, H, W]`` uint8 (or float32 for float observations), as the policy gets
            it; the channel axis is the frame stack, oldest first, each frame with its colours.
        screen: ``[N, height, width, 3]`` uint8 RGB, what a person sees (210 x 160 on the Atari).
        action: ``[N]`` int64, taken in answer to the observation.
        reward: ``[N]`` float32, unclipped, that followed the action.
        score: ``[N]`` float32, sum of the unclipped rewards of this game before the action.
        done: ``[N]`` bool, whether the game ended with this action.
        step: ``[N]`` int64, the agent's step in the monitor's own play; consecutive frames differ
            by 1.
        masks: element name to ``[N, H, W]`` bool, disjoint, on the observation's grid; together
            with ``rest`` they cover the frame. Empty where nothing is known of the elements.
        outside: masks that stand beside the disjoint ones (the paper's corner boxes), same shapes.
        ram: ``[N, 2, 128]`` uint8, the console's memory at the two raw frames that the observation
            takes the maximum of (older, newer), or None where there is no emulator.
        env_id: the environment that was played.
        action_meanings: a name for each action, such as ``("NOOP", "FIRE", "RIGHT", "LEFT")``.
        channels_last: whether the policy takes ``[N, H, W, C]``, see `policy_observation`.
        colours: channels of one frame of the stack: 1 where it is grey, 3 for RGB.
        elements_from: what told where the elements are: ``console memory``, ``pixels``, ``moving``
            (nothing, but what moves is seen), ``functions`` of the user, or empty if unknown.
    """

    observation: NDArray[np.uint8] | NDArray[np.float32]
    screen: NDArray[np.uint8]
    action: NDArray[np.int64]
    reward: NDArray[np.float32]
    score: NDArray[np.float32]
    done: NDArray[np.bool_]
    step: NDArray[np.int64]
    masks: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    outside: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    ram: NDArray[np.uint8] | None = None
    env_id: str = ""
    action_meanings: tuple[str, ...] = ()
    channels_last: bool = False
    colours: int = 1
    elements_from: str = ""

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.action)

    @property
    def policy_observation(self) -> NDArray[Any]:
        """The observation in the layout that the policy takes."""
        return np.moveaxis(self.observation, 1, -1) if self.channels_last else self.observation

    def frame_maps(self, maps: NDArray[Any]) -> NDArray[Any]:
        """Maps in the layout that the policy takes as ``[N, frames, H, W]``, colours summed."""
        first = np.moveaxis(maps, -1, 1) if self.channels_last else maps
        if self.colours == 1:
            return first
        n, channels, height, width = first.shape
        frames = first.reshape(n, channels // self.colours, self.colours, height, width)
        return np.asarray(frames.sum(axis=2))

    def select(self, index: slice | Sequence[int] | NDArray[np.integer[Any]]) -> Recording:
        """The frames at an index, as a recording of their own."""
        at = index if isinstance(index, slice) else np.asarray(index, np.int64)
        parts = {each.name: _at(getattr(self, each.name), at) for each in fields(self)}
        return Recording(**parts)


def _at(part: Any, index: slice | NDArray[np.integer[Any]]) -> Any:
    """A field of a recording at some frames; what belongs to the whole stays as it is."""
    if isinstance(part, np.ndarray):
        return part[index]
    return {name: each[index] for name, each in part.items()} if isinstance(part, Mapping) else part


def spread(recording: Recording, n: int) -> Recording:
    """At most ``n`` frames, evenly spread over the recording, the first and the last among them."""
    if n >= len(recording):
        return recording
    return recording.select(np.linspace(0, len(recording) - 1, n).round().astype(np.int64))


def episode_of(recording: Recording) -> NDArray[np.int64]:
    """Which game each frame belongs to, ``[N]``, counted from 0.

    Of consecutive frames; pick frames afterwards, or a game's end may be among those left out.
    """
    ends = np.asarray(recording.done[:-1] | (np.diff(recording.step) != 1))
    return np.concatenate([[0], np.cumsum(ends)]).astype(np.int64)[: len(recording)]


def final_scores(recording: Recording) -> tuple[float, ...]:
    """Scores of the games that ended within a recording."""
    scores = recording.score[recording.done] + recording.reward[recording.done]
    return tuple(float(score) for score in scores)


def busiest(recording: Recording, length: int) -> Recording:
    """The ``length`` consecutive frames in which most happens, for the clip.

    Most reward (of either sign) comes first, then most frames with the first element, such as the
    ball, then the earliest. A game's end inside is avoided if possible, and so are gaps in time. A
    recording that is shorter comes back whole.
    """
    if length >= len(recording):
        return recording
    gap = np.diff(recording.step, prepend=recording.step[0] - 1) != 1
    cut = gap | np.roll(recording.done, 1)  # a game's end belongs to the frame before the cut
    first = next(iter(recording.masks.values()), np.zeros((len(cut), 1, 1), np.bool_))
    seen = np.asarray(first.any(axis=(1, 2)))
    # a cut at the first frame of a window separates it from what is not in it
    cuts = _window_sums(cut, length) - cut[: len(cut) - length + 1]
    rewards = _window_sums(np.abs(recording.reward), length)
    # lexsort is stable and takes its last key first
    best = np.lexsort((-_window_sums(seen, length), -rewards, cuts > 0))[0]
    return recording.select(slice(int(best), int(best) + length))


def _window_sums(values: NDArray[Any], length: int) -> NDArray[np.float64]:
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return np.asarray(sums[length:] - sums[:-length])
