"""Neuralised kernel k-means against the paper's four layers written out."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.cluster import KMeans
from sklearn.datasets import make_moons
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.pairwise import rbf_kernel

from rlmonitor.errors import ConfigurationError, NonFiniteError, ObservationError
from rlmonitor.explain import (
    NeuralizedKernelKMeans,
    NeuralizedKMeans,
    fit_k_means,
    fit_kernel_k_means,
    kernel_k_means_of,
)
from rlmonitor.explain.kernel_clustering import kernel_labels

POINTS = st.integers(-24, 24).map(lambda v: v / 8)
ROUNDING = 1e-9
"""On the border of two clusters f_c and the pairs' h_ij are 0 together; parts of a score below this
are a quotient of two roundings."""
ON_THE_BORDER = (
    NeuralizedKernelKMeans(
        (2,), np.array([[0.25, 0.0], [0.0, 0.25], [0.0, 0.25]]), 0.05, np.array([0, 1, 1]), 0.05
    ),
    np.zeros((3, 2)),
)


@st.composite
def cases(draw):
    d, n = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    sizes = draw(st.lists(st.integers(1, 3), min_size=2, max_size=3))
    member = np.repeat(np.arange(len(sizes)), sizes)
    points = draw(hnp.arrays(np.float64, (len(member), d), elements=POINTS))
    x = draw(hnp.arrays(np.float64, (n, d), elements=POINTS))
    beta, gamma = draw(st.sampled_from((0.05, 1.0))), draw(st.sampled_from((0.05, 0.7)))
    return NeuralizedKernelKMeans((d,), points, beta, member, gamma), x


def log_mean_exp(values, factor):
    """F-mean with F(t) = exp(factor t): the paper's LME."""
    return np.log(np.mean([np.exp(factor * v) for v in values])) / factor


def weights(values, factor):
    exponentials = np.array([np.exp(factor * v) for v in values])
    return exponentials / exponentials.sum()


def literal(network, x, c, damped):
    """Forward through layers 1 to 4, back by exp-shares and from midpoints, pair by pair."""
    u, gamma = network.points, network.gamma
    groups = [np.flatnonzero(network.member == k) for k in range(network.n_clusters)]
    others = [k for k in range(len(groups)) if k != c]

    def unit(i, j):
        w, b = 2 * (u[i] - u[j]), (u[j] ** 2).sum() - (u[i] ** 2).sum()
        return w, (w * x).sum() + b

    layer1 = {(i, j): unit(i, j)[1] for i in groups[c] for k in others for j in groups[k]}
    layer2 = {
        j: log_mean_exp([layer1[i, j] for i in groups[c]], gamma) for k in others for j in groups[k]
    }
    layer3 = {k: log_mean_exp([layer2[j] for j in groups[k]], -gamma) for k in others}
    f = min(layer3.values())
    relevance, held = np.zeros(len(x)), False
    for k, share_k in zip(others, weights(list(layer3.values()), -network.stiffness), strict=True):
        for j, share_j in zip(
            groups[k], weights([layer2[j] for j in groups[k]], -gamma), strict=True
        ):
            shares = weights([layer1[i, j] for i in groups[c]], gamma)
            for i, share_i in zip(groups[c], shares, strict=True):
                received = share_k * share_j * share_i * f
                w, h = unit(i, j)
                if received == 0:
                    continue
                if abs(h) < 0.1 * abs(f):
                    held = True
                    received *= damped(h, f)
                if h:
                    relevance += (x - (u[i] + u[j]) / 2) * w / h * received
    return f, relevance, held


@given(cases())
@example(ON_THE_BORDER)
@settings(max_examples=80, deadline=None)
def test_is_the_papers_network_and_rules(case):
    network, x = case
    for c in range(network.n_clusters):
        found = network.explain(x, c)
        for n, frame in enumerate(x):
            f, relevance, _ = literal(network, frame, c, lambda h, f: (h / (0.1 * f)) ** 2)
            assert found.explained[n] == pytest.approx(f, rel=1e-7, abs=1e-9)
            if abs(f) > ROUNDING:
                np.testing.assert_allclose(found.map[n], relevance, rtol=1e-6, atol=1e-6)


@given(cases())
@settings(max_examples=80, deadline=None)
def test_conserves_with_what_small_pairs_absorb(case):
    network, x = case
    for c in (None, *range(network.n_clusters)):
        found = network.explain(x, c)
        total = found.map.sum(1) + found.absorbed
        np.testing.assert_allclose(total, found.explained, rtol=1e-8, atol=1e-8)
        assert (found.absorbed * found.explained >= -1e-8).all()


def test_nothing_is_absorbed_where_no_pair_is_small():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(8, 3)), rng.normal(size=(8, 3)) + 9])
    network = kernel_k_means_of(x, np.repeat([0, 1], 8))
    found = network.explain(x)
    assert not any(
        literal(network, frame, c, lambda h, f: 0)[2]
        for frame, c in zip(x, found.cluster, strict=True)
    )
    np.testing.assert_allclose(found.absorbed, 0, atol=1e-9)
    np.testing.assert_allclose(found.map.sum(1), found.explained, rtol=1e-9)


@given(cases(), hnp.arrays(np.float64, 3, elements=st.integers(-100, 100)))
@example(ON_THE_BORDER, np.ones(3))
@settings(max_examples=40, deadline=None)
def test_a_shift_of_all_data_changes_nothing(case, shift):
    network, x = case
    by = shift[: x.shape[1]]
    moved = NeuralizedKernelKMeans(
        network.shape, network.points + by, network.stiffness, network.member, network.gamma
    )
    before, after = network.explain(x, 0), moved.explain(x + by, 0)
    np.testing.assert_allclose(after.explained, before.explained, rtol=1e-8, atol=1e-8)
    inside = np.abs(before.explained) > ROUNDING
    np.testing.assert_allclose(after.map[inside], before.map[inside], rtol=1e-6, atol=1e-6)


def test_a_frame_goes_where_its_mean_similarity_is_largest():
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(60, 4)), rng.integers(0, 3, 60)
    network = kernel_k_means_of(x, labels, gamma=0.3)
    fresh = rng.normal(size=(50, 4))
    kernel = rbf_kernel(fresh, x, gamma=0.3)
    mean = np.stack([kernel[:, labels == k].mean(1) for k in range(3)], axis=1)
    np.testing.assert_array_equal(network.assign(fresh), mean.argmax(1))
    second = np.sort(mean, axis=1)
    np.testing.assert_allclose(
        network.scores(fresh).max(1), np.log(second[:, 2] / second[:, 1]) / 0.3, rtol=1e-7
    )


def test_single_members_are_k_means():
    rng = np.random.default_rng(2)
    centroids, x = rng.normal(size=(3, 5)) * 3, rng.normal(size=(20, 5))
    plain = NeuralizedKMeans((5,), centroids, 0.2)
    kernel = NeuralizedKernelKMeans((5,), centroids, 0.2, np.arange(3), 0.7)
    np.testing.assert_allclose(kernel.scores(x), plain.scores(x), rtol=1e-9)
    for c in (None, 0):
        first, second = plain.explain(x, c), kernel.explain(x, c)
        np.testing.assert_allclose(second.map, first.map, rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(second.absorbed, first.absorbed, atol=1e-8)


def test_finds_and_explains_clusters_that_k_means_cannot():
    x, truth = make_moons(200, noise=0.03, random_state=0)
    network = fit_kernel_k_means(x, 2, gamma=20.0)
    labelled = kernel_k_means_of(x, truth, gamma=20.0)
    assert adjusted_rand_score(labelled.assign(x), truth) > 0.99
    rand = adjusted_rand_score(network.assign(x), truth)
    assert rand > adjusted_rand_score(fit_k_means(x, 2).assign(x), truth)


def test_planted_clusters_are_found_and_the_planted_pixel_explains_them():
    rng = np.random.default_rng(3)
    x = 0.02 * rng.standard_normal((60, 1, 5, 5)).astype(np.float32)
    truth = np.repeat([0, 1, 2], 20)
    for k, place in enumerate([(0, 0), (2, 2), (4, 4)]):
        x[truth == k, 0, place[0], place[1]] += 1
    network = fit_kernel_k_means(x, 3)
    assert adjusted_rand_score(network.assign(x), truth) == 1
    found = network.explain(x)
    assert found.map.shape == x.shape
    inside = found.map[:, 0, [0, 2, 4], [0, 2, 4]].sum(1)
    assert (inside / found.map.sum((1, 2, 3)) > 0.9).all()


def test_members_are_drawn_by_seed_and_at_most_so_many():
    rng = np.random.default_rng(4)
    x, labels = rng.normal(size=(50, 3)), np.repeat([0, 1], (40, 10))
    first = kernel_k_means_of(x, labels, max_members=15, seed=1)
    again = kernel_k_means_of(x, labels, max_members=15, seed=1)
    other = kernel_k_means_of(x, labels, max_members=15, seed=2)
    assert np.bincount(first.member).tolist() == [15, 10]
    np.testing.assert_array_equal(first.points, again.points)
    assert not np.array_equal(first.points, other.points)


def test_batches_do_not_matter(monkeypatch):
    rng = np.random.default_rng(5)
    x, labels = rng.normal(size=(30, 3)), rng.integers(0, 3, 30)
    network = kernel_k_means_of(x, labels)
    found = network.explain(x)
    monkeypatch.setattr("rlmonitor.explain.kernel_clustering.PAIRS", 1)
    np.testing.assert_allclose(network.explain(x).map, found.map, rtol=1e-12, atol=1e-12)


X = np.arange(24.0).reshape(6, 4) ** 2
LABELS = np.array([0, 0, 0, 1, 1, 1])


@pytest.mark.parametrize(
    ("x", "labels", "error", "words"),
    [
        (X, LABELS[:5], ObservationError, r"int64\[5\]: expected whole numbers \[6\]"),
        (X, LABELS / 2, ObservationError, "float64"),
        (X, 0 * LABELS, ObservationError, "two or more"),
        (X, 2 * LABELS, ObservationError, r"\[0, 2\].* without gaps"),
        (X, LABELS - 1, ObservationError, r"\[-1, 0\]"),
        (0 * X, LABELS, ObservationError, "the same"),
        (X * np.nan, LABELS, NonFiniteError, "NaN"),
        (np.concatenate([X[:3], X[:3]]), LABELS, ObservationError, "no clusters"),
    ],
)
def test_bad_labels_name_themselves(x, labels, error, words):
    with pytest.raises(error, match=words):
        kernel_k_means_of(x, labels)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"gamma": 0.0}, "gamma is 0.0"),
        ({"gamma": np.nan}, "gamma is nan"),
        ({"max_members": 0}, "max_members is 0"),
        ({"stiffness": -1.0}, "stiffness"),
    ],
)
def test_bad_settings_name_themselves(settings, words):
    with pytest.raises(ConfigurationError, match=words):
        fit_kernel_k_means(X, 2, **settings)


def test_too_many_clusters_are_refused():
    with pytest.raises(ConfigurationError, match="7 clusters of 6 frames"):
        fit_kernel_k_means(X, 7)


def test_a_cluster_that_runs_empty_is_no_result():
    x = np.array([-1.2, -1.0, -1.1, 1.2, 1.0, 1.1])
    start = np.array([0, 0, 2, 1, 1, 2])  # the mean of cluster 2 is 0, and each end draws one away
    with pytest.raises(ConfigurationError, match="one of 3 clusters runs empty"):
        kernel_labels(np.outer(x, x), start)


def test_with_a_linear_kernel_the_iteration_is_k_means():
    rng = np.random.default_rng(7)
    x, start = rng.normal(size=(50, 3)), np.arange(50) % 3
    centres = np.stack([x[start == k].mean(0) for k in range(3)])
    model = KMeans(3, init=centres, n_init=1, tol=0).fit(x)
    np.testing.assert_array_equal(kernel_labels(x @ x.T, start), model.labels_)
