"""``rlmonitor export``: what a run left, for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlmonitor.errors import ConfigurationError
from rlmonitor.progress import stages
from rlmonitor.replay.files import Location
from rlmonitor.replay.mirror import fetched
from rlmonitor.replay.runs import Run, load_runs


@dataclass(frozen=True)
class Wanted:
    """What is written, and where.

    Attributes:
        csv: every curve as CSV.
        parquet: every curve as Parquet.
        clip: a clip, ``TAG`` or ``TAG@TIMESTEP``, and its file.
        virelay: folder of ViRelAy's projects.
        timestep: the one round of those; None for all.
    """

    csv: Path | None = None
    parquet: Path | None = None
    clip: tuple[str, Path] | None = None
    virelay: Path | None = None
    timestep: int | None = None


def export(
    paths: Sequence[Location], wanted: Wanted, *, progress: bool = True
) -> list[dict[str, Any]]:
    """Write what is wanted, and say what and where.

    Raises:
        ConfigurationError: nothing is wanted, or of more runs than one what only one can give.
        StoreError: a run cannot be read, or a file not be written.
        DependencyError: an extra is missing.
        UnknownNameError: no such clip.
    """
    curves = wanted.csv is not None or wanted.parquet is not None
    if not curves and wanted.clip is None and wanted.virelay is None:
        raise ConfigurationError(
            "nothing to export: give --csv FILE, --parquet FILE, --clip TAG FILE or --virelay DIR"
        )
    if len(paths) > 1 and (wanted.clip is not None or wanted.virelay is not None):
        raise ConfigurationError(
            f"{len(paths)} runs: --clip and --virelay take one run, --csv and --parquet any number"
        )
    with fetched(paths) as folders:
        return _write(load_runs(folders), wanted, progress=progress)


def _write(runs: Sequence[Run], wanted: Wanted, *, progress: bool) -> list[dict[str, Any]]:
    curves = wanted.csv is not None or wanted.parquet is not None
    rounds = len(runs[0].rounds) if wanted.timestep is None else 1
    total = curves * len(runs) + (wanted.clip is not None) + (wanted.virelay is not None) * rounds
    with stages(total, shown=progress) as advance:
        written = _write_curves(runs, wanted, advance) if curves else []
        if wanted.clip is not None:
            advance("clip")
            written.append(_write_clip(runs[0], *wanted.clip))
        if wanted.virelay is not None:
            from rlmonitor.replay.virelay import export_virelay

            projects = export_virelay(
                runs[0], wanted.virelay, timestep=wanted.timestep, progress=advance
            )
            written += [{"path": p, "what": f"open it: virelay {p}"} for p in projects]
    return written


def _write_curves(runs: Sequence[Run], wanted: Wanted, advance: Any) -> list[dict[str, Any]]:
    from rlmonitor.replay.long_form import collect, write_csv, write_parquet

    points = collect(runs, advance)
    what = f"{len(points):,} points of {len({point.tag for point in points}):,} curves"
    written: list[dict[str, Any]] = []
    for path, write in ((wanted.csv, write_csv), (wanted.parquet, write_parquet)):
        if path is not None:
            write(points, path)
            written.append({"path": path, "what": what})
    return written


def _write_clip(run: Run, clip: str, path: Path) -> dict[str, Any]:
    from rlmonitor.replay.clip_export import export_clip

    timestep = export_clip(run, clip, path)
    return {"path": path, "what": f"{clip.partition('@')[0]} at {timestep:,}"}
