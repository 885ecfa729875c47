"""Methods x metrics: how far the maps of each method may be believed, for one network.

What a metric is stands in `rlmonitor.explain.metrics`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rlmonitor.errors import ConfigurationError, ObservationError, UnknownNameError
from rlmonitor.explain.baselines import Method, method_of
from rlmonitor.explain.flipping import PixelFlipping
from rlmonitor.explain.intervals import Interval, bootstrap_interval
from rlmonitor.explain.metrics import METRICS, QUICK_METRICS, Array, Subject, Task
from rlmonitor.lrp import Composite

AnyMethod = str | Method | Composite

CONTROLS = ("edges", "random")
"""Methods that know nothing of the network: what they reach is worth nothing."""


@dataclass(frozen=True)
class Score:
    """A method's numbers by one metric, and their mean with its 95 % confidence interval."""

    values: tuple[float, ...]
    interval: Interval


@dataclass(frozen=True)
class Result:
    """How one method fared.

    Attributes:
        method: its name.
        kind: ``"lrp"``, ``"baseline"`` or ``"control"``.
        scores: by metric.
        curves: ``"q"`` (in units of the mean |explained value|) and ``"survival"`` with the patches
            of this method removed first, ``"q-random"`` and ``"survival-random"`` in random order;
            means over frames and replacements, K + 1 points.
        milliseconds: what a map took, as measured in passing.
    """

    method: str
    kind: str
    scores: Mapping[str, Score]
    curves: Mapping[str, tuple[float, ...]]
    milliseconds: float


def evaluate(
    task: Task,
    methods: Sequence[AnyMethod],
    metrics: Sequence[str] = QUICK_METRICS,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Result, ...]:
    """Test each method by each metric.

    Args:
        task: the network and its frames.
        methods: names of ``METHODS`` or ``COMPOSITES``, or such objects.
        metrics: names of ``METRICS``.
        progress: called before each pair with its name.

    Raises:
        UnknownNameError: no such method or metric.
        ConfigurationError: a metric that the task cannot give, or none at all.
        ObservationError: too few frames, or ones that do not fit.
        NonFiniteError: NaN or infinity in weights, outputs or maps.
    """
    if not methods or not metrics:
        raise ConfigurationError("nothing to evaluate: give one method and one metric at least")
    for name in metrics:
        if name not in METRICS:
            raise UnknownNameError("metric", name, METRICS)
    if len(task.observation) < 3:
        raise ObservationError(
            f"an evaluation needs 3 frames or more, got {len(task.observation)}: the background "
            "that patches are replaced by is a median over frames"
        )
    subjects = [Subject(task, method_of(method)) for method in methods]
    return tuple(_result(subject, metrics, progress) for subject in subjects)


def kind_of(method: Method | Composite) -> str:
    """``"lrp"``, ``"baseline"`` or ``"control"``."""
    if isinstance(method, Composite):
        return "lrp"
    return "control" if method.name in CONTROLS else "baseline"


def _result(subject: Subject, metrics: Sequence[str], progress: Callable[[str], None]) -> Result:
    scores = {}
    for name in metrics:
        progress(f"{subject.method.name}: {METRICS[name].title}")
        values = METRICS[name].values(subject)
        interval = bootstrap_interval(values, seed=subject.task.seed)
        scores[name] = Score(tuple(float(value) for value in values), interval)
    return Result(
        subject.method.name,
        kind_of(subject.method),
        scores,
        _curves(subject.flips) if "flipping" in metrics else {},
        subject.milliseconds,
    )


def _curves(flips: Sequence[PixelFlipping]) -> dict[str, tuple[float, ...]]:
    def mean(rows: Sequence[Array], scale: float = 1.0) -> tuple[float, ...]:
        return tuple(float(v) / scale for v in np.mean([row.mean(axis=0) for row in rows], axis=0))

    scale = float(np.abs(flips[0].most.explained[:, 0]).mean()) or 1.0
    return {
        "q": mean([flip.most.explained for flip in flips], scale),
        "q-random": mean([flip.random.explained for flip in flips], scale),
        "survival": mean([flip.most.survival for flip in flips]),
        "survival-random": mean([flip.random.survival for flip in flips]),
    }
