"""Relative relevance of ball, paddle and tunnel over a training (Lapuschkin et al. 2019, Fig. 2c).

Explains the fixed Breakout probe in every checkpoint of a folder and draws how many times more
relevance an element gets than the average pixel. Writes a PNG and a Markdown table::

    python benchmarks/figure2.py
    python benchmarks/figure2.py FOLDER --composite epsilon-gamma-box --target advantage

Curves of different composites do not compare: the first layer's rule decides what black pixels get.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import torch

from rlmonitor.lrp import COMPOSITES, network_of
from rlmonitor.probe import load_probe
from rlmonitor.recording import Recording
from rlmonitor.replay.checkpoints import load_checkpoint, q_network
from rlmonitor.round import TARGETS, analyse
from rlmonitor.strategy.pooling import Statistics

HERE = Path(__file__).parent
ELEMENTS = {"ball": "#d55e00", "paddle": "#0072b2", "tunnel": "#009e73", "corners": "#999999"}
LABELS = {"corners": "fixed boxes at the upper corners"}


def course(folder: Path, probe: Recording, *, target: str, composite: str) -> dict[int, Statistics]:
    """Timesteps to statistics, for every checkpoint of a folder in the order of its timesteps."""
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        checkpoint = load_checkpoint(path)
        network = network_of(q_network(checkpoint))
        analysis = analyse(network, probe, targets=(target,), composite=composite)
        found[checkpoint.timesteps] = analysis.statistics[target]
    return dict(sorted(found.items()))


def random_network(folder: Path, probe: Recording, *, target: str, composite: str) -> Statistics:
    """The same statistics of an untrained network of the same shape: the line to compare with."""
    checkpoint = load_checkpoint(next(folder.glob("*.safetensors")))
    untrained = network_of(q_network(checkpoint)).randomised(seed=0)
    return analyse(untrained, probe, targets=(target,), composite=composite).statistics[target]


def table(found: Mapping[int, Statistics], random: Statistics, title: str) -> str:
    """The figure's numbers as Markdown."""
    lines = [
        f"# {title}",
        "",
        "| timesteps | " + " | ".join(ELEMENTS) + " |",
        "| --- " * (len(ELEMENTS) + 1) + "|",
        f"| untrained | {_row(random)} |",
        *(f"| {timesteps:,} | {_row(statistics)} |" for timesteps, statistics in found.items()),
    ]
    return "\n".join(lines) + "\n"


def draw(found: Mapping[int, Statistics], random: Statistics, title: str, path: Path) -> None:
    """The figure."""
    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.5, 4.6), layout="constrained")
    for element, colour in ELEMENTS.items():
        values = [statistics.relative.get(element, float("nan")) for statistics in found.values()]
        style = "--" if element in LABELS else "-"
        label = LABELS.get(element, element)
        axes.plot(list(found), values, style, marker="o", color=colour, label=label, linewidth=2)
        axes.axhline(random.relative[element], color=colour, linewidth=0.8, linestyle=":")
    axes.set(
        xlabel="timesteps",
        ylabel="mean on the element / mean on the frame",
        ylim=(0, None),
        title=title,
    )
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:,.0f}k")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.25)
    axes.plot([], [], ":", color="black", linewidth=0.8, label="untrained network")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the checkpoints, explain the probe, write picture and table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    default = HERE.parent / "agents" / "breakout" / "checkpoints"
    parser.add_argument("folder", nargs="?", type=Path, default=default)
    parser.add_argument("--composite", choices=list(COMPOSITES), default="epsilon-plus-flat")
    parser.add_argument("--target", choices=TARGETS, default="q")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the results")
    args = parser.parse_args(arguments)
    if not list(args.folder.glob("*.safetensors")):
        parser.error(f"{args.folder} holds no *.safetensors checkpoint")

    torch.set_num_threads(1)
    probe = load_probe("breakout")
    how = {"target": args.target, "composite": args.composite}
    found, random = course(args.folder, probe, **how), random_network(args.folder, probe, **how)
    title = f"Relative relevance on Breakout ({args.composite}, target {args.target})"
    args.out.mkdir(parents=True, exist_ok=True)
    usual = (args.composite, args.target) == ("epsilon-plus-flat", "q")
    name = "figure2" if usual else f"figure2-{args.composite}-{args.target}"
    draw(found, random, title, args.out / f"{name}.png")
    text = table(found, random, title)
    (args.out / f"{name}.md").write_text(text, encoding="utf-8")
    print(text, end="")


def _row(statistics: Statistics) -> str:
    values = [statistics.relative.get(element) for element in ELEMENTS]
    return " | ".join("none" if value is None else f"{value:.1f}" for value in values)


if __name__ == "__main__":
    main()
