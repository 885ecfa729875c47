"""What a VideoPinball agent attends to in the stages of a game (Lapuschkin et al. 2019, Fig. 2b).

A network plays one whole game; every frame is explained. Stages are told by where the console's
memory has the ball. Beside the relevance of the elements stand what taking them away changes, what
the nudge meters do, and what games score in which nudging is forbidden. Writes a picture and a
Markdown table::

    python benchmarks/pinball_game.py
    python benchmarks/pinball_game.py CHECKPOINT --seed 3 --target q
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray

from rlmonitor.board.overlay import relevance_scale
from rlmonitor.board.still import prepare_stills
from rlmonitor.environment import make_monitor_env
from rlmonitor.games import readings
from rlmonitor.games.video_pinball import GAME
from rlmonitor.lrp import Network, network_of
from rlmonitor.recording import Recording
from rlmonitor.replay.checkpoints import Checkpoint, load_checkpoint, q_network
from rlmonitor.rollout import Player
from rlmonitor.round import TARGETS, Analysis, analyse
from rlmonitor.scores import play_games
from rlmonitor.strategy.causal import mean_effect, measure
from rlmonitor.strategy.counterfactuals import Backdrop, remove_elements

AGENT = Path(__file__).parent.parent / "agents" / "video_pinball"
COMPOSITE = "epsilon-gamma-box"
ELEMENTS = {
    "ball": "#d55e00", "flippers": "#0072b2", "targets": "#009e73", "rollovers": "#cc79a7",
    "bumpers": "#e69f00", "display": "#999999",
}  # fmt: skip
NUDGES = {"LEFTFIRE": "nudge_left", "RIGHTFIRE": "nudge_right", "UPFIRE": "nudge_up"}
"""Actions that nudge the table, and the meters that they fill."""
METERS = {"nudge_left": "#0072b2", "nudge_right": "#d55e00", "nudge_up": "#009e73"}
BIAS = "q_net.0.bias"
"""Of the Q-values."""
PIECE = 256
"""Frames explained at once."""
SMOOTH = 25
"""Steps over which curves are averaged; a step is four frames, 15 a second."""

LANE = 144
"""From this column on the ball is in the plunger's lane."""
STAGES = {
    "launch": "in the plunger's lane",
    "top": "above the upper bumper's row (y < 48)",
    "upper": "among rollovers and spinners (48 ≤ y < 104)",
    "lower": "among the lower bumpers (104 ≤ y < 150)",
    "flippers": "at the flippers (150 ≤ y < 192)",
    "drained": "out of sight",
    "bonus": "lost; the rollovers of the left lane are paid",
}
EDGES = (48, 104, 150, 192)


def memory(game: Recording) -> NDArray[np.uint8]:
    """The console's memory at the newer of the two raw frames that are shown, ``[N, 128]``."""
    assert game.ram is not None, "the game is played on an emulator"
    return game.ram[:, 1]


def stages(game: Recording) -> NDArray[np.str_]:
    """The stage of each frame, ``[N]``."""
    x, y = memory(game)[:, 67], memory(game)[:, 68].astype(np.int64) - 3
    names = np.array(["top", "upper", "lower", "flippers", "drained"])
    stage = names[np.searchsorted(EDGES, y, side="right")]
    in_lane = np.where(_reading(game, "bonus") > 0, "bonus", "launch")
    return np.where((x >= LANE) & (y < EDGES[-1]), in_lane, stage)


def play_game(network: Network, seed: int, longest: int) -> Recording:
    """One whole game, or its first steps; ε = 0.01."""
    space = spaces.Box(0, 255, network.observation_shape or (4, 84, 84), np.uint8)
    env = make_monitor_env(GAME.env_id, observation_space=space, seed=seed)
    player = Player(env, epsilon=0.01, seed=seed)
    try:
        played = player.play(lambda seen: network.forward(seen).numpy(), longest)
    finally:
        player.close()
    ended = np.flatnonzero(played.done)
    return played.select(slice(0, int(ended[0]) + 1)) if len(ended) else played


@dataclass(frozen=True)
class Explained:
    """What each target's maps say of a game of N frames.

    Attributes:
        relative: target to element to relative relevance ``[N]``, NaN without the element.
        maps: target to ``[N, H, W]``, summed over the stack.
    """

    relative: Mapping[str, Mapping[str, NDArray[np.float64]]]
    maps: Mapping[str, NDArray[np.float32]]


def explain(network: Network, game: Recording) -> Explained:
    """Explain every frame."""
    pieces: list[Analysis] = [
        analyse(network, game.select(slice(at, at + PIECE)), composite=COMPOSITE)
        for at in range(0, len(game), PIECE)
    ]
    relative = {
        target: {
            name: np.concatenate(
                [
                    np.where(p.pooled[target].exists[name], p.pooled[target].relative[name], np.nan)
                    for p in pieces
                ]
            )
            for name in ELEMENTS
        }
        for target in TARGETS
    }
    maps = {t: np.concatenate([p.relevance[t].sum(axis=1) for p in pieces]) for t in TARGETS}
    return Explained(relative, maps)


def causal(
    network: Network, game: Recording, stage: NDArray[np.str_]
) -> dict[str, dict[str, dict[str, float]]]:
    """Kind of change to stage to element to its effect, over up to 512 frames of the game."""
    removed = remove_elements(Backdrop(game), min(512, len(game) // 2))
    if removed is None:
        return {}
    changed, of = measure(network, removed.changed), stage[removed.index]
    found: dict[str, dict[str, dict[str, float]]] = {
        "value/effect": {},
        "choice/action_changed": {},
    }
    for name in STAGES:
        there = {e: exists & (of == name) for e, exists in changed.exists.items()}
        found["value/effect"][name] = dict(mean_effect(changed.value, there, changed.value_scale))
        found["choice/action_changed"][name] = dict(mean_effect(changed.action_changed, there))
    return found


def without_nudging(checkpoint: Checkpoint, meanings: Sequence[str]) -> Network:
    """The same network, that never prefers an action that nudges."""
    bias = checkpoint.state[BIAS].clone()
    bias[[meanings.index(name) for name in NUDGES]] = -1e6
    return network_of(q_network(replace(checkpoint, state={**checkpoint.state, BIAS: bias})))


def tables(
    game: Recording, found: Explained, effects: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> list[str]:
    """Stages, relevance and effects as Markdown."""
    stage = stages(game)
    lines = ["| stage | ball | steps | points in 1,000 steps | nudging actions, % |"]
    lines += ["| --- | --- | ---: | ---: | ---: |"]
    nudging = np.isin(game.action, [game.action_meanings.index(name) for name in NUDGES])
    for name, where in STAGES.items():
        at = stage == name
        if at.any():
            rate = 1000 * float(game.reward[at].mean())
            share = 100 * float(nudging[at].mean())
            lines.append(f"| {name} | {where} | {at.sum():,} | {rate:,.0f} | {share:.0f} |")
    relevance = {
        f"relevance / mean of the frame, {kind}": {
            name: {e: _mean(values[stage == name]) for e, values in found.relative[target].items()}
            for name in STAGES
        }
        for target, kind in (("q", "value"), ("advantage", "choice"))
    }
    for title, numbers in (relevance | dict(effects)).items():
        lines += ["", f"{title}:", "", f"| stage | {' | '.join(ELEMENTS)} |"]
        lines += ["| --- " + "| ---: " * len(ELEMENTS) + "|"]
        for name in STAGES:
            row = [numbers[name].get(element) for element in ELEMENTS]
            if any(value is not None for value in row):
                shown = " | ".join("" if value is None else f"{value:.2f}" for value in row)
                lines.append(f"| {name} | {shown} |")
    return lines


def nudges(game: Recording) -> list[str]:
    """What the nudge meters did, as Markdown."""
    lines = ["", "| meter | mean bits of 8 | steps with 8 | actions that fill it, % |"]
    lines += ["| --- | ---: | ---: | ---: |"]
    for action, meter in NUDGES.items():
        bits = _reading(game, meter)
        share = 100 * float((game.action == game.action_meanings.index(action)).mean())
        full = int((bits == 8).sum())
        lines.append(f"| {meter} | {bits.mean():.2f} | {full:,} | {share:.0f} |")
    tilts = int((np.diff(_reading(game, "tilt")) == 1).sum())
    return [*lines, "", f"The table tilted {tilts} times."]


def draw(game: Recording, found: Explained, target: str, path: Path) -> None:
    """Five stages with their relevance, and the game's course below."""
    mpl.use("Agg")
    from matplotlib import pyplot

    stage, maps = stages(game), found.maps[target]
    there = [name for name in STAGES if (stage == name).any() and name not in ("drained", "bonus")]
    figure = pyplot.figure(figsize=(11, 11), layout="constrained")
    rows = figure.add_gridspec(4, 1, height_ratios=(3.4, 2, 1.2, 1.2))
    panels = rows[0].subgridspec(1, len(there))
    chosen = [typical(maps, np.flatnonzero(stage == name)) for name in there]
    stills = prepare_stills(game.screen[chosen], (320, 420))
    scale = relevance_scale(maps[chosen])
    for place, (name, frame) in enumerate(zip(there, chosen, strict=True)):
        axes = figure.add_subplot(panels[place])
        axes.imshow(stills.overlaid(place, maps[frame] / scale))
        axes.set(title=f"{name} (step {frame:,})", xticks=[], yticks=[])
    courses = [figure.add_subplot(rows[row]) for row in (1, 2, 3)]
    for name, colour in ELEMENTS.items():
        courses[0].plot(smooth(found.relative[target][name]), color=colour, label=name, linewidth=1)
    kind = "value" if target == "q" else "choice"
    courses[0].set(title=f"relevance / mean of the frame ({kind}), means of {SMOOTH} steps")
    for meter, colour in METERS.items():
        bits = smooth(_reading(game, meter).astype(float))
        courses[1].plot(bits, color=colour, label=meter, linewidth=1)
    courses[1].set(title="bits of the nudge meters; more than 8 tilts the table", ylim=(0, 8))
    courses[2].plot(game.score, color="black", label="points")
    waits = 1000 * _reading(game, "bonus") * _reading(game, "bumper_value")
    courses[2].plot(waits, color="#e69f00", label="bonus that waits for the ball's end")
    courses[2].set(title="points; grey: next ball", xlabel="step")
    for axes in courses:
        for start in np.flatnonzero(np.diff(_reading(game, "ball_number")) > 0):
            axes.axvline(float(start), color="#bbbbbb", linewidth=1)
        axes.set(xlim=(0, len(game)))
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8, loc="upper left", ncols=6)
    figure.savefig(path, dpi=110)


def typical(maps: NDArray[np.float32], of_stage: NDArray[np.int64]) -> int:
    """The frame whose map is nearest to the mean of its stage's, each of length 1."""
    flat = maps[of_stage].reshape(len(of_stage), -1)
    unit = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12)
    return int(of_stage[(unit @ unit.mean(axis=0)).argmax()])


def smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over `SMOOTH` steps of what is known, NaN where nothing is."""
    known = np.isfinite(values)
    window = np.ones(SMOOTH)
    sums = np.convolve(np.where(known, values, 0), window, "same")
    counts = np.convolve(known, window, "same")
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def main(arguments: Sequence[str] | None = None) -> None:
    """Play, explain, take away, forbid; write picture and table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    last = max(AGENT.glob("checkpoints/*.safetensors"), default=None)
    parser.add_argument("checkpoint", nargs="?", type=Path, default=last, help="default: the last")
    parser.add_argument("--seed", type=int, default=0, help="of the game")
    parser.add_argument("--steps", type=int, default=4_000, help="of the game at most")
    parser.add_argument("--games", type=int, default=20, help="with nudging and without")
    parser.add_argument("--target", choices=TARGETS, default="advantage", help="of the picture")
    parser.add_argument("--out", type=Path, default=AGENT)
    args = parser.parse_args(arguments)
    if args.checkpoint is None:
        parser.error(f"{AGENT} holds no checkpoint: give one")
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    checkpoint = load_checkpoint(args.checkpoint)
    network = network_of(q_network(checkpoint))
    game = play_game(network, args.seed, args.steps)
    found = explain(network, game)
    lines = tables(game, found, causal(network, game, stages(game))) + nudges(game)
    lines += ["", f"{args.games} games each, mean ± deviation:", "", "| | points | steps |"]
    lines += ["| --- | ---: | ---: |"]
    still = without_nudging(checkpoint, game.action_meanings)
    for name, of in (("with nudging", network), ("never nudging", still)):
        games = play_games(of, GAME.name, games=args.games, seed=1)
        mean, deviation = games.scores.mean(), games.scores.std(ddof=1)
        lines.append(f"| {name} | {mean:,.0f} ± {deviation:,.0f} | {games.steps.mean():,.0f} |")
    head = [
        "# VideoPinball: a game",
        "",
        f"`python benchmarks/pinball_game.py`: the network of {checkpoint.timesteps:,} timesteps, "
        f"{len(game):,} steps, {float(game.score[-1] + game.reward[-1]):,.0f} points.",
        "",
    ]
    (args.out / "game.md").write_text("\n".join(head + lines) + "\n", encoding="utf-8")
    draw(game, found, args.target, args.out / "game.png")


def _mean(values: NDArray[np.float64]) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def _reading(game: Recording, name: str) -> NDArray[np.int64]:
    """One of the table's readings of memory, ``[N]``."""
    return readings(GAME, memory(game))[name]


if __name__ == "__main__":
    main()
