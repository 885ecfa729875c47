"""The curves of several runs as a seed fan: each run thin, the mean of a group bold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rlmonitor.board import tags
from rlmonitor.board.canvas import Colour, mix, rgb
from rlmonitor.board.chart import INK, PAPER, Chart, Line
from rlmonitor.errors import UnknownNameError
from rlmonitor.replay.runs import Run
from rlmonitor.strategy.history import PLAYED, Curve

COLOURS = tuple(
    map(rgb, ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c510a"))
)
"""Of groups, or of runs; told apart under the common colour blindnesses."""

SCORES = "play/score"
"""Name of the mean score of the games that ended in a round; it has no tag of its own."""

MEASURES = {"relative": tags.relative, "share": tags.share}

_SCOPES = {
    tags.scope(target, source): f"{asked}, {frames}"
    for source, frames in ((tags.PLAY, "own play"), (tags.PROBE, "same frames"))
    for target, asked in (("q", "what it values"), ("advantage", "what it decides by"))
}
_WHOLE = {
    "outside / inside elements": tags.context,
    "entropy": tags.entropy,
}
_ALONE = {
    "clusters": tags.STRATEGY_CLUSTERS,
    "novelty": tags.STRATEGY_NOVELTY,
    "score a 1,000 steps": "play/score_rate",
    "mean score of ended games": SCORES,
}
_BOLD, _THIN, _FADED = 2.6, 1.0, 0.45


@dataclass(frozen=True)
class Group:
    """Runs that are shown together.

    Attributes:
        name: in the legend.
        runs: at least one.
    """

    name: str
    runs: tuple[Run, ...]


def curve_of(run: Run, name: str) -> Curve:
    """A curve of a run by its tag, or `SCORES`."""
    if name != SCORES:
        return run.history.curve(name)
    known = [
        (each.timestep, float(np.mean(scores)))
        for each in run.history.rounds
        if (scores := each.scores.get(PLAYED))
    ]
    return Curve(
        np.array([step for step, _ in known], np.int64),
        np.array([score for _, score in known], np.float64),
    )


def mean_curve(curves: Sequence[Curve]) -> Curve:
    """Mean of curves where all of them are known; between their points they are straight.

    A curve that ends early does not pull the mean after its end: the mean ends there.
    """
    if not curves or not all(len(each.timesteps) for each in curves):
        return Curve(np.empty(0, np.int64), np.empty(0))
    first = max(int(each.timesteps[0]) for each in curves)
    last = min(int(each.timesteps[-1]) for each in curves)
    steps = np.unique(np.concatenate([each.timesteps for each in curves]))
    steps = steps[(steps >= first) & (steps <= last)]
    rows = [np.interp(steps, each.timesteps, each.values) for each in curves]
    return Curve(steps, np.mean(rows, axis=0))


def elements_of(runs: Sequence[Run], only: Sequence[str] = ()) -> tuple[str, ...]:
    """Elements that any run has a share of, or those asked for.

    Raises:
        UnknownNameError: an element that no run knows.
    """
    prefixes = [tags.share(scope, "_")[:-1] for scope in _SCOPES]
    found = dict.fromkeys(
        name.removeprefix(prefix)
        for run in runs
        for name in run.history.names
        for prefix in prefixes
        if name.startswith(prefix)
    )
    for name in only:
        if name not in found:
            raise UnknownNameError("element", name, found)
    return tuple(only) or tuple(found)


def main_curves(
    runs: Sequence[Run], elements: Sequence[str], measures: Sequence[str]
) -> tuple[str, ...]:
    """Names of the curves that are laid side by side, those that any run has."""
    names = [
        MEASURES[measure](scope, element)
        for scope in _SCOPES
        for measure in measures
        for element in elements
    ]
    names += [tag(scope) for tag in _WHOLE.values() for scope in _SCOPES]
    names += _ALONE.values()
    return tuple(n for n in names if any(len(curve_of(run, n).values) for run in runs))


def fan_sheet(
    groups: Sequence[Group], elements: Sequence[str], measure: str = "relative"
) -> list[list[Chart]]:
    """Rows of charts: one row an element, then the map as a whole, strategies and play.

    Charts without a line of two points are left out; the legend stands beside the first row.
    """
    rows: list[dict[str, str]] = [
        {f"{element}: {words}": MEASURES[measure](scope, element)
         for scope, words in _SCOPES.items()}
        for element in elements
    ]  # fmt: skip
    rows += [
        {f"{name}: {words}": tag(scope) for scope, words in _SCOPES.items()}
        for name, tag in _WHOLE.items()
    ]
    rows.append(_ALONE)
    sheet = [[_fan(groups, title, name) for title, name in row.items()] for row in rows]
    kept = [[chart for chart in row if chart.lines] for row in sheet]
    return _one_legend([row for row in kept if row])


def _fan(groups: Sequence[Group], title: str, name: str) -> Chart:
    lines: list[Line] = []
    for group, colour in zip(groups, _colours(groups), strict=True):
        curves = [curve_of(run, name) for run in group.runs]
        if len(group.runs) > 1:
            shades = _shades(groups, group, colour)
            labels = ["" if len(groups) > 1 else run.name for run in group.runs]
            parts = zip(labels, curves, shades, strict=True)
            lines += [_line(label, curve, shade, _THIN) for label, curve, shade in parts]
        known = [each for each in curves if len(each.values)]
        count = f", {len(group.runs)} runs" if len(group.runs) > 1 else ""
        lines.append(_line(group.name + count, mean_curve(known), colour, _BOLD))
    return Chart(title, "timesteps", tuple(line for line in lines if len(line.values) > 1))


def _line(label: str, curve: Curve, colour: Colour, width: float) -> Line:
    at = tuple(map(float, curve.timesteps.tolist()))
    return Line(label, tuple(curve.values.tolist()), colour, at=at, width=width)


def _colours(groups: Sequence[Group]) -> list[Colour]:
    """A colour a group; one group alone is ink, and its runs have the colours."""
    if len(groups) == 1:
        return [INK]
    return [COLOURS[number % len(COLOURS)] for number in range(len(groups))]


def _shades(groups: Sequence[Group], group: Group, colour: Colour) -> list[Colour]:
    """The colours of a group's runs."""
    if len(groups) > 1:
        return [mix(colour, PAPER, _FADED)] * len(group.runs)
    return [COLOURS[number % len(COLOURS)] for number in range(len(group.runs))]


def _one_legend(rows: list[list[Chart]]) -> list[list[Chart]]:
    """Labels in the first chart of all only, where the legend of its row is."""
    for number, row in enumerate(rows):
        if number:
            row[0] = Chart(row[0].title, row[0].x_label, tuple(map(_unlabelled, row[0].lines)))
    return rows


def _unlabelled(line: Line) -> Line:
    return Line("", line.values, line.colour, line.dashed, line.at, line.width)


def values_at(groups: Sequence[Group], name: str, timestep: int) -> Mapping[str, list[float]]:
    """Group to the values of a curve in its runs' latest rounds up to a timestep that know it."""
    found: dict[str, list[float]] = {}
    for group in groups:
        curves = [curve_of(run, name) for run in group.runs]
        reached = [each.values[each.timesteps <= timestep] for each in curves]
        found[group.name] = [float(values[-1]) for values in reached if len(values)]
    return found
