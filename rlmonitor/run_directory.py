"""The folder of one training run: whose it is, what lies where, and how a run is taken up again."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rlmonitor.board import tags
from rlmonitor.board.projector import discard_embeddings_after
from rlmonitor.configuration import Configuration
from rlmonitor.errors import ConfigurationError, RunInUseError, StoreError
from rlmonitor.replay.curves import cut_curves
from rlmonitor.replay.journal import cut_journals, read_history
from rlmonitor.replay.store import discard_after, rounds
from rlmonitor.replay.training_state import TrainingState, load_training_state

LOCK, MONITOR_LOCK = ".lock", ".monitor.lock"
STATE, CHECKPOINTS = "training.safetensors", "checkpoints"

_claimed: dict[Path, int] = {}
"""Lock to its open file: closing any other one of the same file would give the lock back."""

FREE_TO_CHANGE = frozenset(
    {
        "training.timesteps",
        "training.threads",
        "training.device",
        "training.checkpoint_every",
        "training.log_every",
        "training.refill",
        "monitor.every",
        "monitor.budget",
        "monitor.keep",
    }
)
"""Settings that may change on ``--resume``: neither what is learned nor what is shown does."""


def local_folder(run_dir: str | os.PathLike[str]) -> Path:
    """The absolute path of a monitored run's folder: programs change their directory.

    Raises:
        ConfigurationError: no path, or a URL, which would become a folder of that name here.
    """
    if not isinstance(run_dir, str | os.PathLike):
        raise ConfigurationError(f"run_dir={run_dir!r}: expected the path of a folder")
    if "://" in os.fspath(run_dir):
        raise ConfigurationError(
            f"run_dir={run_dir!r}: expected a folder of this machine; copy it to its URL afterwards"
        )
    return Path(run_dir).absolute()


def checkpoint_path(run_dir: Path, timesteps: int) -> Path:
    """Where the Q-network of a timestep lies, in half precision, for whoever analyses it later."""
    return run_dir / CHECKPOINTS / f"{timesteps:07d}.safetensors"


@contextmanager
def locked(run_dir: Path) -> Iterator[None]:
    """Make the folder and keep other trainings and replays out of it until the end.

    The system gives the lock back when the process ends, however it ends.

    Raises:
        StoreError: the folder cannot be written.
        ConfigurationError: another one is at work in it.
    """
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(run_dir / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StoreError(f"{run_dir} cannot be written: {error}; name another folder") from error
    try:
        _take(descriptor, run_dir)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, run_dir: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.pread(descriptor, 32, 0).decode() or "unknown"
        raise ConfigurationError(
            f"{run_dir} is in use by another process ({owner}); wait for its end, or name another "
            "folder"
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)


def claim(run_dir: Path) -> None:
    """Keep monitors of other processes out of a folder until `release` or the end of this process.

    A process may claim a folder again: in a notebook one training follows another, and of one that
    was interrupted nobody tells the end.

    Raises:
        StoreError: the folder cannot be written.
        RunInUseError: a monitor of another process writes there.
    """
    path = run_dir.resolve() / MONITOR_LOCK
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _claimed.get(path) or os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StoreError(f"{run_dir} cannot be written: {error}; name another folder") from error
    _claimed[path] = descriptor
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        owner = os.pread(descriptor, 32, 0).decode() or "unknown"
        release(run_dir)
        raise RunInUseError(
            f"the monitor of another training (process {owner}) writes to {run_dir}; name another "
            "run_dir, or wait for its end"
        ) from error
    except OSError:  # a file system without locks
        return
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)


def release(run_dir: Path) -> None:
    """Give up what `claim` took."""
    descriptor = _claimed.pop(run_dir.resolve() / MONITOR_LOCK, None)
    if descriptor is not None:
        os.close(descriptor)


def require_empty(run_dir: Path) -> None:
    """Check that a new run would not mix with an old one.

    Args:
        run_dir: the run's folder, locked.

    Raises:
        ConfigurationError: there is something in the folder.
    """
    found = sorted(path.name for path in run_dir.iterdir() if path.name not in (LOCK, MONITOR_LOCK))
    if found:
        what = "a run" if (run_dir / STATE).exists() else f"something ({found[0]}, …)"
        go_on = "go on with --resume, or " if (run_dir / STATE).exists() else ""
        raise ConfigurationError(f"{run_dir} holds {what} already: {go_on}name another --run-dir")


def take_up(run_dir: Path, settings: Mapping[str, Any]) -> TrainingState:
    """Read the last checkpoint and drop what lies past it: curves, rounds, later networks.

    A round at the checkpoint itself that did not come to its end goes too; it is made anew.

    Args:
        run_dir: the run's folder, locked.
        settings: the settings to go on with, by their full names.

    Raises:
        ConfigurationError: there is no run, or it has settings that cannot change midway.
        CheckpointError: its last checkpoint cannot be read.
        StoreError: the folder cannot be read or written.
    """
    if not (run_dir / STATE).exists():
        raise ConfigurationError(
            f"{run_dir} holds no checkpoint to resume from ({STATE} is missing): "
            "start without --resume, or name the --run-dir of a run"
        )
    state = load_training_state(run_dir / STATE)
    _require_same(state.configuration, settings, run_dir)
    at = state.timesteps
    whole = at > 0 and any(each.timestep == at for each in read_history(run_dir).rounds)
    cut_curves(run_dir, at, again=None if whole else tags.is_own)
    discard_after(run_dir, at)
    for path in (run_dir / CHECKPOINTS).glob("*.safetensors"):
        if path.stem.isdigit() and int(path.stem) > at:
            path.unlink()
    for folder in (run_dir, run_dir / CHECKPOINTS):  # what a process was ended over
        for path in folder.glob(".*.tmp"):
            path.unlink()
    return state


def supersede(run_dir: Path, timestep: int) -> None:
    """Drop the monitor's rounds past the timestep that a training goes on from.

    Raises:
        ConfigurationError: a new training, into a folder that has another one's rounds.
        StoreError: the folder cannot be read or written.
    """
    if timestep == 0 and any(step > 0 for step in rounds(run_dir)):
        raise ConfigurationError(
            f"{run_dir} holds the rounds of another training; name another run_dir, or resume that "
            "training with reset_num_timesteps=False"
        )
    discard_after(run_dir, timestep)
    discard_embeddings_after(run_dir, timestep)
    cut_journals(run_dir, timestep)


def _require_same(old: Mapping[str, Any], new: Mapping[str, Any], run_dir: Path) -> None:
    old = {**Configuration().flat(), **old}  # an earlier version did what the default does
    for name in sorted(old.keys() - FREE_TO_CHANGE):
        if old[name] != new.get(name):
            raise ConfigurationError(
                f"cannot resume with {name} = {new.get(name)!r}: the run in {run_dir} has "
                f"{old[name]!r}; take that, or begin another --run-dir, with --start from one of "
                f"the networks in {run_dir / CHECKPOINTS}. "
                f"Free to change: {', '.join(sorted(FREE_TO_CHANGE))}"
            )
