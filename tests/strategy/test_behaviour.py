"""What the agent does, measured in the emulator itself."""

import numpy as np
import pytest

from rlmonitor.environment import make_monitor_env
from rlmonitor.rollout import Player
from rlmonitor.strategy.behaviour import NUDGED, SCORE_RATE, TILTED, play_values

FIRE, UP, LEFT, DOWN, NUDGE_UP, NUDGE_RIGHT, NUDGE_LEFT = 1, 2, 4, 5, 6, 7, 8
LAUNCH = 12 * (DOWN,) + 2 * (FIRE,) + 8 * (0,)


def played(*actions):
    """The curves of a game of VideoPinball after the launch."""
    moves = iter(LAUNCH + actions)
    player = Player(make_monitor_env("video_pinball", seed=0), epsilon=0.0)
    try:
        player.play(lambda seen: np.eye(9, dtype=np.float32)[[next(moves)]], len(LAUNCH))
        return play_values(
            player.play(lambda seen: np.eye(9, dtype=np.float32)[[next(moves)]], len(actions))
        )
    finally:
        player.close()


@pytest.mark.parametrize("nudge", [NUDGE_UP, NUDGE_RIGHT, NUDGE_LEFT])
def test_a_table_that_is_pushed_now_and_then_is_nudged_and_not_tilted(nudge):
    found = played(*2 * (4 * (nudge,) + 16 * (0,)))
    assert 0.2 <= found[NUDGED] <= 0.45  # a meter that is not fed is empty as soon as it was full
    assert found[TILTED] == 0


@pytest.mark.parametrize("nudge", [NUDGE_UP, NUDGE_RIGHT, NUDGE_LEFT])
def test_a_table_that_is_pushed_on_and_on_tilts(nudge):
    found = played(*24 * (nudge,))
    assert found[NUDGED] > 0.9
    assert found[TILTED] > 0.4


def test_flippers_are_no_nudges_and_points_count():
    found = played(*20 * (UP, 0, LEFT, 0))
    assert (found[NUDGED], found[TILTED]) == (0, 0)
    assert found[SCORE_RATE] > 0
