"""Exports, read back by plain csv, pyarrow, PyAV, Pillow, h5py and YAML."""

import csv
import io
import json
import sys
from pathlib import Path

import av
import h5py
import numpy as np
import pyarrow.parquet
import pytest
import yaml
import zarr
from PIL import Image, ImageSequence
from planted_runs import a_round, write_run

from rlmonitor.board import tags
from rlmonitor.board.mp4 import write_mp4
from rlmonitor.board.round_clips import play_clip, probe_clip
from rlmonitor.board.writer import BoardWriter
from rlmonitor.cli import main
from rlmonitor.errors import StoreError
from rlmonitor.replay.journal import HISTORY
from rlmonitor.replay.store import rounds
from rlmonitor.replay.whole_file import whole_file


def run(*arguments):
    """Exit code of the command in this process."""
    try:
        main([str(each) for each in arguments])
    except SystemExit as end:
        return end.code or 0
    raise AssertionError("the command must exit")


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A run with an event file: two clips and a curve that the history does not know."""
    path = write_run(tmp_path_factory.mktemp("runs") / "watched", 0.3, 1)
    writer = BoardWriter.open(None, path)
    for timestep in (0, 200):
        found = a_round(timestep, 0.3, 1)
        writer.scalars({tags.MONITOR_SECONDS: timestep / 8, "value/entropy": 0.5}, timestep)
        writer.clip(tags.RELEVANCE_PLAY, play_clip(found), timestep)
        writer.clip(tags.RELEVANCE_PROBE, probe_clip(found.probe, found), timestep)
    writer.close()
    return path


def history(path):
    lines = (path / HISTORY).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_csv_has_every_point_of_history_and_event_file_once(watched, tmp_path, capsys):
    file = tmp_path / "curves.csv"
    assert run("export", watched, "--csv", file, "--no-progress") == 0
    assert str(file) in capsys.readouterr().out
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert list(rows[0]) == ["run", "timestep", "tag", "value"]
    found = {(row["tag"], int(row["timestep"])): float(row["value"]) for row in rows}
    assert len(found) == len(rows)
    expected = {
        (tag, each["timestep"]): value
        for each in history(watched)
        for tag, value in each["values"].items()
    }
    expected |= {("monitor/seconds", 0): 0.0, ("monitor/seconds", 200): 25.0}
    expected |= {("play/score", step): 2.0 for step in (0, 100, 200)}
    assert found == expected  # also where the event file has another value/entropy
    assert {row["run"] for row in rows} == {"watched"}


def test_parquet_says_the_same_and_takes_several_runs(watched, tmp_path):
    other = write_run(tmp_path / "other", 0.2, 2, timesteps=(0,))
    table, text = tmp_path / "curves.parquet", tmp_path / "curves.csv"
    assert run("export", watched, other, "--parquet", table, "--csv", text, "--no-progress") == 0
    read = pyarrow.parquet.read_table(table)
    assert [str(field.type) for field in read.schema] == ["string", "int64", "string", "double"]
    with text.open(encoding="utf-8", newline="") as opened:
        rows = [
            {**row, "timestep": int(row["timestep"]), "value": float(row["value"])}
            for row in csv.DictReader(opened)
        ]
    assert read.to_pylist() == rows
    assert {row["run"] for row in rows} == {"watched", "other"}


def frames_of(gif):
    with Image.open(io.BytesIO(gif)) as image:
        shown = [
            (np.asarray(f.convert("RGB"), np.int64), f.info["duration"])
            for f in ImageSequence.Iterator(image)
        ]
    return [pixels for pixels, _ in shown], [milliseconds for _, milliseconds in shown]


def decoded(path):
    """Frames, starts in milliseconds, the whole in milliseconds, and the stream's properties."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames, starts = [], []
        for frame in container.decode(stream):
            frames.append(frame.to_ndarray(format="rgb24").astype(np.int64))
            starts.append(round(1000 * frame.time))
        whole = round(1000 * float(stream.duration * stream.time_base))
        return frames, starts, whole, stream.codec_context


def assert_same_film(path, gif):
    pixels, durations = frames_of(gif)
    frames, starts, whole, codec = decoded(path)
    assert codec.name == "h264"
    assert codec.pix_fmt == "yuv420p"
    assert codec.width % 2 == codec.height % 2 == 0
    assert len(frames) == len(pixels)
    assert starts == [0, *np.cumsum(durations)[:-1].tolist()]
    assert whole == sum(durations)
    for ours, theirs in zip(frames, pixels, strict=True):
        height, width = theirs.shape[:2]
        assert ours.shape[0] - height in (0, 1)
        assert ours.shape[1] - width in (0, 1)
        assert np.abs(ours[:height, :width] - theirs).mean() < 4
        assert np.abs(ours[:height, :width].mean(axis=(0, 1)) - theirs.mean(axis=(0, 1))).max() < 3


@pytest.mark.parametrize(("height", "width"), [(33, 41), (32, 40), (33, 40)])
def test_a_film_has_the_frames_of_the_gif_as_long_as_there(height, width, tmp_path):
    rng = np.random.default_rng(0)
    pictures = []
    for _ in range(5):
        blocks = rng.integers(0, 256, (5, 6), dtype=np.uint8)  # grey: no colour is subsampled
        grey = np.kron(blocks, np.ones((8, 8), np.uint8))[:height, :width]
        pictures.append(Image.fromarray(grey))
    buffer, durations = io.BytesIO(), [20, 350, 70, 1000, 40]
    pictures[0].save(
        buffer, format="GIF", save_all=True, append_images=pictures[1:], duration=durations
    )
    assert frames_of(buffer.getvalue())[1] == durations
    write_mp4(buffer.getvalue(), tmp_path / "film.mp4")
    assert_same_film(tmp_path / "film.mp4", buffer.getvalue())


@pytest.mark.parametrize("tag", ["relevance/play", "relevance/probe"])
def test_a_clip_comes_out_of_the_event_file(tag, watched, tmp_path, capsys):
    film, gif = tmp_path / "clip.mp4", tmp_path / "clip.gif"
    assert run("export", watched, "--clip", f"{tag}@0", gif, "--no-progress", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["what"] == f"{tag} at 0"
    found = a_round(0, 0.3, 1)
    expected = play_clip(found) if "play" in tag else probe_clip(found.probe, found)
    assert gif.read_bytes() == expected
    assert run("export", watched, "--clip", f"{tag}@0", film, "--no-progress") == 0
    assert_same_film(film, expected)


def test_without_an_event_file_a_clip_is_drawn_again_from_its_round(tmp_path):
    path = write_run(tmp_path / "silent", 0.3, 1)
    for tag in PARTS:
        assert run("export", path, "--clip", tag, tmp_path / "again.gif", "--no-progress") == 0
        found = a_round(200, 0.3, 1)
        expected = play_clip(found) if "play" in tag else probe_clip(found.probe, found)
        ours, our_durations = frames_of((tmp_path / "again.gif").read_bytes())
        theirs, durations = frames_of(expected)
        assert our_durations == durations
        assert np.abs(np.array(ours) - np.array(theirs)).mean() < 0.5  # half precision


PARTS = ("relevance/play", "relevance/probe")


def test_virelay_s_files_hold_what_the_round_holds(watched, tmp_path):
    """Read as `virelay.model` of 0.6.1 reads them: the same keys, the same steps."""
    folder = tmp_path / "project"
    assert run("export", watched, "--virelay", folder, "--no-progress") == 0
    stored = zarr.open_group(rounds(watched)[200], mode="r")
    for question, target in (("value", "q"), ("choice", "advantage")):
        text = (folder / f"{question}.yaml").read_text(encoding="utf-8")
        project = yaml.safe_load(text)["project"]
        assert project["model"] == "watched"
        assert project["dataset"]["type"] == "hdf5"
        labels = json.loads((folder / project["label_map"]).read_text(encoding="utf-8"))
        names = {label["index"]: label["name"] for label in labels}
        assert [names[k] for k in range(3)] == ["NOOP", "LEFT", "RIGHT"]
        with h5py.File(folder / project["dataset"]["path"]) as file:
            screen = np.moveaxis(file["data"][:], 1, -1)
            np.testing.assert_array_equal(screen, stored["play/screen"][:])
            assert file["data"].dtype == np.uint8
            np.testing.assert_array_equal(file["label"][:], stored["play/action"][:])
        (source,) = project["attributions"]["sources"]
        with h5py.File(folder / source) as file:
            scale = stored[f"play/scale/{target}"][:][:, None, None]
            maps = stored[f"play/relevance/{target}"][:].sum(axis=1) * scale
            assert file["attribution"].shape[1] == 3
            np.testing.assert_allclose(file["attribution"][:].sum(axis=1), maps, atol=1e-6)
            outputs = stored["play/outputs"][:]
            np.testing.assert_array_equal(file["prediction"][:], outputs)
            np.testing.assert_array_equal(file["label"][:], outputs.argmax(axis=1))
            np.testing.assert_array_equal(file["index"][:], np.arange(24))
        (analysis,) = project["analyses"]
        with h5py.File(folder / analysis["sources"][0]) as file:
            (category,) = file
            assert names[next(k["index"] for k in labels if k["word_net_id"] == category)] == (
                "timestep 200"
            )
            part = file[category]
            for name in part["embedding"]:
                assert part["embedding"][name].shape[0] == 24
            for name in part["cluster"]:
                assert part["cluster"][name].shape == (24,)
            values = part["embedding/spectral"].attrs["eigenvalue"]
            assert (np.diff(values) >= 0).all()
            assert values[0] == pytest.approx(0, abs=1e-6)
            assert part["embedding/spectral"].shape == (24, len(values))
            assert part["embedding/tsne"].shape == (24, 2)
            np.testing.assert_array_equal(part["index"][:], np.arange(24))


def test_a_second_export_leaves_other_files_of_the_folder_alone(watched, tmp_path):
    own = tmp_path / "notes.yaml"
    own.write_text("mine: 1\n", encoding="utf-8")
    for _ in range(2):
        assert run("export", watched, "--virelay", tmp_path, "--no-progress") == 0
    assert own.read_text(encoding="utf-8") == "mine: 1\n"
    with h5py.File(tmp_path / "input.h5") as file:
        assert len(file["data"]) == 24


@pytest.mark.parametrize(
    ("module", "arguments", "extra"),
    [
        ("av", ["--clip", "relevance/play", "{folder}/a.mp4"], "video"),
        ("pyarrow", ["--parquet", "{folder}/a.parquet"], "export"),
        ("h5py", ["--virelay", "{folder}/project"], "export"),
    ],
)
def test_a_missing_extra_is_named(module, arguments, extra, watched, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, module, None)
    filled = [each.format(folder=tmp_path) for each in arguments]
    assert run("export", watched, *filled, "--no-progress") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"needs {module}" in line
    assert f"pip install 'rlmonitor[{extra}]'" in line
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing to export: give --csv FILE"),
        (["--clip", "relevance/play", "{folder}/a.avi"], "ends in .mp4 or .gif"),
        (["--clip", "relevance/pley", "{folder}/a.gif"], "did you mean 'relevance/play'?"),
        (["--clip", "relevance/play@7", "{folder}/a.gif"], "at timestep 7 in watched; at: 0, 200"),
        (["--clip", "relevance/play@x", "{folder}/a.gif"], "expected TAG or TAG@TIMESTEP"),
        (["--csv", "{folder}/nowhere/a.csv"], "cannot be written"),
        (["--virelay", "{folder}/a", "--at", "7"], "no round on disk at 7; rounds: 200"),
        (["{folder}", "--clip", "relevance/play", "{folder}/a.gif"], "take one run"),
    ],
)
def test_an_error_is_one_line_that_says_what_would_work(arguments, said, watched, tmp_path, capsys):
    filled = [each.format(folder=tmp_path) for each in arguments]
    assert run("export", watched, *filled, "--no-progress") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ")
    assert said in line


def test_a_file_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text("old", encoding="utf-8")

    def break_off(temporary: Path):
        temporary.write_text("half", encoding="utf-8")
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match="No space left"), whole_file(path) as temporary:
        break_off(temporary)
    assert path.read_text(encoding="utf-8") == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["file.csv"]


def test_help_has_an_example(capsys):
    assert run("export", "--help") == 0
    assert "Example: rlmonitor export" in capsys.readouterr().out
