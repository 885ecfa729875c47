"""Rounds on disk: read back by plain zarr, whole or absent."""

import multiprocessing
import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import zarr

from rlmonitor.errors import StoreError
from rlmonitor.recording import Recording
from rlmonitor.replay import store
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

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "_put", full)
    with pytest.raises(StoreError, match="No space left"):
        store.write_round(run_dir, a_round(2))
    assert [p.name for p in store.rounds_directory(run_dir).iterdir()] == ["0000000001.zarr"]


def test_what_is_no_round_names_itself(run_dir):
    path = store.write_round(run_dir, a_round())
    with pytest.raises(StoreError, match="'probe'"):
        store.read_recording(path, "probe")
    with pytest.raises(StoreError, match="elsewhere"):
        store.read_recording(run_dir / "elsewhere.zarr")
    zarr.open_group(path, mode="r+").attrs["format"] = 99
    with pytest.raises(StoreError, match="99"):
        store.read_recording(path)


def write_for_ever(run_dir):
    for timestep in range(1, 100_000):
        store.write_round(run_dir, a_round(timestep))


@pytest.mark.slow
def test_kill_9_leaves_whole_rounds_only(run_dir):
    rng, context = np.random.default_rng(0), multiprocessing.get_context("spawn")
    writer = context.Process(target=write_for_ever, args=(run_dir,))
    writer.start()
    while not store.rounds(run_dir):
        time.sleep(0.05)
    time.sleep(float(rng.uniform(0.2, 0.5)))
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    found = store.rounds(run_dir)
    assert found
    for path in found.values():
        assert len(store.read_recording(path, "clip")) == 3
        assert store.read_relevance(path, "clip")["q"].shape == (3, 2, 6, 5)
