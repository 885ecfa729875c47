"""Records of TensorBoard's event files, as TFRecord has them: length, content, a checksum of each.

TensorBoard's own reader computes checksums in Python, at 5 MB/s; a long run's file has gigabytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import google_crc32c

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


def _checked(content: bytes) -> bytes | None:
    """What stands before a checksum that is right."""
    before, after = content[: -_CHECK.size], content[-_CHECK.size :]
    return before if len(content) >= _CHECK.size and _checksum(before) == after else None


def _checksum(content: bytes) -> bytes:
    """CRC-32C, turned and shifted: a checksum of what holds checksums is better so."""
    plain: int = google_crc32c.value(content)
    return _CHECK.pack(((plain >> 15 | plain << 17) + 0xA282EAD8) & 0xFFFFFFFF)
