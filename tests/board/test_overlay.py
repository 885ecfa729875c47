import numpy as np
import pytest

from rlmonitor.board.canvas import Palette
from rlmonitor.board.overlay import (
    outline,
    panel_size,
    prepare_screens,
    reduce_colours,
    relevance_scale,
    scale_of_colours,
)


@pytest.mark.parametrize(
    ("screen", "panel"),
    [((210, 160), (420, 320)), ((84, 84), (336, 336)), ((10, 10), (330, 330)),
     ((400, 600), (224, 336)), ((1, 2000), (1, 336)), ((420, 336), (420, 336))],
)  # fmt: skip
def test_screens_are_enlarged_by_whole_numbers_or_shrunk(screen, panel):
    assert panel_size(*screen) == panel


def test_few_colours_are_kept_exactly():
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (12, 3), dtype=np.uint8)
    screen = colours[rng.integers(0, 12, (3, 20, 30))]
    number, reduced = reduce_colours(screen, 12)
    assert (np.array(reduced, np.uint8)[number] == screen).all()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_colours_of_whole_rows_columns_and_frames_are_all_found(axis):
    colours = np.random.default_rng(1).integers(0, 256, (7, 3), dtype=np.uint8)
    shape = np.full(3, 1)
    shape[axis] = 7
    screen = np.broadcast_to(colours.reshape(*shape, 3), (7, 7, 7, 3))
    number, reduced = reduce_colours(screen, 7)
    assert (np.array(reduced, np.uint8)[number] == screen).all()
    assert reduced == sorted(tuple(map(int, colour)) for colour in colours)


def test_many_colours_are_reduced_to_near_ones():
    ramp = np.arange(256, dtype=np.uint8)
    screen = np.stack([ramp, ramp, ramp], axis=-1)[None, None].repeat(8, axis=1)
    number, reduced = reduce_colours(screen, 16)
    assert len(reduced) <= 16
    assert np.abs(np.array(reduced)[number].astype(int) - screen).max() <= 16


def test_the_palette_is_never_overfull():
    noise = np.random.default_rng(0).integers(0, 256, (2, 84, 84, 3), dtype=np.uint8)
    palette = Palette()
    screens = prepare_screens(noise, palette)
    assert palette.free >= 0
    assert screens.levels >= 4
    full = screens.panel(0, np.ones((84, 84), np.float32))
    assert full.min() >= 1, "index 0 means 'as before'"


def test_colours_run_from_against_over_the_screen_to_for():
    scale = np.array(scale_of_colours((90, 90, 90), 10))
    assert tuple(scale[10]) == (90, 90, 90)
    red_over_blue = scale[:, 0] - scale[:, 2]
    assert (red_over_blue[11:] > 0).all()
    assert (red_over_blue[:10] < 0).all()
    brightness = np.array(scale_of_colours((0, 0, 0), 10)).sum(axis=1)
    assert (np.diff(brightness[10:]) > 0).all()
    assert (np.diff(brightness[10::-1]) > 0).all()


def test_one_hot_pixel_does_not_set_the_scale():
    relevance = np.ones((10, 84, 84), np.float32)
    relevance[0, 0, 0] = -1e6
    assert relevance_scale(relevance) == 1


def test_sparse_and_zero_maps_have_a_scale_too():
    relevance = np.zeros((2, 84, 84), np.float32)
    assert relevance_scale(relevance) > 0
    relevance[0, 5, 5] = -3
    assert relevance_scale(relevance) == 3


def test_an_empty_mask_has_no_contour():
    assert not outline(np.zeros((84, 84), bool), (420, 320)).any()


def test_a_mask_at_the_edge_has_a_closed_contour():
    mask = np.zeros((84, 84), bool)
    mask[:7] = True
    contour = outline(mask, (420, 320))
    assert contour[0].all()
    assert contour[:30, 0].all()
    assert contour[:30, -1].all()
    assert not contour[10:30, 10:-10].any()
    assert not contour[45:].any()
