"""What a file is, and whether it is safe to read; nothing in it runs unless it is trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from rlmonitor.errors import RlmonitorError
from rlmonitor.probe import load_probe
from rlmonitor.progress import stages
from rlmonitor.replay import checkpoints
from rlmonitor.replay.buffers import open_buffer
from rlmonitor.replay.datasets import open_dataset
from rlmonitor.replay.files import opened
from rlmonitor.replay.frames import BUFFER, DATASET, PROBE_FILE, VIDEO, RecordingFile
from rlmonitor.replay.sb3_zip import look_at_agent
from rlmonitor.replay.sources import AGENT, CheckpointFile, find_sources
from rlmonitor.replay.store import read_attributes, read_described
from rlmonitor.replay.videos import look_at_video
from rlmonitor.replay.weights import look_at_state

MANY = 8
"""Files from which on a bar shows how many are left."""

IN_JSON_ONLY = frozenset({"versions", "checkpoint"})
"""Facts that would fill the screen."""


_SAFE = {False: "safe to read", True: "not safe: it was unpickled, because you trust it"}


@dataclass(frozen=True)
class Inspection:
    """What was found out about a file.

    Attributes:
        path: of the file.
        kind: what it is; empty where nobody can tell.
        facts: name to a plain value: algorithm, shapes, timestep, environment, composite, …
        problem: why it cannot be read safely, in one line; empty if it can.
        trusted: whether it was read only because somebody trusts it.
    """

    path: str
    kind: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    trusted: bool = False


def inspect_files(
    paths: Sequence[str], *, trust: bool = False, progress: bool = False
) -> tuple[Inspection, ...]:
    """What files, and the files in folders and runs, are.

    Args:
        paths: of files, folders and runs, or URLs of these.
        trust: unpickle what can only be unpickled, which may run anything.
        progress: show a bar where there are many.

    Raises:
        ConfigurationError: a path that leads nowhere.
    """
    found = find_sources(paths, trust=trust)
    every: list[CheckpointFile | RecordingFile] = [*found.checkpoints, *found.recordings]
    looked = []
    with stages(len(every), shown=progress and len(every) >= MANY) as advance:
        for each in every:
            advance(each.path)
            looked.append(_inspected(each))
    broken = [Inspection(each.path, problem=each.what) for each in found.problems]
    return (*looked, *broken)


def as_json(found: Sequence[Inspection]) -> list[dict[str, Any]]:
    """Everything, as plain values."""
    return [
        {
            "path": one.path,
            "kind": one.kind,
            "safe": not (one.problem or one.trusted),
            "problem": one.problem,
            **one.facts,
        }
        for one in found
    ]


def as_text(found: Sequence[Inspection]) -> Iterator[RenderableType]:
    """Two paragraphs for each file: what it is, and what it holds or why it cannot be read."""
    for one in found:
        kind = f" · {one.kind}" if one.kind else ""
        verdict = "not read" if one.problem else _SAFE[one.trusted]
        colour = "red" if one.problem else "yellow" if one.trusted else "green"
        yield Text.assemble(_plain(one.path, "bold"), _plain(kind), " · ", (verdict, colour))
        facts = [f"{name} {_shown(value)}" for name, value in one.facts.items()
                 if name not in IN_JSON_ONLY]  # fmt: skip
        yield Padding(_plain(one.problem or " · ".join(facts)), (0, 0, 0, 4), expand=False)


def _inspected(source: CheckpointFile | RecordingFile) -> Inspection:
    kind = source.kind
    try:
        facts = _checkpoint(source) if isinstance(source, CheckpointFile) else _recording(source)
    except RlmonitorError as error:
        return Inspection(source.path, kind, problem=str(error))
    return Inspection(source.path, kind, facts, trusted=kind == BUFFER)


def _checkpoint(source: CheckpointFile) -> dict[str, Any]:
    if source.kind == AGENT:
        return _agent(source)
    if source.path.endswith(".safetensors"):
        header = checkpoints.read_header(source.path)
        own = {
            name: header.metadata[name] for name in ("network", "game") if name in header.metadata
        }
        return own | {"timestep": source.timestep, "tensors": _lists(header.shapes)}
    with opened(source.path) as file:
        return {"timestep": source.timestep,
                "tensors": _lists(look_at_state(file, source.path).shapes)}  # fmt: skip


def _agent(source: CheckpointFile) -> dict[str, Any]:
    with opened(source.path) as file:
        agent = look_at_agent(file, source.path)
        return {
            "algorithm": agent.algorithm,
            "timestep": agent.timesteps,
            "observation": list(agent.observation_space.shape),
            "actions": agent.n_actions,
            "stable-baselines3": agent.version,
            "tensors": _lists(agent.state.shapes),
        }


def _recording(source: RecordingFile) -> dict[str, Any]:
    if source.kind in _FOREIGN:
        notes = {"note": "; ".join(source.notes)} if source.notes else {}
        return _FOREIGN[source.kind](source) | notes
    attributes = read_attributes(source.path)
    told = ("timestep", "composite", "checkpoint", "seed", "versions")
    part = "probe" if source.kind == "probe" else "play"
    own = read_described(source.path, part)
    return {
        "frames": source.frames,
        **own,
        **{name: attributes[name] for name in told if name in attributes},
    }


def _buffer(source: RecordingFile) -> dict[str, Any]:
    buffer = open_buffer(source.path)
    return {
        "frames": source.frames,
        "environments": buffer.action.shape[1],
        "observation": list(buffer.observations.shape[2:]),
        "games ended": int(buffer.done.sum()),
    }


def _dataset(source: RecordingFile) -> dict[str, Any]:
    dataset = open_dataset(source.path)
    return {
        "frames": source.frames,
        "episodes": len(dataset.starts) - 1,
        "env": dataset.env_id,
        "observation": list(dataset.shape),
        "format": dataset.format,
        "jpeg": dataset.jpeg,
    }


def _video(source: RecordingFile) -> dict[str, Any]:
    video = look_at_video(source.path)
    return {
        "frames": video.frames,
        "size": [video.height, video.width],
        "a second": round(video.rate, 3),
        "codec": video.codec,
    }


def _probe_file(source: RecordingFile) -> dict[str, Any]:
    probe = load_probe(source.path)
    return {
        "frames": source.frames,
        "env": probe.env_id,
        "observation": list(probe.observation.shape[1:]),
        "elements": list(probe.masks),
        "elements_from": probe.elements_from,
        "memory": probe.ram is not None,
    }


_FOREIGN: Mapping[str, Callable[[RecordingFile], dict[str, Any]]] = {
    BUFFER: _buffer,
    DATASET: _dataset,
    VIDEO: _video,
    PROBE_FILE: _probe_file,
}


def _lists(shapes: Any) -> dict[str, list[int]]:
    return {name: list(shape) for name, shape in shapes.items()}


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        weights = [shape for name, shape in value.items() if name.endswith("weight")]
        return ", ".join(dict.fromkeys("x".join(map(str, shape)) for shape in weights))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _plain(text: str, style: str = "") -> Text:
    """Nothing from a file is markup, nor moves the cursor."""
    shown = "".join(c if c.isprintable() else "?" for c in text)
    return Text(shown, style, overflow="fold")
