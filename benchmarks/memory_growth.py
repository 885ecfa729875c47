"""Whether a monitor's memory grows: what 1,000 rounds in one process take, files apart.

A DQN on a small game, a round at every timestep with few frames and all that belongs to a round
(trial games, probe, checks, clusters, clips, event file, store); nothing learns, so that nothing
else grows. Writes a table and a plot::

    python benchmarks/memory_growth.py --rounds 1000
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from cued_catch import CuedCatch
from stable_baselines3 import DQN
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.vec_env import DummyVecEnv

from rlmonitor import StrategyMonitorCallback

HERE = Path(__file__).parent
SETTLED = 100
"""Rounds after which caches, pools and lazily imported modules are there."""


def taken() -> float:
    """Memory of this process in MB that no file holds as well, swapped out or not.

    Pages of libraries, and what lies idle, come and go with what else the machine does.
    """
    lines = dict(line.split(":", 1) for line in open("/proc/self/status"))  # noqa: SIM115
    return sum(int(lines[name].split()[0]) for name in ("RssAnon", "VmSwap")) / 1e3


class Watch(BaseCallback):
    """Notes the memory after every timestep, one round each."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[float] = []

    def _on_step(self) -> bool:
        if self.num_timesteps % 10 == 0:  # a quarter of a second, because of all of torch's modules
            gc.collect()
        self.seen.append(taken())
        if self.num_timesteps % 50 == 0:
            print(self.num_timesteps, f"{self.seen[-1]:.1f} MB", flush=True)
        return True


def measure(rounds: int, folder: Path) -> list[float]:
    """Resident memory in MB after each round."""
    torch.set_num_threads(1)
    env = DummyVecEnv([lambda: CuedCatch("tells")])
    model = DQN(
        "CnnPolicy", env, buffer_size=100, learning_starts=10 * rounds, seed=0,
        policy_kwargs={"net_arch": [8]}, tensorboard_log=str(folder),
    )  # fmt: skip
    watching = StrategyMonitorCallback(every=1, n_frames=24, clip_frames=4, keep=3)
    seen = Watch()
    model.learn(rounds, callback=CallbackList([watching, seen]))
    faults = [event for event in watching.events if event.kind == "fault"]
    if faults:
        warnings.warn(f"{len(faults)} rounds failed: {faults[0].text}", stacklevel=1)
    return seen.seen


def table(seen: Sequence[float], seconds: float) -> str:
    """Growth as Markdown."""
    shown = [n for n in (1, 50, SETTLED, 250, 500, 750, 1_000) if n <= len(seen)]
    rows = "\n".join(f"| {n:,} | {seen[n - 1]:.0f} |" for n in shown)
    first = min(SETTLED, len(seen)) - 1
    told = (
        f"Memory of the process's own grew by {seen[-1] - seen[0]:.0f} MB from the first round to "
        "the last, "
        f"and by {seen[-1] - seen[first]:.0f} MB from round {first + 1} on, at "
        f"{seconds / len(seen):.1f} s a round on a busy machine. `benchmarks/memory_growth.py`"
    )
    head = f"# Memory of {len(seen):,} rounds in one process\n\n{told}"
    rows = f"| rounds | memory, MB |\n| --- | --- |\n{rows}"
    return f"{head}\n\n{rows}\n\n![](memory_growth.png)\n"


def draw(seen: Sequence[float], path: Path) -> None:
    """Memory against rounds."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    axes.plot(np.arange(1, len(seen) + 1), seen)
    axes.set(xlabel="rounds", ylabel="memory, MB", ylim=(0, None))
    figure.savefig(path, dpi=120)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=1_000)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "memory_growth.md")
    given = parser.parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        seen = measure(given.rounds, Path(folder))
    text = table(seen, time.monotonic() - began)
    print(text)
    given.out.write_text(text, encoding="utf-8")
    draw(seen, given.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
