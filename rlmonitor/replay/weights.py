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
import pickletools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import torch
from torch import Tensor

from rlmonitor.errors import CheckpointError
from rlmonitor.replay.archives import Archive

LARGEST_INDEX = 2 << 20
"""Bytes of ``data.pkl``; a network with a thousand tensors has 0.2 MB."""

LARGEST_WEIGHTS = 1 << 30
"""Bytes of all tensors of a file."""

MOST_AXES = 8

_DTYPES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
_ORDERED_DICT = "collections OrderedDict"
_TENSOR, _PARAMETER = "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter"
_KNOWN = {_ORDERED_DICT, _TENSOR, _PARAMETER, *(f"torch {name}" for name in _DTYPES)}


@dataclass(frozen=True)
class Record:
    """Where a tensor lies.

    Attributes:
        dtype: of its numbers.
        storage: name of the bytes that it lies in.
        offset: of its first number, in numbers.
        shape: its sizes.
        stride: steps between neighbours, in numbers.
    """

    dtype: torch.dtype
    storage: str
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def last(self) -> int:
        """Index past the last number that the tensor reaches, 0 if it is empty."""
        if 0 in self.shape:
            return 0
        reach = sum((n - 1) * step for n, step in zip(self.shape, self.stride, strict=True))
        return self.offset + reach + 1


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


def read_instructions(content: bytes, where: str) -> object:
    """What a pickle describes, as dicts, lists, numbers, strings and records; nothing is run.

    Raises:
        CheckpointError: an instruction or a name beyond those of a state dict, or nonsense.
    """
    machine = _Machine(where)
    try:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name == "STOP":
                return machine.stack[-1]
            machine.follow(opcode.name, argument)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{where}: its pickle is nonsense ({error}); refused") from error
    raise CheckpointError(f"{where}: its pickle does not end")


@dataclass(frozen=True)
class _Name:
    """A function or class that a pickle names. It is never imported."""

    name: str


@dataclass(frozen=True)
class _Storage:
    dtype: torch.dtype
    key: str


class _Machine:
    """The stack that a pickle's instructions work on."""

    def __init__(self, where: str) -> None:
        self.stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._where = where

    def follow(self, name: str, argument: Any) -> None:
        """Follow one instruction.

        Raises:
            CheckpointError: one that no state dict needs.
        """
        if name in _EMPTY:
            self.stack.append(_EMPTY[name]())
        elif name in _LITERALS:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _TUPLES:
            n = _TUPLES[name]
            self.stack[-n:] = [tuple(self.stack[-n:])]
        elif name in ("PROTO", "FRAME"):
            pass
        elif (step := getattr(self, f"_{name.lower()}", None)) is not None:
            step(argument)
        else:
            raise CheckpointError(f"{self._where}: its pickle says {name}; {_ONLY}")

    def _marked(self) -> list[Any]:
        start = self._marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def _mark(self, _: object) -> None:
        self._marks.append(len(self.stack))

    def _tuple(self, _: object) -> None:
        self.stack.append(tuple(self._marked()))

    def _binput(self, index: int) -> None:
        self._memo[index] = self.stack[-1]

    _long_binput = _binput

    def _memoize(self, _: object) -> None:
        self._memo[len(self._memo)] = self.stack[-1]

    def _binget(self, index: int) -> None:
        self.stack.append(self._memo[index])

    _long_binget = _binget

    def _setitems(self, _: object) -> None:
        items = self._marked()
        for key, value in zip(items[::2], items[1::2], strict=True):
            self._enter(key, value)

    def _setitem(self, _: object) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._enter(key, value)

    def _enter(self, key: object, value: object) -> None:
        if not isinstance(self.stack[-1], dict) or not isinstance(key, str | int):
            raise ValueError("a dict with keys that are no strings")
        self.stack[-1][key] = value

    def _append(self, _: object) -> None:
        value = self.stack.pop()
        self.stack[-1].append(value)

    def _appends(self, _: object) -> None:
        items = self._marked()
        self.stack[-1].extend(items)

    def _global(self, name: str) -> None:
        if name not in _KNOWN:
            raise CheckpointError(
                f"{self._where}: its pickle wants {name.replace(' ', '.')[:80]!r}; {_ONLY}"
            )
        self.stack.append(_Name(name))

    def _stack_global(self, _: object) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self._global(f"{module} {name}")

    def _binpersid(self, _: object) -> None:
        kind, named, key, _device, _n = self.stack.pop()
        if kind != "storage" or not isinstance(named, _Name) or not isinstance(key, str):
            raise ValueError("a reference that is no storage")
        self.stack.append(_Storage(_DTYPES[named.name.removeprefix("torch ")], key))

    def _reduce(self, _: object) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, _Name):
            raise ValueError("a call of what is no function")
        if function.name == _ORDERED_DICT and not arguments:
            self.stack.append({})
        elif function.name == _TENSOR:
            self.stack.append(_record(*arguments[:4]))
        elif function.name == _PARAMETER and isinstance(arguments[0], Record):
            self.stack.append(arguments[0])
        else:
            raise ValueError(f"a call of {function.name}")

    def _build(self, _: object) -> None:
        self.stack.pop()  # a state dict's versions of modules
        if not isinstance(self.stack[-1], dict):
            raise ValueError("a state for what is no dict")


def _record(storage: Any, offset: int, shape: Sequence[int], stride: Sequence[int]) -> Record:
    if not isinstance(storage, _Storage) or len(shape) != len(stride):
        raise ValueError("a tensor without a place")
    return Record(storage.dtype, storage.key, offset, tuple(shape), tuple(stride))


_ONLY = "only state dicts of tensors are read (--trust reads it all, which runs what it says)"
_EMPTY: dict[str, Any] = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_LITERALS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE"),
}


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
