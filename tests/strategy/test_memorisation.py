"""Scores under two kinds of starts: the interval against scipy's, and when it speaks."""

import numpy as np
import pytest
from scipy.stats import t as student

from rlmonitor.errors import NonFiniteError
from rlmonitor.strategy.memorisation import FEWEST_GAMES, compare_starts


def test_the_interval_is_welchs_with_the_others_spread_doubled():
    rng = np.random.default_rng(0)
    own, other = rng.normal(9, 2, 14), rng.normal(3, 1, 25)
    found = compare_starts(own, other, look=3, alpha=0.1)
    a, b = own.var(ddof=1) / 14, (2 * other).var(ddof=1) / 25
    degrees = (a + b) ** 2 / (a**2 / 13 + b**2 / 24)
    width = student.ppf(1 - 0.1 / 12, degrees) * np.sqrt(a + b)
    assert found.low == pytest.approx(own.mean() - other.mean() - width)
    assert found.margin == pytest.approx(other.mean())
    assert found.numbers["own_games"] == 14


@pytest.mark.parametrize(
    ("own", "other", "memorised"),
    [
        ([5.4], [0.4], True),  # the same game again and again
        ([400.0], [50.0, 20.0, 80.0], True),
        ([20.0, 18.0, 22.0], [14.0, 16.0, 18.0], False),
        ([-18.0, -19.0], [-20.0, -21.0], False),  # below zero twice as much means nothing
        ([15.0, 17.0], [-10.0, -12.0], True),
        ([3.0], [3.0], False),
        ([1.0, 1.2], [-0.5, -7.0, 6.0], False),  # games differ more than starts do
        ([0.4], [5.4], False),
    ],
)
def test_far_above_means_as_much_again_and_more_than_games_differ(own, other, memorised):
    repeats = 3 * FEWEST_GAMES
    found = compare_starts(own * repeats, other * repeats)
    assert found.memorised is memorised


def test_too_few_games_say_nothing():
    assert compare_starts([9.0] * 9, [0.0] * 50) is None
    assert compare_starts([], []) is None


def test_agents_at_the_very_margin_are_seldom_called_memorised():
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(200):
        own, other = rng.gamma(4, 5, 30), rng.gamma(4, 2.5, 30)  # means 20 and 10: the margin
        wrong += compare_starts(own, other).memorised
    assert wrong <= 14  # with a chance of 2.5 %, more come once in a thousand


def test_nan_is_no_score():
    with pytest.raises(NonFiniteError, match="NaN"):
        compare_starts([np.nan] * 20, [1.0] * 20)
