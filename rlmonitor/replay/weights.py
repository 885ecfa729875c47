"""State dicts in files of ``torch.save``, read without unpickling anything.

Such a file is a zip archive: ``data.pkl`` names the tensors and where they lie, ``data/0``, … hold
their bytes. ``torch.load(weights_only=True)`` runs no foreign code, but allocates what the pickle
asks for: with torch 2.13 one of thirty bytes takes 4 GB (a ``bytearray`` of that length). Nor does
it tell shapes without reading tensors. The pickle is therefore read here as a list of instructions,
of which only those that write a dict of tensors are known. Nothing is called, and each tensor must
lie within the bytes that the file has for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import torch
from torch import Tensor

from rlmonitor.errors import CheckpointError
from rlmonitor.replay.archives import Archive
from rlmonitor.replay.state_pickle import Record, read_instructions

LARGEST_INDEX = 2 << 20
"""Bytes of ``data.pkl``; a network with a thousand tensors has 0.2 MB."""

LARGEST_WEIGHTS = 1 << 30
"""Bytes of all tensors of a file."""

MOST_AXES = 8


@dataclass(frozen=True)
class StateFile:
    """A ``torch.save`` file that has been looked at, not loaded.

    Attributes:
        records: tensors by name, in the file's order.
    """

    records: Mapping[str, Record]
    _archive: Archive
    _prefix: str
    _where: str

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Sizes of the tensors by name."""
        return {name: record.shape for name, record in self.records.items()}

    def load(self) -> dict[str, Tensor]:
        """The tensors by name.

        Raises:
            CheckpointError: the bytes of a tensor are torn.
        """
        content: dict[str, bytes] = {}
        for record in self.records.values():
            if record.storage not in content:
                name = f"{self._prefix}data/{record.storage}"
                content[record.storage] = self._archive.read(name, LARGEST_WEIGHTS)
        return {name: _tensor(one, content[one.storage]) for name, one in self.records.items()}


def look_at_state(file: BinaryIO, where: str) -> StateFile:
    """Check a file of ``torch.save`` and find its tensors; they are not read yet.

    Args:
        file: seekable; open until the tensors are loaded.
        where: its name, for messages.

    Raises:
        CheckpointError: an old format, a program, anything but a dict of tensors, or tensors that
            do not lie within the file.
    """
    archive = Archive(file, where)
    sizes = archive.sizes
    indices = [name for name in sizes if name.split("/")[-1] == "data.pkl"]
    if len(indices) != 1:
        raise CheckpointError(
            f"{where} is no state dict of torch.save: it holds {len(indices)} files 'data.pkl', "
            "expected 1"
        )
    prefix = indices[0].removesuffix("data.pkl")
    order = f"{prefix}byteorder"
    if order in sizes and archive.read(order, 16) != b"little":
        raise CheckpointError(f"{where} was written on a big-endian machine: save it anew on one")
    named = state_of(read_instructions(archive.read(indices[0], LARGEST_INDEX), where), where)
    for name, record in named.items():
        _check_place(name, record, sizes.get(f"{prefix}data/{record.storage}"), where)
    if sum(sizes.values()) > LARGEST_WEIGHTS:
        raise CheckpointError(f"{where} holds more than {LARGEST_WEIGHTS:,} bytes of tensors")
    return StateFile(named, archive, prefix, where)


def state_of(top: object, where: str) -> dict[str, Record]:
    """The dict of tensors that a file holds, be it the whole or the only one one level down."""
    found: list[Any] = [top] if _is_state(top) else []
    if isinstance(top, dict) and not found:
        found = [value for value in top.values() if _is_state(value)]
    if len(found) != 1:
        kind = f"a dict of {', '.join(map(str, top))[:200]}" if isinstance(top, dict) else "no dict"
        raise CheckpointError(
            f"{where} holds {kind}: expected one state dict, tensors by name; save "
            "network.state_dict() alone"
        )
    state: dict[str, Record] = found[0]
    return state


def _is_state(value: object) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(k, str) and isinstance(v, Record) for k, v in value.items())
    )


def _check_place(name: str, record: Record, n_bytes: int | None, where: str) -> None:
    numbers = (*record.shape, *record.stride, record.offset)
    if len(record.shape) > MOST_AXES or not all(map(_is_size, numbers)):
        raise CheckpointError(f"{where}: tensor {name!r} has sizes that are no sizes")
    size = record.dtype.itemsize
    if n_bytes is None or record.last() * size > n_bytes:
        raise CheckpointError(
            f"{where}: tensor {name!r} of shape {list(record.shape)} needs "
            f"{record.last() * size:,} bytes, the file has {n_bytes or 0:,} for it"
        )
    if math.prod(record.shape) * size > n_bytes:
        raise CheckpointError(
            f"{where}: tensor {name!r} of shape {list(record.shape)} repeats its "
            f"{n_bytes:,} bytes; refused"
        )


def _is_size(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 1 << 40


def _tensor(record: Record, content: bytes) -> Tensor:
    if 0 in record.shape:
        return torch.empty(record.shape, dtype=record.dtype)
    whole = torch.frombuffer(
        bytearray(content), dtype=record.dtype, count=len(content) // record.dtype.itemsize
    )
    return whole.as_strided(record.shape, record.stride, record.offset).clone(
        memory_format=torch.contiguous_format
    )


def trusted_state(file: BinaryIO, where: str) -> dict[str, Tensor]:
    """The state dict of a file that somebody trusts: it is unpickled, which runs what it says.

    Raises:
        CheckpointError: no file of torch, or no state dict in it.
    """
    file.seek(0)
    try:
        found = torch.load(file, map_location="cpu", weights_only=False)
    except Exception as error:  # unpickling may raise anything
        raise CheckpointError(f"{where} cannot be unpickled: {error}") from error
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        found = found["state_dict"]  # as stable-baselines3's policy.save has it, beside settings
    state = found.state_dict() if hasattr(found, "state_dict") else found
    if not isinstance(state, dict) or not all(isinstance(t, Tensor) for t in state.values()):
        raise CheckpointError(f"{where} holds no state dict: save network.state_dict() alone")
    return state
