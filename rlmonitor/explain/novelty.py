"""A one-class SVM as a network: how new a frame is, and which pixels are new about it.

The decision function of a one-class SVM with Gaussian kernel, ``Σ_j α_j exp(-γ |x - u_j|²) - ρ``,
saturates: all frames far away are alike to it. Its logarithm does not (Kauffmann et al. 2018):

    h_j = |x - u_j|² - log(α_j) / γ         layer 1: distances to the support vectors
    o   = -log(Σ_j exp(-γ h_j)) / γ         layer 2: soft minimum pooling

With α scaled to add up to 1, o is a squared distance: a soft minimum over what was known. It orders
frames as the SVM does, and a frame is new to the SVM where ``o > -log(ρ) / γ``.

Deep Taylor decomposition: each support vector gets the share of the pool ``R_j = p_j o``, ``p_j =
exp(-γ h_j) / Σ exp(-γ h)``, and gives it to the inputs from the root point u_j, ``R_i = Σ_j (x -
u_j)_i² / |x - u_j|² R_j``. The relevance is never negative and adds up to o. A support vector that
*is* the frame has no difference to share by; its part is absorbed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.svm import OneClassSVM

from rlmonitor.errors import ConfigurationError, ObservationError
from rlmonitor.explain.neuralize import (
    Array,
    Decomposition,
    Neuralized,
    checked,
    checked_scale,
    gram,
    mean_square,
    min_take_most,
    neuralized,
    soft_minimum,
    spread,
    squared_distances,
)

TOLERANCE = 1e-6
"""How precisely the decision function is solved for."""


@neuralized("one_class")
@dataclass(frozen=True, eq=False)
class NeuralizedOneClass(Neuralized):
    """A one-class SVM with Gaussian kernel.

    Attributes:
        shape: of one input.
        points: ``[M, D]`` support vectors.
        weight: ``[M]`` α, positive, adding up to 1.
        gamma: 1 / squared width of the kernel.
        threshold: the score above which the SVM calls a frame an outlier.
    """

    points: NDArray[np.floating]
    weight: Array
    gamma: float
    threshold: float

    def __post_init__(self) -> None:
        checked(self.points, (int(np.prod(self.shape)),))
        checked_scale("gamma", self.gamma)
        if self.weight.shape != (len(self.points),) or not (self.weight > 0).all():
            raise ObservationError(
                f"weights {list(self.weight.shape)} of {len(self.points)} support vectors: "
                "expected a positive one for each"
            )

    def explain(self, x: ArrayLike) -> Decomposition:
        """What is new about each frame; errors are those of `scores`.

        Args:
            x: ``[N, C, H, W]`` or ``[N, D]``, as the model was fitted on.
        """
        return self._explain(x, None)

    def novel(self, x: ArrayLike) -> NDArray[np.bool_]:
        """Which frames the SVM calls outliers, ``[N]``; errors are those of `scores`."""
        return np.asarray(self.scores(x) > self.threshold)

    @cached_property
    def _points(self) -> Array:
        return np.asarray(self.points - self._centre())

    def _centre(self) -> Array:
        return self._mean

    @cached_property
    def _mean(self) -> Array:
        return np.asarray(self.points.mean(axis=0, dtype=np.float64))

    def _scores(self, x: Array) -> Array:
        distance = squared_distances(x, self._points)
        return soft_minimum(distance, self.gamma, np.log(self.weight))

    def _decompose(self, x: Array, cluster: NDArray[np.int64]) -> tuple[Array, Array, Array]:
        distance = squared_distances(x, self._points)
        score = soft_minimum(distance, self.gamma, np.log(self.weight))
        part = min_take_most(distance, self.gamma, np.log(self.weight)) * score[:, None]
        share = np.divide(part, distance, out=np.zeros_like(part), where=distance > 0)
        maps = np.maximum(spread(x, share, self._points), 0)
        return maps, score, np.where(distance > 0, 0, part).sum(1)


def fit_novelty(x: ArrayLike, *, nu: float = 0.1, gamma: float | None = None) -> NeuralizedOneClass:
    """Learn what is known.

    Whole relevance maps are nearly orthogonal to each other, so all are far from all; downsized as
    for clustering (SpRAy), a small shift of a map is no novelty.

    Args:
        x: ``[N, C, H, W]`` or ``[N, D]``: the frames of the strategies so far, scaled alike.
        nu: at most this part of them count as outliers, in (0, 1).
        gamma: of the kernel ``exp(-gamma |x - u|²)``; 1 / (mean squared distance to the mean) where
            it is None.

    Raises:
        ConfigurationError: nu or gamma out of range, or nu so small that no boundary is found.
        ObservationError: fewer than two frames, or all the same.
        NonFiniteError: NaN or infinity.
    """
    frames = checked(x)
    shape = np.asarray(x).shape[1:]
    if not 0 < nu < 1:
        raise ConfigurationError(f"nu is {nu}: expected a part of the frames between 0 and 1")
    if len(frames) < 2:
        raise ObservationError("1 frame is not enough to learn what is known: take two or more")
    width = mean_square(frames)
    gamma = 1 / width if gamma is None else checked_scale("gamma", gamma)
    kernel = gram(frames, gamma)
    svm = OneClassSVM(kernel="precomputed", nu=nu, tol=TOLERANCE).fit(kernel)
    # Support vectors on the boundary are there but for the solver's tolerance: they are known.
    dual, rho = svm.dual_coef_[0], float(svm.offset_[0]) - 2 * TOLERANCE
    total = float(dual.sum())
    if not rho > 0:
        raise ConfigurationError(
            f"nu {nu} of {len(frames)} frames is next to none: take a larger one"
        )
    return NeuralizedOneClass(
        shape=shape,
        points=frames[svm.support_],
        weight=dual / total,
        gamma=gamma,
        threshold=-float(np.log(rho / total)) / gamma,
    )
