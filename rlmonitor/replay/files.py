"""Where files and folders are, on a disk or at a URL that fsspec knows, and how to read them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import fsspec

from rlmonitor.errors import CheckpointError, ConfigurationError, DependencyError

Location = str | os.PathLike[str]
"""A path on this machine, or a URL that fsspec knows, such as ``s3://bucket/run``."""

_HERE = "file://"


def is_remote(location: Location) -> bool:
    """Whether a location is a URL of another place; ``file://`` is a path on this machine."""
    return isinstance(location, str) and "://" in location and not location.startswith(_HERE)


def on_disk(location: Location) -> Path:
    """The path of a location on this machine."""
    return Path(location.removeprefix(_HERE)) if isinstance(location, str) else Path(location)


@contextmanager
def opened(path: Location) -> Iterator[BinaryIO]:
    """A regular file, open for reading.

    Raises:
        CheckpointError: there is none, or it cannot be read.
    """
    if not is_remote(path) and not on_disk(path).is_file():
        raise CheckpointError(f"{path} is no file: expected a checkpoint or a recording")
    try:
        # a file of our own, not fsspec's: reading stays plain system calls
        file = filesystem(path).open(path, "rb") if is_remote(path) else on_disk(path).open("rb")
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    with file:
        yield file


def stamp(path: str) -> tuple[str, ...]:
    """What changes when a file is written anew: its size and time, or whatever tells a version.

    Raises:
        CheckpointError: there is no such file.
    """
    try:
        if not is_remote(path):
            about = on_disk(path).stat()
            return str(about.st_size), str(about.st_mtime_ns), str(about.st_ino)
        store = filesystem(path)
        store.invalidate_cache()
        told = store.info(path)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    return tuple(f"{name}={told[name]}" for name in sorted(told) if told[name] is not None)


def is_folder(path: str) -> bool:
    """Whether it is a folder."""
    return bool(filesystem(path).isdir(path)) if is_remote(path) else on_disk(path).is_dir()


def exists(path: str) -> bool:
    """Whether there is anything."""
    return bool(filesystem(path).exists(path)) if is_remote(path) else on_disk(path).exists()


def inside(path: str) -> list[str]:
    """What is in a folder, numbers in names in numeric order; nothing hidden.

    Raises:
        ConfigurationError: it cannot be listed.
    """
    try:
        if is_remote(path):
            listed = filesystem(path).ls(path, detail=False)
            names = [str(each).rstrip("/").rpartition("/")[2] for each in listed]
        else:
            names = os.listdir(on_disk(path))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be listed: {error}") from error
    shown = sorted((name for name in names if not name.startswith(".")), key=natural)
    return [f"{path.rstrip('/')}/{name}" for name in shown]


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sorting key in which numbers count as numbers.

    >>> sorted(["b", "a10", "a9"], key=natural)
    ['a9', 'a10', 'b']
    """
    parts = re.split(r"(\d+)", name)
    return tuple((1, int(p[:300]), "") if p.isdecimal() else (0, 0, p) for p in parts if p)


def filesystem(url: Location) -> Any:
    """Fsspec's file system for a URL.

    Raises:
        ConfigurationError: a URL of a kind that fsspec does not know.
        DependencyError: the package for this kind of URL is missing.
    """
    try:
        return fsspec.url_to_fs(str(url))[0]
    except ImportError as error:
        raise DependencyError(f"{url} needs one more package: {error}") from error
    except ValueError as error:
        raise ConfigurationError(
            f"{url} cannot be used: {error}; give a path, or a URL that fsspec knows, such as "
            "s3://bucket/run"
        ) from error


def write_files(folder: Location, files: Mapping[str, bytes]) -> None:
    """Write files, each named by its path inside the folder.

    Raises:
        OSError: the place cannot be written.
    """
    if is_remote(folder):
        url = str(folder).rstrip("/")
        filesystem(url).pipe({f"{url}/{path}": content for path, content in files.items()})
        return
    for path, content in files.items():
        place = on_disk(folder) / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
