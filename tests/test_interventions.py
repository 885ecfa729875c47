"""Elements taken out of the console's memory: against pixels, and without a trace in the player."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from rlmonitor.emulator import clone_state, insert_tap
from rlmonitor.environment import describe, make_monitor_env
from rlmonitor.errors import ConfigurationError, ObservationError, UnknownNameError
from rlmonitor.games import breakout
from rlmonitor.games.edits import EDITS
from rlmonitor.interventions import SpareEmulator, counterfactuals, edits_of
from rlmonitor.lrp import network_of
from rlmonitor.preprocessing import Preprocessing
from rlmonitor.replay.checkpoints import load_checkpoint, q_network
from rlmonitor.rollout import Player
from rlmonitor.strategy.causal import effects, mean_effect, measure
from rlmonitor.strategy.counterfactuals import Backdrop
from rlmonitor.testing import set_memory

CHECKPOINT = Path(__file__).parents[1] / "rlmonitor" / "data" / "breakout.safetensors"
STEPS = 160


@cache
def network():
    return network_of(q_network(load_checkpoint(CHECKPOINT)))


def forward(observation):
    return network().forward(observation).numpy()


@cache
def played():
    """A trained agent's play, and the emulator's state before each of its steps."""
    env = make_monitor_env("breakout", seed=3)
    ale, states = insert_tap(env).unwrapped.ale, []

    def watched(observation):
        states.append(clone_state(ale))
        return forward(observation)

    play = Player(env, seed=1).play(watched, STEPS)
    preprocessing = describe(env)
    env.close()
    return play, states, preprocessing


def stacks(index):
    return [played()[1][i - 3 : i + 1] for i in index]


@cache
def emulator():
    return SpareEmulator("breakout")


def with_ball():
    play = played()[0]
    there = play.masks["ball"].any(axis=(1, 2))
    return np.array([i for i in range(8, STEPS) if there[i - 4 : i + 1].all()])[::5][:10]


def test_every_edit_empties_the_screen_of_its_element():
    index = int(with_ball()[-1])
    state = played()[1][index]
    screens = {name: emulator().draw(state, edit)[-1] for name, edit in EDITS["breakout"].items()}
    plain = emulator().draw(state)[-1]
    changed = {name: (screen != plain).any(axis=-1) for name, screen in screens.items()}
    wall = slice(breakout.WALL_TOP, breakout.WALL_BOTTOM)
    assert not screens["bricks"][wall, 8:152].any(axis=-1).mean() > 0.01  # the ball at most
    assert plain[wall, 8:152].any(axis=-1).mean() > 0.8
    assert 0 < changed["ball"].sum() <= 16  # a ball of 2 x 4 pixels goes, or shows what is behind
    assert changed["ball"][breakout.FIELD[0] : breakout.FIELD[2]].sum() == changed["ball"].sum()
    assert changed["bricks"][wall].sum() >= 0.95 * changed["bricks"].sum()
    assert not changed["display"][17:].any()


def test_a_display_that_stands_at_the_start_of_a_game_has_nothing_to_take_away():
    found = counterfactuals(
        emulator(), stacks([5]), {"display": EDITS["breakout"]["display"]}, played()[2]
    )
    assert played()[0].score[5] == 0
    assert not found.exists["display"].any()


def test_without_an_edit_the_frames_are_the_games_own():
    play, _, preprocessing = played()
    env = make_monitor_env("breakout", seed=3)
    ale = insert_tap(env).unwrapped.ale
    env.reset()
    for action in play.action[:40]:
        env.step(np.array([action]))
    found = counterfactuals(emulator(), [[clone_state(ale)] * 4], {}, preprocessing)
    raw = emulator().draw(clone_state(ale))
    seen = [ale.act(0) or ale.getScreenRGB() for _ in range(3)][1:]
    np.testing.assert_array_equal(raw, np.stack(seen))
    assert found.observation.shape == (1, 4, 84, 84)
    env.close()


def test_the_players_emulator_is_untouched():
    env = make_monitor_env("breakout", seed=5)
    player, ale = Player(env, seed=1), insert_tap(env).unwrapped.ale
    player.play(forward, 30)
    before, screen = clone_state(ale).__getstate__(), ale.getScreenRGB()
    state = clone_state(ale)
    found = counterfactuals(emulator(), [[state] * 4], edits_of("breakout"), describe(env))
    measure(network(), found)
    effects(network(), player.play(forward, 1))
    after_one = clone_state(ale).__getstate__()
    env.close()

    twin = make_monitor_env("breakout", seed=5)
    other, twin_ale = Player(twin, seed=1), insert_tap(twin).unwrapped.ale
    other.play(forward, 30)
    assert clone_state(twin_ale).__getstate__() == before
    np.testing.assert_array_equal(twin_ale.getScreenRGB(), screen)
    other.play(forward, 1)
    assert clone_state(twin_ale).__getstate__() == after_one
    twin.close()


@pytest.mark.parametrize(("element", "tolerance"), [("ball", 0.15), ("bricks", 0.2)])
def test_filling_from_the_background_does_what_the_emulator_does(element, tolerance):
    play, _, preprocessing = played()
    index = with_ball()
    edited = counterfactuals(
        emulator(), stacks(index), {element: EDITS["breakout"][element]}, preprocessing
    )
    filled = Backdrop(play).without([element], index)
    found = [measure(network(), each) for each in (edited, filled)]
    for name in ("value", "choice"):
        real, guessed = (
            mean_effect(getattr(each, name), each.exists, getattr(each, f"{name}_scale"))[element]
            for each in found
        )
        assert guessed == pytest.approx(real, abs=tolerance)


def test_behind_the_bricks_and_the_ball_is_what_the_emulator_draws():
    play, _, preprocessing = played()
    index = with_ball()
    edits = {name: EDITS["breakout"][name] for name in ("ball", "bricks")}
    edited = counterfactuals(emulator(), stacks(index), edits, preprocessing)
    filled = Backdrop(play).without(list(edits), index)
    wall = np.zeros((84, 84), bool)
    wall[20:40, 2:82] = True
    both = edited.without["bricks"][:, -1], filled.without["bricks"][:, -1]
    still = ~played()[0].masks["ball"].any(axis=0) & wall
    difference = np.abs(both[0].astype(int) - both[1])[:, still]
    assert (difference <= 2).mean() > 0.98  # all but where the wall's corners meet
    field = np.zeros((84, 84), bool)
    field[40:75, 5:79] = True  # below the wall nothing but the ball
    assert not edited.without["ball"][:, :, field].any()
    assert not filled.without["ball"][:, :, field].any()


def test_an_open_column_is_closed_and_the_space_above_the_wall_stays_as_it_is():
    """Columns are opened in the player's memory in mid-play, so what is behind them is known."""
    env, states = make_monitor_env("breakout", seed=3), []
    ale = insert_tap(env).unwrapped.ale

    def watched(observation):
        if len(states) == STEPS // 2:
            standing = breakout.bricks_standing(ale.getRAM()[None].astype(np.int64))[0]
            standing[:, [9, 12]] = False  # nothing hits their bricks before
            set_memory(ale, breakout.with_bricks(ale.getRAM(), standing))
        states.append(clone_state(ale))
        return forward(observation)

    play = Player(env, seed=1).play(watched, STEPS)
    preprocessing = describe(env)
    env.close()
    closed, opened = np.arange(10, STEPS // 2, 10), np.arange(STEPS // 2 + 10, STEPS, 10)
    backdrop, edit = Backdrop(play), {"tunnel": EDITS["breakout"]["tunnel"]}
    untouched = backdrop.without(["tunnel"], closed)
    assert not untouched.exists["tunnel"].any()
    np.testing.assert_array_equal(untouched.without["tunnel"], untouched.observation)

    drawn = counterfactuals(
        emulator(), [states[i - 3 : i + 1] for i in opened], edit, preprocessing
    )
    filled = backdrop.without(["tunnel"], opened)
    assert filled.exists["tunnel"].all()
    passing = play.masks["ball"].any(axis=0)
    changed = (drawn.observation != drawn.without["tunnel"]) & ~passing
    difference = np.abs(drawn.without["tunnel"].astype(int) - filled.without["tunnel"])
    assert changed.sum(axis=(1, 2, 3)).min() > 4 * 100  # two columns of some 4 x 15 pixels
    assert difference[changed].max() <= 2
    elsewhere = filled.without["tunnel"] != filled.observation
    assert not (elsewhere & ~changed)[..., ~passing].any()


def test_the_trained_agent_needs_the_ball_most_and_looks_there_most():
    found = effects(network(), played()[0], n_frames=16)
    assert max(found.value, key=found.value.get) == "ball"
    assert found.value["ball"] > 3 * found.value["paddle"]
    assert found.value["display"] < 0.1
    assert found.agreement["q"] > 0.3


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: SpareEmulator("brekout"), UnknownNameError, "breakout"),
        (
            lambda: counterfactuals(emulator(), [], {}, played()[2]),
            ObservationError,
            "at least one",
        ),
        (
            lambda: counterfactuals(emulator(), [played()[1][:2]], {}, played()[2]),
            ObservationError,
            "expected 4 each",
        ),
        (
            lambda: counterfactuals(
                emulator(), stacks([5]), {}, Preprocessing("ALE/Breakout-v5", emulator_frame_skip=4)
            ),
            ConfigurationError,
            "NoFrameskip",
        ),
    ],
)
def test_bad_input_names_itself(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_game_without_edits_has_none():
    assert edits_of("pong") == {}
