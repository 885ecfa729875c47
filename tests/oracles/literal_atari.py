"""Atari games as the DQN papers preprocess them, one emulator call after the other."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from ale_py import Action, ALEInterface, roms
from numpy.typing import NDArray

Frame = NDArray[np.uint8]


@dataclass
class Step:
    """What the learner should see of one step."""

    observation: Frame
    points: int
    reward: float
    done: bool
    terminal: Frame | None = None
    episode: tuple[float, int] | None = None


@dataclass
class LiteralGame:
    """A game as the DQN papers preprocess it, one emulator call after the other."""

    name: str = "breakout"
    ale: ALEInterface = field(default_factory=ALEInterface)

    def __post_init__(self) -> None:
        self.ale.setFloat("repeat_action_probability", 0.0)
        self.ale.loadROM(roms.get_rom_path(self.name))
        self.actions = self.ale.getMinimalActionSet()
        self.raw = [np.zeros((210, 160), np.uint8)] * 2
        self.reset()

    def reset(self) -> Frame:
        """With noop_max = 1 a game starts with FIRE, if it has that, and nothing else."""
        self.ale.reset_game()
        if Action.FIRE in self.actions:
            self.ale.act(Action.FIRE)
        self.lives, self.score, self.length = self.ale.lives(), 0, 0
        self.raw = [np.zeros((210, 160), np.uint8), self.ale.getScreenGrayscale()]
        self.stack = [np.zeros((84, 84), np.uint8)] * 3 + [self.small()]  # as SB3's VecFrameStack
        return np.stack(self.stack)

    def small(self) -> Frame:
        both = np.maximum(*self.raw)
        return np.asarray(cv2.resize(both, (84, 84), interpolation=cv2.INTER_AREA), np.uint8)

    def step(self, action: int) -> Step:
        reward = 0
        for i in range(4):
            reward += self.ale.act(self.actions[action])
            if i >= 2:
                self.raw[i - 2] = self.ale.getScreenGrayscale()
            if self.ale.game_over():
                break
        self.stack = [*self.stack[1:], self.small()]
        observation, lost = np.stack(self.stack), self.ale.lives() < self.lives
        self.lives, self.score, self.length = self.ale.lives(), self.score + reward, self.length + 1
        seen = Step(
            observation, reward, float(np.sign(reward)), lost, observation if lost else None
        )
        if self.ale.game_over():
            seen.episode = (self.score, self.length)
            seen.done, seen.terminal, seen.observation = True, observation, self.reset()
        return seen
