"""What the shipped agents score and look at: every number on the cards in `agents/`.

Plays whole games with every network of a game's folder, with all in sight and with something
hidden from it (`rlmonitor score`), and analyses each in games of its own (`rlmonitor replay`).
Writes ``measured.json``, ``measured.md``, ``measured.png`` and, of the best network's play,
``play.png``, into the folder; what the JSON holds of the same networks is not measured again::

    python benchmarks/agents.py pong
    python benchmarks/agents.py pong --training runs/pong    # first keep a training's curves, too

The network with the best score is scored once more from other starts: the best of ten is by part
the luckiest of ten.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from PIL import Image

from rlmonitor.games import GAMES
from rlmonitor.replay.journal import read_history

AGENTS = Path(__file__).parent.parent / "agents"
RLMONITOR = (sys.executable, "-m", "rlmonitor")
WATCHED = {"breakout": "display", "pong": "enemy", "video_pinball": "display"}
"""What is hidden from every network of a game, and not from the best alone."""

ELEMENTS = {
    "breakout": {"ball": "#d55e00", "paddle": "#0072b2", "tunnel": "#009e73", "display": "#999999"},
    "pong": {"ball": "#d55e00", "paddle": "#0072b2", "enemy": "#cc79a7", "display": "#999999"},
    "video_pinball": {
        "ball": "#d55e00", "flippers": "#0072b2", "rollovers": "#cc79a7", "targets": "#009e73",
        "bumpers": "#e69f00", "display": "#999999",
    },
}  # fmt: skip
"""Elements that the card shows, and their colours (Okabe and Ito)."""

KINDS = ("value/relative", "choice/relative", "value/effect", "choice/action_changed")
KEPT = (
    "rollout/ep_rew_mean", "value/relative/", "choice/relative/", "probe_value/relative/",
    "probe_choice/relative/", "value/effect/", "choice/action_changed/", "value/share/",
    "choice/share/", "strategy/clusters", "strategy/novelty", "play/",
)  # fmt: skip
"""Curves of a training that are kept beside its networks."""


@dataclass(frozen=True)
class Condition:
    """How a network plays: what is hidden from it, how often it moves at random, which starts."""

    hide: str = ""
    epsilon: float = 0.01
    seed: int = 0


def score(network: Path, condition: Condition, games: int) -> list[float]:
    """Scores of whole games, ``[games]``."""
    hidden = ["--hide", condition.hide] if condition.hide else []
    command = [
        *RLMONITOR, "score", str(network), "--games", str(games), "--epsilon",
        str(condition.epsilon), "--seed", str(condition.seed), "--json", "--no-progress", *hidden,
    ]  # fmt: skip
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    scores: list[float] = json.loads(told)["checkpoints"][0]["scores"]
    return scores


def replay(network: Path, game: str, frames: int, run: str) -> None:
    """Make a round of a network in a game of its own."""
    command = [
        *RLMONITOR, "replay", str(network), "--env", GAMES[game].env_id, "--out", run,
        "--frames", str(frames), "--games", "0", "--probe", "none", "--pictures", "1", "--json",
        "--no-progress",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)


def rounds(network: Path, game: str, frames: int) -> dict[str, float]:
    """Curves of one round in a game that the network plays."""
    with tempfile.TemporaryDirectory() as run:
        replay(network, game, frames, run)
        (only,) = read_history(Path(run)).rounds
    return {name: value for name, value in only.values.items() if name.startswith(KEPT)}


def picture(network: Path, game: str, path: Path) -> None:
    """The middle of the clip of the network's play: where most happens, with its relevance."""
    with tempfile.TemporaryDirectory() as run:
        replay(network, game, 128, run)
        moving = Path(run) / "play.gif"
        asked = ["--clip", "relevance/play", str(moving), "--no-progress"]
        subprocess.run([*RLMONITOR, "export", run, *asked], check=True, capture_output=True)
        with Image.open(moving) as image:
            image.seek(getattr(image, "n_frames", 1) // 2)
            image.convert("RGB").save(path, optimize=True)


class Measured:
    """What is known of the networks of a folder, kept on disk after every measurement."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "measured.json"
        self.known = json.loads(self.path.read_text("utf-8")) if self.path.is_file() else {}
        self.named = {path: _digest(path) for path in sorted(folder.glob("checkpoints/*"))}

    def scores(self, network: Path, condition: Condition, games: int) -> list[float]:
        """Scores of whole games, measured unless they are known."""
        how = (
            f"{games} games, seed {condition.seed}, epsilon {condition.epsilon:g}, "
            f"hidden {condition.hide or 'nothing'}"
        )
        found: list[float] = self._known(network, how, lambda: score(network, condition, games))
        return found

    def curves(self, network: Path, game: str, frames: int) -> dict[str, float]:
        """Curves of one round, measured unless they are known."""
        how = f"round of {frames} frames"
        found: dict[str, float] = self._known(network, how, lambda: rounds(network, game, frames))
        return found

    def _known(self, network: Path, how: str, measure: Any) -> Any:
        of_network = self.known.setdefault(network.name, {})
        if of_network.get("sha256") != self.named[network]:
            of_network.clear()
            of_network["sha256"] = self.named[network]
        if how not in of_network:
            of_network[how] = measure()
            self.path.write_text(json.dumps(self.known, indent=0), "utf-8")
            print(network.name, how, _short(of_network[how]), flush=True)
        return of_network[how]


@dataclass(frozen=True)
class Card:
    """All that a card tells.

    Attributes:
        game: name of the game.
        scores: timesteps of each network to its scores, with all in sight.
        watched: the same with `WATCHED` hidden.
        best: timesteps of the network with the best mean.
        conditions: name of a condition to the best network's scores from other starts.
        curves: timesteps to the curves of a round.
    """

    game: str
    scores: Mapping[int, Sequence[float]]
    watched: Mapping[int, Sequence[float]]
    best: int
    conditions: Mapping[str, Sequence[float]]
    curves: Mapping[int, Mapping[str, float]]


def measure(game: str, folder: Path, games: int, frames: int) -> Card:
    """Play and analyse whatever is not known."""
    measured = Measured(folder)
    networks = {int(path.stem): path for path in measured.named}
    curves = {at: measured.curves(path, game, frames) for at, path in networks.items()}
    scores, watched = (
        {at: measured.scores(path, how, games) for at, path in networks.items()}
        for how in (Condition(), Condition(hide=WATCHED[game]))
    )
    best = max(scores, key=lambda at: float(np.mean(scores[at])))
    asked = {"all in sight": Condition(seed=1)}
    for element in GAMES[game].elements:
        if element.pixels is not None:
            asked[f"without {element.name}"] = Condition(hide=element.name, seed=1)
    asked["random moves"] = Condition(epsilon=1.0, seed=1)
    several = {name: measured.scores(networks[best], how, games) for name, how in asked.items()}
    return Card(game, scores, watched, best, several, curves)


def tables(card: Card) -> str:
    """The card's numbers as Markdown."""
    games = len(next(iter(card.scores.values())))
    hidden, shown = WATCHED[card.game], ELEMENTS[card.game]
    lines = [
        f"# {card.game}: measured",
        "",
        f"`python benchmarks/agents.py {card.game}`. {games} whole games each with up to 30 frames "
        "without action and ε = 0.01, at most 108,000 frames, points unclipped: mean ± deviation.",
        "",
        f"| timesteps | points | {hidden} hidden |",
        "| ---: | ---: | ---: |",
        *(
            f"| {at:,} | {spread(card.scores[at])} | {spread(card.watched[at])} |"
            for at in card.scores
        ),
        "",
        f"The network of {card.best:,} timesteps once more, from other starts:",
        "",
        "| | points | least | most |",
        "| --- | ---: | ---: | ---: |",
        *(
            f"| {name} | {spread(found)} | {min(found):,.0f} | {max(found):,.0f} |"
            for name, found in card.conditions.items()
        ),
    ]
    for kind in KINDS:
        lines += ["", f"`{kind}/…`, in a game of its own:", ""]
        lines += [f"| timesteps | {' | '.join(shown)} |", "| ---: " * (len(shown) + 1) + "|"]
        for at, curves in card.curves.items():
            values = (curves.get(f"{kind}/{name}") for name in shown)
            row = " | ".join("" if value is None else f"{value:.2f}" for value in values)
            lines.append(f"| {at:,} | {row} |")
    return "\n".join(lines) + "\n"


def draw(card: Card, training: Mapping[int, float], path: Path) -> None:
    """Scores, relevance and effects over the training."""
    mpl.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 3, figsize=(12.5, 3.7), layout="constrained")
    draw_points(panels[0], card, training)
    for axes, kind, title in (
        (panels[1], "choice/relative", "relevance / mean of the frame (choice)"),
        (panels[2], "value/effect", "effect of taking it away (value)"),
    ):
        for name, colour in ELEMENTS[card.game].items():
            of_name = {at: curves.get(f"{kind}/{name}") for at, curves in card.curves.items()}
            there = {at: value for at, value in of_name.items() if value is not None}
            axes.plot(list(there), list(there.values()), color=colour, marker="o", label=name)
        axes.set(title=title, ylim=(0, None))
    for axes in panels:
        axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1e6:g}")
        axes.set(xlabel="million timesteps")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.25)
        axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=120)


def draw_points(axes: Axes, card: Card, training: Mapping[int, float]) -> None:
    """Points over the training, with and without what is hidden, beside random moves."""
    if training:
        at, points = list(training), list(training.values())
        axes.plot(at, points, color="#bbbbbb", label="training's own games")
    for found, colour, label in (
        (card.scores, "#0072b2", "all in sight"),
        (card.watched, "#d55e00", f"{WATCHED[card.game]} hidden"),
    ):
        means = [float(np.mean(each)) for each in found.values()]
        errors = [float(np.std(each, ddof=1)) for each in found.values()]
        axes.errorbar(list(found), means, errors, color=colour, marker="o", capsize=3, label=label)
    random = float(np.mean(card.conditions["random moves"]))
    axes.axhline(random, color="black", linestyle=":", linewidth=1, label="random moves")
    axes.set(title="points, mean ± deviation")
    if min(map(min, card.scores.values())) >= 0:  # a deviation above the mean is no loss of points
        axes.set_ylim(0, None)


def keep_training(runs: Sequence[Path], path: Path) -> None:
    """Write the `KEPT` curves of trainings as CSV, one file for all of them."""
    with tempfile.TemporaryDirectory() as folder:
        every = Path(folder) / "every.csv"
        asked = [*map(str, runs), "--csv", str(every), "--no-progress"]
        subprocess.run([*RLMONITOR, "export", *asked], check=True)
        with every.open(encoding="utf-8", newline="") as source, path.open("w", newline="") as out:
            rows = csv.reader(source)
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(next(rows))
            for run, timestep, tag, value in rows:
                if tag.startswith(KEPT):
                    writer.writerow([run, timestep, tag, f"{float(value):.5g}"])


def training_scores(path: Path) -> dict[int, float]:
    """``rollout/ep_rew_mean`` of the first run whose curves are kept, if any are."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as source:
        rows = [row for row in csv.DictReader(source) if row["tag"] == "rollout/ep_rew_mean"]
    first = min((row["run"] for row in rows), default="")
    return {int(row["timestep"]): float(row["value"]) for row in rows if row["run"] == first}


def spread(scores: Sequence[float]) -> str:
    """Mean ± deviation."""
    mean, deviation = float(np.mean(scores)), float(np.std(scores, ddof=1))
    form = ",.0f" if abs(mean) >= 1000 else ",.1f"
    return f"{mean:{form}} ± {deviation:{form}}".replace("-", "−")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write tables and picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("game", choices=list(WATCHED))
    parser.add_argument("--games", type=int, default=20)
    parser.add_argument("--frames", type=int, default=512, help="of a round")
    parser.add_argument("--training", type=Path, nargs="+", help="runs whose curves to keep")
    args = parser.parse_args(arguments)
    folder = AGENTS / args.game
    if not list(folder.glob("checkpoints/*.safetensors")):
        parser.error(f"{folder} holds no checkpoints/*.safetensors")
    if args.training:
        keep_training(args.training, folder / "training.csv")
    card = measure(args.game, folder, args.games, args.frames)
    (folder / "measured.md").write_text(tables(card), "utf-8")
    draw(card, training_scores(folder / "training.csv"), folder / "measured.png")
    picture(folder / "checkpoints" / f"{card.best:07d}.safetensors", args.game, folder / "play.png")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _short(found: Any) -> str:
    return spread(found) if isinstance(found, list) else f"{len(found)} curves"


if __name__ == "__main__":
    main()
