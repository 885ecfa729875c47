"""The pickle in a file of ``torch.save``, read as a list of instructions; nothing is run.

Only instructions that write a dict of tensors are known. Nothing is imported, nothing called.
"""

from __future__ import annotations

import pickletools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from rlmonitor.errors import CheckpointError

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
