"""What the Strategies page reads, and in which form: written by the monitor, read by TensorBoard's
tab, by ``rlmonitor report`` and by the page itself. Standard library only.

A *record* is JSON in a string tensor under the plugin `ROUNDS`, at the step of its round:

``page/round``
    ``format`` · ``timestep`` · ``values``: name of a curve to its number · ``scores`` of the games
    that ended · ``elements`` and ``outside``: names · ``targets``: target to its scope, as
    ``{"q": "value"}`` · ``trust``: target to its numbers · ``strategies``: ``target``, ``names``,
    ``ids``, ``born``, ``changes``, ``novelty``, or ``not_enough`` · ``how``: ``composite``,
    ``env_id``, ``elements_from`` (`rlmonitor.recording.Recording`), ``versions`` and the monitor's
    settings
``page/events``
    ``format`` · ``timestep`` · ``events``: all of this timestep so far, each with ``kind``,
    ``text`` and ``evidence``. TensorBoard's fast loader keeps one point a step, so a record repeats
    those before it.

A *part* is a sequence of byte strings under the plugin `PICTURES`, in ``page/clip`` (consecutive
play), ``page/probe`` (frames that stay the same) and ``page/play`` (frames spread over the play,
with their strategies). The first one is a JSON header; N is its number of ``frames``:

    ``format`` · ``timestep`` · ``part`` · ``frames`` · ``palette``: RGB triples · ``screen`` and
    ``grid``: height and width · ``elements`` · ``actions`` · ``outputs`` ``[N][A]`` · ``logits``:
    whether they are · ``action``, ``score``, ``step`` ``[N]`` · ``shares``: target to element to
    ``[N]`` · ``frame_share``: target to ``[N][C]`` · ``captions`` ``[N]`` or null · ``strategies``:
    ``target``, ``points`` ``[N][2]`` (null: not shown), ``labels`` ``[N]`` (place in ``clusters``,
    −1: none), ``clusters`` · ``arrays``: the other byte strings, in their order, each with
    ``name``, ``shape``, ``type`` (``uint8`` or ``int8``), ``delta`` (whether each frame but the
    first is XORed with the one before) and, of relevance, ``levels`` and ``scale``:
    relevance = value / levels * scale

Arrays are zlib streams. Their names: ``screen``: palette numbers · ``elements``: numbers of
elements on the observation's grid · ``relevance/<target>``: signed, summed over the stack ·
``stack/<target>``: ``[N, C, h, w]``, each frame of the stack at half the resolution ·
``strategies/mean``: ``[clusters, h, w]``, mean |maps|, each on a scale of its own ·
``strategies/explanation``: the same on a grid of its own, what puts the first typical frame of each
cluster into it; only where there are two clusters or more, as is their ``agreement``, the part of
the members that the explained network puts there too.

A reader refuses what has another ``format``; names that it does not know it leaves alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rlmonitor.errors import MALFORMED

FORMAT = 1

ROUNDS, PICTURES = "rlmonitor", "rlmonitor_pictures"
"""TensorBoard's names of the plugins that the data belong to; the first one is the tab's too."""

KEPT = {ROUNDS: 0, PICTURES: 60}
"""How many points a tag TensorBoard keeps in memory; 0 is all of them. A round's pictures take
some 400 KB, its numbers 12 KB."""

ROUND, EVENTS = "page/round", "page/events"
PARTS = {"clip": "page/clip", "probe": "page/probe", "play": "page/play"}
"""A part's name to its tag."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Stored:
    """What is known of a run, before it is put in order.

    Attributes:
        rounds: texts of records of rounds, in the order of writing.
        events: texts of records of events.
        parts: part to timestep to a key that changes when its bytes do.
        problems: sentences that say what could not be read.
    """

    rounds: Sequence[str | bytes]
    events: Sequence[str | bytes] = ()
    parts: Mapping[str, Mapping[int, str]] | None = None
    problems: Sequence[str] = ()


def dump(record: Mapping[str, Any]) -> str:
    """A record or header as strict JSON.

    Raises:
        ValueError: a number that is not finite.
    """
    return json.dumps(record, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def index_of(run: str, stored: Stored) -> Json:
    """All that the page needs of a run but its pictures, in columns.

    Returns:
        ``format`` · ``run`` · ``timesteps`` ``[R]`` · ``values``: name to ``[R]`` (null: not
        known) · ``rounds`` ``[R]``: the rest of each record, ``how`` only where it differs from
        the round before · ``events`` · ``parts`` · ``problems``.
    """
    problems = list(stored.problems)
    rounds = _by_timestep(stored.rounds, "round", _is_round, problems)
    events = _by_timestep(stored.events, "record of events", _is_events, problems)
    names = dict.fromkeys(name for each in rounds for name in each["values"])
    return {
        "format": FORMAT,
        "run": run,
        "timesteps": [each["timestep"] for each in rounds],
        "values": {name: [each["values"].get(name) for each in rounds] for name in names},
        "rounds": list(_without_repetition(rounds)),
        "events": [
            {**event, "timestep": each["timestep"]}
            for each in events
            for event in each.get("events", ())
        ],
        "parts": {
            part: {str(step): key for step, key in sorted(steps.items())}
            for part, steps in (stored.parts or {}).items()
        },
        "problems": problems,
    }


def _is_round(record: Json) -> bool:
    return isinstance(record.get("values"), dict)


def _is_events(record: Json) -> bool:
    events = record.get("events")
    return isinstance(events, list) and all(isinstance(each, dict) for each in events)


def _by_timestep(
    texts: Iterable[str | bytes], what: str, whole: Callable[[Json], bool], problems: list[str]
) -> list[Json]:
    """Records that can be read, ascending, of equal timesteps the last; problems get the rest."""
    known: dict[int, Json] = {}
    unreadable, foreign = 0, set()
    for text in texts:
        record = _record(text, whole)
        if record is None:
            unreadable += 1
        elif record.get("format") != FORMAT:
            foreign.add(str(record.get("format"))[:20])
        else:
            known[record["timestep"]] = record
    if unreadable:
        problems.append(f"{unreadable} of the {what}s cannot be read: what they hold is damaged.")
    if foreign:
        formats = ", ".join(sorted(foreign))
        problems.append(
            f"Some of the {what}s have format {formats}; this page reads format {FORMAT}. "
            "The rlmonitor that wrote them shows them."
        )
    return [known[step] for step in sorted(known)]


def _record(text: str | bytes, whole: Callable[[Json], bool]) -> Json | None:
    """A whole record with a timestep, or another format's; None for anything else."""
    try:
        record: Json = json.loads(text, parse_constant=_refuse)
        if record.get("format") != FORMAT:
            return {"format": record.get("format")}
        return record if isinstance(record["timestep"], int) and whole(record) else None
    except MALFORMED:
        return None


def _refuse(name: str) -> None:
    """NaN and infinities, which JSON does not have and a browser cannot read."""
    raise ValueError(f"{name} is no number of JSON")


def _without_repetition(rounds: Iterable[Json]) -> Iterable[Json]:
    before: object = None
    for each in rounds:
        rest = {name: value for name, value in each.items() if name not in {"values", "format"}}
        if rest.get("how") == before:
            rest.pop("how", None)
        else:
            before = rest.get("how")
        yield rest
