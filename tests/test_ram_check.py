"""Elements taken out of memory in a round: gone from the screen, and no trace in the play."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from catch import Catch
from stable_baselines3.common.vec_env import DummyVecEnv

from rlmonitor.board.scalars import round_scalars
from rlmonitor.emulator import clone_state, insert_tap
from rlmonitor.environment import make_monitor_env
from rlmonitor.games import breakout
from rlmonitor.games.edits import GONE, REMOVALS
from rlmonitor.lrp import network_of
from rlmonitor.monitor import Monitor
from rlmonitor.monitor_settings import MonitorSettings
from rlmonitor.ram_check import RamCheck
from rlmonitor.replay.checkpoints import load_checkpoint, q_network
from rlmonitor.rollout import Player
from rlmonitor.side_by_side import play_alone
from rlmonitor.strategy.counterfactuals import Backdrop

CHECKPOINT = Path(__file__).parents[1] / "rlmonitor" / "data" / "breakout.safetensors"
STEPS = 120


@cache
def network():
    return network_of(q_network(load_checkpoint(CHECKPOINT)))


def forward(observation):
    return network().forward(observation).numpy()


@cache
def played():
    player = Player(make_monitor_env("breakout", seed=3), seed=1)
    check = RamCheck.of(player)
    play = play_alone(player.playing(STEPS, check.steps(STEPS)), forward)
    states = player.states
    player.close()
    return check, play, states


def test_after_an_edit_nothing_of_the_element_is_on_the_screen():
    check, play, states = played()
    wall = slice(breakout.WALL_TOP, breakout.WALL_BOTTOM), slice(8, 152)
    seen = refilled = 0
    for step, state in states.items():
        plain = check.emulator.draw(state)[-1]
        without, held = {}, {}
        for name, edit in check.edits.items():
            without[name] = check.emulator.draw(state, edit)[-1]
            if name in GONE["breakout"]:
                held[name] = check.emulator.stayed_away(GONE["breakout"][name])
        red = (plain == [200, 72, 72]).all(axis=-1)  # of the ball, the paddle and the upper row
        x, y = play.ram[step, 1, 99] - 49, play.ram[step, 1, 101] + 9
        if play.ram[step, 1, 101] and breakout.WALL_BOTTOM + 12 < y < 175:
            near = slice(y - 14, y + 18), slice(max(x - 14, 8), min(x + 16, 152))
            assert red[near].sum() == 8  # it moved on for three frames; 2 x 4 pixels
            assert not without["ball"][near].any()
            seen += 1
        if not held["bricks"]:
            refilled += 1
            continue
        gone = (plain != without["bricks"]).any(axis=-1)
        assert gone[wall].sum() >= 0.8 * plain[wall].any(axis=-1).sum()
        assert without["bricks"][wall].any(axis=-1).sum() <= 8  # a ball that passes
    assert seen >= 5
    assert refilled <= 2  # as a game begins
    assert set(check.edits) == set(REMOVALS["breakout"]) == {"ball", "bricks"}


def test_effects_are_those_of_painting_in_rank_and_of_the_ball_most():
    check, play, states = played()
    found = check.effects(network(), Backdrop(play), states)
    assert 4 <= found.frames <= len(states)
    assert set(found.value) == set(found.choice) == set(found.action_changed) == set(check.edits)
    assert found.value["ball"] > 0.05
    assert found.agreement > 0.5


def test_the_play_goes_on_as_if_nothing_had_been_looked_at():
    def frames(looks):
        env = make_monitor_env("breakout", seed=5)
        player, ale = Player(env, seed=1), insert_tap(env).unwrapped.ale
        check = RamCheck.of(player)
        np.random.seed(4)  # noqa: NPY002
        play = play_alone(player.playing(40, check.steps(40) if looks else ()), forward)
        if looks:
            assert check.effects(network(), Backdrop(play), player.states).frames
        state, screen = clone_state(ale).__getstate__(), ale.getScreenRGB()
        drawn = np.random.random()  # noqa: NPY002
        later = player.play(forward, 20)
        env.close()
        return play.observation, state, screen, drawn, later.observation, later.action

    for looked, plain in zip(frames(True), frames(False), strict=True):
        np.testing.assert_array_equal(looked, plain)


def test_without_memory_to_edit_there_is_no_check():
    assert RamCheck.of(Player(DummyVecEnv([Catch]))) is None
    assert RamCheck.of(Player(make_monitor_env("pong", seed=0))) is None
    user = Player(
        make_monitor_env("breakout", seed=0),
        elements={"top": lambda seen: np.arange(84)[:, None] < 9 + 0 * seen[0]},
    )
    assert RamCheck.of(user) is None


@pytest.mark.parametrize(("n_steps", "n_frames"), [(1, 8), (5, 1), (512, 8)])
def test_states_are_kept_for_whole_stacks_within_the_play(n_steps, n_frames):
    steps = played()[0].steps(n_steps, n_frames)
    assert set(steps) <= set(range(n_steps))
    assert len(steps) <= 4 * n_frames
    assert n_steps - 1 in steps or n_frames == 1


def test_a_round_has_both_kinds_of_effects(tmp_path):
    monitor = Monitor(
        network(),
        lambda: make_monitor_env("breakout", seed=0),
        run_dir=tmp_path,
        settings=MonitorSettings(n_frames=24, clip_frames=4, games=0, probe=None, keep=0),
    )
    values = round_scalars(monitor.run(0))
    monitor.close()
    for scope in ("value", "choice"):
        assert {f"{scope}/effect/ball", f"{scope}/ram_effect/ball"} <= set(values)
    assert {"choice/ram_action_changed/ball", "faithfulness/ram_agreement"} <= set(values)
    assert "value/ram_effect/display" not in values
    assert all(np.isfinite(value) for value in values.values())
