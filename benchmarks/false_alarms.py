"""How often onset and shift cry wolf over agents that never change, and how soon they see a change.

Constant agents: simulated curves with noise of several kinds, and the shipped Breakout agent, whose
weights stand still while it plays round after round; trainings are drawn from its rounds with
replacement. Writes a Markdown table::

    python benchmarks/false_alarms.py
    python benchmarks/false_alarms.py --trainings 1000 --rounds 48
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import lfilter

from rlmonitor.environment import make_monitor_env
from rlmonitor.explain.intervals import wilson_interval
from rlmonitor.lrp import network_of
from rlmonitor.recording import spread
from rlmonitor.replay.checkpoints import load_checkpoint, q_network
from rlmonitor.rollout import Player
from rlmonitor.round import analyse
from rlmonitor.strategy.changes import FALSE_ALARMS, change_points, spent

HERE = Path(__file__).parent
CHECKPOINT = HERE.parent / "rlmonitor" / "data" / "breakout.safetensors"
LENGTH, CURVES, LEVEL, SPREAD = 100, 10, 3.0, 0.5

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


def alarmed(curves: Array) -> bool:
    """Whether any of a training's curves ``[K, R]`` has a change."""
    return any(change_points(c, spent(FALSE_ALARMS, k)) for k, c in enumerate(curves, start=1))


def real_rounds(n: int) -> Array:
    """Relative relevance ``[K, n]`` of elements and targets, of one agent's play in n rounds."""
    network = network_of(q_network(load_checkpoint(CHECKPOINT)))
    player = Player(make_monitor_env("breakout", seed=0), seed=0)
    rows = []
    for _ in range(n):
        play = player.play(lambda seen: network.forward(seen).numpy(), 256)
        found = analyse(network, spread(play, 64), composite="epsilon-gamma-box").statistics
        rows.append(
            [
                found[target].relative.get(element, np.nan)
                for target in ("q", "advantage")
                for element in ("ball", "paddle", "tunnel", "bricks", "display")
            ]
        )
    player.close()
    return np.array(rows).T


def drawn(rounds: Array, rng: np.random.Generator) -> Array:
    """A training of a constant agent: rounds drawn with replacement, those with all elements."""
    whole = rounds[:, np.isfinite(rounds).all(axis=0)]
    return whole[:, rng.integers(whole.shape[1], size=LENGTH)]


def delays(rng: np.random.Generator, factor: float, n: int) -> list[int]:
    """Rounds from a change of level by a factor to the alarm; a missed one counts as the rest."""
    found = []
    for _ in range(n):
        levels = np.repeat([1.0, factor], [20, LENGTH - 20])
        curve = np.maximum(levels * (1 + 0.15 * rng.normal(size=LENGTH)), 0)
        seen = [change.seen for change in change_points(curve, spent(FALSE_ALARMS, CURVES))]
        found.append(next((s - 19 for s in seen if s >= 20), LENGTH - 20))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Count, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trainings", type=int, default=300, help="of each kind")
    parser.add_argument("--rounds", type=int, default=32, help="that the real agent plays")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the table")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    shape = (args.trainings, CURVES, LENGTH)
    trainings = {
        name: np.maximum(LEVEL * (1 + SPREAD * noise(rng, shape)), 0)
        for name, noise in NOISES.items()
    }
    real = real_rounds(args.rounds)
    trainings["the shipped agent's own rounds"] = np.stack(
        [drawn(real, rng) for _ in range(args.trainings)]
    )
    lines = [
        "# False alarms of onset and shift",
        "",
        f"{args.trainings} trainings of {CURVES} curves and {LENGTH} rounds of each kind; the "
        f"level is constant, the noise {SPREAD:.0%} of it (the agent's own: as it is). Stated: "
        f"at most {FALSE_ALARMS:.0%} of the trainings, for normal noise independent from round to "
        "round.",
        "",
        "| noise | trainings with an alarm | rate | 95 % interval |",
        "| --- | --- | --- | --- |",
    ]
    for name, runs in trainings.items():
        hits = sum(alarmed(run) for run in runs)
        rate = wilson_interval(hits, len(runs))
        lines.append(f"| {name} | {hits} | {rate.mean:.1%} | {rate.low:.1%} to {rate.high:.1%} |")
    lines += [
        "",
        "Rounds from a change after 20 rounds to the event, noise 15 % of the level:",
        "",
        "| level times | median | 90 % of the trainings within |",
        "| --- | --- | --- |",
    ]
    for factor in (0.2, 0.5, 1.6, 2.0, 4.0):
        late = delays(rng, factor, args.trainings)
        lines.append(f"| {factor} | {np.median(late):.0f} | {np.quantile(late, 0.9):.0f} |")
    text = "\n".join(lines) + "\n"
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "false_alarms.md").write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
