"""Each detector on histories with a planted truth, and on controls where it must be silent."""

import numpy as np
import pytest

from rlmonitor.strategy import events
from rlmonitor.strategy.behaviour_events import NEW_STRATEGY_FALSE_ALARMS
from rlmonitor.strategy.detectors import DETECTORS, detect, replay
from rlmonitor.strategy.events import EVENT_KINDS, Event
from rlmonitor.strategy.history import OTHER_STARTS, OWN_STARTS, History, RoundSummary

EVERY = 1000


def noise(n, seed):
    return np.random.default_rng(seed).normal(0, 0.03, n)


def history(curves, scores=None, strategies=None):
    """Rounds from curves with a value, or None, for each."""
    n = len(next(iter(curves.values())))
    return History(
        tuple(
            RoundSummary(
                timestep=EVERY * i,
                values={k: float(v[i]) for k, v in curves.items() if v[i] is not None},
                scores={} if scores is None else scores[i],
                strategies=strategies or {},
            )
            for i in range(n)
        )
    )


def levels(*parts):
    """A curve of (rounds, level) parts with a little noise."""
    values = np.concatenate([np.full(n, level, float) for n, level in parts])
    return np.maximum(values + values * noise(len(values), len(values)), 0)


def onset():
    curve = levels((10, 1.0), (10, 5.0))
    return history({"value/relative/tunnel": curve, "value/relative/rest": levels((20, 1.0))})


def shift():
    return history({"probe_choice/relative/ball": levels((10, 8.0), (10, 3.0))})


def leaning(share, effect, name, prefix=""):
    return history(
        {
            f"choice/{prefix}share/{name}": share,
            f"choice/{prefix}effect/{name}": effect,
            f"choice/{prefix}action_changed/{name}": [0.5] * len(share),
        }
    )


def display_reliance():
    return leaning(levels((5, 0.05), (5, 0.4)), levels((5, 0.02), (5, 0.6)), "display")


def shortcut():
    corner = "row1-column7"
    return leaning(levels((5, 0.03), (5, 0.3)), levels((5, 0.01), (5, 0.9)), corner, "region_")


def new_strategy():
    return strategies([0.3] * 4, [40.0] + [2.0] * 3)


def strategies(tunnel, novelty):
    """Six rounds of one strategy and churning clusters; then another, and what is novel."""
    n = len(tunnel)
    return history(
        {
            "strategy/cluster/0": levels((6 + n, 0.6)),
            "strategy/cluster/1": [0.4, None, 0.4, None, None, 0.4] + [None] * n,
            "strategy/cluster/2": [None, 0.4, None, 0.4, 0.4, None] + [None] * n,
            "strategy/cluster/3": [None] * 6 + tunnel,
            "strategy/novelty": [None, 30.0, 1.0, 2.5, 0.9, 1.3, *novelty],
        },
        strategies={"3": "tunnel"},
    )


def collapse():
    return history(
        {"strategy/clusters": [3] * 6 + [1] * 4, "value/entropy": levels((6, 0.9), (4, 0.6))}
    )


def exploit(nudged=0.7, tilted=0.0, score=9000.0, flippers=0.2, untrained=None):
    random = {
        f"random_{scope}/relative/{side}_flipper": [untrained] * 12
        for scope, side in (("value", "left"), ("choice", "right"))
        if untrained
    }
    return history(
        random
        | {
            "play/score_rate": levels((6, 1000.0), (6, score)),
            "play/nudged": levels((6, 0.05), (6, nudged)),
            "play/tilted": levels((6, 0.0), (6, tilted)),
            "value/relative/left_flipper": levels((6, 4.0), (6, flippers)),
            "choice/relative/right_flipper": levels((6, 5.0), (6, flippers)),
            "probe_value/relative/ball": levels((12, 3.0)),
        }
    )


def memorised(other=2.0):
    rng = np.random.default_rng(0)
    games = [
        {OWN_STARTS: tuple(rng.normal(20, 2, 5)), OTHER_STARTS: tuple(rng.normal(other, 1, 5))}
        for _ in range(10)
    ]
    return history({"value/entropy": levels((10, 0.8))}, scores=games)


PLANTED = {
    "onset": (onset, "changes"),
    "shift": (shift, "changes"),
    "display-reliance": (display_reliance, "display-reliance"),
    "shortcut": (shortcut, "shortcut"),
    "new-strategy": (new_strategy, "new-strategy"),
    "collapse": (collapse, "collapse"),
    "exploit": (exploit, "exploit"),
    "memorised": (memorised, "memorised"),
}


def test_every_kind_and_every_detector_has_a_planted_truth():
    assert set(PLANTED) == set(EVENT_KINDS) - {"fault", "budget"}
    assert {detector for _, detector in PLANTED.values()} == set(DETECTORS)


@pytest.mark.parametrize("kind", PLANTED)
def test_the_planted_truth_is_told_once_and_nothing_else_is(kind):
    found = replay(PLANTED[kind][0]())
    assert [event.kind for event in found] == [kind]


@pytest.mark.parametrize("kind", PLANTED)
def test_it_is_told_with_the_round_in_which_it_begins_and_with_numbers(kind):
    past = PLANTED[kind][0]()
    (event,) = replay(past)
    assert event.timestep in [each.timestep for each in past.rounds]
    assert event.evidence
    assert all(np.isfinite(value) for value in event.evidence.values())
    assert event.text[0].isupper()
    assert event.text.endswith(".")
    assert ". " not in event.text.replace("vs. ", "")  # one sentence
    assert events.from_json(events.to_json(event)) == event


@pytest.mark.parametrize("kind", PLANTED)
def test_a_resumed_training_tells_the_same(kind):
    # a round made anew after a resume gives the event that it gave before, however often
    past = PLANTED[kind][0]()
    (event,) = replay(past)
    at = [each.timestep for each in past.rounds].index(event.timestep) + 1
    assert detect(past.up_to(at)) == detect(past.up_to(at)) == (event,)
    assert detect(past.up_to(at - 1)) == ()
    assert detect(past.up_to(at + 1)) == ()


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("rounds", [0, 1])
def test_too_few_rounds_tell_nothing(name, rounds):
    for make, detector in PLANTED.values():
        if detector == name:
            assert DETECTORS[name](make().up_to(rounds)) == ()
    assert DETECTORS[name](History(())) == ()


CONTROLS = {
    "a share without an effect": leaning(levels((10, 0.4)), levels((10, 0.01)), "display"),
    "an effect without a share": leaning(levels((10, 0.05)), levels((10, 0.9)), "display"),
    "a share and an effect of the ball": leaning(levels((10, 0.5)), levels((10, 0.9)), "ball"),
    "a region with a share alone": leaning(
        levels((10, 0.4)), levels((10, 0.01)), "row1-column1", "region_"
    ),
    "a region with an effect alone": leaning(
        levels((10, 0.03)), levels((10, 0.5)), "row1-column1", "region_"
    ),
    "share and effect for different questions": history(
        {"value/share/display": [0.4] * 8, "choice/effect/display": [0.9] * 8}
    ),
    "one round of it": leaning([0.1] * 4 + [0.4] + [0.1] * 4, [0.9] * 9, "display"),
    "strategies that are there from the start": history(
        {"strategy/cluster/0": [0.6] * 9, "strategy/cluster/1": [0.4] * 9}
    ),
    "a strategy that is gone at once": strategies([0.4, None, None], [40.0, 2.0, 1.0]),
    "a cluster of maps as there were before": strategies([0.3] * 4, [3.0] + [1.0] * 3),
    "a training in which every round is new": history(
        {
            **{f"strategy/cluster/{i}": [None] * i + [0.5] * (9 - i) for i in range(9)},
            "strategy/novelty": [None] + [80.0] * 8,
        }
    ),
    "a strategy that comes back": history(
        {
            "strategy/cluster/0": [0.6] * 9,
            "strategy/cluster/1": [0.4, 0.4, 0.4, None, None, None, 0.4, 0.4, 0.4],
            "strategy/novelty": [None] + [1.0] * 5 + [40.0, 1.0, 1.0],
        }
    ),
    "a strategy of few frames": strategies([0.05] * 3, [20.0, 1.0, 1.0]),
    "one cluster without a fall of entropy": history(
        {"strategy/clusters": [3] * 5 + [1] * 5, "value/entropy": [0.9] * 10}
    ),
    "a fall of entropy with many clusters": history(
        {"strategy/clusters": [3] * 10, "value/entropy": [0.9] * 5 + [0.5] * 5}
    ),
    "always one cluster": history(
        {"strategy/clusters": [1] * 10, "value/entropy": [0.9] * 5 + [0.5] * 5}
    ),
    "flippers that keep their relevance": exploit(flippers=3.5),
    "flippers that were never looked at": exploit(flippers=0.2, untrained=6.0),
    "a score that does not rise": exploit(score=1100.0),
    "nudges that tilt": exploit(tilted=0.3),
    "a score without nudges": exploit(nudged=0.01),
    "a score in the other game": memorised(other=15.0),
    "relevance of what is no element": history({"value/relative/rest": levels((9, 1.0), (9, 4.0))}),
    "play beside a probe": history(
        {
            "value/relative/ball": levels((9, 1.0), (9, 4.0)),
            "probe_value/relative/ball": levels((18, 1.0)),
        }
    ),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_controls_are_silent(control):
    assert replay(CONTROLS[control]) == ()


def test_a_state_that_flickers_is_one_event():
    share = [0.4, 0.4, 0.1, 0.4, 0.4, 0.1, 0.1, 0.4, 0.4]
    assert len(replay(leaning(share, [0.9] * 9, "display"))) == 1
    gone = [0.4, 0.4, 0.1, 0.1, 0.1, 0.4, 0.4]
    assert len(replay(leaning(gone, [0.9] * 7, "display"))) == 2


def test_the_strongest_of_two_regions_is_told():
    corners = {"row1-column1": 0.4, "row7-column7": 0.9}
    curves = {f"value/region_share/{name}": [0.3] * 3 for name in corners}
    curves |= {f"value/region_effect/{name}": [effect] * 3 for name, effect in corners.items()}
    (event,) = replay(history(curves))
    assert "row 7, column 7" in event.text
    assert event.evidence == {"share": 0.3, "effect": 0.9}


def test_flippers_are_held_against_an_untrained_network():
    (event,) = replay(exploit(flippers=3.5, untrained=3.0), {"exploit": DETECTORS["exploit"]})
    assert event.evidence["flippers_before"] == pytest.approx(2.0, abs=0.5)
    assert event.evidence["flippers"] == pytest.approx(0.5, abs=0.3)


def test_an_onset_says_since_when():
    (event,) = replay(onset())
    assert event.evidence["since"] == 10 * EVERY
    assert "10,000" in event.text
    assert "tunnel" in event.text
    assert event.evidence["before"] == pytest.approx(1, abs=0.1)
    assert event.evidence["after"] == pytest.approx(5, abs=0.5)


def test_a_new_strategy_goes_by_its_name():
    (event,) = replay(new_strategy())
    assert "(tunnel)" in event.text
    assert event.timestep == 7 * EVERY
    assert event.evidence == {
        "strategy": 3,
        "occupancy": pytest.approx(0.3),
        "novelty": pytest.approx(40),
        "since": 6 * EVERY,
        "false_alarm_rate": NEW_STRATEGY_FALSE_ALARMS,
    }


def test_a_users_own_detector_stands_beside_ours():
    def late(past):
        last = past.rounds[-1].timestep
        return (Event("fault", last, "Late."),) if last > 5 * EVERY else ()

    found = replay(onset(), {"late": late})
    assert [event.timestep for event in found] == [EVERY * i for i in range(6, 20)]
