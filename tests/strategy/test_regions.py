"""Pooling over the grid against loops, and its conservation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlmonitor.errors import NonFiniteError, ObservationError, UnknownNameError
from rlmonitor.strategy.regions import (
    largest,
    pool_regions,
    region_masks,
    region_name,
    region_shares,
)


def maps(n=2, c=3, h=17, w=14, seed=0):
    return np.random.default_rng(seed).standard_normal((n, c, h, w)).astype(np.float32)


@given(st.integers(7, 30), st.integers(7, 30), st.integers(1, 7), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_cells_add_up_to_the_whole_map_with_its_sign(height, width, grid, seed):
    relevance = maps(h=height, w=width, seed=seed)
    found = pool_regions(relevance, grid=grid)
    signed = (found.positive - found.negative).sum(axis=(1, 2))
    np.testing.assert_allclose(signed, relevance.sum(axis=(1, 2, 3)), atol=1e-3)
    np.testing.assert_allclose(found.share.sum(axis=(1, 2)), 1)
    assert (found.positive >= 0).all()
    assert (found.negative >= 0).all()


@given(st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_a_mask_and_its_complement_add_up(seed):
    relevance = maps(seed=seed)
    inside = np.random.default_rng(seed).random((2, 17, 14)) < 0.5
    parts = [pool_regions(relevance, each).share for each in (inside, ~inside)]
    np.testing.assert_allclose(sum(parts), pool_regions(relevance).share)


def test_equals_the_sums_over_each_cells_mask():
    relevance = maps()
    inside = np.random.default_rng(1).random((2, 17, 14)) < 0.7
    names = [region_name(i, j) for i, j in np.ndindex(7, 7)]
    masks = region_masks(inside, names)
    assert (sum(mask.astype(int) for mask in masks.values()) == inside).all()
    shares = region_shares(pool_regions(relevance, inside))
    picture = np.abs(relevance).sum(axis=1)
    for name, mask in masks.items():
        literal = (picture * mask).sum(axis=(1, 2)) / picture.sum(axis=(1, 2))
        assert shares[name] == pytest.approx(literal.mean(), rel=1e-5)


def test_cells_of_84_pixels_are_12_wide_and_named_from_the_upper_left():
    mask = region_masks(np.ones((1, 84, 84), bool), ["row1-column7"])["row1-column7"][0]
    assert mask.sum() == 144
    assert mask[:12, 72:].all()


def test_maps_of_zeros_have_no_shares():
    assert region_shares(pool_regions(np.zeros((2, 1, 7, 7), np.float32))) == {}


def test_largest_leaves_out_what_is_nothing():
    assert largest({"a": 0.1, "b": 0.5, "c": 0.0}, 3) == ("b", "a")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: pool_regions(np.ones((2, 3), np.float32)), ObservationError, "C, H, W"),
        (lambda: pool_regions(np.ones((1, 1, 4, 9), np.float32)), ObservationError, "has 4"),
        (lambda: pool_regions(np.full((1, 1, 7, 7), np.inf, np.float32)), NonFiniteError, "inf"),
        (
            lambda: pool_regions(np.ones((1, 1, 7, 7), np.float32), np.ones((1, 7, 8), bool)),
            ObservationError,
            "mask",
        ),
        (lambda: region_masks(np.ones((1, 7, 7), bool), ["row8"]), UnknownNameError, "row8"),
    ],
)
def test_bad_input_names_itself(call, error, words):
    with pytest.raises(error, match=words):
        call()
