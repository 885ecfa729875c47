import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from page_reader import read_part

from rlmonitor.board.page_arrays import (
    LARGEST_SCREEN,
    element_numbers,
    halved,
    pack_indices,
    pack_relevance,
    shrunk,
    with_levels,
)


def unpacked(packed):
    """What the page makes of an array."""
    header = json.dumps({"format": 1, "arrays": [packed.about]})
    return read_part([header, packed.data])[1][packed.about["name"]]


FRAMES = st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5))


@given(arrays(np.uint8, FRAMES))
def test_numbers_come_back_exactly(frames):
    np.testing.assert_array_equal(unpacked(pack_indices("a", frames)), frames)


@given(
    arrays(np.float32, FRAMES, elements=st.floats(-1e3, 1e3, width=32)), st.sampled_from([7, 31])
)
def test_relevance_comes_back_to_half_a_step_below_the_scale_and_cut_above(maps, levels):
    packed = pack_relevance("a", maps, levels)
    scale = packed.about["scale"]
    error = np.abs(unpacked(packed) - np.clip(maps, -scale, scale))
    assert error.max() <= scale * (0.5 / levels + 1e-5)
    assert packed.about["levels"] == levels


def test_fewer_levels_keep_sign_and_scale():
    maps = np.linspace(-1, 1, 63, dtype=np.float32).reshape(1, 7, 9)
    fine = pack_relevance("a", maps)
    coarse = with_levels(fine, 7)
    assert coarse.about == {**fine.about, "levels": 7}
    scale = fine.about["scale"]
    assert np.abs(unpacked(coarse) - unpacked(fine)).max() <= scale * (0.5 / 7 + 1e-6)


@given(arrays(np.float32, FRAMES, elements=st.floats(-8, 8, width=32)))
def test_halving_keeps_a_quarter_of_the_sum(maps):
    small = halved(maps)
    assert small.shape[1:] == ((maps.shape[1] + 1) // 2, (maps.shape[2] + 1) // 2)
    np.testing.assert_allclose(4 * small.sum(), maps.sum(), atol=1e-3)


def test_elements_get_the_place_of_their_names():
    ball = np.zeros((1, 2, 2), bool)
    ball[0, 0, 1] = True
    assert element_numbers({"ball": ball, "rest": ~ball}).tolist() == [[[1, 0], [1, 1]]]


def test_large_screens_shrink_and_atari_ones_stay():
    atari = np.random.default_rng(0).integers(0, 256, (1, 210, 160, 3), np.uint8)
    assert shrunk(atari) is atari
    assert shrunk(np.zeros((2, 480, 640, 3), np.uint8)).shape == (2, 180, LARGEST_SCREEN, 3)
