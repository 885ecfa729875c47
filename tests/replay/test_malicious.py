"""Files made to harm whoever reads them: no code runs, memory stays bounded, one line says why.

Each file is read by ``rlmonitor inspect`` and `load_network` in one process of their own, whose
address space may grow by a quarter of a gigabyte over what an honest file takes.
"""

from __future__ import annotations

import base64
import io
import json
import pickle
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium import spaces
from oracles.networks import Frames
from stable_baselines3 import DQN

GROWTH = 256 << 20
"""Bytes."""


class Four(Frames):
    action_space = spaces.Discrete(4)


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.canary), "w")


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The members of an agent's zip."""
    path = tmp_path_factory.mktemp("honest") / "agent.zip"
    env = Four(spaces.Box(0, 255, (4, 36, 36), np.uint8))
    small = {"features_extractor_kwargs": {"features_dim": 8}}
    DQN("CnnPolicy", env, buffer_size=1, policy_kwargs=small, device="cpu").save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def with_data(members: dict[str, bytes], change: Callable[[dict], None]) -> bytes:
    data = json.loads(members["data"])
    change(data)
    return packed(members | {"data": json.dumps(data).encode()})


def with_index(members: dict[str, bytes], index: bytes) -> bytes:
    """An agent whose ``policy.pth`` has another pickle."""
    with zipfile.ZipFile(io.BytesIO(members["policy.pth"])) as inner:
        parts = {name: inner.read(name) for name in inner.namelist()}
    (name,) = (each for each in parts if each.endswith("data.pkl"))
    return packed(members | {"policy.pth": packed(parts | {name: index})})


def index_of(members: dict[str, bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(members["policy.pth"])) as inner:
        (name,) = (each for each in inner.namelist() if each.endswith("data.pkl"))
        return inner.read(name)


def linked(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            if name != "policy.pth":
                archive.writestr(name, content)
        link = zipfile.ZipInfo("policy.pth")
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return file.getvalue()


def twice(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("policy.pth", members["policy.pth"])
    return file.getvalue()


def safetensors(header: bytes, length: int | None = None) -> bytes:
    return (len(header) if length is None else length).to_bytes(8, "little") + header


def malicious(members: dict[str, bytes], canary: Path) -> dict[str, tuple[bytes, str]]:
    """Name to a file and a part of what is said of it; whatever pickles it holds are bombs."""
    bomb = pickle.dumps(Bomb(canary), protocol=2)
    zeros = bytes(300 << 20)
    bombed_torch = io.BytesIO()
    torch.save({"a": Bomb(canary)}, bombed_torch)
    legacy = io.BytesIO()
    torch.save(Bomb(canary), legacy, _use_new_zipfile_serialization=False)

    def bombed(name: str) -> bytes:
        return packed(members | {name: zeros}, zipfile.ZIP_DEFLATED)

    def shape(*sizes: int) -> Callable[[dict], None]:
        return lambda data: data["observation_space"].update(_shape=list(sizes))

    def kwargs(**own: object) -> Callable[[dict], None]:
        return lambda data: data["policy_kwargs"].update(own)

    tall = {f"bomb-in-{name}.zip": (packed(members | {name: bomb}), said)
            for name, said in (("data", "no JSON"), ("policy.pth", "torn"))}  # fmt: skip
    cycle = b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s."
    huge = b"\x80\x02c__builtin__\nbytearray\n\x8a\x05\x00\x00\x00\x00\x04\x85R."
    lying = index_of(members).replace(b"K\x08", b"J\x00\x00\x00\x40")
    assert lying != index_of(members)
    one = {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}
    huge_tensor = json.dumps({"a": one}).encode()
    return tall | {
        "inner-bomb.zip": (with_index(members, bomb), "wants"),
        "inner-cycle.zip": (with_index(members, cycle), "expected one state dict"),
        "inner-bytearray.zip": (with_index(members, huge), "bytearray"),
        "inner-lie.zip": (with_index(members, lying), "bytes"),
        "inner-nonsense.zip": (with_index(members, b"\x80\x02(((((."), "pickle is nonsense"),
        "inner-endless.zip": (with_index(members, b"\x80\x02}"), "pickle"),
        "state.pth": (bombed_torch.getvalue(), "wants"),
        "legacy.pth": (legacy.getvalue(), "no zip archive"),
        "buffer.pkl": (bomb, "is a pickle"),
        "zip-bomb.zip": (bombed("policy.pth"), "would grow"),
        "data-bomb.zip": (bombed("data"), "would grow"),
        "data-large.zip": (packed(members | {"data": zeros[: 40 << 20]}), "expected at most"),
        "data-many.zip": (packed(members | {"data": b"[" + b"[]," * 3_000_000 + b"0]"}), "values"),
        "data-deep.zip": (packed(members | {"data": b"[" * 500_000}), "no JSON"),
        "traversal.zip": (packed(members | {"../../canary": b"x"}), "leads out"),
        "absolute.zip": (packed(members | {"/etc/passwd": b"x"}), "leads out"),
        "symlink.zip": (linked(members), "symbolic link"),
        "twice.zip": (twice(members), "is there twice"),
        "truncated.zip": (packed(members)[:-1000], "torn"),
        "many.zip": (packed({f"{n:0100d}": b"" for n in range(40_000)}), "table of contents"),
        "empty.zip": (b"", "torn"),
        "shape-huge.zip": (with_data(members, shape(4, 1 << 30, 1 << 30)), "expected at most"),
        "shape-negative.zip": (with_data(members, shape(4, -36, 36)), "observations of shape"),
        "layer-huge.zip": (with_data(members, kwargs(net_arch=[1 << 40])), "a layer of"),
        "layers-large.zip": (with_data(members, kwargs(net_arch=[1 << 16] * 32)), "has shape"),
        "header-huge.safetensors": (safetensors(b"{}", 1 << 40), "a header of"),
        "header-long.safetensors": (safetensors(b" " * (5 << 20)), "a header of"),
        "header-deep.safetensors": (safetensors(b"[" * 100_000), "torn"),
        "tensor-huge.safetensors": (safetensors(huge_tensor), "bytes, expected"),
        "empty.safetensors": (b"", "a header of"),
    }  # fmt: skip


READ = """
import json, resource, sys
from rlmonitor.errors import RlmonitorError
from rlmonitor.replay.inspection import inspect_files
from rlmonitor.replay.sources import load_network
honest, *paths = sys.argv[1:]
load_network(honest)
inspect_files([honest])
used = int(next(l for l in open("/proc/self/status") if l.startswith("VmSize")).split()[1]) << 10
resource.setrlimit(resource.RLIMIT_AS, (used + %d, used + %d))
said = {}
for path in paths:
    (found,) = inspect_files([path])
    try:
        load_network(path)
        said[path] = [found.problem, "loaded"]
    except RlmonitorError as error:
        said[path] = [found.problem, str(error)]
print(json.dumps(said))
"""


@pytest.mark.slow
def test_no_code_runs_and_memory_stays_bounded(honest: dict[str, bytes], tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    files = malicious(honest, canary)
    for name, (content, _) in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "honest.zip").write_bytes(packed(honest))
    read = subprocess.run(
        [sys.executable, "-c", READ % (GROWTH, GROWTH), str(tmp_path / "honest.zip"),
         *(str(tmp_path / name) for name in files)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert read.returncode == 0, read.stderr[-2000:]
    said = json.loads(read.stdout)
    for name, (_, part) in files.items():
        inspected, loaded = said[str(tmp_path / name)]
        assert part in loaded, (name, loaded)
        assert "\n" not in inspected + loaded, name
        assert len(loaded) < 700, (name, loaded)
    assert not canary.exists()


def test_pickles_beside_the_json_are_never_read(honest: dict[str, bytes], tmp_path: Path) -> None:
    """The agent loads as if nothing was there: what is pickled does not count."""
    from rlmonitor.replay.sources import load_network

    canary = tmp_path / "canary"
    bomb = pickle.dumps(Bomb(canary))
    data = json.loads(honest["data"])
    for value in data.values():
        if isinstance(value, dict) and ":serialized:" in value:
            value[":serialized:"] = base64.b64encode(bomb).decode()
    others = {name: bomb for name in honest if name not in ("data", "policy.pth")}
    (tmp_path / "a.zip").write_bytes(packed(honest | others | {"data": json.dumps(data).encode()}))
    (tmp_path / "b.zip").write_bytes(packed(honest))
    observation = np.zeros((1, 4, 36, 36), np.uint8)
    mine, own = (load_network(str(tmp_path / name)) for name in ("a.zip", "b.zip"))
    assert torch.equal(mine.forward(observation), own.forward(observation))
    assert not canary.exists()
    pickle.loads(bomb).close()
    assert canary.exists()  # it would have


def test_the_limit_on_memory_works() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)); "
        "bytearray(2 << 30)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 1
