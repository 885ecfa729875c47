"""Variants of the default composite by pixel flipping, target sensitivity and randomisation.

    python benchmarks/composite_variants.py CHECKPOINT ENV --target q --frames 48

Prints means with 95 % intervals, and the paired difference in pixel flipping to the default.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from rlmonitor.evaluation import EvaluationSettings, explained_frames
from rlmonitor.explain.evaluation import evaluate
from rlmonitor.explain.intervals import Interval, bootstrap_interval
from rlmonitor.explain.metrics import QUICK_METRICS, Task
from rlmonitor.lrp import COMPOSITES, Composite, Convolution, Dense, Rule, network_of
from rlmonitor.lrp.rules import epsilon, flat, gamma, z_box
from rlmonitor.replay.checkpoints import load_checkpoint, q_network

GAMMAS = (0.05, 0.1, 0.5, 1.0, 2.0, 5.0)


def variant(name: str, convolution: Rule, first: Rule) -> Composite:
    """Epsilon on dense layers, one rule on convolutions, another on the first one."""
    rules = (((Dense,), epsilon()), ((Convolution,), convolution))
    return Composite(name, rules, first=(((Convolution,), first),))


VARIANTS = (
    COMPOSITES["epsilon-gamma-box"],
    *(variant(f"gamma({value:g})-box", gamma(value), z_box()) for value in GAMMAS),
    variant("gamma(0.25)-flat", gamma(0.25), flat()),
    variant("gamma(0.25)-gamma", gamma(0.25), gamma(0.25)),
    variant("gamma(0.25)-epsilon", gamma(0.25), epsilon()),
    variant("epsilon-box", epsilon(), z_box()),
    COMPOSITES["epsilon-plus-box"],
    COMPOSITES["epsilon-plus-flat"],
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the checkpoint, evaluate the variants, print them as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("env")
    parser.add_argument("--target", choices=("q", "advantage"), default="q")
    parser.add_argument("--frames", type=int, default=48)
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    checkpoint = load_checkpoint(args.checkpoint)
    network = network_of(q_network(checkpoint))
    settings = EvaluationSettings(args.env, n_frames=args.frames, metrics=QUICK_METRICS)
    frames = explained_frames(checkpoint, network, settings)[0]
    results = evaluate(Task(network, frames, args.target), VARIANTS, QUICK_METRICS)
    default = results[0].scores["flipping"].values
    print(f"| variant | {' | '.join(QUICK_METRICS)} | flipping, less the default's |")
    print("| --- " * (len(QUICK_METRICS) + 2) + "|")
    for result in results:
        gap = bootstrap_interval(np.subtract(result.scores["flipping"].values, default))
        cells = [*(score.interval for score in result.scores.values()), gap]
        print(f"| {result.method} | {' | '.join(map(_cell, cells))} |")


def _cell(interval: Interval) -> str:
    return f"{interval.mean:.3f} ({interval.low:.3f} to {interval.high:.3f})"


if __name__ == "__main__":
    main()
