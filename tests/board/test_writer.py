"""What was written is read back with TensorBoard's own reader."""

import io

import numpy as np
import pytest
from PIL import Image
from stable_baselines3.common.logger import Logger, TensorBoardOutputFormat
from stable_baselines3.common.logger import configure as configure_logger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.summary.writer import record_writer

from rlmonitor.board import BoardWriter, tags, writer
from rlmonitor.board.event_records import records
from rlmonitor.board.layout import board_layout
from rlmonitor.errors import ConfigurationError, DependencyError, NonFiniteError, StoreError

GIF = b"GIF89a\x03\x00\x02\x00\x00\x00\x00;"


def event_files(folder):
    return list(folder.rglob("events.out.tfevents.*"))


def read(folder):
    accumulator = EventAccumulator(str(folder), size_guidance={"images": 0, "tensors": 0})
    return accumulator.Reload()


@pytest.fixture
def board(run_dir):
    opened = BoardWriter.open(None, run_dir)
    yield opened
    opened.close()


def test_scalars_come_back_with_their_steps(board, run_dir):
    for step in (50_000, 100_000):
        board.scalars({"value/relative/ball": step / 1000, "monitor/seconds": 2.5}, step)
    board.flush()
    points = [(p.step, p.value) for p in read(run_dir).Scalars("value/relative/ball")]
    assert points == [(50_000, 50.0), (100_000, 100.0)]
    assert [p.value for p in read(run_dir).Scalars("monitor/seconds")] == [2.5, 2.5]


def test_numpy_and_whole_numbers_are_scalars_too(board, run_dir):
    board.scalars({"a": np.float32(0.5), "b": 3}, 1)
    board.flush()
    assert [read(run_dir).Scalars(tag)[0].value for tag in "ab"] == [0.5, 3.0]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_not_finite_are_refused_before_any_is_written(board, run_dir, value):
    with pytest.raises(NonFiniteError, match="'value/entropy' at step 7"):
        board.scalars({"value/context": 1.0, "value/entropy": value}, 7)
    board.flush()
    assert read(run_dir).Tags()["scalars"] == []


def test_a_clip_is_an_image_summary_that_begins_with_gif(board, run_dir):
    board.clip(tags.RELEVANCE_PLAY, GIF, 123)
    board.flush()
    (image,) = read(run_dir).Images("relevance/play")
    assert image.encoded_image_string == GIF
    assert (image.step, image.width, image.height) == (123, 3, 2)


def test_what_is_no_gif_is_refused(board):
    with pytest.raises(ConfigurationError, match="takes a GIF"):
        board.clip(tags.RELEVANCE_PLAY, b"\x89PNG....", 1)


def test_a_picture_is_an_image_summary_of_its_size(board, run_dir):
    encoded = io.BytesIO()
    Image.new("RGB", (5, 4)).save(encoded, "PNG")
    board.picture(tags.STRATEGY_OVERVIEW, encoded.getvalue(), 123)
    board.flush()
    (image,) = read(run_dir).Images("strategy/overview")
    assert image.encoded_image_string == encoded.getvalue()
    assert (image.step, image.width, image.height) == (123, 5, 4)
    with pytest.raises(ConfigurationError, match="takes a PNG"):
        board.picture(tags.STRATEGY_OVERVIEW, GIF, 1)


def test_events_are_markdown_in_which_nothing_of_the_text_is_markup(board, run_dir):
    board.event("No <b>round</b>: *NaN* in q_net | x\nline 2", 400, {"a_b": "1|2"})
    board.flush()
    (event,) = read(run_dir).Tensors("events")
    text = event.tensor_proto.string_val[0].decode()
    assert event.step == 400
    headline, _, *table = text.splitlines()
    assert headline == (r"**No &lt;b&gt;round&lt;/b&gt;: \*NaN\* in q\_net \| x line 2**")
    assert table == ["| what | value |", "| --- | --- |", r"| a\_b | 1\|2 |"]


def test_an_event_without_numbers_has_no_table(board, run_dir):
    board.event("budget", 1)
    board.flush()
    assert read(run_dir).Tensors("events")[0].tensor_proto.string_val == [b"**budget**"]


def test_the_layout_says_what_board_layout_says(board, run_dir):
    board.layout(["ball", "paddle"], 4)
    board.layout(["ball", "paddle"], 4)
    board.flush()
    first, again = read(run_dir).Tensors("custom_scalars__config__")
    assert first.tensor_proto == again.tensor_proto
    written = Layout.FromString(first.tensor_proto.string_val[0])
    assert {
        category.title: {chart.title: ["Multiline", list(chart.multiline.tag)]
                         for chart in category.chart}
        for category in written.category
    } == board_layout(["ball", "paddle"], 4)  # fmt: skip


def test_the_trainings_own_event_file_is_used_and_left_open(tmp_path):
    logger = configure_logger(str(tmp_path), ["tensorboard"])
    board = BoardWriter.open(logger, tmp_path / "elsewhere")
    assert board.directory == tmp_path
    board.scalars({"monitor/seconds": 1.0}, 10)
    board.close()
    logger.record("rollout/reward", 5.0)
    logger.dump(20)
    logger.close()
    assert len(event_files(tmp_path)) == 1
    tags_written = read(tmp_path).Tags()["scalars"]
    assert sorted(tags_written) == ["monitor/seconds", "rollout/reward"]


def test_checksums_are_those_of_tensorboard_without_its_arithmetic(board, run_dir, monkeypatch):

    def slow(data):
        raise AssertionError("a checksum in Python")

    with monkeypatch.context() as patched:
        patched.setattr(record_writer, "masked_crc32c", slow)
        board.scalars({"a": 1.0}, 7)
        board.record("page/round", "x" * 10_000, 7)
        board.flush()
    (path,) = event_files(run_dir)
    content, theirs = path.read_bytes(), io.BytesIO()
    writer = record_writer.RecordWriter(theirs)
    for record in records(path):
        writer.write(record)
    assert theirs.getvalue() == content


@pytest.mark.parametrize("logger", [None, Logger(None, [])])
def test_without_one_it_writes_its_own_and_closes_it(logger, run_dir):
    board = BoardWriter.open(logger, run_dir / "deep")
    board.scalars({"monitor/seconds": 1.0}, 10)
    board.close()
    board.close()
    assert len(event_files(run_dir)) == 1
    assert read(run_dir / "deep").Scalars("monitor/seconds")[0].step == 10


def test_nothing_is_written_after_the_end_rather_than_a_second_file(run_dir):
    board = BoardWriter.open(None, run_dir)
    board.close()
    with pytest.raises(StoreError, match="closed"):
        board.scalars({"monitor/seconds": 1.0}, 10)
    assert len(event_files(run_dir)) == 1


def test_a_trainings_writer_that_was_closed_is_not_opened_again(tmp_path):
    output = TensorBoardOutputFormat(str(tmp_path))
    board = BoardWriter.open(Logger(str(tmp_path), [output]), None)
    output.close()
    with pytest.raises(StoreError, match="closed"):
        board.event("too late", 1)
    board.close()
    assert len(event_files(tmp_path)) == 1


def test_nowhere_to_write_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match="tensorboard_log"):
        BoardWriter.open(None, None)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="file/runs"):
        BoardWriter.open(None, tmp_path / "file" / "runs")


def test_a_folder_without_permission_is_named(run_dir, monkeypatch):
    monkeypatch.setattr(writer.os, "access", lambda *_: False)
    with pytest.raises(StoreError, match="no permission"):
        BoardWriter.open(None, run_dir)
    assert event_files(run_dir) == []


def test_a_full_disk_is_a_store_error(board, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(board._writer.file_writer, "add_summary", full)
    with pytest.raises(StoreError, match="No space left"):
        board.scalars({"monitor/seconds": 1.0}, 10)


@pytest.mark.parametrize("found", ["2.20.0", "1.15", "2.9.1a1"])
def test_an_old_tensorboard_is_refused(monkeypatch, run_dir, found):
    monkeypatch.setattr(writer, "version", lambda _: found)
    with pytest.raises(DependencyError, match=rf"TensorBoard {found} is too old.*2\.21"):
        BoardWriter.open(None, run_dir)
    assert not run_dir.exists()


@pytest.mark.parametrize("found", ["2.21.0", "2.22.0rc1", "3.0"])
def test_a_new_tensorboard_is_taken(monkeypatch, found):
    monkeypatch.setattr(writer, "version", lambda _: found)
    writer.require_tensorboard()


def test_a_missing_tensorboard_is_named(monkeypatch):
    def missing(name):
        raise writer.PackageNotFoundError(name)

    monkeypatch.setattr(writer, "version", missing)
    with pytest.raises(DependencyError, match="not installed"):
        writer.require_tensorboard()
