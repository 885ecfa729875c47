"""A replay into a URL leaves there what one into a folder leaves, and goes on from there."""

from __future__ import annotations

import json
import shutil

import fsspec
import numpy as np
import pytest
from planted_runs import a_round, write_run
from test_buffers import run
from test_compare import run as command
from test_sweep import SETTINGS, Ended, content, folder, serial  # noqa: F401  # fixtures

from rlmonitor.errors import ConfigurationError, StoreError
from rlmonitor.replay import mirror, store, sweep
from rlmonitor.replay.comparison import as_json, compare_runs
from rlmonitor.replay.jobs import job_of
from rlmonitor.replay.mirror import Mirror, run_folder
from rlmonitor.replay.sources import find_sources
from rlmonitor.replay.workers import ThisProcess

CHECKPOINT = "agents/breakout-short/checkpoints/0800000.safetensors"


@pytest.fixture
def url():
    filesystem = fsspec.filesystem("memory")
    yield "memory://bucket/replayed"
    if filesystem.exists("/bucket"):
        filesystem.rm("/bucket", recursive=True)


def replayed(folder, url):  # noqa: F811
    job = job_of(sources := find_sources([str(folder)]), SETTINGS, shard=8)
    with run_folder(url) as place:
        return sweep.replay(sources, job, place, ThisProcess())


def without_rounds(found):
    return {name: value for name, value in found.items() if not name.startswith("rounds/")}


@pytest.mark.slow
def test_a_replay_into_a_url_goes_on_from_there(folder, serial, url, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(mirror, "EVERY", 0)
    usual, seen = store.write_packed, []

    def until_the_second(*arguments):
        seen.append(arguments)
        if len(seen) == 2:
            raise Ended
        return usual(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(store, "write_packed", until_the_second)
        with pytest.raises(Ended):
            replayed(folder, url)
    outcome = replayed(folder, url)
    assert (outcome.kept, outcome.made) == ((9,), (100, 1000))
    Mirror(url, tmp_path).fetch()
    assert not (tmp_path / "rounds").exists()
    assert without_rounds(content(tmp_path)) == without_rounds(content(serial[0]))
    there, here = store.rounds(url), store.rounds(serial[0])
    assert list(there) == list(here) == [9, 100, 1000]
    for step, place in there.items():
        ours, theirs = (store.read_relevance(each, "clip") for each in (place, here[step]))
        np.testing.assert_array_equal(ours["q"], theirs["q"])
        assert store.read_attributes(place) == store.read_attributes(here[step])
    as_if_here(url, serial[0], tmp_path)


def as_if_here(url, here, tmp_path):
    """What reads runs finds the same at the URL."""
    at = {}
    for place in (url, str(here)):
        clip, html = tmp_path / "clip.gif", tmp_path / "report.html"
        assert command("export", place, "--csv", tmp_path / "all.csv", "--no-progress") == 0
        assert command("export", place, "--clip", "relevance/play@100", clip, "--no-progress") == 0
        assert command("report", place, "-o", html) == 0
        lines = (tmp_path / "all.csv").read_text(encoding="utf-8").splitlines()
        curves = [line.partition(",")[2] for line in lines if "monitor/" not in line]
        at[place] = curves, clip.read_bytes(), html.stat().st_size
    assert len(at[url][0]) > 100
    assert at[url][:2] == at[str(here)][:2]
    assert at[url][2] == pytest.approx(at[str(here)][2], abs=200)
    one, other = compare_runs([url, here]).runs
    assert (one.name, other.name) == ("replayed", here.name)
    assert list(one.rounds) == list(other.rounds) == [9, 100, 1000]
    assert one.last == other.last == 1000


def test_runs_at_urls_are_compared_as_runs_in_folders_are(url, tmp_path):
    urls, folders = [], []
    for i, ball in enumerate((0.2, 0.5)):
        folders.append(write_run(tmp_path / f"run{i}", ball, seed=i))
        urls.append(f"{url}/run{i}")
        copy = tmp_path / "copy" / f"run{i}"
        shutil.copytree(folders[-1], copy, ignore=shutil.ignore_patterns("rounds"))
        Mirror(urls[-1], copy).save()
        store.write_round(urls[-1], a_round(200, ball, i))
    here, there = (as_json(compare_runs(each)) for each in (folders, urls))
    assert here["tests"]
    assert there == here | {"runs": {f"run{i}": urls[i] for i in range(2)}}
    with pytest.raises(ConfigurationError, match="given twice"):
        compare_runs([urls[0], urls[0]])
    with pytest.raises(StoreError, match=f"{url}/none is no run"):
        compare_runs([urls[0], f"{url}/none"])


def test_what_is_at_no_url_is_no_run(url, capsys):
    assert command("export", url, "--csv", "all.csv") == 2
    assert f"{url} is no run" in " ".join(capsys.readouterr().err.split())


def test_a_folder_and_its_copy(url, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "deep").mkdir(parents=True)
    (here / "a").write_text("a")
    (here / "deep" / "b").write_text("b")
    (here / ".lock").write_text("")
    Mirror(url, here).save()
    fsspec.filesystem("memory").pipe("/bucket/replayed/rounds/1.json", b"{}")
    own = Mirror(url, there)
    own.fetch()
    assert sorted(p.name for p in there.rglob("*") if p.is_file()) == ["a", "b"]
    (there / "a").unlink()
    (there / "deep" / "b").write_text("changed")
    own.save()
    filesystem = fsspec.filesystem("memory")
    assert filesystem.cat("/bucket/replayed/deep/b") == b"changed"
    assert not filesystem.exists("/bucket/replayed/a")
    assert filesystem.exists("/bucket/replayed/rounds/1.json")


def test_what_is_there_already_is_left_alone(url, capsys):
    fsspec.filesystem("memory").pipe("/bucket/replayed/thesis.txt", b"mine")
    assert run("replay", CHECKPOINT, "rlmonitor/data/probe_breakout.npz", "--out", url) == 2
    assert "holds something else (thesis.txt)" in " ".join(capsys.readouterr().err.split())
    assert fsspec.filesystem("memory").cat("/bucket/replayed/thesis.txt") == b"mine"
    assert fsspec.filesystem("memory").ls("/bucket/replayed", detail=False) == [
        "/bucket/replayed/thesis.txt"
    ]


def test_the_command_writes_to_a_url(url, capsys, tmp_path):
    options = ("--frames", 8, "--probe", "none", "--json", "--no-progress")
    source = "rlmonitor/data/probe_breakout.npz"
    assert run("replay", CHECKPOINT, source, *options, "--out", url) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["run"], told["made"]) == (url, [800_000])
    assert list(store.rounds(url)) == [800_000]
    file = f"file://{tmp_path}/run"
    assert run("replay", CHECKPOINT, source, *options, "--out", file) == 0
    assert list(store.rounds(tmp_path / "run")) == [800_000]


@pytest.mark.parametrize("out", ["nosuchkind://bucket/run"])
def test_a_url_of_no_kind_is_one_sentence(out):
    with pytest.raises(ConfigurationError, match="nosuchkind"), run_folder(out):
        pass


def test_a_store_that_fails_is_one_sentence(url, tmp_path, monkeypatch):
    own = Mirror(url, tmp_path)
    (tmp_path / "a").write_text("a")

    def fail(*_):
        raise PermissionError("no")

    monkeypatch.setattr(type(own._filesystem), "pipe_file", fail)
    with pytest.raises(StoreError, match="cannot be written: no"):
        own.save()
