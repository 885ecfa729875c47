"""Pillow decodes the GIF: what was planted must be seen, where and as it was planted."""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image, ImageSequence

from rlmonitor.board import PLAY_INTERVAL, PROBE_INTERVAL, render_clip
from rlmonitor.board.overlay import BOX
from rlmonitor.board.picture import ELEMENT_COLOURS, HEADER, LABEL, MARGIN, PANEL_GAP
from rlmonitor.errors import ConfigurationError, NonFiniteError, ObservationError

TOP = HEADER + LABEL
SPOT, OTHER = (slice(10, 20), slice(10, 20)), (slice(10, 20), slice(60, 70))


def frames_of(gif):
    """``[T, height, width, 3]`` int, and each frame's milliseconds, as a viewer sees them."""
    image = Image.open(io.BytesIO(gif))
    shown = [(f.convert("RGB"), f.info["duration"]) for f in ImageSequence.Iterator(image)]
    return np.stack([np.asarray(f, np.int64) for f, _ in shown]), [d for _, d in shown]


def panel(frames, number=0, height=420, width=320):
    left = MARGIN + number * (width + PANEL_GAP)
    return frames[:, TOP : TOP + height, left : left + width]


def on_panel(place, height=420, width=320):
    """The middle of a place on the observation's grid, in the panel's pixels."""
    row, column = ((one.start + one.stop) / 2 for one in place)
    return int(row / 84 * height), int(column / 84 * width)


def marked_row(frame):
    """The height at which the chosen action's row is raised from the background."""
    edge = frame[:, -MARGIN + 4]
    return np.flatnonzero((edge != frame[2, 2]).any(axis=-1))[:-3].mean()


def test_every_frame_is_shown_for_its_time_even_if_nothing_changes(make_clip):
    clip = make_clip(frames=5)
    same = dataclasses.replace(clip["recording"], score=np.zeros(5, np.float32))
    frames, durations = frames_of(render_clip(**{**clip, "recording": same}))
    assert durations == [PLAY_INTERVAL] * 5
    assert len(frames) == 5


def test_the_probe_runs_slower_and_shows_its_captions(make_clip):
    clip = make_clip()
    plain, _ = frames_of(render_clip(**clip))
    captions = ["before", "before", "tunnel open", "tunnel open"]
    frames, durations = frames_of(render_clip(**clip, captions=captions, interval=PROBE_INTERVAL))
    assert sum(durations) == 4 * PROBE_INTERVAL
    headline = np.s_[:, 12:38, -150:]
    assert (frames[headline] != plain[headline]).any()
    assert (frames[headline][0] == frames[headline][1]).all()
    assert (frames[headline][1] != frames[headline][2]).any()


def test_for_is_red_and_against_is_blue_where_they_were_planted(make_clip):
    shown, _ = frames_of(
        render_clip(**make_clip(relevance=[(SPOT, 1.0), (OTHER, -1.0)], masks=False))
    )
    for number in (0, 1):
        one = panel(shown, number)
        red, blue = one[:, *on_panel(SPOT)], one[:, *on_panel(OTHER)]
        assert (red[:, 0] > 150).all()
        assert (red[:, 0] > red[:, 2] + 80).all()
        assert (blue[:, 2] > 150).all()
        assert (blue[:, 2] > blue[:, 0] + 80).all()
        assert (one[:, 300, 200] == 0).all(), "no relevance leaves the black screen black"


def test_each_target_has_its_own_panel(make_clip):
    clip = make_clip(relevance=[(SPOT, 1.0)], masks=False)
    clip["maps"]["advantage"] *= -1
    shown, _ = frames_of(render_clip(**clip))
    values, decides = (panel(shown, n)[0, *on_panel(SPOT)] for n in (0, 1))
    assert values[0] > values[2]
    assert decides[2] > decides[0]


def test_the_stack_is_summed_so_opposite_frames_cancel(make_clip):
    clip = make_clip(relevance=[(OTHER, 1.0)], masks=False)
    for maps in clip["maps"].values():
        maps[:, 0, *SPOT], maps[:, 1, *SPOT] = 0.5, -0.5
    shown, _ = frames_of(render_clip(**clip))
    assert (panel(shown)[:, *on_panel(SPOT)] == 0).all()


def test_brightness_means_the_same_in_all_frames(make_clip):
    clip = make_clip(relevance=[(SPOT, 1.0)], masks=False)
    for maps in clip["maps"].values():
        maps[1] *= 0.3
    spot = panel(frames_of(render_clip(**clip))[0])[:, *on_panel(SPOT)].sum(axis=-1)
    assert spot[1] < spot[0]
    assert spot[0] == spot[2] == spot[3]


def test_a_constant_map_is_one_colour_and_a_zero_map_none(make_clip):
    clip = make_clip(masks=False)
    clip["maps"] = {"q": np.ones((4, 4, 84, 84), np.float32), "advantage": clip["maps"]["q"]}
    shown, _ = frames_of(render_clip(**clip))
    assert len(np.unique(panel(shown, 0).reshape(-1, 3), axis=0)) == 1
    assert panel(shown, 0)[0, 0, 0, 0] > 150
    assert (panel(shown, 1) == 0).all()


def test_contours_surround_the_mask_in_the_elements_colour(make_clip):
    shown, _ = frames_of(render_clip(**make_clip()))
    yellow = (panel(shown)[0] == ELEMENT_COLOURS["ball"]).all(axis=-1)
    rows, columns = np.nonzero(yellow)
    top, bottom, left, right = 40 / 84 * 420, 44 / 84 * 420, 60 / 84 * 320, 64 / 84 * 320
    assert 1 <= top - rows.min() <= 4
    assert 1 <= rows.max() - bottom + 1 <= 4
    assert 1 <= left - columns.min() <= 4
    assert 1 <= columns.max() - right + 1 <= 4
    assert not yellow[int(top) : int(bottom), int(left) + 1 : int(right)].any()


def test_without_masks_there_is_no_contour(make_clip):
    shown, _ = frames_of(render_clip(**make_clip(masks=False)))
    assert (panel(shown) == 0).all()


def test_the_mark_follows_the_explained_action(make_clip):
    clip = make_clip(masks=False)
    clip["outputs"] = np.eye(4, dtype=np.float32)
    rows = [marked_row(f) for f in frames_of(render_clip(**clip))[0]]
    steps = np.diff(rows)
    assert steps[0] > 10
    assert np.allclose(steps, steps[0], atol=1)
    chosen = np.array([3, 2, 1, 0])
    turned = [marked_row(f) for f in frames_of(render_clip(**clip, action=chosen))[0]]
    assert np.allclose(turned, rows[::-1], atol=1)


def test_exploration_gets_a_mark_of_its_own_and_is_named(make_clip):
    clip = make_clip()
    plain = frames_of(render_clip(**clip))[0]
    greedy = clip["outputs"].argmax(axis=1)
    assert (frames_of(render_clip(**clip, taken=greedy))[0] == plain).all()
    changed = (frames_of(render_clip(**clip, taken=greedy - 1))[0] != plain).any(axis=(0, 3))
    assert changed[:HEADER].any(), "the header names it"
    rows, columns = np.nonzero(changed[HEADER:])
    assert len(rows) < 25, "a small mark and nothing else"
    assert columns.max() - columns.min() < 8
    assert 10 < marked_row(plain[0]) - HEADER - rows.mean() < 40, "one row above the greedy one"


def test_bars_grow_with_q_values_and_shares(make_clip):
    clip = make_clip(actions=2)
    clip["outputs"] = np.array([[1, 4], [2, 4], [3, 4], [4, 4.5]], np.float32)
    ball = np.array([0.1, 0.4, 0.7, 1.0])
    clip["shares"] = {"q": {"ball": ball, "rest": 1 - ball}}
    shown = frames_of(render_clip(**clip))[0][:, :, MARGIN + 2 * (320 + PANEL_GAP) :]
    width = [(f == ELEMENT_COLOURS["ball"]).all(axis=-1).sum(axis=1).max() for f in shown]
    assert np.allclose(np.diff(width), np.diff(width)[0], atol=2)
    assert width[3] > width[0] + 40


@pytest.mark.parametrize("actions", [1, 2, 18])
@pytest.mark.parametrize("screen", [(210, 160), (400, 600), (84, 84), (7, 5)])
def test_any_number_of_actions_and_any_screen_fits(make_clip, actions, screen):
    frames, _ = frames_of(render_clip(**make_clip(frames=1, actions=actions, screen=screen)))
    height, width = frames.shape[1:3]
    assert frames.shape[0] == 1
    assert width <= 2 * BOX[0] + 420
    assert height <= BOX[1] + 160


def test_the_screen_keeps_its_proportions(make_clip):
    clip = make_clip(frames=1, screen=(400, 600), masks=False)
    clip["recording"].screen[:] = 200
    body = frames_of(render_clip(**clip))[0][0, TOP:, MARGIN : MARGIN + BOX[0]]
    bright = (body == body[5, 5]).all(axis=-1)
    assert bright[:224].all()
    assert not bright[224:232].any()


def test_one_target_makes_one_panel(make_clip):
    clip = make_clip(frames=1)
    both = frames_of(render_clip(**clip))[0]
    del clip["maps"]["q"]
    one = frames_of(render_clip(**clip))[0]
    assert one.shape[1] == both.shape[1]
    assert one.shape[2] < both.shape[2] - 320


def test_it_is_pure(make_clip):
    clip = make_clip(relevance=[(SPOT, 1.0)])
    before = {name: maps.copy() for name, maps in clip["maps"].items()}
    assert render_clip(**clip) == render_clip(**clip)
    assert all((clip["maps"][name] == maps).all() for name, maps in before.items())


def test_a_real_length_stays_small(make_clip):
    clip = make_clip(frames=64)
    rng = np.random.default_rng(0)
    for maps in clip["maps"].values():
        for frame, (y, x) in enumerate(rng.integers(0, 60, (64, 2))):
            maps[frame, :, y : y + 24, x : x + 24] = rng.normal(size=(4, 24, 24))
    assert len(render_clip(**clip)) < 1_000_000


@pytest.mark.parametrize("name", ["map", "outputs", "share", "score"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_named_with_its_frame(make_clip, name, value):
    clip = make_clip()
    clip["shares"] = {"q": {"ball": np.zeros(4)}}
    {
        "map": clip["maps"]["q"],
        "outputs": clip["outputs"],
        "share": clip["shares"]["q"]["ball"],
        "score": clip["recording"].score,
    }[name][2] = value
    with pytest.raises(NonFiniteError, match=rf"{name}.*frame 2 of 4"):
        render_clip(**clip)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"maps": {}}, ConfigurationError, "one or two targets"),
        ({"maps": dict.fromkeys("abc", np.zeros((4, 4, 84, 84)))}, ConfigurationError, "'c'"),
        ({"maps": {"q": np.zeros((3, 4, 84, 84))}}, ObservationError, r"'q'.*\(3, 4, 84, 84\)"),
        (
            {"maps": {"q": np.zeros((4, 84, 84))}},
            ObservationError,
            r"expected \(4, any, any, any\)",
        ),
        ({"outputs": np.zeros(4)}, ObservationError, "outputs"),
        ({"action": np.zeros(3, int)}, ObservationError, "action"),
        ({"action": np.full(4, 4)}, ObservationError, "0 to 3; got 4 to 4"),
        ({"taken": np.full(4, -1)}, ObservationError, "taken"),
        ({"captions": ["one"]}, ObservationError, "captions"),
        ({"shares": {"q": {"ball": np.zeros(5)}}}, ObservationError, "share of 'ball' for 'q'"),
        ({"interval": 15}, ConfigurationError, "multiples of 10"),
    ],
)
def test_bad_input_names_itself(make_clip, changes, error, message):
    with pytest.raises(error, match=message):
        render_clip(**{**make_clip(), **changes})


def test_an_empty_recording_is_refused(make_clip):
    with pytest.raises(ObservationError, match="at least one frame"):
        render_clip(**make_clip(frames=0))
