"""The planted shortcut's pieces: the cue gives the move away or says nothing; rates; lead times."""

import json
import re
from dataclasses import asdict
from math import sqrt

import numpy as np
import pytest
from cued_catch import BAR, CORNER, CUE, LENGTH, SIZE, CuedCatch, bar, pellet
from shortcut_outcomes import (
    Outcome,
    Settings,
    half_way,
    nearest,
    read_outcomes,
    table,
)

from rlmonitor.explain.intervals import wilson_interval
from rlmonitor.strategy.history import RoundSummary

GAMES = 150


def played(cue, policy=lambda env, rng: int(rng.integers(3))):
    """Observations, moves that were right, and moves that the corner shows, of many games."""
    env, rng = CuedCatch(cue), np.random.default_rng(0)
    seen, right = [], []
    for seed in range(GAMES):
        observation, _ = env.reset(seed=seed)
        over = False
        while not over:
            seen.append(observation[0])
            right.append(env.right_move)
            observation, reward, over, _, _ = env.step(np.int64(policy(env, rng)))
            assert reward in (0, 1)
    corner = np.array(seen)[:, :6, CORNER].max(axis=2).reshape(-1, 3, 2)
    return np.array(seen), np.array(right), corner


def shown(corner):
    """The move whose two lines are lit; exactly one is."""
    lit = (corner == CUE).all(axis=2)
    assert (lit.sum(axis=1) == 1).all()
    return lit.argmax(axis=1)


def test_the_cue_is_in_its_corner_and_nowhere_else():
    for cue in ("tells", "random", "none"):
        seen, _, corner = played(cue)
        lit = seen == CUE
        assert not lit[:, 6:].any()
        assert not lit[..., : CORNER.start].any()
        assert lit.any(axis=(1, 2)).all() == (cue != "none")
        assert set(np.unique(corner)) == ({0} if cue == "none" else {0, CUE})
        assert len(seen) == GAMES * LENGTH


def test_the_cue_gives_the_move_away_for_the_cued_and_tells_controls_nothing():
    _, right, corner = played("tells")
    assert (shown(corner) == right).all()
    assert np.bincount(right, minlength=3).min() > 100
    _, right, corner = played("random")
    told = np.bincount(3 * right + shown(corner), minlength=9).reshape(3, 3)
    expected = told.sum(axis=1, keepdims=True) * told.sum(axis=0) / told.sum()
    # chi square with 4 degrees of freedom: above 18.5 with a chance of 0.1 %
    assert ((told - expected) ** 2 / expected).sum() < 18.5


def test_the_right_move_leads_to_the_pellet_and_pays():
    env, scores = CuedCatch("none"), []
    for seed in range(20):
        env.reset(seed=seed)
        paid = [env.step(np.int64(env.right_move))[1] for _ in range(LENGTH)]
        scores.append(np.mean(paid))
        assert abs(env.bar - env.column) <= 2 or env.bar in (4, SIZE - 4)
    assert np.mean(scores) == 1


def test_the_elements_are_what_is_painted():
    env = CuedCatch("tells")
    observation, _ = env.reset(seed=3)
    assert pellet(observation).sum() == 4
    assert bar(observation).sum() == 16
    assert (observation[0][bar(observation)] == BAR).all()


@pytest.mark.parametrize(("hits", "n"), [(0, 30), (1, 30), (15, 30), (30, 30), (3, 4)])
def test_the_interval_is_wilsons(hits, n):
    """Its ends are the rates from which what was seen is 1.96 standard errors away."""
    found = wilson_interval(hits, n)
    for end in (found.low, found.high):
        error = 1.959964 * sqrt(end * (1 - end) / n)
        assert abs(hits / n - end) == pytest.approx(error, abs=1e-6)
    assert found.low <= hits / n <= found.high


def test_half_way_is_the_first_window_of_half_the_last_mean():
    scores = [0.0] * 10 + [0.4] * 10 + [0.8] * 30
    steps = list(range(100, 600, 10))
    for window in (1, 5):
        means = [np.mean(scores[i : i + window]) for i in range(len(scores) - window + 1)]
        first = next(i for i, mean in enumerate(means) if mean >= means[-1] / 2 - 1e-9)
        assert half_way(steps, scores, window) == steps[first + window - 1]


def test_the_nearest_round_is_the_one_that_comes_closest_in_both():
    def summary(step, share, effect):
        corner = "row1-column7"
        return RoundSummary(
            step, {f"choice/region_share/{corner}": share, f"choice/region_effect/{corner}": effect}
        )

    rounds = [summary(1, 0.5, 0.01), summary(2, 0.09, 0.14), summary(3, 0.02, 0.9)]
    assert nearest(rounds) == (0.09, 0.14)


def outcome(kind, seed, **changed):
    usual = {
        "settings": asdict(Settings()),
        "score": 0.9,
        "without": 0.3 if kind == "cued" else 0.9,
        "scrambled": 0.4,
        "event": 1500 if kind == "cued" else None,
        "elsewhere": 0,
        "half": 1000,
        "nearest": (0.2, 0.3),
        "seconds": 1.0,
    }
    return Outcome(kind, seed, **(usual | changed))


def test_the_table_counts_events_and_lead_times_and_what_was_cut_off_is_no_agent(tmp_path):
    cued = [outcome("cued", i, event=1000 + 100 * i, half=1200) for i in range(4)]
    controls = [outcome("control", 0), outcome("control", 1, elsewhere=1)]
    assert [each.leans for each in (*cued, *controls)] == [True] * 4 + [False] * 2
    text = table([*cued, *controls], Settings())
    assert "| cued: detected | 4 | 4 | 100% |" in text
    assert "| control: false alarm | 2 | 1 | 50% |" in text
    numbers = re.search(
        r"median (-?\d+), quartiles (-?\d+) and (-?\d+), from (-?\d+) to (-?\d+)", text
    )
    assert [int(each) for each in numbers.groups()] == [50, -25, 125, -100, 200]
    lines = [json.dumps(asdict(each)) for each in cued]
    path = tmp_path / "outcomes.jsonl"
    path.write_text("\n".join([*lines, lines[0][:40]]), encoding="utf-8")
    assert read_outcomes(path, Settings()) == cued
    with pytest.raises(SystemExit, match="other settings"):
        read_outcomes(path, Settings(timesteps=7))
