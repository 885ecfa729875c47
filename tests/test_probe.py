"""The shipped probe: real frames of every phase, and a file that anyone can read."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pytest

from rlmonitor.errors import StoreError, UnknownNameError
from rlmonitor.games import as_ram, breakout
from rlmonitor.probe import (
    PROBES,
    load_probe,
    phases_of,
    probe_phases,
    save_probe,
    usual_probe,
)
from rlmonitor.recording import Recording
from rlmonitor.testing import element_agreement

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def probe():
    return load_probe("breakout")


def ball(probe):
    return breakout.ball_boxes(as_ram(probe.ram[:, 1]))[:, 0]


def test_it_is_small():
    path = files("rlmonitor") / "data" / "probe_breakout.npz"
    assert len(path.read_bytes()) < 400 * 1024
    with np.load(str(path), allow_pickle=False) as stored:
        assert all(stored[key].dtype != object for key in stored.files)


def test_its_elements_match_pixels(probe):
    shares = element_agreement(breakout.GAME, probe.ram[:, 1], probe.screen)
    assert set(shares) == {"ball", "paddle", "tunnel", "bricks", "display"}
    assert min(shares.values()) >= 0.99


def test_its_bricks_match_pixels(probe):
    standing = breakout.bricks_standing(as_ram(probe.ram[:, 1]))
    wall = probe.screen[:, 57:93, 8:152].any(-1).reshape(-1, 6, 6, 18, 8).transpose(0, 1, 3, 2, 4)
    assert ((wall.mean(axis=(3, 4)) > 0.5) == standing).mean() > 0.999


def test_its_observations_are_those_of_its_screens(probe):
    """The newest frame is the resized screen, but for what moved since the raw frame before."""
    for observation, screen, moved in zip(
        probe.observation, probe.screen, probe.masks["ball"] | probe.masks["paddle"], strict=True
    ):
        grey = cv2.cvtColor(screen, cv2.COLOR_RGB2GRAY)
        resized = cv2.resize(grey, (84, 84), interpolation=cv2.INTER_AREA)
        wrong = resized != observation[3]
        # a brick or a digit may have changed between the two raw frames
        assert (wrong & ~moved).mean() < 0.01
        assert (observation[3].astype(int) >= resized.astype(int) - 1).all()


def test_its_stacks_are_of_one_piece(probe):
    """An edited wall shows in all frames of the stack: bricks vanish one at a time."""
    wall = probe.observation[:, :, 22:38, 4:80].astype(int)
    changed = (np.abs(np.diff(wall, axis=1)) > 12).mean(axis=(2, 3))
    assert changed.max() < 0.1


def test_its_scores_are_on_display(probe):
    memory = as_ram(probe.ram[:, 1])
    assert (breakout.score(memory) == probe.score).mean() > 0.99
    assert len(np.unique(probe.score)) > 60
    assert probe.score.max() > 300
    assert set(breakout.lives(memory)) == {1, 2, 3, 4, 5}


def test_it_is_spread_over_the_phases(probe):
    """Counted from memory, not from the names."""
    standing = breakout.bricks_standing(as_ram(probe.ram[:, 1]))
    n_bricks, columns = standing.sum(axis=(1, 2)), ~standing.any(axis=1)
    top, left, bottom, _ = ball(probe).T
    column = np.clip((left - 8) // 8, 0, 17)
    in_open_column = columns[np.arange(len(probe)), column]
    lives = breakout.lives(as_ram(probe.ram[:, 1]))
    counts = {
        "in all": len(probe),
        "full wall": (n_bricks > 98).sum(),
        "worn wall": ((n_bricks > 60) & (n_bricks <= 98)).sum(),
        "half-empty wall": ((n_bricks > 25) & (n_bricks <= 60)).sum(),
        "few bricks": (n_bricks <= 25).sum(),
        "open on the left": columns[:, :3].any(axis=1).sum(),
        "open in the middle": columns[:, 6:12].any(axis=1).sum(),
        "open on the right": columns[:, 15:].any(axis=1).sum(),
        "closed": (~columns.any(axis=1)).sum(),
        "ball above the wall": ((bottom <= 57) & (bottom > 0)).sum(),
        "ball in a tunnel": ((top >= 57) & (bottom <= 93) & in_open_column).sum(),
        "ball near the wall": ((top >= 93) & (top < 112)).sum(),
        "ball in mid-air": ((top >= 112) & (top < 165)).sum(),
        "ball near the paddle": (top >= 165).sum(),
        "no ball": (probe.ram[:, 1, 101] == 0).sum(),
        "last life": (lives == 1).sum(),
    }
    wanted = dict.fromkeys(counts, 12) | {"in all": 160, "ball in a tunnel": 8, "few bricks": 8}
    assert {name: n for name, n in counts.items() if n < wanted[name]} == {}


def test_its_phases_are_named():
    counts = Counter(probe_phases("breakout"))
    assert len(counts) == 13
    assert min(counts.values()) >= 12


@pytest.mark.parametrize(("wanted", "given"), [(8, 128), (128, 128), (160, 160), (999, 220)])
def test_a_round_explains_frames_of_every_phase(probe, wanted, given):
    usual = usual_probe("breakout", wanted)
    assert len(usual) == given
    phases = phases_of(usual)
    assert set(phases) == set(probe_phases("breakout"))
    whole = zip(map(bytes, probe.observation), probe_phases("breakout"), strict=True)
    assert set(zip(map(bytes, usual.observation), phases, strict=True)) <= set(whole)


def test_phases_are_those_of_shipped_frames_alone(probe):
    assert phases_of(probe) == probe_phases("breakout")
    assert phases_of(probe.select(np.array([5, 0, 200])))[1] == probe_phases("breakout")[0]
    other = replace(probe, observation=probe.observation ^ 1)
    assert phases_of(other) is None
    assert phases_of(replace(probe, env_id="PongNoFrameskip-v4")) is None


def test_its_frames_differ(probe):
    assert len({frame.tobytes() for frame in probe.observation}) > 0.95 * len(probe)


def test_every_element_is_on_it(probe):
    assert list(probe.masks) == list(breakout.GAME.element_names)
    for mask in probe.masks.values():
        assert mask.shape == (len(probe), 84, 84)
        assert mask.any(axis=(1, 2)).mean() > 0.8
    assert probe.outside["corners"].any()


def test_unknown_probe():
    with pytest.raises(UnknownNameError, match="did you mean 'breakout'"):
        load_probe("brakout")
    assert PROBES == ("breakout",)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 torn"])
def test_a_file_that_is_no_probe(tmp_path, content):
    path = tmp_path / "probe.npz"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"probe\.npz is no probe"):
        load_probe(path)


def test_a_file_without_its_arrays(tmp_path):
    np.savez(tmp_path / "probe.npz", observation=np.zeros(3))
    with pytest.raises(StoreError, match="is no probe"):
        load_probe(tmp_path / "probe.npz")


def test_a_probe_comes_back_as_it_was(tmp_path, probe):
    part = probe.select(slice(0, 200, 9))
    save_probe(tmp_path / "own.npz", part, [f"p{i}" for i in range(len(part))])
    again = load_probe(tmp_path / "own.npz")
    for name in ("observation", "screen", "ram", "action", "reward", "score", "done", "step"):
        assert (getattr(again, name) == getattr(part, name)).all()
    assert (again.masks["ball"] == part.masks["ball"]).all()
    assert again.env_id == part.env_id
    assert again.action_meanings == part.action_meanings
    assert probe_phases(tmp_path / "own.npz")[-1] == f"p{len(part) - 1}"


def test_a_probe_of_another_game_has_no_masks(tmp_path, probe):
    save_probe(tmp_path / "own.npz", replace(probe.select([0]), env_id="Other-v0"), ["x"])
    assert load_probe(tmp_path / "own.npz").masks == {}


def test_the_script_is_deterministic(monkeypatch):
    spec = importlib.util.spec_from_file_location("make_probe", ROOT / "scripts" / "make_probe.py")
    script = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "make_probe", script)
    spec.loader.exec_module(script)
    forward = script.q_values(script.DATA / "breakout.safetensors")
    phase = replace(script.PHASES[1], n=4, length=12)

    def made():
        return script.record(phase, forward, np.random.default_rng(3))

    first, second = made(), made()
    assert isinstance(first, Recording)
    assert (first.observation == second.observation).all()
    assert (first.ram == second.ram).all()
    assert 60 <= breakout.bricks_standing(as_ram(first.ram[:, 1])).sum(axis=(1, 2)).max() <= 98
