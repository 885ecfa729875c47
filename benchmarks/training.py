"""Throughput of ``rlmonitor train``: what each of its parts takes, and what each change brought.

From stable-baselines3's DQN on ``make_atari_env``, with the same network, batches and schedule, to
the training that ``rlmonitor train`` runs, one change after the other; each in a process of its
own, by turns, several times. Times are of the CPU, one thread. Writes ``results/training.md``::

    python benchmarks/training.py            # both networks
    python benchmarks/training.py --network nips --repeats 1
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import torch
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack
from stable_baselines3.dqn import DQN

from rlmonitor import training
from rlmonitor.configuration import Configuration, parse_configuration
from rlmonitor.networks import NETWORKS

HERE = Path(__file__).parent
VARIANTS = {
    "stable-baselines3": "DQN on `make_atari_env`, n_envs = 16",
    "native": "ale-py's native vector environment",
    "strides": "images and network laid out channels_last",
    "kept": "freed memory is kept (`mallopt`)",
    "train": "double DQN, three-step returns: `rlmonitor train`",
    "bfloat16": '`precision = "bfloat16"`',
}
WARM, PIECE = 800, 3_200
"""Timesteps before the clock starts, and while it runs."""


def configuration(network: str, *, double: bool, precision: str = "single") -> Configuration:
    """The shipped agent's settings, with a smaller buffer that is soon full enough."""
    settings = {
        "learning_starts": WARM // 2,
        "buffer_size": 20_000,
        "exploration_timesteps": WARM,
        "double": double,
        "n_steps": 3 if double else 1,
        "precision": precision,
    }
    return parse_configuration(
        {"agent": {"network": network}, "training": settings}, "the benchmark"
    )


def plain(settings: Configuration, env: VecEnv) -> DQN:
    """stable-baselines3's DQN as it comes, with the settings' numbers."""
    own = settings.training
    return DQN(
        "CnnPolicy",
        env,
        learning_rate=own.learning_rate,
        buffer_size=own.buffer_size,
        learning_starts=own.learning_starts,
        batch_size=own.batch_size,
        train_freq=own.train_freq,
        gradient_steps=own.gradient_steps,
        target_update_interval=own.target_update_interval,
        optimize_memory_usage=True,
        replay_buffer_kwargs={"handle_timeout_termination": False},
        policy_kwargs=NETWORKS[settings.agent.network].policy_kwargs(),
        device="cpu",
    )


def measure(variant: str, network: str) -> dict[str, float]:
    """CPU seconds of a piece of training, whole and by part."""
    at = list(VARIANTS).index(variant)
    precision = "bfloat16" if variant == "bfloat16" else "single"
    settings = configuration(network, double=variant in ("train", "bfloat16"), precision=precision)
    torch.set_num_threads(1)
    native = training.make_env(settings)
    slow = VecFrameStack(make_atari_env("BreakoutNoFrameskip-v4", native.num_envs), 4)
    env: VecEnv = native if at >= 1 else slow
    with closing(native), closing(slow), training._tuned(1) if at >= 3 else nullcontext():
        model = training.make_model(settings, native) if at >= 2 else plain(settings, env)
        model.set_logger(configure(None, []))
        model.learn(WARM, log_interval=10**9)
        spent = defaultdict[str, float](float)
        assert model.replay_buffer is not None
        assert model.env is not None
        clocked(spent, "emulator", model.env, "step")
        clocked(spent, "choice of actions", model, "_sample_action")
        clocked(spent, "storing", model, "_store_transition")
        clocked(spent, "sampling", model.replay_buffer, "sample")
        clocked(spent, "gradient steps", model, "train")
        began = time.process_time()
        model.learn(PIECE, log_interval=10**9, reset_num_timesteps=False)
        spent["whole"] = time.process_time() - began
    spent["gradient steps"] -= spent["sampling"]
    return dict(spent)


def clocked(spent: dict[str, float], part: str, owner: Any, name: str) -> None:
    """Add up the CPU time of a method from now on."""
    call: Callable[..., Any] = getattr(owner, name)

    def timing(*args: Any, **kwargs: Any) -> Any:
        began = time.process_time()
        try:
            return call(*args, **kwargs)
        finally:
            spent[part] += time.process_time() - began

    setattr(owner, name, timing)


def in_own_process(variant: str, network: str) -> dict[str, float]:
    """`measure` in a new process: what the C library keeps cannot be given back."""
    command = [sys.executable, __file__, "--network", network, "--variant", variant]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(told)
    return found


def table(network: str, found: dict[str, list[dict[str, float]]]) -> str:
    """The medians of one network as Markdown."""
    whole = {variant: [run["whole"] for run in runs] for variant, runs in found.items()}
    first = whole["stable-baselines3"]
    lines = [
        f"## {network}",
        "",
        "| | timesteps per CPU second | times the first |",
        "| --- | --- | --- |",
    ]
    for variant, seconds in whole.items():
        rate = PIECE / statistics.median(seconds)
        ratio = statistics.median(a / b for a, b in zip(first, seconds, strict=True))
        lines.append(f"| {VARIANTS[variant]} | {rate:.0f} | {ratio:.2f} |")
    lines += [
        "",
        "| CPU ms a timestep | stable-baselines3 | `rlmonitor train` | in bfloat16 |",
        "| --- | --- | --- | --- |",
    ]
    for part in [part for part in found["train"][0] if part != "whole"]:
        each = [
            statistics.median(1000 * run[part] / PIECE for run in found[variant])
            for variant in ("stable-baselines3", "train", "bfloat16")
        ]
        lines.append(f"| {part} | {each[0]:.2f} | {each[1]:.2f} | {each[2]:.2f} |")
    return "\n".join([*lines, ""])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--network", choices=list(NETWORKS), help="one alone")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--variant", choices=list(VARIANTS), help="measure it here; prints JSON")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the table")
    args = parser.parse_args(arguments)
    if args.variant:
        print(json.dumps(measure(args.variant, args.network or "nips")))
        return
    parts = [
        "# How fast agents train",
        "",
        f"`benchmarks/training.py`: Breakout, 16 games, a batch of 128 for every 32 timesteps; "
        f"pieces of {PIECE:,} timesteps, one thread, each change on top of those before. Medians "
        f"of runs by turns, so many of each: {args.repeats}.",
        "",
    ]
    for network in [args.network] if args.network else list(NETWORKS):
        found: dict[str, list[dict[str, float]]] = {variant: [] for variant in VARIANTS}
        for _ in range(args.repeats):
            for variant in VARIANTS:
                found[variant].append(in_own_process(variant, network))
        parts.append(table(network, found))
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "training.md").write_text("\n".join(parts), encoding="utf-8")
    print("\n".join(parts), end="")


if __name__ == "__main__":
    main()
