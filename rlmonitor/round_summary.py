"""What a round leaves in the history of its run, which the detectors of events read."""

from __future__ import annotations

from rlmonitor.board.scalars import round_scalars
from rlmonitor.round import Round
from rlmonitor.strategy.history import PLAYED, RoundSummary, effect_values


def summary_of(found: Round) -> RoundSummary:
    """All numbers of a round by the names of their curves, and the scores of its games."""
    values = round_scalars(found)
    if found.effects is not None:
        values |= effect_values(found.effects)
    known = () if found.strategies is None else found.strategies.timeline.strategies
    names = {str(strategy.id): strategy.name for strategy in known}
    scores = {PLAYED: found.scores, **found.trials}
    return RoundSummary(found.timestep, values, scores, names)
