"""What a run's event files hold: points of curves, and clips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.util.tensor_util import make_ndarray

from rlmonitor.board.event_records import records
from rlmonitor.errors import StoreError


def scalars(run: Path) -> dict[tuple[str, int], float]:
    """Tag and timestep to value; of a point that was written twice the later one.

    Raises:
        StoreError: a file cannot be read.
    """
    found: dict[tuple[str, int], float] = {}
    for step, value in _values(run):
        if value.HasField("simple_value"):
            found[value.tag, step] = float(value.simple_value)
        elif value.metadata.plugin_data.plugin_name == "scalars" and value.HasField("tensor"):
            found[value.tag, step] = _number(value.tensor, run)
    return found


def _number(tensor: Any, run: Path) -> float:
    try:
        return float(make_ndarray(tensor))
    except (ValueError, TypeError) as error:
        raise StoreError(f"the event files in {run} hold a point that is none: {error}") from error


def clips(run: Path) -> dict[tuple[str, int], bytes]:
    """Tag and timestep to the GIF that was written there.

    Raises:
        StoreError: a file cannot be read.
    """
    found: dict[tuple[str, int], bytes] = {}
    for step, value in _values(run):
        if value.HasField("image") and value.image.encoded_image_string.startswith(b"GIF8"):
            found[value.tag, step] = bytes(value.image.encoded_image_string)
    return found


def _values(run: Path) -> Iterator[tuple[int, Any]]:
    """Timestep and value of every summary, in the order of writing."""
    try:
        for path in sorted(run.glob("*tfevents*")):
            for record in records(path):
                event = Event.FromString(record)
                for value in event.summary.value:
                    yield event.step, value
    except (OSError, DecodeError) as error:
        raise StoreError(f"the event files in {run} cannot be read: {error}") from error
