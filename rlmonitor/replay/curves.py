"""Cut TensorBoard's event files at a timestep, so that a resumed run goes on without a zig-zag."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stable_baselines3.common.logger import Logger, TensorBoardOutputFormat
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.summary.writer.record_writer import RecordWriter

from rlmonitor.errors import StoreError


def cut_curves(run_dir: str | Path, last: int) -> int:
    """Drop every point past a timestep from a run's event files.

    Each file is written anew under a temporary name and renamed, so a power cut leaves the old or
    the new one. A torn end, as after ``kill -9``, goes too.

    Args:
        run_dir: the folder that holds the event files; subfolders are left alone.
        last: the last timestep to keep.

    Returns:
        Number of points dropped.

    Raises:
        StoreError: a file cannot be read or written.
    """
    try:
        return sum(_cut_file(path, last) for path in sorted(Path(run_dir).glob("*tfevents*")))
    except OSError as error:
        raise StoreError(f"the curves in {run_dir} cannot be cut: {error}") from error


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
