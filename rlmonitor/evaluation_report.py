"""What ``rlmonitor evaluate`` found: tables for the screen, CSV, JSON, Markdown, and a picture."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from rlmonitor.board.chart import COLOURS, QUIET, Chart, Line, save_charts
from rlmonitor.errors import StoreError
from rlmonitor.evaluation import EvaluationSettings, Report
from rlmonitor.explain.evaluation import Result
from rlmonitor.explain.evaluation_table import duels, legend, markdown, rich_table, rows
from rlmonitor.explain.metrics import METRICS, REPLACED_BY

SHOWN = 4
"""Curves of each kind in the picture, the best ones."""


def show(report: Report, console: Console) -> None:
    """Print a table for each checkpoint, what the columns mean, and where baselines win."""
    for name, results in report.results.items():
        console.print(rich_table(results, _title(name, report.settings)))
        for duel in duels(results, seed=report.settings.seed):
            style = "yellow" if duel.won else None
            console.print(duel.text, style=style, markup=False, highlight=False)
    for title, summary in legend(report.settings.metrics).items():
        console.print(f"{title}: {summary}", style="dim", markup=False, highlight=False)


def as_json(report: Report) -> dict[str, Any]:
    """Everything, as plain values."""
    settings = report.settings
    return {
        "settings": {**vars(settings), "replaced_by": REPLACED_BY},
        "metrics": {n: {"better": METRICS[n].better, "summary": METRICS[n].summary}
                    for n in settings.metrics},
        "planted": [{"element": a.element, "effects": dict(a.effects)} for a in report.planted],
        "checkpoints": [
            {
                "checkpoint": name,
                "scores": list(rows(results)),
                "milliseconds": {r.method: r.milliseconds for r in results},
                "curves": {r.method: dict(r.curves) for r in results if r.curves},
                "duels": [
                    {"metric": d.metric, "baseline": d.baseline, "composite": d.composite,
                     "advantage": vars(d.advantage), "baseline_wins": d.won}
                    for d in duels(results, seed=settings.seed)
                ],
            }
            for name, results in report.results.items()
        ],
    }  # fmt: skip


def write_report(report: Report, out: Path) -> tuple[Path, ...]:
    """Write ``evaluation.csv``, ``.json``, ``.md`` and, with pixel flipping, ``.png``.

    Raises:
        StoreError: the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        table, document, text = (out / f"evaluation.{kind}" for kind in ("csv", "json", "md"))
        with table.open("w", newline="", encoding="utf-8") as file:
            _write_csv(report, file)
        document.write_text(json.dumps(as_json(report), indent=1) + "\n", encoding="utf-8")
        text.write_text(as_markdown(report), encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{out} cannot be written: {error}") from error
    if "flipping" not in report.settings.metrics:
        return table, document, text
    picture = out / "evaluation.png"
    save_charts(picture, [_charts(name, r, report.settings) for name, r in report.results.items()])
    return table, document, text, picture


def as_markdown(report: Report) -> str:
    """The tables of all checkpoints, what the columns mean, and what the planted agents read."""
    parts = [
        markdown(results, _title(name, report.settings)) for name, results in report.results.items()
    ]
    meaning = [f"- {title}: {text}" for title, text in legend(report.settings.metrics).items()]
    parts.append("\n".join(["## Columns", "", *meaning, ""]))
    if report.planted:
        agents = [
            f"- reads {agent.element}: taking it away changes Q by "
            f"{agent.effects[agent.element]:.2f}, any other element by at most "
            f"{agent.strongest_other:.2f} (standard deviations of Q over frames)"
            for agent in report.planted
        ]
        parts.append("\n".join(["## Planted agents", "", *agents, ""]))
    return "\n".join(parts)


def _write_csv(report: Report, file: Any) -> None:
    writer = None
    for name, results in report.results.items():
        for row in rows(results):
            whole = {"checkpoint": name, "target": report.settings.target, **row}
            if writer is None:
                writer = csv.DictWriter(file, list(whole))
                writer.writeheader()
            writer.writerow(whole)


def _title(name: str, settings: EvaluationSettings) -> str:
    path = Path(name)
    return f"{path.parent.parent.name}/{path.stem} on {settings.env_id}, target {settings.target}"


def _charts(name: str, results: Sequence[Result], settings: EvaluationSettings) -> list[Chart]:
    """Two charts: the explained value, and the greedy action's survival."""
    best: list[Result] = []
    for kind in ("lrp", "baseline"):
        own = [result for result in results if result.kind == kind]
        own.sort(key=lambda result: -result.scores["flipping"].interval.mean)
        best += own[:SHOWN]
    colours = {r.method: COLOURS[n + (r.kind != "lrp") * SHOWN] for kind in ("lrp", "baseline")
               for n, r in enumerate(r for r in best if r.kind == kind)}  # fmt: skip

    def chart(key: str, title: str) -> Chart:
        random = Line("random order", results[0].curves[f"{key}-random"], QUIET, dashed=True)
        own = [Line(r.method, r.curves[key], colours[r.method]) for r in best]
        return Chart(title, "patches removed, most relevant first", (*own, random))

    values = f"{Path(name).stem}: {settings.target}, relative"
    return [chart("q", values), chart("survival", "greedy action still the same")]
