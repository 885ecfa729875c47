"""Records of event files, against TensorBoard's own reader and writer."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.summary.writer.record_writer import RecordWriter

from rlmonitor.board.event_records import framed, records

CONTENTS = [b"brain.Event:2", b"", b"\x00" * 40, bytes(range(256))]


def theirs(path):
    return list(RawEventFileLoader(str(path)).Load())


def written(contents):
    file = io.BytesIO()
    writer = RecordWriter(file)
    for content in contents:
        writer.write(content)
    writer.flush()
    return file.getvalue()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=5))
def test_frames_are_those_that_tensorboard_writes(contents):
    assert b"".join(map(framed, contents)) == written(contents)


@pytest.mark.parametrize("keep", range(0, len(written(CONTENTS)) + 1, 3))
def test_a_torn_file_is_read_up_to_where_it_is_torn(tmp_path, keep):
    path = tmp_path / "events"
    path.write_bytes(written(CONTENTS)[:keep])
    assert list(records(path)) == theirs(path)


@pytest.mark.parametrize("place", range(0, len(written(CONTENTS)), 7))
def test_a_damaged_file_is_read_up_to_where_it_is_damaged(tmp_path, place):
    content = bytearray(written(CONTENTS))
    content[place] ^= 0x10
    path = tmp_path / "events"
    path.write_bytes(content)
    assert list(records(path)) == theirs(path)
    assert len(list(records(path))) < len(CONTENTS)


def test_a_length_beyond_the_end_takes_no_memory(tmp_path):
    path = tmp_path / "events"
    path.write_bytes(framed(b"a") + written_length(1 << 60) + b"b")
    assert list(records(path)) == [b"a"]


def written_length(length):
    """The head of a record of so many bytes, with its right checksum."""
    head = length.to_bytes(8, "little")
    return head + framed(head)[-4:]
