"""History and events of a run on disk: whole lines, cut on resume, torn ends."""

import pytest

from rlmonitor.errors import ObservationError, StoreError
from rlmonitor.replay.journal import (
    EVENTS,
    HISTORY,
    append_event,
    append_round,
    cut_journals,
    read_events,
    read_history,
)
from rlmonitor.strategy.events import Event
from rlmonitor.strategy.history import RoundSummary

ROUNDS = [
    RoundSummary(step, {"value/share/ball": step / 7}, {"own": (1.0,)}, {"0": "Bälle"})
    for step in (0, 50, 100)
]
FOUND = [Event("onset", 50, "Höher.", {"p": 1e-9}), Event("collapse", 100, "Low.", {})]


def fill(run):
    run.mkdir()
    for each in ROUNDS:
        append_round(run, each)
    for event in FOUND:
        append_event(run, event)


def test_what_is_appended_is_read(run_dir):
    fill(run_dir)
    assert list(read_history(run_dir).rounds) == ROUNDS
    assert list(read_events(run_dir)) == FOUND
    assert len((run_dir / HISTORY).read_text(encoding="utf-8").splitlines()) == 3


def test_a_run_without_journals_has_nothing(tmp_path):
    assert read_history(tmp_path).rounds == ()
    assert read_events(tmp_path) == ()
    cut_journals(tmp_path, 5)
    assert not list(tmp_path.iterdir())


def test_a_resume_forgets_what_came_after(run_dir):
    fill(run_dir)
    cut_journals(run_dir, 99)
    assert list(read_history(run_dir).rounds) == ROUNDS[:2]
    assert list(read_events(run_dir)) == FOUND[:1]
    append_round(run_dir, ROUNDS[2])
    assert list(read_history(run_dir).rounds) == ROUNDS
    assert {path.name for path in run_dir.iterdir()} == {HISTORY, EVENTS}


@pytest.mark.parametrize("torn", [1, 12, 40])
def test_a_torn_last_line_is_left_out_and_overwritten(run_dir, torn):
    fill(run_dir)
    path = run_dir / HISTORY
    path.write_bytes(path.read_bytes()[:-torn])  # 12 bytes off the end tear a letter in two
    assert list(read_history(run_dir).rounds) == ROUNDS[:2]
    append_round(run_dir, ROUNDS[2])
    assert list(read_history(run_dir).rounds) == ROUNDS


def test_what_cannot_be_read_or_written_says_so(run_dir, tmp_path):
    fill(run_dir)
    (run_dir / EVENTS).write_bytes(b"nonsense\n")
    with pytest.raises(StoreError, match="nonsense"):
        read_events(run_dir)
    (run_dir / EVENTS).write_bytes(b"\xff\n")
    with pytest.raises(StoreError, match="cannot be read"):
        read_events(run_dir)
    with pytest.raises(StoreError, match="cannot be written"):
        append_event(tmp_path / "nowhere", FOUND[0])
    with pytest.raises(ObservationError, match="leave them out"):
        append_round(run_dir, RoundSummary(200, {"a": float("nan")}))
    assert list(read_history(run_dir).rounds) == ROUNDS
