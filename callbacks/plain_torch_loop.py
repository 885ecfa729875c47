"""Any torch network from images to Q-values, trained in a loop of your own.

python callbacks/plain_torch_loop.py
tensorboard --logdir runs
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

from rlmonitor import Monitor, make_monitor_env, network_of


class QNetwork(nn.Module):
    """The network of the NIPS paper (Mnih et al. 2013), from bytes ``[N, 4, 84, 84]``."""

    def __init__(self, actions: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(4, 16, 8, stride=4),
            nn.ReLU(),
            nn.Conv2d(16, 32, 4, stride=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(2592, 256),
            nn.ReLU(),
            nn.Linear(256, actions),
        )

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        """Q-values ``[N, actions]``."""
        return self.layers(observation / 255)  # type: ignore[no-any-return]


def main(arguments: list[str] | None = None) -> None:
    """Fit Q-values to one-step targets from random play, with a round of the monitor in between."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timesteps", type=int, default=10_000)
    parser.add_argument("--every", type=int, default=2_000, help="timesteps between rounds")
    parser.add_argument("--run-dir", default="runs/plain-torch-loop")
    args = parser.parse_args(arguments)

    rng, net = np.random.default_rng(0), QNetwork(actions=4)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)
    env = make_monitor_env("BreakoutNoFrameskip-v4")
    observation = env.reset()
    monitor = Monitor(
        network_of(net),
        lambda: make_monitor_env("BreakoutNoFrameskip-v4"),
        run_dir=Path(args.run_dir),
    )
    for timestep in range(args.timesteps):
        if timestep % args.every == 0:
            monitor.run(timestep)
        action = rng.integers(4)
        following, reward, done, _ = env.step(np.array([action]))
        now, then = (torch.from_numpy(o) for o in (observation, following))
        with torch.no_grad():
            target = float(reward[0]) + 0.99 * net(then).max() * (not done[0])
        loss = (net(now)[0, action] - target) ** 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        observation = following
    monitor.run(args.timesteps, last=True)
    monitor.close()


if __name__ == "__main__":
    main()
