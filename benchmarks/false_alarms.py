"""How often events cry wolf over agents that never change, and how soon they see a change.

Onset and shift: simulated curves with noise of several kinds, and the curves of shipped Breakout
agents whose weights stand still (`benchmarks/constant_agents.py`); trainings are made of stretches
of these in random order (the stationary bootstrap of Politis and Romano 1994), so that rounds stay
as alike from one to the next as they are. New strategies: trainings of the same agents' rounds in
random order, and trainings in which another agent takes over. Writes a Markdown table::

    python benchmarks/false_alarms.py
    python benchmarks/false_alarms.py --trainings 1000
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from constant_agents import AGENTS, SEEDS, ConstantRound, followed, rounds_of
from numpy.typing import NDArray
from scipy.signal import lfilter

from rlmonitor.explain.intervals import wilson_interval
from rlmonitor.strategy.behaviour_events import NEW_STRATEGY_FALSE_ALARMS, new_strategy
from rlmonitor.strategy.changes import FALSE_ALARMS, change_points, spent
from rlmonitor.strategy.detectors import replay
from rlmonitor.strategy.history import History, RoundSummary

HERE = Path(__file__).parent
LENGTH, CURVES, LEVEL, SPREAD = 100, 10, 3.0, 0.5
STRETCH = 10
"""Rounds on end in a bootstrapped training, on average."""
STRATEGY_ROUNDS, TAKEN_OVER_AT = 25, 10
TAKEOVERS = 6
"""Trainings of each pair of agents."""

Array = NDArray[np.float64]
Noise = Callable[[np.random.Generator, tuple[int, ...]], Array]

NOISES: dict[str, Noise] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "uniform": lambda rng, shape: rng.uniform(-(3**0.5), 3**0.5, shape),
    "Laplace": lambda rng, shape: rng.laplace(size=shape) / 2**0.5,
    "Student's t, 3 degrees": lambda rng, shape: rng.standard_t(3, shape) / 3**0.5,
    "log-normal": lambda rng, shape: (np.exp(rng.normal(size=shape)) - 1.65) / 2.16,
    "rounds correlated by 0.3": lambda rng, shape: _correlated(rng, shape, 0.3),
    "rounds correlated by 0.6": lambda rng, shape: _correlated(rng, shape, 0.6),
}
"""Name to noise of mean 0 and standard deviation 1."""


def _correlated(rng: np.random.Generator, shape: tuple[int, ...], by: float) -> Array:
    return np.asarray(lfilter([(1 - by**2) ** 0.5], [1, -by], rng.normal(size=shape)))


def alarmed(curves: Iterable[Array]) -> bool:
    """Whether any of a training's curves has a change."""
    return any(change_points(c, spent(FALSE_ALARMS, k)) for k, c in enumerate(curves, start=1))


def simulated(noise: Noise, rng: np.random.Generator) -> Array:
    """The curves ``[K, R]`` of one training of a constant agent."""
    return np.maximum(LEVEL * (1 + SPREAD * noise(rng, (CURVES, LENGTH))), 0)


def bootstrapped(plays: Sequence[Sequence[ConstantRound]], rng: np.random.Generator) -> list[Array]:
    """The curves of one training made of stretches of an agent's rounds."""
    rounds: list[ConstantRound] = []
    while len(rounds) < LENGTH:
        play = plays[int(rng.integers(len(plays)))]
        start, length = int(rng.integers(len(play))), int(rng.geometric(1 / STRETCH))
        rounds += [play[(start + i) % len(play)] for i in range(length)]
    names = sorted({name for each in rounds for name in each.values})
    return [
        np.array([each.values[name] for each in rounds[:LENGTH] if name in each.values])
        for name in names
    ]


def shuffled(
    rounds: Sequence[ConstantRound], n: int, rng: np.random.Generator
) -> list[ConstantRound]:
    """So many of an agent's rounds, none twice: a round seen again would have nothing new."""
    return [rounds[i] for i in rng.permutation(len(rounds))[:n]]


def told(rounds: tuple[RoundSummary, ...]) -> list[int]:
    """The rounds, counted from 0, after which a new strategy is told."""
    events = replay(History(rounds), {"new-strategy": new_strategy})
    return [event.timestep for event in events]


def delays(rng: np.random.Generator, factor: float, n: int) -> list[int]:
    """Rounds from a change of level by a factor to the alarm; a missed one counts as the rest."""
    found = []
    for _ in range(n):
        levels = np.repeat([1.0, factor], [20, LENGTH - 20])
        curve = np.maximum(levels * (1 + 0.15 * rng.normal(size=LENGTH)), 0)
        seen = [change.seen for change in change_points(curve, spent(FALSE_ALARMS, CURVES))]
        found.append(next((s - 19 for s in seen if s >= 20), LENGTH - 20))
    return found


def rate(name: str, alarms: Sequence[bool]) -> str:
    """A row of the table."""
    found = wilson_interval(sum(alarms), len(alarms))
    return (
        f"| {name} | {len(alarms)} | {sum(alarms)} | {found.mean:.1%} | "
        f"{found.low:.1%} to {found.high:.1%} |"
    )


HEAD = ["| | trainings | with an alarm | rate | 95 % interval |", "| --- | --- | --- | --- | --- |"]


def attention(plays: dict[int, list[list[ConstantRound]]], n: int) -> list[str]:
    """The part on onset and shift."""
    rng = np.random.default_rng(0)
    lines = [
        "## Onset and shift",
        "",
        f"Trainings of {LENGTH} rounds whose level is constant; simulated ones have {CURVES} "
        f"curves with noise of {SPREAD:.0%} of the level, real ones an agent's own, in stretches "
        f"of {STRETCH} rounds from {len(SEEDS)} plays. Stated: at most {FALSE_ALARMS:.0%} of the "
        "trainings.",
        "",
        *HEAD,
    ]
    for name, noise in NOISES.items():
        lines.append(rate(name, [alarmed(simulated(noise, rng)) for _ in range(n)]))
    for agent, own in plays.items():
        found = [alarmed(bootstrapped(own, rng)) for _ in range(n)]
        lines.append(rate(f"the agent of {agent:,} timesteps", found))
    lines += [
        "",
        "Rounds from a change after 20 rounds to the event, normal noise of 15 % of the level:",
        "",
        "| level times | median | 90 % of the trainings within |",
        "| --- | --- | --- |",
    ]
    for factor in (0.2, 0.5, 1.6, 2.0, 4.0):
        late = delays(rng, factor, n)
        lines.append(f"| {factor} | {np.median(late):.0f} | {np.quantile(late, 0.9):.0f} |")
    return lines


def strategies(plays: dict[int, list[list[ConstantRound]]], n: int) -> list[str]:
    """The part on new strategies."""
    rng = np.random.default_rng(1)
    rounds = {agent: [each for play in own for each in play] for agent, own in plays.items()}
    lines = [
        "## New strategy",
        "",
        f"Trainings of {STRATEGY_ROUNDS} of an agent's rounds in random order. Stated: at most "
        f"{NEW_STRATEGY_FALSE_ALARMS:.0%} of the trainings.",
        "",
        *HEAD,
    ]
    false: list[bool] = []
    for agent, own in rounds.items():
        drawn = [shuffled(own, STRATEGY_ROUNDS, rng) for _ in range(n // len(rounds))]
        alarms = [bool(told(followed(each))) for each in drawn]
        lines.append(rate(f"the agent of {agent:,} timesteps", alarms))
        false += alarms
    lines += [
        rate("all", false),
        "",
        f"After {TAKEN_OVER_AT} rounds another agent takes over. Seen: told within 5 rounds.",
        "",
        "| from | to | trainings | seen | rounds until told | novelty |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for before, after in combinations(rounds, 2):
        trainings = [
            shuffled(rounds[before], TAKEN_OVER_AT, rng) + shuffled(rounds[after], 5, rng)
            for _ in range(TAKEOVERS)
        ]
        histories = [followed(each) for each in trainings]
        late = [[r - TAKEN_OVER_AT + 1 for r in told(h) if r >= TAKEN_OVER_AT] for h in histories]
        seen = [each[0] for each in late if each]
        novelty = [h[TAKEN_OVER_AT].values["strategy/novelty"] for h in histories]
        lines.append(
            f"| {before:,} | {after:,} | {len(late)} | {len(seen)} | "
            f"{f'{np.median(seen):.0f}' if seen else ''} | {np.median(novelty):.1f} |"
        )
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Count, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trainings", type=int, default=300, help="of each kind")
    parser.add_argument("--strategy-trainings", type=int, default=120, help="of all agents")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the table")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    plays = {agent: [rounds_of(agent, seed) for seed in SEEDS] for agent in AGENTS}
    lines = ["# False alarms over agents that never change", ""]
    lines += [*attention(plays, args.trainings), "", *strategies(plays, args.strategy_trainings)]
    text = "\n".join(lines) + "\n"
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "false_alarms.md").write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
