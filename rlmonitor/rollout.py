"""What an agent did and saw: the recording that every analysis starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Recording:
    """Frames with what the agent did, N of them, in order of time.

    Attributes:
        observation: ``[N, C, H, W]`` uint8 (or float32 for float observations), as the policy gets
            it; the channel axis is the frame stack, oldest first.
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

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.action)
