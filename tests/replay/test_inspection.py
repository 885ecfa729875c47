"""``rlmonitor inspect`` tells every kind of file, and reads no more of it than that takes."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
import torch
from gymnasium import spaces
from minari.dataset.minari_storage import MinariStorage
from oracles.networks import Frames
from stable_baselines3 import DQN
from test_buffers import filled, run, saved
from test_videos import write_video

from rlmonitor.cli import main
from rlmonitor.errors import CheckpointError
from rlmonitor.replay import inspection
from rlmonitor.replay.archives import Archive
from rlmonitor.replay.sb3_zip import look_at_agent
from rlmonitor.replay.sources import find_sources, load_network
from rlmonitor.replay.training_state import save_training_state


class Counted(io.BytesIO):
    """Counts the bytes that are read."""

    n_bytes = 0

    def read(self, size=-1):
        content = super().read(size)
        self.n_bytes += len(content)
        return content


class FourActions(Frames):
    action_space = spaces.Discrete(4)


def agent(features=16):
    env = FourActions(spaces.Box(0, 255, (4, 36, 36), np.uint8))
    settings = {"features_extractor_kwargs": {"features_dim": features}}
    return DQN("CnnPolicy", env, buffer_size=1, policy_kwargs=settings, device="cpu")


def test_shapes_of_a_big_policy_cost_few_bytes(tmp_path):
    agent(features=8192).save(tmp_path / "agent.zip")
    content = (tmp_path / "agent.zip").read_bytes()
    file = Counted(content)
    shapes = look_at_agent(file, "agent.zip").state.shapes
    assert shapes["q_net.features_extractor.linear.0.weight"][0] == 8192
    assert len(content) > 3_000_000
    assert file.n_bytes < 200_000


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_member_is_a_file_of_its_own(method):
    inner = bytes(range(256)) * 40
    file = io.BytesIO(b"before the archive")
    with zipfile.ZipFile(file, "a", method) as archive:
        archive.writestr("first", b"first")
        archive.writestr("second", inner)
    member = Archive(file, "file").open("second", 1 << 20)
    assert member.read() == inner
    assert member.seek(-10, io.SEEK_END) == len(inner) - 10
    assert member.read(100) == inner[-10:]
    member.seek(300)
    assert member.read(5) == inner[300:305]
    with pytest.raises(ValueError, match=r"before the start|negative"):
        member.seek(-1)
    with pytest.raises(CheckpointError, match="at most 10"):
        Archive(file, "file").open("second", 10)


def test_a_member_without_a_header_is_torn():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("first", b"content")
    content = file.getvalue().replace(b"PK\x03\x04", b"PK\x00\x00", 1)
    with pytest.raises(CheckpointError, match="torn"):
        Archive(io.BytesIO(content), "file").open("first", 100)


@pytest.mark.filterwarnings("ignore::UserWarning:minari")
def test_every_kind_is_told(tmp_path, capsys):
    folder = tmp_path / "frames"
    rng = np.random.default_rng(0)
    write_video(folder.with_suffix(".mp4"), rng.integers(0, 256, (8, 210, 160, 3), np.uint8))
    save_training_state(tmp_path / "training.safetensors", agent(), {})
    saved(tmp_path / "buffer.pkl", filled(7, n_envs=2)[0])
    space = spaces.Box(0, 255, (40, 40, 3), np.uint8)
    folder.mkdir()
    data = folder / "data"
    storage = MinariStorage.new(data, space, spaces.Discrete(4))
    storage.update_episodes([_episode(rng)])
    names = ["frames.mp4", "training.safetensors", "buffer.pkl", "frames"]
    probe = "rlmonitor/data/probe_breakout.npz"
    paths = [*(tmp_path / name for name in names), probe]
    assert run("inspect", *paths, "--json", "--trust") == 0
    found = {each["kind"]: each for each in json.loads(capsys.readouterr().out)}
    assert len(found) == 5
    assert found["video"]["size"] == [210, 160]
    assert (found["video"]["frames"], found["video"]["codec"]) == (8, "h264")
    assert "compression" in found["video"]["note"]
    assert found["training state"]["timestep"] == 0
    buffer = found["replay buffer"]
    assert (buffer["frames"], buffer["environments"], buffer["observation"]) == (14, 2, [4, 36, 36])
    assert not buffer["safe"]
    assert all(each["safe"] for kind, each in found.items() if kind != "replay buffer")
    dataset = found["Minari dataset"]
    assert (dataset["episodes"], dataset["frames"], dataset["jpeg"]) == (1, 3, True)
    assert "JPEG" in dataset["note"]
    assert found["probe file"]["elements_from"] == "console memory"
    assert run("inspect", *paths) == 1  # without --trust the buffer is refused
    assert run("inspect", tmp_path / "frames") == 0


def _episode(rng):
    from minari.data_collector import EpisodeBuffer

    return EpisodeBuffer(
        observations=list(rng.integers(0, 256, (4, 40, 40, 3), np.uint8)),
        actions=[0, 1, 2],
        rewards=[0.0, 1.0, 0.0],
        terminations=[False, False, True],
        truncations=[False] * 3,
    )


def test_a_training_state_is_no_network(tmp_path):
    path = tmp_path / "training.safetensors"
    save_training_state(path, agent(), {})
    with pytest.raises(CheckpointError, match="folder checkpoints"):
        load_network(str(path))
    assert not find_sources([str(tmp_path)]).checkpoints


def test_what_is_printed_fits_a_narrow_terminal(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    agent().save(tmp_path / "agent.zip")
    (tmp_path / "garbage.npz").write_bytes(b"garbage")
    (tmp_path / "empty").mkdir()
    (tmp_path / "none.zarr").mkdir()
    monkeypatch.chdir(tmp_path)
    assert run("inspect", "agent.zip", "garbage.npz", "empty", "none.zarr") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "agent.zip · stable-baselines3 · safe to read"
    assert lines[1].startswith("    algorithm DQN · timestep 0 · ")
    assert max(map(len, lines)) <= 60
    told = " ".join(" ".join(lines).split())
    assert "garbage.npz is no probe: it is torn, or no .npz archive" in told
    assert "empty holds no checkpoint and no recording" in told
    assert "none.zarr is no round and no recording" in told


def test_a_bar_shows_how_many_files_are_left(tmp_path, capsys):
    for i in range(inspection.MANY):
        torch.save({"layer.weight": torch.zeros(1, 1)}, tmp_path / f"a{i}.pt")
    for asked, shown in (["--no-progress"], ""), ([], f"{inspection.MANY}/{inspection.MANY}"):
        with pytest.raises(SystemExit) as ended:
            main(["inspect", str(tmp_path), *asked])
        assert ended.value.code == 0
        told = capsys.readouterr()
        assert shown in told.err
        assert bool(told.err) == bool(shown)
        assert told.out.count("safe to read") == inspection.MANY
