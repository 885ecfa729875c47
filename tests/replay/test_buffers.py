"""Replay buffers: explained as what the agent saw, or refused in a sentence."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.buffers import DictReplayBuffer, ReplayBuffer
from stable_baselines3.common.save_util import save_to_pkl

from rlmonitor.cli import main
from rlmonitor.errors import CheckpointError, ConfigurationError, ObservationError, UnknownNameError
from rlmonitor.probe import load_probe
from rlmonitor.replay import store
from rlmonitor.replay.buffers import open_buffer, read_buffer
from rlmonitor.replay.frames import BUFFER, read_frames
from rlmonitor.replay.sources import find_sources

CHECKPOINT = "agents/breakout-short/checkpoints/0800000.safetensors"
ACTIONS = spaces.Discrete(4)


def run(*arguments):
    """The exit code of a command."""
    with pytest.raises(SystemExit) as ended:
        main([str(each) for each in arguments])
    return ended.value.code


def image(shape=(4, 36, 36)):
    return spaces.Box(0, 255, shape, np.uint8)


def filled(n, size=20, n_envs=1, shape=(4, 36, 36), seed=0, **options):
    """A buffer after ``n`` steps, and all that was put into it."""
    rng = np.random.default_rng(seed)
    buffer = ReplayBuffer(size * n_envs, image(shape), ACTIONS, "cpu", n_envs, **options)
    seen = rng.integers(0, 256, (n + 1, n_envs, *shape), dtype=np.uint8)
    action, reward = rng.integers(0, 4, (n, n_envs)), rng.random((n, n_envs)).astype(np.float32)
    done = rng.random((n, n_envs)) < 0.2
    for i in range(n):
        buffer.add(seen[i], seen[i + 1], action[i, :, None], reward[i], done[i], [{}] * n_envs)
    return buffer, seen, action, reward, done


def saved(path, buffer):
    save_to_pkl(str(path), buffer)
    open_buffer.cache_clear()
    return str(path)


@pytest.mark.parametrize("n", [7, 20, 33])
@pytest.mark.parametrize("n_envs", [1, 3])
@pytest.mark.parametrize("shared", [False, True])
def test_a_buffer_is_read_in_order_of_time(tmp_path, n, n_envs, shared):
    options = {"optimize_memory_usage": shared, "handle_timeout_termination": False}
    buffer, seen, action, reward, done = filled(n, n_envs=n_envs, **options)
    path = saved(tmp_path / "buffer.pkl", buffer)
    (found,) = find_sources([path], trust=True).recordings
    held = min(n, 20) - (shared and n >= 20)  # the oldest one's observation is overwritten
    assert (found.kind, found.frames) == (BUFFER, held * n_envs)
    frames = read_frames(found, 0, found.frames, (4, 36, 36))
    for env in range(n_envs):
        own = slice(env * held, (env + 1) * held)
        np.testing.assert_array_equal(frames.observation[own], seen[n - held : n, env])
        np.testing.assert_array_equal(frames.action[own], action[n - held :, env])
        np.testing.assert_array_equal(frames.reward[own], reward[n - held :, env])
        np.testing.assert_array_equal(frames.done[own], done[n - held :, env])
        assert (np.diff(frames.step[own]) == 1).all()
        total = 0.0
        for i in range(held):
            assert frames.score[own][i] == pytest.approx(total, abs=1e-5)
            total = 0.0 if frames.done[own][i] else total + frames.reward[own][i]
    if n_envs > 1:
        assert frames.step[held] - frames.step[held - 1] > 1


def test_a_buffers_frames_stay_in_the_file(tmp_path):
    buffer, *_ = filled(20, shape=(4, 84, 84))
    open_buffer.cache_clear()
    found = open_buffer(saved(tmp_path / "buffer.pkl", buffer))
    base = found.observations
    while isinstance(base, np.ndarray):
        base = base.base
    assert isinstance(base, memoryview)
    assert type(base.obj).__name__ == "mmap"


def test_channels_are_where_the_network_has_them(tmp_path):
    buffer, seen, *_ = filled(7, shape=(36, 36, 4))
    path = saved(tmp_path / "buffer.pkl", buffer)
    first = read_buffer(path, np.arange(7), (4, 36, 36))
    last = read_buffer(path, np.arange(7), (36, 36, 4))
    np.testing.assert_array_equal(first.policy_observation, np.moveaxis(seen[:7, 0], -1, 1))
    np.testing.assert_array_equal(last.policy_observation, seen[:7, 0])
    with pytest.raises(ObservationError, match=r"\[36, 36, 4\].*\[4, 84, 84\]"):
        read_buffer(path, np.arange(7), (4, 84, 84))


class Bomb:
    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return os.mkdir, (str(self.place),)


@pytest.mark.parametrize("command", ["inspect", "replay"])
def test_nothing_is_unpickled_without_trust(tmp_path, capsys, command):
    path = tmp_path / "buffer.pkl"
    path.write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    more = ["--out", str(tmp_path / "run")] if command == "replay" else []
    first = [CHECKPOINT] if command == "replay" else []
    assert run(command, *first, path, *more, "--json") == (1 if command == "inspect" else 2)
    said = capsys.readouterr()
    assert "--trust it if you know" in said.out + said.err.replace("\n", " ")
    assert not (tmp_path / "exploded").exists()
    with pytest.raises(CheckpointError, match=r"is no|holds"):
        open_buffer(str(path))
    assert (tmp_path / "exploded").exists()  # the bomb is one


def broken_buffers(folder):
    good = Path(saved(folder / "good.pkl", filled(7, shape=(4, 84, 84))[0])).read_bytes()
    (folder / "empty.pkl").write_bytes(b"")
    (folder / "torn.pkl").write_bytes(good[: len(good) // 2])
    (folder / "text.pkl").write_bytes(b"no pickle")
    save_to_pkl(str(folder / "unfilled.pkl"), filled(0)[0])
    save_to_pkl(str(folder / "other.pkl"), {"observations": 3})
    boxes = spaces.Box(-1, 1, (3,), np.float32)
    save_to_pkl(str(folder / "vectors.pkl"), ReplayBuffer(9, boxes, ACTIONS))
    moves = ReplayBuffer(9, image(), boxes)
    moves.pos = 3
    save_to_pkl(str(folder / "moves.pkl"), moves)
    both = spaces.Dict({"a": image()})
    save_to_pkl(str(folder / "dicts.pkl"), DictReplayBuffer(9, both, ACTIONS))
    for opcode in (pickle.BYTEARRAY8, pickle.BINBYTES8):
        name = f"absurd{opcode[0]}.pkl"
        (folder / name).write_bytes(b"\x80\x05" + opcode + (1 << 50).to_bytes(8, "little") + b".")
    wrong = filled(7)[0]
    wrong.rewards = wrong.rewards[:3]
    save_to_pkl(str(folder / "lengths.pkl"), wrong)
    return sorted(set(folder.iterdir()) - {folder / "good.pkl"})


def test_broken_and_foreign_buffers_are_refused_in_a_sentence(tmp_path):
    paths = broken_buffers(tmp_path)
    found = find_sources([str(path) for path in paths], trust=True)
    assert not found.recordings
    assert len(found.problems) == len(paths) == 11
    assert all("\n" not in problem.what for problem in found.problems)


def breakout_buffer(folder):
    """The shipped probe as a buffer of two environments."""
    probe = load_probe("breakout")
    buffer = ReplayBuffer(100, image((4, 84, 84)), ACTIONS, "cpu", 2)
    for i in range(30):
        at = [i, i + 30]
        seen = probe.observation[at]
        buffer.add(seen, seen, probe.action[at, None], probe.reward[at], probe.done[at], [{}] * 2)
    return saved(folder / "buffer.pkl", buffer), probe


def test_a_buffer_is_explained_with_elements_from_pixels(tmp_path, capsys):
    path, probe = breakout_buffer(tmp_path)
    out = tmp_path / "run"
    options = ("--trust", "--frames", 12, "--shard", 16, "--probe", "none")
    assert run("replay", CHECKPOINT, path, *options, "--out", out, "--json", "--no-progress") == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert told["made"] == [800_000]
    assert told["elements_from"] == "pixels"
    assert "only those" in said.err and "rewards" in said.err  # noqa: PT018
    (place,) = store.rounds(out).values()
    assert store.read_attributes(place)["env_id"] == "BreakoutNoFrameskip-v4"
    kept = store.read_recording(place, "play")
    chosen = np.linspace(0, 59, 12).round().astype(int)
    np.testing.assert_array_equal(kept.observation, probe.observation[chosen])
    overlap = (kept.masks["bricks"] & probe.masks["bricks"][chosen]).sum()
    assert overlap / (kept.masks["bricks"] | probe.masks["bricks"][chosen]).sum() > 0.99
    assert kept.action_meanings == ("NOOP", "FIRE", "RIGHT", "LEFT")


def test_only_games_with_a_table_may_be_named(tmp_path):
    path = saved(tmp_path / "buffer.pkl", filled(7)[0])
    with pytest.raises(UnknownNameError, match="breakout"):
        find_sources([path], trust=True, game="brekout")
    (found,) = find_sources([path], trust=True, game="pong").recordings
    assert found.game == "pong"
    with pytest.raises(ConfigurationError, match="--frame-skip 0"):
        find_sources([path], trust=True, frame_skip=0)


def test_what_other_programs_put_beside_checkpoints_is_left_alone(tmp_path):
    (tmp_path / "net_9.safetensors").write_bytes(Path(CHECKPOINT).read_bytes())
    np.savez(tmp_path / "evaluations.npz", results=np.zeros(3))
    (tmp_path / "rl-video.mp4").write_bytes(b"whatever")
    found = find_sources([str(tmp_path)])
    assert (len(found.checkpoints), found.recordings, found.problems) == (1, (), ())
    asked = find_sources([str(tmp_path / "evaluations.npz")])
    assert "no probe" in asked.problems[0].what
