"""Make the README's moving picture: the shipped Breakout agent at play, as a round shows it.

python scripts/make_picture.py docs/play.gif
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlmonitor.board.round_clips import play_clip
from rlmonitor.demo import shipped_checkpoint
from rlmonitor.environment import make_monitor_env
from rlmonitor.lrp import network_of
from rlmonitor.replay.checkpoints import q_network
from rlmonitor.rollout import Player
from rlmonitor.round import run_round


def main(arguments: Sequence[str] | None = None) -> None:
    """Play, explain the busiest frames, write the GIF."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("path", type=Path, nargs="?", default=Path("docs/play.gif"))
    parser.add_argument("--steps", type=int, default=1024, help="agent steps to choose from")
    parser.add_argument("--seed", type=int, default=2)
    args = parser.parse_args(arguments)

    checkpoint = shipped_checkpoint()
    network = network_of(q_network(checkpoint))

    def q_values(observation: NDArray[Any]) -> NDArray[np.float32]:
        return network.forward(observation).numpy()

    player = Player(make_monitor_env("BreakoutNoFrameskip-v4", seed=args.seed), seed=args.seed)
    found = run_round(network, player.play(q_values, args.steps), timestep=checkpoint.timesteps)
    args.path.parent.mkdir(parents=True, exist_ok=True)
    args.path.write_bytes(play_clip(found))
    print(f"{args.path}: {args.path.stat().st_size / 1024:,.0f} KiB")


if __name__ == "__main__":
    main()
