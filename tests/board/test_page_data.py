"""What the page gets of a run: whole, in order, and with a sentence for what is missing."""

import json

import pytest

from rlmonitor.board.page_data import FORMAT, Stored, dump, index_of


def record(timestep, how="a", **values):
    return dump(
        {"format": FORMAT, "timestep": timestep, "values": values, "how": {"composite": how}}
    )


def events(timestep, *kinds):
    each = [{"kind": kind, "text": f"{kind}!", "evidence": {}} for kind in kinds]
    return dump({"format": FORMAT, "timestep": timestep, "events": each})


def test_rounds_become_columns_in_the_order_of_their_timesteps():
    index = index_of("a", Stored([record(20, x=2.0), record(10, x=1.0, y=5.0)]))
    assert index["timesteps"] == [10, 20]
    assert index["values"] == {"x": [1.0, 2.0], "y": [5.0, None]}
    assert index["problems"] == []


def test_of_a_round_made_anew_the_last_one_counts():
    index = index_of("a", Stored([record(10, x=1.0), record(10, x=3.0)]))
    assert index["values"] == {"x": [3.0]}


def test_how_it_was_made_is_told_again_only_where_it_changes():
    stored = Stored([record(1), record(2), record(3, how="b"), record(4, how="b")])
    told = [each.get("how") for each in index_of("a", stored)["rounds"]]
    assert told == [{"composite": "a"}, None, {"composite": "b"}, None]


def test_events_of_one_timestep_are_those_of_its_last_record():
    stored = Stored([record(1)], [events(1, "onset"), events(1, "onset", "shift")])
    found = [(each["timestep"], each["kind"]) for each in index_of("a", stored)["events"]]
    assert found == [(1, "onset"), (1, "shift")]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"format": 1}', '{"format": 1, "timestep": "x", "values": {}}']
)
def test_a_damaged_record_costs_itself_only_and_is_told(text):
    index = index_of("a", Stored([record(1, x=1.0), text.encode()]))
    assert index["timesteps"] == [1]
    assert "1 of the rounds cannot be read" in index["problems"][0]


def test_another_format_is_refused_with_both_numbers():
    later = json.dumps({"format": 99, "timestep": 5, "values": {}})
    index = index_of("a", Stored([record(1), later]))
    assert index["timesteps"] == [1]
    assert "format 99" in index["problems"][0]
    assert f"reads format {FORMAT}" in index["problems"][0]


def test_no_rounds_are_an_empty_index():
    index = index_of("a", Stored([]))
    assert (index["timesteps"], index["rounds"], index["values"]) == ([], [], {})


def test_numbers_that_are_not_finite_are_no_json():
    with pytest.raises(ValueError, match="JSON compliant"):
        dump({"x": float("nan")})
