"""A clip as an MP4, for talks and pages that show no GIF: H.264, which plays everywhere."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from rlmonitor.errors import ConfigurationError
from rlmonitor.extras import require

TICK = Fraction(1, 100)
"""Seconds; what a GIF counts its durations in."""
QUALITY = "15"
"""Constant rate factor of x264: small texts and thin contours stay sharp."""


def gif_frames(gif: bytes) -> Iterator[tuple[NDArray[np.uint8], int]]:
    """Each frame of a GIF as ``[height, width, 3]`` uint8, and its milliseconds.

    Raises:
        ConfigurationError: the bytes are no GIF.
    """
    if not gif.startswith(b"GIF8"):
        raise ConfigurationError(f"expected a GIF; got bytes beginning with {gif[:6]!r}")
    with Image.open(io.BytesIO(gif)) as image:
        for frame in ImageSequence.Iterator(image):
            yield np.asarray(frame.convert("RGB")), int(frame.info.get("duration", 100))


def write_mp4(gif: bytes, path: Path) -> None:
    """Encode a GIF as H.264 in yuv420p; each frame is shown as long as in the GIF.

    That format has even sizes only: an odd one gets its last row or column twice.

    Raises:
        DependencyError: the extra ``video`` is missing.
        ConfigurationError: the bytes are no GIF.
        OSError: the file cannot be written.
    """
    av: Any = require("av", "video", "an MP4")
    frames = gif_frames(gif)
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream: Any = None
        durations: dict[int, int] = {}  # of the frame that begins at a tick
        for pixels, milliseconds in frames:
            even = _even(pixels)
            if stream is None:
                stream = _stream(container, even.shape[1], even.shape[0])
            frame = av.VideoFrame.from_ndarray(even, format="rgb24")
            frame.pts, frame.time_base = sum(durations.values()), TICK
            durations[frame.pts] = round(milliseconds / (1000 * TICK))
            _mux(container, stream.encode(frame), durations)
        _mux(container, stream.encode(), durations)


def _mux(container: Any, packets: Any, durations: dict[int, int]) -> None:
    """Write packets with their durations: the last one's would be guessed otherwise."""
    for packet in packets:
        if packet.pts is not None:
            ticks = durations[round(packet.pts * packet.time_base / TICK)]
            packet.duration = round(ticks * TICK / packet.time_base)
        container.mux(packet)


def _stream(container: Any, width: int, height: int) -> Any:
    stream = container.add_stream("libx264", options={"crf": QUALITY, "preset": "medium"})
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.time_base = stream.codec_context.time_base = TICK
    # without B-frames the frames are stored in the order that they are shown in
    stream.codec_context.max_b_frames = 0
    return stream


def _even(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    return np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
