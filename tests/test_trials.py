"""Trial games: where they begin, what sticks, where they are cut off, and what they tell."""

import ale_py
import gymnasium as gym
import numpy as np
import pytest
import torch
from catch import Catch
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack
from torch import nn

import rlmonitor.trials as trials_module
from rlmonitor.board.writer import BoardWriter
from rlmonitor.errors import ConfigurationError
from rlmonitor.lrp import network_of
from rlmonitor.monitor import Monitor
from rlmonitor.monitor_settings import MonitorSettings
from rlmonitor.replay.journal import read_history
from rlmonitor.strategy.memorisation import compare_starts
from rlmonitor.trials import RANDOM_MOVES, STICKY, Trials

SIZE, ACTIONS = 36, 3
SECRET = np.random.default_rng(5).integers(ACTIONS, size=SIZE)


class Recital(gym.Env):
    """The screen tells how many moves were made; only one move is right, another ends the game.

    Where ``prompted``, the screen tells which move is right, and one that is wrong costs a point.
    """

    observation_space = gym.spaces.Box(0, 255, (1, SIZE, SIZE), np.uint8)
    action_space = gym.spaces.Discrete(ACTIONS)

    def __init__(self, prompted=False):
        self.prompted = prompted

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.moves, self.made = 0, []
        return self._screen(), {}

    def step(self, action):
        right = action == SECRET[self.moves]
        self.moves += 1
        self.made.append(int(action))
        over = self.moves == SIZE or not (right or self.prompted)
        return self._screen(), float(right), bool(over), False, {}

    def _screen(self):
        at = min(self.moves, SIZE - 1)
        screen = np.zeros((1, SIZE, SIZE), np.uint8)
        screen[0, SECRET[at] if self.prompted else slice(None), at] = 255
        return screen


def reciter():
    """Knows the right move to each number of moves."""
    layer = nn.Linear(SIZE * SIZE, ACTIONS, bias=False)
    weight = np.zeros((ACTIONS, SIZE, SIZE), np.float32)
    weight[SECRET, :, np.arange(SIZE)] = 1
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight.reshape(ACTIONS, -1)))
    return nn.Sequential(nn.Flatten(), layer)


def reader():
    """Makes the move that the screen tells."""
    layer = nn.Linear(SIZE * SIZE, ACTIONS, bias=False)
    weight = np.zeros((ACTIONS, SIZE, SIZE), np.float32)
    weight[np.arange(ACTIONS), np.arange(ACTIONS)] = 1
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight.reshape(ACTIONS, -1)))
    return nn.Sequential(nn.Flatten(), layer)


def greedy(network):
    return lambda seen: network(torch.from_numpy(seen).float()).detach().numpy()


def recital(prompted=False):
    return lambda: DummyVecEnv([lambda: Recital(prompted)])


def test_who_recites_is_told_from_who_plays():
    recited = Trials(recital()).play(greedy(reciter()), 20)
    assert recited["own"] == (SIZE,) * 20
    assert np.mean(recited["other"]) < SIZE / 3
    assert compare_starts(recited["own"], recited["other"]).memorised
    played = Trials(recital(prompted=True)).play(greedy(reader()), 20)
    assert played["own"] == (SIZE,) * 20
    assert not compare_starts(played["own"], played["other"]).memorised


class Endless(gym.Env):
    """A point for every move; nothing ends, and the moves are kept in mind."""

    observation_space = gym.spaces.Box(0, 255, (1, SIZE, SIZE), np.uint8)
    action_space = gym.spaces.Discrete(ACTIONS)

    def __init__(self):
        self.games = []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.games.append([])
        return np.zeros((1, SIZE, SIZE), np.uint8), {}

    def step(self, action):
        self.games[-1].append(int(action))
        return np.zeros((1, SIZE, SIZE), np.uint8), 1.0, False, False, {}


def test_games_are_cut_off_and_actions_stick():
    envs = []

    def make():
        envs.append(Endless())
        return DummyVecEnv([lambda: envs[-1]])

    asked = iter(range(10**6))

    def in_turn(seen):
        return np.eye(ACTIONS)[[next(asked) % ACTIONS for _ in seen]]

    scores = Trials(make, steps=200).play(in_turn, 30)
    assert scores == {"own": (200.0,) * 30, "other": (200.0,) * 30}
    own, other = (env.games[:-1] for env in envs)
    assert [len(game) for game in own] == [200] * 30
    repeated = [np.mean(np.diff(game) == 0) for game in own]
    assert max(repeated) == 0
    moves = [len(game) - 200 for game in other]
    assert min(moves) >= 0
    assert max(moves) <= RANDOM_MOVES
    assert len(set(moves)) > 10
    # an action is repeated where it sticks, and where it was asked for three steps ago and stuck
    # for two (five, eight, ...) since
    by_turn = (1 - STICKY) ** 2 * STICKY**2 / (1 - STICKY**3)
    stuck = np.mean([np.mean(np.diff(game[-200:]) == 0) for game in other])
    assert stuck == pytest.approx(STICKY + by_turn, abs=0.025)


def test_a_game_that_is_cut_off_starts_anew_under_life_rules():
    gym.register_envs(ale_py)

    def make():
        return VecFrameStack(make_atari_env("BreakoutNoFrameskip-v4", seed=0), 4)

    trials = Trials(make, steps=12)
    trials.play(lambda seen: np.eye(4)[[1] * len(seen)], 2)
    games = trials._games["own"]
    tap = games._tap
    assert tap.unwrapped.ale.lives() == 5
    assert tap.unwrapped.ale.getEpisodeFrameNumber() < 4 * 40
    frames = games.vec_env.envs[0].unwrapped.ale.getFrameNumber()
    trials.play(lambda seen: np.eye(4)[[0] * len(seen)], 1)
    assert 12 * 4 <= games.vec_env.envs[0].unwrapped.ale.getFrameNumber() - frames < 12 * 4 + 140
    trials.close()


def test_environments_that_cannot_be_used(monkeypatch):
    env = Catch()
    with pytest.raises(ConfigurationError, match="a factory that makes a new one"):
        Trials(lambda: DummyVecEnv([lambda: env]))
    monkeypatch.setattr(trials_module, "insert_tap", lambda vec_env: None)  # in another process
    with pytest.raises(ConfigurationError, match="in this process"):
        Trials(lambda: DummyVecEnv([Catch]))


def monitor(folder, network, make_env, **settings):
    defaults = {"n_frames": 24, "clip_frames": 4, "spacing": 1, "probe": None, "keep": 0}
    return Monitor(
        network_of(network),
        make_env,
        run_dir=folder,
        writer=BoardWriter.open(None, folder),
        settings=MonitorSettings(
            elements={"left": lambda seen: np.arange(SIZE) < SIZE // 2 + 0 * seen[0]},
            **(defaults | settings),
        ),
    )


@pytest.mark.parametrize(("network", "prompted"), [(reciter, False), (reader, True)])
def test_a_monitored_reciter_is_told_of(tmp_path, network, prompted):
    watching = monitor(tmp_path, network(), recital(prompted), games=4)
    events = [e for t in range(8) for e in watching.notice(watching.run(t))]
    watching.close()
    assert ("memorised" in [event.kind for event in events]) is not prompted
    history = read_history(tmp_path)
    assert [len(each.scores.get("own", ())) for each in history.rounds] == [4, 0] * 4
    assert [len(each.scores.get("other", ())) for each in history.rounds] == [0, 4] * 4
    assert list(history.curve("play/own_starts").values) == [SIZE] * 4


def test_trial_games_leave_the_play_and_random_states_alone(tmp_path):
    plays = []
    for games in (0, 2):
        watching = monitor(tmp_path / str(games), reciter(), recital(), games=games)
        np.random.seed(3)  # noqa: NPY002
        torch.manual_seed(3)
        found = [watching.run(t) for t in range(2)]
        plays.append([each.play.recording.action for each in found])
        kinds = [set(each.trials) for each in found]
        assert kinds == ([set(), set()] if games == 0 else [{"own"}, {"other"}])
        drawn = np.random.random(), torch.rand(1).item()  # noqa: NPY002
        plays.append(drawn)
        watching.close()
    np.testing.assert_array_equal(plays[0], plays[2])
    assert plays[1] == plays[3]


def test_one_environment_for_all_is_played_in_without_trials(tmp_path):
    env = DummyVecEnv([Recital])
    watching = monitor(tmp_path, reciter(), lambda: env, games=2)
    assert watching.run(0).trials == {}
    assert watching.run(1).trials == {}
    watching.close()
