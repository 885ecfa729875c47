"""Does a Breakout agent dig tunnels? Read off the console's memory, apart from any relevance.

Networks of a training play whole games. A tunnel is open once a column has no brick left: whoever
hits bricks anywhere opens the first one late, whoever digs opens it early. Beside it stands how
long the ball is above the wall, where it scores without the paddle. A second table tells what a
network makes of an open column: its choice changes if the column is closed. Writes Markdown::

    python benchmarks/tunnel.py
    python benchmarks/tunnel.py FOLDER --games 10

and, with a network, a picture of the first time that its ball gets through an open column::

    python benchmarks/tunnel.py --through agents/breakout/checkpoints/2500032.safetensors
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from rlmonitor.board.overlay import relevance_scale
from rlmonitor.board.still import prepare_stills
from rlmonitor.environment import make_monitor_env
from rlmonitor.games.breakout import COLUMNS, ROWS, WALL_TOP, ball_boxes, bricks_standing
from rlmonitor.lrp import Network, network_of
from rlmonitor.lrp.acting import outputs_for_moves
from rlmonitor.replay.checkpoints import load_checkpoint, q_network
from rlmonitor.rollout import Player
from rlmonitor.round import analyse
from rlmonitor.strategy.causal import mean_effect, measure
from rlmonitor.strategy.counterfactuals import Backdrop, Counterfactuals, remove_elements

HERE = Path(__file__).parent
CHECKPOINTS = HERE.parent / "agents" / "breakout" / "checkpoints"
BRICKS = ROWS * COLUMNS
PIECE = 500
"""Steps played at once."""
AROUND = (-60, -20, 0, 10, 30)
"""Steps around the moment that the ball gets through, which a picture shows."""
COMPOSITE = "epsilon-gamma-box"
MOST = 27_000
"""Steps of a game at most: half an hour."""
PLAYS, WATCHED, LOOKED_AT = 8, 2048, 128
"""Plays, steps of each, and frames spread over them in which columns are closed."""


@dataclass(frozen=True)
class Dug:
    """What becomes of the wall in one game.

    Attributes:
        points: of the game.
        opened: bricks gone when the first column is open; None where none opens.
        column: which one, counted from the left wall.
        above: part of the game that the ball is above the wall.
    """

    points: float
    opened: int | None
    column: int | None
    above: float


def dug(memory: NDArray[np.uint8], points: float) -> Dug:
    """What becomes of the wall in a game with the console's memory ``[N, 128]``."""
    ram = memory.astype(np.int64)
    standing = bricks_standing(ram)
    gone = BRICKS - standing.sum(axis=(1, 2))
    first_wall = np.cumsum(np.r_[0, np.diff(gone) < 0]) == 0  # after it a second one is put up
    open_columns = ~standing.any(axis=1) & first_wall[:, None]
    ball = ball_boxes(ram)[:, 0]
    above = (ball[:, 2] > ball[:, 0]) & (ball[:, 2] <= WALL_TOP)
    if not open_columns.any():
        return Dug(points, None, None, float(above.mean()))
    at = int(open_columns.any(axis=1).argmax())
    return Dug(points, int(gone[at]), int(open_columns[at].argmax()), float(above.mean()))


def played(network: Network, games: int, seed: int) -> Iterator[Dug]:
    """Whole games with epsilon 0.01, each begun by up to 30 frames without action."""
    player = Player(make_monitor_env("breakout", seed=seed), epsilon=0.01, seed=seed)
    forward = outputs_for_moves(network)
    ram, points = np.empty((0, 128), np.uint8), 0.0
    while games:
        piece = player.play(forward, PIECE)
        assert piece.ram is not None
        start = 0
        for end in np.unique([*(np.flatnonzero(piece.done) + 1), PIECE]):
            ram = np.concatenate([ram, piece.ram[start:end, 1]])
            points += float(piece.reward[start:end].sum())
            start = end
            if (piece.done[end - 1] or len(ram) >= MOST) and games:
                yield dug(ram, points)
                games -= 1
                ram, points = np.empty((0, 128), np.uint8), 0.0
    player.close()


def through(memory: NDArray[np.uint8]) -> int | None:
    """The first step of ``[N, 128]`` with the ball above a wall that is open, but mostly stands."""
    ram = memory.astype(np.int64)
    standing = bricks_standing(ram)
    stands = standing.sum(axis=(1, 2)) > BRICKS / 2  # else the ball gets through anywhere
    ball = ball_boxes(ram)[:, 0]
    above = (ball[:, 2] > ball[:, 0]) & (ball[:, 2] <= WALL_TOP)
    is_open = standing.any(axis=1).sum(axis=1) < COLUMNS
    found = np.flatnonzero(above & stands & is_open)
    return int(found[0]) if len(found) else None


def picture(network: Network, seed: int, path: Path) -> None:
    """Five frames around the first time that the ball gets through, each with its relevance.

    Each frame has a scale of its own: what it attends to most is brightest.

    Raises:
        SystemExit: the ball did not get through within half an hour of play.
    """
    player = Player(make_monitor_env("breakout", seed=seed), epsilon=0.01, seed=seed)
    forward = outputs_for_moves(network)
    for _ in range(0, MOST, PIECE):
        piece = player.play(forward, PIECE)
        assert piece.ram is not None
        at = through(piece.ram[:, 1])
        if at is not None and at + AROUND[0] >= 0 and at + AROUND[-1] < len(piece):
            break
    else:
        raise SystemExit(f"no ball got through in {MOST:,} steps; try another --seed or network")
    player.close()
    frames = piece.select(at + np.array(AROUND))
    found = analyse(network, frames, targets=["advantage"], composite=COMPOSITE)
    maps = found.relevance["advantage"].sum(axis=1)
    stills = prepare_stills(frames.screen, (320, 420))
    panels = [
        stills.overlaid(place, one / relevance_scale(one[None])) for place, one in enumerate(maps)
    ]
    Image.fromarray(np.concatenate(panels, axis=1)).save(path, optimize=True)


def anywhere(rng: np.random.Generator, draws: int = 1_000) -> NDArray[np.int64]:
    """Bricks gone when the first column is open, if each hit takes the lowest brick of any of the
    columns that have one left, ``[draws]``: the wall of someone who does not aim.
    """
    found = []
    for _ in range(draws):
        left = np.full(COLUMNS, ROWS)
        while left.all():
            left[rng.integers(COLUMNS)] -= 1
        found.append(BRICKS - int(left.sum()))
    return np.array(found)


def row(timesteps: int, games: Sequence[Dug]) -> str:
    """One network's games as Markdown."""
    opened = [each.opened for each in games if each.opened is not None]
    sides = [each.column in (0, 1, 2, 15, 16, 17) for each in games if each.column is not None]
    return (
        f"| {timesteps:,} | {np.mean([each.points for each in games]):.1f} | "
        f"{len(opened)} of {len(games)} | "
        f"{f'{np.median(opened):.0f}' if opened else ''} | "
        f"{f'{sum(sides)} of {len(sides)}' if sides else ''} | "
        f"{np.mean([each.above for each in games]):.1%} |"
    )


def opening(paths: Sequence[Path], games: int, seed: int) -> Iterator[str]:
    """When each network opens the wall, as Markdown."""
    chance = np.median(anywhere(np.random.default_rng(0)))
    yield from (
        f"{games} whole games of each network, ε = 0.01. A column is open once its six bricks are "
        "gone; sides are its three left and three right columns. Hits that fall on columns at "
        f"random open the first with {chance:.0f} of {BRICKS} bricks gone (median).",
        "",
        "| timesteps | points | games with an open column | bricks gone then, median | "
        "it is at a side | ball above the wall |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    )
    for path in paths:
        checkpoint = load_checkpoint(path)
        found = list(played(network_of(q_network(checkpoint)), games, seed))
        yield row(checkpoint.timesteps, found)


def closing(paths: Sequence[Path], seed: int, plays: int = PLAYS) -> Iterator[str]:
    """What closing open columns changes for each network, in the last one's play, as Markdown.

    Raises:
        SystemExit: no column is open in that play.
    """
    networks = {path: network_of(q_network(load_checkpoint(path))) for path in paths}
    changed = [removed(networks[paths[-1]], seed + each) for each in range(plays)]
    changed = [each for each in changed if each.exists["tunnel"].any()]
    if not changed:
        raise SystemExit(f"no column is open in {plays} x {WATCHED:,} steps; try another --seed")
    frames = sum(int(each.exists["tunnel"].sum()) for each in changed)
    yield from (
        f"What each network makes of the same {frames} frames with an open column, from "
        f"{len(changed)} plays of the last one, once the columns are closed: how much the greedy "
        "action's advantage changes, as a part of the mean advantage, and in how many frames "
        "another action is greedy. Beside it the same without the ball. Means over the plays ± "
        "their standard error.",
        "",
        "| timesteps | closed: change of the choice | another action | no ball: change of the "
        "choice | another action |",
        "| ---: | ---: | ---: | ---: | ---: |",
    )
    for path, network in networks.items():
        found = [measure(network, each) for each in changed]
        cells = [
            cell
            for name in ("tunnel", "ball")
            for cell in (
                f"{_mean([mean_effect(f.choice, f.exists, f.choice_scale)[name] for f in found])}",
                f"{_mean([mean_effect(f.action_changed, f.exists)[name] for f in found])}",
            )
        ]
        yield f"| {load_checkpoint(path).timesteps:,} | {' | '.join(cells)} |"


def removed(network: Network, seed: int) -> Counterfactuals:
    """Frames of a play with its open columns closed, and without the ball."""
    player = Player(make_monitor_env("breakout", seed=seed), epsilon=0.01, seed=seed)
    found = remove_elements(Backdrop(player.play(outputs_for_moves(network), WATCHED)), LOOKED_AT)
    player.close()
    assert found is not None
    return found.changed


def _mean(values: Sequence[float]) -> str:
    """Mean and its standard error."""
    spread = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return f"{np.mean(values):.2f} ± {spread:.2f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Play, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, nargs="?", default=CHECKPOINTS)
    parser.add_argument("--games", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--through", type=Path, metavar="CHECKPOINT", help="only draw its picture")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "tunnel.md")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if args.through is not None:
        network = network_of(q_network(load_checkpoint(args.through)))
        picture(network, args.seed, args.out.with_suffix(".png"))
        return
    paths = sorted(args.folder.glob("*.safetensors"))
    lines = ["# When a Breakout agent opens the wall", "", "`python benchmarks/tunnel.py`", ""]
    title = ("", "## What open columns matter", "")
    for line in chain(opening(paths, args.games, args.seed), title, closing(paths, args.seed)):
        lines.append(line)
        print(line, flush=True)
    args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
