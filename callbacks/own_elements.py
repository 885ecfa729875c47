"""Say yourself where things are on the screen: elements for a game without a table.

python callbacks/own_elements.py
tensorboard --logdir runs
"""

import argparse

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from stable_baselines3 import DQN

from rlmonitor import StrategyMonitorCallback

SIZE = 36


class Catch(gym.Env[NDArray[np.uint8], np.int64]):
    """A pellet falls, a bar below catches it: +1, or -1 when it is missed."""

    observation_space = gym.spaces.Box(0, 255, (1, SIZE, SIZE), np.uint8)
    action_space = gym.spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):  # type: ignore[no-untyped-def]  # noqa: D102
        super().reset(seed=seed)
        self.bar, self.row, self.column = SIZE // 2, 0, int(self.np_random.integers(2, SIZE - 2))
        return self._observation(), {}

    def step(self, action):  # type: ignore[no-untyped-def]  # noqa: D102
        self.bar = int(np.clip(self.bar + 3 * (int(action) - 1), 4, SIZE - 4))
        self.row += 2
        landed = self.row >= SIZE - 4
        caught = abs(self.bar - self.column) <= 4
        return self._observation(), (1.0 if caught else -1.0) * landed, landed, False, {}

    def _observation(self) -> NDArray[np.uint8]:
        observation = np.zeros((1, SIZE, SIZE), np.uint8)
        observation[0, self.row : self.row + 2, self.column - 1 : self.column + 1] = 255
        observation[0, SIZE - 2 :, self.bar - 4 : self.bar + 4] = 160
        return observation


def pellet(observation: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the pellet is in an observation ``[C, H, W]``: a mask ``[H, W]``."""
    return np.asarray(observation[-1] == 255)


def bar(observation: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the bar is."""
    return np.asarray(observation[-1] == 160)


def main(arguments: list[str] | None = None) -> None:
    """Train for a minute, and see which of the two the agent looks at."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timesteps", type=int, default=20_000)
    parser.add_argument("--every", type=int, default=4_000, help="timesteps between rounds")
    parser.add_argument("--log", default="runs")
    args = parser.parse_args(arguments)

    model = DQN("CnnPolicy", Catch(), buffer_size=10_000, tensorboard_log=args.log)
    monitor = StrategyMonitorCallback(every=args.every, elements={"pellet": pellet, "bar": bar})
    model.learn(args.timesteps, callback=monitor)


if __name__ == "__main__":
    main()
