"""Planted agents read what they should, and a classifier tells them apart by honest maps only."""

from dataclasses import replace

import numpy as np
import pytest
from catch import Catch, bar, pellet

from rlmonitor.errors import ConfigurationError, NonFiniteError, ObservationError
from rlmonitor.explain.end_to_end import CELLS, end_to_end, pooled, separability
from rlmonitor.explain.planted import effects, plant, readable, scenes_of
from rlmonitor.recording import Recording

STEPS, DEPTH = 240, 2


def recording(masks=True):
    """Random play of the catching game, two frames a stack."""
    env, rng = Catch(), np.random.default_rng(0)
    frames, dones = [], []
    env.reset(seed=0)
    frame = env._observation()
    for _ in range(STEPS):
        frames.append(frame[0])
        frame, _, done, _, _ = env.step(rng.integers(3))
        dones.append(done)
        if done:
            frame, _ = env.reset()
    newest = np.stack(frames)
    starts = np.flatnonzero(np.roll(dones, 1) | (np.arange(STEPS) == 0))
    before = np.maximum(np.arange(STEPS) - 1, np.repeat(starts, np.diff([*starts, STEPS])))
    elements = {"pellet": newest == 255, "bar": newest == 160}
    elements["rest"] = ~elements["pellet"] & ~elements["bar"]
    zeros = np.zeros(STEPS, np.float32)
    return Recording(
        observation=np.stack([newest[before], newest], axis=1),
        screen=np.repeat(newest[..., None], 3, axis=-1),
        action=np.zeros(STEPS, np.int64),
        reward=zeros,
        score=zeros,
        done=np.array(dones),
        step=np.arange(STEPS),
        masks=elements if masks else {},
    )


@pytest.fixture(scope="module")
def scenes():
    return scenes_of(recording())


@pytest.fixture(scope="module")
def agents(scenes):
    return plant(scenes, copies=2, n_train=1024, epochs=12, features=16, n_actions=3)


def test_masks_follow_the_stack_and_elements_vanish(scenes):
    for name, find in (("pellet", pellet), ("bar", bar)):
        for channel in range(DEPTH):
            expected = [find(stack[channel : channel + 1]) for stack in scenes.observation]
            np.testing.assert_array_equal(scenes.masks[name][:, channel], expected)
        assert scenes.masks[name].any()
        value = 255 if name == "pellet" else 160
        assert value in scenes.observation
        assert value not in scenes.without(name)
    assert not scenes.background.any()


def test_no_stack_reaches_into_another_game():
    play = recording()
    found = scenes_of(play)
    first = np.flatnonzero(np.roll(play.done, 1) | (np.arange(STEPS) == 0))
    assert len(found) == STEPS - len(first)
    assert (np.diff(found.game) >= 0).all()
    assert len(np.unique(found.game)) == len(first)


def test_each_agent_reads_its_element_alone(agents):
    assert [agent.element for agent in agents] == ["pellet", "pellet", "bar", "bar"]
    for agent in agents:
        assert agent.effects[agent.element] > 0.5
        assert agent.strongest_other < agent.effects[agent.element] / 3


def test_effects_equal_their_definition(agents, scenes):
    network = agents[0].network
    q = network.forward(scenes.observation).numpy()
    without = network.forward(scenes.without("bar")).numpy()
    scale = np.sqrt((q.std(axis=0, ddof=1) ** 2).mean())
    found = effects(network, scenes, n_frames=len(scenes))
    assert found["bar"] == pytest.approx(np.sqrt(((q - without) ** 2).mean()) / scale, rel=1e-4)


def test_planting_leaves_global_random_states_and_can_be_repeated(scenes, torch_state):
    few = {"copies": 1, "n_train": 64, "epochs": 1, "features": 4}
    first, again = (plant(scenes, **few)[0].network for _ in range(2))
    np.testing.assert_array_equal(
        first.forward(scenes.observation), again.forward(scenes.observation)
    )


@pytest.fixture
def torch_state():
    import torch

    before = torch.random.get_rng_state().clone()
    yield
    assert torch.equal(before, torch.random.get_rng_state())


def test_regions_stand_for_elements_where_nothing_is_known():
    found = scenes_of(recording(masks=False))
    assert len(found.masks) == 4
    np.testing.assert_array_equal(np.sum(list(found.masks.values()), axis=0), 1)
    assert set(readable(found)) == set(found.masks)


def tell(agents, scenes, method):
    networks, labels = [a.network for a in agents], [a.element for a in agents]
    return end_to_end(networks, labels, scenes.observation, scenes.game, method=method)


@pytest.mark.parametrize("method", ["epsilon-gamma-box", "gradient-x-input"])
def test_honest_maps_tell_strategies_of_unseen_agents(agents, scenes, method):
    found = tell(agents, scenes, method)
    assert found.by_agent
    assert found.chance == 0.5
    assert found.accuracy > 0.7
    assert found.interval.low > 0.6
    assert np.sum(found.confusion) == len(agents) * len(scenes)
    assert np.trace(found.confusion) / np.sum(found.confusion) == pytest.approx(found.accuracy)


@pytest.mark.parametrize("method", ["random", "edges"])
def test_maps_that_know_nothing_are_at_chance(agents, scenes, method):
    found = tell(agents, scenes, method)
    assert found.interval.low <= 0.5 <= found.interval.high
    assert found.accuracy == pytest.approx(0.5, abs=0.1)


def test_a_fingerprint_of_a_network_is_no_strategy():
    """Maps that give each network away, with nothing in common between copies, are at chance."""
    rng = np.random.default_rng(0)
    prints = rng.normal(size=(4, 1, 2, 12, 12)).astype(np.float32)
    maps = list(prints + 0.01 * rng.normal(size=(4, 40, 2, 12, 12)).astype(np.float32))
    shared = separability(maps, ["a", "b", "c", "d"])
    assert shared.accuracy == 1
    assert not shared.by_agent
    held_out = separability(maps, ["a", "a", "b", "b"])
    assert held_out.by_agent
    assert held_out.accuracy < 0.8


def test_the_height_of_q_values_tells_nothing(scenes):
    maps = np.random.default_rng(0).normal(size=(6, 2, 36, 36)).astype(np.float32)
    np.testing.assert_allclose(pooled(maps), pooled(1000 * maps), rtol=1e-5)
    assert pooled(maps).shape == (6, 2 * CELLS**2)
    np.testing.assert_allclose(pooled(maps).sum(axis=1), 1)
    assert not pooled(np.zeros_like(maps)).any()


@pytest.mark.parametrize(
    ("labels", "change", "error", "said"),
    [
        (["a", "a"], {}, ConfigurationError, "two different ones at least"),
        (["a"], {}, ConfigurationError, "a label for each agent"),
        (["a", "b"], {"frames": 7}, ObservationError, "8 frames or more"),
        (["a", "b"], {"value": np.nan}, NonFiniteError, "NaN"),
        (["a", "b"], {"games": np.zeros(3, int)}, ObservationError, "expected \\(16,\\)"),
    ],
)
def test_bad_maps_are_refused(labels, change, error, said):
    one = np.ones((change.get("frames", 16), 1, 8, 8), np.float32)
    one[0, 0, 0, 0] = change.get("value", 1)
    with pytest.raises(error, match=said):
        separability([one, one], labels, change.get("games"))


def test_bad_frames_are_refused(scenes):
    play = recording()
    with pytest.raises(ObservationError, match="not a probe"):
        scenes_of(replace(play, step=np.arange(STEPS) * 5))
    with pytest.raises(ObservationError, match="uint8"):
        scenes_of(replace(play, observation=play.observation.astype(np.float32)))
    with pytest.raises(ConfigurationError, match="two or more elements of pellet, bar"):
        plant(scenes, ["pellet", "ghost"])
    with pytest.raises(ConfigurationError, match="got pellet"):
        plant(scenes, ["pellet"])
