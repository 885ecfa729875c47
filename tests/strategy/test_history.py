"""The history and its events as JSON, and the names of its curves."""

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlmonitor.board import tags
from rlmonitor.errors import ObservationError, StoreError, UnknownNameError
from rlmonitor.strategy import events, history
from rlmonitor.strategy.causal import Effects
from rlmonitor.strategy.events import EVENT_KINDS, Event
from rlmonitor.strategy.history import History, RoundSummary, effect_values

numbers = st.floats(allow_nan=False, allow_infinity=False)
names = st.text(min_size=1, max_size=8)


@given(
    st.integers(0, 2**40),
    st.dictionaries(names, numbers, max_size=4),
    st.dictionaries(names, st.lists(numbers, max_size=3).map(tuple), max_size=2),
    st.dictionaries(names, names, max_size=2),
)
def test_a_round_survives_json(timestep, values, scores, strategies):
    summary = RoundSummary(timestep, values, scores, strategies)
    line = history.to_json(summary)
    assert "\n" not in line
    assert history.from_json(line) == summary


@given(
    st.sampled_from(EVENT_KINDS),
    names,
    st.dictionaries(names, numbers | names, max_size=4),
)
def test_an_event_survives_json(kind, text, evidence):
    event = Event(kind, 5, text, evidence)
    line = events.to_json(event)
    assert "\n" not in line
    assert events.from_json(line) == event


def test_evidence_that_is_not_finite_is_null():
    line = events.to_json(
        Event("fault", 1, "Broken.", {"loss": float("nan"), "due": 2.0, "message": "Gone."})
    )
    assert json.loads(line)["evidence"] == {"loss": None, "due": 2.0, "message": "Gone."}
    assert events.from_json(line).evidence == {"due": 2.0, "message": "Gone."}


@pytest.mark.parametrize("line", ["", "[]", "{}", '{"kind": "fault"}', "nonsense", "null"])
def test_what_is_no_line_of_a_journal_says_so(line):
    with pytest.raises(StoreError, match="no event"):
        events.from_json(line)
    with pytest.raises(StoreError, match="no round"):
        history.from_json(line)


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(UnknownNameError, match="shortcut"):
        events.checked_kind("shortcuts")


def test_a_curve_has_the_rounds_that_know_it():
    past = History((RoundSummary(1, {"a": 2.0}), RoundSummary(5, {}), RoundSummary(9, {"a": 4.0})))
    steps, values = past.curve("a")
    assert steps.tolist() == [1, 9]
    assert values.tolist() == [2, 4]
    assert past.curve("b").values.size == 0
    assert [len(each.rounds) for each in past.prefixes()] == [1, 2, 3]


def test_curves_that_appear_first_come_first():
    past = History((RoundSummary(1, {"z": 0.0, "b": 0.0}), RoundSummary(2, {"a": 0.0, "z": 0.0})))
    assert past.names == ("b", "z", "a")
    assert past.up_to(1).names == ("b", "z")


@pytest.mark.parametrize(
    ("rounds", "words"),
    [
        ((RoundSummary(5, {}), RoundSummary(5, {})), "ascending"),
        ((RoundSummary(5, {"a": np.nan}),), "leave out"),
    ],
)
def test_a_history_that_detectors_would_misread_is_refused(rounds, words):
    with pytest.raises(ObservationError, match=words):
        History(rounds)


def test_a_value_that_is_not_finite_is_not_written():
    with pytest.raises(ObservationError, match="leave them out"):
        history.to_json(RoundSummary(3, {"a": float("inf")}))


def test_effects_go_by_the_names_that_detectors_read_and_tensorboard_shows():
    found = Effects(
        frames=3,
        value={"ball": 0.1},
        choice={"ball": 0.2},
        action_changed={"ball": 0.3},
        agreement={"q": 0.9, "advantage": 0.4},
        region_share={"q": {"row1-column1": 0.5}, "advantage": {"row1-column1": 0.6}},
        region_value={"row1-column1": 0.7},
        region_choice={"row1-column1": 0.8},
        region_action_changed={"row1-column1": 1.0},
    )
    assert effect_values(found) == {
        f"{tags.scope('q')}/effect/ball": 0.1,
        f"{tags.scope('advantage')}/effect/ball": 0.2,
        "choice/action_changed/ball": 0.3,
        "faithfulness/causal_agreement": 0.4,
        "value/region_share/row1-column1": 0.5,
        "choice/region_share/row1-column1": 0.6,
        "value/region_effect/row1-column1": 0.7,
        "choice/region_effect/row1-column1": 0.8,
        "choice/region_action_changed/row1-column1": 1.0,
    }
    assert effect_values(Effects(frames=0)) == {}


@given(st.dictionaries(names, numbers), names)
def test_a_rounds_values_are_a_dictionary_in_the_order_of_the_names(values, other):
    kept = RoundSummary(timestep=1, values=values).values
    assert kept == values
    assert list(kept) == sorted(values)
    assert kept.get(other) == values.get(other)
    assert (other in kept) == (other in values)


def test_a_thousand_rounds_take_little_memory():
    curves = [f"value/region_share/row{n}-column{n}" for n in range(300)]
    lines = [
        history.to_json(RoundSummary(timestep=at, values=dict.fromkeys(curves, at + 0.5)))
        for at in range(1000)
    ]
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        rounds = [history.from_json(line) for line in lines]
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(rounds) == 1000
    assert (after - before) / 1e6 < 8  # 14 as dictionaries
