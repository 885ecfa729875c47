"""What a checkpoint plays in a replay: as alone, with trial games and edits of memory beside it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from rlmonitor.cli import main
from rlmonitor.environment import make_monitor_env
from rlmonitor.lrp import network_of
from rlmonitor.monitor_settings import MonitorSettings
from rlmonitor.replay.checkpoints import load_checkpoint, q_network, save_checkpoint
from rlmonitor.replay.journal import read_events, read_history
from rlmonitor.replay.playing import play
from rlmonitor.rollout import Player
from rlmonitor.strategy.history import OTHER_STARTS, OWN_STARTS
from rlmonitor.trials import Trials

ENV = "BreakoutNoFrameskip-v4"
SETTINGS = MonitorSettings(n_frames=16, spacing=4, clip_frames=4, games=2, seed=3)


@pytest.fixture(scope="module")
def network():
    return network_of(
        q_network(load_checkpoint("agents/breakout-short/checkpoints/0800000.safetensors"))
    )


def test_games_and_edits_beside_the_play_do_not_change_it(network):
    played = play(network, ENV, SETTINGS, 800_000)
    player = Player(make_monitor_env(ENV, seed=3), seed=3)
    alone = player.play(lambda seen: network.forward(seen).float().cpu().numpy(), 64)
    player.close()
    np.testing.assert_array_equal(played.recording.action, alone.action)
    np.testing.assert_array_equal(played.recording.screen, alone.screen)
    assert {kind: len(scores) for kind, scores in played.trials.items()} == {
        OWN_STARTS: 2,
        OTHER_STARTS: 2,
    }
    assert played.ram_effects is not None
    assert set(played.ram_effects.value) == {"ball", "bricks"}


def test_other_checkpoints_get_other_trial_games_and_the_same_again_the_same(network):
    settings = replace(SETTINGS, n_frames=1, clip_frames=1, spacing=1, games=3)
    scores = [play(network, ENV, settings, timestep).trials for timestep in (5, 5, 6)]
    assert scores[0] == scores[1] != scores[2]


def test_no_games_are_played_where_none_are_wanted(network):
    settings = replace(SETTINGS, n_frames=1, clip_frames=1, spacing=1, games=0)
    assert play(network, ENV, settings).trials == {}


@pytest.mark.slow
def test_a_replay_tells_of_games_learnt_by_heart(tmp_path, monkeypatch):
    by_heart = {OWN_STARTS: 9.0, OTHER_STARTS: 0.0}

    def reciting(trials, n):
        def game(score):
            yield np.zeros((1, 4, 84, 84), np.uint8)
            return tuple(score + i % 2 for i in range(n))

        return {kind: game(score) for kind, score in by_heart.items()}

    monkeypatch.setattr(Trials, "playing", reciting)
    state = load_checkpoint("agents/breakout-short/checkpoints/0800000.safetensors").state
    for n in (1, 2):  # an event needs two rounds
        path = tmp_path / f"{n}.safetensors"
        save_checkpoint(path, state, network="nips", game="breakout", timesteps=n)
    command = ["replay", str(tmp_path), "--env", ENV, "--out", str(tmp_path / "run")]
    with pytest.raises(SystemExit) as end:
        main([*command, "--frames", "8", "--probe", "none", "--games", "12", "--no-progress"])
    assert end.value.code == 0
    assert "memorised" in [event.kind for event in read_events(tmp_path / "run")]
    for each in read_history(tmp_path / "run").rounds:
        assert each.values["play/own_starts"] == pytest.approx(9.5)
        assert each.values["value/ram_effect/bricks"] >= 0
        assert len(each.scores[OTHER_STARTS]) == 12
    assert json.loads((tmp_path / "run" / "replay.json").read_text())["games"] == 12
