"""Watch a stable-baselines3 PPO: what its critic values, and what its policy decides by.

python callbacks/ppo.py --timesteps 2_000_000
tensorboard --logdir runs
"""

import argparse

from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import VecFrameStack

from rlmonitor import StrategyMonitorCallback


def main(arguments: list[str] | None = None) -> None:
    """Train, and see under ``runs`` what the agent looks at."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timesteps", type=int, default=2_000_000)
    parser.add_argument("--every", type=int, default=50_000, help="timesteps between rounds")
    parser.add_argument("--n-steps", type=int, default=128)
    parser.add_argument("--log", default="runs")
    args = parser.parse_args(arguments)

    env = VecFrameStack(make_atari_env("BreakoutNoFrameskip-v4", n_envs=8, seed=0), n_stack=4)
    model = PPO(
        "CnnPolicy",
        env,
        n_steps=args.n_steps,
        n_epochs=4,
        learning_rate=2.5e-4,
        clip_range=0.1,
        ent_coef=0.01,
        tensorboard_log=args.log,
    )
    # value/... is the critic's V(s); choice/... the greedy action's logit less the mean of all
    model.learn(args.timesteps, callback=StrategyMonitorCallback(every=args.every))


if __name__ == "__main__":
    main()
