"""Permutation tests: literal enumerations, scipy, Holm by hand, false alarms and power."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter
from scipy.stats import permutation_test

from rlmonitor.errors import NonFiniteError, ObservationError
from rlmonitor.strategy import permutation
from rlmonitor.strategy.permutation import compare_groups, compare_paired, fewest_runs, holm


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def literal_p(first, second):
    """Two-sided p-value of one measurement, by trying every division of the units."""
    pooled, n = np.concatenate([first, second]), len(first)
    seen, at_least, tried = abs(second.mean() - first.mean()), 0, 0
    for chosen in combinations(range(len(pooled)), n):
        others = [unit for unit in range(len(pooled)) if unit not in chosen]
        difference = abs(pooled[others].mean() - pooled[list(chosen)].mean())
        at_least += difference >= seen - 1e-12
        tried += 1
    return at_least / tried


@pytest.mark.parametrize(("n", "m"), [(2, 2), (3, 3), (2, 4), (3, 5), (4, 4)])
def test_groups_match_a_literal_enumeration_and_scipy(n, m):
    first, second = normal(n, 3, seed=n), normal(m, 3, seed=m + 10) + 0.7
    found = compare_groups(first, second)
    assert found.exact
    for k in range(3):
        assert found.p[k] == pytest.approx(literal_p(first[:, k], second[:, k]), abs=1e-12)
    scipy = permutation_test(
        (first, second),
        lambda a, b, axis: np.abs(b.mean(axis=axis) - a.mean(axis=axis)),
        alternative="greater",
        vectorized=True,
        n_resamples=np.inf,
        axis=0,
    )
    np.testing.assert_allclose(found.p, scipy.pvalue, atol=1e-12)


def test_whether_anything_differs_is_the_sum_of_squares_of_standardised_differences():
    first, second = normal(3, 4, seed=1), normal(4, 4, seed=2)
    pooled = np.concatenate([first, second])

    def statistic(chosen):
        others = [unit for unit in range(7) if unit not in chosen]
        difference = pooled[others].mean(axis=0) - pooled[list(chosen)].mean(axis=0)
        return ((difference / pooled.std(axis=0)) ** 2).sum()

    everything = [statistic(chosen) for chosen in combinations(range(7), 3)]
    found = compare_groups(first, second)
    assert found.statistic == pytest.approx(statistic((0, 1, 2)))
    assert found.p_all == np.mean(np.array(everything) >= found.statistic - 1e-9)


def test_the_correction_steps_down_through_the_maxima():
    first, second = normal(3, 4, seed=7), normal(4, 4, seed=8) + np.array([3, 0, 1, 0])
    pooled = np.concatenate([first, second])

    def statistics(chosen):
        others = [unit for unit in range(7) if unit not in chosen]
        difference = pooled[others].mean(axis=0) - pooled[list(chosen)].mean(axis=0)
        return np.abs(difference / pooled.std(axis=0))

    everything = [statistics(chosen) for chosen in combinations(range(7), 3)]
    left, largest, expected = {0, 1, 2, 3}, 0.0, {}
    while left:
        k = max(left, key=lambda each: everything[0][each])
        seen = everything[0][k] - 1e-9
        largest = max(largest, np.mean([max(row[list(left)]) >= seen for row in everything]))
        expected[k] = largest
        left.remove(k)
    found = compare_groups(first, second)
    np.testing.assert_allclose(found.corrected, [expected[k] for k in range(4)])
    assert (found.corrected >= found.p - 1e-12).all()


def test_blocks_match_a_literal_enumeration_of_signs():
    first, second = normal(12, 2, seed=3), normal(12, 2, seed=4) + 0.5
    blocks = np.repeat([5, 2, 9, 7, 1], [3, 2, 1, 4, 2])
    difference = second - first
    means = []
    for signs in product((1, -1), repeat=5):
        sign = dict(zip([5, 2, 9, 7, 1], signs, strict=True))
        means.append(
            np.mean([sign[b] * d for b, d in zip(blocks, difference, strict=True)], axis=0)
        )
    found = compare_paired(first, second, blocks)
    np.testing.assert_allclose(found.difference, difference.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(
        found.p, (np.abs(means) >= np.abs(difference.mean(axis=0)) - 1e-12).mean(axis=0), atol=1e-12
    )
    assert found.smallest == 2 / 2**5
    assert found.relabellings == 32


@pytest.mark.parametrize(
    ("n", "m", "smallest"), [(2, 2, 1 / 3), (3, 3, 0.1), (2, 3, 0.1), (1, 1, 1)]
)
def test_few_runs_allow_no_small_p_value(n, m, smallest):
    found = compare_groups(normal(n, 1), normal(m, 1) + 1e6)
    assert found.smallest == pytest.approx(smallest)
    assert found.p[0] == pytest.approx(smallest)  # as far apart as can be


def test_the_fewest_runs_that_could_show_anything():
    assert fewest_runs(0.05) == 4  # 2 / 70
    assert fewest_runs(0.1) == 3
    assert fewest_runs(0.05 / 12) == 6  # 2 / 924


def test_drawn_relabellings_come_close_to_all_of_them(monkeypatch):
    first, second = normal(6, 2, seed=5), normal(6, 2, seed=6) + 0.8
    whole = compare_groups(first, second)
    monkeypatch.setattr(permutation, "MOST_EXACT", 10)
    drawn = compare_groups(first, second, seed=1)
    assert whole.exact
    assert not drawn.exact
    assert drawn.relabellings == permutation.DRAWN + 1
    np.testing.assert_allclose(drawn.p, whole.p, atol=0.015)
    assert abs(drawn.p_all - whole.p_all) < 0.015
    blocks = np.arange(6)
    signs = compare_paired(first, second, blocks, seed=1)
    assert not signs.exact
    assert signs.smallest == 1 / signs.relabellings


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
@settings(max_examples=100, deadline=None)
def test_holm_is_the_textbook_s_step_down(values):
    corrected = holm(values)
    order = sorted(range(len(values)), key=lambda k: values[k])
    largest = 0.0
    for rank, k in enumerate(order):
        largest = max(largest, min(1.0, (len(values) - rank) * values[k]))
        assert corrected[k] == pytest.approx(largest)
    assert (corrected >= np.array(values) - 1e-15).all()


def test_what_does_not_vary_says_nothing():
    first, second = np.ones((3, 2)), np.ones((3, 2))
    second[:, 1] = [2, 3, 4]
    found = compare_groups(first, second)
    assert found.p[0] == 1
    assert found.p[1] == pytest.approx(0.1)
    assert np.isfinite(found.statistic)
    same = compare_paired(first, first, np.arange(3))
    assert same.p_all == 1
    assert same.statistic == 0


@pytest.mark.parametrize(
    ("first", "second", "error", "said"),
    [
        (np.ones((0, 2)), np.ones((3, 2)), ObservationError, "expected"),
        (np.ones((3, 2)), np.ones((3, 1)), ObservationError, "same ones"),
        (np.full((3, 2), np.nan), np.ones((3, 2)), NonFiniteError, "NaN"),
    ],
)
def test_what_cannot_be_compared_is_refused(first, second, error, said):
    with pytest.raises(error, match=said):
        compare_groups(first, second)
    with pytest.raises((error, ObservationError)):
        compare_paired(first, second, np.arange(len(first)))


TRIALS = 1000


def errs_at_most(count, level):
    """Whether so many of `TRIALS` are what a rate of at most ``level`` gives, 3 deviations kept."""
    return count / TRIALS <= level + 3 * (level * (1 - level) / TRIALS) ** 0.5


def correlated_elements(generator, runs):
    """Log-normal measurements of runs, six elements that have much in common."""
    common = generator.normal(size=(runs, 1))
    return np.exp(0.7 * common + 0.7 * generator.normal(size=(runs, 6)))


def test_groups_of_runs_that_do_not_differ_raise_no_more_alarms_than_promised():
    generator = np.random.default_rng(0)
    anywhere = whole = among_others = hits = by_holm = 0
    for _ in range(TRIALS):
        runs = correlated_elements(generator, 8)
        found = compare_groups(runs[:4], runs[4:])
        anywhere += found.corrected.min() <= 0.05
        whole += found.p_all <= 0.05
        logs = np.log(runs)
        other = compare_groups(logs[:4], logs[4:] + np.array([4.0, 0, 0, 0, 0, 0]))
        hits += other.corrected[0] <= 0.05
        by_holm += holm(other.p)[0] <= 0.05
        among_others += other.corrected[1:].min() <= 0.05
    for alarms in (anywhere, whole, among_others):
        assert errs_at_most(alarms, 0.05)
    assert whole / TRIALS > 0.01  # 2 of 70 divisions are the most extreme
    assert hits / TRIALS > 0.5  # where one element moves by four standard deviations
    assert by_holm == 0  # 6 times 2 / 70 is beyond 0.05, whatever there is to find


def frames(generator, games, length):
    """Differences of frames that resemble their neighbours in a game, and those of the game."""
    noise = generator.normal(size=(games, length))
    within = lfilter([0.4], [1, -0.9], noise, axis=1)
    return (within + generator.normal(size=(games, 1))).reshape(-1, 1)


def test_frames_of_a_game_are_no_independent_witnesses():
    generator = np.random.default_rng(1)
    games, length = 10, 16
    blocks = np.repeat(np.arange(games), length)
    by_block = by_frame = hits = 0
    for trial in range(TRIALS):
        difference = frames(generator, games, length)
        nothing = np.zeros_like(difference)
        by_block += compare_paired(nothing, difference, blocks).p[0] <= 0.05
        hits += compare_paired(nothing, difference + 1.5, blocks).p[0] <= 0.05
        if trial < 30:
            alone = np.arange(len(blocks))
            by_frame += compare_paired(nothing, difference, alone, seed=trial).p[0] <= 0.05
    assert errs_at_most(by_block, 0.05)
    assert by_block / TRIALS > 0.03
    assert by_frame / 30 > 0.4  # what frames for units would give
    assert hits / TRIALS > 0.8
