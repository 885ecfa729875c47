"""Embeddings for TensorBoard's projector tab: points, columns to colour them by, thumbnails.

The projector reads files, not summaries: ``projector_config.pbtxt`` in the run's folder names, for
each embedding, a table of points, a table of columns and one image with all thumbnails.
``SummaryWriter.add_embedding`` forgets what an earlier process listed there and never removes
anything; here the file lists the latest rounds, and what it lists is there.
"""

from __future__ import annotations

import io
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rlmonitor.errors import ObservationError

CONFIG = "projector_config.pbtxt"
FOLDER = "projector"
LARGEST_SPRITE = 8192
"""Pixels along the longer side; a browser's texture is no larger, and the tab shows nothing."""
MOST_POINTS = 2_000
"""More of them take the tab seconds and the disk tens of megabytes."""
KEPT = 10
"""Embeddings that stay, the latest ones."""


def write_embedding(
    directory: str | os.PathLike[str],
    timestep: int,
    points: NDArray[np.floating],
    columns: Mapping[str, Sequence[object]],
    thumbnails: NDArray[np.uint8],
) -> None:
    """Add a round's embedding to the projector tab of a run.

    Args:
        directory: the run's folder with its event file.
        timestep: the training's timesteps so far; an embedding of the same timestep is replaced.
        points: ``[N, D]``.
        columns: name to N values.
        thumbnails: ``[N, H, W, 3]``, a picture for each point.

    Raises:
        ObservationError: no points or more than 2,000, columns or thumbnails of another number,
            or thumbnails too large for one image of 8,192 pixels a side.
        OSError: the folder cannot be written.
    """
    write_files(directory, timestep, embedding_files(points, columns, thumbnails))


def embedding_files(
    points: NDArray[np.floating],
    columns: Mapping[str, Sequence[object]],
    thumbnails: NDArray[np.uint8],
) -> dict[str, bytes]:
    """What the projector reads of one embedding: name to content; arguments as above.

    Raises:
        ObservationError: as above.
    """
    check(points, columns, thumbnails)
    table = io.BytesIO()
    np.savetxt(table, _in_space(points), "%.6g", delimiter="\t")
    return {
        "points.tsv": table.getvalue(),
        "columns.tsv": _table(columns).encode(),
        "thumbnails.png": _sprite(thumbnails),
    }


def write_files(
    directory: str | os.PathLike[str], timestep: int, files: Mapping[str, bytes]
) -> None:
    """Put an embedding's files in place, and list it.

    Raises:
        OSError: the folder cannot be written.
    """
    root = Path(directory)
    new, folder = root / FOLDER / ".new", root / FOLDER / f"{timestep:07d}"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    for name, content in files.items():
        (new / name).write_bytes(content)
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)
    found = sorted(p for p in (root / FOLDER).iterdir() if p.name.isdigit())
    _replace(root / CONFIG, _configuration(root, found[-KEPT:]))
    for outdated in found[:-KEPT]:
        shutil.rmtree(outdated, ignore_errors=True)


def discard_embeddings_after(directory: str | os.PathLike[str], timestep: int) -> None:
    """Drop the embeddings of rounds past a timestep: a resumed training makes them anew."""
    root = Path(directory)
    if not (root / FOLDER).is_dir():
        return
    found = sorted(p for p in (root / FOLDER).iterdir() if p.name.isdigit())
    kept = [path for path in found if int(path.name) <= timestep]
    if len(kept) < len(found):
        _replace(root / CONFIG, _configuration(root, kept))
        for path in found[len(kept) :]:
            shutil.rmtree(path)


def check(
    points: NDArray[np.floating],
    columns: Mapping[str, Sequence[object]],
    thumbnails: NDArray[np.uint8],
) -> None:
    """Raise what `write_embedding` documents."""
    if points.ndim != 2 or not 1 <= len(points) <= MOST_POINTS:
        raise ObservationError(
            f"the projector takes 1 to {MOST_POINTS:,} points [N, D], got {list(points.shape)}"
        )
    for name, values in columns.items():
        if len(values) != len(points):
            raise ObservationError(f"column {name!r} has {len(values)} of {len(points)} values")
    if thumbnails.ndim != 4 or thumbnails.shape[-1] != 3 or len(thumbnails) != len(points):
        raise ObservationError(
            f"thumbnails must be [{len(points)}, H, W, 3], got {list(thumbnails.shape)}"
        )
    side = _side(len(points)) * max(thumbnails.shape[1:3])
    if side > LARGEST_SPRITE:
        raise ObservationError(
            f"{len(points)} thumbnails of {thumbnails.shape[1]} x {thumbnails.shape[2]} pixels "
            f"make an image of {side} pixels a side; expected at most {LARGEST_SPRITE}"
        )


def _in_space(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """At least three coordinates: of points on a plane the tab draws none."""
    return np.pad(points, ((0, 0), (0, max(0, 3 - points.shape[1]))))


def _side(n: int) -> int:
    """Thumbnails in a row: the projector expects as many rows as columns."""
    return math.isqrt(n - 1) + 1


def _sprite(thumbnails: NDArray[np.uint8]) -> bytes:
    n, height, width, _ = thumbnails.shape
    side = _side(n)
    cells = np.zeros((side * side, height, width, 3), np.uint8)
    cells[:n] = thumbnails
    rows = cells.reshape(side, side, height, width, 3).transpose(0, 2, 1, 3, 4)
    buffer = io.BytesIO()
    Image.fromarray(rows.reshape(side * height, side * width, 3)).save(buffer, "PNG")
    return buffer.getvalue()


def _table(columns: Mapping[str, Sequence[object]]) -> str:
    """Tab-separated; a table of one column has no header, by the projector's rule."""
    lines = [
        "\t".join(_cell(value) for value in row) for row in zip(*columns.values(), strict=True)
    ]
    header = ["\t".join(map(_cell, columns))] if len(columns) > 1 else []
    return "\n".join([*header, *lines]) + "\n"


def _cell(value: object) -> str:
    return " ".join(str(value).split())


def _configuration(root: Path, folders: Sequence[Path]) -> str:
    from google.protobuf import text_format
    from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

    configuration = ProjectorConfig()
    for folder in reversed(folders):
        embedding = configuration.embeddings.add()
        # Of embeddings of one size the tab first shows the one whose name comes first.
        latest = "latest " if folder is folders[-1] else ""
        embedding.tensor_name = f"{latest}strategies at {int(folder.name):,} timesteps"
        embedding.tensor_path = str((folder / "points.tsv").relative_to(root))
        embedding.metadata_path = str((folder / "columns.tsv").relative_to(root))
        embedding.sprite.image_path = str((folder / "thumbnails.png").relative_to(root))
        with Image.open(folder / "thumbnails.png") as sprite:
            lines = (folder / "points.tsv").read_text(encoding="utf-8").count("\n")
            side = _side(lines)
            embedding.sprite.single_image_dim.extend([sprite.width // side, sprite.height // side])
    return str(text_format.MessageToString(configuration))


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
