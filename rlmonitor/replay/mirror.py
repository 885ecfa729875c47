"""A run's folder at a URL: worked on in a folder of this machine, and copied there as it grows.

TensorBoard's curves and the journals grow by appending, which object stores do not know. So what
is there is fetched first, rounds go to their URL one by one (`rlmonitor.replay.folders`), and all
else is copied when a minute has passed and at the end. What is killed in between loses that minute:
rounds that the copied journals do not know are made anew. An object store knows no lock either: two
replays into one URL at once are not kept apart.
"""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rlmonitor.errors import RlmonitorError, StoreError
from rlmonitor.replay.files import Location, filesystem, is_remote, on_disk

EVERY = 60.0
"""Seconds between two copies."""

_ROUNDS = "rounds"


@dataclass(frozen=True)
class RunFolder:
    """Where a run is written.

    Attributes:
        path: its folder on this machine.
        rounds: whose ``rounds`` they go to: the same folder, or the URL.
        saved: to be called after each round.
    """

    path: Path
    rounds: Location
    saved: Callable[[], None] = lambda: None


@contextmanager
def run_folder(out: str) -> Iterator[RunFolder]:
    """The folder of a run, or one that becomes what is at a URL.

    Raises:
        ConfigurationError: a URL of a kind that fsspec does not know.
        DependencyError: the package for this kind of URL is missing.
        StoreError: the URL cannot be read or written.
    """
    if not is_remote(out):
        yield RunFolder(on_disk(out), on_disk(out))
        return
    with TemporaryDirectory(prefix="rlmonitor") as here:
        mirror = Mirror(out, Path(here))
        mirror.fetch()
        try:
            yield RunFolder(Path(here), out, mirror.save_at_times)
        finally:
            mirror.save()


@contextmanager
def fetched(runs: Sequence[Location], matching: str = "*") -> Iterator[tuple[RunFolder, ...]]:
    """Runs to be read: what is at a URL is fetched, but for its rounds, which are read there.

    Args:
        runs: their folders or URLs.
        matching: pattern of the names of the files that are needed.

    Raises:
        ConfigurationError: a URL of a kind that fsspec does not know.
        DependencyError: the package for this kind of URL is missing.
        StoreError: nothing is at a URL, or it cannot be read.
    """
    with ExitStack() as kept:
        folders = []
        for run in runs:
            if not is_remote(run):
                folders.append(RunFolder(on_disk(run), on_disk(run)))
                continue
            url = str(run).rstrip("/")
            here = Path(kept.enter_context(TemporaryDirectory(prefix="rlmonitor")))
            # a folder of the same name, since a run's name is that of its folder
            mirror = Mirror(url, here / url.rpartition("/")[2])
            mirror.fetch(matching)
            folders.append(RunFolder(mirror.folder, url))
        yield tuple(folders)


class Mirror:
    """A folder on this machine and its copy at a URL, but for the rounds.

    Args:
        url: of the copy.
        folder: on this machine.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self.folder = url.rstrip("/"), folder
        self._filesystem = filesystem(url)
        self._root = str(self._filesystem._strip_protocol(self._url))
        self._copied: dict[str, tuple[int, int]] = {}
        self._last = time.monotonic()

    def fetch(self, matching: str = "*") -> None:
        """Copy what is at the URL to the folder.

        Args:
            matching: pattern of the names of the files.

        Raises:
            StoreError: it cannot be read.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._told("read"):
            for name in fnmatch.filter(self._there(), matching):
                place = self.folder / name
                place.parent.mkdir(parents=True, exist_ok=True)
                self._filesystem.get_file(f"{self._root}/{name}", str(place))
        self._copied = self._here()

    def save_at_times(self) -> None:
        """Copy what changed if it is time to.

        Raises:
            StoreError: it cannot be written.
        """
        if time.monotonic() - self._last >= EVERY:
            self.save()

    def save(self) -> None:
        """Copy what changed, and delete what is no more.

        Raises:
            StoreError: it cannot be written.
        """
        found = self._here()
        with self._told("written"):
            for name in sorted(found.keys() | self._copied.keys()):
                if name not in found:
                    self._filesystem.rm_file(f"{self._root}/{name}")
                elif found[name] != self._copied.get(name):
                    content = (self.folder / name).read_bytes()
                    self._filesystem.pipe_file(f"{self._root}/{name}", content)
        self._copied, self._last = found, time.monotonic()

    def _here(self) -> dict[str, tuple[int, int]]:
        """Size and time of each file, by its name within the folder; nothing hidden."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder)
            if path.is_file() and not any(part.startswith(".") for part in name.parts):
                about = path.stat()
                found[name.as_posix()] = (about.st_size, about.st_mtime_ns)
        return found

    def _there(self) -> list[str]:
        """Names of the files at the URL, but for the rounds."""
        self._filesystem.invalidate_cache()
        if not self._filesystem.exists(self._root):
            return []
        found = []
        for entry in self._filesystem.ls(self._root, detail=True):
            name = str(entry["name"]).rstrip("/")
            if entry["type"] != "directory":
                found.append(name)
            elif not name.endswith(f"/{_ROUNDS}"):
                found += self._filesystem.find(name)
        return [str(each).removeprefix(f"{self._root}/") for each in found]

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except RlmonitorError:
            raise
        except Exception as error:  # whatever the package for this kind of URL raises
            raise StoreError(f"{self._url} cannot be {what}: {error}") from error
