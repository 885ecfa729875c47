"""Replays: equal to a literal computation, resumable, the same wherever they are computed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import zarr
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from rlmonitor.board.report import read_run
from rlmonitor.cli import main
from rlmonitor.errors import ConfigurationError
from rlmonitor.lrp import network_of
from rlmonitor.monitor_settings import MonitorSettings
from rlmonitor.probe import load_probe
from rlmonitor.replay import store, sweep
from rlmonitor.replay.checkpoints import load_checkpoint, q_network, save_checkpoint
from rlmonitor.replay.clip_export import find_clip
from rlmonitor.replay.jobs import job_of
from rlmonitor.replay.journal import read_history
from rlmonitor.replay.mirror import RunFolder
from rlmonitor.replay.recordings import write_recording
from rlmonitor.replay.runs import load_run
from rlmonitor.replay.sources import find_sources
from rlmonitor.replay.workers import ThisProcess, workers
from rlmonitor.round import analyse
from rlmonitor.run_directory import locked

PARTS = (20, 13)
"""Frames of the recordings."""

SETTINGS = MonitorSettings(n_frames=24, clip_frames=4, probe=None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three checkpoints, a broken one among them, and two recordings."""
    folder = tmp_path_factory.mktemp("sources")
    shipped = load_checkpoint("agents/breakout-short/checkpoints/0050000.safetensors")
    generator = torch.Generator().manual_seed(0)
    for timestep in (9, 100, 1000):
        state = {
            key: tensor + 0.02 * torch.randn(tensor.shape, generator=generator)
            for key, tensor in shipped.state.items()
        }
        path = folder / f"dqn_{timestep}_steps.safetensors"
        save_checkpoint(path, state, network="nips", game="breakout", timesteps=timestep)
    (folder / "dqn_500_steps.safetensors").write_bytes(b"torn")
    probe = load_probe("breakout")
    start = 0
    for name, n in zip("ab", PARTS, strict=True):
        frames = probe.select(slice(start, start + n))
        write_recording(folder / f"{name}.zarr", [(frames, np.zeros((n, 4), np.float32))], n)
        start += n
    return folder


def run(folder, out, at_work=None, *, shard=8, settings=SETTINGS, **options):
    sources = find_sources([str(folder)])
    job = job_of(sources, settings, shard=shard, **options)
    return sweep.replay(sources, job, out, at_work or ThisProcess())


def content(out):
    """All that a replay leaves, but for TensorBoard's wall times."""
    found = {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(Path(out).rglob("*"))
        if path.is_file() and "tfevents" not in path.name and path.name != ".lock"
    }
    events = EventAccumulator(str(out), size_guidance={"scalars": 0, "images": 0}).Reload()
    for tag in events.Tags()["scalars"]:
        found[tag] = [(each.step, each.value) for each in events.Scalars(tag)]
    for tag in events.Tags()["images"]:
        found[tag] = [(each.step, each.encoded_image_string) for each in events.Images(tag)]
    return found


@pytest.fixture(scope="module")
def serial(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("serial") / "run"
    return out, run(folder, out)


def test_statistics_are_those_of_all_frames_at_once(folder, serial):
    out, outcome = serial
    assert outcome.made == (9, 100, 1000)
    assert outcome.elements_from == "console memory"
    (problem,) = outcome.problems
    assert problem.path.endswith("dqn_500_steps.safetensors")
    frames = load_probe("breakout").select(slice(0, sum(PARTS)))
    for timestep, place in store.rounds(out).items():
        network = network_of(
            q_network(load_checkpoint(folder / f"dqn_{timestep}_steps.safetensors"))
        )
        expected = analyse(network, frames, composite=SETTINGS.composite)
        told = zarr.open_group(place, mode="r")["play"].attrs["statistics"]
        for target, statistics in expected.statistics.items():
            assert told[target]["frames"] == sum(PARTS)
            for name in ("share", "relative", "relative_negative"):
                assert told[target][name] == pytest.approx(getattr(statistics, name), rel=1e-4)
            assert told[target]["entropy"] == pytest.approx(statistics.entropy, rel=1e-5)
        chosen = np.linspace(0, sum(PARTS) - 1, 24).round().astype(int)
        kept = store.read_recording(place, "play")
        np.testing.assert_array_equal(kept.observation, frames.observation[chosen])
        np.testing.assert_array_equal(kept.masks["ball"], frames.masks["ball"][chosen])
        maps = store.read_relevance(place, "play")["q"][:, 0]
        whole = expected.relevance["q"][chosen].sum(axis=1)
        assert np.abs(maps - whole).max() < 2e-3 * np.abs(whole).max()


def test_tensorboard_and_history_have_every_round(serial):
    out, _ = serial
    found = content(out)
    for tag in ("value/share/ball", "choice/relative/ball", "value/entropy"):
        assert [step for step, _ in found[tag]] == [9, 100, 1000]
    assert [step for step, _ in found["relevance/play"]] == [9, 100, 1000]
    history = read_history(out)
    assert [each.timestep for each in history.rounds] == [9, 100, 1000]
    # the frames are somebody else's play, which says nothing of what these networks would score
    assert not [name for name in history.names if name.startswith("play/")]


@pytest.mark.parametrize(("pictures", "drawn"), [(0, []), (1, [1000]), (2, [9, 1000])])
def test_rounds_without_pictures_have_all_else(folder, serial, tmp_path, pictures, drawn):
    run(folder, tmp_path / "run", pictures=pictures)
    ours, theirs = content(tmp_path / "run"), content(serial[0])
    assert [step for step, _ in ours.pop("relevance/play", [])] == drawn
    for pictured in ("relevance/play", "strategy/overview"):
        theirs.pop(pictured)
        ours.pop(pictured, None)
    embeddings = [name for name in theirs if "projector" in name or "embedding" in name]
    for name in embeddings:
        theirs.pop(name)
        ours.pop(name, None)
    assert ours == theirs
    run_read, parts = read_run(tmp_path / "run")
    assert len(run_read.rounds) == 3
    assert sorted({step for _, step in parts}) == drawn
    gif, _ = find_clip(
        load_run(RunFolder(tmp_path / "run", tmp_path / "run")), "relevance/play", 100
    )
    assert gif.startswith(b"GIF8")


def test_statistics_do_not_depend_on_the_shards(folder, serial, tmp_path):
    run(folder, tmp_path / "run", shard=100)
    ours, theirs = (read_history(out).rounds[-1].values for out in (tmp_path / "run", serial[0]))
    names = [name for name in ours if "/share/" in name or "/relative/" in name]
    assert names
    for name in names:
        assert ours[name] == pytest.approx(theirs[name], rel=1e-4)


class Ended(BaseException):
    """Stands for the end of the process."""


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["store", "notice"])
def test_a_replay_that_was_cut_off_makes_what_is_missing_only(
    folder, serial, tmp_path, monkeypatch, moment
):
    out, seen = tmp_path / "run", []
    with monkeypatch.context() as patch:
        owner, name = {
            "notice": (sweep.Logbook, "notice"),
            "store": (store, "write_packed"),
        }[moment]
        usual = getattr(owner, name)

        def until_the_second(*arguments, **options):
            seen.append(arguments)
            if len(seen) == 2:
                raise Ended
            return usual(*arguments, **options)

        patch.setattr(owner, name, until_the_second)
        with pytest.raises(Ended):
            run(folder, out)
    examined = []
    usual_examine = sweep.examine
    monkeypatch.setattr(sweep, "examine", lambda *a: examined.append(a[1]) or usual_examine(*a))
    outcome = run(folder, out)
    assert outcome.kept == (9,)
    assert outcome.made == (100, 1000)
    assert [each.timestep for each in examined] == [100, 1000]
    assert content(out) == content(serial[0])
    again = run(folder, out)
    assert (again.made, again.kept) == ((), (9, 100, 1000))
    assert len(again.problems) == 1
    assert content(out) == content(serial[0])


@pytest.mark.slow
def test_a_checkpoint_that_changed_is_made_anew_with_all_that_follow(folder, tmp_path):
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", str(folder), str(copy)], check=True)
    run(copy, tmp_path / "run")
    early = load_checkpoint(copy / "dqn_9_steps.safetensors")
    save_checkpoint(
        copy / "dqn_100_steps.safetensors", early.state, network="nips", game="b", timesteps=100
    )
    outcome = run(copy, tmp_path / "run")
    assert (outcome.kept, outcome.made) == ((9,), (100, 1000))
    save_checkpoint(
        copy / "dqn_500_steps.safetensors", early.state, network="nips", game="b", timesteps=500
    )
    outcome = run(copy, tmp_path / "run")
    assert (outcome.kept, outcome.made) == ((9, 100), (500, 1000))
    assert outcome.problems == ()


def test_two_replays_do_not_share_a_folder(folder, tmp_path):
    with locked(tmp_path / "run"), pytest.raises(ConfigurationError, match="in use by another"):
        run(folder, tmp_path / "run")
    run(folder, tmp_path / "run")
    before = content(tmp_path / "run")
    with pytest.raises(ConfigurationError, match="n_frames = 24, this one has 8"):
        run(folder, tmp_path / "run", settings=MonitorSettings(n_frames=8, probe=None))
    assert content(tmp_path / "run") == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(ConfigurationError, match=r"thesis\.txt"):
        run(folder, tmp_path / "mine")


def test_actions_taken_are_explained_when_asked_for(folder, serial, tmp_path):
    run(folder, tmp_path / "run", taken=True)
    place = store.rounds(tmp_path / "run")[9]
    group = zarr.open_group(place, mode="r")["play"]
    rows = np.arange(24)
    taken = group["outputs"][:][rows, group["action"][:]]
    np.testing.assert_allclose(group["explained/q"][:], taken, rtol=1e-5)
    assert not np.allclose(taken, group["outputs"][:].max(axis=1))


def test_what_cannot_be_replayed_says_why(folder, tmp_path):
    checkpoints = [str(folder / f"dqn_{n}_steps.safetensors") for n in (9, 100)]
    with pytest.raises(ConfigurationError, match="--env, which the checkpoints play"):
        job_of(find_sources(checkpoints), SETTINGS)
    with pytest.raises(ConfigurationError, match=r"as --probe"):
        job_of(find_sources([str(folder)]), SETTINGS, env_id="BreakoutNoFrameskip-v4")
    with pytest.raises(ConfigurationError, match="no checkpoint"):
        run(folder / "a.zarr", tmp_path / "run")
    (tmp_path / "twin").mkdir()
    for name in "xy":
        subprocess.run(["cp", checkpoints[0], str(tmp_path / "twin" / f"{name}.safetensors")])
    subprocess.run(["cp", "-r", str(folder / "a.zarr"), str(tmp_path / "twin")], check=True)
    with pytest.raises(ConfigurationError, match="both of timestep 9"):
        run(tmp_path / "twin", tmp_path / "run")
    with pytest.raises(ConfigurationError, match="workers = 0"), workers(0):
        pass


def command(*arguments):
    with pytest.raises(SystemExit) as end:
        main(["replay", *map(str, arguments), "--no-progress"])
    return end.value.code


def test_the_command_reports_what_is_broken(folder, tmp_path, capsys):
    given = (folder, "--run-dir", tmp_path / "run", "--frames", "24", "--probe", "none", "--json")
    assert command(*given) == 1
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert document["made"] == [9, 100, 1000]
    assert "torn" in document["problems"][0]["what"]
    assert "dqn_500_steps" in told.err
    assert command(folder, "--out", "s3://bucket/run") == 2
    assert command(folder, "--out", tmp_path / "other", "--scheduler", "tcp://127.0.0.1:1") == 2


def test_a_probe_alone_is_what_is_explained(folder, tmp_path, capsys):
    checkpoint, probe = folder / "dqn_9_steps.safetensors", folder / "a.zarr"
    assert command(checkpoint, "--probe", probe, "--out", tmp_path / "run", "--frames", "24") == 0
    place = store.rounds(tmp_path / "run")[9]
    play, fixed = (store.read_recording(place, part) for part in ("play", "probe"))
    np.testing.assert_array_equal(play.observation, fixed.observation)
    assert command(checkpoint, "--probe", "none", "--out", tmp_path / "other") == 2
    assert "nothing to explain" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_killed_worker_costs_a_retry_and_not_a_bit(folder, serial, tmp_path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    scheduler_file = tmp_path / "scheduler.json"

    def started(*arguments):
        return subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    processes = [
        started(
            *("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"),
            *("--no-dashboard", "--scheduler-file", str(scheduler_file)),
        )
    ]
    try:
        deadline = time.monotonic() + 60
        while not scheduler_file.exists() or not scheduler_file.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        address = json.loads(scheduler_file.read_text())["address"]
        processes += [
            started(
                *("distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny"),
                *("--no-dashboard", "--local-directory", str(tmp_path / f"worker{i}")),
            )
            for i in range(3)
        ]
        with workers(scheduler=address) as at_work:
            at_work._client.wait_for_workers(3, timeout=90)
            at_work.ahead = 6
            killed = threading.Thread(target=kill_a_busy_worker, args=(at_work._client, processes))
            killed.start()
            outcome = run(folder, tmp_path / "run", at_work)
            killed.join()
            assert len(at_work._client.scheduler_info()["workers"]) == 2
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert outcome.made == (9, 100, 1000)
    assert content(tmp_path / "run") == content(serial[0])


def kill_a_busy_worker(client, processes):
    """Wait until a worker holds results that others need and computes, then kill it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        busy, held = client.processing(), client.has_what()
        for worker, tasks in busy.items():
            if tasks and held.get(worker):
                number = client.run(os.getpid, workers=[worker])[worker]
                os.kill(number, signal.SIGKILL)
                return
        time.sleep(0.005)
    raise AssertionError("no worker was ever busy")
