"""The picture of a round's strategies: what was planted must be seen, where it was planted."""

import io
from dataclasses import replace

import numpy as np
import pytest
from oracles.planted_maps import heap
from PIL import Image

from rlmonitor.board.canvas import Palette
from rlmonitor.board.overview import (
    BAR,
    BLOCK_GAP,
    CAPTION,
    FOOTER,
    HEADER,
    MARGIN,
    NOTE,
    STRATEGY_COLOURS,
    TITLE,
    strategy_overview,
)
from rlmonitor.board.picture import ELEMENT_COLOURS, OTHER_COLOURS, Theme
from rlmonitor.board.still import LEVELS, prepare_stills
from rlmonitor.recording import Recording
from rlmonitor.round import Analysis, Round, Strategies, follow
from rlmonitor.strategy.explanation import explain_clusters
from rlmonitor.strategy.pooling import pool, pool_frames
from rlmonitor.strategy.spray import SpraySettings, spray
from rlmonitor.strategy.timeline import Moment, Timeline

SIDE = 24
ZOOM = 6
"""A screen of 24 pixels is drawn at six times its size in a box of 160 x 210."""


def planted(counts, seed=0, timestep=0, timeline=None):
    """A round whose maps lie at known places of black screens."""
    maps, _ = heap(counts, seed)
    n = len(maps)
    left = np.zeros((n, SIDE, SIDE), bool)
    left[:, :, : SIDE // 2] = True
    recording = Recording(
        observation=np.zeros((n, 2, SIDE, SIDE), np.uint8),
        screen=np.zeros((n, SIDE, SIDE, 3), np.uint8),
        action=np.zeros(n, np.int64),
        reward=np.zeros(n, np.float32),
        score=np.zeros(n, np.float32),
        done=np.zeros(n, bool),
        step=np.arange(n),
        masks={"left": left, "rest": ~left},
        env_id="Planted-v0",
    )
    relevance = {"q": maps}
    pooled = {"q": pool_frames(maps, recording.masks, {})}
    play = Analysis(
        recording=recording,
        relevance=relevance,
        explained={"q": np.ones(n, np.float32)},
        outputs=np.zeros((n, 2), np.float32),
        pooled=pooled,
        statistics={"q": pool(pooled["q"])},
        conservation_error=0.0,
    )
    found = Round(timestep, "epsilon", play, play, None, None, {})
    clusters = spray(maps, settings=SpraySettings(shape=(6, 6)))
    reasons = explain_clusters(clusters)
    strategies = Strategies("q", clusters, Moment(timestep), Timeline(), reasons)
    return follow(replace(found, strategies=strategies), timeline or Timeline())


def pixels(png):
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    return np.asarray(image.convert("RGB"), np.int64)


BLOCK_TOP = HEADER + TITLE + NOTE + BAR + CAPTION


def panel(image, row, column):
    size = SIDE * ZOOM
    height = BLOCK_TOP - HEADER + size + BLOCK_GAP
    top, left = BLOCK_TOP + row * height, MARGIN + column * (size + 12)
    return image[top : top + size, left : left + size]


def centre(weight):
    """Row and column of the centre of mass, in pixels of the map."""
    places = np.indices(weight.shape).reshape(2, -1)
    return (places @ weight.ravel()) / weight.sum() / ZOOM


@pytest.fixture(scope="module")
def found():
    return planted({"left": 70, "right": 40})


def test_mean_map_and_typical_frames_lie_where_they_were_planted(found):
    image = pixels(strategy_overview(found))
    for row, column in enumerate((4, 20)):  # the larger one comes first
        mean = panel(image, row, 0)
        assert np.abs(mean[..., 0] - mean[..., 2]).max() < 80  # neither red nor blue
        assert centre(mean.sum(axis=2)) == pytest.approx((12, column), abs=2.5)
        for place in (1, 2, 3):
            frame = panel(image, row, place)
            red = np.maximum(frame[..., 0] - frame[..., 2], 0)
            assert red.sum() > 10 * np.maximum(frame[..., 2] - frame[..., 0], 0).sum()
            assert centre(red) == pytest.approx((12, column), abs=2.5)


def test_the_last_panel_shows_what_puts_the_first_typical_frame_there(found):
    image = pixels(strategy_overview(found))
    for row, reason in enumerate(found.strategies.explanations):
        drawn = panel(image, row, 4)
        signed = drawn[..., 0] - drawn[..., 2]
        expected = reason.map * (np.abs(reason.map) > 0.05 * np.abs(reason.map).max())
        for sign in (1, -1):
            here, there = np.maximum(sign * signed, 0), np.maximum(sign * expected, 0)
            if there.sum() > 0.02 * np.abs(expected).sum():
                assert centre(here) == pytest.approx(centre(there) * ZOOM * 4 + 1.5, abs=2)
    alone = planted({"left": 60})
    alone_image = pixels(strategy_overview(alone))
    assert alone.strategies.explanations == ()
    assert (panel(alone_image, 0, 4) == alone_image[0, 0]).all()


def test_the_bar_shows_the_elements_shares(found):
    image = pixels(strategy_overview(found))
    line = image[HEADER + TITLE + NOTE + 10, MARGIN:-MARGIN]
    own, rest = np.array(OTHER_COLOURS[0]), np.array(ELEMENT_COLOURS["rest"])
    parts = [float((line == colour).all(axis=1).mean()) for colour in (own, rest)]
    share = found.play.pooled["q"].share["left"]
    first = found.strategies.found.clusters[0].members
    assert parts[0] == pytest.approx(share[first].mean(), abs=0.005)
    assert sum(parts) == pytest.approx(1, abs=0.005)


@pytest.mark.parametrize(
    "elements", [("ball", "paddle", "enemy", "display", "rest"), ("ball", "flippers", "targets")]
)
def test_elements_of_other_games_have_colours_of_their_own(elements):
    assert len(set(Theme(Palette(), elements).element.values())) == len(elements)


def test_each_strategy_has_its_colour_and_a_place_of_its_own(found):
    image = pixels(strategy_overview(found))
    for number in (0, 1):
        assert (image == np.array(STRATEGY_COLOURS[number])).all(axis=2).sum() >= 22 * 22
    assert not (image == np.array(STRATEGY_COLOURS[2])).all(axis=2).any()


def texts_of(monkeypatch, found):
    """Everything that is written on the picture."""
    written = []

    def note(canvas, x, baseline, text, *_):
        written.append(text)

    monkeypatch.setattr("rlmonitor.board.overview.write", note)
    strategy_overview(found)
    return written


def test_what_became_of_strategies_is_told(found, monkeypatch):
    timeline = found.strategies.timeline
    later = planted({"left": 60, "top": 50}, 1, 500, timeline)
    words = texts_of(monkeypatch, later)
    assert any(w.startswith("Planted-v0: 2 strategies at 500") for w in words)
    assert "known since timestep 0" in words
    assert "born in this round" in words
    assert f"1: {timeline.strategies[1].name} died in this round" in words
    again = planted({"left": 60, "right": 60, "top": 50}, 2, 900, later.strategies.timeline)
    assert "back in this round" in texts_of(monkeypatch, again)


def test_a_cluster_of_raw_pixels_is_said_to_be_one(found, monkeypatch):
    clusters = tuple(replace(c, in_pixels=True) for c in found.strategies.found.clusters)
    own = replace(found.strategies, found=replace(found.strategies.found, clusters=clusters))
    words = texts_of(monkeypatch, replace(found, strategies=own))
    assert words.count("born in this round  ·  also found in raw pixels") == 2


def test_the_newest_frame_is_shown_with_what_is_new_about_it(found, monkeypatch):
    later = planted({"left": 70, "right": 40, "top": 30}, 3, 500, found.strategies.timeline)
    novelty = later.strategies.novelty
    image = pixels(strategy_overview(later))
    size = SIDE * ZOOM
    top = image.shape[0] - FOOTER - BLOCK_GAP - size
    own, new = (
        image[top : top + size, left : left + size] for left in (MARGIN, MARGIN + size + 12)
    )
    assert centre(np.maximum(own[..., 0] - own[..., 2], 0)) == pytest.approx((3, 12), abs=2.5)
    assert centre(np.maximum(new[..., 0] - new[..., 2], 0)) == pytest.approx((3, 12), abs=2.5)
    assert f"{novelty.newest:.1f} times" in texts_of(monkeypatch, later)
    assert "Newest frame" not in texts_of(monkeypatch, found)  # the first round


def test_without_clusters_there_is_no_picture(found):
    few = planted({"left": 5})
    assert few.strategies.found.not_enough
    assert strategy_overview(few) is None
    assert strategy_overview(replace(found, strategies=None)) is None


def test_the_same_round_gives_the_same_picture(found):
    assert strategy_overview(found) == strategy_overview(found)


def test_screens_keep_their_colours_and_full_relevance_has_the_scales_ends():
    screens = np.full((1, 8, 8, 3), 40, np.uint8)
    screens[0, :4] = (200, 60, 60)
    stills = prepare_stills(screens, (16, 16))
    assert stills.size == (16, 16)
    plain = stills.overlaid(0, np.zeros((8, 8)))
    assert len(np.unique(plain.reshape(-1, 3), axis=0)) == 2
    np.testing.assert_array_equal(plain, stills.lit(0, np.zeros((8, 8))))
    strong = stills.overlaid(0, np.ones((8, 8)))
    np.testing.assert_array_equal(strong[0, 0], stills.signed[stills.number[0, 0, 0], 2 * LEVELS])
    against = stills.overlaid(0, -np.ones((8, 8)))[12, 12].astype(int)
    assert against[2] > against[0] + 50  # blue


def test_large_screens_of_many_colours_are_shrunk_into_the_box():
    screens = np.random.default_rng(0).integers(0, 256, (2, 400, 600, 3), dtype=np.uint8)
    stills = prepare_stills(screens, (160, 210))
    assert stills.overlaid(1, np.zeros((84, 84))).shape == (107, 160, 3)
