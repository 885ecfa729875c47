"""Which composite should be the default: pixel flipping over networks, targets and replacements.

    python benchmarks/composite_choice.py agents/breakout-short/checkpoints/*.safetensors runs/pong/checkpoints/*0.safetensors

No replacement of removed patches is right for all games, and one network proves nothing, so each
variant meets the default on every network, for both targets and all five replacements. The
difference is paired frame by frame and in units of the mean |explained value|; a variant is better
or worse where the 95 % interval of the mean difference leaves 0 out. Frames are those of the probe
where one is shipped, else of the network's own play.
"""  # noqa: E501

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from composite_variants import variant
from numpy.typing import NDArray

from rlmonitor.evaluation import EvaluationSettings, explained_frames
from rlmonitor.explain import REPLACEMENTS, bootstrap_interval, pixel_flipping
from rlmonitor.explain.intervals import Interval
from rlmonitor.lrp import COMPOSITES, DEFAULT_COMPOSITE, Network, attribute, network_of
from rlmonitor.lrp.rules import epsilon, gamma, z_box
from rlmonitor.replay.checkpoints import load_checkpoint, q_network

RESULTS = Path(__file__).resolve().parent / "results"
VARIANTS = (
    variant("epsilon-box", epsilon(), z_box()),
    variant("gamma(1)-box", gamma(1.0), z_box()),
    variant("gamma(5)-box", gamma(5.0), z_box()),
    COMPOSITES["epsilon-plus-box"],
    COMPOSITES["epsilon-plus-flat"],
)
TARGETS = ("q", "advantage")
Rows = dict[tuple[str, str, str, str], NDArray[np.float64]]
"""Network, target, replacement and variant to the difference for each frame."""


def areas(network: Network, frames: NDArray[np.uint8], target: str) -> Iterator[Rows]:
    """The differences to the default's area, by replacement and variant."""
    maps = [attribute(network, frames, target)]
    maps += [attribute(network, frames, target, composite) for composite in VARIANTS]
    for replacement in REPLACEMENTS:
        default, *others = (
            pixel_flipping(network, frames, one, replacement=replacement, n_random=1).relative_area
            for one in maps
        )
        yield {
            ("", target, replacement, composite.name): other - default
            for composite, other in zip(VARIANTS, others, strict=True)
        }


def measured(path: Path, n_frames: int) -> Rows:
    """All differences on one network."""
    checkpoint = load_checkpoint(path)
    network = network_of(q_network(checkpoint))
    env_id = f"{checkpoint.game.title().replace('_', '')}NoFrameskip-v4"
    frames = explained_frames(checkpoint, network, EvaluationSettings(env_id, n_frames))[0]
    name = f"{checkpoint.game}, {int(path.stem):,}"
    return {
        (name, *key[1:]): values
        for target in TARGETS
        for found in areas(network, frames, target)
        for key, values in found.items()
    }


def mean_over_replacements(rows: Rows, network: str, target: str, name: str) -> Interval:
    """A variant's difference to the default, mean over replacements and frames."""
    own = [rows[network, target, replacement, name] for replacement in REPLACEMENTS]
    return bootstrap_interval(np.mean(own, axis=0))


def cell(interval: Interval) -> str:
    """Bold where the interval leaves 0 out."""
    text = f"{interval.mean:+.2f}"
    return f"**{text}**" if interval.low > 0 or interval.high < 0 else text


def by_network(rows: Rows) -> str:
    """A line for each network and target."""
    names = [composite.name for composite in VARIANTS]
    lines = [f"| network, target | {' | '.join(names)} |", "| --- " * (len(names) + 1) + "|"]
    for network, target in dict.fromkeys(key[:2] for key in rows):
        cells = [cell(mean_over_replacements(rows, network, target, name)) for name in names]
        lines.append(f"| {network}, {target} | {' | '.join(cells)} |")
    return "\n".join(lines)


def by_replacement(rows: Rows) -> str:
    """How often each variant is better, level and worse: a line for each replacement."""
    names = [composite.name for composite in VARIANTS]
    lines = [f"| replaced by | {' | '.join(names)} |", "| --- " * (len(names) + 1) + "|"]
    for replacement in REPLACEMENTS:
        cells = [outcomes(rows, replacement, name) for name in names]
        lines.append(f"| {replacement} | {' | '.join(cells)} |")
    return "\n".join(lines)


def outcomes(rows: Rows, replacement: str, name: str) -> str:
    """Better / level / worse than the default, over networks and targets."""
    count: Counter[int] = Counter()
    for key, values in rows.items():
        if key[2:] == (replacement, name):
            interval = bootstrap_interval(values)
            count[(interval.low > 0) - (interval.high < 0)] += 1
    return f"{count[1]} / {count[0]} / {count[-1]}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all networks; print the tables and keep them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("checkpoints", nargs="+", type=Path)
    parser.add_argument("--frames", type=int, default=32)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rows: Rows = {}
    for path in options.checkpoints:
        rows |= measured(path, options.frames)
    n_networks = len(options.checkpoints)
    text = (
        "# Choice of the default composite\n\n"
        f"Area of pixel flipping less that of `{DEFAULT_COMPOSITE}`, {options.frames} frames of "
        "each network; bold where the 95 % interval leaves 0 out.\n\n"
        f"## Mean over {len(REPLACEMENTS)} replacements\n\n{by_network(rows)}\n\n"
        f"## Better / level / worse, of {n_networks} networks x {len(TARGETS)} targets\n\n"
        f"{by_replacement(rows)}\n"
    )
    print(text)
    (RESULTS / "composite-choice.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
