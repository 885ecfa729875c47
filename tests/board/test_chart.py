"""Charts: lines where they belong, round ticks, and bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rlmonitor.board.chart import Chart, Line, draw_charts, save_charts, ticks
from rlmonitor.errors import ConfigurationError, StoreError

RED, BLUE = (213, 94, 0), (0, 114, 178)


def chart(*lines):
    return Chart("title", "step", lines)


def pixels(image, colour):
    close = np.abs(np.asarray(image, np.int64) - colour).sum(axis=-1) < 12
    return np.argwhere(close[:, :430])  # without the legend


def test_a_falling_line_falls_and_a_level_one_stays():
    image = draw_charts(
        [[chart(Line("a", (1.0, 0.5, 0.0), RED), Line("b", (0.5, 0.5, 0.5), BLUE))]]
    )
    falling, level = pixels(image, RED), pixels(image, BLUE)
    left, right = falling[:, 1].min(), falling[:, 1].max()
    assert (
        falling[falling[:, 1] < left + 5, 0].mean() < falling[falling[:, 1] > right - 5, 0].mean()
    )
    assert np.ptp(level[:, 0]) <= 3


def test_a_picture_has_a_row_for_each_network_and_can_be_read_back(tmp_path):
    row = [chart(Line("a", (1.0, 0.0), RED)), chart(Line("a", (0.0, 1.0), RED, dashed=True))]
    save_charts(tmp_path / "chart.png", [row, row])
    with Image.open(tmp_path / "chart.png") as image:
        assert image.size == draw_charts([row, row]).size
        assert image.size[1] == 2 * draw_charts([row]).size[1]


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
@settings(max_examples=200, deadline=None)
def test_ticks_are_few_even_and_inside(low, span):
    found = ticks(low, low + span)
    assert 1 <= len(found) <= 9
    assert all(low - span * 1e-6 <= tick <= low + span * (1 + 1e-6) for tick in found)
    if len(found) > 2:
        np.testing.assert_allclose(np.diff(found), found[1] - found[0], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("rows", [[], [[chart()]], [[chart(Line("a", (1.0,), RED))]]])
def test_nothing_to_draw_is_refused(rows):
    with pytest.raises(ConfigurationError, match="a chart needs"):
        draw_charts(rows)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StoreError, match="nowhere"):
        save_charts(tmp_path / "nowhere" / "a.png", [[chart(Line("a", (1.0, 0.0), RED))]])
