"""Pooling against a literal twin, its laws, and bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rlmonitor.errors import NonFiniteError, ObservationError
from rlmonitor.recording import Recording, episode_of
from rlmonitor.strategy import places
from rlmonitor.strategy.pooling import concatenate, pool, pool_episodes, pool_frames, similarity


def partition(labels: np.ndarray, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    return {name: labels == i for i, name in enumerate(names)}


NAMES = ("ball", "paddle", "rest")


@st.composite
def cases(draw):
    n, c, h, w = (draw(st.integers(1, k)) for k in (3, 4, 6, 5))
    values = st.floats(-1e3, 1e3, width=32).map(lambda v: 0.0 if abs(v) < 1e-3 else v)
    maps = draw(hnp.arrays(np.float32, (n, c, h, w), elements=values))
    labels = draw(hnp.arrays(np.int64, (n, h, w), elements=st.integers(0, len(NAMES) - 1)))
    return maps, partition(labels, NAMES)


def literal(maps, masks):
    """The definitions, pixel by pixel, in plain Python."""
    share, relative = {n: [] for n in masks}, {n: [] for n in masks}
    for i in range(len(maps)):
        _, h, w = maps[i].shape
        m = [[sum(abs(float(v)) for v in maps[i, :, y, x]) for x in range(w)] for y in range(h)]
        total = sum(map(sum, m))
        if total == 0:
            continue
        for name, mask in masks.items():
            on = [m[y][x] for y in range(h) for x in range(w) if mask[i, y, x]]
            share[name].append(sum(on) / total)
            if on:
                relative[name].append((sum(on) / len(on)) / (total / (h * w)))
    return share, relative


@given(cases(), st.sampled_from([1, -1]))
@settings(max_examples=30, deadline=None)
def test_maps_of_one_sign_leave_nothing_of_the_other(case, sign):
    maps, masks = case
    found = pool_frames(sign * np.abs(maps), masks)
    for name in masks:
        other = found.share_negative if sign > 0 else found.share_positive
        assert not other[name].any()


@given(cases(), st.sampled_from([0.0, 0.03, 1.0]))
@settings(max_examples=60, deadline=None)
def test_equals_the_literal_definition(case, few):
    maps, masks = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "_FEW", few)
        found = pool(pool_frames(maps, places.places_of(masks)))
    share, relative = literal(maps, masks)
    for name in masks:
        if share[name]:
            assert found.share[name] == pytest.approx(np.mean(share[name]), rel=1e-9, abs=1e-12)
        assert (name in found.relative) == bool(relative[name])
        if relative[name]:
            assert found.relative[name] == pytest.approx(np.mean(relative[name]), rel=1e-9)


@given(cases())
@settings(max_examples=60, deadline=None)
def test_conserves_and_is_never_nan(case):
    maps, masks = case
    frames = pool_frames(maps, masks)
    found = pool(frames)
    seen = frames.total > 0
    np.testing.assert_allclose(sum(frames.share.values())[seen], 1, rtol=1e-9)
    np.testing.assert_allclose(frames.frame_share.sum(axis=1)[seen], 1, rtol=1e-9)
    assert ((frames.entropy >= -1e-12) & (frames.entropy <= 1 + 1e-12)).all()
    for name in masks:
        np.testing.assert_allclose(
            frames.relative_positive[name] + frames.relative_negative[name], frames.relative[name]
        )
    numbers = [*found.share.values(), *found.relative.values(), *found.frame_share]
    assert np.isfinite(numbers).all()
    assert found.frames == seen.sum()


@given(cases(), st.floats(0.1, 100), st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_scale_and_order_do_not_matter(case, factor, seed):
    maps, masks = case
    order = np.random.default_rng(seed).permutation(len(maps))
    first = pool(pool_frames(maps.astype(np.float64), masks))
    other = pool(
        pool_frames(
            maps.astype(np.float64)[order] * -factor, {n: m[order] for n, m in masks.items()}
        )
    )
    assert first.share == pytest.approx(other.share)
    assert first.relative == pytest.approx(other.relative)
    # the sign turned, so the positive part is now the negative one
    assert first.relative_positive == pytest.approx(other.relative_negative, abs=1e-12)


def test_uniform_relevance_is_one_everywhere_and_entropy_one():
    masks = partition(np.arange(12).reshape(1, 3, 4) % 3, NAMES)
    found = pool(pool_frames(np.full((1, 4, 3, 4), -2, np.float32), masks))
    assert found.relative == pytest.approx(dict.fromkeys(NAMES, 1.0))
    assert found.entropy == pytest.approx(1)
    assert found.context == pytest.approx(0.5)  # a third outside, two thirds inside
    assert found.frame_share == pytest.approx((0.25,) * 4)
    assert found.relative_positive == dict.fromkeys(NAMES, 0.0)


def test_all_relevance_on_one_pixel():
    maps = np.zeros((1, 2, 3, 4), np.float32)
    maps[0, 1, 2, 3] = 5
    masks = partition(np.arange(12).reshape(1, 3, 4) // 6, ("display", "rest"))
    found = pool(pool_frames(maps, masks))
    assert found.share == {"display": 0, "rest": 1}
    assert found.relative["rest"] == pytest.approx(2)
    assert found.entropy == 0
    assert found.context is None  # nothing inside: no number rather than infinity
    assert found.frame_share == (0, 1)


def test_context_without_any_element_in_sight_is_no_number():
    rng = np.random.default_rng(0)
    for _ in range(60):  # in about half of them rounding keeps the share of rest below 1
        maps = rng.standard_normal((7, 2, 5, 6)).astype(np.float32)
        masks = {"ball": np.zeros((7, 5, 6), bool), "rest": np.ones((7, 5, 6), bool)}
        corners = {"corners": np.ones((7, 5, 6), bool)}
        assert pool(pool_frames(maps, masks, corners)).context is None


def test_an_absent_element_has_no_relative_relevance_and_zero_maps_no_statistics():
    maps = np.zeros((2, 1, 2, 2), np.float32)
    maps[0] = 1
    masks = {"ball": np.zeros((2, 2, 2), bool), "rest": np.ones((2, 2, 2), bool)}
    masks["ball"][1], masks["rest"][1] = True, False  # the ball is only where the map is zero
    found = pool(pool_frames(maps, masks))
    assert found.frames == 1
    assert "ball" not in found.relative
    assert found.share == {"ball": 0, "rest": 1}
    nothing = pool(pool_frames(maps[1:], {n: m[1:] for n, m in masks.items()}))
    assert nothing.frames == 0
    assert nothing.entropy is None
    assert nothing.share == {}


def test_outside_masks_stand_beside_the_sum():
    maps = np.ones((1, 1, 2, 2), np.float32)
    corners = np.array([[[True, True], [False, False]]])
    frames = pool_frames(maps, {"rest": np.ones((1, 2, 2), bool)}, {"corners": corners})
    assert frames.share["rest"] == 1
    assert frames.share["corners"] == 0.5
    assert frames.relative["corners"] == 1


@pytest.mark.parametrize(
    ("maps", "masks", "error", "words"),
    [
        (np.ones((0, 1, 2, 2), np.float32), {}, ObservationError, "none of them 0"),
        (np.ones((2, 2), np.float32), {}, ObservationError, r"\[N, C, H, W\]"),
        (np.full((1, 1, 2, 2), np.nan, np.float32), {}, NonFiniteError, "NaN"),
        (
            np.ones((1, 1, 2, 2), np.float32),
            {"a": np.ones((1, 2, 3), bool)},
            ObservationError,
            "'a'",
        ),
        (np.ones((1, 1, 2, 2), np.float32), {"a": np.ones((1, 2, 2))}, ObservationError, "float64"),
        (
            np.ones((1, 1, 2, 2), np.float32),
            {"a": np.ones((1, 2, 2), bool), "rest": np.ones((1, 2, 2), bool)},
            ObservationError,
            "overlap",
        ),
    ],
)
def test_bad_input_names_itself(maps, masks, error, words):
    with pytest.raises(error, match=words):
        pool_frames(maps, masks)


def test_similarity_is_the_mean_absolute_cosine():
    rng = np.random.default_rng(0)
    a = rng.standard_normal((3, 2, 4, 4)).astype(np.float32)
    assert similarity(a, -7 * a) == pytest.approx(1)
    b = np.zeros_like(a)
    b[0, 0, 0, 0] = 1
    cosine = abs(a[0, 0, 0, 0]) / np.linalg.norm(a[0])
    assert similarity(a, b) == pytest.approx(cosine)  # two frames are zero: they do not count
    assert similarity(a, np.zeros_like(a)) is None


@given(cases(), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_over_episodes_and_over_a_training_the_frames_add_up(case, seed):
    maps, masks = case
    whole = pool_frames(maps, masks)
    at = int(np.random.default_rng(seed).integers(0, len(maps) + 1))
    halves = [
        pool_frames(maps[part], {n: m[part] for n, m in masks.items()})
        for part in (slice(at), slice(at, None))
        if len(maps[part])
    ]
    joined = concatenate(halves)
    assert pool(joined) == pool(whole)
    episode = (np.arange(len(maps)) >= at).astype(int)
    episodes = pool_episodes(whole, episode)
    assert sum(each.frames for each in episodes.values()) == pool(whole).frames
    for name in masks:
        weighted = sum(e.frames * e.share.get(name, 0) for e in episodes.values())
        if pool(whole).frames:
            assert weighted / pool(whole).frames == pytest.approx(pool(whole).share[name])


@given(cases())
@settings(max_examples=40, deadline=None)
def test_positive_and_negative_parts_add_up_to_the_signed_map(case):
    maps, masks = case
    frames = pool_frames(maps, masks)
    for name, mask in masks.items():
        difference = frames.share_positive[name] - frames.share_negative[name]
        signed = (maps.astype(np.float64) * mask[:, None]).sum(axis=(1, 2, 3))
        np.testing.assert_allclose(difference * frames.total, signed, rtol=1e-6, atol=1e-9)
        both = frames.share_positive[name] + frames.share_negative[name]
        np.testing.assert_allclose(both, frames.share[name], atol=1e-12)
        mean = pool(frames)
        if mean.frames:
            total = mean.share_positive[name] + mean.share_negative[name]
            assert total == pytest.approx(mean.share[name])


def test_episodes_end_where_games_do_and_where_frames_are_missing():
    n = 7
    play = Recording(
        observation=np.zeros((n, 1, 2, 2), np.uint8),
        screen=np.zeros((n, 2, 2, 3), np.uint8),
        action=np.zeros(n, np.int64),
        reward=np.zeros(n, np.float32),
        score=np.zeros(n, np.float32),
        done=np.array([False, True, False, False, False, False, True]),
        step=np.array([0, 1, 2, 3, 9, 10, 11]),
    )
    assert episode_of(play).tolist() == [0, 0, 1, 1, 2, 2, 2]
    assert episode_of(play.select([3])).tolist() == [0]


def test_frames_that_cannot_be_joined_name_themselves():
    ones = np.ones((2, 1, 2, 2), np.float32)
    everywhere = np.ones((2, 2, 2), bool)
    first, other = (pool_frames(ones, {name: everywhere}) for name in ("rest", "ball"))
    with pytest.raises(ObservationError, match="ball"):
        concatenate([first, other])
    with pytest.raises(ObservationError, match="no frames"):
        concatenate([])
    with pytest.raises(ObservationError, match="one each"):
        pool_episodes(first, np.zeros(3, int))
