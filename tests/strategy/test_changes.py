"""The change-point test against scipy's t-test, on planted changes, and its false alarms."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter
from scipy.stats import t as student
from scipy.stats import ttest_ind

from rlmonitor.errors import NonFiniteError
from rlmonitor.strategy import changes
from rlmonitor.strategy.changes import BEFORE, SINCE, change_points, spent


def adjusted(values, point):
    """Student's t of the two parts, less what correlated noise takes of it."""
    head, tail = values[:point], values[point:]
    n, noise = len(values), np.r_[head - head.mean(), tail - tail.mean()]
    rho = sum(noise[i] * noise[i + 1] for i in range(n - 1)) / sum(noise**2)
    rho += (1 + 4 * rho) / n
    rho = np.clip(rho + np.sqrt(max(1 - rho**2, 0) / n), 0, 0.95)
    return abs(ttest_ind(head, tail).statistic) * np.sqrt((1 - rho) / (1 + rho))


def literal(values, ratio):
    """The smallest corrected p over all points whose levels differ enough, and the point."""
    points = range(BEFORE, len(values) - SINCE + 1)
    logarithms, found = np.log(np.maximum(values, 0.1)), []
    for point in points:
        low, high = sorted(max(part.mean(), 0.1) for part in (values[:point], values[point:]))
        if high >= ratio * low:
            found.append((-min(adjusted(values, point), adjusted(logarithms, point)), point))
    if not found:
        return None
    t, point = min(found)
    return 2 * student.cdf(t, len(values) - 2) * len(points), point


@pytest.mark.parametrize("seed", range(20))
def test_the_first_change_is_that_of_a_literal_scan(seed):
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.normal(2, 0.3, 8), rng.normal(5, 0.4, 8)])
    alpha, expected = 0.05, None
    for look in range(1, 17):
        best = literal(values[:look], 1.5)
        if best is not None and best[0] <= alpha / (look * (look + 1)):
            expected = (look - 1, *best)
            break
    found = change_points(values, alpha)
    assert expected is not None
    assert (found[0].seen, found[0].since) == (expected[0], expected[2])
    assert found[0].p == pytest.approx(expected[1], rel=1e-6)


def test_a_rise_and_a_fall_are_two_changes_with_their_levels():
    rng = np.random.default_rng(0)
    levels = np.repeat([1.0, 6.0, 2.0], 12)
    first, second = change_points(levels + rng.normal(0, 0.1, 36))
    assert (first.since, second.since) == (12, 24)
    assert (first.before, first.after) == pytest.approx((1, 6), abs=0.2)
    assert second.after == pytest.approx(2, abs=0.2)
    assert first.seen - first.since <= 4


def test_what_was_found_does_not_change_with_more_rounds():
    rng = np.random.default_rng(1)
    values = np.repeat([1.0, 4.0, 1.5], 15) + rng.normal(0, 0.2, 45)
    whole = change_points(values)
    for n in range(1, 46):
        assert change_points(values[:n]) == tuple(c for c in whole if c.seen < n)


@pytest.mark.parametrize(
    "values",
    [
        np.zeros(0),
        np.ones(50),
        np.r_[np.ones(6), 9.0, np.ones(20)],  # one outlier
        np.r_[np.ones(20) * 2, np.ones(20) * 2.5],  # certain, but small
        np.r_[np.zeros(20), np.full(20, 0.02)],  # a rise from nothing to nothing much
        np.r_[np.ones(3), np.full(3, 9.0)],  # too few to tell
    ],
)
def test_what_is_no_change(values):
    noise = np.random.default_rng(0).normal(0, 1e-3, len(values))
    assert change_points(values) == ()
    assert change_points(np.abs(values + noise)) == ()


def test_a_step_without_noise_is_seen_as_soon_as_it_may_be():
    (change,) = change_points(np.r_[np.full(10, 1.0), np.full(10, 2.0)])
    assert (change.since, change.seen) == (10, 10 + SINCE - 1)
    assert change.p < 1e-50


def test_a_slow_drift_is_a_change_on_fixed_frames_once_it_has_doubled_the_level() -> None:
    ramp = np.r_[np.full(6, 0.5), np.linspace(0.5, 3.0, 40)]
    assert change_points(ramp[:-1]) == ()  # each step is lost in what looks like correlated noise
    first, second, *_ = change_points(ramp, fixed=True)
    seen = next(n for n in range(7, 46) if (ramp[n - 3 : n] >= 1.0).all()) - 1
    assert (first.seen, first.before, first.p) == (seen, 0.5, 0.0)
    assert first.after == pytest.approx(ramp[seen - 2 : seen + 1].mean())
    assert ramp[first.since - 1] < np.sqrt(0.5 * first.after) <= ramp[first.since]
    # the next one begins where the first level had been left behind
    assert second.before == pytest.approx(ramp[first.since : first.since + 4].mean())
    (fall,) = change_points(ramp[::-1][:34], fixed=True)
    assert fall.before == pytest.approx(ramp[::-1][:4].mean())


@settings(deadline=None)
@given(
    st.lists(st.floats(1.0, 1.99), min_size=1, max_size=40),
    st.lists(st.floats(0.0, 0.99), min_size=1, max_size=40),
)
def test_no_drift_is_less_than_a_doubling_or_below_the_average_pixel(near, low) -> None:
    assert all(each.p > 0 for each in change_points(np.array(near), fixed=True))
    assert all(each.p > 0 for each in change_points(np.array(low), fixed=True))


@settings(deadline=None)
@example([1.0, 1.0, 1.0, 1.0, 99.0, 99.0, 2.0, 2.0])  # the last is on the old level's side
@given(st.lists(st.floats(0, 9), min_size=8, max_size=30))
def test_what_is_found_on_fixed_frames_does_not_change_with_more_rounds(values) -> None:
    curve = np.array(values)
    whole = change_points(curve, fixed=True)
    assert all(each.since <= each.seen + 1 - SINCE for each in whole)
    changes._LOOKED.clear()
    for n in range(1, len(curve)):
        assert change_points(curve[:n], fixed=True) == tuple(c for c in whole if c.seen < n)


def test_the_level_of_all_curves_adds_up():
    assert sum(spent(0.05, curve) for curve in range(1, 1000)) <= 0.05


def noises(rng, shape):
    """Constant agents: one level, and noise of one of many kinds, up to half the level."""
    yield rng.normal(0, 0.5, shape)
    yield rng.uniform(-0.9, 0.9, shape)
    yield rng.laplace(0, 0.35, shape)
    yield rng.standard_t(4, shape) * 0.3
    yield (np.exp(rng.normal(size=shape)) - 1.65) / 2.16
    yield lfilter([0.8], [1, -0.6], rng.normal(0, 1, shape))


def test_constant_agents_raise_fewer_false_alarms_than_stated():
    rng = np.random.default_rng(7)
    for noise in noises(rng, (40, 4, 30)):
        alarms = [
            any(change_points(np.maximum(2 + c, 0), spent(0.05, k)) for k, c in enumerate(run, 1))
            for run in noise
        ]
        # with a rate of 5 % more than 6 of 40 come with a chance of 0.3 %
        assert sum(alarms) <= 6


LEVELS = st.tuples(st.sampled_from([0.0, 1.0, 3.2, 7.0, 20.0]), st.integers(1, 20))


@settings(deadline=None)
@given(st.lists(LEVELS, max_size=4), st.lists(st.integers(0, 80), max_size=5))
@example([(1.0, 20), (7.0, 20)], [40, 30])
def test_what_is_remembered_of_a_curve_changes_nothing(levels, lengths):
    curve = np.repeat(*np.array(levels).T.astype(int)) if levels else np.empty(0)
    curve = curve + 0.01 * np.arange(len(curve)) % 0.05
    # shorter, longer, and another curve of the same test
    curves = [each for n in lengths for each in (curve[:n], 3 * curve[:n] + 1, curve)]
    expected = []
    for each in curves:
        changes._LOOKED.clear()
        expected.append(change_points(each))
    changes._LOOKED.clear()
    assert [change_points(each) for each in curves] == expected


def test_nan_is_no_value():
    with pytest.raises(NonFiniteError, match="leave out"):
        change_points(np.array([1.0, np.nan]))
