"""Has the agent learnt to play, or learnt games by heart? Scores under two kinds of starts.

An agent that meets the same few beginnings again and again can learn the answers to them; it fails
as soon as a game goes another way (Machado et al. 2018, 'Revisiting the Arcade Learning
Environment', section 5, for whom sticky actions are the remedy).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from rlmonitor.errors import NonFiniteError
from rlmonitor.strategy.changes import FALSE_ALARMS

FEWEST_GAMES = 10
"""Games of each kind; with fewer, nothing is said."""


@dataclass(frozen=True)
class Comparison:
    """Scores under the training's own starts and under others.

    Attributes:
        own: mean score of the games that start as the training's do.
        other: mean score under sticky actions after random first moves.
        margin: how far ``own`` must stand above ``other``: as much again as ``other`` is, and no
            less than the standard deviation of its games.
        low: lower end of the confidence interval of own − other.
        own_games: how many games.
        other_games: the same of the others.
    """

    own: float
    other: float
    margin: float
    low: float
    own_games: int
    other_games: int

    @property
    def memorised(self) -> bool:
        """Whether all of the confidence interval lies above the margin."""
        return self.low > self.margin

    @property
    def numbers(self) -> dict[str, float]:
        """All of it, as the evidence of an event."""
        return {name: float(value) for name, value in vars(self).items()}


def compare_starts(
    own: Sequence[float], other: Sequence[float], *, look: int = 1, alpha: float = FALSE_ALARMS
) -> Comparison | None:
    """Compare the scores of games under two kinds of starts.

    Welch's one-sided interval for the difference of means, with the spread of ``other`` doubled,
    because the margin is measured on the same games. Look n uses α / (n (n + 1)), so that whoever
    looks after every round errs with chance α in all looks together; a single comparison is the
    first of them and uses α / 2.

    Args:
        own: scores of games that start as the training's do.
        other: scores of games under sticky actions after random first moves.
        look: how many times this has been looked at, from 1.
        alpha: chance of calling an agent memorised whose true scores lie within the margin.

    Returns:
        None with fewer than `FEWEST_GAMES` of either kind.

    Raises:
        NonFiniteError: a score is NaN or infinite.
    """
    first, second = (np.asarray(each, np.float64) for each in (own, other))
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise NonFiniteError("a score is NaN or infinite")
    if min(len(first), len(second)) < FEWEST_GAMES:
        return None
    parts = np.array([first.var(ddof=1) / len(first), 4 * second.var(ddof=1) / len(second)])
    freedom = np.array([len(first) - 1, len(second) - 1])
    width = 0.0
    if parts.sum() > 0:
        degrees = parts.sum() ** 2 / (parts**2 / freedom).sum()
        level = alpha / (look * (look + 1))
        width = float(stdtrit(degrees, 1 - level) * np.sqrt(parts.sum()))
    difference = float(first.mean() - second.mean())
    return Comparison(
        own=float(first.mean()),
        other=float(second.mean()),
        margin=float(max(abs(second.mean()), second.std(ddof=1))),
        low=difference - width,
        own_games=len(first),
        other_games=len(second),
    )
