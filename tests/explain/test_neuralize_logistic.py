"""The neuralised logistic classifier against scikit-learn's, its layers written out, autograd."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.linear_model import LogisticRegression

from rlmonitor.errors import ConfigurationError, NonFiniteError, ObservationError
from rlmonitor.explain import NeuralizedKMeans, NeuralizedLogistic, fit_logistic

NUMBERS = st.integers(-24, 24).map(lambda v: v / 8)


@st.composite
def cases(draw):
    d, k, n = draw(st.integers(1, 4)), draw(st.integers(2, 4)), draw(st.integers(1, 4))
    arrays = [
        draw(hnp.arrays(np.float64, size, elements=NUMBERS)) for size in ((k, d), k, d, (n, d))
    ]
    weight, bias, origin, x = arrays
    return NeuralizedLogistic((d,), np.arange(k), weight, bias, origin), x


def literal(network, x, c):
    """Contrasts, their pooling, and LRP from the origin, class by class."""
    others = [k for k in range(network.n_clusters) if k != c]
    w = {k: network.weight[c] - network.weight[k] for k in others}
    h = {k: (w[k] * (x - network.origin)).sum() + network.bias[c] - network.bias[k] for k in others}
    total = sum(math.exp(-v) for v in h.values())
    relevance = sum(math.exp(-h[k]) / total * w[k] * (x - network.origin) for k in others)
    return -math.log(total), relevance


@given(cases())
@settings(max_examples=80, deadline=None)
def test_is_the_network_written_out(case):
    network, x = case
    for c in range(network.n_clusters):
        found = network.explain(x, c)
        for n, frame in enumerate(x):
            explained, relevance = literal(network, frame, c)
            assert found.explained[n] == pytest.approx(explained, rel=1e-9, abs=1e-9)
            np.testing.assert_allclose(found.map[n], relevance, rtol=1e-8, atol=1e-8)


@given(cases())
@settings(max_examples=80, deadline=None)
def test_conserves_with_what_bias_and_entropy_absorb(case):
    network, x = case
    for c in (None, *range(network.n_clusters)):
        found = network.explain(x, c)
        total = found.map.sum(1) + found.absorbed
        np.testing.assert_allclose(total, found.explained, rtol=1e-9, atol=1e-9)


@given(cases(), hnp.arrays(np.float64, 4, elements=st.integers(-1000, 1000)))
@settings(max_examples=40, deadline=None)
def test_a_shift_of_all_data_changes_nothing(case, shift):
    network, x = case
    by = shift[: x.shape[1]]
    moved = NeuralizedLogistic(
        network.shape, network.labels, network.weight, network.bias, network.origin + by
    )
    before, after = network.explain(x), moved.explain(x + by)
    np.testing.assert_allclose(after.map, before.map, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(after.explained, before.explained, rtol=1e-8, atol=1e-8)


@given(cases())
@settings(max_examples=40, deadline=None)
def test_is_gradient_times_input_from_the_origin(case):
    network, x = case
    at = torch.from_numpy(x).requires_grad_()
    weight, origin = torch.from_numpy(network.weight), torch.from_numpy(network.origin)
    outputs = (at - origin) @ weight.T + torch.from_numpy(network.bias)
    (outputs[:, 0] - torch.logsumexp(outputs[:, 1:], 1)).sum().backward()
    expected = at.grad * (at.detach() - origin)
    found = network.explain(x, 0)
    np.testing.assert_allclose(found.map, expected.numpy(), rtol=1e-8, atol=1e-8)


def data(k, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(k), 20)
    return rng.normal(size=(20 * k, 4)) + 2 * rng.normal(size=(k, 4))[labels], labels


@pytest.mark.parametrize("k", [2, 3, 5])
def test_scores_are_scikit_learns_log_odds(k):
    x, labels = data(k)
    network = fit_logistic(x, labels, strength=0.5)
    mean, unit = x.mean(0), math.sqrt(((x - x.mean(0)) ** 2).sum(1).mean())
    model = LogisticRegression(C=0.5, max_iter=1000).fit((x - mean) / unit, labels)
    p = model.predict_proba((x - mean) / unit)
    np.testing.assert_allclose(network.scores(x), np.log(p / (1 - p)), rtol=1e-6, atol=1e-8)
    np.testing.assert_array_equal(
        network.labels[network.assign(x)], model.predict((x - mean) / unit)
    )


def test_neither_unit_nor_mean_of_the_data_changes_what_is_learnt():
    x, labels = data(3)
    first, second = fit_logistic(x, labels), fit_logistic(1e-4 * x + 7, labels)
    np.testing.assert_allclose(second.scores(1e-4 * x + 7), first.scores(x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        second.explain(1e-4 * x + 7).map, first.explain(x).map, rtol=1e-4, atol=1e-6
    )


def test_soft_k_means_is_the_same_network():
    rng = np.random.default_rng(1)
    mu, x, beta = rng.normal(size=(3, 4)), rng.normal(size=(10, 4)), 50.0
    network = NeuralizedLogistic(
        (4,), np.arange(3), 2 * beta * mu, -beta * np.square(mu).sum(1), np.zeros(4)
    )
    exponent = -beta * np.square(x[:, None] - mu).sum(2)
    p = np.exp(exponent - exponent.max(1)[:, None])
    p /= p.sum(1)[:, None]
    at = p[:, 0] < 0.999
    np.testing.assert_allclose(
        network.scores(x)[at, 0], np.log(p[at, 0] / (1 - p[at, 0])), rtol=1e-6
    )
    hard = NeuralizedKMeans((4,), mu, 1.0)
    np.testing.assert_array_equal(network.assign(x), hard.assign(x))
    # the stiffer the pool, the nearer to k-means' margin
    np.testing.assert_allclose(network.scores(x) / beta, hard.scores(x), atol=math.log(2) / beta)


def test_labels_may_be_words_and_the_telling_pixel_gets_the_relevance():
    rng = np.random.default_rng(2)
    x = 0.05 * rng.standard_normal((40, 1, 4, 4)).astype(np.float32)
    words = np.array(["ball"] * 20 + ["tunnel"] * 20)
    x[words == "tunnel", 0, 3, 1] += 1
    network = fit_logistic(x, words)
    np.testing.assert_array_equal(network.labels[network.assign(x)], words)
    found = network.explain(x)
    assert found.map.dtype == np.float32
    total = np.abs(found.map).sum((1, 2, 3))
    assert (found.map[:, 0, 3, 1] / total > 0.8).all()


X = np.arange(24.0).reshape(6, 4) ** 2
LABELS = np.array([0, 0, 0, 1, 1, 1])


@pytest.mark.parametrize(
    ("x", "labels", "error", "words"),
    [
        (X, LABELS[:5], ObservationError, r"expected whole numbers or words \[6\]"),
        (X, LABELS + 0.5, ObservationError, "float64"),
        (X, 0 * LABELS, ConfigurationError, "all labels are 0"),
        (0 * X, LABELS, ObservationError, "the same"),
        (X + np.inf, LABELS, NonFiniteError, "infinity"),
    ],
)
def test_bad_input_names_itself(x, labels, error, words):
    with pytest.raises(error, match=words):
        fit_logistic(x, labels)


def test_strength_is_positive_and_a_fit_that_does_not_end_is_no_result(monkeypatch):
    with pytest.raises(ConfigurationError, match="strength is 0"):
        fit_logistic(X, LABELS, strength=0)
    monkeypatch.setattr("rlmonitor.explain.logistic.ITERATIONS", 1)
    with pytest.raises(ConfigurationError, match="no convergence in 1 steps"):
        fit_logistic(*data(3))


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ObservationError, match=r"expected \[K\], \[K, 4\]"):
        NeuralizedLogistic((4,), np.arange(2), X[:2], np.zeros(3), np.zeros(4))
    with pytest.raises(ObservationError, match="2 classes or more"):
        NeuralizedLogistic((4,), np.arange(1), X[:1], np.zeros(1), np.zeros(4))
