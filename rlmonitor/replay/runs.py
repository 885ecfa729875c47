"""Runs side by side: their names, their groups, their histories and rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from rlmonitor.errors import ConfigurationError, StoreError
from rlmonitor.replay.files import Location
from rlmonitor.replay.journal import HISTORY, read_events, read_history
from rlmonitor.replay.mirror import RunFolder, fetched
from rlmonitor.replay.store import read_analysis, rounds
from rlmonitor.round import Analysis
from rlmonitor.strategy.events import Event
from rlmonitor.strategy.history import History, RoundSummary


@dataclass(frozen=True)
class Run:
    """What a run left on disk.

    Attributes:
        name: the end of its path that tells it from the others.
        place: its folder or URL.
        path: its folder, or what was fetched of it: curves and journals.
        history: the numbers of all its rounds.
        rounds: timestep to the rounds that are still kept.
        events: in the order in which they were told.
    """

    name: str
    place: Location
    path: Path
    history: History
    rounds: Mapping[int, Location]
    events: tuple[Event, ...] = ()

    @property
    def last(self) -> int:
        """Timestep of the last round."""
        return self.history.rounds[-1].timestep

    def analysis(self, timestep: int, part: str = "play") -> Analysis:
        """Frames, elements, actions and maps of a round.

        Args:
            timestep: of a round that is kept, one of ``rounds``.
            part: ``"play"``, ``"clip"`` or ``"probe"``. Only the clip's maps are kept for each
                frame of the stack; the others' are sums over it.

        Raises:
            StoreError: no such round or part, or one that cannot be read.
        """
        if timestep not in self.rounds:
            kept = ", ".join(f"{each:,}" for each in self.rounds) or "none"
            raise StoreError(f"{self.name} keeps no round at timestep {timestep:,}; kept: {kept}")
        return read_analysis(self.rounds[timestep], part)

    def at(self, timestep: int) -> RoundSummary:
        """The latest round up to a timestep.

        Raises:
            ConfigurationError: there was none yet.
        """
        return self.up_to(timestep).history.rounds[-1]

    def up_to(self, timestep: int) -> Run:
        """The run as it was at a timestep.

        Raises:
            ConfigurationError: there was no round yet.
        """
        earlier = [each for each in self.history.rounds if each.timestep <= timestep]
        if not earlier:
            raise ConfigurationError(
                f"{self.name} has no round up to timestep {timestep:,}: its first is at "
                f"{self.history.rounds[0].timestep:,}"
            )
        kept = {step: path for step, path in self.rounds.items() if step <= timestep}
        told = tuple(event for event in self.events if event.timestep <= timestep)
        history = self.history.up_to(len(earlier))
        return Run(self.name, self.place, self.path, history, kept, told)


def load_run(folder: RunFolder, name: str = "") -> Run:
    """Read a run; of its rounds only where they are.

    Raises:
        StoreError: no such folder, or no history in it.
    """
    path = folder.path
    if not path.is_dir():
        raise StoreError(f"{path} is no folder: name the folder of a run")
    history = read_history(path)
    if not history.rounds:
        raise StoreError(
            f"{folder.rounds} is no run: {HISTORY} is missing or empty; name a folder that "
            "`rlmonitor train`, `rlmonitor replay` or the callback wrote"
        )
    kept = rounds(folder.rounds)
    return Run(name or path.name, folder.rounds, path, history, kept, read_events(path))


def open_run(run: Location) -> Run:
    """Read back what a training or a replay left: curves, events, rounds.

    ::

        run = open_run("runs/DQN_1")
        ball = run.history.curve("value/relative/ball")  # timesteps [R], values [R]
        clip = run.analysis(50_000, "clip")
        clip.relevance["advantage"]  # [N, C, H, W], signed

    Args:
        run: its folder, or a URL that fsspec knows.

    Raises:
        StoreError: no such folder, no run in it, or one that cannot be read.
    """
    with fetched([run], "*.jsonl") as (folder,):
        return load_run(folder)


def load_runs(folders: Sequence[RunFolder]) -> tuple[Run, ...]:
    """Read runs, each once, under names that tell them apart.

    Raises:
        StoreError: one of them is no run.
        ConfigurationError: the same run twice.
    """
    places = [each.rounds for each in folders]
    resolved = [p.resolve() if isinstance(p, Path) else PurePath(p) for p in places]
    twice = [path for path in resolved if resolved.count(path) > 1]
    if twice:
        raise ConfigurationError(f"{twice[0]} is given twice: name each run once")
    return tuple(map(load_run, folders, names_of(resolved)))


def names_of(paths: Sequence[PurePath]) -> list[str]:
    """The shortest ends of paths that are all different.

    >>> names_of([Path("a/dqn/0"), Path("a/ppo/0")])
    ['dqn/0', 'ppo/0']
    """
    for length in range(1, max((len(path.parts) for path in paths), default=1) + 1):
        names = ["/".join(path.parts[-length:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]


def group_runs(runs: Sequence[Run], prefixes: Sequence[str]) -> dict[str, tuple[Run, ...]]:
    """Runs by the prefix of their name; the longest that fits.

    Raises:
        ConfigurationError: a run without a group, a group without a run, or fewer than two groups.
    """
    if len(set(prefixes)) < 2:
        raise ConfigurationError(
            f"groups = {', '.join(prefixes) or 'none'}: give two prefixes of runs' names or more, "
            "such as --groups dqn,ppo"
        )
    groups: dict[str, list[Run]] = {prefix: [] for prefix in prefixes}
    for run in runs:
        fitting = [prefix for prefix in groups if run.name.startswith(prefix)]
        if not fitting:
            raise ConfigurationError(
                f"run {run.name} belongs to no group: none of {', '.join(groups)} begins its name"
            )
        groups[max(fitting, key=len)].append(run)
    for prefix, members in groups.items():
        if not members:
            raise ConfigurationError(
                f"group {prefix} has no run: the runs are {', '.join(run.name for run in runs)}"
            )
    return {prefix: tuple(members) for prefix, members in groups.items()}
