"""A round against planted truth: networks that read one region only."""

import numpy as np
import pytest
import torch
from torch import nn

from rlmonitor.errors import NonFiniteError, ObservationError
from rlmonitor.lrp import attribute, network_of
from rlmonitor.recording import Recording
from rlmonitor.round import analyse, run_round

SIZE = 20


def recording(n=30, seed=0):
    rng = np.random.default_rng(seed)
    masks = {"left": np.zeros((n, SIZE, SIZE), bool)}
    masks["left"][:, :, : SIZE // 2] = True
    masks["rest"] = ~masks["left"]
    return Recording(
        observation=rng.integers(1, 256, (n, 2, SIZE, SIZE), dtype=np.uint8),
        screen=rng.integers(0, 256, (n, SIZE, SIZE, 3), dtype=np.uint8),
        action=np.zeros(n, np.int64),
        reward=np.zeros(n, np.float32),
        score=np.zeros(n, np.float32),
        done=np.zeros(n, bool),
        step=np.arange(n),
        masks=masks,
    )


class Reader(nn.Module):
    """Q-values from the left (or right) half of the screen only, by construction."""

    def __init__(self, half):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            nn.Conv2d(2, 4, 2, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(400, 3)
        )
        with torch.no_grad():
            weight = self.layers[3].weight.view(3, 4, 10, 10)
            weight[..., slice(5, None) if half == "left" else slice(5)] = 0

    def forward(self, observation):
        return self.layers(observation / 255)


@pytest.mark.parametrize("composite", ["epsilon", "epsilon-gamma-box", "epsilon-plus-flat"])
@pytest.mark.parametrize(("half", "element"), [("left", "left"), ("right", "rest")])
def test_relevance_lies_where_the_network_reads(half, element, composite):
    found = analyse(network_of(Reader(half)), recording(), composite=composite)
    for target in ("q", "advantage"):
        statistics = found.statistics[target]
        assert statistics.share[element] == pytest.approx(1, abs=1e-6)
        assert statistics.relative[element] == pytest.approx(2, abs=1e-5)
    assert found.conservation_error < 1e-5


def test_a_round_explains_play_clip_and_probe_alike():
    network, probe = network_of(Reader("left")), recording(5, seed=1)
    random = analyse(network.randomised(0), probe, composite="epsilon")
    play = recording()
    found = run_round(
        network,
        play,
        timestep=7,
        probe=probe,
        random=random,
        composite="epsilon",
        n_frames=10,
        clip_frames=6,
    )
    assert len(found.play.recording) == 10
    steps = found.clip.recording.step
    assert (np.diff(steps) == 1).all()
    assert len(steps) == 6
    for part in (found.play, found.clip, found.probe):
        expected = attribute(network, part.recording.observation, "advantage", "epsilon")
        np.testing.assert_allclose(part.relevance["advantage"], expected.map, atol=1e-6)
        np.testing.assert_allclose(part.explained["advantage"], expected.explained, atol=1e-6)
    assert set(found.random_similarity) == {"q", "advantage"}
    assert 0 < found.random_similarity["q"] < 0.9
    assert found.composite == "epsilon"


def test_a_network_compared_with_itself_is_entirely_similar():
    network, probe = network_of(Reader("left")), recording(5)
    itself = analyse(network, probe, composite="epsilon")
    found = run_round(
        network, recording(), timestep=0, probe=probe, random=itself, composite="epsilon"
    )
    assert found.random_similarity["q"] == pytest.approx(1)


def test_frames_that_do_not_fit_and_weights_that_are_not_finite_name_themselves():
    model = Reader("left")
    odd = recording()
    wide = np.zeros((30, 2, SIZE, SIZE + 3), np.uint8)
    with pytest.raises(ObservationError, match="440"):
        analyse(
            network_of(model), Recording(**{**vars(odd), "observation": wide}), composite="epsilon"
        )
    with torch.no_grad():
        model.layers[0].weight[0, 0, 0, 0] = float("nan")
    with pytest.raises(NonFiniteError, match=r"layers\.0"):
        analyse(network_of(model), recording(), composite="epsilon")
