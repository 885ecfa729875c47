"""Cut TensorBoard's event files at a timestep, so that a resumed run goes on without a zig-zag."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stable_baselines3.common.logger import Logger, TensorBoardOutputFormat
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.summary.writer.record_writer import RecordWriter

from rlmonitor.errors import StoreError

_STAMP = re.compile(r"(?<=tfevents\.)\d{10}")
"""Seconds since 1970 in the name of an event file, when it was begun."""


def cut_curves(run_dir: str | Path, last: int) -> int:
    """Drop every point past a timestep from a run's event files.

    Each file is written anew under a temporary name and renamed, so a power cut leaves the old or
    the new one. A torn end, as after ``kill -9``, goes too. TensorBoard reads event files in the
    order of the times in their names: files from the future, which a clock that was set back makes,
    are renamed, so that the one that a resumed run begins comes last.

    Args:
        run_dir: the folder that holds the event files; subfolders are left alone.
        last: the last timestep to keep.

    Returns:
        Number of points dropped.

    Raises:
        StoreError: a file cannot be read or written.
    """
    paths = sorted(Path(run_dir).glob("*tfevents*"))
    try:
        dropped = sum(_cut_file(path, last) for path in paths)
        for path, stamp in _stamps_before(paths, int(time.time())):
            path.rename(path.with_name(_STAMP.sub(f"{stamp:010d}", path.name, count=1)))
        return dropped
    except OSError as error:
        raise StoreError(f"the curves in {run_dir} cannot be cut: {error}") from error


def _stamps_before(paths: Sequence[Path], now: int) -> list[tuple[Path, int]]:
    """Files whose stamps have to change, and the stamps that leave all in order up to ``now``."""
    changed, latest = [], now
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


def mark_restart(logger: Logger, step: int) -> None:
    """Tell a TensorBoard that is running to forget the points that it has read from ``step`` on."""
    for output in logger.output_formats:
        if isinstance(output, TensorBoardOutputFormat):
            start = Event(step=step, session_log=SessionLog(status=SessionLog.START))
            event_file: Any = output.writer.file_writer  # open from the start on, unlike its stub
            event_file.add_event(start)
            output.writer.flush()


def _cut_file(path: Path, last: int) -> int:
    temporary = path.with_name(".curves.tmp")  # no "tfevents" in it, or TensorBoard would read it
    dropped = 0
    with temporary.open("wb") as file:
        writer = RecordWriter(file)
        for record in records(path):
            if Event.FromString(record).step <= last:
                writer.write(record)
            else:
                dropped += 1
        writer.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return dropped


def records(path: Path) -> Iterator[bytes]:
    """Records of an event file up to its end, or to where it is torn."""
    yield from RawEventFileLoader(str(path)).Load()
