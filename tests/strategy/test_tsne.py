"""t-SNE against scikit-learn's, which computes every point by itself."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from rlmonitor.strategy.tsne import exact_tsne, joint_probabilities


def clouds(n: int, seed: int) -> np.ndarray:
    """N points in a few clouds."""
    draw = np.random.default_rng(seed)
    return (draw.normal(size=(n, 12)) + 3 * draw.integers(0, 4, (n, 1))).astype(np.float32)


@pytest.mark.parametrize(("n", "perplexity"), [(4, 1.0), (20, 19 / 3), (75, 74 / 3), (128, 30.0)])
def test_picture_is_scikit_learns(n: int, perplexity: float) -> None:
    points = clouds(n, n)
    start = PCA(2, random_state=5).fit_transform(points)  # which older scikit-learns only estimate
    start = start.astype(np.float32)
    start = start / np.std(start[:, 0]) * 1e-4
    theirs = TSNE(
        perplexity=perplexity, max_iter=400, method="exact", init=start, learning_rate="auto"
    ).fit_transform(points)
    ours = exact_tsne(points, perplexity, 5)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, atol=1e-3 * np.abs(theirs).max())


def test_each_neighbourhood_has_the_perplexity_asked_for() -> None:
    # of equal neighbourhoods the joint probabilities are the conditional ones over N
    n = 40
    angle = 2 * np.pi * np.arange(n) / n
    ring = np.stack([np.cos(angle), np.sin(angle)], 1)
    squared = ((ring[:, None] - ring[None]) ** 2).sum(-1)
    near = joint_probabilities(squared, 9.0)
    np.testing.assert_allclose(near.sum(), 1)
    np.testing.assert_array_equal(near, near.T)
    own = near * n
    entropy = -np.sum(own * np.log(own, where=own > 0, out=np.zeros_like(own)), axis=1)
    np.testing.assert_allclose(np.exp(entropy), 9.0, rtol=1e-3)


def test_equal_points_stay_finite() -> None:
    points = clouds(12, 0)
    points[:5] = points[0]
    assert np.isfinite(exact_tsne(points, 3.0, 0)).all()
