"""Events: what is worth a person's eye, with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

EventKind = Literal["fault", "budget"]


@dataclass(frozen=True)
class Event:
    """Something that happened at one timestep.

    Attributes:
        kind: ``fault``: the monitor could not do its work; ``budget``: it ran less often than asked
            so that it stays within its budget.
        timestep: ``num_timesteps`` of the training.
        text: one sentence that a person can act on.
        evidence: the numbers behind it.
    """

    kind: EventKind
    timestep: int
    text: str
    evidence: Mapping[str, float] = field(default_factory=dict)
