"""``rlmonitor compare``: runs side by side, and where their strategies differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from rlmonitor.board.chart import save_charts
from rlmonitor.errors import ConfigurationError, UnknownNameError
from rlmonitor.replay import fan
from rlmonitor.replay.contrasts import (
    Contrast,
    check_composites,
    contrast_groups,
    contrast_runs,
    read_probes,
)
from rlmonitor.replay.fan import Group
from rlmonitor.replay.files import Location
from rlmonitor.replay.findings import LEVEL, finding
from rlmonitor.replay.journal import HISTORY
from rlmonitor.replay.mirror import fetched
from rlmonitor.replay.runs import Run, group_runs, load_runs
from rlmonitor.strategy.history import Curve

CORRECTION = (
    "p-values are two-sided, corrected for the shares by Westfall and Young's step-down maxima and "
    "for pairs by Holm's method."
)
MOST_COLUMNS = 6
"""Runs that have a column each in the table; of more, their mean and range are shown."""


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Attributes:
        runs: all of them.
        groups: the runs in their groups; one group of all where none were named.
        timestep: what the latest rounds up to are compared at.
        measure: of the elements in table and picture: ``"relative"`` or ``"share"``.
        elements: which.
        contrasts: the tests.
        notes: what could not be tested or checked, a sentence each.
    """

    runs: tuple[Run, ...]
    groups: tuple[Group, ...]
    timestep: int
    measure: str
    elements: tuple[str, ...]
    contrasts: tuple[Contrast, ...]
    notes: tuple[str, ...]

    @property
    def pairs(self) -> int:
        """How many pairs of groups, or of runs, were tested."""
        return len({(each.first, each.second) for each in self.contrasts})


def compare_runs(
    paths: Sequence[Location],
    *,
    groups: Sequence[str] = (),
    timestep: int | None = None,
    measure: str = "relative",
    elements: Sequence[str] = (),
    seed: int = 0,
    progress: Callable[[str], None] = lambda stage: None,
) -> Comparison:
    """Read runs and test where they differ.

    Args:
        paths: folders of two runs or more.
        groups: prefixes of the runs' names; without them every two runs are compared on frames.
        timestep: nothing after it counts; by default the last that all runs have reached is
            what they are compared at.
        measure: ``"relative"`` or ``"share"``.
        elements: names of elements; all by default.
        seed: of relabellings that are drawn.
        progress: is told each stage as it begins.

    Raises:
        StoreError: a folder is no run.
        ConfigurationError: fewer than two runs, groups that do not fit, or different composites.
        UnknownNameError: a measure or an element that nobody knows.
    """
    if measure not in fan.MEASURES:
        raise UnknownNameError("measure", measure, fan.MEASURES)
    progress("curves")
    runs = _read(paths, timestep)
    grouped = group_runs(runs, groups) if groups else {}
    at = min(run.last for run in runs)
    for run in runs:
        run.at(at)
    check_composites(runs)
    progress("maps of the same frames")
    probes = read_probes(runs, at)
    notes = _notes(runs, probes if isinstance(probes, str) else None, bool(grouped))
    progress("permutation tests")
    known = None if isinstance(probes, str) else probes
    if grouped:
        contrasts = contrast_groups(grouped, known, at, seed=seed)
    else:
        contrasts = () if known is None else contrast_runs(runs, known, seed=seed)
    shown = [Group(name, each) for name, each in grouped.items()] or [Group("mean", runs)]
    names = fan.elements_of(runs, elements)
    return Comparison(runs, tuple(shown), at, measure, names, contrasts, notes)


def _read(paths: Sequence[Location], timestep: int | None) -> tuple[Run, ...]:
    """Two runs or more, up to a timestep."""
    if len(paths) < 2:
        raise ConfigurationError(f"{len(paths)} run: give two runs or more to compare")
    with fetched(paths, HISTORY) as folders:
        runs = load_runs(folders)
    return runs if timestep is None else tuple(run.up_to(timestep) for run in runs)


def _notes(runs: Sequence[Run], no_probe: str | None, grouped: bool) -> tuple[str, ...]:
    notes = []
    unchecked = [run.name for run in runs if not run.rounds]
    if unchecked:
        notes.append(
            f"no rounds on disk of {', '.join(unchecked)}: whether the composite and the frames "
            "are the same could not be checked"
        )
    if no_probe is not None and grouped:
        notes.append(f"{no_probe}: shares on each run's own play are compared instead, no maps")
    elif no_probe is not None:
        notes.append(f"{no_probe}: two runs can be tested only on the same frames")
    return tuple(notes)


def save_sheet(comparison: Comparison, path: Path) -> None:
    """Write the seed fan of the main curves as a PNG.

    Raises:
        StoreError: it cannot be written.
        ConfigurationError: no curve with two points.
    """
    sheet = fan.fan_sheet(comparison.groups, comparison.elements, comparison.measure)
    if not sheet:
        raise ConfigurationError("no curve has two rounds: there is nothing to draw yet")
    save_charts(path, sheet)


def columns_of(comparison: Comparison) -> tuple[Group, ...]:
    """The columns of the table: groups, or runs where they are few."""
    if len(comparison.groups) > 1 or len(comparison.runs) > MOST_COLUMNS:
        return comparison.groups
    return tuple(Group(run.name, (run,)) for run in comparison.runs)


def show(comparison: Comparison, console: Console) -> None:
    """Print the table of the main curves, what was found, and what could not be."""
    columns = columns_of(comparison)
    several = any(len(group.runs) > 1 for group in columns)
    meaning = " · mean [lowest to highest run]" if several else ""
    table = Table(
        title=f"Up to timestep {comparison.timestep:,}{meaning}", box=None, pad_edge=False
    )
    table.add_column("curve")
    for group in columns:
        count = f" ({len(group.runs)} runs)" if len(group.runs) > 1 else ""
        table.add_column(group.name + count, justify="right")
    for name in fan.main_curves(comparison.runs, comparison.elements, [comparison.measure]):
        values = fan.values_at(columns, name, comparison.timestep)
        table.add_row(name, *(_cell(values[group.name]) for group in columns))
    console.print(table)
    found = [finding(each, comparison.pairs) for each in comparison.contrasts]
    for each in found:
        style = "bold" if each.differs else None
        console.print(each.text, style=style, markup=False, highlight=False)
    asides = [*(each.basis for each in found), *(each.limit for each in found if each.limit)]
    if found:
        asides.append(CORRECTION)
    for aside in dict.fromkeys(asides):
        console.print(aside, style="dim", markup=False, highlight=False)
    for note in comparison.notes:
        console.print(f"Note: {note}.", style="yellow", markup=False, highlight=False)


def _cell(values: Sequence[float]) -> str:
    if not values:
        return "–"
    mean = f"{sum(values) / len(values):.3g}"
    return mean if len(values) == 1 else f"{mean} [{min(values):.3g} to {max(values):.3g}]"


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Everything, as plain values."""
    names = fan.main_curves(comparison.runs, comparison.elements, list(fan.MEASURES))
    return {
        "timestep": comparison.timestep,
        "level": LEVEL,
        "groups": {group.name: [run.name for run in group.runs] for group in comparison.groups},
        "runs": {run.name: str(run.place) for run in comparison.runs},
        "curves": {
            name: {run.name: _points(fan.curve_of(run, name)) for run in comparison.runs}
            | {
                f"mean of {group.name}" if len(comparison.groups) > 1 else "mean": _points(
                    fan.mean_curve(
                        [c for run in group.runs if len((c := fan.curve_of(run, name)).values)]
                    )
                )
                for group in comparison.groups
            }
            for name in names
        },
        "tests": [_plain(each, comparison.pairs) for each in comparison.contrasts],
        "notes": list(comparison.notes),
    }


def _points(curve: Curve) -> dict[str, list[float]]:
    return {"timesteps": curve.timesteps.tolist(), "values": curve.values.tolist()}


def _plain(contrast: Contrast, pairs: int) -> dict[str, Any]:
    outcome = contrast.outcome
    found = finding(contrast, pairs)
    return {
        "frames": contrast.source,
        "first": contrast.first,
        "second": contrast.second,
        "units": contrast.units,
        "counts": list(contrast.counts),
        "measured": "shares" if contrast.measured else "maps",
        "shares": [
            {
                "question": question,
                "element": element,
                "first": contrast.means[0][k],
                "second": contrast.means[1][k],
                "difference": float(outcome.difference[k]),
                "p": float(outcome.p[k]),
                "p_corrected": contrast.corrected[k],
            }
            for k, (question, element) in enumerate(contrast.measured)
        ],
        "statistic": outcome.statistic,
        "p": outcome.p_all,
        "p_corrected": contrast.corrected_all,
        "relabellings": outcome.relabellings,
        "exact": outcome.exact,
        "smallest_p": outcome.smallest,
        "differs": found.differs,
        "text": found.text,
        "basis": found.basis,
        "limit": found.limit,
    }
