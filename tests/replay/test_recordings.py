"""``rlmonitor record`` and ``rlmonitor inspect``: what was played is what is read."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import zarr
from test_cli import run

from rlmonitor.errors import ConfigurationError
from rlmonitor.games import element_masks, game_of
from rlmonitor.recording import Recording
from rlmonitor.replay.frames import read_frames
from rlmonitor.replay.recordings import SHARD, played, write_recording
from rlmonitor.replay.sources import find_sources, load_network

AGENT = (
    Path(__file__).parents[2] / "agents" / "breakout-short" / "checkpoints" / "0800000.safetensors"
)
N_FRAMES, ENV = SHARD + 30, "BreakoutNoFrameskip-v4"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("recorded") / "play.zarr"
    assert run("record", AGENT, "--env", ENV, "--frames", N_FRAMES, "--out", place, "--seed", 4,
               "--no-progress") == 0  # fmt: skip
    return place


def assert_same(one: Recording, other: Recording) -> None:
    for each in fields(Recording):
        mine, own = getattr(one, each.name), getattr(other, each.name)
        if isinstance(mine, dict):
            assert list(mine) == list(own)
            for name in mine:
                np.testing.assert_array_equal(mine[name], own[name])
        else:
            np.testing.assert_array_equal(mine, own)


def test_shards_are_the_whole(recorded: Path) -> None:
    (source,) = find_sources([str(recorded)]).recordings
    assert (source.kind, source.frames) == ("recording", N_FRAMES)
    whole = read_frames(source, 0, N_FRAMES)
    for start in range(0, N_FRAMES, 50):
        stop = min(start + 50, N_FRAMES)
        assert_same(read_frames(source, start, stop), whole.select(slice(start, stop)))
    for start, stop in ((-1, 3), (3, 3), (0, N_FRAMES + 1)):
        with pytest.raises(ConfigurationError, match="expected a part of 0 to"):
            read_frames(source, start, stop)


def test_what_was_played_is_what_is_read(recorded: Path) -> None:
    """Played anew with the same seed; masks follow from the memory; plain zarr reads the rest."""
    network = load_network(str(AGENT)).snapshot()
    shards = list(played(network, ENV, N_FRAMES, seed=4))
    (source,) = find_sources([str(recorded)]).recordings
    found = read_frames(source, 0, N_FRAMES)
    assert_same(found.select(slice(0, SHARD)), shards[0][0])
    assert_same(found.select(slice(SHARD, N_FRAMES)), shards[1][0])
    game = game_of(ENV)
    assert game is not None
    assert found.ram is not None
    masks, _ = element_masks(game, found.ram)
    for name, mask in masks.items():
        np.testing.assert_array_equal(mask, found.masks[name])
    group = zarr.open_group(recorded, mode="r")
    outputs = np.asarray(group["play/outputs"][...])
    np.testing.assert_array_equal(outputs, np.concatenate([each for _, each in shards]))
    expected = network.forward(found.policy_observation).numpy()
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
    greedy = outputs.argmax(1) == found.action
    assert greedy.mean() > 0.8  # all but the random ones
    assert group["play/screen"].chunks[0] == SHARD


def test_what_is_cut_off_leaves_nothing(recorded: Path, tmp_path: Path) -> None:
    (source,) = find_sources([str(recorded)]).recordings
    frames = read_frames(source, 0, 4)

    def torn():
        yield frames, np.zeros((4, 4), np.float32)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_recording(tmp_path / "a.zarr", torn(), 8)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--env", "BreakoutNoFrameskip-v4", "--frames", 0], "--frames 0: expected 1 or more"),
        (["--env", "Brekout-v4"], "unknown environment 'Brekout-v4'"),
        (["--env", ENV, "--out", "a.zip"], "a folder that ends in .zarr"),
        (["--env", "PongNoFrameskip-v4", "--frames", 1], "one for each action"),
    ],
)
def test_wrong_use_is_one_line(
    options: list[object], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run("record", AGENT, *options, "--no-progress") == 2
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_inspect_says_what_files_are(
    recorded: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "300")  # no path of a temporary folder is broken there
    assert run("inspect", AGENT, recorded, "--json") == 0
    network, recording = json.loads(capsys.readouterr().out)
    assert (network["kind"], network["timestep"], network["network"]) == (
        "rlmonitor",
        800_000,
        "nips",
    )
    assert network["tensors"]["features_extractor.cnn.0.weight"] == [16, 4, 8, 8]
    assert (recording["frames"], recording["env"], recording["memory"]) == (N_FRAMES, ENV, True)
    assert recording["elements"][:2] == ["ball", "paddle"]
    assert network["safe"]
    torn = tmp_path / "torn[red].safetensors"
    torn.write_bytes(AGENT.read_bytes()[:-1])
    buffer = tmp_path / "replay_buffer.pkl"
    buffer.write_bytes(b"")
    assert run("inspect", tmp_path, AGENT) == 1
    shown = capsys.readouterr().out
    assert "torn[red]" in shown.replace("\n", "")
    assert "is torn, or no safetensors file" in shown
    assert run("inspect", tmp_path / "nowhere") == 2
    assert "does not exist" in capsys.readouterr().err
