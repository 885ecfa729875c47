"""The neuralised one-class SVM against scikit-learn's, its formula written out, and autograd."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import rankdata
from sklearn.svm import OneClassSVM

from rlmonitor.errors import ConfigurationError, NonFiniteError, ObservationError
from rlmonitor.explain import NeuralizedOneClass, fit_novelty

POINTS = st.integers(-24, 24).map(lambda v: v / 8)


@st.composite
def cases(draw):
    d, m, n = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    points = draw(hnp.arrays(np.float64, (m, d), elements=POINTS))
    weight = np.array(draw(st.lists(st.integers(1, 9), min_size=m, max_size=m)), float)
    x = draw(hnp.arrays(np.float64, (n, d), elements=POINTS))
    gamma = draw(st.sampled_from((0.02, 0.5, 3.0)))
    return NeuralizedOneClass((d,), points, weight / weight.sum(), gamma, 1.0), x


def literal(network, x):
    """o and R_i of one frame, support vector by support vector; what has no distance keeps it."""
    gamma = network.gamma
    h = [
        ((x - u) ** 2).sum() - np.log(a) / gamma
        for u, a in zip(network.points, network.weight, strict=True)
    ]
    score = -np.log(sum(np.exp(-gamma * v) for v in h)) / gamma
    relevance, absorbed = np.zeros(len(x)), 0.0
    for u, v in zip(network.points, h, strict=True):
        received = np.exp(-gamma * v) / sum(np.exp(-gamma * w) for w in h) * score
        if (x == u).all():
            absorbed += received
        else:
            relevance += (x - u) ** 2 / ((x - u) ** 2).sum() * received
    return score, relevance, absorbed


@given(cases())
@settings(max_examples=100, deadline=None)
def test_is_the_papers_network_and_decomposition(case):
    network, x = case
    found = network.explain(x)
    for n, frame in enumerate(x):
        score, relevance, absorbed = literal(network, frame)
        assert found.explained[n] == pytest.approx(score, rel=1e-8, abs=1e-9)
        np.testing.assert_allclose(found.map[n], relevance, rtol=1e-7, atol=1e-8)
        assert found.absorbed[n] == pytest.approx(absorbed, rel=1e-8, abs=1e-8)


@given(cases())
@settings(max_examples=80, deadline=None)
def test_conserves_and_is_never_negative(case):
    network, x = case
    found = network.explain(x)
    np.testing.assert_allclose(
        found.map.sum(1) + found.absorbed, found.explained, rtol=1e-8, atol=1e-9
    )
    assert (found.map >= 0).all()
    # a soft minimum lies between the smallest and the largest distance
    distance = np.square(x[:, None] - network.points).sum(2)
    assert (found.explained >= distance.min(1) - 1e-9).all()
    assert (found.explained <= distance.max(1) + 1e-9).all()


@given(cases(), hnp.arrays(np.float64, 4, elements=st.integers(-1000, 1000)), st.integers(-3, 3))
@settings(max_examples=50, deadline=None)
def test_a_shift_changes_nothing_and_a_scale_only_the_unit(case, shift, power):
    network, x = case
    by, factor = shift[: x.shape[1]], 2.0**power
    moved = NeuralizedOneClass(
        network.shape,
        factor * (network.points + by),
        network.weight,
        network.gamma / factor**2,
        factor**2 * network.threshold,
    )
    before, after = network.explain(x), moved.explain(factor * (x + by))
    np.testing.assert_allclose(after.map, factor**2 * before.map, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(moved.scores(factor * (x + by)), factor**2 * network.scores(x))


@pytest.mark.parametrize("gamma", [None, 0.3])
@pytest.mark.parametrize("nu", [0.05, 0.5])
def test_is_scikit_learns_decision_on_a_scale_that_does_not_saturate(nu, gamma):
    rng = np.random.default_rng(0)
    x, fresh = rng.normal(size=(80, 3)), 2 * rng.normal(size=(200, 3))
    network = fit_novelty(x, nu=nu, gamma=gamma)
    svm = OneClassSVM(gamma=network.gamma, nu=nu, tol=1e-6).fit(x)
    decision, score = svm.decision_function(fresh), network.scores(fresh)
    np.testing.assert_array_equal(rankdata(-decision), rankdata(score))
    np.testing.assert_array_equal(network.novel(fresh), svm.predict(fresh) < 0)
    # and the decision function comes back exactly, through the logarithm's inverse
    total = svm.dual_coef_.sum()
    back = total * (np.exp(-network.gamma * score) - np.exp(-network.gamma * network.threshold))
    np.testing.assert_allclose(back, decision, atol=1e-5)  # of what was solved for to 1e-6
    assert network.weight.sum() == pytest.approx(1)


def test_orders_frames_where_the_decision_function_has_given_up():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 2))
    network = fit_novelty(x, gamma=2.0)
    far = np.array([[40.0, 0.0], [80.0, 0.0]])
    svm = OneClassSVM(gamma=2.0, nu=0.1).fit(x)
    assert len(set(svm.decision_function(far))) == 1
    near, farther = network.scores(far)
    assert near < farther
    assert network.explain(far).map[:, 0] == pytest.approx(network.scores(far), rel=0.01)


def test_with_one_support_vector_it_is_half_the_gradient_times_the_difference():
    rng = np.random.default_rng(2)
    u, x = rng.normal(size=(1, 6)), rng.normal(size=(5, 6))
    network = NeuralizedOneClass((6,), u, np.ones(1), 0.4, 1.0)
    at = torch.from_numpy(x).requires_grad_()
    score = -torch.logsumexp(-0.4 * (at - torch.from_numpy(u)).square().sum(1)[:, None], 1) / 0.4
    score.sum().backward()
    found = network.explain(x)
    np.testing.assert_allclose(found.explained, score.detach().numpy())
    np.testing.assert_allclose(found.map, at.grad.numpy() * (x - u) / 2)


def test_the_pixel_that_is_new_gets_the_relevance():
    rng = np.random.default_rng(3)
    known = 0.1 * rng.standard_normal((50, 2, 6, 6)).astype(np.float32)
    new = 0.1 * rng.standard_normal((8, 2, 6, 6)).astype(np.float32)
    new[:, 1, 4, 2] += 3
    network = fit_novelty(known)
    assert network.novel(new).all()
    assert network.novel(known).mean() <= 0.1  # nu
    found = network.explain(new)
    assert found.map.shape == new.shape
    assert found.map.dtype == np.float32
    assert (found.map[:, 1, 4, 2] / found.explained > 0.8).all()
    total = found.map.sum((1, 2, 3), dtype=np.float64) + found.absorbed
    np.testing.assert_allclose(total, found.explained, rtol=1e-5)


def test_a_support_vector_absorbs_its_own_part_only():
    points = np.array([[0.0, 0.0], [3.0, 0.0]])
    network = NeuralizedOneClass((2,), points, np.full(2, 0.5), 0.1, 1.0)
    found = network.explain(points[:1])
    share = 1 / (1 + np.exp(-0.9))
    assert found.absorbed[0] == pytest.approx(share * found.explained[0])
    np.testing.assert_allclose(found.map[0], [(1 - share) * found.explained[0], 0])


def test_two_fits_are_the_same():
    x = np.random.default_rng(4).normal(size=(30, 4))
    first, second = fit_novelty(x), fit_novelty(x)
    np.testing.assert_array_equal(first.weight, second.weight)
    np.testing.assert_array_equal(first.points, second.points)
    assert first.threshold == second.threshold


X = np.arange(24.0).reshape(6, 4) ** 2


@pytest.mark.parametrize(
    ("x", "settings", "error", "words"),
    [
        (X[:1], {}, ObservationError, "1 frame is not enough"),
        (np.ones((6, 4)), {}, ObservationError, "all 6 inputs are the same"),
        (X[0], {}, ObservationError, "expected numbers"),
        (X * np.nan, {}, NonFiniteError, "NaN"),
        (X, {"nu": 0.0}, ConfigurationError, "nu is 0.0"),
        (X, {"nu": 1.0}, ConfigurationError, "nu is 1.0"),
        (X, {"nu": 1e-9}, ConfigurationError, "nu 1e-09 of 6 frames is next to none"),
        (X, {"nu": np.nan}, ConfigurationError, "nu is nan"),
        (X, {"gamma": -1.0}, ConfigurationError, "gamma is -1.0"),
    ],
)
def test_bad_input_names_itself(x, settings, error, words):
    with pytest.raises(error, match=words):
        fit_novelty(x, **settings)


def test_other_shapes_are_refused():
    network = fit_novelty(X)
    for call in (network.scores, network.explain, network.novel):
        with pytest.raises(ObservationError, match=r"expected numbers \[N, 4\]"):
            call(X.reshape(6, 2, 2))


@pytest.mark.parametrize("weight", [np.ones(2), np.array([1.0, 0.0, 0.0])])
def test_each_support_vector_has_a_positive_weight(weight):
    with pytest.raises(ObservationError, match="a positive one for each"):
        NeuralizedOneClass((4,), X[:3], weight, 1.0, 1.0)
