"""What became of agents with a planted shortcut and of controls: one by one, and as a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from cued_catch import CHANCE, CORNER_REGION, KINDS

from rlmonitor.explain.intervals import Interval, wilson_interval
from rlmonitor.strategy.attention_events import REGION_EFFECT, REGION_SHARE
from rlmonitor.strategy.causal import TARGETS
from rlmonitor.strategy.history import RoundSummary

WINDOW = 20
"""Episodes over which the training score is averaged."""


@dataclass(frozen=True)
class Settings:
    """How each agent is trained and watched."""

    timesteps: int = 5_000
    every: int = 500
    learning_rate: float = 1e-3


@dataclass(frozen=True)
class Outcome:
    """What became of one agent.

    Attributes:
        kind: of `KINDS`.
        seed: of everything random.
        settings: it was trained with.
        score: part of right moves of its greedy play, as it was trained.
        without: the same with the corner black.
        scrambled: the same with the cue drawn at random.
        event: timestep of the first shortcut event that names the corner, if there is one.
        elsewhere: shortcut events that name another region.
        half: timestep at which the training score first reached half its final value.
        nearest: share and effect of the corner in the round, and for the question, in which they
            came nearest to an event, or went farthest beyond.
        seconds: CPU time of training and monitor.
    """

    kind: str
    seed: int
    settings: dict[str, float]
    score: float
    without: float
    scrambled: float
    event: int | None
    elsewhere: int
    half: int
    nearest: tuple[float, float]
    seconds: float

    @property
    def kept(self) -> float:
        """How much of what it scores above chance is left without the cue."""
        return (self.without - CHANCE) / (self.score - CHANCE)

    @property
    def leans(self) -> bool:
        """Whether its score collapses without the cue: the truth that the monitor is held to."""
        return self.kept < 0.5


def half_way(timesteps: Sequence[int], scores: Sequence[float], window: int = WINDOW) -> int:
    """The timestep at which the mean over a window of episodes first reaches half its last value.

    >>> half_way([1, 2, 3, 4, 5, 6], [0, 0, 0, 1, 1, 1], window=2)
    4
    """
    means = np.convolve(scores, np.ones(window) / window, mode="valid")
    return timesteps[int(np.argmax(means >= means[-1] / 2 - 1e-9)) + window - 1]


def nearest(rounds: Sequence[RoundSummary]) -> tuple[float, float]:
    """Share and effect of the corner where they come nearest to the event's thresholds."""
    found = [
        (
            each.values.get(f"{scope}/region_share/{CORNER_REGION}", 0.0),
            each.values.get(f"{scope}/region_effect/{CORNER_REGION}", 0.0),
        )
        for each in rounds
        for scope in TARGETS.values()
    ]
    return max(found, key=lambda pair: min(pair[0] / REGION_SHARE, pair[1] / REGION_EFFECT))


def read_outcomes(path: Path, settings: Settings) -> list[Outcome]:
    """The agents that are done; a line that was cut off is none.

    Raises:
        SystemExit: lines made with other settings.
    """
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            fields = json.loads(line)
            outcome = Outcome(**(fields | {"nearest": tuple(fields["nearest"])}))
        except json.JSONDecodeError:
            continue
        if outcome.settings != asdict(settings):
            raise SystemExit(f"{path} holds agents of other settings: name another folder by --out")
        found.append(outcome)
    return found


def table(outcomes: Sequence[Outcome], settings: Settings) -> str:
    """The rates with their intervals, and every agent."""
    cued, control = ([o for o in outcomes if o.kind == kind] for kind in KINDS)
    leads = [o.half - o.event for o in cued if o.event is not None]
    truth = [
        f"{sum(o.leans for o in group)} of {len(group)} {name} agents"
        for name, group in (("cued", cued), ("control", control))
    ]
    quartiles = [int(each) for each in np.quantile(leads, [0, 0.25, 0.5, 0.75, 1])] if leads else []
    return "\n".join(
        [
            "# Planted shortcuts",
            "",
            "`benchmarks/planted_shortcut.py`: a bar moves under a falling pellet; a cue in the "
            "corner tells cued agents the right move and is drawn at random for controls. "
            f"{settings.timesteps:,} timesteps of DQN, a round of the monitor every "
            f"{settings.every}, {np.median([o.seconds for o in outcomes]):.0f} s of CPU an agent "
            f"(at most {max(o.seconds for o in outcomes):.0f} s).",
            "",
            "| | agents | shortcut event | rate | 95 % interval (Wilson) |",
            "| --- | --- | --- | --- | --- |",
            _rate("cued: detected", [o.event is not None for o in cued]),
            _rate("control: false alarm", [_alarmed(o) for o in control]),
            "",
            f"Truth, by intervention: without the cue the score of {truth[0]} and of {truth[1]} "
            "collapses (more than half of what is above chance, 1/3, is lost).",
            "",
            "Lead time, timesteps from the event to the training score's reaching half its final "
            "value (negative: the event comes after it): "
            + (
                "median {2:,}, quartiles {1:,} and {3:,}, from {0:,} to {4:,}.".format(*quartiles)
                if len(quartiles)
                else "no event."
            )
            + f" An event needs two rounds on end, so the earliest is at {settings.every:,} "
            "timesteps.",
            "",
            f"Share and effect are the corner's, in the round in which they came nearest to an "
            f"event (from {REGION_SHARE} and {REGION_EFFECT}) or went farthest beyond.",
            "",
            "| agent | score | without the cue | cue at random | shortcut event | half way | share "
            "| effect |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
            *(
                f"| {o.kind} {o.seed} | {row(o)} |"
                for o in sorted(outcomes, key=lambda o: (o.kind != "cued", o.seed))
            ),
            "",
        ]
    )


def _alarmed(outcome: Outcome) -> bool:
    return outcome.event is not None or outcome.elsewhere > 0


def _rate(name: str, hits: Sequence[bool]) -> str:
    found: Interval = wilson_interval(sum(hits), len(hits))
    return (
        f"| {name} | {len(hits)} | {sum(hits)} | {found.mean:.0%} | "
        f"{found.low:.0%} to {found.high:.0%} |"
    )


def row(outcome: Outcome) -> str:
    """An agent's numbers, as cells of the table."""
    told = "none" if outcome.event is None else f"{outcome.event:,}"
    told += f" (elsewhere: {outcome.elsewhere})" if outcome.elsewhere else ""
    evidence = [f"{each:.2f}" for each in outcome.nearest]
    numbers = [f"{each:.2f}" for each in (outcome.score, outcome.without, outcome.scrambled)]
    return " | ".join([*numbers, told, f"{outcome.half:,}", *evidence])
