"""Zip archives from strangers: every member is looked at before a byte of it is unpacked.

Nothing is ever written to disk, so a member's name cannot lead anywhere; names that try are refused
all the same, because no tool that saves networks writes them.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

from rlmonitor.errors import CheckpointError

LARGEST_DIRECTORY = 4 << 20
"""Bytes of an archive's table of contents; a network with a thousand tensors has 0.1 MB."""

LARGEST_EXPANSION = 20
"""How many times its packed size a member may have. Weights hardly shrink."""

UNSUSPICIOUS = 1 << 20
"""Bytes that a member may have however small it is packed."""

_LOCAL, _LOCAL_SIGNATURE = struct.Struct("<4s22xHH"), b"PK\x03\x04"
"""Of the header before each member: what it begins with, and the lengths of name and extras."""

_SYMLINK, _KIND = 0o120000, 0o170000
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError, OverflowError),
)


class Archive:
    """A zip archive whose table of contents has been checked.

    Args:
        file: seekable.
        where: its name, for messages.

    Raises:
        CheckpointError: no zip archive, a torn one, or one that no honest tool writes.
    """

    def __init__(self, file: BinaryIO, where: str) -> None:
        self._where, self._file = where, file
        capped = _Capped(file)
        with self._readable():
            self._zip = zipfile.ZipFile(capped)
        capped.limit = None
        self._members = self._checked(self._zip.infolist())

    @property
    def sizes(self) -> Mapping[str, int]:
        """Unpacked bytes by the member's name, as the table of contents tells them."""
        return {name: info.file_size for name, info in self._members.items()}

    def read(self, name: str, largest: int) -> bytes:
        """A member's content.

        Args:
            name: of the member.
            largest: bytes that it may have.

        Raises:
            CheckpointError: no such member, a torn, packed or encrypted one, or one too large.
        """
        info = self._member(name, largest)
        with self._readable():
            return self._zip.read(info)

    def open(self, name: str, largest: int) -> BinaryIO:
        """A member as a file of its own, of which no more is read than is asked for.

        A member that is packed is unpacked whole; what tools save networks with packs nothing.

        Raises:
            CheckpointError: see `read`.
        """
        info = self._member(name, largest)
        if info.compress_type != zipfile.ZIP_STORED:
            return io.BytesIO(self.read(name, largest))
        with self._readable():
            self._file.seek(info.header_offset)
            header = self._file.read(_LOCAL.size)
            signature, name_length, extra_length = _LOCAL.unpack(header)
            if signature != _LOCAL_SIGNATURE:
                raise zipfile.BadZipFile(f"no header before {name!r}")
        start = info.header_offset + _LOCAL.size + name_length + extra_length
        return io.BufferedReader(_Window(self._file, start, info.file_size))

    def _member(self, name: str, largest: int) -> zipfile.ZipInfo:
        info = self._members.get(name)
        if info is None:
            raise CheckpointError(
                f"{self._where} holds no {name!r}: it is torn, or no saved network"
            )
        if info.file_size > largest:
            raise CheckpointError(
                f"{self._where}: {name!r} has {info.file_size:,} bytes, expected at most "
                f"{largest:,}"
            )
        return info

    def _checked(self, infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        members: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            wrong = _fault(info)
            if info.filename in members:
                wrong = "is there twice"
            if wrong:
                raise CheckpointError(
                    f"{self._where}: member {_shown(info.filename)} {wrong}; refused"
                )
            members[info.filename] = info
        return members

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except _BROKEN as error:
            raise CheckpointError(f"{self._where} is torn, or no zip archive: {error}") from error


def _fault(info: zipfile.ZipInfo) -> str:
    """What is wrong with a member; empty if nothing is."""
    parts = info.filename.replace("\\", "/").split("/")
    if info.filename.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
        return "leads out of the archive"
    if (info.external_attr >> 16) & _KIND == _SYMLINK:
        return "is a symbolic link"
    if info.flag_bits & 1:
        return "is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"is packed by an unusual method ({info.compress_type})"
    if info.compress_type == zipfile.ZIP_STORED and info.file_size != info.compress_size:
        return "has two sizes"
    if info.file_size > max(UNSUSPICIOUS, LARGEST_EXPANSION * info.compress_size):
        return f"would grow from {info.compress_size:,} to {info.file_size:,} bytes"
    return ""


def _shown(name: str) -> str:
    return repr(name if len(name) < 60 else name[:57] + "...")


class _Window(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file, self._start, self._size = file, start, size
        self._place = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, counted from the part's start."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"a place before the start: {base + offset}")
        self._place = base + offset
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Read as much as fits, and is left."""
        self._file.seek(self._start + self._place)
        content = self._file.read(max(0, min(len(buffer), self._size - self._place)))
        buffer[: len(content)] = content
        self._place += len(content)
        return len(content)


class _Capped:
    """A file of which no more than a limit is read at once: zipfile trusts the table's length."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.limit: int | None = LARGEST_DIRECTORY

    def read(self, n: int = -1) -> bytes:
        """Read like the file; a table of contents that is too large is none."""
        if self.limit is None:
            return self._file.read(n)
        content = self._file.read(n if 0 <= n <= self.limit else self.limit + 1)
        if len(content) > self.limit:
            raise zipfile.BadZipFile(f"a table of contents of more than {self.limit:,} bytes")
        return content

    def __getattr__(self, name: str) -> Any:
        """All else as it is."""
        return getattr(self._file, name)
