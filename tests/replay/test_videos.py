"""Videos of a play: made what the agent saw, as near as compression lets them be."""

from __future__ import annotations

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from rlmonitor.cli import main
from rlmonitor.errors import CheckpointError, ConfigurationError
from rlmonitor.games import GAMES, element_masks
from rlmonitor.lrp import attribute
from rlmonitor.monitor_settings import MonitorSettings
from rlmonitor.replay import store
from rlmonitor.replay.frames import read_frames
from rlmonitor.replay.jobs import job_of
from rlmonitor.replay.sources import find_sources, load_network
from rlmonitor.replay.videos import look_at_video, read_video
from rlmonitor.testing import play_raw

CHECKPOINT = "agents/breakout-short/checkpoints/0800000.safetensors"
SHAPE = (4, 84, 84)


def write_video(path, frames, codec="libx264", rate=60, **options):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = {"libx264": "yuv420p", "libx264rgb": "rgb24"}[codec]
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return str(path)


@pytest.fixture(scope="module")
def played():
    """Raw frames of Breakout, the ball kept in play."""
    return play_raw("BreakoutNoFrameskip-v4", 240, seed=5, policy=follow_ball)


def follow_ball(ram):
    if ram[101] == 0:
        return 1
    offset = int(ram[99]) - 49 - (int(ram[72]) - 47 + 7)
    return 2 if offset > 2 else 3 if offset < -2 else 0


def literal(screens, skip):
    """What stable-baselines3's wrappers make of raw frames, ``[T, 4, 84, 84]``."""
    stack, seen = np.zeros((4, 84, 84), np.uint8), []
    for end in range(skip, len(screens) + 1, skip):
        shown = screens[max(end - 2, end - skip) : end].max(axis=0)
        grey = cv2.cvtColor(shown, cv2.COLOR_RGB2GRAY)
        small = cv2.resize(grey, (84, 84), interpolation=cv2.INTER_AREA)
        stack = np.concatenate([stack[1:], small[None]])
        seen.append(stack)
    return np.stack(seen)


@pytest.mark.parametrize("skip", [1, 2, 3, 4])
def test_a_lossless_video_gives_what_the_wrappers_give(tmp_path, played, skip):
    path = write_video(tmp_path / "play.mkv", played.screen[:60], "libx264rgb", crf="0")
    expected = literal(played.screen[:60], skip)
    assert look_at_video(path).steps(skip) == len(expected)
    index = np.arange(len(expected))
    np.testing.assert_array_equal(read_video(path, index, SHAPE, skip).observation, expected)
    last = read_video(path, index, (84, 84, 4), skip)
    np.testing.assert_array_equal(last.policy_observation, np.moveaxis(expected, 1, -1))
    np.testing.assert_array_equal(last.screen, played.screen[:60][skip - 1 :: skip])


def test_steps_are_the_same_in_any_order(tmp_path, played):
    path = write_video(tmp_path / "play.mkv", played.screen[:80], "libx264rgb", crf="0")
    whole = read_video(path, np.arange(40), SHAPE, 2).observation
    for index in ([0], [30, 31], [32, 39], [33], [5, 9, 20], [19, 21], [39]):
        part = read_video(path, np.array(index), SHAPE, 2).observation
        np.testing.assert_array_equal(part, whole[index])


def test_maps_of_a_compressed_video_are_near_those_of_the_play(tmp_path, played):
    path = write_video(tmp_path / "play.mp4", played.screen, crf="15")
    (found,) = find_sources([path], game="breakout").recordings
    assert found.compressed
    frames = read_frames(found, 0, found.frames, SHAPE)
    assert frames.elements_from == "pixels"
    network = load_network(CHECKPOINT)
    exact = literal(played.screen, 4)
    changed = (frames.observation != exact).mean()
    assert changed > 0
    q = [network.forward(seen[4:]).numpy() for seen in (frames.observation, exact)]
    assert (q[0].argmax(1) == q[1].argmax(1)).mean() > 0.9
    assert alike(network, frames.observation[4:], exact[4:], "q").mean() > 0.98
    assert np.median(alike(network, frames.observation[4:], exact[4:], "advantage")) > 0.95
    ram = np.stack([played.ram[2::4], played.ram[3::4]], axis=1)
    known, _ = element_masks(GAMES["breakout"], ram)
    for name, least in {"ball": 0.8, "paddle": 0.95, "bricks": 0.99}.items():
        union = (frames.masks[name] | known[name]).sum()
        assert (frames.masks[name] & known[name]).sum() / union > least


def alike(network, ours, theirs, target):
    """Cosine of the maps of each frame."""
    first, second = (
        attribute(network, seen, target=target).map.flatten(1).numpy() for seen in (ours, theirs)
    )
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return (first * second).sum(1) / lengths


def test_a_video_is_replayed_with_a_checkpoint(tmp_path, played, capsys):
    path = write_video(tmp_path / "play.mp4", played.screen, crf="15")
    out = tmp_path / "run"
    options = ("--probe", "none", "--frames", "24", "--json", "--no-progress", "--out", str(out))
    assert run("replay", CHECKPOINT, path, *options) == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert told["elements_from"] == "pixels"  # the checkpoint tells the game
    assert "compression changes pixels" in said.err
    (place,) = store.rounds(out).values()
    kept = store.read_recording(place, "play")
    assert len(kept) == 24
    outputs = store.read_analysis(place, "play").outputs
    np.testing.assert_array_equal(kept.action, outputs.argmax(axis=1))
    assert run("replay", CHECKPOINT, path, *options, "--frame-skip", "1") == 2
    found = find_sources([path])
    with pytest.raises(ConfigurationError, match="--action taken"):
        job_of(found, MonitorSettings(), taken=True)


def test_a_gif_is_a_video(tmp_path, played):
    frames = [Image.fromarray(frame) for frame in played.screen[60:90]]
    frames[0].save(tmp_path / "play.gif", save_all=True, append_images=frames[1:], duration=20)
    (found,) = find_sources([str(tmp_path / "play.gif")], frame_skip=1).recordings
    frames = read_frames(found, 0, found.frames, SHAPE)
    assert len(frames) > 20
    assert frames.elements_from == "moving"
    assert frames.masks["moving"].any()


def test_broken_videos_are_refused_in_a_sentence(tmp_path, played):
    good = Path(write_video(tmp_path / "good.mp4", played.screen[:40])).read_bytes()
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_bytes(b"no video at all")
    (tmp_path / "torn.mp4").write_bytes(good[: len(good) // 2])
    (tmp_path / "noise.gif").write_bytes(b"GIF89a" + bytes(range(200)))
    write_video(tmp_path / "tiny.mp4", played.screen[:4, :16, :16])
    names = ["empty.mp4", "text.mp4", "torn.mp4", "noise.gif", "tiny.mp4"]
    found = find_sources([str(tmp_path / name) for name in names])
    assert not found.recordings
    assert len(found.problems) == len(names)
    assert all("\n" not in problem.what for problem in found.problems)


def test_a_video_that_is_torn_within_is_refused_when_it_is_read(tmp_path, played):
    path = tmp_path / "play.mkv"
    content = Path(write_video(path, played.screen[:60])).read_bytes()
    steps = look_at_video(str(path)).steps(4)
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(CheckpointError, match="torn"):
        read_video(str(path), np.arange(steps), SHAPE, 4)


def run(*arguments):
    """The exit code of a command."""
    with pytest.raises(SystemExit) as ended:
        main([str(each) for each in arguments])
    return ended.value.code
