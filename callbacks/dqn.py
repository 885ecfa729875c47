"""Watch a stable-baselines3 DQN learn Breakout: your training script, plus one callback.

python callbacks/dqn.py --timesteps 1_000_000
tensorboard --logdir runs
"""

import argparse

from stable_baselines3 import DQN
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import VecFrameStack

from rlmonitor import StrategyMonitorCallback


def main(arguments: list[str] | None = None) -> None:
    """Train, and see under ``runs`` what the agent looks at."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timesteps", type=int, default=1_000_000)
    parser.add_argument("--every", type=int, default=50_000, help="timesteps between rounds")
    parser.add_argument("--buffer-size", type=int, default=100_000)
    parser.add_argument("--learning-starts", type=int, default=10_000)
    parser.add_argument("--log", default="runs")
    args = parser.parse_args(arguments)

    env = VecFrameStack(make_atari_env("BreakoutNoFrameskip-v4", n_envs=8, seed=0), n_stack=4)
    model = DQN(
        "CnnPolicy",
        env,
        buffer_size=args.buffer_size,
        learning_starts=args.learning_starts,
        optimize_memory_usage=True,
        replay_buffer_kwargs={"handle_timeout_termination": False},
        tensorboard_log=args.log,
    )
    # the monitor's own env is derived from the training env: same preprocessing, same life rules
    model.learn(args.timesteps, callback=StrategyMonitorCallback(every=args.every))


if __name__ == "__main__":
    main()
