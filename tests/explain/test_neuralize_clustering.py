"""Neuralised k-means against the paper's formulas written out, scikit-learn and autograd."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from rlmonitor.errors import ConfigurationError, NonFiniteError, ObservationError
from rlmonitor.explain import NeuralizedKMeans, fit_k_means, k_means_of

POINTS = st.integers(-40, 40).map(lambda v: v / 8)
ROUNDING = 1e-9
"""On a border f_c and h_k are 0 together; parts of a smaller score are a quotient of roundings."""


@st.composite
def cases(draw):
    d, k, n = draw(st.integers(1, 4)), draw(st.integers(2, 4)), draw(st.integers(1, 4))
    centroids = draw(hnp.arrays(np.float64, (k, d), elements=POINTS))
    x = draw(hnp.arrays(np.float64, (n, d), elements=POINTS))
    return NeuralizedKMeans((d,), centroids, draw(st.sampled_from((0.02, 0.3, 5.0)))), x


def literal(mu, beta, x, c):
    """Kauffmann et al. 2019: f_c and R_i of one frame, with their w_k, b_k and m_k."""
    others = [k for k in range(len(mu)) if k != c]
    w = {k: 2 * (mu[c] - mu[k]) for k in others}
    b = {k: sum(mu[k] ** 2) - sum(mu[c] ** 2) for k in others}
    h = {k: sum(w[k] * x) + b[k] for k in others}
    f = min(h.values())
    total = sum(math.exp(-beta * (h[k] - f)) for k in others)
    relevance = np.zeros(len(x))
    for k in others:
        received = math.exp(-beta * (h[k] - f)) / total * f
        middle = (mu[c] + mu[k]) / 2
        part = (x - middle) * w[k]
        if received:
            relevance += part / sum(part) * received
    return f, relevance


def blobs(seed, n=30, d=5, k=3, spread=1.0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(k, d)) * 4
    return np.concatenate([centre + spread * rng.normal(size=(n, d)) for centre in centres])


def test_the_score_is_the_papers_and_so_is_the_relevance():
    x = blobs(0)
    network = fit_k_means(x, 3)
    assert network.stiffness == pytest.approx(1 / network.scores(x).max(1).mean())
    own = network.assign(x)
    found = network.explain(x)
    np.testing.assert_array_equal(found.cluster, own)
    for n, frame in enumerate(x):
        f, relevance = literal(network.points, network.stiffness, frame, own[n])
        assert found.explained[n] == pytest.approx(f, rel=1e-9)
        np.testing.assert_allclose(found.map[n], relevance, rtol=1e-9, atol=1e-9)


def test_given_labels_give_the_same_network_as_fitted_ones():
    x = blobs(0).reshape(-1, 1, 1, 5)
    fitted = fit_k_means(x, 3)
    given_labels = k_means_of(x, fitted.assign(x))
    np.testing.assert_allclose(given_labels.points, fitted.points, rtol=1e-12)
    assert given_labels.stiffness == pytest.approx(fitted.stiffness)
    assert given_labels.shape == (1, 1, 5)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0, 1], r"int64\[2\]: expected whole numbers \[4\]"),
        ([0.0, 0.0, 1.0, 1.0], "float64"),
        ([0, 0, 0, 0], "two or more"),
        ([0, 0, 2, 2], r"\[0, 2\].* without gaps"),
        ([0, 1, 0, 1], "no clusters"),
    ],
)
def test_labels_that_make_no_clusters_are_refused(labels, words):
    with pytest.raises(ObservationError, match=words):
        k_means_of(np.array([[1.0], [1.0], [3.0], [3.0]]), labels)


@given(cases())
@settings(max_examples=80, deadline=None)
def test_is_the_literal_rule_wherever_no_competitor_is_held_back(case):
    network, x = case
    mu = network.points
    for c in range(len(mu)):
        found = network.explain(x, c)
        for n, frame in enumerate(x):
            h = [((frame - m) ** 2).sum() - ((frame - mu[c]) ** 2).sum() for m in mu]
            if min(abs(v) for k, v in enumerate(h) if k != c) < 0.1 * abs(found.explained[n]):
                continue
            f, relevance = literal(mu, network.stiffness, frame, c)
            assert found.explained[n] == pytest.approx(f, abs=1e-9)
            if abs(f) > ROUNDING:
                np.testing.assert_allclose(found.map[n], relevance, rtol=1e-7, atol=1e-7)


@given(cases())
@settings(max_examples=80, deadline=None)
def test_conserves_and_absorbs_nothing_of_a_frame_in_its_own_cluster(case):
    network, x = case
    for c in (None, *range(network.n_clusters)):
        found = network.explain(x, c)
        total = found.map.sum(1) + found.absorbed
        np.testing.assert_allclose(total, found.explained, rtol=1e-9, atol=1e-9)
        if c is None:
            np.testing.assert_allclose(found.absorbed, 0, atol=1e-9)
            assert (found.explained >= 0).all()
        # a frame passes on part of what its competitors get, never more and never the opposite
        assert (found.absorbed * found.explained >= -1e-9).all()


@given(cases(), hnp.arrays(np.float64, 4, elements=st.integers(-1000, 1000)))
@settings(max_examples=50, deadline=None)
def test_a_shift_of_all_data_changes_nothing(case, shift):
    network, x = case
    by = shift[: x.shape[1]]
    moved = NeuralizedKMeans(network.shape, network.points + by, network.stiffness)
    np.testing.assert_allclose(moved.scores(x + by), network.scores(x), rtol=1e-9, atol=1e-8)
    before, after = network.explain(x, 1), moved.explain(x + by, 1)
    inside = np.abs(before.explained) > ROUNDING
    np.testing.assert_allclose(after.map[inside], before.map[inside], rtol=1e-7, atol=1e-7)


def test_the_largest_score_is_scikit_learns_assignment():
    x = blobs(1, spread=3.0)
    network = fit_k_means(x, 3, seed=5)
    model = KMeans(3, n_init=3, tol=0, random_state=5).fit(x)
    fresh = blobs(2, spread=5.0)
    np.testing.assert_array_equal(network.assign(x), model.labels_)
    np.testing.assert_array_equal(network.assign(fresh), model.predict(fresh))
    distance = model.transform(fresh) ** 2
    nearest, second = np.sort(distance, axis=1)[:, :2].T
    np.testing.assert_allclose(network.scores(fresh).max(1), second - nearest, rtol=1e-8)


def test_with_two_clusters_it_is_gradient_times_distance_from_the_midpoint():
    x = blobs(3, k=2)
    network = fit_k_means(x, 2)
    found = network.explain(x)
    mu = torch.from_numpy(network.points)
    at = torch.from_numpy(x).requires_grad_()
    distance = torch.cdist(at, mu).square()
    torch.sort(distance, dim=1).values.diff(dim=1).sum().backward()
    expected = at.grad * (at.detach() - mu.mean(0))
    np.testing.assert_allclose(found.map, expected.numpy(), rtol=1e-8, atol=1e-9)


def test_a_stiff_pool_is_gradient_times_distance_from_the_nearest_midpoint():
    x = blobs(4)
    fitted = fit_k_means(x, 3)
    network = NeuralizedKMeans(fitted.shape, fitted.points, 1e6)
    mu, at = torch.from_numpy(fitted.points), torch.from_numpy(x).requires_grad_()
    order = torch.sort(torch.cdist(at, mu).square(), dim=1)
    (order.values[:, 1] - order.values[:, 0]).sum().backward()
    middle = (mu[order.indices[:, 0]] + mu[order.indices[:, 1]]) / 2
    expected = at.grad * (at.detach() - middle)
    np.testing.assert_allclose(network.explain(x).map, expected.numpy(), rtol=1e-7, atol=1e-8)


def test_only_pixels_that_tell_the_clusters_apart_get_relevance():
    rng = np.random.default_rng(5)
    x = np.zeros((40, 2, 6, 6), np.float32)
    x[:20, 1, 2, 3] = 1
    x += 1e-3 * rng.standard_normal(x.shape).astype(np.float32)
    found = fit_k_means(x, 2).explain(x)
    assert found.map.shape == x.shape
    assert found.map.dtype == np.float32
    assert (found.map[:, 1, 2, 3] / found.explained > 0.95).all()
    total = found.map.sum((1, 2, 3), dtype=np.float64) + found.absorbed
    np.testing.assert_allclose(total, found.explained, rtol=1e-5)


def test_a_frame_on_the_border_has_nothing_to_explain():
    network = NeuralizedKMeans((2,), np.array([[-1.0, 0.0], [1.0, 0.0]]), 1.0)
    found = network.explain(np.zeros((1, 2)))
    assert found.explained == 0
    assert (found.map == 0).all()


def test_a_competitor_that_is_as_near_keeps_its_part_and_the_map_stays_small():
    # explained is why the frame is NOT in cluster 0, of which cluster 1 is as far
    mu = np.array([[0.0, 4.0], [0.0, -4.0], [1.0, 0.0]])
    x = np.array([[1.0, 1e-9]])
    found = NeuralizedKMeans((2,), mu, 0.01).explain(x, 0)
    assert found.explained[0] == pytest.approx(-17, rel=1e-6)
    assert np.abs(found.map).max() < 34
    assert found.absorbed[0] < -7
    assert found.map.sum() + found.absorbed[0] == pytest.approx(found.explained[0])


def test_the_same_seed_gives_the_same_network():
    x = blobs(6)
    first, second = fit_k_means(x, 4, seed=3), fit_k_means(x, 4, seed=3)
    np.testing.assert_array_equal(first.points, second.points)
    assert first.stiffness == second.stiffness


def test_more_inputs_than_frames_make_the_same_clusters():
    x = blobs(8, n=20, d=100, spread=2.0)
    network = fit_k_means(x, 3)
    model = KMeans(3, n_init=3, tol=0, random_state=0).fit(x)
    assert adjusted_rand_score(network.assign(x), model.labels_) == 1
    sizes = np.bincount(network.assign(x))
    found = sum(sizes[k] * np.square(network.points[k]).sum() for k in range(3))
    expected = np.square(model.cluster_centers_[model.labels_]).sum()
    assert found == pytest.approx(expected)


def test_the_chunk_does_not_matter(monkeypatch):
    x = blobs(7)
    whole = fit_k_means(x, 3)
    found = whole.explain(x)
    monkeypatch.setattr(
        "rlmonitor.explain.neuralize.spans", lambda n: (slice(i, i + 7) for i in range(0, n, 7))
    )
    np.testing.assert_allclose(whole.explain(x).map, found.map, rtol=1e-12, atol=1e-12)


X = np.arange(24.0).reshape(6, 4) ** 2


@pytest.mark.parametrize(
    ("x", "n_clusters", "error", "words"),
    [
        (X, 1, ConfigurationError, "1 clusters of 6 frames: expected 2 to 6"),
        (X, 7, ConfigurationError, "7 clusters of 6 frames"),
        (np.ones((6, 4)), 2, ObservationError, "all 6 inputs are the same"),
        (np.repeat(X[:2], 3, 0), 3, ConfigurationError, "fewer than 3 different frames among 6"),
        (np.repeat(X[:2], 2, 0)[:, [0, 1, 2, 3] * 5], 3, ConfigurationError, "fewer than 3"),
        (np.where(X == 4, np.nan, X), 2, NonFiniteError, "NaN"),
        (np.where(X == 4, np.inf, X), 2, NonFiniteError, "infinity"),
        (np.where(X == 4, 1e200, X), 2, NonFiniteError, "above 1e100"),
        (X[0], 2, ObservationError, r"float64\[4\]: expected numbers \[N, C, H, W\] or \[N, D\]"),
        (X[:0], 2, ObservationError, "none of these sizes 0"),
        (X.astype(str), 2, ObservationError, "expected numbers"),
    ],
)
def test_bad_input_to_the_fit_names_itself(x, n_clusters, error, words):
    with pytest.raises(error, match=words):
        fit_k_means(x, n_clusters)


@pytest.mark.parametrize("stiffness", [0, -1, np.nan, np.inf])
def test_a_stiffness_is_positive(stiffness):
    with pytest.raises(ConfigurationError, match="stiffness is"):
        fit_k_means(X, 2, stiffness=stiffness)


@pytest.mark.parametrize(
    ("cluster", "words"),
    [
        (2, "clusters 0 to 1, not 2"),
        (-1, "not -1"),
        ([0, 1], "expected one index, or 6"),
        (0.5, "float64"),
    ],
)
def test_only_clusters_that_exist_are_explained(cluster, words):
    with pytest.raises(ConfigurationError, match=words):
        fit_k_means(X, 2).explain(X, cluster)


def test_each_frame_may_be_asked_for_another_cluster():
    network = fit_k_means(X, 2)
    ask = np.array([0, 1, 0, 1, 0, 1])
    found = network.explain(X, ask)
    np.testing.assert_allclose(found.explained, network.scores(X)[np.arange(6), ask])


def test_other_shapes_than_the_fitted_one_are_refused():
    network = fit_k_means(X, 2)
    for call in (network.scores, network.explain, network.assign):
        with pytest.raises(ObservationError, match=r"\[6, 3\]: expected numbers \[N, 4\]"):
            call(X[:, :3])


def test_a_single_number_is_no_frame():
    with pytest.raises(ObservationError, match=r"float64\[\]"):
        fit_k_means(X, 2).explain(3.0, 1)


def test_one_centroid_is_no_clustering():
    with pytest.raises(ObservationError, match="two clusters or more"):
        NeuralizedKMeans((4,), X[:1], 1.0)
