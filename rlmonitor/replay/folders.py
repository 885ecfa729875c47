"""Folders of zarr groups that are whole or absent, on a disk and on an object store.

On a disk a group is written under a temporary name beside its place and renamed. An object store
knows no rename, so there a group is written under a name that is used once, and a manifest that
names it comes last: a group without one does not exist, and a group is replaced by one request.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlmonitor.errors import MALFORMED
from rlmonitor.replay.files import Location, filesystem, is_remote, on_disk

SUFFIX, MANIFEST = ".zarr", ".json"


def folder_at(location: Location, name: str = "") -> DiskFolder | ObjectFolder:
    """The folder at a location, or one inside it.

    Raises:
        ConfigurationError: a URL of a kind that fsspec does not know.
        DependencyError: the package for this kind of URL is missing.
    """
    if not is_remote(location):
        return DiskFolder(on_disk(location) / name)
    url = str(location).rstrip("/")
    return ObjectFolder(f"{url}/{name}" if name else url, filesystem(url))


@dataclass(frozen=True)
class DiskFolder:
    """Groups ``<name>.zarr`` in a folder on this machine."""

    path: Path

    def groups(self) -> dict[str, Path]:
        """Name to path of the whole groups."""
        found = sorted(self.path.iterdir()) if self.path.is_dir() else []
        named = {path.stem: path for path in found if path.suffix == SUFFIX}
        return {name: path for name, path in named.items() if not name.startswith(".")}

    def write(self, name: str, write: Callable[[Path], None]) -> Path:
        """Let ``write`` fill an empty place, and put it in place of the old group.

        Raises:
            OSError: the folder cannot be written, or the disk is full; nothing is left behind.
        """
        place = self.path / f"{name}{SUFFIX}"
        temporary = place.with_name(f".{place.name}.{os.getpid()}")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(temporary, ignore_errors=True)
            write(temporary)
            self.remove(name)
            os.rename(temporary, place)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return place

    def remove(self, name: str) -> None:
        """Delete a group."""
        place = self.path / f"{name}{SUFFIX}"
        # renamed first, so that a reader never finds half a group under a group's name
        doomed = place.with_name(f".{place.name}.removed.{os.getpid()}")
        with contextlib.suppress(FileNotFoundError):
            os.rename(place, doomed)
        shutil.rmtree(doomed, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what processes that are no more have left half-written."""
        for path in self.path.glob(f".*{SUFFIX}.*") if self.path.is_dir() else ():
            if not is_running(path.suffix[1:]):
                shutil.rmtree(path, ignore_errors=True)


@dataclass(frozen=True)
class ObjectFolder:
    """Groups ``<name>-<token>.zarr`` with manifests ``<name>.json`` on an object store.

    Attributes:
        url: of the folder.
        filesystem: fsspec's.
    """

    url: str
    filesystem: Any

    def groups(self) -> dict[str, str]:
        """Name to URL of the groups that a manifest names."""
        listed = [each for each in self._listed() if each.endswith(MANIFEST)]
        manifests = self.filesystem.cat(listed) if listed else {}
        found = {
            path.rpartition("/")[2].removesuffix(MANIFEST): url
            for path, content in manifests.items()
            if (url := self._url_in(content)) is not None
        }
        return dict(sorted(found.items()))

    def write(self, name: str, write: Callable[[str], None]) -> str:
        """Let ``write`` fill a place of its own, then name it in the manifest.

        Raises:
            OSError: the store cannot be written; the old group, if there was one, stays.
        """
        old = self._manifest(name)
        group = f"{name}-{secrets.token_hex(4)}{SUFFIX}"
        try:
            write(f"{self.url}/{group}")
        except BaseException:
            self._delete(group)
            raise
        self.filesystem.pipe_file(
            self._path(name + MANIFEST), json.dumps({"group": group}).encode()
        )
        if old is not None:
            self._delete(old)
        return f"{self.url}/{group}"

    def remove(self, name: str) -> None:
        """Delete a group, its manifest first."""
        old = self._manifest(name)
        if old is not None:
            self.filesystem.rm_file(self._path(name + MANIFEST))
            self._delete(old)

    def sweep(self) -> None:
        """Remove groups that no manifest names; for whoever is the only writer here."""
        known = {url.rpartition("/")[2] for url in self.groups().values()}
        for name in (each.rpartition("/")[2] for each in self._listed()):
            if name.endswith(SUFFIX) and name not in known:
                self._delete(name)

    def _listed(self) -> list[str]:
        try:
            self.filesystem.invalidate_cache()
            return [str(each) for each in self.filesystem.ls(self._path(), detail=False)]
        except FileNotFoundError:
            return []

    def _path(self, name: str = "") -> str:
        url = f"{self.url}/{name}" if name else self.url
        return str(self.filesystem._strip_protocol(url))

    def _manifest(self, name: str) -> str | None:
        """The group that a manifest names now."""
        try:
            content = self.filesystem.cat_file(self._path(name + MANIFEST))
        except FileNotFoundError:
            return None
        url = self._url_in(content)
        return None if url is None else url.rpartition("/")[2]

    def _url_in(self, content: bytes) -> str | None:
        """The URL that a manifest names; None if the JSON is no manifest but something else."""
        try:
            group = json.loads(content)["group"]
        except MALFORMED:
            return None
        return f"{self.url}/{group}" if isinstance(group, str) else None

    def _delete(self, group: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.filesystem.rm(self._path(group), recursive=True)


def is_running(process: str) -> bool:
    """Whether a process with this number is there."""
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
