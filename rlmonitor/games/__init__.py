"""Games whose screen is known: one small table a game, all of them in `GAMES`."""

from __future__ import annotations

import re

from rlmonitor.games import breakout, pong, video_pinball
from rlmonitor.games.location import MEMORY, PIXELS, Located, locate
from rlmonitor.games.motion import MOVING, moving_masks
from rlmonitor.games.screen import (
    REST,
    Element,
    Game,
    Reading,
    as_ram,
    element_masks,
    pixel_masks,
    readings,
)

__all__ = [
    "GAMES",
    "MEMORY",
    "MOVING",
    "PIXELS",
    "REST",
    "Element",
    "Game",
    "Located",
    "Reading",
    "as_ram",
    "element_masks",
    "game_of",
    "locate",
    "moving_masks",
    "pixel_masks",
    "readings",
]

GAMES: dict[str, Game] = {
    game.name: game for game in (breakout.GAME, pong.GAME, video_pinball.GAME)
}
"""Tables by name. A new game is a module like `breakout` and its entry here."""

_ENV_ID = re.compile(r"(?:.*/)?(?P<name>\w+?)(?:-ram)?(?:NoFrameskip|Deterministic)?(?:-v\d+)?")


def game_of(env_id: str) -> Game | None:
    """The table for an environment, None where there is none.

    Args:
        env_id: an environment's id in any of ALE's forms, or the game's name.

    >>> [game_of(i).name for i in ("BreakoutNoFrameskip-v4", "ALE/Breakout-v5", "breakout")]
    ['breakout', 'breakout', 'breakout']
    >>> game_of("CartPole-v1") is None
    True
    """
    match = _ENV_ID.fullmatch(env_id)
    if match is None:
        return None
    return GAMES.get(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", match["name"]).lower())
