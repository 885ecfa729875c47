"""What puts a frame into its strategy: planted places, the paper's formula, no made-up reason."""

from dataclasses import replace

import numpy as np
import pytest
from oracles.planted_maps import PLACES, heap, spots

from rlmonitor.strategy.explanation import explain_clusters
from rlmonitor.strategy.spray import SpraySettings, spray

SIDE = 12
SETTINGS = SpraySettings(shape=(SIDE, SIDE))


@pytest.fixture(scope="module")
def found():
    return spray(heap({"left": 60, "right": 50, "top": 40})[0], settings=SETTINGS)


def test_a_typical_frame_is_where_it_is_for_the_spot_that_was_planted(found):
    reasons = explain_clusters(found)
    assert len(reasons) == 3
    for name, cluster, reason in zip(PLACES, found.clusters, reasons, strict=False):
        assert reason.frame == cluster.typical[0]
        own = tuple(at // 2 for at in PLACES[name])
        near = np.s_[max(own[0] - 2, 0) : own[0] + 3, max(own[1] - 2, 0) : own[1] + 3]
        assert reason.map[near].sum() > 0.4 * np.abs(reason.map).sum()
        assert reason.agreement == 1


def test_two_clusters_are_explained_by_the_papers_formula():
    found = spray(heap({"left": 60, "right": 50})[0], settings=SETTINGS)
    means = [found.features[cluster.members].mean(axis=0) for cluster in found.clusters]
    for k, reason in enumerate(explain_clusters(found)):
        x, own, other = found.features[reason.frame], means[k], means[1 - k]
        # one competitor gets all of f_c, which (x - m) w adds up to
        expected = (x - (own + other) / 2) * 2 * (own - other)
        np.testing.assert_allclose(reason.map.ravel(), expected, atol=1e-6 * expected.max())
        gap = ((x - other) ** 2).sum() - ((x - own) ** 2).sum()
        assert reason.map.sum() == pytest.approx(gap, rel=1e-4)


def test_members_that_k_means_would_put_elsewhere_are_counted():
    found = spray(heap({"left": 60, "right": 60})[0], settings=SETTINGS)
    labels = found.labels.copy()
    members = found.clusters[0].members
    labels[members[1:7]] = 1  # ten percent of the other half
    swapped = replace(found, labels=labels)
    reasons = explain_clusters(swapped)
    assert [reason.agreement for reason in reasons] == [1, pytest.approx(60 / 66)]


def test_maps_without_relevance_belong_nowhere_and_change_nothing(found):
    maps, _ = heap({"left": 60, "right": 50, "top": 40})
    more = np.concatenate([maps, np.zeros_like(maps[:5])])
    reasons = explain_clusters(spray(more, settings=SETTINGS))
    for ours, theirs in zip(reasons, explain_clusters(found), strict=True):
        np.testing.assert_array_equal(ours.map, theirs.map)


def test_there_is_no_reason_where_there_is_nothing_to_tell_apart(found):
    assert explain_clusters(spray(spots((12, 12), 60), settings=SETTINGS)) == ()
    assert explain_clusters(spray(spots((12, 12), 5), settings=SETTINGS)) == ()
    same = replace(found, features=np.ones_like(found.features))
    assert explain_clusters(same) == ()
