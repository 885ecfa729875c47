"""Where the strategies of runs differ, on the same frames, by permutation tests.

Two questions with two units. Between *groups of runs* the runs are relabelled, and the answer is
about the ways to train. Between *two runs* the frames of the probe are what there are many of: the
differences of whole games change their sign, and the answer is about these two networks alone.

The shares of the elements and the whole maps are two families of tests: each errs anywhere with the
probability α at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rlmonitor.board import tags
from rlmonitor.errors import ConfigurationError
from rlmonitor.recording import Recording
from rlmonitor.replay.files import Location
from rlmonitor.replay.runs import Run
from rlmonitor.replay.store import read_attributes, read_parts, read_recording, read_relevance
from rlmonitor.strategy.features import relevance_features
from rlmonitor.strategy.permutation import Outcome, compare_groups, compare_paired, holm
from rlmonitor.strategy.pooling import pool_frames

ENOUGH_GAMES = 10
"""Games that make blocks by themselves; of fewer, stretches of `STRETCH` frames are blocks."""
STRETCH = 16

Units = Literal["runs", "games", "stretches"]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Contrast:
    """A test between two groups of runs, or two runs, over both questions together.

    Attributes:
        source: whose frames: ``"probe"`` or ``"play"``.
        first: name of the first group or run.
        second: name of the second.
        units: what was relabelled.
        counts: how many units the two have; of frames both have the same blocks.
        measured: ``(question, element)`` of each share; empty where whole maps were compared.
        means: mean share of each in the first and in the second; empty for maps.
        outcome: the test.
        corrected: p-value of each share, corrected for all shares and for all pairs.
        corrected_all: p-value of any difference, after Holm's correction for all pairs.
    """

    source: str
    first: str
    second: str
    units: Units
    counts: tuple[int, int]
    measured: tuple[tuple[str, str], ...]
    means: tuple[tuple[float, ...], tuple[float, ...]]
    outcome: Outcome
    corrected: tuple[float, ...] = ()
    corrected_all: float = 1.0


@dataclass(frozen=True)
class Probes:
    """What rounds on disk say of the same frames.

    Attributes:
        blocks: ``[N]`` which block of frames each frame belongs to.
        units: what the blocks are.
        shares: run, question to ``[N, E]``.
        features: run, question to ``[N, D]``, where the relevance lies, adding up to 1.
        elements: names of the E elements.
    """

    blocks: NDArray[np.int64]
    units: Units
    shares: Mapping[tuple[str, str], Array]
    features: Mapping[tuple[str, str], Array]
    elements: tuple[str, ...]

    @property
    def questions(self) -> tuple[str, ...]:
        """What was asked of every run."""
        runs = {run for run, _ in self.shares}
        asked = dict.fromkeys(question for _, question in self.shares)
        return tuple(q for q in asked if all((run, q) in self.shares for run in runs))


def check_composites(runs: Sequence[Run]) -> None:
    """Refuse to compare what different rules gave.

    Raises:
        ConfigurationError: rounds of different composites.
    """
    found = {
        run.name: str(read_attributes(list(run.rounds.values())[-1])["composite"])
        for run in runs
        if run.rounds
    }
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{name}: {composite}" for name, composite in found.items())
        raise ConfigurationError(
            f"relevance of different composites does not compare ({listed}); analyse the "
            "checkpoints of one with the other's composite by `rlmonitor replay`"
        )


def read_probes(runs: Sequence[Run], timestep: int) -> Probes | str:
    """The probe's maps in the latest rounds up to a timestep, or why they do not compare."""
    chosen: dict[str, Location] = {}
    for run in runs:
        earlier = [path for step, path in run.rounds.items() if step <= timestep]
        if not earlier:
            return f"{run.name} has no round on disk up to timestep {timestep:,}"
        chosen[run.name] = earlier[-1]
    frames: Recording | None = None
    shares: dict[tuple[str, str], Array] = {}
    features: dict[tuple[str, str], Array] = {}
    elements: tuple[str, ...] = ()
    for name, path in chosen.items():
        if "probe" not in read_parts(path):
            return f"{name} explained no probe"
        recording = read_recording(path, "probe")
        frames = recording if frames is None else frames
        if not np.array_equal(recording.observation, frames.observation):
            return f"{name} explained other frames than {runs[0].name}"
        for target, maps in read_relevance(path, "probe").items():
            key = name, tags.QUESTIONS.get(target, target)
            share = pool_frames(maps, recording.masks, recording.outside).share
            elements = tuple(share)
            shares[key] = np.stack(list(share.values()), axis=1) if share else np.empty((0, 0))
            features[key] = relevance_features(maps).astype(np.float64)
    assert frames is not None
    return Probes(*blocks_of(frames), shares, features, elements)


def blocks_of(frames: Recording) -> tuple[NDArray[np.int64], Units]:
    """Which block each frame belongs to: its game, or where games are few a stretch of one."""
    cuts = frames.done[:-1] | (np.diff(frames.step) <= 0)
    games = np.concatenate([[0], np.cumsum(cuts)]).astype(np.int64)
    if games[-1] + 1 >= ENOUGH_GAMES:
        return games, "games"
    starts = np.flatnonzero(np.diff(games, prepend=-1))
    within = np.arange(len(games)) - starts[games]
    _, blocks = np.unique(games * len(games) + within // STRETCH, return_inverse=True)
    return blocks.astype(np.int64), "stretches"


def contrast_groups(
    groups: Mapping[str, Sequence[Run]],
    probes: Probes | None,
    timestep: int,
    *,
    seed: int = 0,
) -> tuple[Contrast, ...]:
    """Test every pair of groups: shares of the elements by the curves, and maps where there are.

    Args:
        groups: name to runs.
        probes: maps of the same frames, None where there are none.
        timestep: the latest rounds up to here are compared.
        seed: of relabellings that are drawn.
    """
    source = tags.PROBE if probes is not None else tags.PLAY
    shares: list[Contrast] = []
    maps: list[Contrast] = []
    for (first, ours), (second, theirs) in combinations(groups.items(), 2):
        counts = len(ours), len(theirs)
        measured = shared_elements([*ours, *theirs], source, timestep)
        if measured:
            a, b = (_profiles(runs, source, measured, timestep) for runs in (ours, theirs))
            outcome = compare_groups(a, b, seed=seed)
            shares.append(
                Contrast(source, first, second, "runs", counts, measured, _means(a, b), outcome)
            )
        if probes is not None:
            outcome = compare_groups(
                *(_mean_maps(runs, probes) for runs in (ours, theirs)), seed=seed
            )
            maps.append(Contrast(source, first, second, "runs", counts, (), ((), ()), outcome))
    return *corrected(shares), *corrected(maps)


def contrast_runs(runs: Sequence[Run], probes: Probes, *, seed: int = 0) -> tuple[Contrast, ...]:
    """Test every pair of runs on the frames of the probe, by whole blocks of them."""
    count = len(np.unique(probes.blocks))
    asked = probes.questions
    everything = tuple((question, element) for question in asked for element in probes.elements)
    found: list[tuple[Contrast, ...]] = []
    for measured, source in ((everything, probes.shares), ((), probes.features)):
        contrasts: list[Contrast] = []
        for first, second in combinations([run.name for run in runs], 2):
            a, b = (
                np.concatenate([source[name, question] for question in asked], axis=1)
                for name in (first, second)
            )
            if a.size:
                outcome = compare_paired(a, b, probes.blocks, seed=seed)
                means = _means(a, b) if measured else ((), ())
                contrasts.append(
                    Contrast(tags.PROBE, first, second, probes.units, (count, count), measured,
                             means, outcome)
                )  # fmt: skip
        found.append(corrected(contrasts))
    return *found[0], *found[1]


def corrected(contrasts: Sequence[Contrast]) -> tuple[Contrast, ...]:
    """The same with p-values that are corrected for all pairs that were tested."""
    wholes = holm([each.outcome.p_all for each in contrasts]).tolist()
    return tuple(
        replace(
            each,
            corrected=tuple(np.minimum(each.outcome.corrected * len(contrasts), 1).tolist())
            if each.measured
            else (),
            corrected_all=whole,
        )
        for each, whole in zip(contrasts, wholes, strict=True)
    )


def shared_elements(runs: Sequence[Run], source: str, timestep: int) -> tuple[tuple[str, str], ...]:
    """Question and element of the shares that every run knows, in the order of their names."""
    found: list[tuple[str, str]] = []
    for question in (tags.VALUE, tags.CHOICE):
        prefix = tags.share(tags.SOURCES[source] + question, "_")[:-1]
        known = [
            {n.removeprefix(prefix) for n in run.at(timestep).values if n.startswith(prefix)}
            for run in runs
        ]
        found += [(question, element) for element in sorted(set.intersection(*known))]
    return tuple(found)


def _profiles(
    runs: Sequence[Run], source: str, measured: Sequence[tuple[str, str]], timestep: int
) -> Array:
    names = [tags.share(tags.SOURCES[source] + asked, element) for asked, element in measured]
    return np.array([[run.at(timestep).values[name] for name in names] for run in runs])


def _mean_maps(runs: Sequence[Run], probes: Probes) -> Array:
    """A row a run: where its relevance lies, averaged over the frames, for each question."""
    return np.array(
        [
            np.concatenate([probes.features[run.name, q].mean(axis=0) for q in probes.questions])
            for run in runs
        ]
    )


def _means(a: Array, b: Array) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(a.mean(axis=0).tolist()), tuple(b.mean(axis=0).tolist())
