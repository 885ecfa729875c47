"""Agents that never change, monitored again and again: what every event must keep silent about.

A shipped Breakout agent plays round after round, as the monitor lets it play, with its weights as
they are. Rounds are kept in a folder, because they take a minute of one core for each agent and
seed; `benchmarks/false_alarms.py` draws trainings of constant agents from them::

    python benchmarks/constant_agents.py
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rlmonitor.environment import make_monitor_env
from rlmonitor.lrp import network_of
from rlmonitor.monitor_settings import MonitorSettings
from rlmonitor.recording import spread
from rlmonitor.replay.checkpoints import load_checkpoint, q_network
from rlmonitor.rollout import Player
from rlmonitor.round import Analysis, analyse
from rlmonitor.strategy.features import FEATURE_SHAPE
from rlmonitor.strategy.history import RoundSummary
from rlmonitor.strategy.novelty import novelty_of
from rlmonitor.strategy.spray import Cluster, Spray, spray
from rlmonitor.strategy.timeline import Timeline, advance

HERE = Path(__file__).parent
CHECKPOINTS = HERE.parent / "agents" / "breakout-short" / "checkpoints"
KEPT = HERE.parent / "runs" / "constant-agents"
AGENTS, SEEDS, ROUNDS = (50_000, 250_000, 550_000, 800_000), (100, 101), 25


@dataclass(frozen=True)
class ConstantRound:
    """What one round of a constant agent says.

    Attributes:
        values: relative relevance by curve, as ``value/relative/ball``.
        clusters: of the maps.
        shares: element to ``[N]``, its part of each map.
    """

    values: Mapping[str, float]
    clusters: Spray
    shares: Mapping[str, NDArray[np.float64]]


def rounds_of(agent: int, seed: int, n: int = ROUNDS, folder: Path = KEPT) -> list[ConstantRound]:
    """Rounds of the agent of so many timesteps, played now or kept from an earlier call."""
    path = folder / f"{agent:07d}-{seed}-{n}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {}
        for i, each in enumerate(_play(agent, seed, n)):
            arrays |= {f"{i}/{name}": value for name, value in _arrays(each).items()}
        np.savez_compressed(path, **arrays)
    with np.load(path, allow_pickle=False) as kept:
        return [_read(kept, str(i)) for i in range(n)]


def followed(rounds: Sequence[ConstantRound]) -> tuple[RoundSummary, ...]:
    """The strategies of a training's rounds, as the detectors of events read them."""
    timeline, summaries = Timeline(), []
    for i, each in enumerate(rounds):
        novelty = novelty_of(timeline.strategies, each.clusters)
        timeline, moment = advance(timeline, each.clusters, i, each.shares)
        values = {f"strategy/cluster/{k}": v for k, v in (moment.occupancy or {}).items()}
        if novelty is not None:
            values["strategy/novelty"] = novelty.score
        summaries.append(RoundSummary(i, values | {"strategy/clusters": float(moment.clusters)}))
    return tuple(summaries)


def _play(agent: int, seed: int, n: int) -> Iterator[Analysis]:
    network = network_of(q_network(load_checkpoint(CHECKPOINTS / f"{agent:07d}.safetensors")))
    player, settings = Player(make_monitor_env("breakout", seed=seed), seed=seed), MonitorSettings()

    def forward(seen: NDArray[Any]) -> NDArray[np.float32]:
        with torch.no_grad():
            return network.forward(seen).numpy()

    for _ in range(n):
        play = player.play(forward, settings.n_frames * settings.spacing)
        yield analyse(network, spread(play, settings.n_frames), composite=settings.composite)
    player.close()


def _arrays(found: Analysis) -> dict[str, NDArray[Any]]:
    clusters = spray(found.relevance["advantage"])
    pooled = found.pooled["advantage"]
    relative = {
        f"{scope}/relative/{element}": np.float64(value)
        for scope, target in (("value", "q"), ("choice", "advantage"))
        for element, value in found.statistics[target].relative.items()
        if element != "rest"
    }
    shares = {f"share/{name}": pooled.share[name] for name in found.recording.masks}
    parts = {"features": clusters.features, "labels": clusters.labels, **shares, **relative}
    return {name: np.asarray(value) for name, value in parts.items()}


def _read(kept: Any, number: str) -> ConstantRound:
    parts = {k.removeprefix(f"{number}/"): kept[k] for k in kept if k.startswith(f"{number}/")}
    features, labels = parts.pop("features"), parts.pop("labels")
    return ConstantRound(
        values={name: float(v) for name, v in parts.items() if not name.startswith("share/")},
        clusters=Spray(features, labels, _clusters(features, labels)),
        shares={n.removeprefix("share/"): v for n, v in parts.items() if n.startswith("share/")},
    )


def _clusters(features: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[Cluster, ...]:
    """Clusters by their members; pictures at the resolution of the features."""
    members = [np.flatnonzero(labels == label) for label in range(labels.max() + 1)]
    pictures = [features[at].mean(axis=0).reshape(FEATURE_SHAPE) for at in members]
    inside = np.count_nonzero(labels >= 0)
    return tuple(
        Cluster(at, len(at) / inside, picture, ())
        for at, picture in zip(members, pictures, strict=True)
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Play all rounds that are not kept yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each agent and seed")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    for agent in AGENTS:
        for seed in SEEDS:
            found = rounds_of(agent, seed, args.rounds)
            print(f"{agent:,} timesteps, seed {seed}: {len(found)} rounds")


if __name__ == "__main__":
    main()
