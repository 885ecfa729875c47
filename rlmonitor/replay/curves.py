"""Cut TensorBoard's event files at a timestep, so that a resumed run goes on without a zig-zag."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from google.protobuf.message import DecodeError
from tensorboard.compat.proto.event_pb2 import Event

from rlmonitor.board.event_records import framed, records
from rlmonitor.errors import StoreError

_STAMP = re.compile(r"(?<=tfevents\.)\d{10}")
"""Seconds since 1970 in the name of an event file, when it was begun."""


def cut_curves(run_dir: str | Path, last: int, again: Callable[[str], bool] | None = None) -> int:
    """Drop every point past a timestep from a run's event files.

    Each file is written anew under a temporary name and renamed, so a power cut leaves the old or
    the new one. A torn end, as after ``kill -9``, goes too. TensorBoard reads event files in the
    order of the times in their names: files from the future, which a clock that was set back makes,
    and files of this very second are renamed, so that the one that a resumed run begins comes last.

    Args:
        run_dir: the folder that holds the event files; subfolders are left alone.
        last: the last timestep to keep.
        again: tags whose points at just this timestep go as well, because they are made anew.

    Returns:
        Number of points dropped.

    Raises:
        StoreError: a file cannot be read or written.
    """
    paths = sorted(Path(run_dir).glob("*tfevents*"))
    try:
        dropped = sum(_cut_file(path, last, again) for path in paths)
        for path, stamp in _stamps_before(paths, int(time.time())):
            path.rename(path.with_name(_STAMP.sub(f"{stamp:010d}", path.name, count=1)))
        return dropped
    except (OSError, DecodeError) as error:
        raise StoreError(f"the curves in {run_dir} cannot be cut: {error}") from error


def _stamps_before(paths: Sequence[Path], now: int) -> list[tuple[Path, int]]:
    """Files whose stamps have to change, and the stamps that leave all in order before ``now``."""
    changed, latest = [], now - 1  # of the same second as the next one's, its process would decide
    for path in reversed(paths):
        found = _STAMP.search(path.name)
        if found is None:
            continue
        stamp = int(found[0])
        if stamp > latest:
            stamp = latest - 1
            changed.append((path, stamp))
        latest = stamp - bool(changed)  # of two alike, what follows the stamp decides
    return changed[::-1]  # in this order, the files are in order after each renaming


def _cut_file(path: Path, last: int, again: Callable[[str], bool] | None) -> int:
    temporary = path.with_name(".curves.tmp")  # no "tfevents" in it, or TensorBoard would read it
    dropped = 0
    with temporary.open("wb") as file:
        for record in records(path):
            event = Event.FromString(record)
            if event.step > last or (event.step == last and _is_of(event, again)):
                dropped += 1
            else:
                file.write(framed(record))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return dropped


def _is_of(event: Event, tags: Callable[[str], bool] | None) -> bool:
    """Whether an event holds values, and all of them by these tags."""
    values = event.summary.value
    return tags is not None and len(values) > 0 and all(tags(value.tag) for value in values)
