"""Every curve of runs in long form, a row a point, for one's own plots."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rlmonitor.extras import require
from rlmonitor.replay.fan import SCORES, curve_of
from rlmonitor.replay.runs import Run
from rlmonitor.replay.whole_file import whole_file

COLUMNS = ("run", "timestep", "tag", "value")


class Point(NamedTuple):
    """One point of one curve."""

    run: str
    timestep: int
    tag: str
    value: float


def points_of(run: Run) -> list[Point]:
    """All points of a run, by tag and then by timestep.

    Those of the event files, which have single precision, and of the history, which has double and
    wins where both know a point.

    Raises:
        StoreError: an event file cannot be read.
    """
    from rlmonitor.replay.event_files import scalars

    found = scalars(run.path)
    for each in run.history.rounds:
        found |= {(tag, each.timestep): value for tag, value in each.values.items()}
    scores = curve_of(run, SCORES)
    steps, values = scores.timesteps.tolist(), scores.values.tolist()
    found |= {(SCORES, step): value for step, value in zip(steps, values, strict=True)}
    ordered = sorted(found.items())
    return [Point(run.name, step, tag, value) for (tag, step), value in ordered]


def collect(runs: Sequence[Run], progress: Callable[[str], None]) -> list[Point]:
    """The points of all runs; progress is told each run as it begins."""
    found: list[Point] = []
    for run in runs:
        progress(run.name)
        found += points_of(run)
    return found


def write_csv(points: Sequence[Point], path: Path) -> None:
    """Write ``run,timestep,tag,value``; numbers so that they read back as they are.

    Raises:
        StoreError: the file cannot be written.
    """
    with whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows((p.run, p.timestep, p.tag, repr(p.value)) for p in points)


def write_parquet(points: Sequence[Point], path: Path) -> None:
    """Write the same columns as Parquet: string, int64, string, float64.

    Raises:
        DependencyError: the extra ``export`` is missing.
        StoreError: the file cannot be written.
    """
    pyarrow: Any = require("pyarrow", "export", "Parquet")
    parquet: Any = require("pyarrow.parquet", "export", "Parquet")
    types = (pyarrow.string(), pyarrow.int64(), pyarrow.string(), pyarrow.float64())
    columns = list(zip(*points, strict=True)) or [(), (), (), ()]
    table = pyarrow.table(
        {
            name: pyarrow.array(column, type=kind)
            for name, column, kind in zip(COLUMNS, columns, types, strict=True)
        }
    )
    with whole_file(path) as temporary:
        parquet.write_table(table, temporary)
