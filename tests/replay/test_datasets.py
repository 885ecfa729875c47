"""Minari datasets made by minari itself: explained, with a warning where JPEG changed them."""

from __future__ import annotations

import json
import os

import ale_py
import cv2
import gymnasium as gym
import h5py
import minari
import numpy as np
import pytest
from gymnasium import spaces
from minari.data_collector import EpisodeBuffer

from rlmonitor.cli import main
from rlmonitor.errors import CheckpointError, ObservationError
from rlmonitor.probe import load_probe
from rlmonitor.replay import store
from rlmonitor.replay.datasets import _episode, open_dataset, read_dataset
from rlmonitor.replay.frames import DATASET, read_frames
from rlmonitor.replay.sources import find_sources

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:minari")

CHECKPOINT = "agents/breakout-short/checkpoints/0800000.safetensors"
LENGTHS = (5, 9, 3)
"""Steps of the episodes."""


def episodes(shape, dtype=np.uint8, lengths=LENGTHS):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (n + 1, *shape), dtype=dtype) for n in lengths]


def dataset(folder, shown, env=None, **options):
    """The path of a dataset that minari makes of frames."""
    folder.mkdir(exist_ok=True)
    os.environ["MINARI_DATASETS_PATH"] = str(folder)
    buffers = [
        EpisodeBuffer(
            observations=list(frames),
            actions=[i % 4 for i in range(len(frames) - 1)],
            rewards=[float(i % 4) for i in range(len(frames) - 1)],
            terminations=[i == len(frames) - 2 for i in range(len(frames) - 1)],
            truncations=[False] * (len(frames) - 1),
        )
        for frames in shown
    ]
    minari.create_dataset_from_buffers(
        "shown/frames-v0",
        buffers,
        env,
        observation_space=spaces.Box(0, 255, shown[0].shape[1:], np.uint8),
        action_space=spaces.Discrete(4),
        **options,
    )
    open_dataset.cache_clear()
    _episode.cache_clear()
    return str(folder / "shown" / "frames-v0")


@pytest.fixture(autouse=True)
def place(monkeypatch, tmp_path):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))


@pytest.mark.parametrize("data_format", ["hdf5", "arrow"])
@pytest.mark.parametrize("shape", [(4, 36, 36), (36, 36, 4)])
def test_stacks_are_read_as_they_are(tmp_path, data_format, shape):
    shown = episodes(shape)
    path = dataset(tmp_path, shown, data_format=data_format, jpeg_encoding=False)
    (found,) = find_sources([path]).recordings
    assert (found.kind, found.frames) == (DATASET, sum(LENGTHS))
    frames = read_frames(found, 0, found.frames, shape)
    expected = np.concatenate([each[:-1] for each in shown])
    np.testing.assert_array_equal(frames.policy_observation, expected)
    assert frames.action.tolist() == [i % 4 for n in LENGTHS for i in range(n)]
    np.testing.assert_array_equal(frames.reward, frames.action)
    assert np.flatnonzero(frames.done).tolist() == (np.cumsum(LENGTHS) - 1).tolist()
    assert np.flatnonzero(np.diff(frames.step) != 1).tolist() == [4, 13]
    assert frames.score[:6].tolist() == [0, 0, 1, 3, 6, 0]
    some = read_dataset(path, np.array([3, 4, 5, 16]), shape)
    np.testing.assert_array_equal(some.policy_observation, expected[[3, 4, 5, 16]])


@pytest.mark.parametrize("shape", [(50, 40), (50, 40, 1), (50, 40, 3)])
def test_raw_frames_are_made_what_the_network_takes(tmp_path, shape):
    shown = episodes(shape)
    path = dataset(tmp_path, shown, jpeg_encoding=False)
    assert not open_dataset(path).jpeg
    frames = read_dataset(path, np.arange(sum(LENGTHS)), (4, 36, 36))
    start = 0
    for each in shown:
        plain = each.reshape(len(each), 50, 40, -1)
        grey = [
            cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) if f.shape[2] == 3 else f[..., 0] for f in plain
        ]
        small = [cv2.resize(f, (36, 36), interpolation=cv2.INTER_AREA) for f in grey]
        stack = [np.zeros((36, 36), np.uint8)] * 4
        for i in range(len(each) - 1):
            stack = [*stack[1:], small[i]]
            np.testing.assert_array_equal(frames.observation[start + i], np.stack(stack))
            assert (frames.screen[start + i] == plain[i]).all()
        start += len(each) - 1
    some = read_dataset(path, np.array([2, 9, 16]), (4, 36, 36))
    np.testing.assert_array_equal(some.observation, frames.observation[[2, 9, 16]])


@pytest.mark.parametrize("data_format", ["hdf5", "arrow"])
def test_frames_that_went_through_jpeg_come_with_a_warning(tmp_path, data_format):
    path = dataset(tmp_path, episodes((50, 40, 3)), data_format=data_format)
    (found,) = find_sources([path]).recordings
    assert found.compressed
    assert "JPEG" in found.notes[0]
    stacks = dataset(tmp_path / "stacks", episodes((4, 36, 36)), data_format=data_format)
    assert not find_sources([stacks]).recordings[0].notes


def test_breakout_is_explained_with_elements_from_pixels(tmp_path, capsys):
    probe = load_probe("breakout")
    gym.register_envs(ale_py)
    shown = [probe.observation[:30], probe.observation[30:60]]
    path = dataset(tmp_path, shown, gym.spec("ALE/Breakout-v5"))
    out = tmp_path / "run"
    options = ("--probe", "none", "--frames", 12, "--json", "--no-progress", "--out", out)
    with pytest.raises(SystemExit) as ended:
        main([str(each) for each in ("replay", CHECKPOINT, path, *options)])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["elements_from"] == "pixels"
    (place,) = store.rounds(out).values()
    whole = np.concatenate([probe.observation[:29], probe.observation[30:59]])
    chosen = np.linspace(0, 57, 12).round().astype(int)
    np.testing.assert_array_equal(store.read_recording(place).observation, whole[chosen])


def broken(folder, data_format):
    """A dataset, and what is to be broken in it."""
    path = dataset(folder, episodes((4, 36, 36)), data_format=data_format)
    return path, folder / "shown" / "frames-v0" / "data"


@pytest.mark.parametrize("data_format", ["hdf5", "arrow"])
def test_broken_datasets_are_refused_in_a_sentence(tmp_path, data_format):
    path, data = broken(tmp_path, data_format)
    metadata = json.loads((data / "metadata.json").read_text())
    spec = {"id": "Evil-v0", "entry_point": "evil:Env"}
    for change in (
        "no JSON",
        {},
        {k: v for k, v in metadata.items() if k != "observation_space"}
        | {"env_spec": json.dumps(spec)},  # minari would make that environment
        metadata | {"observation_space": metadata["action_space"]},
        metadata | {"action_space": metadata["observation_space"]},
        metadata | {"total_episodes": 0},
        metadata | {"total_episodes": 99},
        metadata | {"data_format": "pickle"},
    ):
        text = change if isinstance(change, str) else json.dumps(change)
        (data / "metadata.json").write_text(text)
        open_dataset.cache_clear()
        found = find_sources([path])
        assert len(found.problems) == 1, change
        assert not found.recordings
    (data / "metadata.json").write_text(json.dumps(metadata))
    for file in data.rglob("*.hdf5" if data_format == "hdf5" else "*.arrow"):
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 3])
    open_dataset.cache_clear()
    _episode.cache_clear()
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_dataset(path, np.arange(10), (4, 36, 36))


def test_what_declares_absurd_sizes_is_refused(tmp_path):
    path, data = broken(tmp_path, "hdf5")
    with h5py.File(data / "main_data.hdf5", "a") as file:
        group = file["episode_1"]
        del group["observations"]
        shape = (1 << 30, 4, 36, 36)  # nothing of it is stored
        group.create_dataset("observations", shape, np.uint8, chunks=(1, 4, 36, 36))
    assert read_dataset(path, np.arange(3), (4, 36, 36)).observation.shape == (3, 4, 36, 36)
    with pytest.raises(CheckpointError, match="observations of episode 1 declare"):
        read_dataset(path, np.array([7]), (4, 36, 36))
    metadata = json.loads((data / "metadata.json").read_text())
    space = json.loads(metadata["observation_space"]) | {"low": 0, "high": 255}
    for shape in ([4, 1 << 20, 1 << 20], ["a"], {"b": 3}, [-1, 3, 3]):
        changed = metadata | {"observation_space": json.dumps(space | {"shape": shape})}
        (data / "metadata.json").write_text(json.dumps(changed))
        open_dataset.cache_clear()
        assert len(find_sources([path]).problems) == 1, shape


def test_what_does_not_fit_is_refused(tmp_path, monkeypatch):
    path = dataset(tmp_path, episodes((4, 36, 36)))
    with pytest.raises(ObservationError, match=r"\[4, 36, 36\].*\[4, 84, 84\]"):
        read_dataset(path, np.arange(2), (4, 84, 84))
    vectors = dataset(tmp_path / "vectors", episodes((3,)))
    assert "expected images" in find_sources([vectors]).problems[0].what
    monkeypatch.setattr("rlmonitor.replay.datasets.LARGEST_EPISODE", 1000)
    open_dataset.cache_clear()
    assert "split the episode" in find_sources([path]).problems[0].what
