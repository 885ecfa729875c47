"""Records of TensorBoard's event files, as TFRecord has them: length, content, a checksum of each.

TensorBoard's own reader and writer compute checksums in Python, at 5 MB/s; a long run's file has
gigabytes.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import google_crc32c

if TYPE_CHECKING:
    from tensorboard.summary.writer.record_writer import RecordWriter
    from torch.utils.tensorboard import FileWriter

_LENGTH, _CHECK = struct.Struct("<Q"), struct.Struct("<I")


def records(path: Path) -> Iterator[bytes]:
    """Records of an event file up to its end, or to where it is torn or damaged.

    Raises:
        OSError: it cannot be read.
    """
    left = path.stat().st_size
    with path.open("rb") as file:
        while (length := _checked(file.read(_LENGTH.size + _CHECK.size))) is not None:
            size = _LENGTH.unpack(length)[0] + _CHECK.size
            left -= len(length) + _CHECK.size
            record = _checked(file.read(size)) if size <= left else None
            if record is None:
                return
            left -= size
            yield record


def framed(record: bytes) -> bytes:
    """A record as it stands in the file."""
    length = _LENGTH.pack(len(record))
    return length + _checksum(length) + record + _checksum(record)


def mend_writer(file_writer: FileWriter | None) -> None:
    """Let TensorBoard's writer be fast, and keep to its file whatever the working directory.

    Args:
        file_writer: torch's; one that is closed, or writes by other means, is left as it is.
    """
    if (records := _records(file_writer)) is not None:
        _hasten(records)
        _fix_name(records)


def _records(file_writer: FileWriter | None) -> RecordWriter | None:
    """What frames the records of an event file; None where it is not TensorBoard's own."""
    from tensorboard.summary.writer.record_writer import RecordWriter

    queue = getattr(getattr(file_writer, "event_writer", None), "_async_writer", None)
    records = getattr(queue, "_writer", None)
    return records if type(records) is RecordWriter else None


def _hasten(records: Any) -> None:
    """Let an event file's checksums be computed in C: the same bytes, some 200 times as fast.

    TensorBoard computes them in Python, which takes a second of CPU a round.
    """
    file = records._writer
    records.write = lambda record: file.write(framed(record))


def _fix_name(records: Any) -> None:
    """Let an event file stay the same file when the program changes its directory.

    TensorBoard opens it by name for each record; a relative name then means another file or none,
    which ends the training whose writer it is.
    """
    name = getattr(records._writer, "filename", None)
    if isinstance(name, bytes) and os.path.isfile(name):
        records._writer.filename = os.path.abspath(name)


def _checked(content: bytes) -> bytes | None:
    """What stands before a checksum that is right."""
    before, after = content[: -_CHECK.size], content[-_CHECK.size :]
    return before if len(content) >= _CHECK.size and _checksum(before) == after else None


def _checksum(content: bytes) -> bytes:
    """CRC-32C, turned and shifted: a checksum of what holds checksums is better so."""
    plain: int = google_crc32c.value(content)
    return _CHECK.pack(((plain >> 15 | plain << 17) + 0xA282EAD8) & 0xFFFFFFFF)
