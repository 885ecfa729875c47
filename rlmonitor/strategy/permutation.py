"""Permutation tests: do two groups of runs, or two networks on the same frames, look elsewhere?

Under the hypothesis that a label says nothing, every relabelling is as likely as the one that was
seen, so the part of the relabellings with a statistic at least as large is an exact p-value, with
no assumption on the distribution (Fisher 1935; Good 2005, 'Permutation, Parametric and Bootstrap
Tests of Hypotheses'). Where they are too many, they are drawn, and the one that was seen counts as
one of them, which keeps the p-value valid (Phipson and Smyth 2010, 'Permutation p-values should
never be zero').

What is relabelled must be exchangeable. Runs of independent seeds are; frames of a game are not, so
on the same frames whole blocks of differences change their sign together. Few units allow few
relabellings, and no p-value below one over their number: `Outcome.smallest` says how low it can go.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import NonFiniteError, ObservationError

MOST_EXACT = 20_000
"""Relabellings that are all tried; of more, `DRAWN` are drawn."""
DRAWN = 19_999

_TIES = 1e-9
"""Statistics this much below the one seen, relatively, are the same but for rounding."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """What a test found over D measurements.

    Attributes:
        difference: ``[D]`` mean of the second less mean of the first.
        p: ``[D]`` two-sided p-value of each, by itself.
        corrected: ``[D]`` the same corrected for the D of them by Westfall and Young's step-down
            maxima (1993, algorithm 4.1), which use that all are relabelled together: one error
            anywhere has the probability α at most, as with Holm's method, and D costs nothing where
            one relabelling is the most extreme for all. Holm's would need D times as many.
        statistic: Σ (difference / scale)² over the measurements that vary at all.
        p_all: p-value of ``statistic``: whether anything differs.
        relabellings: how many were tried, the one seen among them.
        exact: whether those are all there are.
        smallest: the lowest p-value that so many units allow.
    """

    difference: Array
    p: Array
    corrected: Array
    statistic: float
    p_all: float
    relabellings: int
    exact: bool
    smallest: float


def compare_groups(first: Array, second: Array, *, seed: int = 0) -> Outcome:
    """Test whether two groups of independent units, such as runs, have the same distribution.

    Args:
        first: ``[n, D]`` measurements of n units.
        second: ``[m, D]``.
        seed: of the relabellings, where they are drawn.

    Raises:
        ObservationError: no unit, or not the same measurements.
        NonFiniteError: NaN or infinity.
    """
    _check(first, second)
    n, m = len(first), len(second)
    pooled = np.concatenate([first, second])
    exact = math.comb(n + m, n) <= MOST_EXACT
    chosen = _all_choices(n + m, n) if exact else _drawn_choices(n + m, n, seed)
    total = pooled.sum(axis=0)
    first_sums = chosen @ pooled
    differences = (total - first_sums) / m - first_sums / n
    # groups of one size: the mirror image of a relabelling has the same two-sided statistic
    smallest = (2 if n == m else 1) / math.comb(n + m, n)
    return _outcome(differences, pooled.std(axis=0), exact, smallest)


def compare_paired(
    first: Array, second: Array, blocks: NDArray[np.int64], *, seed: int = 0
) -> Outcome:
    """Test whether two networks have the same means over the same frames.

    The differences of a block, such as a game, change their sign together: frames of one game
    resemble each other and are no independent witnesses (a block form of Fisher's sign test). It
    says whether these two networks differ on frames like these, not whether two ways to train do.

    Args:
        first: ``[N, D]`` measurements of the first network, frame by frame.
        second: ``[N, D]`` of the second on the same frames.
        blocks: ``[N]`` which block a frame belongs to.
        seed: of the signs, where they are drawn.

    Raises:
        ObservationError: no frame, shapes that differ, or not one block a frame.
        NonFiniteError: NaN or infinity.
    """
    _check(first, second)
    if first.shape != second.shape or blocks.shape != (len(first),):
        raise ObservationError(
            f"measurements of {first.shape} and {second.shape} frames in {blocks.shape} blocks: "
            "expected the same frames, one block each"
        )
    names, index = np.unique(blocks, return_inverse=True)
    sums = np.zeros((len(names), first.shape[1]))
    np.add.at(sums, index, second - first)
    exact = 2 ** len(names) <= MOST_EXACT
    signs = _all_signs(len(names)) if exact else _drawn_signs(len(names), seed)
    scale = np.sqrt((sums**2).sum(axis=0)) / len(first)
    return _outcome(signs @ sums / len(first), scale, exact, 2 / 2 ** len(names))


def holm(p: Sequence[float] | Array) -> Array:
    """P-values corrected for their number (Holm 1979): never below the ones given, at most 1.

    Rejecting where the corrected value is at most α errs anywhere with probability α at most,
    however the tests depend on each other.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, np.float64)
    order = np.argsort(values, kind="stable")
    factors = np.arange(len(values), 0, -1)
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1)
    return corrected


def fewest_runs(level: float) -> int:
    """How many runs in each of two groups could give a p-value of at most this.

    >>> fewest_runs(0.05)
    4
    """
    return next(n for n in range(1, 100) if 2 / math.comb(2 * n, n) <= level)


def _outcome(differences: Array, scale: Array, exact: bool, smallest: float) -> Outcome:
    """P-values from the differences ``[P, D]`` of all relabellings, the one seen first.

    The scale is the same for all relabellings, so it weighs the measurements and nothing else.
    """
    varying = scale > 1e-12 * np.abs(differences).max(initial=0.0)
    varying &= scale > 0
    standardised = differences[:, varying] / scale[varying]
    everything = (standardised**2).sum(axis=1)
    corrected = np.ones(differences.shape[1])
    corrected[varying] = _step_down(np.abs(standardised))
    return Outcome(
        difference=differences[0],
        p=_at_least(np.abs(differences)),
        corrected=corrected,
        statistic=float(everything[0]),
        p_all=float(_at_least(everything[:, None])[0]),
        relabellings=len(differences),
        exact=exact,
        smallest=smallest if exact else 1 / len(differences),
    )


def _step_down(statistics: Array) -> Array:
    """Corrected p-values of the first row's statistics ``[P, D]``, the largest first."""
    order = np.argsort(-statistics[0], kind="stable")
    # of each statistic and all that are smaller, the largest in each relabelling
    maxima = np.maximum.accumulate(statistics[:, order[::-1]], axis=1)[:, ::-1]
    slack = _TIES * np.maximum(statistics[0, order], statistics.max(initial=0.0))
    p = (maxima >= statistics[0, order] - slack).mean(axis=0)
    corrected = np.empty(len(order))
    corrected[order] = np.maximum.accumulate(p)
    return corrected


def _at_least(statistics: Array) -> Array:
    """Part of the rows with a statistic at least as large as the first row's, column by column."""
    seen = statistics[0]
    slack = _TIES * np.maximum(np.abs(seen), statistics.max(axis=0, initial=0.0))
    return np.asarray((statistics >= seen - slack).mean(axis=0))


@lru_cache(maxsize=8)
def _all_choices(units: int, n: int) -> Array:
    """Every choice of n units as a row of 0 and 1, that of the first n first."""
    chosen = np.array(list(combinations(range(units), n)), np.int64)
    rows = np.zeros((len(chosen), units))
    np.put_along_axis(rows, chosen, 1.0, axis=1)
    return rows


def _drawn_choices(units: int, n: int, seed: int) -> Array:
    generator = np.random.default_rng(seed)
    order = generator.random((DRAWN, units)).argsort(axis=1)[:, :n]
    rows = np.zeros((DRAWN + 1, units))
    rows[0, :n] = 1
    np.put_along_axis(rows[1:], order, 1.0, axis=1)
    return rows


@lru_cache(maxsize=8)
def _all_signs(blocks: int) -> Array:
    """Every row of signs, all of them positive first."""
    return np.array(list(product((1.0, -1.0), repeat=blocks)))


def _drawn_signs(blocks: int, seed: int) -> Array:
    generator = np.random.default_rng(seed)
    drawn = generator.choice((1.0, -1.0), (DRAWN, blocks))
    return np.concatenate([np.ones((1, blocks)), drawn])


def _check(first: Array, second: Array) -> None:
    for each in (first, second):
        if each.ndim != 2 or not each.size:
            raise ObservationError(f"measurements of shape {each.shape}: expected [units, D]")
        if not np.isfinite(each).all():
            raise NonFiniteError("measurements with NaN or infinity cannot be compared")
    if first.shape[1] != second.shape[1]:
        raise ObservationError(
            f"{first.shape[1]} and {second.shape[1]} measurements: expected the same ones"
        )
