"""When a wall is open, on walls that are put into the console's memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tunnel
from numpy.typing import NDArray

from rlmonitor.games.breakout import with_ball, with_bricks
from rlmonitor.lrp import network_of
from rlmonitor.replay.checkpoints import load_checkpoint, q_network
from rlmonitor.strategy.counterfactuals import Counterfactuals

CHECKPOINT = Path(__file__).parents[2] / "rlmonitor" / "data" / "breakout.safetensors"


def walls(*standing: NDArray[np.bool_], ball: tuple[int, int] = (120, 80)) -> NDArray[np.uint8]:
    """The memory of a game in which these walls stand one after the other, ``[N, 128]``."""
    nothing = np.zeros(128, np.uint8)
    return np.stack([with_ball(with_bricks(nothing, wall), *ball) for wall in standing])


def wall(*gone: tuple[int, int]) -> NDArray[np.bool_]:
    """A wall without those bricks, by row and column."""
    standing = np.ones((6, 18), np.bool_)
    for row, column in gone:
        standing[row, column] = False
    return standing


def test_a_wall_is_open_with_the_first_column_that_has_no_brick_left() -> None:
    column = [(row, 16) for row in range(6)]
    one = (5, 3)
    game = walls(
        wall(), wall(one), wall(one, *column[1:]), wall(one, *column), wall(*column, (0, 0))
    )
    found = tunnel.dug(game, 40.0)
    assert found == tunnel.Dug(points=40.0, opened=7, column=16, above=0.0)


def test_a_second_wall_opens_nothing_and_a_row_is_no_column() -> None:
    row = [(5, column) for column in range(18)]
    found = tunnel.dug(walls(wall(), wall(*row), wall(), ~wall()), 0.0)
    assert found.opened is None
    assert found.column is None


def test_the_ball_is_above_the_wall_where_it_is_higher_than_its_top_row() -> None:
    high, low = walls(wall(), ball=(40, 80)), walls(wall(), wall(), wall(), ball=(60, 80))
    assert tunnel.dug(np.concatenate([high, low]), 0.0).above == 0.25


def test_hits_anywhere_open_the_first_column_as_fast_as_multinomial_counts_reach_six() -> None:
    rng = np.random.default_rng(1)
    found = tunnel.anywhere(rng, 2000)
    for hits in (30, 44, 60):
        counts = rng.multinomial(hits, np.full(18, 1 / 18), 4000).max(axis=1)
        assert abs((found <= hits).mean() - (counts >= 6).mean()) < 0.05


def test_the_ball_gets_through_where_it_is_above_an_open_wall_that_stands() -> None:
    column = [(row, 0) for row in range(6)]
    low = walls(wall(), wall(*column), ball=(120, 20))
    closed = walls(wall(), ball=(40, 20))
    above = walls(wall(*column), wall(*column), ball=(40, 20))
    assert tunnel.through(np.concatenate([low, closed, above])) == 3
    assert tunnel.through(np.concatenate([low, closed])) is None
    nearly_gone = walls(~wall((0, 1)), ball=(40, 20))
    assert tunnel.through(nearly_gone) is None


def test_closed_columns_and_a_missing_ball_change_what_they_change(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    seen = rng.integers(0, 256, (5, 4, 84, 84), np.uint8)
    changed = Counterfactuals(
        seen,
        {"tunnel": seen, "ball": np.zeros_like(seen)},
        {"tunnel": np.arange(5) < 3, "ball": np.ones(5, bool)},
    )
    monkeypatch.setattr(tunnel, "removed", lambda *_: changed)
    *_, row = tunnel.closing([CHECKPOINT], seed=0, plays=2)
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    assert cells[1:3] == ["0.00 ± 0.00", "0.00 ± 0.00"]
    assert float(cells[3].split()[0]) > 0.05
    closed = replace(changed, exists=changed.exists | {"tunnel": np.zeros(5, bool)})
    monkeypatch.setattr(tunnel, "removed", lambda *_: closed)
    with pytest.raises(SystemExit, match="no column is open in 2 x"):
        list(tunnel.closing([CHECKPOINT], seed=0, plays=2))


def test_frames_without_the_ball_are_of_a_play_of_the_network(monkeypatch) -> None:
    monkeypatch.setattr(tunnel, "WATCHED", 96)
    changed = tunnel.removed(network_of(q_network(load_checkpoint(CHECKPOINT))), seed=1)
    assert not changed.exists["tunnel"].any()  # a game that has hardly begun
    assert changed.exists["ball"].mean() > 0.5
