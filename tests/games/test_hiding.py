"""Hidden elements, against screens on which the elements' colour was painted over."""

from __future__ import annotations

from typing import Any

import cv2
import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

from rlmonitor.emulator import clone_state
from rlmonitor.errors import ObservationError, UnknownNameError
from rlmonitor.games import GAMES, breakout
from rlmonitor.games.hiding import without
from rlmonitor.interventions import SpareEmulator
from rlmonitor.testing import play_raw

BROWN, GREEN, ORANGE, BLACK, RED = (
    (144, 72, 17), (92, 186, 92), (213, 130, 74), (0, 0, 0), (200, 72, 72),
)  # fmt: skip

Screens = NDArray[np.uint8]


def seen(raw: Screens) -> Screens:
    """Raw frames ``[N, 210, 160, 3]`` as a policy sees each with the one before."""
    both = np.maximum(raw[:-1], raw[1:])
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in both]
    return np.stack([cv2.resize(g, (84, 84), interpolation=cv2.INTER_AREA) for g in grey])


def painted(raw: Screens, lane: tuple[slice, slice], colour: Any, ground: Any) -> Screens:
    copy = raw.copy()
    inside = copy[:, *lane]
    inside[(inside == colour).all(axis=-1)] = ground
    return copy


@pytest.mark.parametrize(
    ("env", "element", "lane", "colour", "ground", "ball_is_near"),
    [
        ("Pong", "enemy", (slice(34, 194), slice(16, 20)), ORANGE, BROWN, lambda m: m[49] < 75),
        ("Pong", "paddle", (slice(34, 194), slice(140, 144)), GREEN, BROWN, lambda m: m[49] > 180),
        (
            "Breakout",
            "paddle",
            (slice(189, 193), slice(8, 152)),
            RED,
            BLACK,
            lambda m: not 0 < m[101] < 170,
        ),
    ],
)
def test_an_observation_is_what_a_painted_screen_would_have_given(
    env: str, element: str, lane: tuple[slice, slice], colour: Any, ground: Any, ball_is_near: Any
) -> None:
    rng = np.random.default_rng(4)
    played = play_raw(f"{env}NoFrameskip-v4", 800, seed=4, policy=lambda _: int(rng.integers(4)))
    before, expected = seen(played.screen), seen(painted(played.screen, lane, colour, ground))
    hidden = without(GAMES[env.lower()], [element], before)
    there = (np.abs(before.astype(int) - expected) > 8).any(axis=(1, 2))
    assert there.mean() > 0.5  # else nothing was to be hidden
    near = np.array([ball_is_near(memory) for memory in played.ram])
    apart = ~(near[:-1] | near[1:])  # a ball that touches a paddle goes with it
    apart[0] = False  # the title of Pong
    assert apart.sum() > 400
    assert np.abs(hidden.astype(int) - expected)[apart].max() <= 2


def test_a_hidden_tunnel_is_closed_and_without_one_nothing_changes() -> None:
    """Against what the console draws of the same game with the columns' bricks in memory."""
    emulator = SpareEmulator("breakout")
    env = gymnasium.make("BreakoutNoFrameskip-v4")
    env.reset(seed=3)
    for step in range(120):
        env.step(int(step == 5) + 2 * (step % 7 == 0))
    state = clone_state(env.unwrapped.ale)
    rng = np.random.default_rng(2)

    def drawn(standing: NDArray[np.bool_]) -> Screens:
        def edit(ram: NDArray[np.uint8]) -> NDArray[np.uint8]:
            return breakout.with_ball(breakout.with_bricks(ram, standing), 140, 60)

        return seen(emulator.draw(state, edit))

    for opened in ([], [0], [17, 3], [8, 9, 10], range(18)):
        closed = np.asarray(rng.random((6, 18)) < 0.7)
        closed[3] = True
        closed[:, list(opened)] = True
        standing = closed.copy()
        standing[:, list(opened)] = False
        before, expected = drawn(standing), drawn(closed)
        hidden = without(GAMES["breakout"], ["tunnel"], before)
        assert np.array_equal(before, expected) == (not opened)
        np.testing.assert_allclose(hidden.astype(int), expected, atol=1)
    env.close()


def test_nothing_else_is_touched_and_two_elements_go_together() -> None:
    raw = play_raw("PongNoFrameskip-v4", 300, seed=5, policy=lambda _: 2).screen
    before = seen(raw)
    game = GAMES["pong"]
    np.testing.assert_array_equal(without(game, [], before), before)
    both = without(game, ["paddle", "enemy"], before)
    np.testing.assert_array_equal(both[:, :, 30:70], before[:, :, 30:70])
    one = without(game, ["paddle"], before)
    np.testing.assert_array_equal(both[:, :, 60:], one[:, :, 60:])
    np.testing.assert_array_equal(both[:, :, :20], without(game, ["enemy"], before)[:, :, :20])


def test_wrong_names_and_stacks_are_told() -> None:
    frames = np.zeros((2, 84, 84), np.uint8)
    with pytest.raises(UnknownNameError, match="did you mean 'enemy'"):
        without(GAMES["pong"], ["ennemy"], frames)
    with pytest.raises(ObservationError, match=r"uint8\[2, 4, 84, 84\], expected uint8\[N, H, W\]"):
        without(GAMES["pong"], ["enemy"], np.zeros((2, 4, 84, 84), np.uint8))
