"""The 'Custom Scalars' tab: curves that belong together in one chart, one chart an element.

That tab colours curves by run and gives those of one chart different markers, so few go into each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rlmonitor.board import tags

Layout = dict[str, dict[str, list[str | list[str]]]]
"""Category to chart to ``["Multiline", [regular expression over tags]]``, which is what
``SummaryWriter.add_custom_scalars`` takes."""

WHAT_IS_LEFT = ("rest",)
"""Elements that nobody takes away."""

_PLAY = tuple(dict.fromkeys(map(tags.scope, tags.QUESTIONS)))
_PROBE = tuple(
    dict.fromkeys(
        tags.scope(target, source)
        for source in (tags.PROBE, tags.RANDOM)
        for target in tags.QUESTIONS
    )
)


def board_layout(elements: Iterable[str], stack: int = 4) -> Layout:
    """Group the curves of a run.

    Args:
        elements: names of the elements, in the order of their charts.
        stack: frames in the observation's stack.
    """
    names = list(elements)
    measures = {"relative relevance": tags.relative, "share of relevance": tags.share}
    places = {"own play": _PLAY, "fixed probe (flat: an untrained network)": _PROBE}
    layout = {
        f"{measure.capitalize()}, {place}": {
            name: _chart(tag(scope, name) for scope in scopes) for name in names
        }
        for measure, tag in measures.items()
        for place, scopes in places.items()
        if names
    }
    if names:
        layout["What taking it away changes, own play"] = {
            name: _chart(
                [*(tags.effect(scope, name) for scope in _PLAY), tags.action_changed(name)]
            )
            for name in names
            if name not in WHAT_IS_LEFT
        }
    layout["The map as a whole"] = {
        f"{name}, {place}": _chart(map(tag, scopes))
        for name, tag in _WHOLE.items()
        for place, scopes in (("own play", _PLAY), ("fixed probe", _PROBE))
    }
    layout["Frames of the stack, own play"] = {
        scope: _chart(tags.frame_share(scope, frame, stack) for frame in range(stack))
        for scope in _PLAY
    }
    layout["Trust and cost"] = {
        "faithfulness": _chart(map(tags.faithfulness, tags.FAITHFULNESS)),
        "monitor's part of the time": _chart([tags.MONITOR_OVERHEAD]),
        "seconds a round": _chart([tags.MONITOR_SECONDS]),
    }
    return layout


_WHOLE: dict[str, Callable[[str], str]] = {
    "outside / inside the elements": tags.context,
    "entropy": tags.entropy,
}


def _chart(names: Iterable[str]) -> list[str | list[str]]:
    return ["Multiline", [tags.one_of(names)]]
