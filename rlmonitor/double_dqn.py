"""Double DQN (van Hasselt, Guez and Silver 2016, 'Deep RL with Double Q-learning').

stable-baselines3's DQN lets the target network choose the next action and value it as well; errors
that make an action look good are then believed, and Q-values rise above what is earned.
"""

from __future__ import annotations

import numpy as np
import torch
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from stable_baselines3.dqn import DQN
from torch import Tensor, nn
from torch.nn import functional


class DoubleDQN(DQN):
    """stable-baselines3's DQN whose online network chooses the next action."""

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Take gradient steps on batches from the replay buffer, as SB3's DQN does.

        Args:
            gradient_steps: how many.
            batch_size: transitions in each.
        """
        assert self.replay_buffer is not None
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        losses = []
        for _ in range(gradient_steps):
            batch = self.replay_buffer.sample(batch_size, env=self._vec_normalize_env)
            chosen = self.q_net(batch.observations).gather(1, batch.actions.long())
            loss = functional.smooth_l1_loss(
                chosen, double_q_target(self.q_net, self.q_net_target, batch, self.gamma)
            )
            self.policy.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
            self.policy.optimizer.step()
            losses.append(loss.item())
        self._n_updates += gradient_steps
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/loss", np.mean(losses))


@torch.no_grad()
def double_q_target(
    online: nn.Module, target: nn.Module, batch: ReplayBufferSamples, gamma: float
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
