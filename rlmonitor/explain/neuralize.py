"""Models without a network, written as one, so that LRP can explain them ('neuralised').

k-means, kernel k-means, the one-class SVM and the logistic classifier all are layers of linear or
squared-distance units with soft minimum and maximum pooling on top, exactly and without retraining
(Kauffmann et al. 2018, 'Towards explaining anomalies'; 2019, 'From clustering to cluster
explanations via neural networks'). On relevance maps they answer which pixels put a frame into its
strategy, and which ones make it a new one.

This file holds what the models share: the pooling layers with their LRP rule, the layer of squared
differences with its rule, and how inputs are checked and models are kept as plain arrays.

Pooling: the unit with the smallest distance gets the largest share,
``R_k = exp(-stiffness z_k) / Σ exp(-stiffness z) R``. Squared differences: a linear unit
``|x - u_k|² - |x - u_c|² = w.x + b`` is explained from the midpoint of ``u_c`` and ``u_k``, where
it is 0, which gives pixel i the part ``(x - u_k)_i² - (x - u_c)_i²`` of its value; a distance
``|x - u|²`` is explained from ``u``, which gives pixel i the part ``(x - u)_i²``.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp, softmax

from rlmonitor.errors import (
    ConfigurationError,
    NonFiniteError,
    ObservationError,
    StoreError,
    UnknownNameError,
)

Array = NDArray[np.float64]

CHUNK = 256
"""Frames that are explained at once: it bounds memory."""

SMALLEST_DIVISOR = 0.1
"""Units smaller than this part of the explained value do not pass on all that they get."""

COINCIDENT = 1e-10
"""Two points with |x - u|² below this part of |x|² + |u|² (about the centre) are the same point."""

ROUNDING = 1e-24
"""Frames whose mean square about their mean is below this part of the mean's are all the same."""

LARGEST = 1e100
"""Largest input: squares of larger ones leave the range of double precision."""

SINGLE = (1e-12, 1e12)
"""Where the largest input lies if squares of inputs are to fit into single precision."""


@dataclass(frozen=True, eq=False)
class Decomposition:
    """What each input contributed to a score.

    Attributes:
        map: in the layout of what was explained, ``[N, C, H, W]`` or ``[N, D]``; signed. Double
            precision, or single where the input is and its squares fit.
        explained: ``[N]``, the score.
        absorbed: ``[N]``, what bias, stabiliser and units with nothing to share took; the sum of a
            map and ``absorbed`` is ``explained``.
        cluster: ``[N]``, the cluster or class whose score is explained; None where the model has
            one score only.
    """

    map: NDArray[np.floating]
    explained: Array
    absorbed: Array
    cluster: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class Neuralized(ABC):
    """A fitted model as a network.

    Attributes:
        shape: of one input, ``(C, H, W)`` or ``(D,)``.
    """

    kind: ClassVar[str]
    shape: tuple[int, ...]

    def scores(self, x: ArrayLike) -> Array:
        """The network's output, ``[N]``, or ``[N, K]`` for K clusters or classes.

        Raises:
            ObservationError: inputs of another shape than the model was fitted on.
            NonFiniteError: NaN, infinity or a number above 1e100.
        """
        frames = checked(x, self.shape)
        return np.concatenate([self._scores(self._centred(frames[s])) for s in spans(len(frames))])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The model as plain arrays, for ``numpy.savez`` or zarr; `from_arrays` reads them."""
        stored = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}
        return {"kind": np.asarray(self.kind), **stored}

    @abstractmethod
    def _centre(self) -> Array:
        """``[D]``; distances are computed from here, so that no precision is lost far away."""

    @abstractmethod
    def _scores(self, x: Array) -> Array:
        """Scores of centred ``[n, D]``."""

    @abstractmethod
    def _decompose(self, x: Array, cluster: NDArray[np.int64]) -> tuple[Array, Array, Array]:
        """Maps ``[n, D]``, explained ``[n]`` and absorbed ``[n]`` of centred ``[n, D]``."""

    def _centred(self, x: NDArray[np.floating]) -> Array:
        return np.asarray(x - self._centre())

    def _explain(self, x: ArrayLike, cluster: NDArray[np.int64] | None) -> Decomposition:
        frames = checked(x, self.shape)
        chosen = np.zeros(len(frames), np.int64) if cluster is None else cluster
        maps = np.empty_like(frames)
        explained, absorbed = np.empty(len(frames)), np.empty(len(frames))
        for span in spans(len(frames)):
            part = self._decompose(self._centred(frames[span]), chosen[span])
            maps[span], explained[span], absorbed[span] = part
        return Decomposition(maps.reshape(-1, *self.shape), explained, absorbed, cluster)


class Classifying(Neuralized):
    """A network with a score for each of K clusters or classes; a positive one wins."""

    @property
    @abstractmethod
    def n_clusters(self) -> int:
        """K."""

    def assign(self, x: ArrayLike) -> NDArray[np.int64]:
        """The cluster or class of each frame, ``[N]``: that of the largest score.

        Errors are those of `scores`.
        """
        return np.asarray(np.argmax(self.scores(x), axis=1), np.int64)

    def explain(self, x: ArrayLike, cluster: ArrayLike | None = None) -> Decomposition:
        """Which inputs speak for a cluster or class, and which against it.

        Args:
            x: ``[N, C, H, W]`` or ``[N, D]``, as the model was fitted on.
            cluster: one index, or ``[N]`` of them; each frame's own where it is None.

        Raises:
            ConfigurationError: no such cluster.
            ObservationError, NonFiniteError: as `scores`.
        """
        if cluster is None:
            return self._explain(x, self.assign(x))
        n_frames = len(checked(x, self.shape))
        return self._explain(x, checked_cluster(cluster, n_frames, self.n_clusters))


Kind = TypeVar("Kind", bound=type[Neuralized])

NEURALIZED: dict[str, type[Neuralized]] = {}
"""The models by the name that their arrays are kept under."""


def neuralized(kind: str) -> Callable[[Kind], Kind]:
    """Add a class to `NEURALIZED`."""

    def add(cls: Kind) -> Kind:
        cls.kind = kind
        NEURALIZED[kind] = cls
        return cls

    return add


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Neuralized:
    """The model that `Neuralized.arrays` wrote down; a file of ``numpy.load`` will do.

    Raises:
        StoreError: an array is missing.
        UnknownNameError: a kind of model that does not exist.
        ObservationError: arrays that do not fit together.
    """
    if "kind" not in arrays:
        raise StoreError(f"no array 'kind' among {', '.join(arrays)}: not a neuralised model")
    kind = str(arrays["kind"])
    if kind not in NEURALIZED:
        raise UnknownNameError("neuralised model", kind, NEURALIZED)
    cls = NEURALIZED[kind]
    missing = [field.name for field in fields(cls) if field.name not in arrays]
    if missing:
        raise StoreError(f"arrays of a {kind} model lack {', '.join(missing)}")
    values: dict[str, Any] = {field.name: np.asarray(arrays[field.name]) for field in fields(cls)}
    plain = {name: float(value) for name, value in values.items() if value.ndim == 0}
    shape = tuple(int(size) for size in np.atleast_1d(values["shape"]))
    return cls(**{**values, **plain, "shape": shape})


def spans(n: int, size: int = CHUNK) -> Iterator[slice]:
    """Slices that cut n frames into chunks."""
    return (slice(start, start + size) for start in range(0, n, size))


def checked(x: ArrayLike, shape: tuple[int, ...] | None = None) -> NDArray[np.floating]:
    """Inputs as ``[N, D]``, in single precision where they are and its range allows, else double.

    Raises:
        ObservationError: no frames, not numbers, or another shape than expected.
        NonFiniteError: NaN, infinity or a number above 1e100.
    """
    array = np.asarray(x)
    wanted = "[N, C, H, W] or [N, D]" if shape is None else str(["N", *shape]).replace("'", "")
    fits = array.ndim > 1 and array.size > 0 and (shape is None or array.shape[1:] == shape)
    if not fits or array.dtype.kind not in "biuf":
        raise ObservationError(
            f"inputs are {array.dtype}{list(array.shape)}: expected numbers {wanted}, none of "
            "these sizes 0"
        )
    flat = array.reshape(len(array), -1)
    low, high = float(flat.min()), float(flat.max())
    if not max(-low, high) <= LARGEST:
        raise NonFiniteError("inputs hold NaN, infinity or numbers above 1e100")
    smallest, largest = SINGLE
    single = array.dtype in (np.float16, np.float32) and smallest < max(-low, high) < largest
    return np.asarray(flat, np.float32) if single else np.asarray(flat, np.float64)


def checked_cluster(cluster: ArrayLike, n_frames: int, n_clusters: int) -> NDArray[np.int64]:
    """One index or ``[N]`` of them, as ``[N]``.

    Raises:
        ConfigurationError: not whole numbers, not as many as frames, or not below n_clusters.
    """
    index = np.asarray(cluster)
    if index.dtype.kind not in "iu" or index.shape not in ((), (n_frames,)):
        raise ConfigurationError(
            f"cluster is {index.dtype}{list(index.shape)}: expected one index, or {n_frames}"
        )
    if index.min() < 0 or index.max() >= n_clusters:
        raise ConfigurationError(
            f"there are clusters 0 to {n_clusters - 1}, not {index.min()} to {index.max()}"
        )
    return np.array(np.broadcast_to(index, (n_frames,)), np.int64)


def checked_scale(name: str, value: float) -> float:
    """A positive, finite number.

    Raises:
        ConfigurationError: it is not.
    """
    if not (math.isfinite(value) and value > 0):
        raise ConfigurationError(f"{name} is {value}: expected a positive number")
    return float(value)


def mean_square(frames: NDArray[np.floating]) -> float:
    """Mean squared distance of ``[N, D]`` to their mean; it sets the width of kernels.

    Raises:
        ObservationError: all frames are the same, so nothing tells them apart.
    """
    mean = frames.mean(axis=0, dtype=np.float64)
    totals = [np.square(frames[span] - mean).sum() for span in spans(len(frames))]
    found = float(np.sum(totals)) / len(frames)
    norm = float(mean @ mean)
    if not found > ROUNDING * norm:
        raise ObservationError(f"all {len(frames)} inputs are the same: take frames that differ")
    return found


def soft_minimum(values: Array, stiffness: float, log_weight: Array | float) -> Array:
    """``-1/stiffness log Σ weight exp(-stiffness value)`` over the last axis.

    With weights that add up to 1 this is log-mean-exp pooling (Kauffmann et al. 2019): it lies
    between the smallest value, which it tends to for a large stiffness, and the mean.
    """
    return np.asarray(-logsumexp(log_weight - stiffness * values, axis=-1) / stiffness)


def min_take_most(values: Array, stiffness: float, log_weight: Array | float) -> Array:
    """The LRP rule of `soft_minimum`: each unit's share, adding up to 1 over the last axis."""
    return np.asarray(softmax(log_weight - stiffness * values, axis=-1))


def quotient(explained: Array, unit: Array) -> Array:
    """The ratio of explained to unit, held back where the unit is small.

    It is exact where |unit| is at least a tenth of |explained|. Below, ``explained / unit`` times
    ``(unit / (explained / 10))²``: it stays below 10 and is continuous at a unit of 0, where
    explained / unit would leap from one infinity to the other. The unit then passes on
    ``quotient * unit`` instead of ``explained``; the rest is absorbed.
    """
    divisor = np.maximum(np.square(unit), np.square(SMALLEST_DIVISOR * explained))
    product = explained * unit
    return np.divide(product, divisor, out=np.zeros_like(product), where=divisor > 0)


def squared_distances(x: Array, points: Array) -> Array:
    """|x_n - u_m|² as ``[n, m]``, exactly 0 where the two are the same but for rounding."""
    norms = np.square(x).sum(1)[:, None] + np.square(points).sum(1)
    found = norms - 2 * (x @ points.T)
    return np.where(found > COINCIDENT * norms, found, 0)


def spread(x: Array, coefficient: Array, points: Array) -> Array:
    """``Σ_m coefficient_nm (x_n - u_m)_i²`` for each input i, ``[n, D]``.

    The relevance of the layer of squared differences: the coefficients of a distance are positive,
    those of a difference of two distances add up to 0.
    """
    linear = coefficient @ points
    linear *= -2
    linear += x * coefficient.sum(1)[:, None]
    linear *= x
    linear += coefficient @ np.square(points)
    return linear


def gram(frames: NDArray[np.floating], gamma: float) -> Array:
    """The Gaussian kernel between all frames, ``[N, N]``."""
    centred = np.asarray(frames - frames.mean(axis=0, dtype=np.float64))
    return np.asarray(np.exp(-gamma * squared_distances(centred, centred)))
