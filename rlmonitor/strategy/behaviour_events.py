"""Events of behaviour: new strategies, their loss, exploits, games learnt by heart.

Thresholds are constants with their reasons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rlmonitor.strategy.behaviour import NUDGED as NUDGED_CURVE
from rlmonitor.strategy.behaviour import SCORE_RATE
from rlmonitor.strategy.behaviour import TILTED as TILTED_CURVE
from rlmonitor.strategy.events import Event
from rlmonitor.strategy.history import OTHER_STARTS, OWN_STARTS, History, RoundSummary
from rlmonitor.strategy.memorisation import compare_starts
from rlmonitor.strategy.states import LATEST, Rounds, beginning, known

STRATEGY_OCCUPANCY = 0.1
"""Part of the frames that new strategies must fill."""

NOVEL, SETTLED = 10.0, 3
"""How new maps must be, and rounds that must have been less so. A Breakout agent that does not
change has 1 to 3 in nine rounds of ten; after one of 50,000 timesteps, one of 250,000 has 40."""

NEW_STRATEGY_FALSE_ALARMS = 0.05
"""Chance of an event in a training of 25 rounds whose agent never changes, at most."""

ENTROPY_DROP = 0.08
"""At 84 x 84 pixels, half as many of them bear the relevance: log 2 / log 7056."""

SCORE_RISE, FLIPPERS_FALL, NUDGED, TILTED = 1.5, 0.5, 0.2, 0.02
"""Ratio of scores, ratio of the flippers' relevance, and parts of the frames."""

UNTRAINED = "random_"
"""What the curves of an untrained network begin with. Flippers are bright and have edges, so even
that gives them more than the average pixel: what an agent looks at stands above it."""

GAMES, GAMES_IN_ROUNDS = 30, 20
"""Games of each kind that scores are compared over, from the latest rounds, no more of those than
this: games of long ago were played by another agent."""


def new_strategy(history: History) -> tuple[Event, ...]:
    """After a quiet time the maps of some frames are like none before, for two rounds.

    Clusters come and go with what happens in a round's games, even of an agent that never changes:
    a new number says nothing by itself. Maps that no known strategy has are another matter. Early
    in a training, when all is new in every round, nothing is told; nor is a strategy that grows out
    of another in steps smaller than `NOVEL`.
    """
    clustered = [each for each in history.rounds if _occupied(each)]
    if len(clustered) < SETTLED + 3 or clustered[-1] is not history.rounds[-1]:
        return ()  # the first round's maps are all new, and are not said to be
    *before, birth, latest = clustered
    quiet = all(0 < _novelty(each) < NOVEL for each in before[-SETTLED:])
    known_before = {number for each in before for number in _occupied(each)}
    new = [
        {number: part for number, part in _occupied(each).items() if number not in known_before}
        for each in (birth, latest)
    ]
    stays = min(sum(parts.values()) for parts in new) >= STRATEGY_OCCUPANCY
    if not quiet or _novelty(birth) < NOVEL or not stays:
        return ()
    number = max(new[1], key=lambda number: new[1][number])
    return (
        Event(
            "new-strategy",
            latest.timestep,
            f"Strategy {number}{_called(history, number)} is new and fills {new[1][number]:.0%} of "
            f"the play: since {birth.timestep:,} timesteps the agent looks at things as in no "
            "round before; watch its typical frames to see what it has begun to do.",
            {
                "strategy": float(number),
                "occupancy": new[1][number],
                "novelty": _novelty(birth),
                "since": float(birth.timestep),
                "false_alarm_rate": NEW_STRATEGY_FALSE_ALARMS,
            },
        ),
    )


def collapse(history: History) -> tuple[Event, ...]:
    """One strategy is left, and the relevance is bunched on less of the screen than before."""
    found = beginning(history, _collapsed)
    return tuple(
        Event(
            "collapse",
            step,
            f"One strategy is left where there were {before:.0f}, and the entropy of the relevance "
            f"fell from {wide:.2f} to {narrow:.2f}: the agent sees less and does one thing; "
            "compare the score with that of an earlier checkpoint before training on.",
            {"strategies_before": before, "entropy_before": wide, "entropy": narrow},
        )
        for step, (before, wide, narrow) in found
    )


def exploit(history: History) -> tuple[Event, ...]:
    """VideoPinball: the score rises without the flippers, by nudging below the tilt."""
    flippers = [_flippers(each) for each in history.rounds]
    found = beginning(history, lambda rounds: _exploited(rounds, flippers[: len(rounds)]))
    return tuple(
        Event(
            "exploit",
            step,
            f"The score rose from {numbers['score_before']:,.0f} to {numbers['score']:,.0f} per "
            "1,000 steps while the flippers' relative relevance fell, from "
            f"{numbers['flippers_before']:.1f} above an untrained network's to "
            f"{numbers['flippers']:.1f} above it, and the table is "
            f"nudged in {numbers['nudged']:.0%} of the frames without a tilt: watch the clip, and "
            "bar nudging if this is not the game you mean.",
            numbers,
        )
        for step, numbers in found
    )


def memorised(history: History) -> tuple[Event, ...]:
    """The score under the training's own starts stands far above the one under others."""

    def compared(rounds: Rounds) -> Mapping[str, float] | None:
        own, other = (_scores(rounds, which) for which in (OWN_STARTS, OTHER_STARTS))
        found = compare_starts(own, other, look=len(rounds))
        return None if found is None or not found.memorised else found.numbers

    return tuple(
        Event(
            "memorised",
            step,
            f"The agent scores {numbers['own']:,.1f} from the training's own starts and "
            f"{numbers['other']:,.1f} under sticky actions after random first moves: it has "
            "learnt games by heart; train with random starts or sticky actions, and do not end "
            "the game at a lost life.",
            numbers,
        )
        for step, numbers in beginning(history, compared)
    )


def _occupied(summary: RoundSummary) -> dict[str, float]:
    """Number of each strategy to the part of the play that it fills; empty without clusters."""
    prefix = "strategy/cluster/"
    return {
        curve.removeprefix(prefix): value
        for curve, value in summary.values.items()
        if curve.startswith(prefix) and value > 0
    }


def _novelty(summary: RoundSummary) -> float:
    """How new the maps are, 1 is nothing new; 0 where it is not known, as in the first round."""
    return summary.values.get("strategy/novelty", 0.0)


def _called(history: History, number: str) -> str:
    name = history.rounds[-1].strategies.get(number)
    return f" ({name})" if name else ""


def _collapsed(rounds: Rounds) -> tuple[float, float, float] | None:
    """Strategies and entropy before, entropy now, if one strategy is left on less of the screen."""
    clusters, entropy = (known(rounds, name) for name in ("strategy/clusters", "value/entropy"))
    if len(clusters) <= LATEST or len(entropy) <= LATEST:
        return None
    before, wide = float(np.median(clusters[:-1])), float(np.median(entropy[:-1]))
    collapsed = clusters[-1] <= 1 and before >= 2 and wide - entropy[-1] >= ENTROPY_DROP
    return (before, wide, entropy[-1]) if collapsed else None


def _exploited(rounds: Rounds, flippers: Sequence[float | None]) -> dict[str, float] | None:
    """The numbers, if the score rises by nudging while the flippers lose their relevance."""
    score, nudged, tilted = (known(rounds, n) for n in (SCORE_RATE, NUDGED_CURVE, TILTED_CURVE))
    looked = [value for value in flippers if value is not None]
    if min(map(len, (score, nudged, tilted, looked))) <= LATEST or flippers[-1] is None:
        return None
    numbers = {
        "score": float(np.mean(score[-LATEST:])),
        "score_before": float(np.median(score[:-LATEST])),
        "flippers": float(np.mean(looked[-LATEST:])),
        "flippers_before": float(np.max(looked[:-LATEST])),
        "nudged": float(np.mean(nudged[-LATEST:])),
        "tilted": float(np.mean(tilted[-LATEST:])),
    }
    exploited = (
        numbers["score"] > SCORE_RISE * max(numbers["score_before"], 0)
        and numbers["flippers_before"] > 0
        and numbers["flippers"] <= FLIPPERS_FALL * numbers["flippers_before"]
        and numbers["nudged"] >= NUDGED
        and numbers["tilted"] <= TILTED
    )
    return numbers if exploited else None


def _flippers(summary: RoundSummary) -> float | None:
    """The relative relevance of a flipper above that in an untrained network.

    The largest for either question; without an untrained network, above the average pixel's.
    """
    found = [
        value - summary.values.get(UNTRAINED + curve, 1.0)
        for curve, value in summary.values.items()
        if curve.startswith(("value/relative/", "choice/relative/")) and "flipper" in curve
    ]
    return max(found, default=None)


def _scores(rounds: Rounds, which: str) -> tuple[float, ...]:
    """The scores of the latest games of one kind."""
    scores: tuple[float, ...] = ()
    for each in rounds[: -GAMES_IN_ROUNDS - 1 : -1]:
        scores = (*each.scores.get(which, ()), *scores)
        if len(scores) >= GAMES:
            break
    return scores
