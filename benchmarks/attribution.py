"""Time and memory of our LRP engine beside autograd, zennit and captum, on NatureCNN.

    python benchmarks/attribution.py

One table in one run: the CPU time of one thread over that of a forward pass with a backward pass to
the input, of the same batch. All engines take turns, repetition by repetition; the table shows the
median of the ratios within a repetition, in brackets the ratio of the smallest times, which other
work on the machine disturbs least. Peak memory is what torch's CPU allocator hands out at once.
zennit and captum come from the development dependencies.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rlmonitor.lrp import attribute, attribute_targets, network_of

ROOT = Path(__file__).resolve().parent.parent
BASE = "forward + backward to input"
Engine = Callable[[Tensor], Any]


class Nature(nn.Module):
    """The network of Mnih et al. 2015, without a Flatten module, which captum refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            *(nn.Conv2d(4, 32, 8, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 2), nn.ReLU()),
            *(nn.Conv2d(64, 64, 3), nn.ReLU()),
        )
        self.head = nn.Sequential(nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, 4))

    def forward(self, observation: Tensor) -> Tensor:
        """``[N, 4, 84, 84]`` in [0, 1] to ``[N, 4]``."""
        q_values: Tensor = self.head(self.convolutions(observation).flatten(1))
        return q_values


def engines(module: nn.Module) -> dict[str, Engine]:
    """All that is compared, by name; the first one is what the others are measured against."""
    sys.path.insert(0, str(ROOT / "tests"))
    peers = import_module("oracles.peers")
    network = network_of(module)
    recipes = peers.ZENNIT_COMPOSITES
    return {
        BASE: partial(_gradient, module),
        "forward alone": network.forward,
        "rlmonitor, epsilon-gamma-box": partial(attribute, network),
        "rlmonitor, epsilon-plus-flat": partial(
            attribute, network, target="q", composite="epsilon-plus-flat"
        ),
        "rlmonitor, epsilon-gamma-box, two targets": partial(attribute_targets, network),
        "zennit, EpsilonGammaBox": _zennit(peers, module, recipes["epsilon-gamma-box"]()),
        "zennit, EpsilonPlusFlat": _zennit(peers, module, recipes["epsilon-plus-flat"]()),
        "captum, epsilon everywhere": _captum(module),
    }


def _gradient(module: nn.Module, observation: Tensor) -> Tensor:
    value = observation.clone().requires_grad_()
    return torch.autograd.grad(module(value).amax(1).sum(), value)[0]


def _zennit(peers: Any, module: nn.Module, composite: Any) -> Engine:
    attributor = peers.zennit.attribution.Gradient(module, composite)

    def explain(observation: Tensor) -> Any:
        with attributor as run:
            return run(observation.clone(), peers.greedy_seed)

    return explain


def _captum(module: nn.Module) -> Engine:
    lrp: Any = import_module("captum.attr").LRP
    rule: Any = import_module("captum.attr._utils.lrp_rules").EpsilonRule
    layers: list[Any] = [
        layer for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.Linear)
    ]

    def explain(observation: Tensor) -> Any:
        for layer in layers:  # captum deletes the rules after each call
            layer.rule = rule(epsilon=1e-6)
        with torch.no_grad():
            actions = module(observation).argmax(1)
        return lrp(module).attribute(observation.clone().requires_grad_(), target=actions)

    return explain


@dataclass(frozen=True)
class Timing:
    """An engine's CPU milliseconds, one number for each repetition."""

    engine: np.ndarray[Any, np.dtype[np.float64]]
    base: np.ndarray[Any, np.dtype[np.float64]]

    def __str__(self) -> str:
        """Median of the paired ratios, and ratio of the smallest times."""
        paired = float(np.median(self.engine / self.base))
        return f"{paired:.2f} ({float(self.engine.min() / self.base.min()):.2f})"


def measured(
    compared: Mapping[str, Engine], observation: Tensor, repetitions: int
) -> dict[str, Timing]:
    """Times of all engines, in turns; the first turn warms up and does not count."""
    times = {name: np.zeros(repetitions + 1) for name in compared}
    for turn in range(repetitions + 1):
        for name, engine in compared.items():
            start = time.thread_time()
            engine(observation)
            times[name][turn] = 1e3 * (time.thread_time() - start)
    return {name: Timing(spent[1:], times[BASE][1:]) for name, spent in times.items()}


def peak_mebibytes(engine: Engine, observation: Tensor) -> float:
    """The most that the CPU allocator has handed out at once during a call."""
    with torch.profiler.profile(profile_memory=True) as profile:
        engine(observation)
    events = [event for event in profile.profiler.kineto_results.events() if event.nbytes()]
    sizes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    return max(0.0, float(np.cumsum(sizes).max())) / 2**20


def table(
    compared: Mapping[str, Engine], batches: list[int], repetitions: int, seconds: float
) -> str:
    """The markdown table; ``repetitions`` at the largest batch, more at smaller ones."""
    generator = torch.Generator().manual_seed(0)
    frames = torch.rand(max(batches), 4, 84, 84, generator=generator)
    measured(compared, frames, 1)  # the allocator keeps what is smaller than the largest so far
    columns = []
    for batch in batches:
        n_turns = max(repetitions, min(20 * repetitions, int(seconds * 100 / batch)))
        columns.append(measured(compared, frames[:batch], n_turns))
    base = " | ".join(f"{np.median(timings[BASE].base):.1f} ms" for timings in columns)
    rows = [f"| {BASE}, median | {base} | |"]
    for name, engine in compared.items():
        cells = " | ".join(str(timings[name]) for timings in columns)
        rows.append(f"| {name} | {cells} | {peak_mebibytes(engine, frames):.0f} |")
    head = " | ".join(f"batch {batch}" for batch in batches)
    rule = "--- | " * (len(batches) + 1)
    return "\n".join([f"| engine | {head} | peak MiB |", f"| --- | {rule}".rstrip(), *rows, ""])


def main() -> None:
    """Print the table and write it to a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--repetitions", type=int, default=15, help="at least, for each batch size")
    parser.add_argument("--seconds", type=float, default=20, help="scales up the repetitions")
    default = ROOT / "benchmarks" / "results" / "attribution.md"
    parser.add_argument("--output", type=Path, default=default)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    text = table(engines(Nature()), arguments.batches, arguments.repetitions, arguments.seconds)
    print(text)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(f"{__doc__}\n{text}")


if __name__ == "__main__":
    main()
