"""What a saved agent's JSON says of its network and its spaces; strangers write it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from rlmonitor.errors import CheckpointError

MOST_ITEMS = 1_000_000
"""Values in an agent's JSON."""

LARGEST_OBSERVATION, LARGEST_LAYER, MOST_LAYERS = 1 << 24, 1 << 16, 32

WAY_OUT = "name the class with --architecture module:Class, or --trust the file"

_TYPE = re.compile(r"<class '([\w.]+)'>")
_NUMBER = re.compile(r"-?(?:inf|\d+(?:\.\d*)?(?:e[+-]?\d+)?)")


def parsed(content: bytes, where: str) -> dict[str, Any]:
    """A JSON object from a stranger.

    Raises:
        CheckpointError: no JSON object, or one that would take much memory.
    """
    if sum(map(content.count, (b",", b"[", b"{"))) > MOST_ITEMS:
        raise CheckpointError(f"{where}: its JSON holds more than {MOST_ITEMS:,} values; refused")
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{where}: its settings are no JSON: {first_line(error)}") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{where}: its settings are no JSON object")
    return data


def named(text: object, known: Mapping[str, Any], where: str) -> Any:
    """One of some classes by the words that a file has for it.

    Raises:
        CheckpointError: there is something else.
    """
    match = _TYPE.fullmatch(text) if isinstance(text, str) else None
    if match is None or match[1] not in known:
        raise CheckpointError(
            f"{where}: its network has a {str(text)[:80]}, and tensor shapes do not tell what that "
            f"computes; {WAY_OUT}"
        )
    return known[match[1]]


def extractor_kwargs(settings: Mapping[str, Any], where: str, *, own: bool) -> dict[str, Any]:
    """Settings of a features extractor; of one of our own any.

    Raises:
        CheckpointError: there is something else.
    """
    given = settings.get("features_extractor_kwargs") or {}
    if not isinstance(given, dict):
        raise CheckpointError(f"{where}: the settings of its features extractor are unknown")
    if own:
        return dict(given)
    unknown = given.keys() - {"features_dim", "normalized_image"}
    if unknown:
        raise CheckpointError(f"{where}: its features extractor has unknown settings; {WAY_OUT}")
    kwargs: dict[str, Any] = {}
    if "features_dim" in given:
        kwargs["features_dim"] = width(given["features_dim"], where)
    if "normalized_image" in given:
        kwargs["normalized_image"] = checked(given, "normalized_image", bool, where)
    return kwargs


def net_arch_of(given: object, where: str) -> Any:
    """Sizes of a policy's hidden layers.

    Raises:
        CheckpointError: there is something else.
    """
    if isinstance(given, list) and len(given) == 1 and isinstance(given[0], dict):
        (given,) = given  # as stable-baselines3 had it before 1.8
    if isinstance(given, dict):
        return {str(key): _widths(value, where) for key, value in given.items()}
    return _widths(given, where)


def _widths(given: object, where: str) -> list[int]:
    if not isinstance(given, list) or len(given) > MOST_LAYERS:
        raise CheckpointError(f"{where}: net_arch {str(given)[:80]} is no list of layer sizes")
    return [width(each, where) for each in given]


def width(given: object, where: str) -> int:
    """A number of units.

    Raises:
        CheckpointError: there is something else.
    """
    if isinstance(given, bool) or not isinstance(given, int) or not 0 < given <= LARGEST_LAYER:
        raise CheckpointError(
            f"{where}: a layer of {str(given)[:40]}, expected 1 to {LARGEST_LAYER:,} units"
        )
    return given


def checked(settings: Mapping[str, Any], name: str, kind: type, where: str) -> Any:
    """A setting of a type.

    Raises:
        CheckpointError: there is something else.
    """
    if not isinstance(settings[name], kind):
        raise CheckpointError(f"{where}: {name} is {str(settings[name])[:40]!r}")
    return settings[name]


def observation_space_of(told: Mapping[str, Any], where: str) -> spaces.Box:
    """What an agent observes.

    Raises:
        CheckpointError: there is something else.
    """
    shape = told.get("_shape", told.get("shape"))
    if not str(told.get(":type:")).endswith("spaces.box.Box'>") or not isinstance(shape, list):
        raise CheckpointError(
            f"{where}: it observes a {str(told.get(':type:'))[:60]}, expected a Box of images"
        )
    if not shape or not all(isinstance(n, int) and n > 0 for n in shape):
        raise CheckpointError(f"{where}: observations of shape {str(shape)[:60]}")
    if math.prod(shape) > LARGEST_OBSERVATION:
        raise CheckpointError(
            f"{where}: observations of shape {str(shape)[:60]}, expected at most "
            f"{LARGEST_OBSERVATION:,} numbers"
        )
    dtype = str(told.get("dtype"))
    if dtype not in ("uint8", "float32", "float64"):
        raise CheckpointError(f"{where}: observations of {dtype[:40]!r}, expected uint8 or float32")
    low, high = (_bound(told.get(end), end, dtype, where) for end in ("low", "high"))
    return spaces.Box(low, high, tuple(shape), np.dtype(dtype).type)


def _bound(text: object, end: str, dtype: str, where: str) -> float:
    """The least or the greatest number that is written out; the file leaves out the middle."""
    found = [float(number) for number in _NUMBER.findall(str(text)[:100_000])]
    if not found and dtype == "uint8":
        return 0.0 if end == "low" else 255.0
    if not found:
        raise CheckpointError(f"{where}: its observations have no {end}est value")
    return min(found) if end == "low" else max(found)


def n_actions_of(told: Mapping[str, Any], where: str) -> int:
    """How many actions an agent knows.

    Raises:
        CheckpointError: there is something else.
    """
    kind = str(told.get(":type:"))
    if not kind.endswith("spaces.discrete.Discrete'>"):
        raise CheckpointError(f"{where}: it acts in a {kind[:60]}, expected Discrete actions")
    try:
        n = int(told["n"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{where} does not say how many actions it has") from error
    return width(n, where)


def part_of(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object within an object; empty if there is none."""
    part = data.get(name)
    return part if isinstance(part, dict) else {}


def first_line(error: Exception) -> str:
    """What an error says, in one line."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
