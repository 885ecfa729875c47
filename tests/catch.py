"""An image environment that needs no emulator and learns nothing in particular: fast to step."""

import gymnasium as gym
import numpy as np

SIZE = 36


class Catch(gym.Env):
    """A pellet falls, a bar catches it; observations ``[channels, 36, 36]`` or channel-last."""

    def __init__(self, channels: int = 1, channel_last: bool = False, crash_at: int | None = None):
        shape = (SIZE, SIZE, channels) if channel_last else (channels, SIZE, SIZE)
        self.observation_space = gym.spaces.Box(0, 255, shape, np.uint8)
        self.action_space = gym.spaces.Discrete(3)
        self.channel_last, self.crash_at, self.steps = channel_last, crash_at, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.bar, self.row, self.column = SIZE // 2, 0, int(self.np_random.integers(2, SIZE - 2))
        return self._observation(), {}

    def step(self, action):
        self.steps += 1
        if self.crash_at is not None and self.steps >= self.crash_at:
            raise RuntimeError("the emulator has crashed")
        self.bar = int(np.clip(self.bar + 3 * (int(action) - 1), 4, SIZE - 4))
        self.row += 2
        landed = self.row >= SIZE - 4
        caught = abs(self.bar - self.column) <= 4
        return self._observation(), (1.0 if caught else -1.0) * landed, landed, False, {}

    def _observation(self):
        channels = self.observation_space.shape[2 if self.channel_last else 0]
        observation = np.zeros((channels, SIZE, SIZE), np.uint8)
        observation[:, self.row : self.row + 2, self.column - 1 : self.column + 1] = 255
        observation[:, SIZE - 2 :, self.bar - 4 : self.bar + 4] = 160
        return observation.transpose(1, 2, 0) if self.channel_last else observation


def pellet(observation):
    return observation[-1] == 255


def bar(observation):
    return observation[-1] == 160
