"""The causal check on networks whose causes are known by construction, and on a trained one."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from torch import nn

from rlmonitor.errors import NonFiniteError, ObservationError
from rlmonitor.lrp import network_of
from rlmonitor.probe import load_probe
from rlmonitor.recording import Recording
from rlmonitor.round import analyse
from rlmonitor.strategy.agreement import agreement, rank_correlation
from rlmonitor.strategy.causal import effects, mean_effect, measure
from rlmonitor.strategy.counterfactuals import Backdrop, Counterfactuals
from rlmonitor.strategy.detectors import replay
from rlmonitor.strategy.history import History, RoundSummary, effect_values

SIZE, N = 28, 40


@cache
def game():
    """A ball that moves over the lower half, a lamp that blinks in the upper right, a still bar."""
    rng = np.random.default_rng(0)
    frames = np.zeros((N, SIZE, SIZE), np.uint8)
    masks = {name: np.zeros((N, SIZE, SIZE), bool) for name in ("ball", "bar")}
    for i in range(N):
        top, left = 14 + (3 * i) % 9, (5 * i) % 25
        masks["ball"][i, top : top + 3, left : left + 3] = True
        masks["bar"][i, 4:8, 8:16] = True
        frames[i][masks["ball"][i]], frames[i][masks["bar"][i]] = 200, 120
        frames[i, :4, 24:] = 255 * (rng.random() < 0.5)
    stack = [np.zeros_like(frames[:1]), np.zeros_like(frames[:1]), frames]
    padded = np.concatenate(stack)
    observation = np.stack([padded[i : i + 3] for i in range(N)])
    return Recording(
        observation=observation,
        screen=np.zeros((N, SIZE, SIZE, 3), np.uint8),
        action=np.zeros(N, np.int64),
        reward=np.zeros(N, np.float32),
        score=np.zeros(N, np.float32),
        done=np.zeros(N, bool),
        step=np.arange(N),
        masks=masks | {"rest": ~(masks["ball"] | masks["bar"])},
    )


class Reader(nn.Module):
    """Q-values from some pixels only, by construction."""

    def __init__(self, where, channels=3, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.layers = nn.Sequential(
            nn.Conv2d(channels, 4, 2, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 196, 3)
        )
        with torch.no_grad():
            seen = torch.as_tensor(where[::2, ::2]).repeat(4, 1, 1).flatten()
            self.layers[3].weight *= 20 * seen

    def forward(self, observation):
        return self.layers(observation / 255)


def region(rows, columns):
    where = np.zeros((SIZE, SIZE), bool)
    where[rows, columns] = True
    return where


READERS = {
    "ball": region(slice(14, 28), slice(None)),
    "bar": region(slice(4, 8), slice(8, 16)),
}


@pytest.mark.parametrize("element", READERS)
def test_only_what_the_network_reads_has_an_effect(element):
    found = effects(network_of(Reader(READERS[element])), game(), n_frames=20)
    (other,) = set(READERS) - {element}
    assert found.frames == 20
    for numbers in (found.value, found.choice):
        assert numbers[element] > 0.01
    for numbers in (found.value, found.choice, found.action_changed):
        assert numbers[other] == 0
    assert found.present == {"ball": 20, "bar": 20}
    assert found.region_share["q"]  # regions lie outside both, and have no effect
    assert set(found.region_value.values()) <= {0.0}


def test_a_lamp_that_no_element_covers_is_found_as_a_region():
    network = network_of(Reader(region(slice(0, 4), slice(24, 28))))
    found = effects(network, game(), composite="epsilon")
    lamp = "row1-column7"
    assert max(found.region_share["advantage"], key=found.region_share["advantage"].get) == lamp
    assert found.region_share["advantage"][lamp] > 0.9
    assert found.region_choice[lamp] > 0.1
    assert found.region_action_changed[lamp] > 0.1
    assert set(found.value.values()) == {0.0}


def lamp_on_but_every(period):
    """The game with its lamp on but for one frame in so many."""
    play = game()
    frames = play.observation[:, -1].copy()
    frames[:, :4, 24:] = np.where(np.arange(N) % period, 255, 0)[:, None, None]
    padded = np.concatenate([np.zeros((2, SIZE, SIZE), np.uint8), frames])
    return replace(play, observation=np.stack([padded[i : i + 3] for i in range(N)]))


def test_frames_that_show_what_a_region_is_filled_with_do_not_dilute_its_effect():
    play, network = lamp_on_but_every(8), network_of(Reader(region(slice(0, 4), slice(24, 28))))
    found = effects(network, play, n_frames=N, composite="epsilon")
    filled = play.observation.copy()
    seen = np.arange(N)[:, None] + np.arange(-2, 1) >= 0  # the first stacks begin with nothing
    filled[..., :4, 24:] = np.where(seen, 255, 0)[..., None, None]
    before, after = (network.forward(each).double().numpy() for each in (play.observation, filled))
    action = before.argmax(axis=1)[:, None]
    choice = [np.take_along_axis(q, action, axis=1)[:, 0] - q.mean(axis=1) for q in (before, after)]
    changed = (filled != play.observation).any(axis=(1, 2, 3))
    assert 0.3 < changed.mean() < 0.5
    expected = np.abs(choice[0] - choice[1])[changed].mean() / choice[0].mean()
    assert found.region_choice["row1-column7"] == pytest.approx(expected, rel=1e-5)


def test_a_region_that_changes_in_a_frame_or_two_has_no_effect_to_speak_of():
    network = network_of(Reader(region(slice(0, 4), slice(24, 28))))
    found = effects(network, lamp_on_but_every(39), n_frames=8, composite="epsilon")
    assert found.region_share["advantage"]["row1-column7"] > 0.9
    assert "row1-column7" not in found.region_choice


def test_the_numbers_are_those_of_the_definition():
    network = network_of(Reader(READERS["ball"]))
    index = np.arange(5, N, 7)
    frames = Backdrop(game()).without(["ball"], index)
    found = measure(network, frames)
    before = network.forward(frames.observation).double().numpy()
    after = network.forward(frames.without["ball"]).double().numpy()
    for row, (q, new) in enumerate(zip(before, after, strict=True)):
        a = q.argmax()
        assert found.value["ball"][row] == pytest.approx(abs(q[a] - new[a]))
        advantages = (each[a] - each.mean() for each in (q, new))
        assert found.choice["ball"][row] == pytest.approx(abs(np.subtract(*advantages)))
        assert found.action_changed["ball"][row] == (new.argmax() != a)
    assert found.value_scale == pytest.approx(np.abs(before.max(axis=1)).mean())


def test_all_frames_of_the_stack_lose_the_element_and_nothing_else_changes():
    play = game()
    frames = Backdrop(play).without(["ball"], np.arange(N))
    without = frames.without["ball"]
    assert (frames.observation == 200).any(axis=(2, 3))[2:].all()
    assert not (without == 200).any()
    before = play.observation.copy()
    before[before == 200] = 0
    np.testing.assert_array_equal(without, before)


def test_an_element_that_is_not_there_has_no_effect_to_speak_of():
    play = game()
    absent = dict(play.masks) | {"cup": np.zeros((N, SIZE, SIZE), bool)}
    masks = {name: absent[name] for name in ("ball", "bar", "cup", "rest")}
    found = effects(network_of(Reader(READERS["ball"])), replace(play, masks=masks))
    assert found.present["cup"] == 0
    assert "cup" not in found.value
    assert "cup" not in found.choice
    assert "cup" not in found.action_changed


def test_frames_without_a_past_or_without_elements_are_not_enough():
    network = network_of(Reader(READERS["ball"]))
    assert effects(network, game().select(np.arange(3, N, 5))).frames == 0
    assert effects(network, replace(game(), masks={})).frames == 0
    with pytest.raises(ObservationError, match="consecutive"):
        Backdrop(game().select([10, 20])).without(["ball"], np.arange(2))
    with pytest.raises(ObservationError, match="n_frames=0"):
        effects(network, game(), n_frames=0)


def test_a_network_that_decides_nothing_has_values_only():
    model = Reader(READERS["ball"])
    with torch.no_grad():
        model.layers[3].weight[1:] = model.layers[3].weight[0]
        model.layers[3].bias[:] = 1
    found = effects(network_of(model), game())
    assert found.value["ball"] > 0
    assert found.choice == {}
    assert found.action_changed["ball"] == 0


def test_weights_that_are_not_finite_name_themselves():
    model = Reader(READERS["ball"])
    with torch.no_grad():
        model.layers[0].weight[0] = float("nan")
    with pytest.raises(NonFiniteError, match=r"layers\.0"):
        effects(network_of(model), game())


def test_channels_last_is_the_same_network():
    class Last(Reader):
        def forward(self, observation):
            return super().forward(observation.permute(0, 3, 1, 2))

    index = np.arange(4, 20)
    frames = Backdrop(game()).without(["ball"], index)
    turned = replace(frames, channels_last=True)
    first, last = (
        measure(network_of(model(READERS["ball"])), each)
        for model, each in ((Reader, frames), (Last, turned))
    )
    np.testing.assert_allclose(first.value["ball"], last.value["ball"], rtol=1e-5)


def rounds_of(network, play, n=4):
    found = effects(network, play)
    shares = analyse(network, play, composite="epsilon").statistics
    scopes = {"q": "value", "advantage": "choice"}
    values = {
        f"{scopes[target]}/share/{name}": share
        for target, statistics in shares.items()
        for name, share in statistics.share.items()
    } | effect_values(found)
    return History(tuple(RoundSummary(step, values) for step in range(n)))


def test_an_agent_that_reads_a_lamp_raises_a_shortcut_and_one_that_reads_the_ball_none():
    lamp = network_of(Reader(region(slice(0, 4), slice(24, 28))))
    (event,) = replay(rounds_of(lamp, game()))
    assert event.kind == "shortcut"
    assert "row 1, column 7" in event.text
    assert replay(rounds_of(network_of(Reader(READERS["ball"])), game())) == ()


def test_an_agent_that_reads_the_score_raises_display_reliance():
    play = game()
    display = np.zeros((N, SIZE, SIZE), bool)
    display[:, :4] = True
    masks = {"ball": play.masks["ball"], "display": display}
    known = replace(play, masks=masks | {"rest": ~(masks["ball"] | display)})
    lamp = network_of(Reader(region(slice(0, 4), slice(24, 28))))
    (event,) = replay(rounds_of(lamp, known))
    assert event.kind == "display-reliance"
    assert replay(rounds_of(network_of(Reader(READERS["ball"])), known)) == ()


# --- rank agreement -----------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=3, max_size=7))
@settings(max_examples=60, deadline=None)
def test_rank_correlation_is_spearmans_with_ties(pairs):
    first, second = (np.array(side, float) for side in zip(*pairs, strict=True))
    found = rank_correlation(first, second)
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert found is None
    else:
        assert found == pytest.approx(spearmanr(first, second).statistic)


def test_agreement_is_the_mean_over_frames_that_say_something():
    relative = {"a": np.array([3.0, 3, 3, 3]), "b": np.array([2.0] * 4), "c": np.array([1.0] * 4)}
    effect = {
        "a": np.array([9.0, 1, 5, 0]),
        "b": np.array([5.0, 5, 3, 0]),
        "c": np.array([1.0, 9, 1, 0]),
    }
    there = {name: np.ones(4, bool) for name in "abc"}
    there["c"][2] = False  # two elements: no ranking; in the last frame nothing has an effect
    assert agreement(relative, effect, there) == pytest.approx((1 - 1) / 2)
    assert agreement(relative, effect, {n: np.zeros(4, bool) for n in "abc"}) is None
    assert agreement({}, effect, there) is None


def test_numbers_that_have_no_rank_say_so():
    with pytest.raises(NonFiniteError, match="ranked"):
        rank_correlation(np.array([1.0, np.nan, 2]), np.arange(3.0))


def test_an_effect_is_a_part_of_the_scale():
    exists = {"a": np.array([True, False]), "b": np.zeros(2, bool)}
    change = {"a": np.array([3.0, 100]), "b": np.ones(2)}
    assert mean_effect(change, exists, 6.0) == {"a": 0.5}
    assert mean_effect(change, exists, 0.0) == {}


# --- a trained agent ----------------------------------------------------------------------------


def test_the_shipped_probe_has_no_past_and_says_so():
    from rlmonitor.replay.checkpoints import load_checkpoint, q_network

    path = Path(__file__).parents[2] / "rlmonitor" / "data" / "breakout.safetensors"
    network = network_of(q_network(load_checkpoint(path)))
    # only where a frame of the probe happens to follow another is the past known
    assert effects(network, load_probe("breakout"), n_frames=999).frames < 220


def test_counterfactuals_are_not_the_recordings_own_arrays():
    play = game()
    before = play.observation.copy()
    frames = Backdrop(play).without(["ball"], np.arange(4))
    assert isinstance(frames, Counterfactuals)
    np.testing.assert_array_equal(play.observation, before)


def test_what_hides_the_place_of_an_element_is_not_what_is_behind_it():
    block = np.zeros((N, SIZE, SIZE), bool)
    block[:, 4:7, 4:7] = True
    age = np.arange(N)[:, None, None]
    gate, ball = block & (age < 10), block & (age >= 10) & (age < 36)
    frames = np.where(ball, 250, np.where(gate, 130, 40)).astype(np.uint8)[:, None]
    masks = {"ball": ball, "gate": gate, "rest": ~(ball | gate)}
    play = replace(game(), observation=frames, masks=masks)
    without_gate = Backdrop(play).without(["gate"], np.arange(10)).without["gate"]
    assert (without_gate == 40).all()
