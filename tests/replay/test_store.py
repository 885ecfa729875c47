"""Rounds on disk: read back by plain zarr, whole or absent."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import fsspec
import numpy as np
import pytest
import zarr

from rlmonitor.errors import ConfigurationError, DependencyError, StoreError
from rlmonitor.recording import Recording
from rlmonitor.replay import packing, store
from rlmonitor.replay.folders import is_running
from rlmonitor.round import Analysis, Round
from rlmonitor.strategy.pooling import pool, pool_frames


def analysis(n=3, seed=0, ram=True):
    rng = np.random.default_rng(seed)
    masks = {"ball": rng.random((n, 6, 5)) < 0.3}
    masks["rest"] = ~masks["ball"]
    recording = Recording(
        observation=rng.integers(0, 256, (n, 2, 6, 5), dtype=np.uint8),
        screen=rng.integers(0, 256, (n, 12, 10, 3), dtype=np.uint8),
        action=rng.integers(0, 4, n),
        reward=rng.random(n).astype(np.float32),
        score=np.arange(n, dtype=np.float32),
        done=np.zeros(n, bool),
        step=np.arange(n),
        masks=masks,
        ram=rng.integers(0, 256, (n, 2, 128), dtype=np.uint8) if ram else None,
        env_id="Planted-v0",
        action_meanings=("NOOP", "FIRE"),
    )
    maps = {t: rng.standard_normal((n, 2, 6, 5)).astype(np.float32) for t in ("q", "advantage")}
    maps["q"] *= 1e-7  # smaller than half precision can hold by itself
    pooled = {t: pool_frames(m, masks) for t, m in maps.items()}
    return Analysis(
        recording=recording,
        relevance=maps,
        explained={t: m.sum(axis=(1, 2, 3)) for t, m in maps.items()},
        outputs=rng.random((n, 2)).astype(np.float32),
        pooled=pooled,
        statistics={t: pool(p) for t, p in pooled.items()},
        conservation_error=1e-7,
    )


def a_round(timestep=1000, **settings):
    found = analysis(**settings)
    return Round(timestep, "epsilon-plus-flat", found, analysis(seed=1), None, None, {"q": 0.5})


def test_what_is_read_is_what_was_written(run_dir):
    found = a_round()
    path = store.write_round(run_dir, found, {"seed": 3})
    assert store.rounds(run_dir) == {1000: path}
    assert store.read_attributes(path)["seed"] == 3
    assert store.read_attributes(path)["composite"] == "epsilon-plus-flat"
    back = store.read_recording(path, "play")
    for name in ("observation", "screen", "action", "reward", "score", "done", "step", "ram"):
        expected = getattr(found.play.recording, name)
        np.testing.assert_array_equal(getattr(back, name), expected)
        assert getattr(back, name).dtype == expected.dtype
    assert list(back.masks) == ["ball", "rest"]
    assert back.env_id == "Planted-v0"
    assert back.action_meanings == ("NOOP", "FIRE")


def test_maps_are_kept_to_half_precision_however_small(run_dir):
    found = a_round()
    path = store.write_round(run_dir, found)
    for target, maps in found.clip.relevance.items():
        back = store.read_relevance(path, "clip")[target]
        assert np.abs(back - maps).max() <= 2**-10 * np.abs(maps).max()
    for target, maps in found.play.relevance.items():
        summed = maps.sum(axis=1, keepdims=True)
        back = store.read_relevance(path, "play")[target]
        assert back.shape == summed.shape
        assert np.abs(back - summed).max() <= 2**-10 * np.abs(summed).max()


def test_plain_zarr_reads_it(run_dir):
    found = a_round()
    group = zarr.open_group(store.write_round(run_dir, found), mode="r")
    np.testing.assert_array_equal(group["play/outputs"][:], found.play.outputs)
    share = group["play"].attrs["statistics"]["q"]["share"]["ball"]
    assert share == found.play.statistics["q"].share["ball"]


def test_without_memory_there_is_none(run_dir):
    path = store.write_round(run_dir, a_round(ram=False))
    assert store.read_recording(path).ram is None


def test_a_round_written_again_replaces_the_old_one(run_dir):
    store.write_round(run_dir, a_round(), {"seed": 1})
    path = store.write_round(run_dir, replace(a_round(), composite="epsilon"), {"seed": 2})
    assert store.read_attributes(path)["composite"] == "epsilon"
    assert [p.name for p in path.parent.iterdir()] == ["0000001000.zarr"]


def test_rounds_are_in_numerical_order_and_can_be_bounded(run_dir):
    for timestep in (900, 10_000, 50, 123_456_789_012):
        store.write_round(run_dir, a_round(timestep))
    assert list(store.rounds(run_dir)) == [50, 900, 10_000, 123_456_789_012]
    store.discard_after(run_dir, 10_000)
    assert list(store.rounds(run_dir)) == [50, 900, 10_000]
    store.keep_latest(run_dir, 2)
    assert list(store.rounds(run_dir)) == [900, 10_000]
    store.keep_latest(run_dir, 0)
    assert store.rounds(run_dir) == {}


def test_a_fault_while_writing_leaves_nothing_behind(run_dir, monkeypatch):
    store.write_round(run_dir, a_round(1))

    usual = store.write_files

    def full(place, files):
        usual(place, dict(list(files.items())[:3]))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "write_files", full)
    with pytest.raises(StoreError, match="No space left"):
        store.write_round(run_dir, a_round(2))
    assert [p.name for p in (run_dir / "rounds").iterdir()] == ["0000000001.zarr"]


def test_what_is_no_round_names_itself(run_dir):
    path = store.write_round(run_dir, a_round())
    with pytest.raises(StoreError, match="'probe'"):
        store.read_recording(path, "probe")
    with pytest.raises(StoreError, match="elsewhere"):
        store.read_recording(run_dir / "elsewhere.zarr")
    zarr.open_group(path, mode="r+").attrs["format"] = 99
    with pytest.raises(
        StoreError, match=r"format 99, which a newer rlmonitor wrote; .* reads format 1"
    ):
        store.read_recording(path)
    zarr.open_group(path, mode="r+").attrs["format"] = "a picture"
    with pytest.raises(StoreError, match="'a picture', expected 1"):
        store.read_attributes(path)


@pytest.fixture
def bucket():
    """A run on an object store: fsspec's memory file system knows no rename of folders either."""
    yield "memory://bucket/run"
    fsspec.filesystem("memory").rm("/bucket", recursive=True)


def objects(url):
    found = fsspec.filesystem("memory").find(url.removeprefix("memory:/"))
    return {path.removeprefix("/bucket/run/") for path in found}


def test_an_object_store_keeps_rounds_and_probe_as_a_disk_does(run_dir, bucket):
    for run in (run_dir, bucket):
        for timestep in (900, 10_000, 50):
            store.write_round(run, a_round(timestep, seed=timestep), {"seed": timestep})
        store.write_probe(run, a_round().play.recording)
        store.discard_after(run, 900)
    assert list(store.rounds(bucket)) == [50, 900]
    for here, there in zip(
        store.rounds(run_dir).values(), store.rounds(bucket).values(), strict=True
    ):
        assert store.read_attributes(here) == store.read_attributes(there)
        for part in ("play", "clip"):
            assert_same_recording(*(store.read_recording(each, part) for each in (here, there)))
            ours, theirs = (store.read_relevance(each, part) for each in (here, there))
            np.testing.assert_array_equal(ours["q"], theirs["q"])
    assert_same_recording(store.read_probe(bucket), store.read_probe(run_dir))
    store.keep_latest(bucket, 0)
    assert store.rounds(bucket) == {}
    kept = {each.partition("/")[0].partition("-")[0] for each in objects(bucket)}
    assert kept == {"probe.json", "probe"}


def assert_same_recording(a, b):
    for name in ("observation", "screen", "action", "score", "ram"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert list(a.masks) == list(b.masks)
    assert a.env_id == b.env_id


def test_on_an_object_store_the_manifest_makes_the_round(bucket, monkeypatch):
    path = store.write_round(bucket, a_round(1))
    order = []
    memory = fsspec.filesystem("memory")
    put, cut = type(memory).pipe_file, {"after": None}

    def pipe_file(self, path, value, **kwargs):
        if len(order) == cut["after"]:
            raise OSError("the connection is gone")
        order.append(path)
        return put(self, path, value, **kwargs)

    monkeypatch.setattr(type(memory), "pipe_file", pipe_file)
    store.write_round(bucket, a_round(2))
    assert order[-1] == "/bucket/run/rounds/0000000002.json"
    requests = len(order)
    for cut["after"] in (
        0,
        1,
        requests // 2,
        requests - 1,
    ):  # a writer that stops before any of its requests
        order.clear()
        with pytest.raises(StoreError, match="the connection is gone"):
            store.write_round(bucket, replace(a_round(1), composite="epsilon"))
        assert store.rounds(bucket)[1] == path
        assert store.read_attributes(path)["composite"] == "epsilon-plus-flat"
        assert len(store.read_recording(path, "clip")) == 3


def test_what_no_manifest_names_is_swept(bucket):
    path = store.write_round(bucket, a_round(1))
    zarr.create_group("memory://bucket/run/rounds/0000000002-dead.zarr")  # its writer was killed
    assert list(store.rounds(bucket)) == [1]
    store.sweep(bucket)
    left = {each.split("/")[1] for each in objects(bucket)}
    assert left == {path.rpartition("/")[2], "0000000001.json"}


def test_a_url_that_nothing_can_open_says_what_would(run_dir):
    with pytest.raises(ConfigurationError, match=r"nowhere://run .* s3://bucket/run"):
        store.rounds("nowhere://run")
    with pytest.raises(DependencyError, match="gcs"):
        store.rounds("gs://bucket/run")
    store.write_round(f"file://{run_dir}", a_round(7))
    assert list(store.rounds(run_dir)) == [7]


@pytest.mark.slow
def test_arrays_are_the_files_that_zarr_itself_writes():
    rng, theirs = np.random.default_rng(0), {}
    found = {
        "screen": rng.integers(0, 9, (3, 5, 4), np.uint8),
        "relevance": rng.normal(size=(3, 1, 4, 4)).astype(np.float16),
        "reward": rng.normal(size=3).astype(np.float32),
        "action": np.arange(3),
        "mask": rng.random((3, 4, 4)) < 0.5,
        "nowhere": np.zeros((3, 4, 4), np.bool_),
        "turned": np.arange(12.0).reshape(3, 4).T,
    }
    root = zarr.create_group(zarr.storage.MemoryStore(theirs), attributes={"order": ["a"]})
    codec = zarr.codecs.ZstdCodec(level=packing.LEVEL, checksum=False)
    for name, array in found.items():
        root.create_array(
            name, data=np.ascontiguousarray(array), chunks=array.shape, compressors=codec
        )
    expected = {path: content.to_bytes() for path, content in theirs.items()}
    ours = packing.group("", {"order": ["a"]}) | {
        path.lstrip("/"): content for path, content in packing.arrays("", found).items()
    }
    assert ours.keys() == expected.keys()
    for path, content in ours.items():
        if path.endswith(".json"):
            told = json.loads(expected[path])
            told.pop("consolidated_metadata", None)
            assert json.loads(content) == told, path
        else:
            assert content == expected[path], path


def test_plain_zarr_alone_reads_a_round(run_dir):
    found = a_round()
    path = store.write_round(run_dir, found)
    program = f"""
import sys, zarr
group = zarr.open_group({str(path)!r}, mode="r")
maps, scale = group["clip/relevance/q"][:].astype("float32"), group["clip/scale/q"][:]
largest = abs(maps * scale[:, None, None, None]).max()
print(group.attrs["composite"], group["play/relevance/q"].dtype, float(largest))
assert not [name for name in sys.modules if name.partition(".")[0] in ("rlmonitor", "torch")]
"""
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()
    assert told[:2] == ["epsilon-plus-flat", "float16"]
    assert float(told[2]) == pytest.approx(np.abs(found.clip.relevance["q"]).max(), rel=1e-3)


def test_nothing_in_a_round_is_a_pickle(run_dir):
    path = store.write_round(run_dir, a_round())
    content = [each.read_bytes() for each in path.rglob("*") if each.is_file()]
    codecs = {
        codec["name"]
        for text in content
        if text.startswith(b"{")
        for codec in json.loads(text).get("codecs", ())
    }
    assert codecs == {"bytes", "zstd"}
    assert not [each for each in content if each[:1] == b"\x80"]


KILLS = 50

FORKING = """
import itertools, os, sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from test_store import a_round, store
for _ in sys.stdin:  # forking is a hundred times quicker than importing torch
    if (writer := os.fork()) == 0:
        for i in itertools.count():
            store.write_round(Path({run!r}), a_round(i % 2, seed=i))  # replaces all but the first
    print(writer, flush=True)
    os.waitpid(writer, 0)
"""


@pytest.mark.slow
def test_kill_9_at_any_moment_leaves_whole_rounds_only(run_dir):
    began = time.monotonic()
    for timestep in (0, 1):
        assert_whole(store.write_round(run_dir, a_round(timestep)))
    usual = time.monotonic() - began
    rng, half_written, seen = np.random.default_rng(0), 0, set()
    program = FORKING.format(folder=str(Path(__file__).parent), run=str(run_dir))
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as forking:
        for kill in range(KILLS):
            forking.stdin.write("fork\n")
            forking.stdin.flush()
            writer = int(forking.stdout.readline())
            time.sleep(float(rng.uniform(0, usual)))
            os.kill(writer, signal.SIGKILL)
            while is_running(str(writer)):
                time.sleep(0.001)
            half_written += any((run_dir / "rounds").glob(".*"))
            for path in store.rounds(run_dir).values():
                if (now := (path.name, path.stat().st_mtime_ns)) not in seen:
                    assert_whole(path)
                    seen.add(now)
            store.sweep(run_dir)
            assert not list((run_dir / "rounds").glob(".*"))
            if len(seen) < 2 + kill / 5:  # the machine is busier than it was: give writers longer
                usual *= 1.2
        forking.stdin.close()
    assert half_written > KILLS / 10  # the kills did hit writers at work on the disk,
    assert len(seen) > 2 + KILLS / 10  # and some of them between two whole rounds


def assert_whole(path):
    recording = store.read_recording(path, "clip")
    assert recording.observation.shape == (3, 2, 6, 5)
    assert recording.screen.any()
    assert store.read_relevance(path, "clip")["q"].all()
    assert store.read_relevance(path, "play")["advantage"].all()
    assert store.read_attributes(path)["timestep"] == int(path.stem)
