"""Novelty: 1 where nothing is new, more where something is, and it says where on the screen."""

from dataclasses import replace

import numpy as np
import pytest
from oracles.planted_maps import PLACES, heap, spots
from sklearn.svm import OneClassSVM

from rlmonitor.strategy.novelty import FOLDS, MOST_KNOWN, NARROWER, novelty_of
from rlmonitor.strategy.spray import SpraySettings, spray
from rlmonitor.strategy.timeline import Timeline, advance

SIDE = 12
SETTINGS = SpraySettings(shape=(SIDE, SIDE))


def clusters(counts, seed=0):
    return spray(heap(counts, seed)[0], settings=SETTINGS)


@pytest.fixture(scope="module")
def known():
    return advance(Timeline(), clusters({"left": 100, "right": 100}), 0)[0].strategies


def test_stationary_play_is_at_one(known):
    again = [
        novelty_of(known, clusters({"left": 100, "right": 100}, s)).score for s in range(10, 20)
    ]
    assert np.mean(again) == pytest.approx(1, abs=0.15)
    assert max(again) < 1.3


def test_a_new_place_is_seen_the_more_the_more_maps_lie_there(known):
    few, many = (
        novelty_of(known, clusters({"left": 100, "right": 100, "top": n}, 5)) for n in (15, 100)
    )
    assert 1.5 < few.score < many.score
    assert many.newest > 3


def test_what_is_new_lies_where_it_was_planted(known):
    maps, truth = heap({"left": 100, "right": 100, "top": 30}, 5)
    found = novelty_of(known, spray(maps, settings=SETTINGS))
    assert truth[found.frame] == 2
    row, column = (at // 2 for at in PLACES["top"])
    near = found.map[max(row - 2, 0) : row + 3, column - 2 : column + 3]
    more, less = np.maximum(found.map, 0), np.maximum(-found.map, 0)
    assert near.sum() > 0.7 * more.sum()
    gone = less[4:9, 0:5].sum() + less[4:9, 7:].sum()  # known maps have their spots there
    assert gone > 0.7 * less.sum()


def test_maps_that_are_spread_out_are_new_too(known):
    """A flat map is near zero, hence not far from any other: only its root tells it apart."""
    rng = np.random.default_rng(0)
    flat = (1 + 0.2 * rng.random((60, 2, 24, 24))).astype(np.float32)
    found = novelty_of(known, spray(flat, settings=SETTINGS))
    assert found.score > 2


def test_the_score_is_a_soft_minimum_of_distances_over_that_of_held_out_maps(known):
    """The formula of Kauffmann et al. 2018 on scikit-learn's own fit."""

    def scores(seen, maps):
        gamma = NARROWER / np.square(seen - seen.mean(axis=0)).sum(axis=1).mean()
        svm = OneClassSVM(nu=0.1, gamma=gamma, tol=1e-6).fit(seen)
        weight = svm.dual_coef_[0] / svm.dual_coef_[0].sum()
        distance = np.square(maps[:, None] - svm.support_vectors_).sum(axis=2)
        return -np.log(np.exp(-gamma * distance) @ weight) / gamma

    found = clusters({"left": 60, "right": 60}, 7)
    roots = [np.sqrt(each.exemplars.astype(np.float64)) for each in known]
    usual = []
    for fold in range(FOLDS):
        parts = [np.array_split(each, FOLDS) for each in roots]
        seen = np.concatenate([p for own in parts for k, p in enumerate(own) if k != fold])
        usual.append(scores(seen, np.concatenate([own[fold] for own in parts])))
    own = scores(np.concatenate(roots), np.sqrt(found.features.astype(np.float64)))
    expected = own / np.concatenate(usual).mean()
    ours = novelty_of(known, found)
    assert ours.score == pytest.approx(expected.mean(), rel=1e-3)
    assert ours.frame == expected.argmax()
    assert ours.newest == pytest.approx(expected.max(), rel=1e-3)


def test_many_strategies_cost_no_more_than_some(known, monkeypatch):
    sizes = []
    fit = novelty_of.__globals__["fit_novelty"]

    def note(points, **settings):
        sizes.append(len(points))
        return fit(points, **settings)

    monkeypatch.setitem(novelty_of.__globals__, "fit_novelty", note)
    novelty_of(known * 15, clusters({"left": 60, "right": 60}))
    assert max(sizes) <= MOST_KNOWN


def test_known_maps_that_are_all_alike_make_no_news_of_the_least_change():
    maps = np.repeat(spots(PLACES["left"], 1), 64, axis=0)
    changed = maps + 1e-4 * np.random.default_rng(0).random(maps.shape).astype(np.float32)
    strategies = advance(Timeline(), spray(changed, settings=SETTINGS), 0)[0].strategies
    found = novelty_of(strategies, spray(maps * (1 + 1e-3), settings=SETTINGS))
    assert found is None or found.score < 1.5


def test_nothing_is_said_where_too_little_is_known(known):
    found = clusters({"left": 60, "right": 60})
    assert novelty_of((), found) is None
    assert novelty_of(known, clusters({"left": 5})) is None
    few = [replace(known[0], exemplars=known[0].exemplars[:5])]
    assert novelty_of(few, found) is None
    same = [replace(known[0], exemplars=np.ones_like(known[0].exemplars))]
    assert novelty_of(same, found) is None
