"""Time and memory of our LRP engine beside autograd, zennit, captum and perturbation methods.

    python benchmarks/attribution.py                      # everything, about five minutes
    python benchmarks/attribution.py --networks NIPS      # one slice; the others are kept

The CPU time of one thread over that of a forward pass with a backward pass to the input, of the
same batch. All engines take turns, repetition by repetition; the tables show the median of the
ratios within a repetition, in brackets the ratio of the smallest times, which other work on the
machine disturbs least. Methods that take many forward passes are timed in one turn, up to batch 16.
Peak memory is what torch's CPU allocator hands out at once, at batch 64. zennit and captum come
from the development dependencies; both explain a residual sum wrongly, so they are left out of the
IMPALA network.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rlmonitor.lrp import Network, attribute, attribute_targets, network_of

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
BASE = "forward + backward to input"
MEMORY_BATCH = 64
SLOW_BATCH = 16
"""The largest batch for methods of many passes."""
WIDTHS = (2, 4)
"""Times NatureCNN's channels and units, at the batch size ``WIDTH_BATCH``."""
WIDTH_BATCH = 16
Engine = Callable[[Tensor], Any]


class QNetwork(nn.Module):
    """Convolutions and a head, without a Flatten module, which captum refuses."""

    def __init__(self, convolutions: list[nn.Module], n_flat: int, units: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(*convolutions)
        self.head = nn.Sequential(nn.Linear(n_flat, units), nn.ReLU(), nn.Linear(units, 4))

    def forward(self, observation: Tensor) -> Tensor:
        """``[N, 4, 84, 84]`` in [0, 1] to ``[N, 4]``."""
        q_values: Tensor = self.head(self.convolutions(observation).flatten(1))
        return q_values


class Residual(nn.Module):
    """A residual block of Espeholt et al. 2018."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, value: Tensor) -> Tensor:
        """``[N, C, H, W]`` to the same shape."""
        change: Tensor = self.second(functional.relu(self.first(functional.relu(value))))
        return value + change


def nature(width: int = 1) -> QNetwork:
    """Mnih et al. 2015, with ``width`` times the channels and units."""
    one, two = 32 * width, 64 * width
    layers = nn.Conv2d(4, one, 8, 4), nn.Conv2d(one, two, 4, 2), nn.Conv2d(two, two, 3)
    activated: list[nn.Module] = [part for layer in layers for part in (layer, nn.ReLU())]
    return QNetwork(activated, two * 49, 512 * width)


def nips() -> QNetwork:
    """Mnih et al. 2013."""
    layers: list[nn.Module] = [
        nn.Conv2d(4, 16, 8, 4),
        nn.ReLU(),
        nn.Conv2d(16, 32, 4, 2),
        nn.ReLU(),
    ]
    return QNetwork(layers, 32 * 81, 256)


def impala() -> QNetwork:
    """The large network of Espeholt et al. 2018."""
    layers: list[nn.Module] = []
    for below, above in ((4, 16), (16, 32), (32, 32)):
        layers += [nn.Conv2d(below, above, 3, padding=1), nn.MaxPool2d(3, 2, 1)]
        layers += [Residual(above), Residual(above)]
    return QNetwork([*layers, nn.ReLU()], 32 * 121, 256)


NETWORKS: dict[str, tuple[Callable[[], QNetwork], tuple[int, ...]]] = {
    "NatureCNN": (nature, (1, 4, 16, 64, 256)),
    "NIPS": (nips, (1, 4, 16, 64, 256)),
    "IMPALA": (impala, (1, 4, 16, 64)),
}
"""By name, with batch sizes."""


def engines(module: nn.Module, *, peers: bool = True) -> dict[str, Engine]:
    """What takes a few passes, by name; the first one is what the others are measured against."""
    network = network_of(module)
    ours: dict[str, Engine] = {
        BASE: partial(_gradient, module),
        "forward alone": network.forward,
        "rlmonitor, epsilon-gamma-box": partial(attribute, network),
        "rlmonitor, epsilon-plus-flat": _lrp(network, "epsilon-plus-flat"),
        "rlmonitor, epsilon-gamma-box, two targets": partial(attribute_targets, network),
        "rlmonitor, epsilon-gamma-box, activations reused": _Reusing(network, "epsilon-gamma-box"),
        "rlmonitor, epsilon-plus-flat, activations reused": _Reusing(network, "epsilon-plus-flat"),
    }
    if not peers:
        return ours
    sys.path.insert(0, str(ROOT / "tests"))
    oracles = import_module("oracles.peers")
    recipes = oracles.ZENNIT_COMPOSITES
    return ours | {
        "zennit, EpsilonGammaBox": _zennit(oracles, module, recipes["epsilon-gamma-box"]()),
        "zennit, EpsilonPlusFlat": _zennit(oracles, module, recipes["epsilon-plus-flat"]()),
        "captum, epsilon everywhere": _captum(module),
    }


def slow_engines(module: nn.Module) -> dict[str, Engine]:
    """Methods that take many passes, by name."""
    attributions: Any = import_module("captum.attr")
    integrated, occlusion = attributions.IntegratedGradients(module), attributions.Occlusion(module)

    def smooth(observation: Tensor) -> None:
        for _ in range(25):
            _gradient(module, observation + 0.1 * torch.randn_like(observation))

    @torch.no_grad()
    def occlude(observation: Tensor) -> Any:
        actions = module(observation).argmax(1)
        window, stride = (4, 8, 8), (4, 8, 8)
        return occlusion.attribute(observation, window, stride, target=actions)

    return {
        "integrated gradients, 50 steps (captum)": lambda observation: integrated.attribute(
            observation, target=0, n_steps=50, internal_batch_size=len(observation)
        ),
        "SmoothGrad, 25 draws": smooth,
        "occlusion, 8 x 8 patches (captum)": occlude,
        "blurred masks, 17 x 17 (Greydanus et al. 2018)": partial(_blurred_masks, module),
    }


@torch.no_grad()
def _blurred_masks(module: nn.Module, observation: Tensor) -> None:
    """A forward pass for each position, with its surroundings blurred."""
    blurred = functional.avg_pool2d(observation, 7, 1, 3)
    axis = torch.arange(84.0)
    for row in range(2, 84, 5):
        for column in range(2, 84, 5):
            distance = (axis[:, None] - row) ** 2 + (axis[None] - column) ** 2
            module(torch.lerp(observation, blurred, torch.exp(-distance / 50)))


def _lrp(network: Network, composite: str) -> Engine:
    return lambda observation: attribute(network, observation, composite=composite)


class _Reusing:
    """LRP of frames whose forward pass was made before; that pass is not in the time."""

    def __init__(self, network: Network, composite: str) -> None:
        self.network, self.composite = network.snapshot(), composite

    def prepared(self, observation: Tensor) -> Any:
        return self.network.activate(observation)

    def __call__(self, seen: Any) -> Any:
        if isinstance(seen, Tensor):
            seen = self.prepared(seen)
        return attribute(self.network, seen, composite=self.composite)


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


def measured(
    compared: Mapping[str, Engine], observation: Tensor, seconds: float
) -> dict[str, list[float]]:
    """CPU milliseconds of all engines, in turns; the first turn warms up and does not count."""
    times: dict[str, list[float]] = {name: [] for name in compared}
    given = {
        name: engine.prepared(observation) if isinstance(engine, _Reusing) else observation
        for name, engine in compared.items()
    }
    n_turns, turn = 1, 0
    while turn <= n_turns:
        began = time.perf_counter()
        for name, engine in compared.items():
            start = time.thread_time()
            engine(given[name])
            times[name].append(1e3 * (time.thread_time() - start))
        if turn == 0 and seconds:
            n_turns = max(3, min(60, int(seconds / (time.perf_counter() - began))))
        turn += 1
    return {name: spent[1:] for name, spent in times.items()}


def peak_mebibytes(engine: Engine, observation: Tensor) -> float:
    """The most that the CPU allocator has handed out at once during a call."""
    with torch.profiler.profile(profile_memory=True) as profile:
        engine(observation)
    events = [event for event in profile.profiler.kineto_results.events() if event.nbytes()]
    sizes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    return max(0.0, float(np.cumsum(sizes).max())) / 2**20


def measure(module: nn.Module, batches: tuple[int, ...], *, peers: bool, seconds: float) -> Any:
    """Everything about one network: ``{"times": {batch: {engine: [ms]}}, "memory": {engine}}``."""
    generator = torch.Generator().manual_seed(0)
    frames = torch.rand(max(*batches, MEMORY_BATCH), 4, 84, 84, generator=generator)
    quick = engines(module, peers=peers)
    for engine in quick.values():  # the allocator keeps what is smaller than the largest so far
        engine(frames)
    slow = {BASE: quick[BASE]} | slow_engines(module) if peers and len(batches) > 1 else {}
    times: dict[str, Any] = {}
    for batch in batches:
        found = measured(quick, frames[:batch], seconds)
        if slow and batch <= SLOW_BATCH:
            several = measured(slow, frames[:batch], 0)
            base = several.pop(BASE)
            found |= {
                name: list(np.divide(spent, base) * np.median(found[BASE]))
                for name, spent in several.items()
            }
        times[str(batch)] = found
    memory = {name: peak_mebibytes(one, frames[:MEMORY_BATCH]) for name, one in quick.items()}
    return {"times": times, "memory": memory}


def ratio(times: Mapping[str, list[float]], name: str) -> float:
    """The median over turns of an engine's time over the base's."""
    engine, base = np.array(times[name]), np.array(times[BASE])
    paired = engine / base if len(engine) == len(base) else engine / np.median(base)
    return float(np.median(paired))


def cell(times: Mapping[str, list[float]], name: str) -> str:
    """Median of the paired ratios, and ratio of the smallest times."""
    if name not in times:
        return ""
    return f"{ratio(times, name):.2f} ({min(times[name]) / min(times[BASE]):.2f})"


def table(found: Mapping[str, Any]) -> str:
    """A network's markdown table."""
    columns = found["times"]
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    head = " | ".join(f"batch {batch}" for batch in columns)
    base = " | ".join(f"{np.median(times[BASE]):.1f} ms" for times in columns.values())
    rows = [f"| engine | {head} | peak MiB |", "| --- |" + " --- |" * (len(columns) + 1)]
    rows.append(f"| {BASE}, median | {base} | |")
    for name in names:
        cells = " | ".join(cell(times, name) for times in columns.values())
        memory = f"{found['memory'][name]:.0f}" if name in found["memory"] else ""
        rows.append(f"| {name} | {cells} | {memory} |")
    return "\n".join([*rows, ""])


def plot(results: Mapping[str, Any], path: Path) -> None:
    """NatureCNN: the ratio over the batch size, and over the width."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    growth = {
        "batch size": {int(n): t for n, t in results["NatureCNN"]["times"].items()},
        f"times the width, batch {WIDTH_BATCH}": {
            width: results[key]["times"][str(WIDTH_BATCH)]
            for width in (1, *WIDTHS)
            if (key := "NatureCNN" if width == 1 else f"NatureCNN x {width}") in results
        },
    }
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.5), sharey=True, layout="constrained")
    every = dict.fromkeys(name for times in growth["batch size"].values() for name in times)
    colours = dict(zip(every, pyplot.get_cmap("tab20")(range(20)), strict=False))
    for axis, (label, columns) in zip(axes, growth.items(), strict=True):
        for name, colour in colours.items():
            points = [(x, ratio(times, name)) for x, times in columns.items() if name in times]
            style = "o-" if name.startswith("rlmonitor") else "s--"
            if points:
                axis.plot(*zip(*points, strict=True), style, color=colour, label=name, markersize=4)
        axis.set(xscale="log", yscale="log", xlabel=label, xticks=list(columns))
        axis.set_xticklabels(list(columns))
        axis.minorticks_off()
    axes[0].set_ylabel("CPU time / (forward + backward to input)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", fontsize=7)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, then write tables and plot from all that was measured so far."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    choices = [*NETWORKS, "width"]
    parser.add_argument("--networks", nargs="+", choices=choices, default=choices)
    parser.add_argument("--seconds", type=float, default=12, help="for each batch size")
    parser.add_argument("--largest", type=int, default=256, help="batch size")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    kept = RESULTS / "attribution.json"
    results: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    for name in arguments.networks:
        if name == "width":
            for width in WIDTHS:
                results[f"NatureCNN x {width}"] = measure(
                    nature(width), (WIDTH_BATCH,), peers=True, seconds=arguments.seconds
                )
            continue
        make, sizes = NETWORKS[name]
        batches = tuple(size for size in sizes if size <= arguments.largest)
        peers = name != "IMPALA"
        results[name] = measure(make(), batches, peers=peers, seconds=arguments.seconds)
    RESULTS.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(results, indent=1, default=float))
    tables = "\n".join(f"## {name}\n\n{table(found)}" for name, found in results.items())
    print(tables)
    (RESULTS / "attribution.md").write_text(f"{__doc__}\n{tables}")
    if "NatureCNN" in results:
        plot(results, RESULTS / "attribution.png")


if __name__ == "__main__":
    main()
