"""A timeline as arrays and JSON, so that a resumed training keeps its strategies' identities."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import MALFORMED, StoreError
from rlmonitor.strategy.timeline import Strategy, Timeline

VERSION = 1
_PLAIN = ("id", "name", "born", "last_seen", "alive", "reach")


def to_arrays(timeline: Timeline) -> tuple[dict[str, NDArray[np.float32]], str]:
    """``(arrays, text)``: float32 arrays by name, and the rest as JSON.

    ``exemplars`` is ``[ΣE, D]``, the strategies' exemplars one after the other; ``mean_maps`` is
    ``[K, H, W]``. Both are empty for a timeline without strategies.
    """
    strategies = timeline.strategies
    rest = [
        {name: getattr(each, name) for name in _PLAIN}
        | {
            "parents": list(each.parents),
            "profile": dict(each.profile),
            "exemplars": len(each.exemplars),
        }
        for each in strategies
    ]
    arrays = {
        "exemplars": _joined([each.exemplars for each in strategies], 2),
        "mean_maps": _joined([each.mean_map[None] for each in strategies], 3),
    }
    return arrays, json.dumps({"version": VERSION, "strategies": rest})


def from_arrays(arrays: Mapping[str, NDArray[Any]], text: str) -> Timeline:
    """The timeline that `to_arrays` took apart.

    Raises:
        StoreError: anything but what it gave.
    """
    try:
        rest = json.loads(text)
        if rest["version"] != VERSION:
            raise ValueError(f"version {rest['version']}, expected {VERSION}")
        sizes = [each["exemplars"] for each in rest["strategies"]]
        exemplars, mean_maps = arrays["exemplars"], arrays["mean_maps"]
        if sum(sizes) != len(exemplars) or len(sizes) != len(mean_maps):
            raise ValueError(
                f"{len(exemplars)} exemplars and {len(mean_maps)} mean maps, expected {sum(sizes)} "
                f"and {len(sizes)}"
            )
        ends = np.cumsum(sizes, dtype=np.int64)
        strategies = tuple(
            _strategy(each, exemplars[end - each["exemplars"] : end], mean_map)
            for each, end, mean_map in zip(rest["strategies"], ends, mean_maps, strict=True)
        )
        if [each.id for each in strategies] != list(range(len(strategies))):
            raise ValueError("the ids do not count from 0")
    except MALFORMED as error:
        raise StoreError(f"this is no stored timeline: {error}") from error
    return Timeline(strategies)


def _strategy(rest: Mapping[str, Any], exemplars: NDArray[Any], mean: NDArray[Any]) -> Strategy:
    return Strategy(
        **{name: rest[name] for name in _PLAIN},
        parents=tuple(rest["parents"]),
        profile=rest["profile"],
        exemplars=np.asarray(exemplars, np.float32),
        mean_map=np.asarray(mean, np.float32),
    )


def _joined(parts: Sequence[NDArray[np.float32]], axes: int) -> NDArray[np.float32]:
    return np.concatenate(parts) if parts else np.empty((0,) * axes, np.float32)
