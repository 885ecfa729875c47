"""Pillow's decoder is the judge of our encoder."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageSequence

from rlmonitor.board.canvas import Palette
from rlmonitor.board.gif import encode_gif
from rlmonitor.errors import ConfigurationError


def grey_palette():
    palette = Palette()
    palette.append([(level, 255 - level, level // 2) for level in range(1, 256)])
    return palette


@settings(max_examples=40, deadline=None)
@given(
    arrays(
        np.uint8,
        st.tuples(st.integers(1, 5), st.integers(1, 24), st.integers(1, 24)),
        elements=st.integers(1, 255) | st.sampled_from([1, 2]),
    )
)
def test_every_pixel_of_every_frame_comes_back(frames):
    palette = grey_palette()
    gif = encode_gif(iter(frames), palette, [70] * len(frames))
    colours = np.frombuffer(palette.table(), np.uint8).reshape(256, 3)
    shown = ImageSequence.Iterator(Image.open(io.BytesIO(gif)))
    decoded = np.stack([np.asarray(frame.convert("RGB")) for frame in shown])
    assert (decoded == colours[frames]).all()


def test_durations_are_kept_one_by_one_and_it_loops_for_ever():
    frames = np.ones((4, 8, 8), np.uint8)
    image = Image.open(io.BytesIO(encode_gif(frames, grey_palette(), [20, 70, 350, 1000])))
    assert [f.info["duration"] for f in ImageSequence.Iterator(image)] == [20, 70, 350, 1000]
    assert image.info["loop"] == 0


def test_what_does_not_change_costs_next_to_nothing():
    frames = np.random.default_rng(0).integers(1, 255, (1, 200, 200), dtype=np.uint8).repeat(9, 0)
    alone = len(encode_gif(frames[:1], grey_palette(), [70]))
    assert len(encode_gif(frames, grey_palette(), [70] * 9)) < alone + 9 * 40


@pytest.mark.parametrize("durations", [[], [75], [10], [70, 0], [655_360]])
def test_durations_that_a_gif_cannot_hold_are_refused(durations):
    with pytest.raises(ConfigurationError, match="multiples of 10"):
        encode_gif(np.ones((len(durations), 2, 2), np.uint8), grey_palette(), durations)
