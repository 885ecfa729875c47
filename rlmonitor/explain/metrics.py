"""The metrics by which maps are tested: each from one method's maps on one task to numbers.

A metric gives one number for each frame (or each change, or stretch of time), so that means have
confidence intervals and methods can be compared frame by frame.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import ConfigurationError
from rlmonitor.explain.axioms import (
    boundedness,
    conservation,
    continuity,
    implementation_invariance,
)
from rlmonitor.explain.baselines import Method, explain
from rlmonitor.explain.comparison import target_sensitivity
from rlmonitor.explain.end_to_end import end_to_end
from rlmonitor.explain.flipping import PixelFlipping, pixel_flipping
from rlmonitor.explain.planted import Planted, Scenes
from rlmonitor.explain.randomisation import cascading_randomisation
from rlmonitor.explain.similarity import cosine, flat_maps
from rlmonitor.lrp import COMPOSITES, Composite, Network, Relevance

Array = NDArray[np.float64]

REPLACED_BY = ("background", "blurred")
"""What flipped patches are replaced by; the metric is the mean over these."""

N_PATCHES = 30
"""Patches of 6 x 6 pixels that are flipped, of 196 on a screen of 84 x 84."""

SOME, FEW = 24, 8
"""Frames for metrics that explain each frame several times, and many times."""


@dataclass(frozen=True)
class Task:
    """What all methods are tested on.

    Attributes:
        network: the explained one.
        observation: ``[N, C, H, W]``, as the policy gets it.
        target: ``"q"``, ``"advantage"`` or ``"logit"``.
        planted: agents with known strategies, for the end-to-end evaluation; may be empty.
        scenes: the frames that those are explained on; None without them.
        seed: of everything random.
    """

    network: Network
    observation: NDArray[Any]
    target: str = "q"
    planted: tuple[Planted, ...] = ()
    scenes: Scenes | None = None
    seed: int = 0


@dataclass(frozen=True)
class Subject:
    """One method on one task, with what several metrics need of it."""

    task: Task
    method: Method | Composite

    @cached_property
    def _timed(self) -> tuple[Relevance, float]:
        start = time.perf_counter()
        relevance = self.explain(self.task.observation)
        return relevance, (time.perf_counter() - start) / len(self.task.observation)

    @property
    def relevance(self) -> Relevance:
        """The maps of all frames."""
        return self._timed[0]

    @property
    def milliseconds(self) -> float:
        """What a map took."""
        return 1000 * self._timed[1]

    @cached_property
    def flips(self) -> tuple[PixelFlipping, ...]:
        """Pixel flipping with each replacement; the random orders are the same for all methods."""
        task = self.task
        return tuple(
            pixel_flipping(
                *(task.network, task.observation, self.relevance),
                n_patches=N_PATCHES,
                replacement=replacement,
                seed=task.seed,
            )
            for replacement in REPLACED_BY
        )

    def explain(self, observation: NDArray[Any]) -> Relevance:
        """Maps by this method."""
        return explain(
            self.task.network, observation, self.task.target, self.method, seed=self.task.seed
        )

    def arguments(self, n_frames: int) -> tuple[Network, NDArray[Any], str, Method | Composite]:
        """What metrics take that explain frames themselves; the frames are spread over all."""
        task, total = self.task, len(self.task.observation)
        at = np.linspace(0, total - 1, min(n_frames, total)).round().astype(np.int64)
        return task.network, task.observation[at], task.target, self.method


@dataclass(frozen=True)
class Metric:
    """One column of the table.

    Attributes:
        title: over the column.
        better: ``"higher"``, ``"lower"`` or ``""`` where neither is.
        values: from a subject to the numbers whose mean is taken.
        summary: one line.
    """

    title: str
    better: str
    values: Callable[[Subject], Array]
    summary: str


def _flipping(subject: Subject) -> Array:
    return np.asarray(np.mean([flip.relative_area for flip in subject.flips], axis=0))


def _survival(subject: Subject) -> Array:
    return np.asarray(np.mean([flip.survival_area for flip in subject.flips], axis=0))


def _randomisation(subject: Subject) -> Array:
    found = cascading_randomisation(*subject.arguments(SOME), seed=subject.task.seed)
    return np.asarray(found.cosine.mean(axis=0))


def _sensitivity(subject: Subject) -> Array:
    return target_sensitivity(*subject.arguments(SOME), seed=subject.task.seed).mean


def _strategies(subject: Subject) -> Array:
    task = subject.task
    if task.scenes is None or not task.planted:
        raise ConfigurationError("the metric 'strategies' needs planted agents and their scenes")
    found = end_to_end(
        [agent.network for agent in task.planted],
        [agent.element for agent in task.planted],
        task.scenes.observation,
        task.scenes.game,
        method=subject.method,
        target=task.target,
        seed=task.seed,
    )
    return np.array(found.stretches)


def _agreement(subject: Subject) -> Array:
    """Mean cosine with the maps of all LRP presets but the method itself."""
    few = Subject(subject.task, subject.method).arguments(SOME)
    own = flat_maps(explain(*few, seed=subject.task.seed))
    others = [name for name in COMPOSITES if name != subject.method.name]
    return np.asarray(
        np.mean([cosine(own, flat_maps(explain(*few[:3], name))) for name in others], axis=0)
    )


def _conservation(subject: Subject) -> Array:
    found = conservation(subject.relevance)
    return _over_mean(found.missing, found.explained)


def _boundedness(subject: Subject) -> Array:
    found = boundedness(subject.relevance)
    return _over_mean(found.largest, found.explained)


def _over_mean(values: Array, scale: Array) -> Array:
    """In units of the mean: a frame that explains nearly nothing does not decide."""
    return values / max(float(scale.mean()), 1e-30)


def _continuity(subject: Subject) -> Array:
    return continuity(*subject.arguments(FEW), n_changes=3, seed=subject.task.seed).relative


def _invariance(subject: Subject) -> Array:
    found = implementation_invariance(*subject.arguments(FEW), seed=subject.task.seed)
    return np.asarray(np.mean(list(found.distance.values()), axis=0))


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "flipping": Metric(
            "pixel flipping",
            "higher",
            _flipping,
            "area between the curves of random and most-relevant-first removal of patches, in "
            "units of the mean |explained value|",
        ),
        "survival": Metric(
            "action lost",
            "higher",
            _survival,
            "the same area for how often the greedy action survives the removal",
        ),
        "sensitivity": Metric(
            "target",
            "lower",
            _sensitivity,
            "cosine between the maps of different actions; 1: the map ignores what is explained",
        ),
        "randomisation": Metric(
            "randomised",
            "lower",
            _randomisation,
            "|cosine| with maps of the network with ever more random layers, mean over the cascade",
        ),
        "strategies": Metric(
            "strategies told",
            "higher",
            _strategies,
            "part of maps from which a classifier names the planted strategy of an unseen agent",
        ),
        "continuity": Metric(
            "jumps",
            "lower",
            _continuity,
            "largest relative change of the map under noise of 1 %",
        ),
        "invariance": Metric(
            "implementation",
            "lower",
            _invariance,
            "relative change of the map in networks that compute the same function",
        ),
        "conservation": Metric(
            "not conserved",
            "lower",
            _conservation,
            "what the map's sum lacks of the explained value, biases' part included, over its mean",
        ),
        "boundedness": Metric(
            "largest region",
            "lower",
            _boundedness,
            "sum of all relevance of one sign over mean |explained value|; 1 is the bound",
        ),
        "agreement": Metric(
            "with LRP", "", _agreement, "cosine with the maps of the other LRP composites"
        ),
    }
)
"""All metrics by name, the more important ones first."""

QUICK_METRICS = ("flipping", "survival", "sensitivity", "randomisation")
"""Metrics without planted agents and without the axioms."""
