"""Change-point test: since when is a curve another one than before?

A curve of a constant agent is noise around one level. After every round, each point in the past is
tried as the point of a change: a two-sample t-test with common variance, values before against
values since (the generalised likelihood ratio for a change of mean in Gaussian noise; Hawkins, Qiu
and Kang 2003, 'The changepoint model for statistical process control'). Trying is not free: a test
at 5 % after each of a hundred rounds would cry wolf in every training. The chance of a false alarm
*anywhere in a whole training* is kept below α by the union bound: p-values are multiplied by the
number of points tried, look n may use α / (n (n + 1)), and these sum to α however long it goes on.
Rounds in which a game goes on resemble each other: t is made smaller by what their correlation
from one round to the next takes of the number of independent values.
`benchmarks/false_alarms.py` counts the alarms on constant agents.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from rlmonitor.errors import NonFiniteError

FALSE_ALARMS = 0.05
"""Chance that a training whose agent never changes has any onset or shift, over all its curves."""

BEFORE, SINCE = 4, 3
"""Fewest values on each side of a change: one outlier is none."""

FLOOR = 0.1
"""Levels below this count as this much, or a rise from 0 would be an infinite one."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """A change of level.

    Attributes:
        seen: index of the value with which it became certain.
        since: index of the first value of the new level.
        before: mean of the values from the last change to this one.
        after: mean of the values since.
        p: p-value, corrected for all points tried at this look.
    """

    seen: int
    since: int
    before: float
    after: float
    p: float


def change_points(
    values: Array, alpha: float = FALSE_ALARMS, ratio: float = 1.5
) -> tuple[Change, ...]:
    """The changes of a curve in the order in which an observer learns of them.

    After a change the test goes on with the values since.

    Args:
        values: ``[R]`` at least 0, in order of time.
        alpha: chance of any change in an endless curve of equal, independent, normal values.
        ratio: a change counts from this ratio of the two levels on; smaller ones may be certain but
            are not worth an eye.

    Raises:
        NonFiniteError: NaN or infinity.
    """
    if not np.isfinite(values).all():
        raise NonFiniteError("a curve holds NaN or infinity: leave out what is not known")
    start, found = 0, []
    for look in range(1, len(values) + 1):
        change = _test(values[start:look], ratio)
        if change is not None and change.p <= alpha / (look * (look + 1)):
            shifted = Change(look - 1, start + change.since, change.before, change.after, change.p)
            found.append(shifted)
            start = shifted.since
    return tuple(found)


def spent(alpha: float, curve: int) -> float:
    """What the ``curve``-th curve, counted from 1, may use of α; all of them together use α.

    Each has its own part from its first value on, so that a curve that appears later changes
    nothing of what was found before.
    """
    return alpha / (curve * (curve + 1))


def _test(values: Array, ratio: float) -> Change | None:
    """The likeliest point of a change that is large enough, if there is one."""
    n = len(values)
    if n < BEFORE + SINCE:
        return None
    centred = values - values.mean()  # or the squares' sums would lose the small differences
    head = np.arange(BEFORE, n - SINCE + 1)
    sums, squares = np.cumsum(centred), np.cumsum(centred**2)
    before, after = sums[head - 1] / head, (sums[-1] - sums[head - 1]) / (n - head)
    within = squares[-1] - head * before**2 - (n - head) * after**2
    error = np.maximum(within, 0) / (n - 2) * (1 / head + 1 / (n - head))
    levels = values.mean() + np.stack([before, after])
    high, low = np.maximum(levels.max(axis=0), FLOOR), np.maximum(levels.min(axis=0), FLOOR)
    gap = np.abs(after - before)
    # a step without any noise has infinite t, one that is not large enough none
    t = np.divide(gap, np.sqrt(error), out=np.full(len(head), np.inf), where=error > 0)
    t = np.where(high >= ratio * low, t, 0)
    best = int(t.argmax())
    if t[best] == 0:
        return None
    sure = t[best] * _independence(values, int(head[best]))
    p = min(1.0, 2 * float(stdtr(n - 2, -sure)) * len(head))
    return Change(n - 1, int(head[best]), float(levels[0, best]), float(levels[1, best]), p)


def _independence(values: Array, point: int) -> float:
    """√((1 − ρ) / (1 + ρ)) of the noise around the two levels, at most 1.

    The variance of a mean of values that are correlated by ρ from one to the next is larger by the
    inverse of its square (Bayley and Hammersley 1946). ρ is estimated from few values, which on
    average gives (1 + 4 ρ) / n too little (Kendall 1954); that is put back.
    """
    n = len(values)
    noise = np.concatenate([part - part.mean() for part in (values[:point], values[point:])])
    power = float(noise @ noise)
    if power == 0:
        return 1.0
    rho = float(noise[1:] @ noise[:-1]) / power
    rho = min(max(rho + (1 + 4 * rho) / n, 0.0), 0.95)
    return float(np.sqrt((1 - rho) / (1 + rho)))
