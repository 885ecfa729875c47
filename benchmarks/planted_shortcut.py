"""Does the monitor notice an agent that leans on a shortcut, and is it silent on one that does not?

Agents play a game in whose corner a cue tells the right move (`benchmarks/cued_catch.py`). Every
agent is a DQN of stable-baselines3 under the monitor's callback, as a user would train it. Whether
it really leans on the cue is measured by intervention: its score with the cue painted over.

Each agent's outcome is a line in ``results/planted_shortcut.jsonl``; whoever stops this and starts
it again goes on with the agents that are missing. Writes a Markdown table::

    python benchmarks/planted_shortcut.py
    python benchmarks/planted_shortcut.py --seeds 5 --first-seed 1000 --workers 2 --out /tmp/other
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from cued_catch import CORNER_TEXT, KINDS, LENGTH, Cue, CuedCatch, bar, games, pellet
from shortcut_outcomes import Outcome, Settings, half_way, nearest, read_outcomes, row, table
from stable_baselines3 import DQN
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv, VecMonitor

from rlmonitor import StrategyMonitorCallback
from rlmonitor.networks import NipsCNN
from rlmonitor.replay.journal import read_history

HERE = Path(__file__).parent

GAMES, UNSEEN_GAMES = 40, 1_000_000
"""Games in which an agent's score is measured, and what their seeds are beyond the training's."""


class Scores(BaseCallback):
    """Keeps the score of every episode of the training, with its timestep."""

    def __init__(self) -> None:
        super().__init__()
        self.timesteps: list[int] = []
        self.scores: list[float] = []

    def _on_step(self) -> bool:
        for info in self.locals["infos"]:
            if "episode" in info:
                self.timesteps.append(self.num_timesteps)
                self.scores.append(float(info["episode"]["r"]) / LENGTH)
        return True


def score(model: DQN, cue: Cue, seed: int) -> float:
    """Part of right moves of an agent's greedy play."""
    env = games(cue, GAMES)
    env.seed(seed)
    seen, rewards = env.reset(), []
    for _ in range(LENGTH):
        with torch.no_grad():
            action = model.q_net(torch.as_tensor(np.asarray(seen))).argmax(dim=1).numpy()
        seen, reward, _, _ = env.step(action)
        rewards.append(reward.mean())
    return float(np.mean(rewards))


def run(kind: str, seed: int, settings: Settings) -> Outcome:
    """Train one agent under the monitor, then take the cue away."""
    torch.set_num_threads(1)
    cue, began = KINDS[kind], time.process_time()
    scores = Scores()
    with tempfile.TemporaryDirectory() as folder:
        monitor = StrategyMonitorCallback(
            lambda: CuedCatch(cue),
            every=settings.every,
            n_frames=32,
            clip_frames=16,
            probe=None,
            elements={"pellet": pellet, "bar": bar},
            run_dir=folder,
            keep=0,
            seed=seed,
        )
        model = _model(VecMonitor(games(cue, 8)), settings, _spread(seed))
        model.learn(settings.timesteps, [scores, monitor])
        rounds = read_history(Path(folder)).rounds
    seconds = time.process_time() - began
    shortcuts = [event for event in monitor.events if event.kind == "shortcut"]
    named = [event for event in shortcuts if CORNER_TEXT in event.text]
    unseen = _spread(seed + UNSEEN_GAMES)
    return Outcome(
        kind=kind,
        seed=seed,
        settings=asdict(settings),
        score=score(model, cue, unseen),
        without=score(model, "none", unseen),
        scrambled=score(model, "random", unseen),
        event=named[0].timestep if named else None,
        elsewhere=len(shortcuts) - len(named),
        half=half_way(scores.timesteps, scores.scores),
        nearest=nearest(rounds),
        seconds=seconds,
    )


def _spread(seed: int) -> int:
    """A seed far from those of other agents: environments side by side take the ones after it."""
    return int(np.random.SeedSequence(seed).generate_state(1)[0]) >> 1


def _model(env: VecEnv, settings: Settings, seed: int) -> DQN:
    """Each move pays at once, so nothing is gained by looking further: discount 0."""
    return DQN(
        "CnnPolicy",
        env,
        learning_rate=settings.learning_rate,
        buffer_size=20_000,
        learning_starts=500,
        batch_size=64,
        gamma=0.0,
        train_freq=1,
        gradient_steps=1,
        target_update_interval=500,
        exploration_fraction=0.4,
        exploration_final_eps=0.05,
        policy_kwargs={
            "features_extractor_class": NipsCNN,
            "features_extractor_kwargs": {"features_dim": 64},
            "net_arch": [],
        },
        seed=seed,
    )


def run_missing(path: Path, seeds: Sequence[int], settings: Settings, workers: int) -> None:
    """Train the agents that have no line yet, and append theirs as they come."""
    done = {(outcome.kind, outcome.seed) for outcome in read_outcomes(path, settings)}
    # a seed of both kinds one after the other, so that a part of the run says something as well
    missing = [(kind, seed) for seed in seeds for kind in KINDS if (kind, seed) not in done]
    spawn = multiprocessing.get_context("spawn")
    with (
        path.open("a", encoding="utf-8") as lines,
        ProcessPoolExecutor(workers, mp_context=spawn) as pool,
    ):
        if lines.tell():
            lines.write("\n")  # whatever was cut off ends here
        for future in as_completed([pool.submit(run, *each, settings) for each in missing]):
            outcome = future.result()
            lines.write(json.dumps(asdict(outcome)) + "\n")
            lines.flush()
            print(f"{outcome.kind} {outcome.seed}: {row(outcome)}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is missing, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=30, help="agents of each kind")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--timesteps", type=int, default=Settings.timesteps)
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the table")
    args = parser.parse_args(arguments)
    settings = Settings(timesteps=args.timesteps)
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "planted_shortcut.jsonl"
    run_missing(path, seeds, settings, args.workers)
    outcomes = [o for o in read_outcomes(path, settings) if o.seed in seeds]
    text = table(outcomes, settings)
    (args.out / "planted_shortcut.md").write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
