"""An evaluation as rows, as a table for people, and in words: what beats what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from rlmonitor.explain.evaluation import Result
from rlmonitor.explain.intervals import Interval, bootstrap_interval
from rlmonitor.explain.metrics import METRICS

KINDS = {"lrp": "LRP", "baseline": "baseline", "control": "knows nothing"}
"""Kinds of methods in the order of the table, and what they are called there."""


@dataclass(frozen=True)
class Duel:
    """The best baseline against the best LRP composite by one metric.

    Attributes:
        metric: its name.
        baseline: the best one's name.
        composite: the best one's name.
        advantage: mean and 95 % interval of the baseline's advantage, frame by frame; positive is
            better for the baseline, whether or not higher is better in the metric.
    """

    metric: str
    baseline: str
    composite: str
    advantage: Interval

    @property
    def won(self) -> bool:
        """Whether the baseline beats every composite, beyond chance."""
        return self.advantage.low > 0

    @property
    def text(self) -> str:
        """The outcome in words."""
        gap = self.advantage
        verb = "beats" if self.won else "loses to" if gap.high < 0 else "is level with"
        return (
            f"{METRICS[self.metric].title}: {self.baseline} {verb} the best LRP composite, "
            f"{self.composite}, by {abs(gap.mean):.3f} ({gap.low:.3f} to {gap.high:.3f})"
            if verb != "is level with"
            else f"{METRICS[self.metric].title}: {self.baseline} {verb} the best LRP composite, "
            f"{self.composite} (difference {gap.low:.3f} to {gap.high:.3f})"
        )


def winners(results: Sequence[Result]) -> dict[str, str]:
    """Metric to the best method; controls take no part, and nothing is best where no end is."""
    takes_part = [result for result in results if result.kind != "control"]
    return {
        metric: _best(takes_part, metric).method
        for metric in _metrics(results)
        if METRICS[metric].better and takes_part
    }


def duels(results: Sequence[Result], *, seed: int = 0) -> tuple[Duel, ...]:
    """For each metric with a better end the best baseline against the best composite."""
    composites = [result for result in results if result.kind == "lrp"]
    baselines = [result for result in results if result.kind == "baseline"]
    if not composites or not baselines:
        return ()
    found = []
    for metric in _metrics(results):
        if METRICS[metric].better:
            ours, theirs = _best(composites, metric), _best(baselines, metric)
            sign = 1 if METRICS[metric].better == "higher" else -1
            gap = np.subtract(theirs.scores[metric].values, ours.scores[metric].values)
            interval = bootstrap_interval(sign * gap, seed=seed)
            found.append(Duel(metric, theirs.method, ours.method, interval))
    return tuple(found)


def rows(results: Sequence[Result]) -> Iterator[dict[str, Any]]:
    """One row for each method and metric: for CSV and JSON."""
    best = winners(results)
    for result in results:
        for metric, score in result.scores.items():
            yield {
                "method": result.method,
                "kind": result.kind,
                "metric": metric,
                "mean": score.interval.mean,
                "low": score.interval.low,
                "high": score.interval.high,
                "n": len(score.values),
                "better": METRICS[metric].better,
                "best": best.get(metric) == result.method,
            }


def rich_table(results: Sequence[Result], title: str) -> Table:
    """The table for a terminal: means with half the width of their 95 % intervals."""
    table = Table(title=title, box=SIMPLE_HEAD)
    table.add_column("method", no_wrap=True)
    for metric in _metrics(results):
        table.add_column(_heading(metric), justify="right")
    table.add_column("ms a map", justify="right")
    best, before = winners(results), ""
    for result in _sorted(results):
        if before and result.kind != before:
            table.add_section()
        before = result.kind
        cells = [
            f"[bold green]{_cell(score.interval)}*[/]"
            if best.get(metric) == result.method
            else _cell(score.interval)
            for metric, score in result.scores.items()
        ]
        table.add_row(result.method, *cells, f"{result.milliseconds:.1f}")
    table.caption = "mean ± half of the 95 % interval · * best of its column, without the controls"
    return table


def markdown(results: Sequence[Result], title: str) -> str:
    """The same as Markdown, with the outcome of each duel and what the columns mean."""
    metrics = _metrics(results)
    headings = [_heading(metric) for metric in metrics]
    lines = [
        f"## {title}",
        "",
        f"| method | kind | {' | '.join(headings)} | ms a map |",
        "| --- " * (len(metrics) + 3) + "|",
    ]
    best = winners(results)
    for result in _sorted(results):
        cells = [
            f"**{_cell(score.interval)}**"
            if best.get(metric) == result.method
            else _cell(score.interval)
            for metric, score in result.scores.items()
        ]
        name, kind = f"`{result.method}`", KINDS[result.kind]
        lines.append(f"| {name} | {kind} | {' | '.join(cells)} | {result.milliseconds:.1f} |")
    lines += ["", *(f"- {duel.text}." for duel in duels(results)), ""]
    return "\n".join(lines)


def legend(metrics: Sequence[str]) -> Mapping[str, str]:
    """What the columns mean, by their titles."""
    return {METRICS[metric].title: METRICS[metric].summary for metric in metrics}


def _metrics(results: Sequence[Result]) -> tuple[str, ...]:
    return tuple(results[0].scores) if results else ()


def _best(results: Sequence[Result], metric: str) -> Result:
    sign = 1 if METRICS[metric].better == "higher" else -1
    return max(results, key=lambda result: sign * result.scores[metric].interval.mean)


def _sorted(results: Sequence[Result]) -> list[Result]:
    """By kind; within a kind in the order given."""
    return sorted(results, key=lambda result: list(KINDS).index(result.kind))


def _heading(metric: str) -> str:
    arrow = {"higher": " ↑", "lower": " ↓", "": ""}[METRICS[metric].better]
    return METRICS[metric].title + arrow


def _cell(interval: Interval) -> str:
    half = (interval.high - interval.low) / 2
    if abs(interval.mean) >= 1000:
        return f"{interval.mean:.0e}"
    digits = 2 if abs(interval.mean) < 100 else 0
    return f"{interval.mean:.{digits}f} ±{half:.{digits}f}"
