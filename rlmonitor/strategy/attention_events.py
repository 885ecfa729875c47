"""Events of attention: what the agent begins to look at, and what it should not lean on.

Thresholds are constants with what they were set by; the Breakout figures are those of the shipped
agent's checkpoints, 50,000 to 800,000 timesteps, on 32 frames of their own play each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from rlmonitor.strategy.changes import FALSE_ALARMS, Change, change_points, spent
from rlmonitor.strategy.events import Event
from rlmonitor.strategy.history import History, RoundSummary
from rlmonitor.strategy.places import REST
from rlmonitor.strategy.states import switched_on

UNNOTICED, NOTICED = 1.5, 2.0
"""Relative relevance below which an element is looked at no more than any place, and from which it
is looked at: the levels of an onset."""

DISPLAYS = ("display", "score", "lives")
"""What an element's name holds if it shows numbers; they say nothing that helps to play."""

DISPLAY_SHARE, DISPLAY_EFFECT = 0.15, 0.25
"""On Breakout the display takes at most 0.09 of the relevance; without it the value changes by at
most 0.03 of the mean |Q|, the choice by at most 0.14 of the mean advantage."""

REGION_SHARE, REGION_EFFECT = 0.10, 0.4
"""On Breakout the largest of 49 regions takes at most 0.11 of what the agent values, with an effect
of 0.2, and 0.08 of what it decides by, with one of 0.5. Without a planted cue that takes 0.3, an
agent's choice changes by 1.4."""

_QUESTIONS = {"value": "what the agent values", "choice": "what the agent decides by"}

Leaning = tuple[str, str, float, float, dict[str, float]]
"""Scope, element or region, share, effect, and the part of frames with another action if known."""


def changes(history: History) -> tuple[Event, ...]:
    """*Onset* and *shift*: an element's relative relevance changed its level for good.

    On the probe's fixed frames where there is a probe: there a change is one of attention, and a
    slow drift counts as well. Together they raise a false alarm in at most `FALSE_ALARMS` of the
    trainings of a constant agent.
    """
    found = []
    for number, name in enumerate(_watched(history), start=1):
        steps, values = history.curve(name)
        if not len(steps) or steps[-1] != history.rounds[-1].timestep:
            continue
        on_probe = name.startswith("probe_")
        points = change_points(values, spent(FALSE_ALARMS, number), fixed=on_probe)
        if points and points[-1].seen == len(values) - 1:
            found.append(_change_event(name, steps, points[-1]))
    return tuple(found)


def display_reliance(history: History) -> tuple[Event, ...]:
    """The agent looks at score or lives, and plays otherwise without them."""
    found = _beginning(history, lambda r: _leaning(r, "share", "effect", _is_display))
    return tuple(
        Event(
            "display-reliance",
            step,
            f"The agent leans on the {element}: it takes {share:.0%} of the relevance of "
            f"{_QUESTIONS[scope]}, and without it that changes by {effect:.0%}; cover the "
            f"{element} in the observations and train on, or score the agent with it covered.",
            {"share": share, "effect": effect, **changed},
        )
        for step, (scope, element, share, effect, changed) in found
    )


def shortcut(history: History) -> tuple[Event, ...]:
    """The agent leans on a region of the screen where no known element is."""
    found = _beginning(
        history, lambda r: _leaning(r, "region_share", "region_effect", lambda name: True)
    )
    return tuple(
        Event(
            "shortcut",
            step,
            f"The agent leans on {_place(region)} of the screen's 7 x 7 grid, where no known "
            f"element is: it takes {share:.0%} of the relevance of {_QUESTIONS[scope]}, and "
            f"without what is there that changes by {effect:.0%}; look there in the clip for "
            "something that gives the answer away.",
            {"share": share, "effect": effect, **changed},
        )
        for step, (scope, region, share, effect, changed) in found
    )


def _watched(history: History) -> tuple[str, ...]:
    """Curves of relative relevance, of the probe if there is one, in order of appearance."""
    on_probe = any(name.startswith("probe_") for name in history.names)
    scopes = [f"{'probe_' if on_probe else ''}{scope}" for scope in _QUESTIONS]
    starts = tuple(f"{scope}/relative/" for scope in scopes)
    return tuple(n for n in history.names if n.startswith(starts) and not n.endswith(f"/{REST}"))


def _change_event(name: str, steps: NDArray[np.int64], change: Change) -> Event:
    scope, _, element = name.split("/")
    question = _QUESTIONS[scope.removeprefix("probe_")]
    since = int(steps[change.since])
    onset = change.before < UNNOTICED and change.after >= NOTICED
    what = "has begun to count" if onset else f"counts {_more(change)}"
    return Event(
        "onset" if onset else "shift",
        int(steps[-1]),
        f"Since about {since:,} timesteps the {element} {what} for {question}: its relative "
        f"relevance went from {change.before:.1f} to {change.after:.1f}; compare the clips before "
        "and after to see what the agent does differently.",
        {
            "since": float(since),
            "before": change.before,
            "after": change.after,
            "p": change.p,
            "false_alarm_rate": FALSE_ALARMS,
        },
    )


def _more(change: Change) -> str:
    return "more" if change.after > change.before else "less"


def _beginning(
    history: History, leanings: Callable[[RoundSummary], Mapping[str, Leaning]]
) -> list[tuple[int, Leaning]]:
    """The strongest of those elements or regions on which the agent begins to lean now."""
    if not history.rounds:
        return []
    rounds = [leanings(each) for each in history.rounds]
    new = [
        leaning
        for name, leaning in rounds[-1].items()
        if switched_on(name in each for each in rounds)
    ]
    strongest = max(new, key=lambda leaning: leaning[3], default=None)
    return [] if strongest is None else [(history.rounds[-1].timestep, strongest)]


def _leaning(
    summary: RoundSummary, share: str, effect: str, wanted: Callable[[str], bool]
) -> dict[str, Leaning]:
    """Elements or regions with much relevance and much effect, for the same question."""
    is_region = share == "region_share"
    least = (REGION_SHARE, REGION_EFFECT) if is_region else (DISPLAY_SHARE, DISPLAY_EFFECT)
    found: dict[str, Leaning] = {}
    for scope in _QUESTIONS:
        prefix = f"{scope}/{share}/"
        for curve, part in summary.values.items():
            name = curve.removeprefix(prefix)
            if name == curve or not wanted(name):
                continue
            moved = summary.values.get(f"{scope}/{effect}/{name}", 0.0)
            if part < least[0] or moved < least[1]:
                continue
            if name not in found or found[name][3] < moved:
                found[name] = (scope, name, part, moved, _changed(summary, effect, name))
    return found


def _changed(summary: RoundSummary, effect: str, name: str) -> dict[str, float]:
    """The part of frames with another action, if it is known."""
    curve = f"choice/{effect.replace('effect', 'action_changed')}/{name}"
    return {"action_changed": summary.values[curve]} if curve in summary.values else {}


def _is_display(element: str) -> bool:
    return any(word in element for word in DISPLAYS)


def _place(region: str) -> str:
    return region.replace("-", ", ").replace("row", "row ").replace("column", "column ")
