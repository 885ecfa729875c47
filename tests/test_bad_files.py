"""Whatever bytes a reader is given: a value, or one of our errors, in little time; never else.

The readers are those that `benchmarks/fuzz.py` feeds with a million inputs; here hypothesis changes
honest ones.
"""

import json
import time
import warnings
from pathlib import Path

import fuzz_readers
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = {"agent": 15, "round": 40, "video": 20, "training_state": 20, "checkpoint": 40}
"""Inputs of readers that take longer than the others."""


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("honest")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fuzz_readers.honest(folder)
    return folder


@st.composite
def changed(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """An honest input with a few bytes replaced, removed or put in, or cut off; or any bytes."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        removed = draw(st.integers(0, 8))
        data[start : start + removed] = draw(st.binary(max_size=8) | st.sampled_from(NASTY))
    if draw(st.booleans()):
        return bytes(data)
    return (
        draw(st.binary(max_size=64))
        if draw(st.booleans())
        else bytes(data[: draw(st.integers(0, 200))])
    )


NASTY = [
    b"Infinity",
    b"-1",
    b"1e999",
    b"null",
    b"[[[[",
    b"\xff\xfe",
    b"9" * 30,
    b'"',
    b"\x00",
    b"../",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", fuzz_readers.READERS)
def test_changed_inputs_are_read_or_refused(name: str, honest: Path, tmp_path: Path) -> None:
    reader = fuzz_readers.reader(name, honest, tmp_path)
    for seed in reader.seeds:
        reader.read(seed)

    @settings(
        max_examples=EXAMPLES.get(name, 150),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(changed(list(reader.seeds)))
    def read(data: bytes) -> None:
        began = time.process_time()
        reader.read(data)
        assert time.process_time() - began < 1

    read()


DEEP = b"[" * 200_000
FOUND = {
    "toml": [b"[training]\nseed = 0x" + b"f" * 5_000, b"a = " + DEEP, b"[training]\nseed = inf"],
    "history": [
        b'{"timestep": Infinity, "values": {}, "scores": {}, "strategies": {}}\n',
        b'{"timestep": 1, "values": {"a": 1' + b"0" * 400 + b'}, "scores": {}, "strategies": {}}\n',
        DEEP + b"\n",
    ],
    "events": [b'{"kind": "onset", "timestep": 1e999, "text": "", "evidence": {}}\n', DEEP + b"\n"],
    "checkpoint": [b"\0" + json.dumps({"a": {"shape": [float("inf")]}}).encode(), b"\0" + DEEP],
    "manifest": [b"", b"{", b'"a"', b'{"group": 3}', DEEP[:90_000]],
    "page": [b'{"format": {}}', b'{"format": 1, "timestep": 1, "events": [1]}', DEEP],
    "routes": [
        b"0\nrun=a\nhttp://[", b"1\nrun=a&part=clip&timestep=" + b"9" * 5_000 + b"&key=1&i=0\n",
        b"2\nrun=../../etc/passwd\n", b"2\nrun=a\nhttp://evil.example", b"2\nrun=a\nnull",
    ],
}  # fmt: skip
"""Inputs that were once answered by a traceback, and kin of theirs."""


@pytest.mark.slow
@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_once_is_refused(name: str, honest: Path, tmp_path: Path) -> None:
    reader = fuzz_readers.reader(name, honest, tmp_path)
    for data in FOUND[name]:
        reader.read(data)


@pytest.mark.slow
def test_a_round_that_declares_absurd_sizes_is_refused(honest: Path, tmp_path: Path) -> None:
    from rlmonitor.errors import StoreError
    from rlmonitor.replay import store

    fuzz_readers.reader("round", honest, tmp_path)
    place = tmp_path / "rounds" / "0000000007.zarr"
    described = place / "play" / "observation" / "zarr.json"
    told = json.loads(described.read_text())
    for shape, chunk in (
        ((1 << 40, 4, 84, 84), (8, 4, 84, 84)),
        ((8, 4, 84, 84), (1 << 40, 4, 84, 84)),
    ):
        changed = told | {"shape": shape}
        changed["chunk_grid"]["configuration"]["chunk_shape"] = chunk
        described.write_text(json.dumps(changed))
        with pytest.raises(StoreError, match="would grow to"):
            store.read_recording(place)
