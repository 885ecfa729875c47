"""What the monitor costs a training: pairs of pieces of one DQN's training, without and with it.

Fifty thousand timesteps, between which one round runs by default, take minutes. So one training
goes on in short pieces, by turns without the monitor and with just one round, and the difference
stands against the time of 50,000 timesteps at the speed of the pieces without. Times are of the
CPU, all threads together. The parts of a round are timed where they are called. The first rounds of
a run, which are all full, go before; with a multiple of three pairs, one in three is full as later
in a training. Writes a table::

    python benchmarks/overhead.py nips
    python benchmarks/overhead.py nature
    python benchmarks/overhead.py make_atari_env    # stable-baselines3's DQN as it comes
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import VecFrameStack
from stable_baselines3.dqn import DQN
from training import plain

from rlmonitor import StrategyMonitorCallback, logbook, monitor
from rlmonitor import round as rounds
from rlmonitor.configuration import Configuration, parse_configuration
from rlmonitor.monitor_settings import ALL_FULL, MonitorSettings
from rlmonitor.ram_check import RamCheck
from rlmonitor.replay import packing, store
from rlmonitor.training import _tuned, make_env, make_model

HERE = Path(__file__).parent
EVERY = 50_000
PIECE = 640
"""Timesteps of a piece; a round runs in every second one."""

PARTS: dict[str, Sequence[tuple[Any, str]]] = {
    "rollout": [(monitor.Monitor, "_play")],
    "LRP and statistics": [(rounds, "analyse")],
    "checks (taking away, flipping)": [
        (monitor, "Backdrop"), (monitor, "remove_elements"),
        (rounds, "effects"), (rounds, "_spot_checks"),
    ],
    "console memory": [(RamCheck, "effects")],
    "clusters": [(rounds, "spray"), (rounds, "explain_clusters"), (rounds, "follow")],
    "pictures and clips": [(logbook, "drawn"), (logbook, "show_sheet")],
    "writing to disk": [
        (packing, "packed"), (store, "write_packed"), (logbook, "append_round"),
    ],
}  # fmt: skip


TRAININGS = {
    "nips": "`rlmonitor train`, NIPS network",
    "nature": "`rlmonitor train`, NatureCNN",
    "make_atari_env": "stable-baselines3's DQN on `make_atari_env`, NIPS network",
}
"""Trainings that are measured."""


class Looking(BaseCallback):
    """Hands every step to a monitor that has been begun once and for all."""

    def __init__(self, watching: StrategyMonitorCallback) -> None:
        super().__init__()
        self._watching = watching

    def _on_step(self) -> bool:
        return self._watching.on_step()


def configuration(network: str) -> Configuration:
    """The default settings, with a smaller buffer."""
    training = {"learning_starts": PIECE, "buffer_size": 20_000, "exploration_timesteps": PIECE}
    return parse_configuration(
        {"agent": {"network": network}, "training": training}, "the benchmark"
    )


@contextmanager
def made(name: str) -> Iterator[DQN]:
    """A training's model, on one thread."""
    if name == "make_atari_env":
        torch.set_num_threads(1)
        settings = configuration("nips")
        games = make_atari_env("BreakoutNoFrameskip-v4", settings.training.n_envs)
        with closing(VecFrameStack(games, 4)) as stacked:
            yield plain(settings, stacked)
        return
    settings = configuration(name)
    with _tuned(1), closing(make_env(settings)) as env:
        yield make_model(settings, env)


def timed_parts(spent: dict[str, float]) -> None:
    """Add up the CPU time of the parts from now on, each without the parts within it."""
    within: list[float] = []

    def timed(part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def timing(*args: Any, **kwargs: Any) -> Any:
            within.append(0.0)
            began = time.process_time()
            try:
                return call(*args, **kwargs)
            finally:
                seconds = time.process_time() - began
                spent[part] += seconds - within.pop()
                if within:
                    within[-1] += seconds

        return timing

    for part, calls in PARTS.items():
        for owner, name in calls:
            setattr(owner, name, timed(part, getattr(owner, name)))


def measure(name: str, pairs: int) -> dict[str, Any]:
    """CPU seconds of the pieces without and with a round, pair by pair, and of a round's parts."""
    spent = defaultdict[str, float](float)
    with tempfile.TemporaryDirectory() as folder, made(name) as model:
        model.set_logger(configure(folder, ["tensorboard"]))
        watching = StrategyMonitorCallback(every=2 * PIECE, run_dir=folder)
        timed_parts(spent)

        def piece(callback: BaseCallback | None) -> float:
            began = time.process_time()
            model.learn(PIECE, callback, log_interval=10**9, reset_num_timesteps=False)
            return time.process_time() - began

        piece(None)
        watching.init_callback(model)
        for _ in range(2 * ALL_FULL - 1):  # warms up; from here on not every round is full
            piece(Looking(watching))
        spent.clear()
        without, with_round = [], []
        for _ in range(pairs):
            without.append(piece(None))
            with_round.append(piece(Looking(watching)))
        faults = [event for event in watching.events if event.kind == "fault"]
        assert not faults, faults
        watching.on_training_end()
    parts = {part: seconds / pairs for part, seconds in spent.items()}
    return {"network": name, "without": without, "with": with_round, "parts": parts}


def row(result: dict[str, Any]) -> str:
    """One network's numbers as Markdown."""
    without, watched = np.array(result["without"]), np.array(result["with"])
    cost = watched - without
    share = cost / (without / PIECE * EVERY)
    speed = PIECE / np.median(without)
    each = ", ".join(f"{100 * one:.1f}" for one in share)
    full = (ALL_FULL + np.arange(len(share))) % MonitorSettings().full_every == 0
    return (
        f"| {TRAININGS[result['network']]} | {speed:.0f} | {np.median(cost):.1f} | "
        f"**{100 * np.median(share):.1f} %** | {100 * share.mean():.1f} % | "
        f"{100 * share[full].mean():.1f} % | {each} |"
    )


def table(results: Sequence[dict[str, Any]]) -> str:
    """All numbers as Markdown."""
    rows = "\n".join(map(row, results))
    names = " | ".join(each["network"] for each in results)
    parts = "\n".join(
        f"| {part} | " + " | ".join(f"{each['parts'].get(part, 0):.2f}" for each in results) + " |"
        for part in PARTS
    )
    rule = " | ".join("---" for _ in results)
    return (
        "# What the monitor costs a training\n\n"
        f"One round in {EVERY:,} timesteps, as by default; DQN on Breakout with the default "
        f"settings, pairs of {PIECE} timesteps without and with a round, one thread, CPU time. The "
        f"time of {EVERY:,} timesteps is extrapolated from the pieces without. One round in three "
        f"is full, with pictures and a trial game, as from round {ALL_FULL + 1} of a run on; "
        "before, all are (`benchmarks/overhead.py`).\n\n"
        "| training | timesteps per CPU second | a round, CPU s | median overhead | mean | full | "
        f"pairs, % |\n| --- | --- | --- | --- | --- | --- | --- |\n{rows}\n\n"
        f"| part of a round, CPU s | {names} |\n| --- | {rule} |\n{parts}\n"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark; networks measured before stay in the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("networks", nargs="*", choices=[*TRAININGS, []])
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "overhead.md")
    given = parser.parse_args(arguments)
    numbers = given.out.with_suffix(".json")
    known = json.loads(numbers.read_text()) if numbers.exists() else {}
    for network in given.networks or TRAININGS:
        known[network] = measure(network, given.pairs)
    numbers.write_text(json.dumps(known, indent=1) + "\n")
    text = table(list(known.values()))
    print(text)
    given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
