"""The bootstrap against scipy's, its coverage, and bad input."""

import numpy as np
import pytest
from scipy import stats

from rlmonitor.errors import ConfigurationError, NonFiniteError, ObservationError
from rlmonitor.explain import bootstrap_interval
from rlmonitor.explain.intervals import wilson_interval


def test_equals_scipys_percentile_interval():
    values = np.random.default_rng(0).gamma(2, size=60)
    ours = bootstrap_interval(values, n_resamples=20_000)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=1
    ).confidence_interval
    assert ours.mean == pytest.approx(values.mean())
    assert ours.low == pytest.approx(theirs.low, abs=0.01)
    assert ours.high == pytest.approx(theirs.high, abs=0.01)


def test_holds_the_true_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    found = [bootstrap_interval(rng.normal(size=50), 0.9, 300) for _ in range(300)]
    held = np.mean([one.low <= 0 <= one.high for one in found])
    assert 0.84 < held < 0.95


def test_equal_values_have_no_width():
    found = bootstrap_interval([2.0] * 5)
    assert (found.mean, found.low, found.high) == (2, 2, 2)


@pytest.mark.parametrize(
    ("values", "options", "error"),
    [
        ([], {}, ObservationError),
        ([[1.0, 2.0]], {}, ObservationError),
        ([1.0, np.nan], {}, NonFiniteError),
        ([1.0], {"confidence": 1.0}, ConfigurationError),
        ([1.0], {"n_resamples": 0}, ConfigurationError),
    ],
)
def test_bad_input(values, options, error):
    with pytest.raises(error):
        bootstrap_interval(values, **options)


@pytest.mark.parametrize(("hits", "n"), [(0, 30), (30, 30), (1, 30), (7, 9), (1, 1)])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_the_interval_of_a_rate_is_scipys(hits: int, n: int, confidence: float) -> None:
    found = wilson_interval(hits, n, confidence)
    expected = stats.binomtest(hits, n).proportion_ci(confidence, method="wilson")
    np.testing.assert_allclose(
        [found.mean, found.low, found.high], [hits / n, expected.low, expected.high], atol=1e-9
    )


@pytest.mark.parametrize(("hits", "n", "confidence"), [(1, 0, 0.9), (3, 2, 0.9), (1, 2, 1.0)])
def test_a_rate_of_nothing_is_refused(hits: int, n: int, confidence: float) -> None:
    with pytest.raises(ConfigurationError):
        wilson_interval(hits, n, confidence)
