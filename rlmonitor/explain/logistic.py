"""A logistic classifier as a network: which pixels speak for a class against all others.

With the linear outputs ``a_k = w_k.x + b_k`` the log-odds of class c are a soft minimum of its
contrasts to the other classes:

    h_k = (w_c - w_k).x + b_c - b_k         layer 1: contrasts
    η_c = -log(Σ_{k≠c} exp(-h_k))           layer 2: soft minimum pooling

so ``η_c > 0`` where the class is more likely than not. LRP as for the softmax on top of a deep
network (Montavon et al. 2019, 'Layer-wise relevance propagation: an overview'): contrast k gets
``p_k h_k`` with ``p_k = exp(-h_k) / Σ exp(-h)``, and a linear unit shares by ``(x - x̄)_i w_i``,
which in all is (x - x̄) times the gradient of η_c. x̄ is the mean of what the classifier was fitted
on, so a shift of the data changes nothing. What stands at x̄ already, and the entropy of p, by which
the contrasts exceed their soft minimum, is absorbed.

Soft k-means is the same network: ``w_k = 2 β μ_k``, ``b_k = -β |μ_k|²``.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from rlmonitor.errors import ConfigurationError, ObservationError
from rlmonitor.explain.neuralize import (
    Array,
    Classifying,
    checked,
    checked_scale,
    mean_square,
    min_take_most,
    neuralized,
)

ITERATIONS = 1000


@neuralized("logistic")
@dataclass(frozen=True, eq=False)
class NeuralizedLogistic(Classifying):
    """A logistic classifier over K classes; its scores are the log-odds.

    Attributes:
        shape: of one input.
        labels: ``[K]``, the label of each class, sorted.
        weight: ``[K, D]``.
        bias: ``[K]``, of the linear outputs at ``origin``.
        origin: ``[D]``, where relevance is counted from.
    """

    labels: NDArray[Any]
    weight: Array
    bias: Array
    origin: Array

    def __post_init__(self) -> None:
        classes, size = len(self.weight), int(np.prod(self.shape))
        found = (self.labels.shape, self.weight.shape, self.bias.shape, self.origin.shape)
        if classes < 2 or found != ((classes,), (classes, size), (classes,), (size,)):
            raise ObservationError(
                f"labels, weight, bias and origin have shapes {found}: expected [K], [K, {size}], "
                f"[K] and [{size}] with 2 classes or more"
            )

    @property
    def n_clusters(self) -> int:
        """K."""
        return len(self.weight)

    def _centre(self) -> Array:
        return self.origin

    def _outputs(self, x: Array) -> Array:
        return np.asarray(x @ self.weight.T + self.bias)

    def _scores(self, x: Array) -> Array:
        outputs = self._outputs(x)
        columns = range(self.n_clusters)
        others = [logsumexp(np.delete(outputs, c, axis=1), axis=1) for c in columns]
        return np.asarray(outputs - np.stack(others, axis=1))

    def _decompose(self, x: Array, cluster: NDArray[np.int64]) -> tuple[Array, Array, Array]:
        rows = np.arange(len(x))
        outputs = self._outputs(x)
        contrast = outputs[rows, cluster][:, None] - outputs
        others = np.zeros_like(contrast)
        others[rows, cluster] = -np.inf
        explained = -logsumexp(others - contrast, axis=1)
        share = min_take_most(contrast, 1.0, others)
        at_origin = self.bias[cluster][:, None] - self.bias
        gradient = self.weight[cluster] - share @ self.weight
        absorbed = explained - (share * (contrast - at_origin)).sum(1)
        return x * gradient, explained, absorbed


def fit_logistic(x: ArrayLike, labels: ArrayLike, *, strength: float = 1.0) -> NeuralizedLogistic:
    """Learn to tell labels apart.

    Inputs are shifted to their mean and scaled to a mean squared norm of 1 before the fit, so
    neither the unit of the maps nor their mean changes what is learnt.

    Args:
        x: ``[N, C, H, W]`` or ``[N, D]``.
        labels: ``[N]``, the class of each frame: whole numbers or words.
        strength: how much the data count against the L2 penalty (scikit-learn's C).

    Raises:
        ConfigurationError: strength out of range, fewer than two classes, or no convergence.
        ObservationError: not one label for each frame, or all frames the same.
        NonFiniteError: NaN or infinity.
    """
    frames, classes = checked(x), np.asarray(labels)
    if classes.shape != (len(frames),) or classes.dtype.kind not in "biuU":
        raise ObservationError(
            f"labels are {classes.dtype}{list(classes.shape)}: expected whole numbers or words "
            f"[{len(frames)}]"
        )
    checked_scale("strength", strength)
    if len(np.unique(classes)) < 2:
        raise ConfigurationError(
            f"all labels are {classes[0]}: two classes or more can be told apart"
        )
    origin = frames.mean(axis=0, dtype=np.float64)
    unit = np.sqrt(mean_square(frames))
    regression = LogisticRegression(C=strength, max_iter=ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            regression.fit((frames - origin) / unit, classes)
        except ConvergenceWarning as warning:
            raise ConfigurationError(
                f"no convergence in {ITERATIONS} steps with strength {strength}: take a smaller one"
            ) from warning
    weight, bias = regression.coef_ / unit, regression.intercept_
    if len(weight) == 1:  # two classes: scikit-learn keeps the second one's log-odds only
        weight, bias = np.concatenate([0 * weight, weight]), np.append(0.0, bias)
    shape = np.asarray(x).shape[1:]
    return NeuralizedLogistic(shape, regression.classes_, weight, bias, origin)
