"""A round as scalars under their tags."""

from __future__ import annotations

from collections.abc import Iterator

from rlmonitor.board import tags
from rlmonitor.ram_check import RamEffects
from rlmonitor.round import Analysis, Round
from rlmonitor.strategy.causal import Effects
from rlmonitor.strategy.pooling import Statistics


def round_scalars(found: Round) -> dict[str, float]:
    """Tag to value of everything that a round measured; what is not known has no tag."""
    sources = {tags.PLAY: found.play, tags.PROBE: found.probe, tags.RANDOM: found.random}
    values: dict[str, float] = {}
    for source, analysis in sources.items():
        if analysis is not None:
            for target, statistics in analysis.statistics.items():
                values.update(_statistics(tags.scope(target, source), statistics))
    if found.effects is not None:
        values.update(_effects(found.effects))
    if found.ram_effects is not None:
        values.update(_ram_effects(found.ram_effects))
    values.update(_strategies(found))
    values.update(_faithfulness(found))
    values.update(found.behaviour)
    return values


def _effects(effects: Effects) -> Iterator[tuple[str, float]]:
    for element, value in effects.value.items():
        yield tags.effect(tags.VALUE, element), value
    for element, value in effects.choice.items():
        yield tags.effect(tags.CHOICE, element), value
    for element, value in effects.action_changed.items():
        yield tags.action_changed(element), value


def _ram_effects(effects: RamEffects) -> Iterator[tuple[str, float]]:
    for element, value in effects.value.items():
        yield tags.ram_effect(tags.VALUE, element), value
    for element, value in effects.choice.items():
        yield tags.ram_effect(tags.CHOICE, element), value
    for element, value in effects.action_changed.items():
        yield tags.ram_action_changed(element), value
    if effects.agreement is not None:
        yield tags.faithfulness("ram_agreement"), effects.agreement


def _statistics(scope: str, statistics: Statistics) -> Iterator[tuple[str, float]]:
    for element, value in statistics.share.items():
        yield tags.share(scope, element), value
    for element, value in statistics.relative.items():
        yield tags.relative(scope, element), value
        yield tags.relative(scope, element, "positive"), statistics.relative_positive[element]
        yield tags.relative(scope, element, "negative"), statistics.relative_negative[element]
    stack = len(statistics.frame_share)
    for frame, value in enumerate(statistics.frame_share):
        yield tags.frame_share(scope, frame, stack), value
    if statistics.context is not None:
        yield tags.context(scope), statistics.context
    if statistics.entropy is not None:
        yield tags.entropy(scope), statistics.entropy


def _strategies(found: Round) -> Iterator[tuple[str, float]]:
    if found.strategies is None or found.strategies.found.not_enough is not None:
        return
    moment = found.strategies.moment
    yield tags.STRATEGY_CLUSTERS, float(moment.clusters)
    if found.strategies.found.eigengap is not None:
        yield tags.STRATEGY_EIGENGAP, found.strategies.found.eigengap
    if found.strategies.novelty is not None:
        yield tags.STRATEGY_NOVELTY, found.strategies.novelty.score
    for number, part in (moment.occupancy or {}).items():
        yield tags.strategy(number), part


def _faithfulness(found: Round) -> Iterator[tuple[str, float]]:
    parts: list[Analysis] = [p for p in (found.play, found.clip, found.probe) if p is not None]
    worst = max(part.conservation_error for part in parts)
    yield tags.faithfulness("conservation_error"), worst
    # one number for the round: of the targets, the one whose maps may be believed least
    checks = found.spot_checks.values()
    random = found.random_similarity.values() or [check.random_network for check in checks]
    if random:
        yield tags.faithfulness("random_network"), max(random)
    if checks:
        yield tags.faithfulness("pixel_flipping"), min(check.pixel_flipping for check in checks)
        yield tags.faithfulness("rule_agreement"), min(check.rule_agreement for check in checks)
    if found.effects is not None and found.effects.agreement:
        agreement = min(found.effects.agreement.values())
        yield tags.faithfulness("causal_agreement"), agreement
