"""SpRAy against planted truth, corelay and scikit-learn; one cloud; bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.corelay_pipeline import corelay_labels
from oracles.planted_maps import PLACES, SIDE, heap, spots
from scipy.sparse.csgraph import laplacian
from sklearn.metrics import adjusted_rand_score

from rlmonitor.errors import ConfigurationError, NonFiniteError, ObservationError
from rlmonitor.strategy import spectral
from rlmonitor.strategy.embedding import embed
from rlmonitor.strategy.features import downsize, relevance_features
from rlmonitor.strategy.spray import SpraySettings, spray

SMALL = SpraySettings(shape=(6, 6))


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 12), st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_downsizing_keeps_the_sum_whatever_the_shapes(height, width, rows, columns):
    pictures = np.random.default_rng(0).random((2, height, width))
    small = downsize(pictures, (rows, columns))
    assert small.shape == (2, rows, columns)
    np.testing.assert_allclose(small.sum(axis=(1, 2)), pictures.sum(axis=(1, 2)))


def test_downsizing_by_a_whole_factor_sums_blocks():
    picture = np.arange(24.0).reshape(1, 4, 6)
    blocks = picture.reshape(1, 2, 2, 3, 2).sum(axis=(2, 4))
    np.testing.assert_allclose(downsize(picture, (2, 3)), blocks)


@pytest.mark.parametrize("counts", [(60, 60), (90, 30, 60), (40, 80, 50, 30)])
@pytest.mark.parametrize("seed", [0, 1])
def test_finds_the_planted_strategies_as_corelay_does(counts, seed):
    maps, truth = heap(dict(zip(PLACES, counts, strict=False)), seed)
    found = spray(maps, settings=SMALL)
    assert len(found.clusters) == len(counts)
    assert adjusted_rand_score(truth, found.labels) == 1
    values, labels = corelay_labels(maps, len(counts))
    assert adjusted_rand_score(labels, found.labels) >= 0.95
    np.testing.assert_allclose(values, found.eigenvalues[: len(counts)], atol=1e-8)


@pytest.mark.parametrize(
    "counts", [{"left": 60, "right": 60}, {"left": 80, "right": 50, "top": 40}]
)
def test_the_eigengap_is_the_step_of_the_dense_laplacians_spectrum(counts):
    maps, _ = heap(counts)
    found = spray(maps, settings=SMALL)
    graph = spectral.neighbour_graph(relevance_features(maps, (6, 6)), 10)
    values = np.linalg.eigvalsh(laplacian(graph.toarray(), normed=True))
    m = len(counts)
    assert found.eigengap == pytest.approx(values[m] - values[m - 1], abs=1e-6)


def test_one_cloud_has_its_gap_after_the_first_eigenvalue_and_nothing_has_none():
    found = spray(spots((12, 12), 120, jitter=2), settings=SMALL)
    assert len(found.clusters) == 1
    assert found.eigengap == pytest.approx(found.eigenvalues[1] - found.eigenvalues[0])
    assert spray(spots((12, 12), 5), settings=SMALL).eigengap is None


def test_equals_corelay_where_clusters_touch():
    maps, truth = heap({"left": 80, "right": 80, "top": 60}, jitter=1.7)
    found = spray(maps, settings=SpraySettings(shape=(6, 6), n_clusters=3))
    values, labels = corelay_labels(maps, 3)
    assert values[2] > 1e-4  # one component: the spectrum is not only zeros
    np.testing.assert_allclose(values, found.eigenvalues[:3], atol=1e-6)
    assert adjusted_rand_score(labels, found.labels) >= 0.95
    assert adjusted_rand_score(truth, found.labels) >= 0.9


def test_spectrum_is_that_of_the_dense_laplacian():
    points = np.random.default_rng(0).standard_normal((60, 3)).astype(np.float32)
    points[:20] += 50  # two components
    graph = spectral.neighbour_graph(points, 5)
    dense = np.linalg.eigvalsh(laplacian(graph.toarray(), normed=True))
    spectrum = spectral.laplacian_spectrum(graph, seed=0)
    np.testing.assert_allclose(spectrum.values, dense[: len(spectrum.values)], atol=1e-9)
    gram = spectrum.vectors.T @ spectrum.vectors
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-8)


def test_landmarks_give_the_same_clusters():
    maps, truth = heap({"left": 300, "right": 200, "top": 100})
    found = spray(maps, settings=SpraySettings(shape=(6, 6), n_landmarks=100))
    whole = spray(maps, settings=SMALL)
    assert adjusted_rand_score(truth, found.labels) >= 0.95
    assert adjusted_rand_score(whole.labels, found.labels) >= 0.95


def test_nystrom_extension_of_a_landmark_is_its_own_eigenvector():
    points = np.random.default_rng(0).standard_normal((80, 2)).astype(np.float32)
    points[:40] += 3
    found = spectral.fit(points, n_neighbours=10, n_clusters=2, seed=0)
    # a landmark counts itself among its neighbours, else the sums are the eigenvector's equation
    assert adjusted_rand_score(found.labels, spectral.assign(found, points, 10)) >= 0.95


def test_the_same_seed_gives_the_same_and_the_largest_comes_first():
    maps, _ = heap({"left": 30, "right": 70, "top": 50})
    first, again = (spray(maps, maps, SMALL) for _ in range(2))
    np.testing.assert_array_equal(first.labels, again.labels)
    assert first.eigenvalues == again.eigenvalues
    assert [len(c.members) for c in first.clusters] == [70, 50, 30]
    position = [embed(each, seed=3).position for each in (first, again)]
    np.testing.assert_array_equal(*position)
    other = spray(maps, maps, SpraySettings(shape=(6, 6), seed=9))
    np.testing.assert_array_equal(first.labels, other.labels)


def test_a_cluster_has_its_mean_map_occupancy_and_typical_frames():
    maps, truth = heap({"left": 60, "right": 40})
    maps[::7] *= 50  # how large the Q-value is does not matter
    found = spray(maps, settings=SMALL)
    for label, cluster in enumerate(found.clusters):
        np.testing.assert_array_equal(cluster.members, np.flatnonzero(truth == label))
        assert cluster.occupancy == (0.6, 0.4)[label]
        pictures = np.abs(maps[cluster.members]).sum(axis=1, dtype=np.float64)
        pictures /= pictures.sum(axis=(1, 2), keepdims=True)
        np.testing.assert_allclose(cluster.mean_map, pictures.mean(axis=0), rtol=1e-5)
        assert len(set(cluster.typical)) == 3
        assert set(cluster.typical) <= set(cluster.members.tolist())


def test_says_which_clusters_raw_pixels_give_as_well():
    maps, truth = heap({"left": 60, "right": 60, "top": 60})
    seen = spray(maps, maps, SMALL)
    assert [(c.pixel_overlap, c.in_pixels) for c in seen.clusters] == [(1.0, True)] * 3
    # frames show 'left' as one thing, and 'right' and 'top' alike
    frames = np.where(
        (truth == 0)[:, None, None, None], spots((4, 4), 180, 7), spots((20, 20), 180, 8)
    )
    found = spray(maps, frames, SMALL)
    left = [i for i, c in enumerate(found.clusters) if truth[c.members[0]] == 0]
    assert [c.in_pixels for c in found.clusters] == [i in left for i in range(3)]


def test_a_large_cluster_does_not_overlap_with_pixels_by_chance():
    maps, _ = heap({"left": 180, "right": 20})
    order = np.random.default_rng(5).permutation(200)
    found = spray(maps, maps[order], SMALL)
    assert found.clusters[0].pixel_overlap > 0.8
    assert not any(c.in_pixels for c in found.clusters)
    assert spray(maps, settings=SMALL).clusters[0].pixel_overlap is None


@pytest.mark.parametrize("dimensions", [2, 10, 100])
def test_one_cloud_is_one_cluster(dimensions):
    for seed in range(8):
        cloud = np.random.default_rng(seed).standard_normal((150, dimensions)).astype(np.float32)
        spectrum = spectral.laplacian_spectrum(spectral.neighbour_graph(cloud, 10), seed=0)
        assert spectral.eigengap(spectrum, seed=0) == 1


def test_a_curve_is_one_cluster_although_its_first_gap_is_large():
    for seed in range(8):
        along = np.random.default_rng(seed).random((200, 1))
        curve = np.cos(3 * along + np.arange(5)).astype(np.float32)
        spectrum = spectral.laplacian_spectrum(spectral.neighbour_graph(curve, 10), seed=0)
        assert spectral.eigengap(spectrum, seed=0) == 1
        assert spectrum.values[1] < 0.5 * spectrum.values[2]  # the first condition alone fails


def test_maps_of_noise_are_one_strategy():
    maps = np.random.default_rng(0).standard_normal((100, 1, SIDE, SIDE)).astype(np.float32)
    found = spray(maps, maps, SMALL)
    assert [c.occupancy for c in found.clusters] == [1.0]
    assert found.clusters[0].pixel_overlap is None


def test_a_few_maps_apart_are_no_strategy():
    maps, truth = heap({"left": 985, "right": 15})
    assert len(spray(maps, settings=SMALL).clusters) == 1
    assert truth.sum() == 15


@pytest.mark.parametrize("distinct", [2, 3, 30])
def test_many_equal_maps_are_no_trouble(distinct):
    kinds = np.random.default_rng(0).random((distinct, 1, 8, 8))
    which = np.random.default_rng(1).integers(distinct, size=300)
    found = spray(kinds[which], settings=SMALL)
    sizes = [len(cluster.members) for cluster in found.clusters]
    assert sum(sizes) == 300
    assert min(sizes) > 10
    if distinct < 30:
        assert adjusted_rand_score(which, found.labels) == 1
    asked = spray(kinds[which], settings=SpraySettings(shape=(6, 6), n_clusters=7))
    assert min(len(cluster.members) for cluster in asked.clusters) > 10


def test_frames_without_relevance_belong_to_no_cluster():
    maps, _ = heap({"left": 40, "right": 40})
    maps[[3, 50]] = 0
    found = spray(maps, maps, SMALL)
    assert np.flatnonzero(found.labels == -1).tolist() == [3, 50]
    assert sum(c.occupancy for c in found.clusters) == pytest.approx(1)
    assert set(embed(found).index.tolist()) == set(range(80)) - {3, 50}


@pytest.mark.parametrize(
    ("maps", "words"),
    [
        (np.ones((1, 1, 8, 8)), "1 maps with relevance, but 22"),
        (np.zeros((50, 1, 8, 8)), "0 maps with relevance"),
        (np.full((50, 2, 8, 8), -3.0), "all 50 maps are the same"),
        (np.tile(np.random.default_rng(0).random((1, 1, 8, 8)), (50, 1, 1, 1)), "the same"),
    ],
)
def test_not_enough_is_said_and_nothing_made_up(maps, words):
    found = spray(maps, maps, SMALL)
    assert words in found.not_enough
    assert found.clusters == ()
    assert (found.labels == -1).all()
    assert len(embed(found).index) == 0


def test_fewer_maps_than_clusters_ask_for_is_not_enough():
    maps, _ = heap({"left": 20, "right": 20})
    found = spray(maps, settings=SpraySettings(n_clusters=50))
    assert "550 are needed for 50 clusters" in found.not_enough


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_is_an_error_that_names_the_map(value):
    maps, _ = heap({"left": 20, "right": 20})
    maps[33, 1, 2, 2] = value
    with pytest.raises(NonFiniteError, match="map 33"):
        spray(maps)


@pytest.mark.parametrize(
    ("maps", "frames", "words"),
    [
        (np.ones((4, 8, 8)), None, r"\[N, C, H, W\]"),
        (np.ones((0, 1, 8, 8)), None, "none of them 0"),
        (np.ones((4, 1, 8, 8)), np.ones((3, 1, 8, 8)), "3 frames for 4 maps"),
    ],
)
def test_wrong_shapes_are_named(maps, frames, words):
    with pytest.raises(ObservationError, match=words):
        spray(maps, frames)


@pytest.mark.parametrize(
    "wrong", [{"seed": -1}, {"n_clusters": -2}, {"n_neighbours": 1}, {"n_landmarks": 21}]
)
def test_settings_that_cannot_work_are_refused(wrong):
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        SpraySettings(**wrong)
    with pytest.raises(ConfigurationError, match="feature shape"):
        relevance_features(np.ones((1, 1, 2, 2)), (0, 3))


def test_embedding_keeps_neighbours_and_every_cluster():
    maps, truth = heap({"left": 60, "right": 30, "top": 30})
    found = spray(maps, settings=SMALL)
    shown = embed(found, most=60)
    assert len(shown.index) <= 60
    assert np.bincount(found.labels[shown.index]).min() >= 10
    distance = np.linalg.norm(shown.position[:, None] - shown.position, axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (truth[shown.index][distance.argmin(axis=1)] == truth[shown.index]).mean() == 1
