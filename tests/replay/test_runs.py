"""A run read back: what was written stands there, from a disk and from a URL."""

import fsspec
import numpy as np
import pytest
from planted_runs import a_round, write_run

from rlmonitor import open_run
from rlmonitor.errors import StoreError
from rlmonitor.replay.journal import append_event
from rlmonitor.replay.store import write_round
from rlmonitor.strategy.events import Event

EVENTS = (Event("onset", 100, "It looks at the ball.", {"p": 0.01}), Event("shift", 200, "Away."))


@pytest.fixture
def written(tmp_path):
    run = write_run(tmp_path / "DQN_1", ball=0.3)
    for event in EVENTS:
        append_event(run, event)
    return run


@pytest.fixture
def url(written):
    filesystem = fsspec.filesystem("memory")
    for journal in written.glob("*.jsonl"):
        filesystem.put_file(str(journal), f"/bucket/DQN_1/{journal.name}")
    write_round("memory://bucket/DQN_1", a_round(200, 0.3, 0))
    yield "memory://bucket/DQN_1"
    filesystem.rm("/bucket", recursive=True)


@pytest.mark.parametrize("place", ["written", "url"])
def test_a_run_is_read_back(place, request):
    run = open_run(request.getfixturevalue(place))
    assert (run.name, run.last, run.events) == ("DQN_1", 200, EVENTS)
    ball = run.history.curve("value/share/ball")
    assert ball.timesteps.tolist() == [0, 100, 200]
    assert ball.values == pytest.approx(0.3, abs=0.02)
    assert list(run.rounds) == [200]  # the latest alone is kept
    clip, there = run.analysis(200, "clip"), a_round(200, 0.3, 0).clip
    assert np.array_equal(clip.recording.screen, there.recording.screen)
    assert clip.relevance["q"] == pytest.approx(there.relevance["q"], rel=1e-3, abs=1e-6)
    play = run.analysis(200)
    assert play.relevance["q"].shape[1] == 1
    assert play.statistics["q"].share["ball"] == pytest.approx(ball.values[-1], abs=1e-3)


def test_a_run_as_it_was_knows_no_later_event(written):
    assert open_run(written).up_to(150).events == EVENTS[:1]


def test_what_is_not_there_is_said(written, tmp_path):
    with pytest.raises(StoreError, match=r"no round at timestep 100; kept: 200"):
        open_run(written).analysis(100)
    with pytest.raises(StoreError, match="no round with a part 'random'"):
        open_run(written).analysis(200, "random")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match="is no run"):
        open_run(tmp_path / "empty")
    with pytest.raises(StoreError, match="is no folder"):
        open_run(str(tmp_path / "nowhere"))
