"""Where the weights of a layer come from: read live, whenever a network is used.

Most layers read their own module. The classes here compute a weight and a bias from what several
modules hold, at every access, so that they stay right while training goes on; ``fresh`` gives the
same parameters as they are before training.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d
"""Normalisations that are affine maps once their running statistics are fixed."""

Draw = Callable[[Tensor, float], Tensor]
"""From a tensor and a bound to uniform numbers within the bound, in the tensor's shape and type."""


class Parameters(Protocol):
    """Where a layer's weights are read, live, at every call: its module, as a rule."""

    @property
    def weight(self) -> Tensor:
        """The weight."""

    @property
    def bias(self) -> Tensor | None:
        """The bias, if there is one."""


@runtime_checkable
class Computed(Protocol):
    """Parameters that are computed from others and know how those start."""

    def fresh(self, draw: Draw) -> Parameters:
        """The same before training."""


@dataclass(frozen=True)
class FixedParameters:
    """Weights of our own."""

    weight: Tensor
    bias: Tensor | None


@dataclass(frozen=True)
class ChannelScale:
    """What a normalisation multiplies each channel by and adds to it, once it has centred it.

    Attributes:
        norm: one that has weights.
    """

    norm: nn.LayerNorm | nn.GroupNorm

    @property
    def weight(self) -> Tensor:
        """``[C]``."""
        return self.norm.weight.reshape(-1)

    @property
    def bias(self) -> Tensor | None:
        """``[C]``, or None."""
        bias: Tensor | None = self.norm.bias
        return None if bias is None else bias.reshape(-1)

    def fresh(self, draw: Draw) -> FixedParameters:
        """Ones and zeros, as torch starts them."""
        bias = self.bias
        zeros = None if bias is None else torch.zeros_like(bias)
        return FixedParameters(torch.ones_like(self.weight), zeros)


@dataclass(frozen=True)
class BatchScale:
    """A batch normalisation by its running statistics: ``scale * x + shift``, ``[C]`` each."""

    norm: BatchNorm

    @property
    def weight(self) -> Tensor:
        """``[C]``: gamma over the running standard deviation."""
        _, variance = self._statistics()
        scale = (variance + self.norm.eps).rsqrt()
        return scale if self.norm.weight is None else scale * self.norm.weight

    @property
    def bias(self) -> Tensor:
        """``[C]``: beta less the scaled running mean."""
        mean, _ = self._statistics()
        shift = -mean * self.weight
        return shift if self.norm.bias is None else shift + self.norm.bias

    def _statistics(self) -> tuple[Tensor, Tensor]:
        mean, variance = self.norm.running_mean, self.norm.running_var
        if mean is None or variance is None:
            raise ValueError("without running statistics; track_running_stats=True is supported")
        return mean, variance

    def fresh(self, draw: Draw) -> FixedParameters:
        """Mean 0, variance 1, gamma 1, beta 0, as torch starts them."""
        ones = torch.ones_like(self._statistics()[0])
        return FixedParameters(ones / math.sqrt(1 + self.norm.eps), torch.zeros_like(ones))


@dataclass(frozen=True)
class FoldedScale:
    """A layer with a batch normalisation behind it, as one layer: ``scale (W x + b) + shift``.

    The same function, so no relevance is lost on the way between the two; zennit and captum do so
    too (Motzkus et al. 2022, 'Measurably Stronger Explanation Reliability via Model Canonization').

    Attributes:
        layer: its weight is ``[out, ...]``.
        scale: ``[out]``.
    """

    layer: Parameters
    scale: Parameters

    @property
    def weight(self) -> Tensor:
        """``[out, ...]``, each output's row scaled."""
        weight = self.layer.weight
        return weight * self.scale.weight.reshape(-1, *[1] * (weight.ndim - 1))

    @property
    def bias(self) -> Tensor | None:
        """``[out]``."""
        bias, shift = self.layer.bias, self.scale.bias
        return shift if bias is None else _added(bias * self.scale.weight, shift)

    def fresh(self, draw: Draw) -> FoldedScale:
        """Both parts as they start."""
        return FoldedScale(fresh(self.layer, draw), fresh(self.scale, draw))


def _added(bias: Tensor, shift: Tensor | None) -> Tensor:
    return bias if shift is None else bias + shift


@dataclass(frozen=True)
class MeanOfQuantiles:
    """A Linear layer that gives quantiles, as one that gives their mean for each action.

    Attributes:
        layer: its outputs are ``[n_quantiles, A]``, flattened (Dabney et al. 2018).
        n_quantiles: for each action.
    """

    layer: Parameters
    n_quantiles: int

    @property
    def weight(self) -> Tensor:
        """``[A, in]``."""
        return self._mean(self.layer.weight)

    @property
    def bias(self) -> Tensor | None:
        """``[A]``, or None."""
        bias = self.layer.bias
        return None if bias is None else self._mean(bias)

    def _mean(self, parameter: Tensor) -> Tensor:
        return parameter.reshape(self.n_quantiles, -1, *parameter.shape[1:]).mean(0)

    def fresh(self, draw: Draw) -> MeanOfQuantiles:
        """All quantiles as they start."""
        return MeanOfQuantiles(fresh(self.layer, draw), self.n_quantiles)


def fresh(parameters: Parameters, draw: Draw) -> Parameters:
    """Parameters as torch and stable-baselines3 start them.

    Weights and biases are uniform within 1 / sqrt(fan-in), which is what ``kaiming_uniform_`` with
    a = sqrt(5) comes to; normalisations start as they do in torch.
    """
    if isinstance(parameters, Computed):
        return parameters.fresh(draw)
    weight, bias = parameters.weight, parameters.bias
    bound = 1 / math.sqrt(weight[0].numel())
    return FixedParameters(draw(weight, bound), None if bias is None else draw(bias, bound))
