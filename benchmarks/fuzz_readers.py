"""Everything that rlmonitor reads from files and requests, as functions of some bytes.

Each reader takes bytes, puts them where a stranger's would be (a whole file, or one part of an
honest one: a header, a member, a chunk) and reads the result. It may return, or raise one of
`rlmonitor.errors`; anything else is a finding.
"""

from __future__ import annotations

import io
import json
import shutil
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

import fsspec
import numpy as np
import torch
from safetensors.torch import save
from stable_baselines3 import DQN
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.plugins import base_plugin
from torch.utils.tensorboard import SummaryWriter
from werkzeug.test import Client

from rlmonitor.board import BoardWriter
from rlmonitor.board.page_data import FORMAT, PARTS, ROUND, Stored, dump, index_of
from rlmonitor.board.tab import StrategiesTab
from rlmonitor.configuration import load_configuration, parse_configuration
from rlmonitor.errors import RlmonitorError
from rlmonitor.probe import load_probe, probe_phases, save_probe
from rlmonitor.replay import event_files, store
from rlmonitor.replay.checkpoints import load_checkpoint, read_header
from rlmonitor.replay.curves import cut_curves
from rlmonitor.replay.journal import cut_journals, read_events, read_history
from rlmonitor.replay.sources import load_network, look
from rlmonitor.replay.training_state import load_training_state
from rlmonitor.training import make_env, make_model, train

ROOT = Path(__file__).parent.parent
SMALL = 4_096
"""Bytes of the end of a file that a reader may replace, and of the longest seed."""

Read = Callable[[bytes], None]


@dataclass(frozen=True)
class Reader:
    """One thing that is read.

    Attributes:
        seeds: honest inputs.
        read: takes an input; raises only what is a finding.
    """

    seeds: Sequence[bytes]
    read: Read


def honest(folder: Path) -> None:
    """Write what the readers' inputs are made of: a run with rounds, an agent, a probe."""
    training = {
        "timesteps": 16, "n_envs": 2, "batch_size": 4, "buffer_size": 64, "learning_starts": 8,
        "train_freq": 2, "gradient_steps": 1, "target_update_interval": 16, "log_every": 8,
    }  # fmt: skip
    monitor = {"every": 8, "n_frames": 8, "probe": "none", "games": 0}
    settings = parse_configuration({"training": training, "monitor": monitor}, "honest")
    train(settings, folder / "run", progress=False)
    env = make_env(settings)
    model = make_model(settings, env)
    DQN("CnnPolicy", env, buffer_size=8, policy_kwargs=model.policy_kwargs).save(folder / "a.zip")
    env.close()
    torch.save({"weight": torch.ones(3, 2), "bias": torch.zeros(3)}, folder / "a.pth")
    save_probe(folder / "probe.npz", load_probe("breakout").select([0, 1]), ["a", "b"])


def reader(name: str, folder: Path, scratch: Path) -> Reader:
    """The reader of a name of `READERS`.

    Args:
        name: of it.
        folder: that `honest` has filled.
        scratch: where inputs are written.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return READERS[name](folder, scratch)


def _quietly(*actions: Callable[[], object]) -> None:
    """Do each; an error of ours is an answer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for action in actions:
            with suppress(RlmonitorError):
                action()


def _toml(_: Path, scratch: Path) -> Reader:
    path = scratch / "agent.toml"

    def read(data: bytes) -> None:
        path.write_bytes(data)
        _quietly(lambda: load_configuration(path).flat())

    shipped = [each.read_bytes() for each in sorted((ROOT / "agents").glob("*/agent.toml"))]
    return Reader(
        [*shipped, b"[training]\nseed = 0xff\ngamma = 1e-3\n[agent]\ngame = 'pong'"], read
    )


def _journal(name: str, folder: Path, scratch: Path) -> Reader:
    run = scratch / "journals"
    run.mkdir(exist_ok=True)
    reading = read_history if name.startswith("history") else read_events

    def read(data: bytes) -> None:
        (run / name).write_bytes(data)
        _quietly(lambda: reading(run), lambda: cut_journals(run, 5))

    told = {"kind": "onset", "timestep": 8, "text": "The ball", "evidence": {"z": 2.5, "a": "b"}}
    event = json.dumps(told).encode() + b"\n"
    rounds = (folder / "run" / "history.jsonl").read_bytes()
    small = {"timestep": 3, "values": {"a": 1.5}, "scores": {"b": [1, 2]}, "strategies": {"0": "c"}}
    short = json.dumps(small).encode() + b"\n"
    return Reader([short, rounds[:SMALL]] if name.startswith("history") else [event], read)


def _safetensors(stem: str, folder: Path, scratch: Path) -> Reader:
    source = (
        folder
        / "run"
        / ("training.safetensors" if stem == "training" else "checkpoints/0000016.safetensors")
    )
    whole, path = source.read_bytes(), scratch / f"{stem}.safetensors"
    if stem == "training":  # what is told, before one small tensor
        whole = save({"random.torch": torch.zeros(2)}, dict(read_header(source).metadata))
    start = 8 + int.from_bytes(whole[:8], "little")
    header, tensors = whole[8:start], whole[start:]
    loading: Callable[[Path], object] = (
        load_training_state if stem == "training" else load_checkpoint
    )

    def read(data: bytes) -> None:
        kind, rest = data[:1], data[1:]
        if kind < b"\x80":  # another header before honest tensors
            rest = len(rest).to_bytes(8, "little") + rest + tensors
        path.write_bytes(rest)
        _quietly(lambda: look(str(path)), lambda: read_header(path), lambda: loading(path))

    seeds = [b"\0" + header, b"\xff" + whole[: start + 64]]
    return Reader(seeds, read)


def _members(whole: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _packed(members: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def _agent(folder: Path, scratch: Path) -> Reader:
    whole, path = (folder / "a.zip").read_bytes(), scratch / "a.zip"
    members = _members(whole)
    inner = _members(members["policy.pth"])
    (index,) = (name for name in inner if name.endswith("data.pkl"))

    def read(data: bytes) -> None:
        kind, rest = data[:1], data[1:]
        if kind < b"\x55":
            content = _packed(members | {"data": rest})
        elif kind < b"\xaa":
            content = _packed(members | {"policy.pth": _packed(inner | {index: rest})})
        else:
            content = whole[: -len(rest) or None] + rest
        path.write_bytes(content)
        _quietly(lambda: load_network(str(path)))

    return Reader([b"\0" + members["data"], b"\x60" + inner[index], b"\xff" + whole[-1024:]], read)


def _state_dict(folder: Path, scratch: Path) -> Reader:
    whole, path = (folder / "a.pth").read_bytes(), scratch / "a.pth"
    members = _members(whole)
    (index,) = (name for name in members if name.endswith("data.pkl"))

    def read(data: bytes) -> None:
        kind, rest = data[:1], data[1:]
        path.write_bytes(_packed(members | {index: rest}) if kind < b"\x80" else rest)
        _quietly(
            lambda: look(str(path)),
            lambda: load_network(str(path), architecture="nips"),
        )

    return Reader([b"\0" + members[index], b"\xff" + whole], read)


def _round(folder: Path, scratch: Path) -> Reader:
    source = next(iter(store.rounds(folder / "run").values()))
    place = scratch / "rounds" / "0000000007.zarr"
    shutil.copytree(source, place)
    files = sorted(path for path in place.rglob("*") if path.is_file())
    small = [path for path in files if path.stat().st_size <= SMALL][:255]

    readings: list[Callable[[], object]] = [
        lambda: store.read_recording(place), lambda: store.read_relevance(place),
        lambda: store.read_timeline(place), lambda: store.read_clusters(place),
        lambda: store.read_analysis(place, "clip"), lambda: store.read_described(place),
        lambda: look(str(place)), lambda: store.read_parts(place),
    ]  # fmt: skip

    def read(data: bytes) -> None:
        which, how = (data[:2] + b"\0\0")[:2]
        path = small[which % len(small)]
        before = path.read_bytes()
        path.write_bytes(data[2:])
        try:
            _quietly(lambda: store.read_attributes(place), readings[how % len(readings)])
        finally:
            path.write_bytes(before)

    seeds = [bytes([i, i % len(readings)]) + path.read_bytes() for i, path in enumerate(small)]
    return Reader(seeds, read)


def _manifest(_: Path, __: Path) -> Reader:
    memory = fsspec.filesystem("memory")

    def read(data: bytes) -> None:
        memory.pipe_file("/fuzzed/rounds/0000000001.json", data)
        _quietly(lambda: store.rounds("memory://fuzzed"))

    return Reader([b'{"group": "0000000001-dead.zarr"}'], read)


def _probe(folder: Path, scratch: Path) -> Reader:
    whole, path = (folder / "probe.npz").read_bytes(), scratch / "probe.npz"
    members = _members(whole)
    names = sorted(members)

    def read(data: bytes) -> None:
        kind, rest = data[:1] or b"\0", data[1:]
        name = names[kind[0] % len(names)]
        path.write_bytes(_packed(members | {name: rest}) if kind < b"\xf0" else rest)
        _quietly(lambda: load_probe(path), lambda: probe_phases(path), lambda: look(str(path)))

    own = [bytes([i]) + members[name] for i, name in enumerate(names)]
    return Reader([*(each for each in own if len(each) < SMALL), b"\xff" + whole[-SMALL:]], read)


def _buffer(_: Path, scratch: Path) -> Reader:
    path = scratch / "buffer.pkl"

    def read(data: bytes) -> None:
        path.write_bytes(data)
        _quietly(lambda: look(str(path)))

    return Reader([b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R."], read)


def _dataset(_: Path, scratch: Path) -> Reader:
    place = scratch / "dataset" / "data"
    (place / "0").mkdir(parents=True, exist_ok=True)

    def read(data: bytes) -> None:
        (place / "metadata.json").write_bytes(data)
        _quietly(lambda: look(str(place.parent)))

    box = {"type": "Box", "dtype": "uint8", "shape": [4, 84, 84], "low": 0, "high": 255}
    told = {
        "observation_space": json.dumps(box), "data_format": "arrow", "total_episodes": 1,
        "action_space": json.dumps({"type": "Discrete", "dtype": "int64", "start": 0, "n": 4}),
        "total_steps": 3,
    }  # fmt: skip
    return Reader([json.dumps(told).encode()], read)


def _video(_: Path, scratch: Path) -> Reader:
    from PIL import Image

    path = scratch / "a.gif"
    frames = [Image.fromarray(np.full((21, 16, 3), 30 * i, np.uint8)) for i in range(8)]
    frames[0].save(path, save_all=True, append_images=frames[1:])

    def read(data: bytes) -> None:
        path.write_bytes(data)
        _quietly(lambda: look(str(path)))

    return Reader([path.read_bytes()], read)


def _event_file(_: Path, scratch: Path) -> Reader:
    run = scratch / "curves"
    with SummaryWriter(str(run)) as writer:
        for step in range(8):
            writer.add_scalar("loss", 0.5, step)
        writer.add_text("note", "hello", 3)
    (source,) = run.iterdir()
    path = source.rename(run / "events.out.tfevents.0000000001.a.1.0")

    def read(data: bytes) -> None:
        path.write_bytes(data)
        _quietly(
            lambda: event_files.scalars(run),
            lambda: event_files.clips(run),
            lambda: cut_curves(run, 5),
        )

    return Reader([path.read_bytes()], read)


def _page(_: Path, __: Path) -> Reader:
    def read(data: bytes) -> None:
        json.dumps(index_of("a", Stored([data], [data], {"clip": {3: "1.0"}})))

    values = {"format": FORMAT, "timestep": 3, "values": {"value/share/ball": 0.5}, "how": {"a": 1}}
    events = {"format": FORMAT, "timestep": 3, "events": [{"kind": "onset", "text": "a"}]}
    return Reader([dump(values).encode(), dump(events).encode()], read)


def _routes(_: Path, scratch: Path) -> Reader:
    run = scratch / "logs" / "a"
    writer = BoardWriter.open(None, run)
    writer.part(PARTS["clip"], [b"{}", b"screen"], 3)
    writer.record(ROUND, dump({"format": FORMAT, "timestep": 3, "values": {"a": 1.0}}), 3)
    writer.close()
    multiplexer = EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(run.parent))
    multiplexer.Reload()
    context = base_plugin.TBContext(data_provider=MultiplexerDataProvider(multiplexer, ""))
    clients = {path: Client(app) for path, app in StrategiesTab(context).get_plugin_apps().items()}
    paths = sorted(clients)

    def read(data: bytes) -> None:
        which, query, origin = [*data.split(b"\n", 2), b"", b""][:3]
        path = paths[which[0] % len(paths)] if which else "/run"
        headers = {"Origin": origin.decode("latin-1").translate({10: 32, 13: 32})} if origin else {}
        answer = clients[path].get(path, query_string=quote(query, safe="=&%+"), headers=headers)
        if answer.status_code not in (200, 400, 403, 404):
            raise AssertionError(f"status {answer.status_code} for {path}?{query!r}")
        if answer.status_code != 200:
            assert "error" in (answer.json or {})
        if origin and b"localhost" not in origin:
            assert answer.status_code != 200

    seeds = [
        b"2\nrun=a\n", b"1\nrun=../../etc/passwd\nhttp://evil.example", b"0\n\nhttp://localhost",
        b"1\nrun=a&part=clip&timestep=3&key=1.0&i=0\n", b"3\n\n",
    ]  # fmt: skip
    return Reader(seeds, read)


READERS: dict[str, Callable[[Path, Path], Reader]] = {
    "toml": _toml,
    "history": partial(_journal, "history.jsonl"),
    "events": partial(_journal, "events.jsonl"),
    "checkpoint": partial(_safetensors, "a"),
    "training_state": partial(_safetensors, "training"),
    "agent": _agent,
    "state_dict": _state_dict,
    "round": _round,
    "manifest": _manifest,
    "probe": _probe,
    "buffer": _buffer,
    "dataset": _dataset,
    "video": _video,
    "event_file": _event_file,
    "page": _page,
    "routes": _routes,
}
