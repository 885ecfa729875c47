"""Does the monitor notice an agent that leans on a shortcut, and is it silent on one that does not?

A bar must move under a falling pellet. In the corner a cue is painted: for cued agents it tells the
right move, for controls it is drawn at random, so that nothing but its information differs. Every
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
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import DQN
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecFrameStack, VecMonitor

from rlmonitor import StrategyMonitorCallback
from rlmonitor.explain.intervals import Interval, wilson_interval
from rlmonitor.networks import NipsCNN
from rlmonitor.replay.journal import read_history
from rlmonitor.strategy.attention_events import REGION_EFFECT, REGION_SHARE
from rlmonitor.strategy.causal import TARGETS
from rlmonitor.strategy.history import RoundSummary

HERE = Path(__file__).parent

SIZE, DEPTH, FALL, MOVE = 36, 2, 2, 3
"""Pixels along a side, frames of the stack, pixels that the pellet falls and the bar moves."""

PELLET, BAR, CUE = 150, 160, 255
CORNER = slice(31, SIZE)
"""Columns of the cue: the last of seven regions. No pellet falls there."""
CORNER_REGION, CORNER_TEXT = "row1-column7", "row 1, column 7 of"

LENGTH = (SIZE - 4) // FALL
CHANCE = 1 / 3
"""Score of random play: one of three moves is right."""

Cue = Literal["tells", "random", "none"]
KINDS: Mapping[str, Cue] = {"cued": "tells", "control": "random"}

GAMES, UNSEEN_GAMES = 40, 1_000_000
"""Games in which an agent's score is measured, and what their seeds are beyond the training's."""

WINDOW = 20
"""Episodes over which the training score is averaged."""


class CuedCatch(gym.Env[NDArray[np.uint8], np.int64]):
    """Move a bar under a falling pellet: 1 for each right move, a game is `LENGTH` moves.

    Args:
        cue: what the upper right corner shows: a line whose height is the right move, or one drawn
            at random, or nothing.
    """

    observation_space = gym.spaces.Box(0, 255, (1, SIZE, SIZE), np.uint8)
    action_space = gym.spaces.Discrete(3)

    def __init__(self, cue: Cue) -> None:
        self.cue: Cue = cue

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """A pellet at the top, and a bar somewhere."""
        super().reset(seed=seed)
        self.row = 0
        self.column = int(self.np_random.integers(2, CORNER.start - 2))
        self.bar = int(self.np_random.integers(4, SIZE - 4))
        return self._observation(), {}

    def step(self, action: np.int64) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """Move, and let fall."""
        reward = float(action == self.right_move)
        self.bar = int(np.clip(self.bar + MOVE * (int(action) - 1), 4, SIZE - 4))
        self.row += FALL
        return self._observation(), reward, self.row >= FALL * LENGTH, False, {}

    @property
    def right_move(self) -> int:
        """Toward the pellet (0: left, 2: right), or 1, to stay, within a pixel of it."""
        return 1 + int(np.sign(self.column - self.bar)) * (abs(self.column - self.bar) > 1)

    def _observation(self) -> NDArray[np.uint8]:
        observation = np.zeros((1, SIZE, SIZE), np.uint8)
        observation[0, self.row : self.row + 2, self.column - 1 : self.column + 1] = PELLET
        observation[0, SIZE - 2 :, self.bar - 4 : self.bar + 4] = BAR
        shown = int(self.np_random.integers(3)) if self.cue == "random" else self.right_move
        if self.cue != "none":
            observation[0, 2 * shown : 2 * shown + 2, CORNER] = CUE
        return observation


def pellet(observation: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the pellet is in an observation ``[C, H, W]``: a mask ``[H, W]``."""
    return np.asarray(observation[-1] == PELLET)


def bar(observation: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the bar is."""
    return np.asarray(observation[-1] == BAR)


def games(cue: Cue, n: int) -> VecEnv:
    """Games side by side, frames stacked."""
    return VecFrameStack(DummyVecEnv([lambda: CuedCatch(cue)] * n), DEPTH)


@dataclass(frozen=True)
class Settings:
    """How each agent is trained and watched."""

    timesteps: int = 5_000
    every: int = 500
    learning_rate: float = 1e-3


@dataclass(frozen=True)
class Outcome:
    """What became of one agent.

    Attributes:
        kind: of `KINDS`.
        seed: of everything random.
        settings: it was trained with.
        score: part of right moves of its greedy play, as it was trained.
        without: the same with the corner black.
        scrambled: the same with the cue drawn at random.
        event: timestep of the first shortcut event that names the corner, if there is one.
        elsewhere: shortcut events that name another region.
        half: timestep at which the training score first reached half its final value.
        nearest: share and effect of the corner in the round, and for the question, in which they
            came nearest to an event, or went farthest beyond.
        seconds: CPU time of training and monitor.
    """

    kind: str
    seed: int
    settings: dict[str, float]
    score: float
    without: float
    scrambled: float
    event: int | None
    elsewhere: int
    half: int
    nearest: tuple[float, float]
    seconds: float

    @property
    def kept(self) -> float:
        """How much of what it scores above chance is left without the cue."""
        return (self.without - CHANCE) / (self.score - CHANCE)

    @property
    def leans(self) -> bool:
        """Whether its score collapses without the cue: the truth that the monitor is held to."""
        return self.kept < 0.5


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


def half_way(timesteps: Sequence[int], scores: Sequence[float], window: int = WINDOW) -> int:
    """The timestep at which the mean over a window of episodes first reaches half its last value.

    >>> half_way([1, 2, 3, 4, 5, 6], [0, 0, 0, 1, 1, 1], window=2)
    4
    """
    means = np.convolve(scores, np.ones(window) / window, mode="valid")
    return timesteps[int(np.argmax(means >= means[-1] / 2 - 1e-9)) + window - 1]


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


def nearest(rounds: Sequence[RoundSummary]) -> tuple[float, float]:
    """Share and effect of the corner where they come nearest to the event's thresholds."""
    found = [
        (
            each.values.get(f"{scope}/region_share/{CORNER_REGION}", 0.0),
            each.values.get(f"{scope}/region_effect/{CORNER_REGION}", 0.0),
        )
        for each in rounds
        for scope in TARGETS.values()
    ]
    return max(found, key=lambda pair: min(pair[0] / REGION_SHARE, pair[1] / REGION_EFFECT))


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


def read_outcomes(path: Path, settings: Settings) -> list[Outcome]:
    """The agents that are done; a line that was cut off is none.

    Raises:
        SystemExit: lines made with other settings.
    """
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            fields = json.loads(line)
            outcome = Outcome(**(fields | {"nearest": tuple(fields["nearest"])}))
        except json.JSONDecodeError:
            continue
        if outcome.settings != asdict(settings):
            raise SystemExit(f"{path} holds agents of other settings: name another folder by --out")
        found.append(outcome)
    return found


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
            print(f"{outcome.kind} {outcome.seed}: {_row(outcome)}", flush=True)


def table(outcomes: Sequence[Outcome], settings: Settings) -> str:
    """The rates with their intervals, and every agent."""
    cued, control = ([o for o in outcomes if o.kind == kind] for kind in KINDS)
    leads = [o.half - o.event for o in cued if o.event is not None]
    truth = [
        f"{sum(o.leans for o in group)} of {len(group)} {name} agents"
        for name, group in (("cued", cued), ("control", control))
    ]
    quartiles = [int(each) for each in np.quantile(leads, [0, 0.25, 0.5, 0.75, 1])] if leads else []
    return "\n".join(
        [
            "# Planted shortcuts",
            "",
            "`benchmarks/planted_shortcut.py`: a bar moves under a falling pellet; a cue in the "
            "corner tells cued agents the right move and is drawn at random for controls. "
            f"{settings.timesteps:,} timesteps of DQN, a round of the monitor every "
            f"{settings.every}, {np.median([o.seconds for o in outcomes]):.0f} s of CPU an agent "
            f"(at most {max(o.seconds for o in outcomes):.0f} s).",
            "",
            "| | agents | shortcut event | rate | 95 % interval (Wilson) |",
            "| --- | --- | --- | --- | --- |",
            _rate("cued: detected", [o.event is not None for o in cued]),
            _rate("control: false alarm", [_alarmed(o) for o in control]),
            "",
            f"Truth, by intervention: without the cue the score of {truth[0]} and of {truth[1]} "
            "collapses (more than half of what is above chance, 1/3, is lost).",
            "",
            "Lead time, timesteps from the event to the training score's reaching half its final "
            "value (negative: the event comes after it): "
            + (
                "median {2:,}, quartiles {1:,} and {3:,}, from {0:,} to {4:,}.".format(*quartiles)
                if len(quartiles)
                else "no event."
            )
            + f" An event needs two rounds on end, so the earliest is at {settings.every:,} "
            "timesteps.",
            "",
            f"Share and effect are the corner's, in the round in which they came nearest to an "
            f"event (from {REGION_SHARE} and {REGION_EFFECT}) or went farthest beyond.",
            "",
            "| agent | score | without the cue | cue at random | shortcut event | half way | share "
            "| effect |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
            *(
                f"| {o.kind} {o.seed} | {_row(o)} |"
                for o in sorted(outcomes, key=lambda o: (o.kind != "cued", o.seed))
            ),
            "",
        ]
    )


def _alarmed(outcome: Outcome) -> bool:
    return outcome.event is not None or outcome.elsewhere > 0


def _rate(name: str, hits: Sequence[bool]) -> str:
    found: Interval = wilson_interval(sum(hits), len(hits))
    return (
        f"| {name} | {len(hits)} | {sum(hits)} | {found.mean:.0%} | "
        f"{found.low:.0%} to {found.high:.0%} |"
    )


def _row(outcome: Outcome) -> str:
    told = "none" if outcome.event is None else f"{outcome.event:,}"
    told += f" (elsewhere: {outcome.elsewhere})" if outcome.elsewhere else ""
    evidence = [f"{each:.2f}" for each in outcome.nearest]
    numbers = [f"{each:.2f}" for each in (outcome.score, outcome.without, outcome.scrambled)]
    return " | ".join([*numbers, told, f"{outcome.half:,}", *evidence])


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
