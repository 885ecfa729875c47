"""Opening what lies in a round on disk, with the suspicion that a foreign or torn one asks for."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
import zarr
from numpy.typing import NDArray

from rlmonitor.errors import RlmonitorError, StoreError
from rlmonitor.replay.files import Location
from rlmonitor.replay.packing import FORMAT

UNSUSPICIOUS, LARGEST_EXPANSION = 64 << 20, 2_000
"""Bytes that an array may have however few are stored, and how many times these otherwise."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def reading(
    read: Callable[Concatenate[Location, Arguments], Result],
) -> Callable[Concatenate[Location, Arguments], Result]:
    """Whatever zarr, a codec or we stumble over in a torn or foreign round becomes one sentence."""

    @wraps(read)
    def careful(path: Location, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return read(path, *args, **kwargs)
        except RlmonitorError:
            raise
        except Exception as error:
            what = f"{type(error).__name__}: {error}"[:300]
            raise StoreError(f"{path} is torn, or no round: {what}") from error

    return careful


def open_group(path: Location, part: str) -> zarr.Group:
    """A part of a round or recording; all of it where ``part`` is empty.

    Raises:
        StoreError: no such round or part, or another format.
    """
    try:
        root = zarr.open_group(path, mode="r")
        _check_format(path, root.attrs.get("format"))
        group = root[part] if part else root
    except (OSError, KeyError) as error:
        what = f"round with a part {part!r}" if part else "round and no recording"
        raise StoreError(f"{path} is no {what}: {error}") from error
    if not isinstance(group, zarr.Group):
        raise StoreError(f"{path}: {part!r} is no group")
    return group


def _check_format(path: Location, found: object) -> None:
    """Refuse what this version would misread.

    Raises:
        StoreError: no format number, or one that is not known.
    """
    if found == FORMAT:
        return
    if isinstance(found, int) and found > FORMAT:
        raise StoreError(
            f"{path} has format {found}, which a newer rlmonitor wrote; this one reads format "
            f"{FORMAT}: install a newer version"
        )
    raise StoreError(f"{path} has format {found!r}, expected {FORMAT}: it is no round of a run")


def read_array(group: zarr.Group, name: str, frames: slice = slice(None)) -> NDArray[Any]:
    """Some frames of an array.

    Raises:
        StoreError: no array, or one that is larger than what is stored of it can honestly be.
    """
    child = group[name]
    if not isinstance(child, zarr.Array):
        raise StoreError(f"{name!r} is no array")
    _check_size(child, name, frames)
    return np.asarray(child[frames])


def _check_size(array: zarr.Array[Any], name: str, frames: slice) -> None:
    """Refuse what would fill the memory with what is not in the file.

    Raises:
        StoreError: a size that no honest array has for the bytes that are stored.
    """
    n = len(range(*frames.indices(array.shape[0]))) if array.ndim else 1
    cells = max(math.prod((n, *array.shape[1:])), math.prod(array.chunks))
    needed = cells * array.dtype.itemsize
    if needed > UNSUSPICIOUS and needed > LARGEST_EXPANSION * array.nbytes_stored():
        raise StoreError(
            f"{name!r} of shape {list(array.shape)} would grow to {needed:,} bytes; refused"
        )


def read_arrays(
    group: zarr.Group, name: str, frames: slice = slice(None)
) -> dict[str, NDArray[Any]]:
    """The arrays of a group within a group, in their order.

    Raises:
        StoreError: as `read_array`.
    """
    child = group[name]
    assert isinstance(child, zarr.Group)
    return {key: read_array(child, key, frames) for key in names_in(child.attrs["order"])}


def names_in(value: object) -> list[str]:
    """A list in JSON as texts; none where it is no list."""
    return [str(v) for v in value] if isinstance(value, list) else []
