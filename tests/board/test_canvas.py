import numpy as np
import pytest

from rlmonitor.board.canvas import (
    MINUS,
    RAMP,
    Palette,
    bar,
    blank,
    fit_text,
    text_width,
    triangle,
    write,
)

INK = np.arange(10, 11 + RAMP, dtype=np.uint8)


def test_a_colour_is_registered_once_and_a_full_palette_refuses():
    palette = Palette()
    assert palette.add((0, 0, 0)) == palette.add((0, 0, 0)) == 1
    palette.append([(1, 1, number) for number in range(254)])
    assert palette.free == 0
    with pytest.raises(ValueError, match="256"):
        palette.add((9, 9, 9))
    with pytest.raises(ValueError, match="256"):
        palette.append([(9, 9, 9)])


def test_text_stands_on_its_baseline_and_ends_where_it_should():
    canvas = blank(40, 100, 1)
    write(canvas, 90, 30, "HIT", 14, INK, "right")
    rows, columns = np.nonzero(canvas != 1)
    assert rows.max() == 29
    assert 17 <= rows.min() <= 21
    assert 87 <= columns.max() <= 90
    assert abs(columns.min() - (90 - text_width("HIT", 14))) <= 2


def test_text_beyond_the_canvas_is_cut():
    inside, outside = blank(20, 20, 1), blank(20, 20, 1)
    write(inside, -5, 12, "MMMMMM", 12, INK)
    write(outside, 100, 100, "M", 12, INK)
    write(outside, -100, -100, "M", 12, INK)
    assert (inside[:, 0] != 1).any()
    assert (outside == 1).all()


def test_minus_signs_are_seen():
    plain, signed = blank(20, 60, 1), blank(20, 60, 1)
    write(plain, 50, 15, "0.5", 12, INK, "right")
    write(signed, 50, 15, f"{MINUS}0.5", 12, INK, "right")
    extra = np.argwhere(signed != plain)
    assert len(extra) >= 4
    assert len(np.unique(extra[:, 0])) == 1, "one horizontal line"


def test_long_text_is_shortened_to_its_room():
    short = fit_text("a very long name of an environment", 12, 80)
    assert short.endswith("…")
    assert text_width(short, 12) <= 80
    assert fit_text("short", 12, 80) == "short"


@pytest.mark.parametrize(
    ("ends", "first", "last"),
    [((0, 1), 10, 59), ((0.5, 0.75), 35, 47), ((0.5, 0.25), 22, 34), ((1, 1), 59, 59)],
)
def test_bars_reach_from_end_to_end(ends, first, last):
    canvas = blank(10, 80, 1)
    bar(canvas, 10, 2, 50, 5, ends, 2)
    columns = np.flatnonzero((canvas == 2).any(axis=0))
    assert (columns.min(), columns.max()) == (first, last)


def test_a_hollow_triangle_is_the_border_of_a_full_one():
    full, hollow = blank(12, 12, 1), blank(12, 12, 1)
    triangle(full, 1, 1, 5, 2, hollow=False)
    triangle(hollow, 1, 1, 5, 2, hollow=True)
    assert ((hollow == 2) <= (full == 2)).all()
    assert (full == 2).sum() == 25
    assert (hollow == 2).sum() == 9 + 2 * 3 + 1
