"""Change-point test: since when is a curve another one than before?

A curve of a constant agent is noise around one level. After every round, each point in the past is
tried as the point of a change: a two-sample t-test with common variance, values before against
values since (the generalised likelihood ratio for a change of mean in Gaussian noise; Hawkins, Qiu
and Kang 2003, 'The changepoint model for statistical process control'). Trying is not free: a test
at 5 % after each of a hundred rounds would cry wolf in every training. The chance of a false alarm
*anywhere in a whole training* is kept below α by the union bound: p-values are multiplied by the
number of points tried, look n may use α / (n (n + 1)), and these sum to α however long it goes on.

Three things make it hold for real curves as well, which are neither normal nor independent:

* *Skew.* Shares and ratios have a long tail upwards: a few high values among low ones look like a
  change to a test that expects symmetric noise. The same test on the values' logarithms must agree,
  on which these are symmetric; what both find is a change on either scale.
* *Correlation.* Rounds in which a game goes on resemble each other: t is made smaller by what their
  correlation from one round to the next takes of the number of independent values.
* *Not knowing that correlation.* Few values tell little of it, and an alarm goes to whoever
  estimates it too low: it is taken one standard error higher than it looks.

`benchmarks/false_alarms.py` counts the alarms on constant agents.

A test against one level is blind to a slow drift, which looks to it like correlated noise. On fixed
frames there is no noise: a constant agent's curve does not move at all. There a level that has
doubled or halved, however slowly, is a change as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.special import stdtr

from rlmonitor.errors import NonFiniteError

FALSE_ALARMS = 0.05
"""Chance that a training whose agent never changes has any onset or shift, over all its curves."""

BEFORE, SINCE = 4, 3
"""Fewest values on each side of a change: one outlier is none."""

DRIFT = 2.0
"""Ratio of levels from which on a slow drift on fixed frames is a change."""

COUNTS = 1.0
"""A drift between two levels below this one, the relevance of the average pixel, is none."""

FLOOR = 0.1
"""Levels below this count as this much, or a rise from 0 would be an infinite one."""

ROUNDING = 1e-14
"""Noise below this part of all squares is none but that of the sums."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """A change of level.

    Attributes:
        seen: index of the value with which it became certain.
        since: index of the first value of the new level.
        before: mean of the values from the last change to this one.
        after: mean of the values since.
        p: p-value, corrected for all points tried at this look; 0 for a drift on fixed frames.
    """

    seen: int
    since: int
    before: float
    after: float
    p: float


def change_points(
    values: Array, alpha: float = FALSE_ALARMS, ratio: float = 1.5, *, fixed: bool = False
) -> tuple[Change, ...]:
    """The changes of a curve in the order in which an observer learns of them.

    After a change the test goes on with the values since.

    Args:
        values: ``[R]`` at least 0, in order of time.
        alpha: chance of any change in an endless curve of one level.
        ratio: a change counts from this ratio of the two levels on; smaller ones may be certain but
            are not worth an eye.
        fixed: the curve is of frames that stay the same, so that a constant agent's does not move.

    Raises:
        NonFiniteError: NaN or infinity.
    """
    if not np.isfinite(values).all():
        raise NonFiniteError("a curve holds NaN or infinity: leave out what is not known")
    test = (alpha, ratio, fixed)
    looked = _LOOKED.get(test, _NOTHING)
    if not np.array_equal(looked.values, values[: len(looked.values)]):
        looked = _NOTHING
    start, found = looked.start, list(looked.found)
    for look in range(len(looked.values) + 1, len(values) + 1):
        change = _test(values[start:look], ratio, alpha / (look * (look + 1)))
        if change is None and fixed:
            change = _drift(values[start:look])
        if change is not None:
            since = start + change.since
            found.append(replace(change, seen=look - 1, since=since))
            start = since
    if len(_LOOKED) >= MOST_CURVES:
        _LOOKED.clear()
    _LOOKED[test] = _Looked(values.copy(), start, tuple(found))
    return tuple(found)


@dataclass(frozen=True)
class _Looked:
    """How far a curve has been looked through: a round later, one look is left, not all of them."""

    values: Array
    start: int
    found: tuple[Change, ...]


_NOTHING = _Looked(np.empty(0), 0, ())
_LOOKED: dict[tuple[float, float, bool], _Looked] = {}
"""By α, ratio and whether of fixed frames; each curve of a training has its own α, see `spent`."""

MOST_CURVES = 256
"""That are kept in `_LOOKED`."""


def spent(alpha: float, curve: int) -> float:
    """What the ``curve``-th curve, counted from 1, may use of α; all of them together use α.

    Each has its own part from its first value on, so that a curve that appears later changes
    nothing of what was found before.
    """
    return alpha / (curve * (curve + 1))


def _test(values: Array, ratio: float, level: float) -> Change | None:
    """The likeliest point of a change, if one is large enough and p at most ``level``."""
    n = len(values)
    if n < BEFORE + SINCE:
        return None
    head = np.arange(BEFORE, n - SINCE + 1)
    levels, within, t = _splits(values, head)
    high, low = np.maximum(levels.max(axis=0), FLOOR), np.maximum(levels.min(axis=0), FLOOR)
    at = np.flatnonzero(high >= ratio * low)
    # what correlation and skew leave of t is never more: most looks end here
    if not len(at) or _p_value(float(t[at].max()), n) > level:
        return None
    logarithms = np.log(np.maximum(values, FLOOR))
    sure = np.minimum(
        t[at] * _independence(values, head[at], levels[:, at], within[at]),
        _independent_t(logarithms, head[at]),
    )
    best = int(sure.argmax())
    p = _p_value(float(sure[best]), n)
    before, after = levels[:, at[best]]
    return (
        Change(n - 1, int(head[at[best]]), float(before), float(after), p) if p <= level else None
    )


def _drift(values: Array) -> Change | None:
    """From the lowest or highest level there was to the latest values, all of them `DRIFT` away."""
    if len(values) < BEFORE + SINCE:
        return None
    levels = np.maximum(sliding_window_view(values[:-SINCE], BEFORE).mean(axis=1), FLOOR)
    latest = np.maximum(values[-SINCE:], FLOOR)
    if latest.min() >= DRIFT * levels.min():
        at = int(levels.argmin())
    elif latest.max() * DRIFT <= levels.max():
        at = int(levels.argmax())
    else:
        return None
    before, after = float(levels[at]), float(latest.mean())
    if max(before, after) < COUNTS:
        return None
    middle = np.sqrt(before * after)
    still = (values[:-SINCE] < middle) == (before < middle)  # on the side of the level before
    since = int(np.flatnonzero(still)[-1]) + 1
    return Change(len(values) - 1, since, before, after, 0.0)


def _p_value(t: float, n: int) -> float:
    """Two-sided, of the largest |t| among all points tried with n values."""
    tried = n - SINCE + 1 - BEFORE
    return min(1.0, 2 * float(stdtr(n - 2, -t)) * tried)


def _splits(values: Array, head: NDArray[np.int64]) -> tuple[Array, Array, Array]:
    """Levels ``[2, P]``, squares within ``[P]`` and |t| ``[P]`` of changes after so many values."""
    n, mean = len(values), values.mean()
    centred = values - mean  # or the squares' sums would lose the small differences
    sums, squares = np.cumsum(centred), np.cumsum(centred**2)
    levels = np.stack([sums[head - 1] / head, (sums[-1] - sums[head - 1]) / (n - head)])
    within = squares[-1] - head * levels[0] ** 2 - (n - head) * levels[1] ** 2
    within = np.where(within > ROUNDING * squares[-1], within, 0)
    error = np.sqrt(within / (n - 2) * (1 / head + 1 / (n - head)))
    gap = np.abs(levels[1] - levels[0])
    # a step without any noise has infinite t, a level that stays none
    t = np.divide(gap, error, out=np.where(gap > 0, np.inf, 0), where=error > 0)
    return levels + mean, within, t


def _independent_t(values: Array, head: NDArray[np.int64]) -> Array:
    levels, within, t = _splits(values, head)
    return t * _independence(values, head, levels, within)


def _independence(values: Array, head: NDArray[np.int64], levels: Array, power: Array) -> Array:
    """``[P]`` √((1 − ρ) / (1 + ρ)) of the noise around the two levels, at most 1.

    The variance of a mean of values that are correlated by ρ from one to the next is larger by the
    inverse of its square (Bayley and Hammersley 1946). ρ is estimated from few values, which on
    average gives (1 + 4 ρ) / n too little (Kendall 1954); that is put back, and on top of it one
    standard error √((1 − ρ²) / n) (Bartlett 1946).
    """
    n = len(values)
    since = np.arange(n) >= head[:, None]
    noise = values - np.where(since, levels[1][:, None], levels[0][:, None])
    product = (noise[:, 1:] * noise[:, :-1]).sum(axis=1)
    rho = np.divide(product, power, out=np.full(len(head), -1.0), where=power > 0)
    rho = rho + (1 + 4 * rho) / n
    rho = np.clip(rho + np.sqrt(np.maximum(1 - rho**2, 0) / n), 0, 0.95)
    return np.asarray(np.sqrt((1 - rho) / (1 + rho)))
