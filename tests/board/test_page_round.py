"""A round on the page is the round, pixel by pixel and number by number."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from page_reader import read_part
from torch import nn

from rlmonitor.board.embedding import drawn_strategies
from rlmonitor.board.page_round import (
    clip_part,
    events_record,
    play_part,
    probe_part,
    round_record,
)
from rlmonitor.lrp import network_of
from rlmonitor.recording import Recording
from rlmonitor.round import analyse, follow, run_round
from rlmonitor.strategy.events import Event
from rlmonitor.strategy.explanation import explain_clusters
from rlmonitor.strategy.spray import SpraySettings, spray
from rlmonitor.strategy.timeline import Timeline

SIZE = 20


def recording(n, seed=0, channels=3):
    rng = np.random.default_rng(seed)
    left = np.zeros((n, SIZE, SIZE), bool)
    left[:, :, : SIZE // 2] = True
    return Recording(
        observation=rng.integers(1, 256, (n, channels, SIZE, SIZE), dtype=np.uint8),
        screen=rng.integers(0, 4, (n, SIZE, SIZE, 1), dtype=np.uint8).repeat(3, axis=3) * 80,
        action=rng.integers(0, 3, n),
        reward=np.zeros(n, np.float32),
        score=np.arange(n, dtype=np.float32),
        done=np.zeros(n, bool),
        step=np.arange(n),
        masks={"left": left, "rest": ~left},
        env_id="Planted-v0",
        action_meanings=("NOOP", "LEFT", "RIGHT"),
        elements_from="pixels",
    )


@pytest.fixture(scope="module")
def found():
    torch.manual_seed(0)
    network = network_of(
        nn.Sequential(nn.Conv2d(3, 4, 2, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(400, 3))
    )
    probe = recording(40, seed=1)
    random = analyse(network.randomised(0), probe, composite="epsilon")
    return run_round(
        network,
        recording(60),
        timestep=700,
        probe=probe,
        random=random,
        composite="epsilon",
        n_frames=48,
        clip_frames=12,
    )


def test_a_clip_holds_screens_elements_and_maps(found):
    header, arrays = read_part(clip_part(found))
    clip = found.clip
    palette = np.array(header["palette"], np.uint8)
    np.testing.assert_array_equal(palette[arrays["screen"]], clip.recording.screen)
    names = np.array(header["elements"])
    np.testing.assert_array_equal(names[arrays["elements"]] == "left", clip.recording.masks["left"])
    np.testing.assert_allclose(header["outputs"], clip.outputs, rtol=1e-5)
    scales = {each["name"]: each.get("scale") for each in header["arrays"]}
    for target, maps in clip.relevance.items():
        scale = scales[f"relevance/{target}"]
        expected = np.clip(maps.sum(axis=1), -scale, scale)
        assert np.abs(arrays[f"relevance/{target}"] - expected).max() <= scale * 0.51 / 31
        shown = arrays[f"stack/{target}"]
        means = maps.reshape(12, 3, 10, 2, 10, 2).mean(axis=(3, 5))
        scale = scales[f"stack/{target}"]
        assert np.abs(shown - np.clip(means, -scale, scale)).max() <= scale * 0.51 / 15
        np.testing.assert_allclose(
            header["shares"][target]["left"], clip.pooled[target].share["left"], rtol=1e-5
        )
    assert header["action"] == clip.recording.action.tolist()
    assert (header["frames"], header["timestep"], header["part"]) == (12, 700, "clip")


def test_the_probe_shows_the_frames_of_its_clip_with_their_phases(found):
    phases = [f"phase {i}" for i in range(40)]
    header, arrays = read_part(probe_part(found.probe, 700, phases))
    index = [int(caption.split()[1]) for caption in header["captions"]]
    assert (len(index), index[0], index[-1]) == (24, 0, 39)
    palette = np.array(header["palette"], np.uint8)
    screens = found.probe.recording.screen[index]
    np.testing.assert_array_equal(palette[arrays["screen"]], screens)
    share = found.probe.pooled["q"].share["left"][index]
    np.testing.assert_allclose(header["shares"]["q"]["left"], share, rtol=1e-5)


def test_the_play_has_a_place_and_a_strategy_for_its_frames(found):
    drawn = drawn_strategies(found.strategies)
    header, arrays = read_part(play_part(found.play, 700, found.strategies, drawn))
    strategies = header["strategies"]
    assert strategies["labels"] == found.strategies.found.labels.tolist()
    assert [each["id"] for each in strategies["clusters"]] == list(found.strategies.moment.ids)
    placed = [i for i, point in enumerate(strategies["points"]) if point is not None]
    assert placed == drawn.index.tolist()
    np.testing.assert_allclose(strategies["points"][placed[0]], drawn.position[0], rtol=1e-5)
    assert arrays["relevance/q"].shape == (48, 10, 10)


def test_the_play_has_each_clusters_mean_map_and_its_explanation(found):
    few = clusters_of_both_halves(found)
    header, arrays = read_part(play_part(found.play, 700, few, drawn_strategies(few)))
    described = header["strategies"]["clusters"]
    assert len(described) == 2
    scales = {each["name"]: each.get("scale") for each in header["arrays"]}
    for place, cluster in enumerate(few.found.clusters):
        reason = few.explanations[place]
        means = cluster.mean_map.reshape(10, 2, 10, 2).mean(axis=(1, 3))
        for name, expected in (("mean", means), ("explanation", reason.map)):
            shown, scale = arrays[f"strategies/{name}"][place], scales[f"strategies/{name}"]
            own = np.abs(shown).max() / np.percentile(np.abs(expected), 99.8)
            # each on a scale of its own, of which the strongest 0.2 % are cut
            cut = np.clip(own * expected, -scale, scale)
            np.testing.assert_allclose(shown, cut, atol=scale * 0.1)
            assert np.abs(shown).max() > 0.6 * scale
        assert described[place]["agreement"] == pytest.approx(reason.agreement, rel=1e-5)


def clusters_of_both_halves(found):
    """The round's strategies as if its maps had been two clusters, which SpRAy may not see."""
    own = found.strategies
    two = spray(
        found.play.relevance[own.target], settings=SpraySettings(n_clusters=2, n_neighbours=5)
    )
    return follow(
        replace(found, strategies=replace(own, found=two, explanations=explain_clusters(two))),
        Timeline(),
    ).strategies


def test_a_play_without_strategies_has_none():
    torch.manual_seed(0)
    network = network_of(nn.Sequential(nn.Flatten(), nn.Linear(1200, 3)))
    few = run_round(network, recording(3), timestep=1, composite="epsilon")
    assert drawn_strategies(few.strategies) is None
    header, _ = read_part(play_part(few.play, 1, few.strategies, None))
    assert "strategies" not in header
    record = round_record(few, {})
    assert "are needed" in record["strategies"]["not_enough"]


def test_one_frame_is_a_clip():
    torch.manual_seed(0)
    network = network_of(nn.Sequential(nn.Flatten(), nn.Linear(400, 3)))
    one = run_round(network, recording(1, channels=1), timestep=1, composite="epsilon")
    header, arrays = read_part(clip_part(one))
    assert header["frames"] == 1
    assert not [name for name in arrays if name.startswith("stack/")]


def test_a_record_says_how_far_each_targets_maps_may_be_believed(found):
    record = round_record(found, {"seed": 5})
    for target in ("q", "advantage"):
        check, own = found.spot_checks[target], record["trust"][target]
        assert own["pixel_flipping"] == pytest.approx(check.pixel_flipping, rel=1e-5)
        assert own["random_network"] == pytest.approx(found.random_similarity[target], rel=1e-5)
    assert record["how"] == {
        "composite": "epsilon",
        "env_id": "Planted-v0",
        "elements_from": "pixels",
        "seed": 5,
    }
    assert record["values"]["value/share/left"] == pytest.approx(
        found.play.statistics["q"].share["left"], rel=1e-5
    )
    json.dumps(record, allow_nan=False)


def test_evidence_without_a_number_is_left_out():
    event = Event("onset", 7, "It began.", {"share": 0.25, "unknown": float("nan")})
    (told,) = events_record(7, [event])["events"]
    assert told == {"kind": "onset", "text": "It began.", "evidence": {"share": 0.25}}
