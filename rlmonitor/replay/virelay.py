"""A run's play as a project of ViRelAy (Anders et al. 2021), to look through maps and clusters.

One project a question, as ViRelAy shows one map a frame. Its files, as `virelay.model` of version
0.6 reads them (its printed specification calls ``cluster`` otherwise)::

    label_map.json            [{"index", "word_net_id", "name"}], a label an action,
                              then one a round for the names of the categories
    input.h5                  data uint8 [N, 3, height, width], label int64 [N]: the action taken
    <question>.attribution.h5 attribution float32 [N, 3, H, W], prediction [N, A], index [N],
                              label int64 [N]: the greedy action, which the maps explain
    <question>.analysis.h5    <round>/index [n], <round>/embedding/{pca,spectral,tsne}, with the
                              attribute ``eigenvalue``, <round>/cluster/{spray,strategy} [n]
    <question>.yaml           the project

The maps are sums over the frame stack; each third of them is a channel, since ViRelAy adds channels
up and cannot draw a map of one channel in all its colours. A category is a round.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from rlmonitor.board import tags
from rlmonitor.errors import ConfigurationError, StoreError
from rlmonitor.extras import require
from rlmonitor.replay.files import Location
from rlmonitor.replay.runs import Run
from rlmonitor.replay.store import read_analysis, read_attributes, read_clusters
from rlmonitor.round import Analysis
from rlmonitor.strategy import spectral
from rlmonitor.strategy.embedding import embed
from rlmonitor.strategy.spray import DEFAULT, Spray, spray

CHANNELS = 3
EIGENVECTORS = 12
INPUT, LABELS = "input.h5", "label_map.json"


@dataclass(frozen=True)
class Stored:
    """One round on disk.

    Attributes:
        timestep: of the round.
        play: its frames and maps.
        target: whose maps the round clustered, None where it did not.
        strategies: ``[N]`` number of each frame's strategy, −1 for none.
    """

    timestep: int
    play: Analysis
    target: str | None
    strategies: NDArray[np.int64]


def export_virelay(
    run: Run,
    folder: Path,
    *,
    timestep: int | None = None,
    progress: Callable[[str], None] = lambda stage: None,
) -> tuple[Path, ...]:
    """Write the rounds on disk as projects; a project's YAML file is written last.

    Args:
        run: whose.
        folder: where the files go; made if it is not there.
        timestep: one round only; None for all of them, a category each.
        progress: is told each round as it begins.

    Returns:
        The project files, one a question.

    Raises:
        ConfigurationError: no round on disk, or none at that timestep.
        DependencyError: the extra ``export`` is missing.
        StoreError: a round cannot be read, or the folder not be written.
    """
    h5py: Any = require("h5py", "export", "ViRelAy's HDF5")
    chosen = {s: p for s, p in run.rounds.items() if timestep in (None, s)}
    if not chosen:
        listed = ", ".join(map(str, run.rounds)) or "none"
        raise ConfigurationError(
            f"{run.name} has no round on disk{'' if timestep is None else f' at {timestep}'}; "
            f"rounds: {listed}"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        composite = str(read_attributes(list(chosen.values())[-1])["composite"])
        questions = _write_rounds(h5py, _read(chosen, progress), folder)
        return tuple(
            _write_project(folder / f"{question}.yaml", run, question, composite)
            for question in questions
        )
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{folder} cannot be written: {error}") from error


def _read(chosen: Mapping[int, Location], progress: Callable[[str], None]) -> Iterator[Stored]:
    for step, path in chosen.items():
        progress(f"round at {step:,}")
        play = read_analysis(path, "play")
        target, strategies = read_clusters(path)
        if len(strategies) != len(play.recording):
            strategies = np.full(len(play.recording), -1)
        yield Stored(step, play, target, strategies)


def _write_rounds(h5py: Any, stored: Iterator[Stored], folder: Path) -> tuple[str, ...]:
    """Append round after round to the HDF5 files; the questions that were asked of them."""
    questions: dict[str, str] = {}
    labels: list[dict[str, Any]] = []
    start = 0
    with h5py.File(folder / INPUT, "w") as inputs:
        for each in stored:
            play = each.play
            if not questions:
                questions = {tags.QUESTIONS.get(t, t): t for t in play.relevance}
                labels += _action_labels(play)
                for question in questions:
                    (folder / f"{question}.yaml").unlink(missing_ok=True)
                    for kind in ("attribution", "analysis"):
                        h5py.File(folder / f"{question}.{kind}.h5", "w").close()
            index = np.arange(start, start + len(play.recording), dtype=np.uint32)
            screens = np.moveaxis(play.recording.screen, -1, 1)
            _append(inputs, {"data": screens, "label": play.recording.action})
            for question, target in questions.items():
                with h5py.File(folder / f"{question}.attribution.h5", "a") as file:
                    _append(file, _attribution(play, target, index))
                with h5py.File(folder / f"{question}.analysis.h5", "a") as file:
                    _write_analysis(file, each, target, index)
            start += len(index)
            labels.append(
                {
                    "index": len(labels),
                    "word_net_id": _category(each.timestep),
                    "name": f"timestep {each.timestep:,}",
                }
            )
    (folder / LABELS).write_text(json.dumps(labels, indent=1) + "\n", encoding="utf-8")
    return tuple(questions)


def _append(file: Any, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Add rows to data sets that grow along their first axis."""
    for name, rows in arrays.items():
        if name not in file:
            file.create_dataset(
                name,
                data=rows,
                maxshape=(None, *rows.shape[1:]),
                chunks=(min(16, len(rows)), *rows.shape[1:]),
                compression="gzip",
                compression_opts=1,
            )
            continue
        stored = file[name]
        stored.resize(len(stored) + len(rows), axis=0)
        stored[-len(rows) :] = rows


def _attribution(play: Analysis, target: str, index: NDArray[Any]) -> dict[str, NDArray[Any]]:
    summed = play.relevance[target].sum(axis=1, keepdims=True) / CHANNELS
    return {
        "attribution": np.repeat(summed, CHANNELS, axis=1).astype(np.float32),
        "label": play.outputs.argmax(axis=1).astype(np.int64),
        "prediction": play.outputs.astype(np.float32),
        "index": index,
    }


def _write_analysis(file: Any, each: Stored, target: str, index: NDArray[Any]) -> None:
    """A round's clusters and embeddings, of the frames that have relevance."""
    with threadpool_limits(1):
        found = spray(each.play.relevance[target])
    seen = np.flatnonzero(found.features.any(axis=1))
    if not len(seen):
        return
    group = file.create_group(_category(each.timestep))
    group["index"] = index[seen]
    clusters = {"spray": np.maximum(found.labels, 0)[seen]}
    if each.target == target:
        ids = each.strategies[seen]
        clusters["strategy"] = np.where(ids >= 0, ids, ids.max() + 1)
    for name, labels in clusters.items():
        group[f"cluster/{name}"] = labels.astype(np.uint32)
        group[f"cluster/{name}"].attrs["embedding"] = "spectral"
    for name, (position, attributes) in _embeddings(found, seen).items():
        group[f"embedding/{name}"] = position.astype(np.float32)
        group[f"embedding/{name}"].attrs.update(attributes)


def _embeddings(
    found: Spray, seen: NDArray[np.int64]
) -> dict[str, tuple[NDArray[Any], dict[str, Any]]]:
    """Name to ``[n, D]`` positions and attributes, for as many frames as `seen` has."""
    points = found.features[seen]
    centred = points - points.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:2]
    plane = np.zeros((len(points), 2))
    plane[:, : len(axes)] = centred @ axes.T
    components: dict[str, tuple[NDArray[Any], dict[str, Any]]] = {"pca": (plane, {})}
    if found.not_enough is not None:  # too few for a graph
        return components
    with threadpool_limits(1):
        fit = spectral.fit(
            points, n_neighbours=DEFAULT.n_neighbours, n_clusters=None, seed=DEFAULT.seed
        )
        picture = embed(found, most=len(points))
    values, vectors = fit.spectrum.values[:EIGENVECTORS], fit.spectrum.vectors[:, :EIGENVECTORS]
    return components | {
        "spectral": (vectors, {"eigenvalue": values.astype(np.float32)}),
        "tsne": (picture.position, {"embedding": "spectral"}),
    }


def _category(timestep: int) -> str:
    """A round's name among categories, which ViRelAy sorts as texts."""
    return f"round-{timestep:010d}"


def _action_labels(play: Analysis) -> list[dict[str, Any]]:
    names, count = play.recording.action_meanings, play.outputs.shape[1]
    if len(names) != count:
        names = tuple(f"action {number}" for number in range(count))
    return [
        {"index": number, "word_net_id": f"action-{number}", "name": name}
        for number, name in enumerate(names)
    ]


def _write_project(path: Path, run: Run, question: str, composite: str) -> Path:
    asked = {tags.VALUE: "what it values", tags.CHOICE: "what it decides by"}.get(
        question, question
    )
    lines = [
        "project:",
        f"  name: {_quoted(f'{run.name}: {asked}')}",
        f"  model: {_quoted(run.name)}",
        f"  label_map: {LABELS}",
        "  dataset:",
        f"    name: {_quoted('own play')}",
        "    type: hdf5",
        f"    path: {INPUT}",
        "  attributions:",
        f"    attribution_method: {_quoted(f'LRP {composite}')}",
        "    attribution_strategy: predicted_label",
        f"    sources: {_listed([f'{question}.attribution.h5'])}",
        "  analyses:",
        "    - analysis_method: SpRAy",
        f"      sources: {_listed([f'{question}.analysis.h5'])}",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _quoted(text: str) -> str:
    """A YAML scalar: JSON's strings are YAML's."""
    return json.dumps(text, ensure_ascii=True)


def _listed(names: Sequence[str]) -> str:
    return f"[{', '.join(map(_quoted, names))}]"
