"""What rounds leave behind for later ones: curves of trust and effect, strategies, events."""

import json

import numpy as np
import pytest
from catch import Catch, bar, pellet
from google.protobuf import text_format
from PIL import Image
from stable_baselines3 import DQN
from stable_baselines3.common.vec_env import DummyVecEnv
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

import rlmonitor.logbook as logbook
from rlmonitor import Event, StrategyMonitorCallback
from rlmonitor.board.overview import STRATEGY_COLOURS, strategy_overview
from rlmonitor.replay import store
from rlmonitor.replay.journal import read_events, read_history
from rlmonitor.stop_training import StopTrainingOnEvent


def monitor(**settings):
    defaults = {"every": 40, "n_frames": 48, "clip_frames": 4}
    elements = {"pellet": pellet, "bar": bar}
    return StrategyMonitorCallback(elements=elements, **(defaults | settings))


def dqn(folder):
    settings = {"buffer_size": 200, "learning_starts": 10, "batch_size": 4, "train_freq": 1}
    env, policy = DummyVecEnv([Catch]), {"net_arch": [8]}
    return DQN(
        "CnnPolicy", env, seed=0, policy_kwargs=policy, tensorboard_log=str(folder), **settings
    )


def curves(folder):
    return EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()


def steps(folder, tag):
    return [event.step for event in curves(folder).Scalars(tag)]


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A training of 80 timesteps with rounds at 0, 40 and 80."""
    folder = tmp_path_factory.mktemp("runs")
    callback = monitor()
    dqn(folder).learn(80, callback=callback)
    return callback, folder / "DQN_1"


def test_trust_effects_and_strategies_are_curves(watched):
    callback, folder = watched
    found = curves(folder)
    assert not [event for event in callback.events if event.kind == "fault"]
    for tag in (
        *(f"faithfulness/{name}" for name in ("pixel_flipping", "rule_agreement")),
        *(f"{scope}/effect/{name}" for scope in ("value", "choice") for name in ("pellet", "bar")),
        *(
            "choice/action_changed/pellet",
            "strategy/clusters",
            "strategy/eigengap",
            "play/score_rate",
        ),
    ):
        assert [event.step for event in found.Scalars(tag)] == [0, 40, 80], tag
    checks, effects = callback.last_round.spot_checks, callback.last_round.effects
    last = {tag: found.Scalars(tag)[-1].value for tag in found.Tags()["scalars"]}
    flipped = min(check.pixel_flipping for check in checks.values())
    assert last["faithfulness/pixel_flipping"] == pytest.approx(flipped, rel=1e-5)
    assert last["value/effect/pellet"] == pytest.approx(effects.value["pellet"], rel=1e-5)
    occupied = [value for tag, value in last.items() if tag.startswith("strategy/cluster/")]
    assert sum(occupied) == pytest.approx(1, abs=1e-5)


def test_the_history_holds_what_the_curves_show(watched):
    _, folder = watched
    found, history = curves(folder), read_history(folder)
    assert [each.timestep for each in history.rounds] == [0, 40, 80]
    for tag in ("choice/share/bar", "value/effect/pellet", "strategy/clusters"):
        shown = [event.value for event in found.Scalars(tag)]
        np.testing.assert_allclose(history.curve(tag).values, shown, rtol=1e-5)
    assert len(history.rounds[-1].strategies) >= 1
    assert history.rounds[-1].scores["own"]


def test_the_projector_shows_the_frames_of_the_play(watched):
    callback, folder = watched
    text = (folder / "projector_config.pbtxt").read_text()
    listed = text_format.Parse(text, ProjectorConfig()).embeddings
    assert listed[0].tensor_name == "latest strategies at 80 timesteps"
    rows = (folder / listed[0].metadata_path).read_text().splitlines()
    assert rows[0].split("\t") == ["strategy", "timestep of the agent", "score", "action"]
    strategies = callback.last_round.strategies
    names = {row.split("\t")[0].split(":")[0] for row in rows[1:]}
    assert names == {str(number) for number in strategies.moment.ids}
    with Image.open(folder / listed[0].sprite.image_path) as image:
        corner = image.convert("RGB").getpixel((0, 0))
    assert corner == STRATEGY_COLOURS[int(rows[1].split(":")[0]) % len(STRATEGY_COLOURS)]


def test_every_round_has_a_picture_of_its_strategies(watched):
    callback, folder = watched
    shown = curves(folder).Images("strategy/overview")
    assert [image.step for image in shown] == [0, 40, 80]
    assert shown[-1].encoded_image_string == strategy_overview(callback.last_round)


def test_a_round_on_disk_gives_the_strategies_back(watched):
    callback, folder = watched
    path = store.rounds(folder)[80]
    expected = callback.last_round.strategies.timeline.strategies
    for ours, theirs in zip(store.read_timeline(path).strategies, expected, strict=True):
        assert (ours.id, ours.name, ours.born) == (theirs.id, theirs.name, theirs.born)
        np.testing.assert_allclose(ours.exemplars, theirs.exemplars, rtol=1e-6)


def test_a_resumed_training_goes_on_with_history_and_strategies(tmp_path):
    model = dqn(tmp_path)
    model.learn(60, callback=monitor())
    before = store.read_timeline(store.rounds(tmp_path / "DQN_1")[60]).strategies
    again = monitor()
    model.learn(60, callback=again, reset_num_timesteps=False)
    history = read_history(tmp_path / "DQN_1")
    assert [each.timestep for each in history.rounds] == [0, 40, 60, 80, 120]
    known = again.last_round.strategies.timeline.strategies
    assert [s.born for s in known[: len(before)]] == [s.born for s in before]


def test_resuming_from_an_earlier_timestep_drops_what_came_after(tmp_path):
    first = dqn(tmp_path)
    first.learn(80, callback=monitor(run_dir=tmp_path / "run"))
    second = dqn(tmp_path)
    second.num_timesteps = 40
    second.learn(20, callback=monitor(run_dir=tmp_path / "run"), reset_num_timesteps=False)
    history = read_history(tmp_path / "run")
    assert [each.timestep for each in history.rounds] == [0, 40, 60]


def noticed(history):
    latest = history.rounds[-1].timestep
    return (Event("onset", latest, "The ball matters now.", {"z": 2.0}),) if latest == 40 else ()


def test_what_begins_is_told_everywhere_and_may_stop_the_training(tmp_path, monkeypatch):
    monkeypatch.setattr(logbook, "detect", noticed)
    callback = monitor(on_event=StopTrainingOnEvent("onset"))
    model = dqn(tmp_path)
    model.learn(200, callback=callback)
    assert model.num_timesteps == 40
    assert [event.kind for event in callback.events] == ["onset"]
    folder = tmp_path / "DQN_1"
    assert read_events(folder) == tuple(callback.events)
    line = json.loads((folder / "events.jsonl").read_text())
    assert line == {
        "kind": "onset", "timestep": 40, "text": "The ball matters now.", "evidence": {"z": 2.0},
    }  # fmt: skip
    found = curves(folder)
    (tag,) = (tag for tag in found.Tags()["tensors"] if tag.startswith("events"))
    text = found.Tensors(tag)[0]
    assert (text.step, b"The ball matters now" in text.tensor_proto.string_val[0]) == (40, True)


def test_without_rounds_on_disk_the_history_stays(tmp_path):
    model = dqn(tmp_path)
    model.learn(60, callback=monitor(keep=0))
    model.learn(20, callback=monitor(keep=0), reset_num_timesteps=False)
    history = read_history(tmp_path / "DQN_1")
    assert [each.timestep for each in history.rounds] == [0, 40, 60, 80]


def test_the_page_gets_numbers_and_pictures_of_every_round(watched):
    _, folder = watched
    found = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    records = [
        json.loads(event.tensor_proto.string_val[0]) for event in found.Tensors("page/round")
    ]
    assert [each["timestep"] for each in records] == [0, 40, 80]
    last = read_history(folder).rounds[-1]
    assert records[-1]["values"] == pytest.approx(dict(last.values), rel=1e-5)
    assert records[-1]["how"]["versions"]["rlmonitor"]
    for part in ("clip", "probe", "play"):
        events = found.Tensors(f"page/{part}")
        assert [event.step for event in events] == [0, 40, 80]
        header = json.loads(events[-1].tensor_proto.string_val[0])
        assert (header["part"], header["timestep"]) == (part, 80)
        assert len(events[-1].tensor_proto.string_val) == 1 + len(header["arrays"])


def test_the_page_gets_all_events_of_a_timestep(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("no round today")

    monkeypatch.setattr("rlmonitor.monitor.run_round", fail)
    callback = monitor(on_event=None)
    with pytest.warns(UserWarning, match="no round today"):
        dqn(tmp_path).learn(40, callback=callback)
    found = EventAccumulator(str(tmp_path / "DQN_1"), size_guidance={"tensors": 0}).Reload()
    told = [json.loads(event.tensor_proto.string_val[0]) for event in found.Tensors("page/events")]
    assert [(each["timestep"], each["events"][0]["kind"]) for each in told] == [
        (0, "fault"),
        (40, "fault"),
    ]
