"""Relative relevance of ball, paddle and tunnel over trainings (Lapuschkin et al. 2019, Fig. 2c).

Explains every checkpoint of one or several trainings, a folder each: on the fixed Breakout probe,
and on frames that the network plays itself. Draws how many times more relevance an element gets
than the average pixel, each training thin and their mean bold. Writes a PNG and a Markdown table::

    python benchmarks/figure2.py
    python benchmarks/figure2.py FOLDER FOLDER --composite epsilon-gamma-box --target advantage

Curves of different composites do not compare: the first layer's rule decides what black pixels get.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from numpy.typing import NDArray

from rlmonitor.lrp import COMPOSITES, Network, network_of
from rlmonitor.monitor_settings import MonitorSettings
from rlmonitor.probe import load_probe
from rlmonitor.recording import spread
from rlmonitor.replay.checkpoints import load_checkpoint, q_network
from rlmonitor.replay.playing import play
from rlmonitor.round import TARGETS, analyse

HERE = Path(__file__).parent
BREAKOUT = HERE.parent / "agents" / "breakout"
ELEMENTS = {"ball": "#d55e00", "paddle": "#0072b2", "tunnel": "#009e73", "corners": "#999999"}
LABELS = {"corners": "fixed boxes at the upper corners"}
PROBE, PLAY = "fixed probe", "own play"

Course = Mapping[int, Mapping[str, float]]
"""Timesteps to element to relative relevance."""


def relative(network: Network, frames: str, *, target: str, composite: str) -> Mapping[str, float]:
    """Relative relevance of the elements in the probe or in 512 frames of the network's own play.

    Of the play, every fourth frame is one: consecutive ones are much alike.
    """
    if frames == PROBE:
        recording = load_probe("breakout")
    else:
        settings = MonitorSettings(n_frames=512, games=0)
        played = play(network, "BreakoutNoFrameskip-v4", settings).recording
        recording = spread(played, settings.n_frames)
    found = analyse(network, recording, targets=(target,), composite=composite)
    return found.statistics[target].relative


def course(folder: Path, frames: str, *, target: str, composite: str) -> Course:
    """What every checkpoint of a folder looks at, in the order of timesteps."""
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        checkpoint = load_checkpoint(path)
        network = network_of(q_network(checkpoint))
        found[checkpoint.timesteps] = relative(network, frames, target=target, composite=composite)
    return dict(sorted(found.items()))


def untrained(folder: Path, *, target: str, composite: str) -> Mapping[str, float]:
    """The same of an untrained network of the same shape: the line to compare with."""
    checkpoint = load_checkpoint(next(folder.glob("*.safetensors")))
    random = network_of(q_network(checkpoint)).randomised(seed=0)
    return relative(random, PROBE, target=target, composite=composite)


def mean_course(courses: Sequence[Course]) -> Course:
    """Mean over trainings at the first one's timesteps, as far as all of them go.

    Between its own timesteps a training is taken to go straight.
    """
    lines = [{name: _line(each, name) for name in ELEMENTS} for each in courses]
    found: dict[int, dict[str, float]] = {}
    for timesteps in courses[0]:
        found[timesteps] = {}
        for name in ELEMENTS:
            reached = [line[name] for line in lines]
            if all(len(at) and at[0] <= timesteps <= at[-1] for at, _ in reached):
                values = [np.interp(timesteps, at, line) for at, line in reached]
                found[timesteps][name] = float(np.mean(values))
    return found


def table(
    found: Mapping[str, Sequence[Course]], random: Mapping[str, float], title: str, names: str
) -> str:
    """The figure's numbers as Markdown: means, and the trainings one by one where they differ."""
    lines = [f"# {title}", "", f"Trainings: {names}.", ""]
    for frames, courses in found.items():
        lines += [f"{frames}:", "", "| timesteps | " + " | ".join(ELEMENTS) + " |"]
        lines += ["| --- " * (len(ELEMENTS) + 1) + "|"]
        if frames == PROBE:
            lines.append(f"| untrained | {_row(random, [])} |")
        for timesteps, means in mean_course(courses).items():
            several = courses if len(courses) > 1 else []
            lines.append(f"| {timesteps:,} | {_row(means, [_at(c, timesteps) for c in several])} |")
        lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def draw(
    found: Mapping[str, Sequence[Course]], random: Mapping[str, float], title: str, path: Path
) -> None:
    """The figure, a panel for the probe and one for the networks' own play."""
    mpl.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(
        1, len(found), figsize=(6.5 * len(found), 4.6), layout="constrained", sharey=True
    )
    for axes, (frames, courses) in zip(np.atleast_1d(panels), found.items(), strict=True):
        for element, colour in ELEMENTS.items():
            style = "--" if element in LABELS else "-"
            for each in courses if len(courses) > 1 else ():
                axes.plot(*_line(each, element), style, color=colour, linewidth=0.7, alpha=0.7)
            label = LABELS.get(element, element)
            mean = _line(mean_course(courses), element)
            axes.plot(*mean, style, marker="o", color=colour, label=label, linewidth=2)
            axes.axhline(random[element], color=colour, linewidth=0.8, linestyle=":")
        axes.set(xlabel="timesteps", title=frames)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:,.0f}k")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.25)
    first = np.atleast_1d(panels)[0]
    first.set(ylabel="mean on the element / mean on the frame", ylim=(0, None))
    first.plot([], [], ":", color="black", linewidth=0.8, label="untrained network")
    first.legend(frameon=False)
    figure.suptitle(title)
    figure.savefig(path, dpi=150)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the checkpoints, explain probe and play, write picture and table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    default = [BREAKOUT / "checkpoints", *sorted(BREAKOUT.glob("seed-*"))]
    parser.add_argument("folders", nargs="*", type=Path, default=default)
    parser.add_argument("--composite", choices=list(COMPOSITES), default="epsilon-plus-flat")
    parser.add_argument("--target", choices=TARGETS, default="q")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the results")
    args = parser.parse_args(arguments)
    for folder in args.folders:
        if not list(folder.glob("*.safetensors")):
            parser.error(f"{folder} holds no *.safetensors checkpoint")

    torch.set_num_threads(1)
    how = {"target": args.target, "composite": args.composite}
    found = {
        frames: [course(folder, frames, **how) for folder in args.folders]
        for frames in (PROBE, PLAY)
    }
    random = untrained(args.folders[0], **how)
    title = f"Relative relevance on Breakout ({args.composite}, target {args.target})"
    args.out.mkdir(parents=True, exist_ok=True)
    usual = (args.composite, args.target) == ("epsilon-plus-flat", "q")
    name = "figure2" if usual else f"figure2-{args.composite}-{args.target}"
    draw(found, random, title, args.out / f"{name}.png")
    text = table(found, random, title, ", ".join(f"`{folder.name}`" for folder in args.folders))
    (args.out / f"{name}.md").write_text(text, encoding="utf-8")
    print(text, end="")


def _line(course: Course, element: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Timesteps and values of an element where it is known."""
    known = {at: values[element] for at, values in course.items() if element in values}
    return np.array(list(known), np.float64), np.array(list(known.values()), np.float64)


def _at(course: Course, timesteps: int) -> dict[str, float]:
    """The values of one training between its timesteps."""
    lines = {name: _line(course, name) for name in ELEMENTS}
    return {n: float(np.interp(timesteps, *line)) for n, line in lines.items() if len(line[0])}


def _row(means: Mapping[str, float], several: Sequence[Mapping[str, float]]) -> str:
    cells = []
    for name in ELEMENTS:
        each = ", ".join(f"{values[name]:.1f}" for values in several if name in values)
        mean = f"{means[name]:.1f}" if name in means else "none"
        cells.append(f"{mean} ({each})" if several and name in means else mean)
    return " | ".join(cells)


if __name__ == "__main__":
    main()
