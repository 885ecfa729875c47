"""The mapping from boxes to the observation's grid, against OpenCV's own area resize."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlmonitor.games.breakout import GAME
from rlmonitor.games.screen import box, clip, decimal, disjoint, element_masks, fixed, rasterise

SCREEN = (210, 160)


def painted(boxes):
    image = np.zeros(SCREEN, np.float32)
    for top, left, bottom, right in boxes:
        image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = 1
    return image


def one_box():
    return st.tuples(
        st.integers(-5, 212), st.integers(-5, 162), st.integers(1, 40), st.integers(1, 40)
    ).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(one_box(), min_size=3, max_size=3), min_size=1, max_size=3),
    st.sampled_from([(84, 84), (210, 160), (42, 64), (105, 80), (100, 37)]),
)
def test_a_pixel_is_set_where_an_area_resize_takes_anything_from_a_box(frames, shape):
    masks = rasterise(np.array(frames), SCREEN, shape)
    for boxes, mask in zip(frames, masks, strict=True):
        resized = cv2.resize(painted(boxes), shape[::-1], interpolation=cv2.INTER_AREA)
        # OpenCV drops what a pixel takes from less than a thousandth of a raw pixel
        assert (mask == (resized > 1e-4)).all()


def test_equal_frames_get_equal_masks_in_order():
    boxes = np.array([[(0, 0, 3, 3)], [(90, 90, 95, 95)], [(0, 0, 3, 3)]])
    masks = rasterise(boxes, SCREEN, (84, 84))
    assert (masks[0] == masks[2]).all()
    assert masks[0, 0, 0]
    assert not masks[1, 0, 0]
    assert masks[1, 36, 48]


def test_no_frames_give_no_masks():
    masks, outside = element_masks(GAME, np.zeros((0, 2, 128), np.uint8))
    assert masks["ball"].shape == outside["corners"].shape == (0, 84, 84)


def test_absent_boxes_set_nothing():
    boxes = box([[10, 50]], [[10, 50]], 5, 5, exists=[[True, False]])
    assert boxes.tolist() == [[[10, 10, 15, 15], [0, 0, 0, 0]]]
    assert (rasterise(boxes[:, 1:], SCREEN, (84, 84)) == 0).all()


def test_clip_cuts_and_drops():
    boxes = np.array([[(0, 0, 10, 10), (90, 90, 99, 99)]])
    assert clip(boxes, 5, 6, 50, 60).tolist() == [[[5, 6, 10, 10], [0, 0, 0, 0]]]


def test_decimal_reads_two_digits_a_byte():
    ram = np.zeros((2, 128), np.int64)
    ram[:, 3], ram[:, 7] = 0x12, [0x34, 0x90]
    assert decimal(ram, 3, 7).tolist() == [1234, 1290]


def test_fixed_boxes_do_not_move():
    boxes = fixed((1, 2, 3, 4))(np.zeros((5, 128), np.int64))
    assert boxes.shape == (5, 1, 4)
    assert (boxes == (1, 2, 3, 4)).all()


def test_masks_are_the_union_over_both_raw_frames():
    rng = np.random.default_rng(0)
    ram = rng.integers(0, 256, (6, 2, 128), np.uint8)
    older, newer = ram[:, [0, 0]], ram[:, [1, 1]]
    both, _ = element_masks(GAME, ram)
    parts = [element_masks(GAME, each)[0]["ball"] for each in (older, newer)]
    assert (both["ball"] == (parts[0] | parts[1])).all()


@pytest.mark.parametrize("shape", [(84, 84), (210, 160), (64, 64)])
def test_masks_partition_every_frame(shape):
    ram = np.random.default_rng(1).integers(0, 256, (20, 2, 128), np.uint8)
    masks, _ = element_masks(GAME, ram, shape)
    assert list(masks) == ["ball", "paddle", "tunnel", "bricks", "display", "rest"]
    assert (sum(mask.astype(int) for mask in masks.values()) == 1).all()


def test_disjoint_gives_to_the_first():
    a = np.array([[[1, 1, 0, 0]]], bool)
    b = np.array([[[0, 1, 1, 0]]], bool)
    apart = disjoint({"a": a, "b": b}, (1, 1, 4))
    assert [apart[k].astype(int).ravel().tolist() for k in ("a", "b", "rest")] == [
        [1, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
    ]
