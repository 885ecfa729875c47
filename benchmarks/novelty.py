"""How well `strategy/novelty` tells rounds in which the agent changed from those in which not.

Constant agents: shipped Breakout networks whose weights stand still while they play round after
round. A change: a round of another network among them. Measured by the area under the ROC curve of
the rounds (1 tells all of them apart, 0.5 none), and by the part of the changes that stand above
every constant round. Beside it the part of the frames beyond the reach of the strategies' exemplars
and the distance to the nearest exemplar, over that reach. Writes a Markdown table::

    python benchmarks/novelty.py
    python benchmarks/novelty.py --rounds 6 --out /tmp
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances, roc_auc_score

from rlmonitor.environment import make_monitor_env
from rlmonitor.lrp import network_of
from rlmonitor.recording import spread
from rlmonitor.replay.checkpoints import load_checkpoint, q_network
from rlmonitor.rollout import Player
from rlmonitor.round import analyse
from rlmonitor.strategy.novelty import novelty_of
from rlmonitor.strategy.spray import Spray, spray
from rlmonitor.strategy.timeline import Strategy, Timeline, advance

HERE = Path(__file__).parent
CHECKPOINTS = HERE.parent / "agents" / "breakout-short" / "checkpoints"
AGENTS = ("0050000", "0250000", "0550000", "0800000")
ALIKE = frozenset({"0550000", "0800000"})
"""Two that play alike, between which no change is asked for."""

Measure = Callable[[Sequence[Strategy], Spray], float]


def one_class(known: Sequence[Strategy], found: Spray) -> float:
    """``strategy/novelty``; 1 where it says nothing."""
    novelty = novelty_of(known, found)
    return 1.0 if novelty is None else novelty.score


def _reach(known: Sequence[Strategy], found: Spray) -> NDArray[np.float64]:
    points = found.features[found.labels >= 0]
    near = [pairwise_distances(points, s.exemplars).min(axis=1) / s.reach for s in known]
    return np.asarray(np.min(near, axis=0), np.float64)


MEASURES: dict[str, Measure] = {
    "one-class SVM over held-out maps (`strategy/novelty`)": one_class,
    "part of the frames out of reach": lambda k, f: float((_reach(k, f) > 1).mean()),
    "mean distance over reach": lambda k, f: float(_reach(k, f).mean()),
}


def rounds_of(agent: str, n: int) -> list[Spray]:
    """The clusters of n rounds of one agent's own play."""
    network = network_of(q_network(load_checkpoint(CHECKPOINTS / f"{agent}.safetensors")))
    player = Player(make_monitor_env("breakout", seed=1), seed=1)
    found = []
    for _ in range(n):
        play = spread(player.play(lambda seen: network.forward(seen).numpy(), 512), 128)
        analysed = analyse(network, play, composite="epsilon-gamma-box")
        found.append(spray(analysed.relevance["advantage"]))
    player.close()
    return found


def measured(
    rounds: dict[str, list[Spray]], agent: str, measure: Measure
) -> tuple[list[float], list[float]]:
    """Its numbers in an agent's rounds, and in every third one as if another had played it."""
    timeline, constant, changed = Timeline(), [], []
    others = [a for a in rounds if a != agent and not {a, agent} <= ALIKE]
    for at, found in enumerate(rounds[agent]):
        if timeline.strategies:
            constant.append(measure(timeline.strategies, found))
            if at % 3 == 2:
                changed += [measure(timeline.strategies, rounds[other][at]) for other in others]
        timeline, _ = advance(timeline, found, at)
    return constant, changed


def row(name: str, rounds: dict[str, list[Spray]], measure: Measure) -> str:
    """A measure's line of the table."""
    told, above, cells = [], [], []
    for agent in rounds:
        constant, changed = measured(rounds, agent, measure)
        truth = np.repeat([0, 1], [len(constant), len(changed)])
        told.append(float(roc_auc_score(truth, constant + changed)))
        above.append(float(np.mean(np.array(changed) > max(constant))))
        spread_of = f"{np.mean(constant):.3g} ±{np.std(constant):.2g}"
        cells.append(f"{spread_of}; {np.median(changed):.3g}; {told[-1]:.2f}")
    return f"| {name} | {np.mean(told):.2f} | {np.mean(above):.0%} | {' | '.join(cells)} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Play, measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=20, help="of each agent")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the table")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rounds = {agent: rounds_of(agent, args.rounds) for agent in AGENTS}
    heads = [f"{int(agent):,}: constant; changed; area" for agent in AGENTS]
    lines = [
        "# Novelty of rounds",
        "",
        f"{args.rounds} rounds of 128 frames of four Breakout agents that do not learn, and rounds "
        "of another of them among these (not between the last two, which play alike). Area under "
        "the ROC curve of constant against changed rounds, mean over the agents; changed rounds "
        "above every constant one; then, by agent: mean and spread of constant rounds, median of "
        "changed ones, area.",
        "",
        f"| measure | area | above all | {' | '.join(heads)} |",
        f"| --- | --- | --- |{' --- |' * len(AGENTS)}",
        *(row(name, rounds, measure) for name, measure in MEASURES.items()),
    ]
    text = "\n".join(lines) + "\n"
    (args.out / "novelty.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
