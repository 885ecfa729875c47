"""Make the Breakout probe: frames from all phases of the game, for every round to explain.

    python scripts/make_probe.py rlmonitor/data/probe_breakout.npz

A trained network plays; memory is edited to bring about walls with tunnels, a ball above the wall
and late scores, which it seldom reaches. After an edit the game runs on until nothing of the frame
stack is older than the edit. Deterministic by the seed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from rlmonitor.emulator import insert_tap
from rlmonitor.environment import make_monitor_env
from rlmonitor.games import as_ram, breakout
from rlmonitor.probe import save_probe
from rlmonitor.recording import Recording, spread
from rlmonitor.rollout import Player
from rlmonitor.testing import set_memory

DATA = Path(__file__).parent.parent / "rlmonitor" / "data"
SETTLE = 8
"""Agent steps between an edit and the first frame taken: two frame stacks."""

Edit = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]
Take = Callable[[Recording], NDArray[np.bool_]]


@dataclass(frozen=True)
class Phase:
    """Frames of one kind.

    Attributes:
        name: as stored beside each frame.
        n: how many frames.
        takes: which of the frames played are of this kind.
        edit: what brings it about; None to play a new game from the start.
        epsilon: chance of a random action; 0 keeps the agent's hands off altogether.
        length: agent steps played after each edit.
        per_edit: frames taken from them.
    """

    name: str
    n: int
    takes: Take
    edit: Edit | None
    epsilon: float = 0.05
    length: int = 48
    per_edit: int = 4


def top_of_ball(recording: Recording) -> NDArray[np.int64]:
    """The ball's upper edge at the newest raw frame; 0 without a ball."""
    assert recording.ram is not None
    return breakout.ball_boxes(as_ram(recording.ram[:, 1]))[:, 0, 0]


def ball_between(low: int, high: int) -> Take:
    """Frames with the ball's upper edge in ``[low, high)``."""
    return lambda recording: (top_of_ball(recording) >= low) & (top_of_ball(recording) < high)


def ball_absent(recording: Recording) -> NDArray[np.bool_]:
    """Frames before a serve."""
    assert recording.ram is not None
    return np.asarray((recording.ram[..., 101] == 0).all(axis=1))


def with_wall(standing: NDArray[np.bool_], ram: NDArray[np.uint8], lives: int) -> NDArray[np.uint8]:
    """The memory with this wall, the score that it is worth, and so many lives left."""
    worth = np.array([7, 7, 4, 4, 1, 1])[:, None]
    hundreds, rest = divmod(int((~standing * worth).sum()), 100)
    edited = breakout.with_bricks(ram, standing)
    edited[76], edited[77] = hundreds, rest // 10 << 4 | rest % 10
    edited[57] = lives
    return edited


def worn(rng: np.random.Generator, share: float) -> NDArray[np.bool_]:
    """A wall of which the lower rows are gone first, ``[6, 18]``; ``share`` of it stands."""
    height = np.arange(6)[:, None] / 6 + rng.normal(0, 0.2, (6, 18))
    return np.asarray(height < np.quantile(height, share))


def wall(low: float, high: float, lives: Sequence[int] = (2, 3, 4, 5)) -> Edit:
    """A worn wall with between ``low`` and ``high`` of its bricks standing."""
    return lambda ram, rng: with_wall(
        worn(rng, rng.uniform(low, high)), ram, int(rng.choice(np.array(lives)))
    )


def ball_in_tunnel(recording: Recording) -> NDArray[np.bool_]:
    """Frames with the ball between two columns of bricks."""
    assert recording.ram is not None
    ram = as_ram(recording.ram[:, 1])
    top, left, _, right = breakout.ball_boxes(ram)[:, 0].T
    open_column = ~np.asarray(breakout.bricks_standing(ram).any(axis=1))
    first, last = ((edge - 8) // 8 % 18 for edge in (left, right - 1))
    frame = np.arange(len(ram))
    is_open = open_column[frame, first] & open_column[frame, last]
    return np.asarray((top >= 57) & (top < 89) & is_open)


def tunnel(columns: Sequence[int], *, width: int = 1, ball_above: bool = False) -> Edit:
    """A worn wall, open from one of these columns on, and the ball above it if so wanted."""

    def edit(ram: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        standing = worn(rng, rng.uniform(0.5, 0.95))
        standing[:2] = True
        first = int(rng.choice(np.array(columns)))
        standing[:, first : first + width] = False
        edited = with_wall(standing, ram, int(rng.integers(1, 6)))
        if ball_above:
            top, left = rng.integers((34, 9), (52, 150))
            edited = breakout.with_ball(edited, int(top), int(left))
        return edited

    return edit


ANYWHERE = ball_between(33, 189)
PHASES = (
    Phase("start", 24, ANYWHERE, None, length=120, per_edit=12),
    Phase("mid-game", 24, ANYWHERE, wall(0.6, 0.9)),
    Phase("half-empty wall", 20, ANYWHERE, wall(0.3, 0.55)),
    Phase("few bricks", 12, ANYWHERE, wall(0.05, 0.2), per_edit=3),
    Phase("tunnel left", 16, ANYWHERE, tunnel((0, 1))),
    Phase("tunnel middle", 16, ANYWHERE, tunnel(range(6, 12))),
    Phase("tunnel right", 16, ANYWHERE, tunnel((16, 17))),
    Phase(
        "ball above the wall",
        24,
        ball_between(33, 54),
        tunnel(range(18), ball_above=True),
        epsilon=0.7,  # left alone, this agent leaves the paddle in its corner
        per_edit=3,
    ),
    Phase(
        "ball in a tunnel",
        12,
        ball_in_tunnel,
        tunnel(range(16), width=3, ball_above=True),
        epsilon=0.7,
        per_edit=2,
    ),
    Phase("ball near the wall", 12, ball_between(93, 112), wall(0.5, 0.95), per_edit=2),
    Phase("ball near the paddle", 16, ball_between(165, 187), wall(0.4, 0.95), per_edit=2),
    Phase("no ball", 12, ball_absent, wall(0.4, 1.0), epsilon=0.0, length=100, per_edit=2),
    Phase("last life", 16, ANYWHERE, wall(0.4, 0.9, lives=(1,))),
)


def q_values(path: Path) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """The NIPS network (Mnih et al. 2013) of a checkpoint: observations ``[1, 4, 84, 84]`` to Q."""
    weights = {name: tensor.float() for name, tensor in load_file(path).items()}

    def layer(name: str) -> tuple[torch.Tensor, torch.Tensor]:
        return weights[f"{name}.weight"], weights[f"{name}.bias"]

    def forward(observation: NDArray[Any]) -> NDArray[np.float32]:
        x = torch.from_numpy(np.ascontiguousarray(observation)).float() / 255
        x = torch.conv2d(x, *layer("features_extractor.cnn.0"), stride=4).relu()
        x = torch.conv2d(x, *layer("features_extractor.cnn.2"), stride=2).relu().flatten(1)
        x = torch.nn.functional.linear(x, *layer("features_extractor.linear.0")).relu()
        return torch.nn.functional.linear(x, *layer("q_net.0")).numpy()

    return forward


def hands_off(observation: NDArray[Any]) -> NDArray[np.float32]:
    """Q-values whose greedy action is NOOP."""
    return np.array([[1, 0, 0, 0]], np.float32)


def record(phase: Phase, forward: Any, rng: np.random.Generator) -> Recording:
    """Play and edit until there are enough frames of a phase."""
    seed = int(rng.integers(2**31))
    vec_env = make_monitor_env("BreakoutNoFrameskip-v4", seed=seed)
    tap = insert_tap(vec_env)
    assert tap is not None
    player = Player(vec_env, epsilon=phase.epsilon, seed=seed)
    played = hands_off if phase.epsilon == 0 else forward
    parts: list[Recording] = []
    while sum(map(len, parts)) < phase.n:
        player.play(forward, 12)  # the serve
        if phase.edit is not None:
            ale = tap.unwrapped.ale  # type: ignore[attr-defined]
            set_memory(ale, phase.edit(ale.getRAM(), rng))
        take = player.play(played, SETTLE + phase.length)
        settled = np.arange(len(take)) >= SETTLE
        of_this_game: NDArray[np.bool_] = np.cumsum(take.done) - take.done == 0
        wanted = take.select(np.flatnonzero(settled & of_this_game & phase.takes(take)))
        parts.append(spread(wanted, phase.per_edit))
    player.close()
    return joined(parts).select(slice(phase.n))


def joined(parts: Sequence[Recording]) -> Recording:
    """One recording from several; frames keep their steps, so they may jump."""
    first = parts[0]
    together: dict[str, Any] = {
        each.name: np.concatenate([getattr(part, each.name) for part in parts])
        for each in fields(Recording)
        if isinstance(getattr(first, each.name), np.ndarray)
    }
    return Recording(**together, env_id=first.env_id, action_meanings=first.action_meanings)


def main() -> None:
    """Make the probe and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("path", type=Path, help="the .npz file to write")
    parser.add_argument("--checkpoint", type=Path, default=DATA / "breakout.safetensors")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rng, forward = np.random.default_rng(arguments.seed), q_values(arguments.checkpoint)
    recordings = [record(phase, forward, rng) for phase in PHASES]
    names = [phase.name for phase in PHASES for _ in range(phase.n)]
    save_probe(arguments.path, joined(recordings), names)
    print(f"{len(names)} frames, {arguments.path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
