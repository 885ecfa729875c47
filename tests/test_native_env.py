"""The native vector env, held against an emulator stepped literally and against SB3's wrappers."""

from __future__ import annotations

from collections.abc import Iterator

import ale_py
import gymnasium
import numpy as np
import pytest
from ale_py import Action
from numpy.typing import NDArray
from oracles.literal_atari import Frame, LiteralGame, Step
from stable_baselines3 import DQN
from stable_baselines3.common.atari_wrappers import MaxAndSkipEnv, WarpFrame
from stable_baselines3.common.evaluation import evaluate_policy

from rlmonitor.configuration import parse_configuration
from rlmonitor.demo import shipped_checkpoint
from rlmonitor.errors import UnknownNameError
from rlmonitor.native_env import NativeAtariVecEnv
from rlmonitor.preprocessing import describe
from rlmonitor.replay.checkpoints import q_network
from rlmonitor.training import make_env


@pytest.fixture
def env() -> Iterator[NativeAtariVecEnv]:
    made = NativeAtariVecEnv("breakout", 2, noop_max=1)
    yield made
    made.close()


def played(observation: Frame, rng: np.random.Generator) -> NDArray[np.int64]:
    """Actions that score and lose: the trained network's in env 0, random ones in env 1."""
    q = NETWORK(NETWORK.obs_to_tensor(observation)[0]).argmax(dim=1).numpy()
    random = rng.integers(0, 4, len(q))
    return np.where((rng.random(len(q)) < 0.05) | (np.arange(len(q)) == 1), random, q)


def comparable(following: Frame, expected: Step) -> tuple[Frame, Frame]:
    """What follows an action, without the newest frame of a game over.

    A game ends between two frames of a step; which raw frames are then the last two is nowhere
    defined, and nothing is learnt from it.
    """
    known = slice(3 if expected.episode else 4)
    theirs = expected.observation if expected.terminal is None else expected.terminal
    return following[known], theirs[known]


NETWORK = q_network(shipped_checkpoint())


@pytest.mark.parametrize(
    ("game", "n_steps", "most_points"), [("breakout", 600, 1), ("asterix", 500, 50)]
)
def test_every_transition_is_that_of_one_emulator_stepped_literally(
    game: str, n_steps: int, most_points: int
) -> None:
    env = NativeAtariVecEnv(game, 2, noop_max=1)
    rng, twins = np.random.default_rng(0), [LiteralGame(game) for _ in range(2)]
    observation = env.reset()
    assert isinstance(observation, np.ndarray)
    np.testing.assert_array_equal(observation, [np.stack(twin.stack) for twin in twins])
    lives_lost, games, points = 0, 0, 0
    for _ in range(n_steps):
        action = played(observation, rng)
        observation, reward, done, infos = env.step(action)
        for i, twin in enumerate(twins):
            expected = twin.step(int(action[i]))
            np.testing.assert_array_equal(observation[i], expected.observation)
            assert (reward[i], done[i]) == (expected.reward, expected.done)
            assert ("terminal_observation" in infos[i]) == done[i]
            if expected.terminal is not None:
                ours, theirs = comparable(infos[i]["terminal_observation"], expected)
                np.testing.assert_array_equal(ours, theirs)
                assert infos[i]["TimeLimit.truncated"] is False
            episode = infos[i].get("episode")
            assert (episode and (episode["r"], episode["l"])) == expected.episode
            assert infos[i]["lives"] == twin.lives
            lives_lost += expected.done and expected.episode is None
            games += expected.episode is not None
            points = max(points, expected.points)
    env.close()
    assert lives_lost >= 4  # else the test has seen too little
    assert games >= 1
    assert points >= most_points


def test_pixels_are_those_of_stable_baselines3s_wrappers(env: NativeAtariVecEnv) -> None:
    gymnasium.register_envs(ale_py)
    sb3 = WarpFrame(MaxAndSkipEnv(gymnasium.make("BreakoutNoFrameskip-v4")))
    sb3.reset()
    sb3.unwrapped.ale.act(Action.FIRE)  # type: ignore[attr-defined]
    env.reset()
    rng = np.random.default_rng(1)
    for _ in range(300):
        action = rng.integers(0, 4, 2)
        observation, _, done, _ = env.step(action)
        frame, _, _, _, info = sb3.step(int(action[0]))
        if info["lives"] == 0:
            break
        np.testing.assert_array_equal(observation[0, -1], frame[..., 0])
    assert not done[0] or info["lives"] == 0
    assert info["lives"] < 5
    sb3.close()


def test_the_replay_buffer_holds_each_transition_once_and_no_other(env: NativeAtariVecEnv) -> None:
    model = DQN("CnnPolicy", env, buffer_size=1_200, learning_starts=10_000, seed=3)
    model.learn(1_100)
    buffer, twins = model.replay_buffer, [LiteralGame() for _ in range(2)]
    assert buffer is not None
    dones = 0
    for t in range(buffer.pos):
        for i, twin in enumerate(twins):
            np.testing.assert_array_equal(buffer.observations[t, i], np.stack(twin.stack))
            expected = twin.step(int(buffer.actions[t, i, 0]))
            ours, following = comparable(buffer.next_observations[t, i], expected)
            np.testing.assert_array_equal(ours, following)
            assert buffer.rewards[t, i] == expected.reward
            assert buffer.dones[t, i] == expected.done
            dones += expected.done
    assert buffer.pos == 552
    assert dones >= 5


def test_the_same_seed_plays_the_same_games_and_neighbouring_seeds_share_none() -> None:
    def starts(seed: int, threads: int = 1) -> Frame:
        env = NativeAtariVecEnv("breakout", 2, threads=threads)
        env.seed(seed)
        frames = [np.asarray(env.reset())]
        frames += [env.step(np.full(2, t % 4))[0] for t in range(40)]
        env.close()
        return np.stack(frames)

    first = starts(0)
    np.testing.assert_array_equal(first, starts(0, threads=2))
    neighbour = starts(1)
    # seeds counted up from one would give game i + 1 of seed 0 to game i of seed 1
    assert not np.array_equal(first[:, 1], neighbour[:, 0])
    assert not np.array_equal(first, neighbour)


def test_a_game_that_is_cut_off_is_truncated_not_terminated() -> None:
    env = NativeAtariVecEnv("breakout", 1, max_frames=40)
    env.reset()
    steps = [env.step(np.array([0])) for _ in range(10)]
    done, info = steps[-1][2], steps[-1][3][0]
    assert [bool(step[2][0]) for step in steps] == [False] * 9 + [True]
    assert done[0]
    assert info["TimeLimit.truncated"] is True
    assert info["episode"]["l"] == 10
    np.testing.assert_array_equal(info["terminal_observation"][:-1], steps[-2][0][0][1:])
    env.close()


def test_evaluation_reports_unclipped_scores_of_whole_games(env: NativeAtariVecEnv) -> None:
    class FiresAndFollows:
        """The trained network in SB3's words."""

        def __init__(self) -> None:
            self.rng = np.random.default_rng(2)

        def predict(self, observation: Frame, **_: object) -> tuple[NDArray[np.int64], None]:
            return played(observation, self.rng), None

    scores, lengths = evaluate_policy(
        FiresAndFollows(),  # type: ignore[arg-type]
        env,
        n_eval_episodes=2,
        return_episode_rewards=True,
        warn=True,
    )
    assert isinstance(scores, list)
    assert isinstance(lengths, list)
    assert max(scores) > 10
    assert min(lengths) > 100  # five lives, not one


def test_the_env_describes_itself_for_the_monitor(env: NativeAtariVecEnv) -> None:
    found = describe(env)
    assert found is env.preprocessing
    assert found.env_id == "ALE/Breakout-v5"
    assert (found.noop_max, found.n_stack, found.terminal_on_life_loss) == (1, 4, False)
    assert env.observation_space.shape == (4, 84, 84)


def test_a_lost_life_takes_its_cost_off_the_reward_and_nothing_off_the_score() -> None:
    env = NativeAtariVecEnv("breakout", 1, noop_max=1, life_cost=2.5)
    twin, lost, scored = LiteralGame("breakout"), 0, 0
    observation, rng, episode = env.reset(), np.random.default_rng(0), None
    assert isinstance(observation, np.ndarray)
    while episode is None:
        action = played(observation, rng)
        observation, reward, _, infos = env.step(action)
        assert isinstance(observation, np.ndarray)
        expected = twin.step(int(action[0]))
        assert reward[0] == expected.reward - 2.5 * expected.done
        lost += expected.done
        scored += expected.points > 0
        episode = infos[0].get("episode")
    assert (episode["r"], episode["l"]) == expected.episode
    env.close()
    assert lost == 5
    assert scored > 0  # else the test has seen too little


def test_a_training_pays_what_its_settings_say_a_life_costs() -> None:
    env = make_env(parse_configuration({"training": {"n_envs": 1, "life_cost": 2.5}}, "x"))
    env.reset()
    done = np.zeros(1, bool)
    while not done[0]:
        _, reward, done, _ = env.step(np.zeros(1, np.int64))
    assert reward[0] == -2.5
    env.close()


def test_a_game_that_is_cut_off_costs_no_life() -> None:
    env = NativeAtariVecEnv("breakout", 1, noop_max=1, life_cost=2.5, max_frames=600)
    env.reset()
    costs, infos = [], [{}]
    while "episode" not in infos[0]:  # nobody serves the second ball
        _, reward, _, infos = env.step(np.zeros(1, np.int64))
        costs.append(float(reward[0]))
    assert infos[0]["TimeLimit.truncated"]
    assert costs[-1] == 0
    assert sum(costs) == -2.5
    env.close()


def test_an_unknown_game_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'video_pinball'"):
        NativeAtariVecEnv("video_pinbal")


def test_settings_of_the_running_games_cannot_be_reached(env: NativeAtariVecEnv) -> None:
    with pytest.raises(NotImplementedError, match="frame_skip"):
        env.set_attr("frame_skip", 1)
    with pytest.raises(NotImplementedError, match="render"):
        env.env_method("render")
    assert env.get_attr("preprocessing", [1]) == [env.preprocessing]
