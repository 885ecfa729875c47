"""Events: what is worth a person's eye, with its evidence."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from rlmonitor.errors import MALFORMED, ConfigurationError, StoreError, UnknownNameError

EventKind = Literal[
    "fault",
    "budget",
    "onset",
    "shift",
    "display-reliance",
    "shortcut",
    "new-strategy",
    "collapse",
    "exploit",
    "memorised",
]

Evidence = Mapping[str, float | str]

EVENT_KINDS: tuple[str, ...] = get_args(EventKind)


@dataclass(frozen=True)
class Event:
    """Something that happened at one timestep.

    Attributes:
        kind: ``fault``: the monitor could not do its work; ``budget``: it ran less often than asked
            so that it stays within its budget; the others are what `rlmonitor.strategy.detectors`
            finds: ``onset``, ``shift``, ``display-reliance``, ``shortcut``, ``new-strategy``,
            ``collapse``, ``exploit``, ``memorised``.
        timestep: ``num_timesteps`` of the training.
        text: one sentence that a person can act on.
        evidence: the numbers behind it, and what a fault said.
    """

    kind: EventKind
    timestep: int
    text: str
    evidence: Evidence = field(default_factory=dict)


def to_json(event: Event) -> str:
    """One line of ``events.jsonl``: strict JSON, so numbers that are not finite become null.

    >>> to_json(Event("budget", 7, "Late.", {"due": 5.0}))
    '{"kind": "budget", "timestep": 7, "text": "Late.", "evidence": {"due": 5.0}}'
    """
    known = {name: _json_value(value) for name, value in event.evidence.items()}
    return json.dumps(asdict(event) | {"evidence": known}, allow_nan=False, ensure_ascii=False)


def from_json(line: str) -> Event:
    """What `to_json` wrote; evidence without a number is left out.

    Raises:
        StoreError: not one line of ``events.jsonl``.
    """
    try:
        fields: dict[str, Any] = json.loads(line)
        evidence = {
            str(name): value if isinstance(value, str) else float(value)
            for name, value in fields["evidence"].items()
            if value is not None
        }
        kind = checked_kind(fields["kind"])
        return Event(kind, int(fields["timestep"]), str(fields["text"]), evidence)
    except MALFORMED as error:
        raise StoreError(f"{line[:80]!r} is no event: {error}") from error


def _json_value(value: float | str) -> float | str | None:
    if isinstance(value, str):
        return value
    return float(value) if math.isfinite(value) else None


def checked_kind(kind: str) -> EventKind:
    """A kind of event.

    Raises:
        UnknownNameError: there is none of that name.
        ConfigurationError: not a name.
    """
    if not isinstance(kind, str):
        raise ConfigurationError(f"a kind of event is a name, got {kind!r}")
    if kind not in EVENT_KINDS:
        raise UnknownNameError("kind of event", kind, EVENT_KINDS)
    return kind  # type: ignore[return-value]  # one of the literals, as was just looked up
