"""A round as what the Strategies page reads; `rlmonitor.board.page_data` says in which form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlmonitor.board import tags
from rlmonitor.board.overlay import reduce_colours, relevance_scale
from rlmonitor.board.page_arrays import (
    COARSE_LEVELS,
    Packed,
    element_numbers,
    halved,
    pack_indices,
    pack_relevance,
    shrunk,
)
from rlmonitor.board.page_data import FORMAT, Json, dump
from rlmonitor.board.round_clips import has_logits, shown_of_probe
from rlmonitor.round import Analysis, Round, Strategies
from rlmonitor.round_summary import summary_of
from rlmonitor.strategy.embedding import Embedding
from rlmonitor.strategy.events import Event

_COLOURS = 256


def round_record(found: Round, how: Mapping[str, Any]) -> Json:
    """The numbers of a round.

    Args:
        found: the round.
        how: JSON of how it was made, besides composite and environment.
    """
    summary, recording = summary_of(found), found.play.recording
    return {
        "format": FORMAT,
        "timestep": found.timestep,
        "values": {name: brief(value) for name, value in summary.values.items()},
        "scores": {starts: list(scores) for starts, scores in summary.scores.items()},
        "elements": list(recording.masks),
        "outside": list(recording.outside),
        "targets": {target: tags.scope(target) for target in found.play.relevance},
        "trust": trust(found),
        "strategies": _strategies(found.strategies, summary.strategies),
        "how": {
            "composite": found.composite,
            "env_id": recording.env_id,
            "elements_from": recording.elements_from,
            **how,
        },
    }


def events_record(timestep: int, events: Sequence[Event]) -> Json:
    """All events of one timestep."""
    return {
        "format": FORMAT,
        "timestep": timestep,
        "events": [
            {
                "kind": event.kind,
                "text": event.text,
                "evidence": {  # what a fault said stands in its text
                    n: brief(v)
                    for n, v in event.evidence.items()
                    if not isinstance(v, str) and np.isfinite(v)
                },
            }
            for event in events
        ],
    }


def trust(found: Round) -> dict[str, dict[str, float]]:
    """Target to how far its maps may be believed; what was not measured is left out."""
    agreement = {} if found.effects is None else found.effects.agreement
    numbers: dict[str, dict[str, float]] = {}
    for target in found.play.relevance:
        own: dict[str, float] = {"conservation_error": found.play.conservation_error}
        if (check := found.spot_checks.get(target)) is not None:
            own |= {
                "pixel_flipping": check.pixel_flipping,
                "rule_agreement": check.rule_agreement,
                "random_network": check.random_network,
            }
        if target in found.random_similarity:
            own["random_network"] = found.random_similarity[target]
        if target in agreement:
            own["causal_agreement"] = agreement[target]
        numbers[target] = {name: brief(value) for name, value in own.items()}
    return numbers


def clip_part(found: Round) -> list[bytes]:
    """Consecutive frames of the play, with each frame of the stack."""
    return blobs(picture(found.clip, "clip", found.timestep), stack_of(found.clip))


def probe_part(probe: Analysis, timestep: int, phases: Sequence[str] | None = None) -> list[bytes]:
    """Those frames of the probe that its clip shows; phases name each of all frames."""
    index = shown_of_probe(probe)
    captions = None if phases is None else [phases[i] for i in index]
    return blobs(picture(selected(probe, index), "probe", timestep, captions=captions))


def play_part(
    played: Analysis, timestep: int, strategies: Strategies | None, drawn: Embedding | None
) -> list[bytes]:
    """Frames spread over the play, at half the resolution, with their strategies."""
    packed = picture(played, "play", timestep, half=True)
    if strategies is None or drawn is None:
        return blobs(packed)
    packed[0]["strategies"] = _clusters(strategies, drawn, len(played.recording))
    return blobs(packed, _maps_of(strategies))


def _maps_of(strategies: Strategies) -> list[Packed]:
    """The clusters' mean maps, and what puts each one's most typical frame into it.

    Each is on a scale of its own: beside a cluster that looks at one place, one that looks at many
    would be dark.
    """
    found = {
        "strategies/mean": [cluster.mean_map for cluster in strategies.found.clusters],
        "strategies/explanation": [each.map for each in strategies.explanations],
    }
    scaled = {name: [m / relevance_scale(m) for m in maps] for name, maps in found.items() if maps}
    scaled["strategies/mean"] = list(halved(np.stack(scaled["strategies/mean"])))
    return [pack_relevance(name, np.stack(maps)) for name, maps in scaled.items()]


def picture(
    analysis: Analysis,
    part: str,
    timestep: int,
    *,
    captions: Sequence[str] | None = None,
    half: bool = False,
) -> tuple[Json, list[Packed]]:
    """Header and arrays of some frames with their maps, summed over the stack."""
    recording = analysis.recording
    numbers, palette = reduce_colours(shrunk(recording.screen), _COLOURS)
    arrays = [pack_indices("screen", numbers)]
    if recording.masks:
        arrays.append(pack_indices("elements", element_numbers(dict(recording.masks))))
    for target, maps in analysis.relevance.items():
        summed = maps.sum(axis=1, dtype=np.float32)
        arrays.append(pack_relevance(f"relevance/{target}", halved(summed) if half else summed))
    names = recording.action_meanings
    count = analysis.outputs.shape[1]
    header: Json = {
        "format": FORMAT,
        "timestep": timestep,
        "part": part,
        "frames": len(recording),
        "palette": [list(colour) for colour in palette],
        "screen": list(numbers.shape[1:]),
        "grid": list(recording.observation.shape[2:]),
        "elements": list(recording.masks),
        "actions": list(names) if len(names) == count else [f"action {n}" for n in range(count)],
        "outputs": [[brief(value) for value in row] for row in analysis.outputs.tolist()],
        "logits": has_logits(analysis),
        "action": recording.action.tolist(),
        "score": [brief(value) for value in recording.score.tolist()],
        "step": recording.step.tolist(),
        "shares": _shares(analysis),
        "frame_share": {
            target: [[brief(v) for v in row] for row in pooled.frame_share.tolist()]
            for target, pooled in analysis.pooled.items()
        },
        "captions": None if captions is None else list(captions),
    }
    return header, arrays


def stack_of(analysis: Analysis) -> list[Packed]:
    """Each frame of the stack by itself, at half the resolution; nothing where there is one."""
    return [
        pack_relevance(f"stack/{target}", halved(maps), COARSE_LEVELS)
        for target, maps in analysis.relevance.items()
        if maps.shape[1] > 1
    ]


def blobs(packed: tuple[Json, list[Packed]], more: Sequence[Packed] = ()) -> list[bytes]:
    """Header and arrays as byte strings, the header first."""
    header, arrays = packed[0], [*packed[1], *more]
    whole = header | {"arrays": [array.about for array in arrays]}
    return [dump(whole).encode(), *(array.data for array in arrays)]


def selected(analysis: Analysis, index: NDArray[np.int64]) -> Analysis:
    """Some frames of an analysis; their means are not made anew."""
    pooled = {
        target: type(each)(
            **{
                name: _at(value, index) if name != "elements" else value
                for name, value in vars(each).items()
            }
        )
        for target, each in analysis.pooled.items()
    }
    return Analysis(
        recording=analysis.recording.select(index),
        relevance={target: maps[index] for target, maps in analysis.relevance.items()},
        explained={target: values[index] for target, values in analysis.explained.items()},
        outputs=analysis.outputs[index],
        pooled=pooled,
        statistics=analysis.statistics,
        conservation_error=analysis.conservation_error,
    )


def brief(value: float) -> float:
    """A number with six significant digits.

    >>> brief(0.123456789)
    0.123457
    """
    return float(f"{value:.6g}")


def _at(value: Any, index: NDArray[np.int64]) -> Any:
    return (
        {name: each[index] for name, each in value.items()}
        if isinstance(value, Mapping)
        else value[index]
    )


def _shares(analysis: Analysis) -> dict[str, dict[str, list[float]]]:
    """Per frame, of the elements that add up to 1."""
    return {
        target: {
            name: [brief(value) for value in pooled.share[name].tolist()]
            for name in analysis.recording.masks
        }
        for target, pooled in analysis.pooled.items()
    }


def _strategies(found: Strategies | None, names: Mapping[str, str]) -> Json | None:
    if found is None:
        return None
    moment = found.moment
    return {
        "target": found.target,
        "not_enough": found.found.not_enough,
        "names": dict(names),
        "born": {str(each.id): each.born for each in found.timeline.strategies},
        "ids": list(moment.ids),
        "novelty": None if found.novelty is None else brief(found.novelty.score),
        "changes": [asdict(change) for change in moment.changes],
    }


def _clusters(strategies: Strategies, drawn: Embedding, frames: int) -> Json:
    points: list[list[float] | None] = [None] * frames
    for place, (x, y) in zip(drawn.index.tolist(), drawn.position.tolist(), strict=True):
        points[place] = [brief(x), brief(y)]
    known = {each.id: each for each in strategies.timeline.strategies}
    reasons = strategies.explanations or (None,) * len(strategies.found.clusters)
    return {
        "target": strategies.target,
        "points": points,
        "labels": strategies.found.labels.tolist(),
        "clusters": [
            {
                "id": number,
                "name": name,
                "occupancy": brief(cluster.occupancy),
                "typical": list(cluster.typical),
                "in_pixels": cluster.in_pixels,
                "profile": {e: brief(part) for e, part in known[number].profile.items()},
                "agreement": None if reason is None else brief(reason.agreement),
            }
            for number, name, cluster, reason in zip(
                strategies.moment.ids,
                strategies.moment.names,
                strategies.found.clusters,
                reasons,
                strict=True,
            )
        ],
    }
