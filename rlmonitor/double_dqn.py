"""Double DQN (van Hasselt, Guez and Silver 2016, 'Deep RL with Double Q-learning').

stable-baselines3's DQN lets the target network choose the next action and value it as well; errors
that make an action look good are then believed, and Q-values rise above what is earned.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from stable_baselines3.dqn import DQN
from stable_baselines3.dqn.policies import QNetwork
from torch import Tensor, nn
from torch.nn import functional

from rlmonitor.prioritized_replay import BETA, Draw, PrioritizedAtariReplayBuffer

QValues = Callable[[Tensor], Tensor]
"""Observations to Q-values ``[N, A]``."""


class DoubleDQN(DQN):
    """stable-baselines3's DQN on images, whose online network chooses the next action.

    Args:
        args: of SB3's DQN.
        dtype: what the features extractors compute in while the agent trains: ``torch.float32`` or
            ``torch.bfloat16``. Weights, their gradients and the Q-values stay in single precision.
        kwargs: of SB3's DQN.
    """

    def __init__(self, *args: Any, dtype: torch.dtype = torch.float32, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dtype = dtype

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Take gradient steps on batches from the replay buffer, as SB3's DQN does.

        Args:
            gradient_steps: how many.
            batch_size: transitions in each.
        """
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        losses = []
        for _ in range(gradient_steps):
            batch, drawn = self._draw(batch_size)
            batch = batch._replace(  # once for both networks: SB3 would for each
                observations=batch.observations.to(self.dtype).div_(255),
                next_observations=batch.next_observations.to(self.dtype).div_(255),
            )
            online, target = partial(q_values, self.q_net), partial(q_values, self.q_net_target)
            chosen = online(batch.observations).gather(1, batch.actions.long())
            goal = double_q_target(online, target, batch, self.gamma)
            each = functional.smooth_l1_loss(chosen, goal, reduction="none")[:, 0]
            loss = each.mean() if drawn is None else (each * self._weights(drawn)).mean()
            self.policy.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
            self.policy.optimizer.step()
            losses.append(loss.item())
            if drawn is not None:
                assert isinstance(self.replay_buffer, PrioritizedAtariReplayBuffer)
                errors = (chosen - goal)[:, 0].detach().cpu().numpy()
                self.replay_buffer.update(drawn, errors)
        self._n_updates += gradient_steps
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/loss", np.mean(losses))

    def _draw(self, n: int) -> tuple[ReplayBufferSamples, Draw | None]:
        """A batch; how it was drawn, where by priority."""
        buffer = self.replay_buffer
        if isinstance(buffer, PrioritizedAtariReplayBuffer):
            beta = 1 - (1 - BETA) * self._current_progress_remaining
            return buffer.draw(n, beta, self._vec_normalize_env)
        assert buffer is not None
        return buffer.sample(n, env=self._vec_normalize_env), None

    def _weights(self, drawn: Draw) -> Tensor:
        return torch.as_tensor(drawn.weights, device=self.device)


def q_values(network: QNetwork, images: Tensor) -> Tensor:
    """Q-values ``[N, A]`` in single precision, from features in the images' own.

    Q-values of the best two actions often differ by less than bfloat16 can tell apart at their
    size; an error in a feature is one of hundreds.

    Args:
        network: whose.
        images: ``[N, C, H, W]`` in [0, 1].
    """
    reduced = images.dtype is not torch.float32
    with torch.autocast(images.device.type, images.dtype if reduced else None, enabled=reduced):
        features = network.features_extractor(images)
    return torch.as_tensor(network.q_net(features.float()))


@torch.no_grad()
def double_q_target(
    online: QValues, target: QValues, batch: ReplayBufferSamples, gamma: float
) -> Tensor:
    """R + γ Q_target(s', argmax_a Q_online(s', a)), van Hasselt et al. 2016, eq. 4; ``[N, 1]``.

    Args:
        online: observations to Q-values ``[N, A]``; chooses the action.
        target: the same; values it.
        batch: N transitions; their own discounts, where they have any, stand for γ.
        gamma: discount of one step.
    """
    discount = gamma if batch.discounts is None else batch.discounts
    best = online(batch.next_observations).argmax(dim=1, keepdim=True)
    following = target(batch.next_observations).gather(1, best)
    return torch.as_tensor(batch.rewards + (1 - batch.dones) * discount * following)
