"""``rlmonitor report``: the Strategies page as one HTML file, its data inside; it asks nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event

from rlmonitor.board.event_records import records
from rlmonitor.board.page_arrays import Packed, with_levels
from rlmonitor.board.page_data import EVENTS, PARTS, ROUND, Json, Stored, dump, index_of
from rlmonitor.errors import ConfigurationError, StoreError

MOST_BYTES = 10_000_000
"""Of a report; above it relevance is kept in fewer steps, then fewer rounds have pictures."""

FEWER_LEVELS = (31, 15, 7)
_ADDRESS = 80
"""Bytes of a part's address and of its key, beside the run's name."""

Blobs = list[bytes]
Parts = dict[tuple[str, int], Blobs]
"""Part and timestep to its byte strings."""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Strategies</title>
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data: blob:; \
style-src 'unsafe-inline'; script-src 'unsafe-inline'">
</head><body>
<script type="application/json" id="rlmonitor-data">{data}</script>
<script type="module">{script}</script>
</body></html>
"""


def write_report(
    runs: Sequence[Path],
    out: Path,
    most_bytes: int = MOST_BYTES,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> int:
    """Write a report of some runs.

    Args:
        runs: their folders, with event files.
        out: the HTML file.
        most_bytes: how large it may be.
        progress: is told each run before it is read, and that all are written.

    Returns:
        How large it is, in bytes.

    Raises:
        ConfigurationError: a run without data for the page.
        StoreError: an event file that cannot be read, or ``out`` that cannot be written.
    """
    read = {}
    for name, path in _named(runs).items():
        progress(name)
        read[name] = read_run(path)
    progress(out.name)
    stored = {name: found for name, (found, _) in read.items()}
    script = (files("rlmonitor") / "board" / "static" / "index.js").read_text(encoding="utf-8")
    page = script.replace("</script", "<\\/script")
    numbers = _PAGE.format(data=_embedded(stored, {name: {} for name in read}), script=page)
    room = most_bytes - len(numbers.encode())
    parts = _fitting({name: own for name, (_, own) in read.items()}, room)
    text = _PAGE.format(data=_embedded(stored, parts), script=page)
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{out} cannot be written: {error}; name another -o FILE") from error
    return out.stat().st_size


def read_run(run: Path) -> tuple[Stored, Parts]:
    """What the event files of a run hold for the page.

    Raises:
        ConfigurationError: nothing in them is for the page.
        StoreError: a file cannot be read.
    """
    rounds: list[bytes] = []
    events: list[bytes] = []
    parts: Parts = {}
    part_of = {tag: part for part, tag in PARTS.items()}
    for step, tag, strings in _points(run):
        if tag == ROUND:
            rounds.append(b"".join(strings))
        elif tag == EVENTS:
            events.append(b"".join(strings))
        elif tag in part_of:
            parts[part_of[tag], step] = strings
    if not rounds:
        raise ConfigurationError(f"{run} holds no rounds for the page: {_what_to_do(run)}")
    return Stored(rounds, events), parts


def _what_to_do(run: Path) -> str:
    """With a folder whose event files tell nothing for the page."""
    n = len(list(run.glob("rounds/*.zarr")))
    if n:
        return (
            f"it is made of TensorBoard's event files, and beside the {n} rounds on disk there is "
            "none with data of the page; copy the run's events.out.tfevents.* there, or make the "
            "rounds anew with rlmonitor replay CHECKPOINTS --out ANOTHER_RUN"
        )
    below = sorted({path.parent.name for path in run.glob("*/*tfevents*")})[:3]
    if below:
        return f"name a run in it, such as {run / below[0]}"
    return "name the folder of a run that rlmonitor watched, such as runs/DQN_1"


def _points(run: Path) -> Iterator[tuple[int, str, Blobs]]:
    """Step, tag and strings of all points of string tensors, up to where a file is torn."""
    try:
        for path in sorted(run.glob("*tfevents*")):
            for record in records(path):
                event = Event.FromString(record)
                for value in event.summary.value:
                    if value.HasField("tensor") and value.tag.startswith("page/"):
                        yield event.step, value.tag, list(value.tensor.string_val)
    except OSError as error:
        raise StoreError(f"the event files of {run} cannot be read: {error}") from error


def _named(runs: Sequence[Path]) -> dict[str, Path]:
    """Runs by the last part of their paths, by all of it where that is not enough."""
    names = [path.resolve().name for path in runs]
    return {
        name if names.count(name) == 1 else str(path): path
        for name, path in zip(names, runs, strict=True)
    }


def _fitting(parts: Mapping[str, Parts], room: int) -> Mapping[str, Parts]:
    """Parts without frames of the stack, in as many steps and of as many rounds as fit in bytes."""
    for levels in FEWER_LEVELS:
        small = {
            run: {place: _small(blobs, levels) for place, blobs in own.items()}
            for run, own in parts.items()
        }
        if _size(small) <= room:
            return small
    while _size(small) > room and any(len({step for _, step in own}) > 1 for own in small.values()):
        small = {run: _every_second(own) for run, own in small.items()}
    return small


def _small(blobs: Blobs, levels: int) -> Blobs:
    header, arrays = json.loads(blobs[0]), blobs[1:]
    packed = [
        with_levels(each, levels) if each.about.get("levels", 0) > levels else each
        for each in map(Packed, header["arrays"], arrays)
        if not each.about["name"].startswith("stack/")
    ]
    header["arrays"] = [each.about for each in packed]
    return [dump(header).encode(), *(each.data for each in packed)]


def _every_second(parts: Parts) -> Parts:
    """Pictures of every second round, the last one among them."""
    steps = sorted({step for _, step in parts}, reverse=True)[::2]
    return {place: blobs for place, blobs in parts.items() if place[1] in steps}


def _size(parts: Mapping[str, Parts]) -> int:
    """Bytes that parts take: addresses and keys, and the blobs in base64."""
    each = [(run, blobs) for run, own in parts.items() for blobs in own.values()]
    blobs = sum(-(-len(blob) // 3) * 4 + 3 for _, found in each for blob in found)
    return blobs + sum(_ADDRESS + len(run.encode()) for run, _ in each)


def _embedded(stored: Mapping[str, Stored], parts: Mapping[str, Parts]) -> str:
    """All data as JSON that a script element can hold."""
    whole: dict[str, Any] = {
        "runs": [{"name": run, "stamp": ""} for run in stored],
        "indexes": {run: _index(run, found, parts[run]) for run, found in stored.items()},
        "parts": {
            json.dumps([run, part, step], separators=(",", ":"), ensure_ascii=False): [
                base64.b64encode(blob).decode() for blob in blobs
            ]
            for run, own in parts.items()
            for (part, step), blobs in own.items()
        },
    }
    return dump(whole).replace("<", "\\u003c")


def _index(run: str, stored: Stored, parts: Parts) -> Json:
    keys = {part: {step: "0" for p, step in parts if p == part} for part in PARTS}
    return index_of(run, Stored(stored.rounds, stored.events, keys))
