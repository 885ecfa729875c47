"""Strategies through planted rounds: births, a split, a merge, a death, a return; and its state."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.planted_maps import heap, spots

from rlmonitor.errors import ObservationError, StoreError
from rlmonitor.strategy.features import relevance_features
from rlmonitor.strategy.naming import element_profile, name_of
from rlmonitor.strategy.spray import Cluster, Spray, SpraySettings, spray
from rlmonitor.strategy.timeline import Change, Timeline, advance
from rlmonitor.strategy.timeline_state import from_arrays, to_arrays

SETTINGS = SpraySettings(shape=(6, 6))


def clusters(*counts, seed=0):
    """A round: counts of maps by place; two places with a bridge are one cluster."""
    return spray(heap(dict(*counts), seed)[0], settings=SETTINGS)


def bridge(n, seed=0):
    """Maps with their spot anywhere between left and right: one cluster."""
    x = np.random.default_rng(seed).uniform(4, 20, n)
    return np.concatenate([spots((12, at), 1, seed + i, 0.3) for i, at in enumerate(x)])


def course(rounds):
    timeline, moments = Timeline(), []
    for step, found in enumerate(rounds):
        timeline, moment = advance(timeline, found, 1000 * step)
        moments.append(moment)
    return timeline, moments


def test_identity_is_kept_while_sizes_turn_around():
    rounds = [
        clusters({"left": 80, "right": 40}),
        clusters({"left": 30, "right": 90}, seed=1),
        clusters({"left": 60, "right": 60}, seed=2),
    ]
    timeline, moments = course(rounds)
    assert [m.ids for m in moments[:2]] == [(0, 1), (1, 0)]
    assert set(moments[2].ids) == {0, 1}
    assert moments[0].changes == (Change("born", 0), Change("born", 1))
    assert moments[1].changes == moments[2].changes == ()
    assert moments[1].occupancy == {0: 0.25, 1: 0.75}
    assert [s.born for s in timeline.strategies] == [0, 0]
    assert [s.last_seen for s in timeline.strategies] == [2000, 2000]


def test_birth_death_and_return():
    rounds = [
        clusters({"left": 60, "right": 60}),
        clusters({"left": 60, "right": 60, "top": 60}, seed=1),
        clusters({"left": 60, "top": 60}, seed=2),
        clusters({"left": 60, "right": 60, "top": 60}, seed=3),
    ]
    timeline, moments = course(rounds)
    assert moments[1].changes == (Change("born", 2),)
    (died,) = moments[2].changes
    assert died.kind == "died"
    assert moments[2].occupancy[died.strategy] == 0
    assert moments[3].changes == (Change("returned", died.strategy),)
    assert set(moments[3].ids) == {0, 1, 2}
    assert all(s.alive for s in timeline.strategies)


def together(n, seed):
    found = spray(bridge(n, seed), settings=SETTINGS)
    assert len(found.clusters) == 1
    return found


def apart(left, right, seed):
    found = clusters({"left": left, "right": right}, seed=seed)
    assert len(found.clusters) == 2
    return found


def test_split_and_merge():
    _, moments = course([together(300, 0), apart(90, 40, 1), together(300, 1000)])
    assert moments[0].ids == (0,)
    split = [c for c in moments[1].changes if c.kind == "split"]
    assert split
    assert all(c.other == (0,) for c in split)
    merged = [c for c in moments[2].changes if c.kind == "merged"]
    assert merged
    assert all(c.other == (moments[2].ids[0],) for c in merged)


def given_round(counts, groups, seed):
    """A round whose clusters are given: groups of places, the largest first."""
    maps, truth = heap(counts, seed)
    names = list(counts)
    label = {names.index(name): k for k, group in enumerate(groups) for name in group}
    labels = np.array([label[place] for place in truth])
    clusters = tuple(
        Cluster(np.flatnonzero(labels == k), float((labels == k).mean()), maps[0, 0], ())
        for k in range(len(groups))
    )
    return Spray(relevance_features(maps, (6, 6)), labels, clusters)


def test_planted_course_of_a_split_a_merge_and_a_return():
    places = {"left": 90, "right": 60, "top": 50}
    rounds = [
        given_round(places, [("left", "right"), ("top",)], 0),
        given_round(places, [("left",), ("right",), ("top",)], 1),
        given_round(places, [("right", "top"), ("left",)], 2),
        given_round(places, [("left",), ("right",), ("top",)], 3),
    ]
    _, moments = course(rounds)
    assert [m.ids for m in moments] == [(0, 1), (0, 2, 1), (2, 0), (0, 2, 1)]
    assert moments[1].changes == (Change("split", 2, (0,)),)
    assert moments[2].changes == (Change("merged", 1, (2,)),)
    assert moments[3].changes == (Change("returned", 1),)
    assert moments[2].occupancy == {0: 0.45, 1: 0.0, 2: 0.55}


def test_a_round_without_enough_maps_changes_nothing():
    timeline, _ = course([clusters({"left": 60, "right": 60})])
    after, moment = advance(timeline, spray(spots((3, 3), 5), settings=SETTINGS), 1000)
    assert after is timeline
    assert moment.clusters == 0
    assert moment.changes == ()
    assert moment.occupancy is None


def test_other_maps_make_other_strategies():
    timeline, _ = course([clusters({"left": 60, "right": 60})])
    _, moment = advance(timeline, clusters({"top": 60, "bottom": 60}, seed=4), 1000)
    assert {c.kind for c in moment.changes} == {"born", "died"}


def test_strategies_are_named_by_their_elements():
    maps, truth = heap({"left": 60, "right": 60})
    share = {"ball": np.where(truth == 0, 0.3, 0.02), "tunnel": np.where(truth == 0, 0.0, 0.4)}
    share["rest"] = 1 - share["ball"] - share["tunnel"]
    found = spray(maps, settings=SETTINGS)
    timeline, moment = advance(Timeline(), found, 0, share)
    expected = {0: "ball", 1: "tunnel"}
    assert list(moment.names) == [expected[truth[c.members[0]]] for c in found.clusters]
    assert timeline.strategies[0].profile.keys() == share.keys()
    assert advance(Timeline(), found, 0)[1].names == ("strategy 0", "strategy 1")


@pytest.mark.parametrize(
    ("profile", "others", "name"),
    [
        ({"ball": 0.3, "paddle": 0.2, "display": 0.1, "rest": 0.4}, None, "ball + paddle"),
        ({"ball": 0.3, "tunnel": 0.3}, {"ball": 0.3, "tunnel": 0.1}, "tunnel"),
        ({"ball": 0.03, "bricks": 0.3}, {"ball": 0.01, "bricks": 0.3}, "ball"),
        ({"ball": 0.3, "display": 0.2}, {"ball": 0.3, "display": 0.2}, "ball + display"),
        ({"ball": 0.001, "rest": 0.999}, None, "elsewhere"),
        ({"display": 0.4, "rest": 0.6}, {"rest": 1.0}, "display"),
    ],
)
def test_a_name_says_what_sets_a_strategy_apart(profile, others, name):
    assert name_of(profile, others) == name


@given(st.dictionaries(st.sampled_from(["ball", "paddle", "rest"]), st.floats(0, 1)))
def test_every_profile_has_a_name(profile):
    assert name_of(profile, profile)


def test_a_profile_is_the_mean_share():
    share = {"ball": np.array([0.1, 0.5, 0.3])}
    assert element_profile(share, np.array([0, 2])) == pytest.approx({"ball": 0.2})


def test_the_state_comes_back_and_goes_on_the_same():
    rounds = [clusters({"left": 60, "right": 60}), clusters({"left": 60, "top": 60}, seed=1)]
    timeline, _ = course(rounds)
    arrays, text = to_arrays(timeline)
    again = from_arrays(json.loads(json.dumps({k: v.tolist() for k, v in arrays.items()})), text)
    for kept, back in zip(timeline.strategies, again.strategies, strict=True):
        np.testing.assert_array_equal(kept.exemplars, back.exemplars)
        np.testing.assert_array_equal(kept.mean_map, back.mean_map)
        plain = {"exemplars": None, "mean_map": None}
        assert replace(kept, **plain) == replace(back, **plain)
    following = clusters({"left": 60, "right": 60, "top": 60}, seed=2)
    assert advance(timeline, following, 9)[1] == advance(again, following, 9)[1]
    assert from_arrays(*to_arrays(Timeline())) == Timeline()


def test_a_broken_state_is_refused():
    arrays, text = to_arrays(course([clusters({"left": 60, "right": 60})])[0])
    broken = [
        (arrays, "{"),
        (arrays, text.replace('"version": 1', '"version": 7')),
        ({**arrays, "exemplars": arrays["exemplars"][:-1]}, text),
        ({"exemplars": arrays["exemplars"]}, text),
        (arrays, text.replace('"id": 1', '"id": 5')),
        (arrays, text.replace('"reach"', '"range"')),
        (arrays, "[]"),
    ]
    for wrong in broken:
        with pytest.raises(StoreError, match="no stored timeline"):
            from_arrays(*wrong)


def test_shapes_that_do_not_fit_the_run_are_refused():
    found = clusters({"left": 60, "right": 60})
    timeline, _ = advance(Timeline(), found, 0)
    other = spray(heap({"left": 60, "right": 60})[0], settings=SpraySettings(shape=(5, 5)))
    with pytest.raises(ObservationError, match="25 pixels, but strategy 0 was made of 36"):
        advance(timeline, other, 1)
    with pytest.raises(ObservationError, match="'ball'"):
        advance(timeline, found, 1, {"ball": np.ones(3)})
