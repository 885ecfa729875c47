"""Reads a part as the format's description says, literally and by itself."""

import json
import zlib
from itertools import pairwise

import numpy as np


def read_part(blobs):
    """The header, and name to array; relevance in its own unit."""
    header = json.loads(blobs[0])
    assert header["format"] == 1
    arrays = {}
    for entry, blob in zip(header["arrays"], blobs[1:], strict=True):
        flat = np.frombuffer(zlib.decompress(blob), entry["type"])
        frames = [frame.copy() for frame in flat.reshape(entry["shape"])]
        if entry["delta"]:
            for before, frame in pairwise(frames):
                frame ^= before
        array = np.stack(frames)
        if "levels" in entry:
            array = array.astype(np.float64) / entry["levels"] * entry["scale"]
        arrays[entry["name"]] = array
    return header, arrays
