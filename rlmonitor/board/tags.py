"""Names of everything that goes to TensorBoard; no tag is spelled anywhere else.

A statistic of relevance has the tag ``<scope>/<statistic>[/<element>]``. The scope says which
question was asked (`VALUE`, `CHOICE`) and of which frames and network (`PLAY`, `PROBE`, `RANDOM`):

>>> relative(scope("q"), "ball"), relative(scope("advantage", PROBE), "ball")
('value/relative/ball', 'probe_choice/relative/ball')
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rlmonitor.errors import ConfigurationError, UnknownNameError

VALUE, CHOICE = "value", "choice"
QUESTIONS = {"q": VALUE, "value": VALUE, "advantage": CHOICE}
"""For a target the question that it answers: what the agent values, and what it decides by."""

PLAY, PROBE, RANDOM = "play", "probe", "random"
SOURCES = {PLAY: "", PROBE: "probe_", RANDOM: "random_"}
"""Prefixes: the agent's own play, the fixed probe, and an untrained network on the probe."""

PARTS = ("positive", "negative")
"""What speaks for and against the explained value."""

EVENTS = "events"
RELEVANCE_PLAY, RELEVANCE_PROBE = "relevance/play", "relevance/probe"
STRATEGY_CLUSTERS, STRATEGY_NOVELTY = "strategy/clusters", "strategy/novelty"
STRATEGY_EIGENGAP, STRATEGY_OVERVIEW = "strategy/eigengap", "strategy/overview"
MONITOR_SECONDS, MONITOR_OVERHEAD = "monitor/seconds", "monitor/overhead"
FAITHFULNESS = (
    "conservation_error",
    "random_network",
    "pixel_flipping",
    "rule_agreement",
    "causal_agreement",
    "ram_agreement",
)

_OWN = frozenset(
    {prefix + question for prefix in SOURCES.values() for question in (VALUE, CHOICE)}
    | {"strategy", "relevance", "faithfulness", "play", "monitor", "page", EVENTS}
)
"""First parts of the tags that a round writes."""

_NAME = re.compile(r"[A-Za-z0-9_.-]+")


def scope(target: str, source: str = PLAY) -> str:
    """The first part of a tag, such as ``value``, ``probe_choice`` or ``random_value``.

    Args:
        target: what is explained; those in `QUESTIONS` go by their question, others by their name.
        source: a key of `SOURCES`.

    Raises:
        UnknownNameError: a source that is not in `SOURCES`.
        ConfigurationError: a target that cannot be part of a tag.
    """
    if source not in SOURCES:
        raise UnknownNameError("source of frames", source, SOURCES)
    return SOURCES[source] + QUESTIONS.get(target, _checked(target))


def share(scope: str, element: str) -> str:
    """An element's part of all |relevance|."""
    return f"{scope}/share/{_checked(element)}"


def relative(scope: str, element: str, part: str = "") -> str:
    """Mean |relevance| on an element over that of the frame, or a signed part of it.

    >>> relative("value", "ball", "positive")
    'value/relative_positive/ball'

    Args:
        scope: see `scope`.
        element: the element's name.
        part: ``"positive"``, ``"negative"``, or nothing for both.

    Raises:
        UnknownNameError: another part.
    """
    if part and part not in PARTS:
        raise UnknownNameError("part of the relevance", part, PARTS)
    return f"{scope}/relative{'_' if part else ''}{part}/{_checked(element)}"


def ram_effect(scope: str, element: str) -> str:
    """What taking the element out of the emulator's memory changes."""
    return f"{scope}/ram_effect/{_checked(element)}"


def ram_action_changed(element: str) -> str:
    """Part of the frames in which another action becomes greedy then."""
    return f"{CHOICE}/ram_action_changed/{_checked(element)}"


def effect(scope: str, element: str) -> str:
    """How much the explained value changes when an element is taken away."""
    return f"{scope}/effect/{_checked(element)}"


def action_changed(element: str) -> str:
    """The share of frames in which another action becomes greedy without an element."""
    return f"{CHOICE}/action_changed/{_checked(element)}"


def strategy(number: int) -> str:
    """The part of the frames that belong to a strategy, by its number."""
    return f"strategy/cluster/{number}"


def context(scope: str) -> str:
    """Relevance outside all elements over that inside."""
    return f"{scope}/context"


def entropy(scope: str) -> str:
    """How widely relevance is spread."""
    return f"{scope}/entropy"


def frame_share(scope: str, frame: int, stack: int) -> str:
    """A frame of the stack's part of all |relevance|.

    >>> [frame_share("value", frame, 4) for frame in range(4)][::3]
    ['value/frame_share/t-3', 'value/frame_share/t']

    Args:
        scope: see `scope`.
        frame: 0 for the oldest frame, ``stack - 1`` for the newest.
        stack: frames in the stack.
    """
    age = stack - 1 - frame
    return f"{scope}/frame_share/t{f'-{age}' if age else ''}"


def faithfulness(measure: str) -> str:
    """How far the maps may be believed, by a measure of `FAITHFULNESS`."""
    if measure not in FAITHFULNESS:
        raise UnknownNameError("measure of faithfulness", measure, FAITHFULNESS)
    return f"faithfulness/{measure}"


def is_own(tag: str) -> bool:
    """Whether a round writes this tag, rather than the training.

    >>> is_own("probe_value/share/ball"), is_own("rollout/ep_rew_mean")
    (True, False)
    """
    return tag.partition("/")[0] in _OWN


def one_of(tags: Iterable[str]) -> str:
    """A regular expression for exactly these tags.

    >>> one_of(["value/entropy", "choice/entropy"])
    '^(value/entropy|choice/entropy)$'
    """
    return f"^({'|'.join(map(re.escape, tags))})$"


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot be part of a TensorBoard tag; use letters, digits, '_', '.' and '-'"
        )
    return name
