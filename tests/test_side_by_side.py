"""Games side by side: each sees what it would see alone, and a step of all is one forward pass."""

import numpy as np
import pytest

from rlmonitor.side_by_side import play_alone, play_side_by_side


def counting(start, steps):
    """Yields where it is, moves on by what it is sent, and returns where it was."""
    at, path = start, []
    for _ in range(steps):
        values = yield np.full((1, 2), at)
        assert values.shape == (1, 1)
        path.append(at)
        at += int(values[0, 0])
    return path


def doubled(calls):
    def forward(seen):
        calls.append(len(seen))
        return 2 * seen[:, :1] + 1

    return forward


def test_each_game_goes_as_it_goes_alone_and_all_share_the_forward_passes():
    games = [(0, 3), (5, 6), (7, 0), (-2, 4)]
    calls = []
    found = play_side_by_side([counting(*game) for game in games], doubled(calls))
    assert found == [play_alone(counting(*game), doubled([])) for game in games]
    assert calls == [3, 3, 3, 2, 1, 1]


def test_random_states_are_given_back_and_games_are_closed_where_one_fails():
    closed = []

    def drawing(fails):
        try:
            for _ in range(3):
                np.random.random()  # noqa: NPY002
                yield np.zeros((1, 2))
            if fails:
                raise OSError("gone")
        finally:
            closed.append(fails)

    np.random.seed(1)  # noqa: NPY002
    expected = np.random.random(2)  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    first = np.random.random()  # noqa: NPY002
    with pytest.raises(OSError, match="gone"):
        play_side_by_side([counting(0, 9), drawing(True), drawing(False)], doubled([]))
    assert [first, np.random.random()] == list(expected)  # noqa: NPY002
    assert closed == [True, False]
