"""Scores of whole games, against games that are played literally."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from oracles.literal_atari import LiteralGame
from rich.console import Console
from torch import nn

from rlmonitor.cli import main
from rlmonitor.commands.score import _table
from rlmonitor.errors import ConfigurationError, UnknownNameError
from rlmonitor.games import GAMES
from rlmonitor.games.hiding import without
from rlmonitor.lrp import Network, network_of
from rlmonitor.native_env import open_games, spread_seed
from rlmonitor.replay.checkpoints import load_checkpoint, q_network
from rlmonitor.scores import play_games

CHECKPOINT = Path(__file__).parents[1] / "agents/breakout-short/checkpoints/0800000.safetensors"


@pytest.fixture(scope="module")
def policy() -> nn.Module:
    return q_network(load_checkpoint(CHECKPOINT))


@pytest.fixture(scope="module")
def network(policy: nn.Module) -> Network:
    return network_of(policy)


@pytest.mark.parametrize("hide", [(), ("paddle",)])
def test_a_greedy_game_is_that_of_one_emulator(
    policy: nn.Module, network: Network, hide: tuple[str, ...]
) -> None:
    game = LiteralGame()
    stack, ended = np.stack(game.stack), None
    for _ in range(250):
        shown = without(GAMES["breakout"], hide, stack) if hide else stack
        with torch.no_grad():
            seen = game.step(int(policy(torch.from_numpy(shown[None])).argmax()))
        stack, ended = seen.observation, seen.episode
        if ended:
            break
    frames = 4 * 250 if ended is None else 108_000
    found = play_games(
        network, "breakout", games=1, epsilon=0, hide=hide, noop_max=1, max_frames=frames
    )
    score, steps = ended or (game.score, game.length)
    assert (found.scores[0], bool(found.cut_off[0])) == (score, ended is None)
    assert abs(found.steps[0] - steps) <= 1  # the frame with FIRE counts where a game is cut off
    assert score > 0 or hide


def test_the_random_agent_needs_no_network_and_scores_as_published() -> None:
    found = play_games(_Uncallable(), "pong", games=8, epsilon=1, seed=2)  # type: ignore[arg-type]
    assert -21 <= found.scores.mean() <= -19.5  # -20.7 (Mnih et al. 2015, extended data table 2)
    assert (found.steps > 750).all()  # 21 lost points take that long


class _Uncallable:
    n_outputs = 6


def test_random_moves_of_a_game_are_its_own_whatever_others_do() -> None:
    found = play_games(_Uncallable(), "pong", games=3, epsilon=1, seed=5)  # type: ignore[arg-type]
    for i, seed in enumerate(spread_seed(5, 3)):
        rng, env = np.random.default_rng(5), open_games("pong", 1)
        env.reset(seed=np.array([seed]))
        score, over, steps = 0.0, False, 0
        while not over:
            action = rng.integers(6, size=3)[[i]]
            rng.random(3)
            _, reward, terminated, truncated, _ = env.step(action)
            score, steps = score + float(reward[0]), steps + 1
            over = bool(terminated[0] | truncated[0])
        env.close()
        assert (found.scores[i], found.steps[i]) == (score, steps)
    assert len(set(found.steps.tolist())) > 1


def test_each_environment_gives_one_game_and_the_seed_all_of_them(network: Network) -> None:
    over: list[None] = []
    one, again, other = (
        play_games(
            network,
            "breakout",
            games=10,
            epsilon=0.95,
            seed=seed,
            advance=lambda: over.append(None),
        )
        for seed in (1, 1, 2)
    )
    assert len(over) == 30
    np.testing.assert_array_equal(one.scores, again.scores)
    np.testing.assert_array_equal(one.steps, again.steps)
    assert len(set(one.steps.tolist())) > 2
    assert one.steps.tolist() != other.steps.tolist()


def test_no_game_depends_on_how_long_others_last(network: Network) -> None:
    few, many = (
        play_games(network, "breakout", games=n, epsilon=0, max_frames=4_000, seed=3)
        for n in (2, 6)
    )
    np.testing.assert_array_equal(few.scores, many.scores[:2])
    np.testing.assert_array_equal(few.steps, many.steps[:2])
    assert len(set(many.steps.tolist())) > 2


def test_what_cannot_be_played_is_told(network: Network) -> None:
    for wrong, message in (
        ({"games": 0}, "games = 0: expected 1 or more"),
        ({"epsilon": 1.5}, "epsilon = 1.5: expected 0 to 1"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            play_games(network, "breakout", **wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="has 4 actions, pong has 6"):
        play_games(network, "pong")
    with pytest.raises(ConfigurationError, match="expected a game with a table, breakout, pong"):
        play_games(network, "freeway", hide=["ball"])
    with pytest.raises(UnknownNameError, match="did you mean 'paddle'"):
        play_games(network, "breakout", hide=["paddel"])


def test_the_command_tells_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    common = ["score", str(CHECKPOINT), "--games", "2", "--epsilon", "1", "--no-progress"]
    main_ends_well([*common, "--json"])
    told = json.loads(capsys.readouterr().out)
    (row,) = told["checkpoints"]
    assert (told["games"], told["epsilon"], told["hidden"]) == (2, 1.0, [])
    assert row["mean"] == sum(row["scores"]) / 2
    assert (row["timesteps"], row["checkpoint"]) == (800_000, str(CHECKPOINT))
    main_ends_well([*common, "--hide", "ball, paddle"])
    printed = capsys.readouterr().out
    assert "800,000" in printed
    assert f"{row['mean']:.1f}" in printed


def main_ends_well(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0


def test_the_table_shows_scores_of_seven_digits_whole_in_80_columns() -> None:
    row = {
        "checkpoint": "checkpoints/2967424.safetensors", "timesteps": 2_967_424,
        "mean": 616_183.4, "deviation": 849_300.6, "scores": [134.0, 1_232_232.0],
        "steps": [27_000, 5_704], "cut_off": 1,
    }  # fmt: skip
    console = Console(width=80, file=io.StringIO(), record=True)
    name = "trained-on-breakout-with-another-seed"
    other = row | {"checkpoint": f"{name}.safetensors", "mean": 0.25, "deviation": None}
    console.print(_table([row, other]))
    text = console.export_text()
    whole = ("2967424", "2,967,424", "616,183", "849,301", "134", "1,232,232", "16,352", "0.2")
    assert [shown for shown in whole if f" {shown} " not in text] == []
    first_column = "".join(line[1:13].strip() for line in text.splitlines())
    assert name in first_column
